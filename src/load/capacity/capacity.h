// The search for capacity on an open target: trial after trial at the rates that CapacitySearch proposes, and
// from the rows of each what it wants to know.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "load/capacity/capacity_search.h"
#include "load/driver.h"
#include "os/os.h"
#include "target/target.h"
#include "workload/workload.h"

namespace assay {

// One set of limits that the same trials are judged by.
struct SloTier {
  std::string name;
  std::vector<Slo> by_class;  // one without any limit asks nothing of its class
};

// What one trial of the search left, by tier and class.
struct CapacityProbe {
  CapacityTrial trial;
  double duration_s = 0;                        // of arrivals
  double offered_rate_per_s = 0;                // requests scheduled in the window, per second of it
  double throughput_per_s = 0;                  // requests that ended well in the window, per second of it
  double dispatch_lag_ms = 0;                   // its p99.9, or maximum
  bool filled_connections = false;              // so that requests waited: CapacityRun::max_connections
  std::vector<std::vector<Estimate>> attained;  // the shares with their intervals; no value: no requests
};

// Which requests count: the steady window of measure, but a tenth of the arrivals at least is cut as warm-up;
// those that came so late that half of their time fell into the drain, in which the target empties, are left
// out too, a tenth at most. How dependent outcomes are is the largest of: what their own series shows, in the
// order of due instants; what the series of each limited latency shows at the quantile that the limit has to
// keep, so that a queue is seen before it costs a request its limit; and four times as many requests as come
// while one at that quantile waits, which is what the series of a short trial does not show.
CapacityProbe judge_probe(const LoadResult& result, const std::vector<SloTier>& tiers, double rate_per_s,
                          double took_s);

struct CapacityRun {
  std::vector<SloTier> tiers;
  double dispatch_lag_budget_ms = 10;  // of the dispatch lag's p99.9; above it the client did not keep up
  int64_t max_connections = 0;         // that the target may open; 0: no limit
  // The requests of a trial: ids from `first_id`, arrivals for `duration_s` at `rate_per_s` requests a
  // second. Other draws for each `trial`, which counts from 0.
  std::function<std::vector<PlannedRequest>(double rate_per_s, double duration_s, RequestId first_id,
                                            uint32_t trial)>
      plan;
  std::function<bool()> interrupted;  // may be empty
  // May be empty: true ends the search with what its trials have shown so far.
  std::function<bool()> stopped;
  std::function<void(double spent_s, const std::string& words)> progress;  // may be empty
};

struct CapacityResult {
  std::vector<CapacityProbe> probes;  // in their order; some may be void
  std::optional<Error> lost;          // the target was lost: the search is over
  bool is_hung = false;
  bool is_interrupted = false;
  bool is_stopped = false;              // by CapacityRun::stopped, after one trial at least
  std::vector<float> dispatch_lags_ms;  // of every request of trials that are not void, in their order
  Nanos cpu_time{}, duration{};  // of this process, while it sent; of that, trials that are void included
};

// Runs trials until the search has ended. `first_id`: above every id that the target has seen.
CapacityResult find_capacity(Target& target, Clock& clock, CapacitySearch& search, const CapacityRun& run,
                             RequestId first_id);

}  // namespace assay
