// PromptCutter: from a stretch of a prompt (a corpus, a place in it, so many tokens) to its text, for targets
// that take text. Where a tokenizer has said where the tokens of the corpus lie, the text has the tokens that
// are asked for; else it has so many bytes for each.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "workload/trace/trace.h"

namespace assay {

// Where the tokens of a text end, made by adding what each of them stands for, in their order.
class SpelledText {
 public:
  explicit SpelledText(std::string_view text) : text_(text) {}

  // A blank that a tokenizer puts in front of a text is no part of it.
  void add(std::string_view piece);
  // In bytes, ascending, the last one the text's size. Empty if the tokens do not spell it.
  std::vector<uint32_t> take();

 private:
  std::string_view text_;
  std::vector<uint32_t> ends_;
  size_t at_ = 0;
  bool is_broken_ = false;
};

// What is to be counted beside a corpus so that it can be cut by its tokens: each of its different words.
// Views into the corpus.
std::vector<std::string_view> words_of_corpus(std::string_view corpus);

// By a tokenizer: how many tokens a word has as a whole text, and how many it adds to a text that it ends,
// a blank before it.
struct WordTokens {
  int64_t alone = 0, behind_blank = 0;
};

// The tokens of a corpus, and where a stretch of it may begin: at words that have as many tokens at the
// beginning of a text, and behind a blank, as they have inside the corpus. From there on the tokens of the
// stretch are those of the corpus: merges do not reach beyond a token of byte-pair encoding, so that a cut
// between two of them changes neither.
class CorpusTokens {
 public:
  // `ends`: of the tokens of `corpus`, in bytes (SpelledText). Nothing where too few words keep their tokens
  // to begin at.
  static std::optional<CorpusTokens> create(std::string_view corpus, std::vector<uint32_t> ends,
                                            const std::map<std::string_view, WordTokens>& words);

  // Appends the stretch of `tokens` tokens at the place that `seed` gives, without the blanks at its end. A
  // shorter stretch of the same seed is the beginning of a longer one. A stretch never ends in a token that
  // is blanks alone, which chat templates cut off, nor within a character: it then has the nearest number of
  // tokens that can be had. How many more than `tokens` that is, is returned: -1 or 1, seldom further off.
  // `is_behind_blank`: what stands before it in `out` ends with a blank.
  int64_t append(std::string_view corpus, uint64_t seed, uint32_t tokens, bool is_behind_blank,
                 std::string& out) const;

  size_t tokens() const { return ends_.size(); }
  size_t starts() const { return starts_.size(); }

 private:
  struct Start {
    uint32_t byte, token;
  };
  size_t nearest_length(std::string_view corpus, size_t token, size_t tokens) const;
  bool may_end_behind(std::string_view corpus, size_t token) const;

  std::vector<uint32_t> ends_;
  std::vector<Start> starts_;
  // Tokens that a stretch has beyond those of the corpus: where blanks are tokens of their own, the one
  // before it; where a tokenizer puts one in front of a text, that one.
  int64_t more_alone_ = 0, more_behind_blank_ = 0;
};

// Immutable once it is set up; any thread may cut with it then.
class PromptCutter {
 public:
  PromptCutter() = default;
  explicit PromptCutter(double bytes_per_token) : bytes_per_token_(bytes_per_token) {}

  // How stretches of `corpus` are cut from now on.
  void set_tokens(const std::string& corpus, CorpusTokens tokens);
  void set_bytes_per_token(const std::string& corpus, double bytes_per_token);

  // Appends a stretch, as CorpusTokens::append or prompt_text make it, and says how many tokens more than
  // `tokens` it is known to have.
  int64_t append(std::string_view corpus, uint64_t seed, uint32_t tokens, bool is_behind_blank,
                 std::string& out) const;
  // One that is a text of its own.
  std::string text(std::string_view corpus, uint64_t seed, uint32_t tokens) const;

 private:
  struct Way {
    std::optional<CorpusTokens> tokens;
    double bytes_per_token = 0;
  };
  double bytes_per_token_ = kBytesPerToken;
  std::map<std::string, Way, std::less<>> ways_;  // by corpus; those without have the usual one
};

}  // namespace assay
