// From rows to columns; see sample_columns.h.
#include "load/sample_columns.h"

#include <algorithm>
#include <utility>

namespace assay {
namespace {

template <class Get>
void add_column(Columns& columns, const LoadResult& result, const char* name, Get get) {
  std::vector<int64_t> values;
  values.reserve(result.rows.size());
  for (const RequestRow& row : result.rows) values.push_back(static_cast<int64_t>(get(row)));
  columns.add(name, std::move(values));
}

bool tells_timings(const RequestRow& row) {
  return row.server_prompt.count != 0 || row.server_tpot.count != 0;
}

Columns request_columns(const TrialView& view) {
  Columns columns;
  const auto column = [&](const char* name, auto get) { add_column(columns, view.result, name, get); };
  column("id", [](const RequestRow& r) { return r.id; });
  column("class", [](const RequestRow& r) { return r.class_index; });
  column("session", [](const RequestRow& r) { return r.session; });
  column("turn", [](const RequestRow& r) { return r.turn; });
  column("scheduled_ns", [](const RequestRow& r) { return r.scheduled.count; });
  column("dispatched_ns", [](const RequestRow& r) { return r.dispatched.count; });
  column("sent_ns", [](const RequestRow& r) { return r.sent.count; });
  column("admitted_ns", [](const RequestRow& r) { return r.admitted.count; });
  column("first_ns", [](const RequestRow& r) { return r.first.count; });
  column("first_output_ns", [](const RequestRow& r) { return r.first_output.count; });
  column("last_ns", [](const RequestRow& r) { return r.last.count; });
  column("end_ns", [](const RequestRow& r) { return r.end.count; });
  column("prompt_tokens", [](const RequestRow& r) { return r.prompt_tokens; });
  column("output_tokens", [](const RequestRow& r) { return r.output_tokens; });
  column("asked_tokens", [](const RequestRow& r) { return r.asked_tokens; });
  column("chunks", [](const RequestRow& r) { return r.chunks; });
  column("failure", [](const RequestRow& r) { return static_cast<int64_t>(r.failure); });
  column("in_window", [&](const RequestRow& r) { return view.window.has(r) ? 1 : 0; });
  column("good", [&](const RequestRow& r) { return view.is_good(r) ? 1 : 0; });
  if (view.options.servers.size() > 1) column("server", [](const RequestRow& r) { return r.server; });
  if (!std::ranges::all_of(view.result.rows, &RequestRow::is_output_told))
    column("output_told", [](const RequestRow& r) { return r.is_output_told ? 1 : 0; });
  // Most servers tell nothing of their own.
  if (std::ranges::any_of(view.result.rows, tells_timings)) {
    column("server_prompt_ns", [](const RequestRow& r) { return r.server_prompt.count; });
    column("server_tpot_ns", [](const RequestRow& r) { return r.server_tpot.count; });
  }
  return columns;
}

template <class Tokens>
Columns chunk_columns_of(const LoadResult& result, std::vector<int64_t> at_ns, Tokens tokens) {
  Columns columns;
  add_column(columns, result, "count", [](const RequestRow& r) { return r.chunks; });
  columns.add("at_ns", std::move(at_ns));
  columns.add("tokens", std::move(tokens));
  return columns;
}

}  // namespace

Columns chunk_columns(const LoadResult& result) {
  return chunk_columns_of(result, result.chunk_at_ns,
                          std::vector<int64_t>(result.chunk_tokens.begin(), result.chunk_tokens.end()));
}

Columns release_chunk_columns(LoadResult& result) {
  return chunk_columns_of(result, std::move(result.chunk_at_ns), std::move(result.chunk_tokens));
}

std::vector<Sample> sample_columns(const TrialView& view, Columns chunks) {
  std::vector<Sample> samples;
  samples.push_back({.name = "requests", .columns = request_columns(view)});
  samples.push_back({.name = "chunks", .columns = std::move(chunks)});
  Columns clock;
  clock.add("start_ns", std::vector<int64_t>{view.result.start.count});
  clock.add("wall_offset_ns", std::vector<int64_t>{view.result.wall_offset.count});
  samples.push_back({.name = "clock", .columns = std::move(clock)});
  return samples;
}

}  // namespace assay
