// The Azure LLM inference trace as CSV: "TIMESTAMP,ContextTokens,GeneratedTokens", one request a row, in
// order of time.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "workload/traffic.h"

namespace assay {
namespace {

constexpr std::string_view kHeader = "TIMESTAMP,ContextTokens,GeneratedTokens";
constexpr size_t kMaxLineBytes = 256;
constexpr int64_t kMaxSpanNs = int64_t{366} * 86'400 * 1'000'000'000;

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

std::optional<uint32_t> parse_tokens(std::string_view text) {
  const std::optional<int64_t> tokens = parse_integer(text);
  if (!tokens || *tokens < 0 || *tokens > kMaxTokens) return std::nullopt;
  return static_cast<uint32_t>(*tokens);
}

uint32_t scaled(uint32_t tokens, double factor) {
  return static_cast<uint32_t>(std::clamp(std::round(tokens * factor), 1.0, static_cast<double>(kMaxTokens)));
}

// A row as it stands: the instant is absolute, the lengths are not scaled.
Result<TraceEntry> parse_row(std::string_view line, const std::string& where) {
  constexpr const char* kRemedy = "A row reads like 2023-11-16 18:15:46.6805900,374,44.";
  const std::vector<std::string_view> fields = split(line.substr(0, kMaxLineBytes), ',');
  if (line.size() > kMaxLineBytes || fields.size() != 3)
    return fail("not a row of three columns", where, kRemedy);
  const std::optional<int64_t> at_ns = parse_timestamp_ns(fields[0]);
  if (!at_ns) return fail(fmt::format("not a timestamp: '{}'", printable(fields[0], 40)), where, kRemedy);
  TraceEntry entry{Nanos(*at_ns), 0, 0};
  for (const bool is_prompt : {true, false}) {
    const std::string_view field = fields[is_prompt ? 1 : 2];
    const std::optional<uint32_t> tokens = parse_tokens(field);
    if (!tokens) {
      const std::string what =
          fmt::format("not a number of tokens from 0 to {}: '{}'", kMaxTokens, printable(field, 40));
      return fail(what, where, kRemedy);
    }
    (is_prompt ? entry.prompt_tokens : entry.output_tokens) = *tokens;
  }
  return entry;
}

// Takes the next line off `text`, without its end.
std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

Result<std::vector<TraceEntry>> parse_azure_trace(std::string_view text, std::string_view where,
                                                  uint32_t limit, TraceScaling scaling) {
  CHECK(scaling.rate > 0 && scaling.length > 0);
  take(text, "\xef\xbb\xbf");
  if (take_line(text) != kHeader) {
    return fail("not a trace of the Azure format", fmt::format("{}:1", where),
                fmt::format("Its first line reads {}.", kHeader));
  }
  std::vector<TraceEntry> entries;
  Nanos first{}, last{};
  for (uint32_t number = 2; !text.empty() && entries.size() < limit; ++number) {
    const std::string_view line = take_line(text);
    if (line.empty() && text.empty()) break;
    const std::string here = fmt::format("{}:{}", where, number);
    ASSIGN_OR_RETURN(TraceEntry entry, parse_row(line, here));
    if (entries.empty()) first = last = entry.offset;
    if (entry.offset < last) return fail("earlier than the row before", here, "Sort the rows by time.");
    last = entry.offset;
    if ((last - first).count > kMaxSpanNs) return fail("more than a year after the first row", here);
    entry.offset = Nanos(static_cast<int64_t>(static_cast<double>((last - first).count) / scaling.rate));
    entry.prompt_tokens = scaled(entry.prompt_tokens, scaling.length);
    entry.output_tokens = scaled(entry.output_tokens, scaling.length);
    entries.push_back(entry);
  }
  if (entries.empty()) return fail("the trace has no rows", std::string(where));
  return entries;
}

}  // namespace assay
