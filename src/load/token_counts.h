// What a server's `usage` says of texts held against what a tokenizer counts in them. Pure.
//
// Answers: the sums are compared, over all answers of a class. Up to one token an answer more than its text
// has is no fault: the end of a text is a token, and shows in none. Around reasoning there are tokens that do
// not show either. Prompts: a chat template puts tokens around every prompt, as many each time, which is no
// fault; so what usage has more is taken apart into what is constant (the median difference) and what grows
// with the prompt (the median slope over all pairs; Theil 1950, Sen 1968).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"

namespace assay {

// Relative: of sums of output tokens, and of the part of prompts that grows.
inline constexpr double kTokenCountTolerance = 0.02;
inline constexpr int64_t kHiddenTokensOfAnswer = 1;     // its end
inline constexpr int64_t kHiddenTokensOfReasoning = 8;  // its marks, and the lines around them

// The counts of one answer of the sample.
struct CountedAnswer {
  uint32_t class_index = 0;
  bool has_reasoning = false;
  bool is_from_chunks = false;               // no usage: output_told is the number of chunks
  int64_t prompt_told = 0, output_told = 0;  // 0: not told
  std::optional<int64_t> prompt, output;     // by the tokenizer; none: there was no text to count
};

// Who counted.
struct TokenizerSource {
  std::string file;  // its name
  int64_t bytes = 0;
  std::string key;   // content_key of it
  std::string kind;  // "BPE", and whose reader it was
};

struct TokenCountOptions {
  std::vector<std::string> classes;  // names, by class_index
  Json conditions = Json::object();  // of every record
  TokenizerSource tokenizer;
  int64_t drawn = 0;     // answers in the sample, counted or not
  std::string left_out;  // why some were not counted: "3 with tool calls"; may be empty
};

struct TokenCounts {
  // usage_output_ratio (none where the texts have no tokens), usage_prompt_ratio, usage_prompt_offset_tokens
  std::vector<Record> records;
  // load.tokens: a note where they agree, a doubt where not. The three lists stand in its evidence.
  Finding finding;
  std::vector<std::string> agreeing_classes;  // whose output tokens were counted and are those told
  std::vector<std::string>
      doubtful_classes;  // whose output tokens are not what was counted; "all": of the sum
  std::vector<std::string>
      doubtful_prompt_classes;  // whose prompt tokens grow in another way; "all" with any
};

TokenCounts compare_token_counts(std::span<const CountedAnswer> answers, const TokenCountOptions& options);

}  // namespace assay
