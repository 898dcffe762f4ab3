// Rows from samples, and the union of several ranks' rows; see rank_merge.h.
#include "load/ranks/rank_merge.h"

#include <fmt/format.h>

#include <algorithm>

#include "workload/workload.h"

namespace assay {
namespace {

constexpr int64_t kMostInstant = int64_t{1} << 60;

const Columns* columns_of(const std::vector<Sample>& samples, std::string_view name) {
  const auto found = std::ranges::find(samples, name, &Sample::name);
  return found == samples.end() ? nullptr : &found->columns;
}

// The columns of "requests", each as long as the first and within its bounds.
class RowColumns {
 public:
  RowColumns(const Columns& columns, const std::string& where) : columns_(columns), where_(where) {}

  bool has(const char* name) const { return columns_.integers(name) != nullptr; }

  Result<const std::vector<int64_t>*> get(const char* name, int64_t most) const {
    const std::vector<int64_t>* values = columns_.integers(name);
    if (values == nullptr || values->size() != columns_.rows())
      return fail(fmt::format("its requests have no column '{}'", name), where_, "Copy the dossier again.");
    if (std::ranges::any_of(*values, [&](int64_t value) { return value < 0 || value > most; }))
      return fail(fmt::format("its column '{}' holds what cannot be", name), where_,
                  "Copy the dossier again.");
    return values;
  }

 private:
  const Columns& columns_;
  const std::string& where_;
};

Result<void> fill_rows(const RowColumns& columns, size_t classes, size_t servers,
                       std::vector<RequestRow>& rows) {
  const auto fill = [&](const char* name, int64_t most, auto assign) -> Result<void> {
    ASSIGN_OR_RETURN(const std::vector<int64_t>* const values, columns.get(name, most));
    for (size_t i = 0; i < rows.size(); ++i) assign(rows[i], (*values)[i]);
    return {};
  };
  const auto instant = [&](const char* name, Nanos RequestRow::* member) {
    return fill(name, kMostInstant, [member](RequestRow& row, int64_t value) { row.*member = Nanos(value); });
  };
  const auto count = [&](const char* name, uint32_t RequestRow::* member, int64_t most) {
    return fill(name, most,
                [member](RequestRow& row, int64_t value) { row.*member = static_cast<uint32_t>(value); });
  };
  RETURN_IF_ERROR(
      fill("id", INT64_MAX, [](RequestRow& row, int64_t v) { row.id = static_cast<RequestId>(v); }));
  RETURN_IF_ERROR(
      fill("session", INT64_MAX, [](RequestRow& row, int64_t v) { row.session = static_cast<uint64_t>(v); }));
  RETURN_IF_ERROR(count("class", &RequestRow::class_index, static_cast<int64_t>(classes) - 1));
  RETURN_IF_ERROR(count("turn", &RequestRow::turn, UINT32_MAX));
  RETURN_IF_ERROR(instant("scheduled_ns", &RequestRow::scheduled));
  RETURN_IF_ERROR(instant("dispatched_ns", &RequestRow::dispatched));
  RETURN_IF_ERROR(instant("sent_ns", &RequestRow::sent));
  RETURN_IF_ERROR(instant("admitted_ns", &RequestRow::admitted));
  RETURN_IF_ERROR(instant("first_ns", &RequestRow::first));
  RETURN_IF_ERROR(instant("first_output_ns", &RequestRow::first_output));
  RETURN_IF_ERROR(instant("last_ns", &RequestRow::last));
  RETURN_IF_ERROR(instant("end_ns", &RequestRow::end));
  RETURN_IF_ERROR(count("prompt_tokens", &RequestRow::prompt_tokens, UINT32_MAX));
  RETURN_IF_ERROR(count("output_tokens", &RequestRow::output_tokens, UINT32_MAX));
  // Dossiers of earlier versions lack it.
  if (columns.has("asked_tokens"))
    RETURN_IF_ERROR(count("asked_tokens", &RequestRow::asked_tokens, UINT32_MAX));
  // Where the target did not count the output of each.
  if (columns.has("output_told")) {
    RETURN_IF_ERROR(
        fill("output_told", 1, [](RequestRow& row, int64_t value) { row.is_output_told = value == 1; }));
  } else {
    for (RequestRow& row : rows) row.is_output_told = true;
  }
  // Where there are several servers; where one of them told its own timing.
  if (servers > 1 || columns.has("server"))
    RETURN_IF_ERROR(
        count("server", &RequestRow::server, static_cast<int64_t>(std::max<size_t>(1, servers)) - 1));
  if (columns.has("server_prompt_ns"))
    RETURN_IF_ERROR(instant("server_prompt_ns", &RequestRow::server_prompt));
  if (columns.has("server_tpot_ns")) RETURN_IF_ERROR(instant("server_tpot_ns", &RequestRow::server_tpot));
  RETURN_IF_ERROR(count("chunks", &RequestRow::chunks, UINT32_MAX));
  return fill("failure", static_cast<int64_t>(kLastFailureCause),
              [](RequestRow& row, int64_t value) { row.failure = static_cast<FailureCause>(value); });
}

Result<void> fill_chunks(const std::vector<Sample>& samples, const std::string& where, LoadResult& result) {
  const Columns* chunks = columns_of(samples, "chunks");
  const std::vector<int64_t>* at_ns = chunks == nullptr ? nullptr : chunks->integers("at_ns");
  const std::vector<int64_t>* tokens = chunks == nullptr ? nullptr : chunks->integers("tokens");
  uint64_t total = 0;
  for (RequestRow& row : result.rows) {
    row.first_chunk = total;
    total += row.chunks;
  }
  if (at_ns == nullptr || tokens == nullptr || at_ns->size() != total || tokens->size() != total)
    return fail("its chunks are not those of its requests", where, "Copy the dossier again.");
  const auto is_instant = [](int64_t at) { return at > 0 && at <= kMostInstant; };
  const auto is_token_count = [](int64_t n) { return n >= 0 && n <= UINT16_MAX; };
  if (!std::ranges::all_of(*at_ns, is_instant) || !std::ranges::all_of(*tokens, is_token_count))
    return fail("its chunks hold what cannot be", where, "Copy the dossier again.");
  result.chunk_at_ns = *at_ns;
  result.chunk_tokens.assign(tokens->begin(), tokens->end());
  return {};
}

// An instant that never was stays 0, and what the clocks' error would put before the start is its first
// nanosecond.
Nanos moved(Nanos instant, Nanos by) {
  return instant.count == 0 ? instant : std::max(instant + by, Nanos(1));
}

void move_row(RequestRow& row, Nanos by) {
  for (Nanos RequestRow::* member :
       {&RequestRow::scheduled, &RequestRow::dispatched, &RequestRow::sent, &RequestRow::admitted,
        &RequestRow::first, &RequestRow::first_output, &RequestRow::last, &RequestRow::end})
    row.*member = moved(row.*member, by);
}

struct RowPlace {
  Nanos scheduled;
  size_t part, row;
};

// By their scheduled instants: the order in which one client would have sent them.
std::vector<RowPlace> merged_order(const std::vector<RankPart>& parts, const std::vector<Nanos>& shifts) {
  std::vector<RowPlace> order;
  for (size_t part = 0; part < parts.size(); ++part) {
    const std::vector<RequestRow>& rows = parts[part].result.rows;
    for (size_t row = 0; row < rows.size(); ++row)
      order.push_back({moved(rows[row].scheduled, shifts[part]), part, row});
  }
  std::ranges::stable_sort(order, {}, &RowPlace::scheduled);
  return order;
}

}  // namespace

Result<LoadResult> load_result_of(const std::vector<Sample>& samples, const RankFacts& facts, size_t classes,
                                  size_t servers, const std::string& where) {
  const Columns* requests = columns_of(samples, "requests");
  if (requests == nullptr) return fail("it holds no requests", where, "Only finished ranks can be merged.");
  LoadResult result;
  result.rows.resize(requests->rows());
  RETURN_IF_ERROR(fill_rows(RowColumns(*requests, where), classes, servers, result.rows));
  RETURN_IF_ERROR(fill_chunks(samples, where, result));
  for (const RequestRow& row : result.rows) {
    if (row.turn == 0) result.last_arrival = std::max(result.last_arrival, row.scheduled);
  }
  result.start = facts.own_start;
  result.planned = facts.planned;
  result.dropped_chunks = facts.dropped_chunks;
  result.stray_events = facts.stray_events;
  result.turns_after_failure = facts.turns_after_failure;
  result.turns_after_break_off = facts.turns_after_break_off;
  result.withdrawn = facts.withdrawn;
  result.waited_for_connection = facts.waited_for_connection;
  result.duration = facts.duration;
  result.cpu_time = facts.cpu_time;
  result.failure_examples = facts.failure_examples;
  if (!facts.lost.empty()) result.lost = Error{facts.lost, "", ""};
  return result;
}

MergedLoad merge_parts(const std::vector<RankPart>& parts) {
  CHECK(!parts.empty());
  MergedLoad merged;
  LoadResult& whole = merged.result;
  whole.start = parts.front().facts.start;
  whole.wall_offset = parts.front().facts.wall_offset + parts.front().facts.clock.offset;
  std::vector<Nanos> shifts;
  for (const auto& [facts, part] : parts) {
    const Nanos by = facts.own_start - facts.clock.offset - whole.start;
    shifts.push_back(by);
    whole.planned += part.planned;
    whole.dropped_chunks += part.dropped_chunks;
    whole.stray_events += part.stray_events;
    whole.turns_after_failure += part.turns_after_failure;
    whole.turns_after_break_off += part.turns_after_break_off;
    whole.withdrawn += part.withdrawn;
    whole.waited_for_connection += part.waited_for_connection;
    whole.duration = std::max(whole.duration, moved(part.duration, by));
    whole.cpu_time = std::max(whole.cpu_time, part.cpu_time);
    whole.last_arrival = std::max(whole.last_arrival, moved(part.last_arrival, by));
    if (!whole.lost) whole.lost = part.lost;
    for (size_t i = 0; i < kFailureCauses; ++i) {
      if (whole.failure_examples[i].empty()) whole.failure_examples[i] = part.failure_examples[i];
    }
  }
  for (const RowPlace& place : merged_order(parts, shifts)) {
    const LoadResult& part = parts[place.part].result;
    RequestRow row = part.rows[place.row];
    const auto chunks = static_cast<std::ptrdiff_t>(std::exchange(row.first_chunk, whole.chunk_at_ns.size()));
    for (std::ptrdiff_t i = chunks; i < chunks + row.chunks; ++i) {
      whole.chunk_at_ns.push_back(moved(Nanos(part.chunk_at_ns[i]), shifts[place.part]).count);
      whole.chunk_tokens.push_back(part.chunk_tokens[i]);
    }
    move_row(row, shifts[place.part]);
    whole.rows.push_back(row);
    merged.ranks.push_back(parts[place.part].facts.rank);
  }
  return merged;
}

}  // namespace assay
