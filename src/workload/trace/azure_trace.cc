// The Azure LLM inference traces as CSV: "TIMESTAMP,ContextTokens,GeneratedTokens", one request a row, in
// order of time. Those of 2024 end their timestamps in a zone, and leave the fraction out where it is 0.
#include <fmt/format.h>

#include <array>

#include "workload/trace/trace_builder.h"
#include "workload/trace/trace_csv.h"

namespace assay {
namespace {

constexpr std::string_view kHeader = "TIMESTAMP,ContextTokens,GeneratedTokens";

// Exactly `count` digits at the head of `text`, which is moved past them; -1 if they are not there.
int64_t take_digits(std::string_view& text, size_t count) {
  if (text.size() < count) return -1;
  int64_t value = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

// Days since 1970-01-01 of a day of the Gregorian calendar (Hinnant, chrono-compatible low-level date
// algorithms).
int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = year / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

// The digits behind the point of a second, up to nine, as nanoseconds; -1 if there is no digit.
int64_t take_fraction_ns(std::string_view& text) {
  int64_t ns = 0, scale = 100'000'000;
  size_t count = 0;
  while (count < text.size() && count < 9 && text[count] >= '0' && text[count] <= '9') {
    ns += (text[count++] - '0') * scale;
    scale /= 10;
  }
  text.remove_prefix(count);
  return count == 0 ? -1 : ns;
}

// "2023-11-16 18:15:46.6805900" as nanoseconds since 1970, or nothing; the zone "+00:00" of later traces is
// read over.
std::optional<int64_t> parse_timestamp_ns(std::string_view text) {
  struct Part {
    std::string_view before;
    size_t digits;
    int64_t low, high;
  };
  // Years that a count of nanoseconds in 64 bits holds.
  constexpr std::array<Part, 6> kParts = {{{"", 4, 1970, 2199},
                                           {"-", 2, 1, 12},
                                           {"-", 2, 1, 31},
                                           {" ", 2, 0, 23},
                                           {":", 2, 0, 59},
                                           {":", 2, 0, 60}}};
  std::array<int64_t, 6> values{};
  for (size_t i = 0; i < kParts.size(); ++i) {
    if (!take(text, kParts[i].before)) return std::nullopt;
    values[i] = take_digits(text, kParts[i].digits);
    if (values[i] < kParts[i].low || values[i] > kParts[i].high) return std::nullopt;
  }
  const int64_t fraction_ns = take(text, ".") ? take_fraction_ns(text) : 0;
  take(text, "+00:00");
  if (fraction_ns < 0 || !text.empty()) return std::nullopt;
  const int64_t days = days_from_civil(values[0], values[1], values[2]);
  return (((days * 24 + values[3]) * 60 + values[4]) * 60 + values[5]) * 1'000'000'000 + fraction_ns;
}

// A row as it stands, not scaled.
Result<TraceRow> parse_row(std::string_view line, const TraceLines& lines) {
  constexpr const char* kRemedy = "A row reads like 2023-11-16 18:15:46.6805900,374,44.";
  std::array<std::string_view, 3> columns;
  size_t count = 0;
  if (!split_columns(line, columns, count) || count != columns.size())
    return lines.failed("not a row of three columns", kRemedy);
  TraceRow row;
  row.at_ns = parse_timestamp_ns(columns[0]);
  if (!row.at_ns)
    return lines.failed(fmt::format("not a timestamp: '{}'", printable(columns[0], 40)), kRemedy);
  for (const bool is_prompt : {true, false}) {
    const std::string_view column = columns[is_prompt ? 1 : 2];
    const std::optional<double> tokens = parse_tokens(column);
    if (!tokens) {
      return lines.failed(
          fmt::format("not a number of tokens from 0 to {}: '{}'", kMaxTokens, printable(column, 40)),
          kRemedy);
    }
    (is_prompt ? row.prompt_tokens : row.output_tokens) = *tokens;
  }
  return row;
}

}  // namespace

bool is_azure_trace(std::string_view text) {
  std::string_view line;
  return TraceLines(text, "").next(line) && line == kHeader;
}

Result<Trace> parse_azure_trace(std::string_view text, std::string_view where, const TraceOptions& options) {
  TraceLines lines(text, where);
  std::string_view line;
  if (!lines.next(line) || line != kHeader)
    return lines.failed("not a trace of the Azure format", fmt::format("Its first line reads {}.", kHeader));
  TraceBuilder builder(options, 1);
  std::optional<int64_t> last_ns;
  while (!builder.is_full() && lines.next(line)) {
    ASSIGN_OR_RETURN(const TraceRow row, parse_row(line, lines));
    if (last_ns && *row.at_ns < *last_ns)
      return lines.failed("earlier than the row before", "Sort the rows by time.");
    last_ns = row.at_ns;
    if (std::string problem = builder.add(row); !problem.empty()) return lines.failed(std::move(problem), "");
  }
  return builder.finish(where);
}

}  // namespace assay
