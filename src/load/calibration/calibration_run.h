// Calibration: the load path of this program, as it measures endpoints, against `assay emulate` in a child
// process, in a few fixed shapes of traffic.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "os/os.h"

namespace assay {

struct CalibrationOptions {
  std::vector<std::string> program;                              // this program: {"/usr/bin/assay"}
  std::vector<std::pair<std::string, std::string>> environment;  // the whole environment of the emulator
  std::string folder;      // of this calibration alone; the files that it makes there are removed again
  double shape_s = 4;      // how long a shape sends requests
  int64_t processors = 1;  // that client and server may use
  std::function<bool()> interrupted;                      // asked ten times a second
  std::function<void(const std::string& name)> on_shape;  // a shape begins; may be empty
};

// One row a shape, in a fixed order. A shape that cannot run here is skipped, with the reason; one whose
// emulator or trial was no good is marked. Fails if the emulator cannot be started or leaves no stamps, or if
// it is interrupted. Nothing but loopback is used. One thread, which must outlive the call.
Result<std::vector<CalibrationShape>> run_calibration(const CalibrationOptions& options, Clock& clock);

}  // namespace assay
