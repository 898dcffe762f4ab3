// Trials of the search for capacity; see capacity.h.
#include "load/capacity/capacity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "load/trial_view.h"
#include "load/window.h"

namespace assay {
namespace {

constexpr double kLeastCut = 0.1;  // of the arrivals, at the beginning; as much at most at the end
// What is out longer than its limits allow has failed already and is not waited for; where no limit says how
// long that is, as long as a usual trial waits.
constexpr double kUsualDrainS = 30;
constexpr double kLeastDrainS = 1;

// A queue remembers for several times as long as its requests wait. In short trials the series alone shows
// too little of that: bench/capacity_coverage shows with which factor the stated confidence is kept.
constexpr double kQueueMemory = 4;

struct Window {
  Nanos start{}, end{};
  bool has(const RequestRow& row) const { return row.scheduled >= start && row.scheduled <= end; }
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::nth_element(values, values.begin() + static_cast<ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

double response_s(const LoadResult& result) {
  std::vector<double> answers;
  for (const RequestRow& row : result.rows) {
    if (ended_well(row)) answers.push_back(e2e_ms(row) / 1000);
  }
  return median(std::move(answers));
}

Window window_of(const LoadResult& result, size_t classes, double response) {
  if (result.rows.empty()) return {};
  Nanos first = kNever;
  for (const RequestRow& row : result.rows) first = std::min(first, row.scheduled);
  const Nanos last = std::max(result.last_arrival, first);
  const double span_s = seconds(last - first);
  const LoadWindow steady = choose_window(result, classes, 1);
  Window window;
  window.start = std::max(steady.start, first + nanos_from_seconds(kLeastCut * span_s));
  window.end = last - nanos_from_seconds(std::min(response / 2, kLeastCut * span_s));
  return window;
}

// One class in one tier, in the order of due instants.
struct Outcomes {
  std::vector<double> good, ttft, tpot, e2e;

  void add(const RequestRow& row, const Slo& slo) {
    constexpr double kNeverEnded = std::numeric_limits<double>::infinity();
    const bool is_well = ended_well(row);
    good.push_back(is_good(row, slo) ? 1 : 0);
    if (slo.ttft_ms) ttft.push_back(is_well ? ttft_ms(row) : kNeverEnded);
    if (slo.tpot_ms && (!is_well || has_tpot(row))) tpot.push_back(is_well ? tpot_ms(row) : kNeverEnded);
    if (slo.e2e_ms) e2e.push_back(is_well ? e2e_ms(row) : kNeverEnded);
  }
};

// Latencies of one kind, held against the level that a share of them keeps.
struct LatencyLevel {
  double ms = 0;
  double dependence = 1;  // of the series of those at or below it
};
LatencyLevel level_of(const std::vector<double>& latencies, double share) {
  std::vector<double> sorted = latencies;
  std::ranges::sort(sorted);
  LatencyLevel level{.ms = sorted_quantile(sorted, share)};
  std::vector<double> below;
  below.reserve(latencies.size());
  for (const double latency : latencies) below.push_back(latency <= level.ms ? 1 : 0);
  level.dependence = serial_dependence(below);
  return level;
}

// Requests that come while one at that level (at its limit, if that is lower) waits longer than the quickest.
double waiting_together(const std::vector<double>& latencies, double level_ms, double limit_ms,
                        double rate_per_s) {
  const double quickest_ms = *std::ranges::min_element(latencies);
  return rate_per_s * std::max(0.0, std::min(level_ms, limit_ms) - quickest_ms) / 1000;
}

ShareCounts counts_of(const Outcomes& outcomes, const Slo& slo, double rate_per_s) {
  ShareCounts counts;
  counts.n = static_cast<int64_t>(outcomes.good.size());
  counts.good = std::ranges::count(outcomes.good, 1.0);
  counts.dependence = serial_dependence(outcomes.good);
  struct Kind {
    const std::vector<double>& latencies;
    std::optional<double> limit_ms;
    bool is_queue;
  };
  for (const Kind& kind : {Kind{outcomes.ttft, slo.ttft_ms, true}, Kind{outcomes.tpot, slo.tpot_ms, false},
                           Kind{outcomes.e2e, slo.e2e_ms, true}}) {
    if (kind.latencies.empty()) continue;
    const LatencyLevel level = level_of(kind.latencies, slo.required_share);
    counts.dependence = std::max(counts.dependence, level.dependence);
    if (!kind.is_queue) continue;
    counts.dependence =
        std::max(counts.dependence,
                 kQueueMemory * waiting_together(kind.latencies, level.ms, *kind.limit_ms, rate_per_s));
  }
  return counts;
}

// After the last arrival: until the slowest request that could still be good has ended.
Nanos drain_of(const std::vector<PlannedRequest>& plan, const std::vector<SloTier>& tiers) {
  double longest_s = kLeastDrainS;
  for (const SloTier& tier : tiers) {
    for (const PlannedRequest& planned : plan) {
      const Slo& slo = tier.by_class[planned.request.class_index];
      const bool is_limited = slo.e2e_ms || (slo.ttft_ms && slo.tpot_ms);
      const double allowed_ms = slo.e2e_ms   ? *slo.e2e_ms
                                : is_limited ? *slo.ttft_ms + *slo.tpot_ms * planned.request.output_tokens
                                             : 0;
      longest_s = std::max(longest_s, is_limited ? allowed_ms / 1000 : kUsualDrainS);
    }
  }
  return nanos_from_seconds(longest_s);
}

// Whether for more than one request in a hundred as many others were out as there may be connections, so that
// it had to wait.
bool filled_connections(const LoadResult& result, int64_t max_connections) {
  enum Kind { kEnd, kDispatch, kSent };  // in this order at one instant: a request does not wait for itself
  if (max_connections == 0) return false;
  std::vector<std::pair<Nanos, Kind>> changes;
  for (const RequestRow& row : result.rows) {
    if (row.dispatched.count == 0) continue;
    changes.emplace_back(row.dispatched, kDispatch);
    if (row.sent.count == 0) continue;
    changes.emplace_back(row.sent, kSent);
    changes.emplace_back(row.end, kEnd);
  }
  std::ranges::sort(changes);
  int64_t waited = 0, out = 0;
  for (const auto& [at, kind] : changes) {
    if (kind == kDispatch) {
      waited += out >= max_connections ? 1 : 0;
    } else {
      out += kind == kSent ? 1 : -1;
    }
  }
  return static_cast<double>(waited) > kToleratedErrorRate * static_cast<double>(result.rows.size());
}

std::string words_of(const CapacityStep& step, size_t trial, const CapacitySearch& search,
                     const LoadProgress& progress) {
  std::string known;
  const CapacityInterval interval = search.interval(0);
  if (interval.low) known += fmt::format("  {} holds", format_number(*interval.low));
  if (interval.high) known += fmt::format("  {} fails", format_number(*interval.high));
  return fmt::format("capacity, trial {}: {}/s for {}{}  {} in flight  {} failed", trial + 1,
                     format_number(step.rate_per_s), format_duration(step.duration_s), known,
                     progress.in_flight, progress.failed);
}

}  // namespace

CapacityProbe judge_probe(const LoadResult& result, const std::vector<SloTier>& tiers, double rate_per_s,
                          double took_s) {
  CapacityProbe probe;
  probe.trial = {.rate_per_s = rate_per_s, .took_s = took_s, .response_s = response_s(result)};
  std::vector<const RequestRow*> order;
  for (const RequestRow& row : result.rows) order.push_back(&row);
  std::ranges::stable_sort(order, {}, [](const RequestRow* row) { return row->scheduled; });
  const size_t classes = tiers.front().by_class.size();
  const Window window = window_of(result, classes, probe.trial.response_s);
  std::vector<double> lags_ms;
  int64_t scheduled = 0, ended = 0;
  for (const RequestRow* row : order) {
    if (row->sent.count != 0) lags_ms.push_back(milliseconds(row->dispatched - row->scheduled));
    scheduled += window.has(*row) ? 1 : 0;
    ended += ended_well(*row) && row->end >= window.start && row->end <= window.end ? 1 : 0;
  }
  probe.dispatch_lag_ms = worst_lag(std::move(lags_ms)).ms;
  const double window_s = std::max(seconds(window.end - window.start), 1e-9);
  probe.offered_rate_per_s = static_cast<double>(scheduled) / window_s;
  probe.throughput_per_s = static_cast<double>(ended) / window_s;
  for (const SloTier& tier : tiers) {
    std::vector<Outcomes> outcomes(classes);
    for (const RequestRow* row : order) {
      // What its user broke off neither kept its limits nor missed them.
      if (window.has(*row) && !was_broken_off(*row))
        outcomes[row->class_index].add(*row, tier.by_class[row->class_index]);
    }
    auto& counts = probe.trial.counts.emplace_back();
    auto& attained = probe.attained.emplace_back();
    for (size_t i = 0; i < classes; ++i) {
      counts.push_back(
          counts_of(outcomes[i], tier.by_class[i], static_cast<double>(outcomes[i].good.size()) / window_s));
      attained.push_back(outcomes[i].good.empty() ? Estimate() : share_estimate(outcomes[i].good));
    }
  }
  return probe;
}

CapacityResult find_capacity(Target& target, Clock& clock, CapacitySearch& search, const CapacityRun& run,
                             RequestId first_id) {
  CapacityResult result;
  while (const std::optional<CapacityStep> step = search.next()) {
    const auto trial = static_cast<uint32_t>(result.probes.size());
    const std::vector<PlannedRequest> plan = run.plan(step->rate_per_s, step->duration_s, first_id, trial);
    first_id += plan.size();
    LoadOptions options;
    options.drain_timeout = drain_of(plan, run.tiers);
    options.waiting_fails = true;  // whoever made them wait, they have missed their limits
    const auto says = [](const std::function<bool()>& asked) { return asked && asked(); };
    options.interrupted = [&] { return says(run.interrupted) || says(run.stopped); };
    options.progress = [&](const LoadProgress& progress) {
      if (run.progress) run.progress(search.spent_s(), words_of(*step, trial, search, progress));
    };
    const Nanos start = clock.now();
    const LoadResult load = drive_load(target, clock, *list_source(plan), options);
    // Without a trial there is nothing to keep.
    result.is_stopped = load.is_interrupted && !says(run.interrupted) && !result.probes.empty();
    result.is_interrupted = load.is_interrupted && !result.is_stopped;
    result.is_hung = load.is_hung;
    result.lost = load.lost;
    if (load.is_interrupted || load.lost) return result;
    result.cpu_time += load.cpu_time;
    result.duration += load.duration;
    CapacityProbe probe =
        judge_probe(load, run.tiers, step->rate_per_s, std::max(seconds(clock.now() - start), 1e-3));
    probe.duration_s = step->duration_s;
    probe.trial.is_void = probe.dispatch_lag_ms > run.dispatch_lag_budget_ms;
    probe.filled_connections = filled_connections(load, run.max_connections);
    if (!probe.trial.is_void) {
      for (const RequestRow& row : load.rows)
        result.dispatch_lags_ms.push_back(static_cast<float>(milliseconds(row.dispatched - row.scheduled)));
    }
    search.add(probe.trial);
    result.probes.push_back(std::move(probe));
  }
  return result;
}

}  // namespace assay
