// From the flags of `assay load` to a scenario: what users of other load generators type, as the text of a
// file that `assay run` takes too.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "scenario/scenario.h"

namespace assay {

std::span<const OptionSpec> load_flags();

struct LoadChoice {
  std::string scenario_text;  // TOML
  std::string words;          // what was chosen, one line for people
  ErrorTelling tell_error;    // says errors in the text of the flags that made it
};
// Errors name the flag. `urls`, one at least, may lack scheme and path: "127.0.0.1:8000" is
// http://127.0.0.1:8000/v1.
Result<LoadChoice> scenario_of_flags(const std::vector<std::string>& urls, const ParsedOptions& options);

}  // namespace assay
