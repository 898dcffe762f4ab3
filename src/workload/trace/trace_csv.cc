// See trace_csv.h.
#include "workload/trace/trace_csv.h"

#include <fmt/format.h>

#include <algorithm>

#include "workload/trace/trace.h"

namespace assay {

TraceLines::TraceLines(std::string_view text, std::string_view where) : text_(text), where_(where) {
  if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
}

bool TraceLines::next(std::string_view& line) {
  if (text_.find_first_not_of("\r\n") == std::string_view::npos) return false;
  const size_t end = std::min(text_.find('\n'), text_.size());
  line = text_.substr(0, end);
  text_.remove_prefix(std::min(end + 1, text_.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++number_;
  return true;
}

std::unexpected<Error> TraceLines::failed(std::string what, std::string remedy) const {
  return fail(std::move(what), fmt::format("{}:{}", where_, std::max<size_t>(number_, 1)), std::move(remedy));
}

bool split_columns(std::string_view line, std::span<std::string_view> columns, size_t& count) {
  if (line.size() > TraceLines::kMaxBytes) return false;
  for (count = 0; count < columns.size();) {
    const size_t comma = line.find(',');
    columns[count++] = line.substr(0, comma);
    if (comma == std::string_view::npos) return true;
    line.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<double> parse_tokens(std::string_view text) {
  const std::optional<int64_t> tokens = parse_integer(text);
  if (!tokens || *tokens < 0 || *tokens > kMaxTokens) return std::nullopt;
  return static_cast<double>(*tokens);
}

}  // namespace assay
