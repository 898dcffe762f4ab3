// The flags of `assay load` that ask for more than one rate: --sweep, --capacity, --tiers.
#pragma once

#include <cstdint>
#include <string>

#include "cli/command.h"

namespace assay {

// "ttft:500,tpot:50" as the members of a table of limits: "ttft_ms = 500, tpot_ms = 50".
Result<std::string> limits_of_words(const std::string& text, const char* flag);

struct RateChoice {
  bool is_asked = false;       // one of the flags was given: nothing else is run
  bool takes_requests = true;  // --num-prompts has a meaning
  std::string tables;          // [load.sweep], [load.capacity]; they come last in the scenario
  std::string words;           // what was chosen
  uint32_t connections = 0;    // at least so many
};
Result<RateChoice> rates_of_flags(const ParsedOptions& options);

}  // namespace assay
