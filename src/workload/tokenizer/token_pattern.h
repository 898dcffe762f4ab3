// TokenPattern: the regular expressions of a tokenizer.json, which are Oniguruma's, run by PCRE2 (which only
// token_pattern.cc sees). What the two read differently is translated, or else refused by name.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

struct TokenSpan {
  size_t begin = 0, end = 0;
  bool is_match = false;

  bool operator==(const TokenSpan&) const = default;
};

// One thread only.
class TokenPattern {
 public:
  // {"String": …} or {"Regex": …}, as patterns stand in a tokenizer.json. `where` names it in errors.
  static Result<TokenPattern> read(const Json& json, const std::string& where);
  static Result<TokenPattern> compile(std::string_view pattern, const std::string& where);
  // Of exactly this text.
  static Result<TokenPattern> literal(std::string_view text, const std::string& where);
  TokenPattern(TokenPattern&&) noexcept;
  TokenPattern& operator=(TokenPattern&&) noexcept;
  ~TokenPattern();

  // `text`, which is valid UTF-8, from end to end as matches and what lies between them. Fails where one
  // match takes more than ten million steps, or all of them more than the text's length allows: patterns and
  // texts may be hostile.
  Result<std::vector<TokenSpan>> spans(std::string_view text) const;

 private:
  struct Compiled;
  explicit TokenPattern(std::unique_ptr<Compiled> compiled);
  static Result<TokenPattern> compile_pcre(const std::string& pattern, const std::string& where);
  std::unique_ptr<Compiled> compiled_;
};

// The same expression as PCRE2 reads it.
Result<std::string> translated_pattern(std::string_view pattern, const std::string& where);

}  // namespace assay
