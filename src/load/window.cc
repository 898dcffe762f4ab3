// Chooses the window of a load trial; see window.h.
#include "load/window.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "measure/measure.h"

namespace assay {
namespace {

// Scheduled instants of each class, ascending.
std::vector<std::vector<int64_t>> schedules(const LoadResult& result, size_t classes) {
  std::vector<std::vector<int64_t>> all(classes);
  for (const RequestRow& row : result.rows) {
    CHECK(row.class_index < classes);
    all[row.class_index].push_back(row.scheduled.count);
  }
  for (auto& one : all) std::ranges::sort(one);
  return all;
}

SteadyWindow steady_window(const LoadResult& result, int64_t first, int64_t last) {
  std::vector<SteadyObservation> observations;
  observations.reserve(result.rows.size());
  for (const RequestRow& row : result.rows) {
    if (row.first.count == 0) continue;
    observations.push_back({.scheduled_ns = row.scheduled.count,
                            .latency = milliseconds(row.first - row.scheduled),
                            .group = static_cast<int32_t>(row.class_index)});
  }
  return find_steady_window(observations, first, last);
}

}  // namespace

LoadWindow choose_window(const LoadResult& result, size_t classes, uint32_t wanted_per_class, bool is_burst) {
  LoadWindow window;
  if (result.rows.empty()) return window;
  const auto schedule = schedules(result, classes);
  int64_t first = INT64_MAX, last = 0;
  for (const RequestRow& row : result.rows) {
    first = std::min(first, row.scheduled.count);
    last = std::max(last, row.scheduled.count);
  }
  window.is_burst = is_burst || result.last_arrival.count <= first;
  if (window.is_burst) {
    window.start = Nanos(first);
    window.latencies_end = Nanos(last);
    window.rates_end = std::max(result.duration, Nanos(first + 1));
    window.method = "all requests arrived at once; rates from the arrival to the last answer";
    return window;
  }
  const SteadyWindow steady = steady_window(result, first, result.last_arrival.count);
  int64_t start = steady.start_ns;
  for (const auto& one : schedule) {
    if (!one.empty())
      start = std::min(start, one[one.size() - std::min<size_t>(wanted_per_class, one.size())]);
  }
  int64_t end = result.last_arrival.count;
  for (const auto& one : schedule) {
    const auto inside = std::ranges::lower_bound(one, start);
    const auto left = static_cast<size_t>(one.end() - inside);
    if (left > 0)
      end = std::max(end, *(inside + static_cast<int64_t>(std::min<size_t>(wanted_per_class, left)) - 1));
  }
  window.start = Nanos(start);
  window.latencies_end = Nanos(end);
  window.rates_end = result.last_arrival;
  window.is_settled = steady.settled;
  window.is_steady = steady.settled && start >= steady.start_ns;
  window.method = steady.method;
  if (start < steady.start_ns) {
    window.method += fmt::format("; the cut was held back so that each class keeps {}",
                                 counted(wanted_per_class, "request"));
  }
  if (end > result.last_arrival.count) {
    window.method += fmt::format("; latencies reach {:.1f} s past the last arrival for the same reason",
                                 seconds(Nanos(end) - result.last_arrival));
  }
  return window;
}

}  // namespace assay
