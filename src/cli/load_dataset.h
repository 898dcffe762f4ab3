// --dataset-name and --dataset-path of `assay load`: which trace, under the names that users of other load
// generators know it by.
#pragma once

#include <string>

#include "cli/command.h"
#include "cli/flag_text.h"

namespace assay {

struct Dataset {
  std::string name = "random";  // what the traffic class is called
  FlagText keys;                // [load.trace] of a scenario; empty: no trace
  bool has_instants = false;    // of the trace's own
  bool is_trace() const { return !keys.empty(); }
};
// A path without a name is read by its content. Errors name the flag; what is wrong with the file is
// found with the scenario.
Result<Dataset> dataset_of(const ParsedOptions& options, uint32_t requests);

}  // namespace assay
