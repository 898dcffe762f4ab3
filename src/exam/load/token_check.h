// Token counts held against the model's own tokenizer, when a trial is over: what the server's `usage` said
// of a sample of answers, and what their texts have.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/base.h"
#include "exam/exam.h"
#include "exam/load/token_counter.h"
#include "load/load.h"
#include "workload/workload.h"

namespace assay {

inline constexpr uint32_t kSampledAnswers = 200;  // of a trial

// How many tokens more than was asked for prompts have.
struct PromptErrors {
  int64_t prompts = 0, exact = 0, sum = 0, largest = 0;

  void add(int64_t error) {
    add({.prompts = 1, .exact = error == 0, .sum = error, .largest = std::abs(error)});
  }
  void add(const PromptErrors& other) {
    prompts += other.prompts;
    exact += other.exact;
    sum += other.sum;
    largest = std::max(largest, other.largest);
  }
};

struct TokenCheck {
  bool is_counted = false;                    // answers were
  std::vector<std::string> agreeing_classes;  // whose output tokens were counted, and are those told
  PromptErrors prompts;                       // of the sample
};

// Adds the records and findings of `texts` to `outcome`, and makes those that rest on wrong counts doubtful.
// A tokenizer that fails on the way, or on most answers, is a finding.
TokenCheck check_tokens(ExamContext& context, TokenCounter& counter, const std::vector<AnswerText>& texts,
                        const std::vector<TrafficClass>& classes, const Json& conditions,
                        TrialOutcome& outcome);

// Of which classes the counts are in doubt; "all" stands for the sum.
struct DoubtfulTokens {
  std::vector<std::string> classes;         // output tokens
  std::vector<std::string> prompt_classes;  // prompt tokens
};

// As a finding load.tokens tells them.
DoubtfulTokens doubtful_tokens_of(const Finding& finding);

// Makes doubtful what is valid and rests on these counts: what divides by output tokens of the class (TPOT,
// tokens/s, energy per token), what is judged by a limit on TPOT, prompt tokens/s.
void doubt_tokens(const DoubtfulTokens& tokens, const std::vector<TrafficClass>& classes,
                  std::vector<Record>& records);

}  // namespace assay
