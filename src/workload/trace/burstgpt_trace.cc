// BurstGPT as CSV: "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type", instants in
// seconds, one request a row. Columns go by their names, since later releases add some (Session ID, Elapsed
// time), which are read over. A response of no tokens is a request that failed: it is skipped and counted.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "workload/trace/trace_builder.h"
#include "workload/trace/trace_csv.h"

namespace assay {
namespace {

constexpr size_t kMaxColumns = 32;
constexpr std::array<std::string_view, 3> kColumns = {"Timestamp", "Request tokens", "Response tokens"};

using Places = std::array<size_t, kColumns.size()>;

// Where the columns stand; nothing if one is missing.
std::optional<Places> places_of(std::string_view header) {
  std::array<std::string_view, kMaxColumns> columns;
  size_t count = 0;
  if (!split_columns(header, columns, count)) return std::nullopt;
  Places places{};
  for (size_t i = 0; i < kColumns.size(); ++i) {
    const auto end = columns.begin() + static_cast<ptrdiff_t>(count);
    const auto found = std::find(columns.begin(), end, kColumns[i]);
    if (found == end) return std::nullopt;
    places[i] = static_cast<size_t>(found - columns.begin());
  }
  return places;
}

Result<TraceRow> parse_row(std::string_view line, const Places& places, const TraceLines& lines) {
  constexpr const char* kRemedy = "A row reads like 5,ChatGPT,472,18,490,Conversation log.";
  std::array<std::string_view, kMaxColumns> columns;
  size_t count = 0;
  if (!split_columns(line, columns, count) || *std::ranges::max_element(places) >= count)
    return lines.failed("not a row of the columns that the first line names", kRemedy);
  TraceRow row;
  const std::optional<double> at_s = parse_number(columns[places[0]]);
  if (at_s) row.at_ns = trace_nanos(*at_s, 1e9);
  if (!row.at_ns)
    return lines.failed(fmt::format("not an instant in seconds: '{}'", printable(columns[places[0]], 40)),
                        kRemedy);
  for (const size_t i : {1, 2}) {
    const std::string_view column = columns[places[i]];
    const std::optional<double> tokens = parse_tokens(column);
    if (!tokens) {
      return lines.failed(
          fmt::format("not a number of tokens from 0 to {}: '{}'", kMaxTokens, printable(column, 40)),
          kRemedy);
    }
    (i == 1 ? row.prompt_tokens : row.output_tokens) = *tokens;
  }
  return row;
}

}  // namespace

bool is_burstgpt_trace(std::string_view text) {
  std::string_view line;
  return TraceLines(text, "").next(line) && places_of(line).has_value();
}

Result<Trace> parse_burstgpt_trace(std::string_view text, std::string_view where,
                                   const TraceOptions& options) {
  TraceLines lines(text, where);
  std::string_view line;
  const std::optional<Places> places = lines.next(line) ? places_of(line) : std::nullopt;
  if (!places) {
    return lines.failed("not a trace of the BurstGPT format",
                        "Its first line names the columns Timestamp, Request tokens and Response tokens.");
  }
  TraceBuilder builder(options, 1);
  uint64_t failed = 0;
  while (!builder.is_full() && lines.next(line)) {
    ASSIGN_OR_RETURN(const TraceRow row, parse_row(line, *places, lines));
    if (row.output_tokens == 0) {
      ++failed;
      continue;
    }
    if (std::string problem = builder.add(row); !problem.empty()) return lines.failed(std::move(problem), "");
  }
  ASSIGN_OR_RETURN(Trace trace, builder.finish(where));
  trace.skipped = failed;
  trace.skipped_words = "requests that had failed (a response of 0 tokens)";
  return trace;
}

}  // namespace assay
