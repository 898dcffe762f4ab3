// How the prompts of an endpoint trial are cut from the corpora: by the tokens that the served model's
// tokenizer makes of them, so that prompts have the tokens that are asked for. Done before the trial; while
// the load runs a cut is a search in a table and a copy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exam/exam.h"
#include "exam/load/token_counter.h"
#include "workload/workload.h"

namespace assay {

struct PromptCuts {
  PromptCutter cutter;
  // For the conditions of the trial's records: "tokens of tokenizer.json". Where the tokens do not spell a
  // corpus, since the tokenizer changes texts or does not know their characters, it is cut by the mean:
  // "3.98 bytes a token by tokenizer.json". Empty: at the usual bytes a token.
  std::string by;
  std::optional<Finding> finding;  // load.prompt-lengths: the tokenizer failed
};

// For the corpora of `classes`. Counts each corpus once, and each of its different words.
PromptCuts cut_prompts(ExamContext& context, TokenCounter& counter, const std::vector<TrafficClass>& classes);

}  // namespace assay
