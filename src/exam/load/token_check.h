// Token counts held against the model's own tokenizer, when a trial is over: what the server's `usage` said
// of a sample of answers, and what their texts have.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "exam/exam.h"
#include "load/load.h"
#include "workload/workload.h"

namespace assay {

inline constexpr uint32_t kSampledAnswers = 200;  // of a trial

// Counts tokens: a tokenizer.json by a reader of our own, a GGUF's vocabulary by the engine in a worker
// process.
class TokenCounter {
 public:
  static constexpr int64_t kUncountable = -1;
  virtual ~TokenCounter() = default;
  // One count for each text, without the tokens that a server puts in front; kUncountable where one cannot be
  // counted. Blocks for as long as it takes, two minutes at most.
  virtual Result<std::vector<int64_t>> count(ExamContext& context,
                                             const std::vector<std::string_view>& texts) = 0;
  virtual const TokenizerSource& source() const = 0;
};

// `path`: a file .gguf, or a tokenizer.json. Fails, with the name of what is missing, where it cannot count
// rightly.
Result<std::unique_ptr<TokenCounter>> open_token_counter(const std::string& path);

// Divides by output tokens, or judges or counts what does; or counts prompt tokens.
bool rests_on_token_counts(const Record& record);

// Adds the records and findings of `texts` to `outcome`, and makes those that rest on wrong counts doubtful.
// A tokenizer that fails on the way is a finding.
void check_tokens(ExamContext& context, TokenCounter& counter, const std::vector<AnswerText>& texts,
                  const std::vector<TrafficClass>& classes, const Json& conditions, TrialOutcome& outcome);

}  // namespace assay
