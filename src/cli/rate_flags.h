// The flags of `assay load` that ask for more than one rate: --sweep, --capacity, --tiers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/flag_text.h"

namespace assay {

// One limit of --goodput or --tiers.
struct LimitWord {
  std::string word;     // as typed: "ttft:500"
  std::string setting;  // of a table of limits: "ttft_ms = 500"
};
// "ttft:500,tpot:50".
Result<std::vector<LimitWord>> limits_of_words(const std::string& text, const char* flag);

struct RateChoice {
  bool is_asked = false;       // one of the flags was given: nothing else is run
  bool takes_requests = true;  // --num-prompts has a meaning
  FlagText tables;             // [load.sweep], [load.capacity]; they come last in the scenario
  std::string words;           // what was chosen
};
Result<RateChoice> rates_of_flags(const ParsedOptions& options);

}  // namespace assay
