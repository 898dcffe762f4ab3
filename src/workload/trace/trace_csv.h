// Lines, columns and numbers of traces that are CSV without quotes.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

// A file line by line; no line of these formats is longer than `kMaxBytes`.
class TraceLines {
 public:
  static constexpr size_t kMaxBytes = 1024;

  TraceLines(std::string_view text, std::string_view where);
  // The next line, without its end. Empty lines at the end of the file are none.
  bool next(std::string_view& line);
  // Of the line that came last; an error there.
  std::unexpected<Error> failed(std::string what, std::string remedy) const;

 private:
  std::string_view text_;
  const std::string where_;
  size_t number_ = 0;
};

// The columns of a line; false if there are more than they have room for.
bool split_columns(std::string_view line, std::span<std::string_view> columns, size_t& count);

// A whole number of tokens, at most kMaxTokens, as a double.
std::optional<double> parse_tokens(std::string_view text);

}  // namespace assay
