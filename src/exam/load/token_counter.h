// TokenCounter: the served model's own tokenizer: what it makes of texts, before a trial and after it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "exam/exam.h"
#include "load/load.h"

namespace assay {

// Counts tokens: a tokenizer.json by a reader of our own, a GGUF's vocabulary by the engine in a worker
// process.
class TokenCounter {
 public:
  static constexpr int64_t kUncountable = -1;
  struct Counts {
    // One for each text, without the tokens that a server puts in front; kUncountable where one cannot be
    // counted.
    std::vector<int64_t> tokens;
    // Of the first texts, as many as were to be spelled: where their tokens end, in bytes. Empty where they
    // do not spell the text.
    std::vector<std::vector<uint32_t>> ends;
    std::string problem;  // why the first that cannot be counted cannot be
  };

  virtual ~TokenCounter() = default;
  // Blocks for as long as it takes, two minutes at most. `spelled`: at most kMaxSpelledTexts.
  virtual Result<Counts> count(ExamContext& context, const std::vector<std::string_view>& texts,
                               size_t spelled) = 0;
  virtual const TokenizerSource& source() const = 0;
};

// `path`: a file .gguf, or a tokenizer.json. Fails, with the name of what is missing, where it cannot count
// rightly.
Result<std::unique_ptr<TokenCounter>> open_token_counter(const std::string& path);

}  // namespace assay
