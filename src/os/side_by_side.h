// Several children at once, each with the same limits of time and output: what is asked of foreign programs
// that may be silent, endless or never end, in no more time than the slowest is given.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/clock.h"
#include "os/process.h"

namespace assay {

struct ChildOutput {
  std::string error;              // why it was not started; "" it was
  std::string out, err;           // what it wrote, cut off at the limit
  bool is_cut_off = false;        // it wrote more than it may, and was killed for it
  bool timed_out = false;         // it had not ended in time, and was killed
  std::optional<ProcessEnd> end;  // nothing where it was killed, or not started

  bool is_clean() const { return error.empty() && end && end->clean(); }
  std::string words() const;  // how it ended: "did not answer within its time", "signal 11 (…)"; "" well
};

// Starts all, reads at most `most_bytes` of each stream, and kills with its group whatever has not ended
// after `limit`. Answers in the order of `children`. `clock` must be one that goes on by itself.
std::vector<ChildOutput> run_side_by_side(const std::vector<ProcessOptions>& children, Clock& clock,
                                          Nanos limit, size_t most_bytes);

}  // namespace assay
