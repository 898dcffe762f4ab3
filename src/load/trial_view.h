// What a load trial left, as records and findings look at it: single requests in the terms of the metrics,
// the window, the rows in the order of their time.
#pragma once

#include <cstdint>
#include <vector>

#include "base/base.h"
#include "load/driver.h"
#include "load/window.h"
#include "workload/workload.h"

namespace assay {

struct SummaryOptions {
  std::vector<TrafficClass> classes;
  Json conditions;                     // flat; go into every record
  Json rate_conditions;                // flat; go into the offered rate: how the rate came about
  double dispatch_lag_budget_ms = 10;  // of the dispatch lag's p99.9; above it the trial is void
  bool stamps_are_wrong = false;       // the trial is void
  uint32_t wanted_per_class = 64;
  uint64_t seed = 1;                          // of the bootstrap
  std::vector<std::string> servers;           // of a target that has several, by RequestRow::server
  std::vector<std::vector<uint32_t>> routes;  // by class: which of them it goes to
};

inline constexpr double kToleratedErrorRate =
    0.01;  // above it, latencies of those that ended well are doubtful

// The code of the finding that a trial sent nothing, so that no number came of it.
inline constexpr const char* kNothingMeasured = "load.nothing-measured";
// Of the finding that requests waited for connections of the generator's own.
inline constexpr const char* kConnectionsBusy = "load.connections-busy";

// One request by the definitions of the metric table.
double ttft_ms(const RequestRow& row);
double e2e_ms(const RequestRow& row);
bool has_tpot(const RequestRow& row);
double tpot_ms(const RequestRow& row);  // needs has_tpot
bool ended_well(const RequestRow& row);
// Its user broke it off, as the plan said. What it reached until then counts: a first token, chunk gaps,
// output. It neither ended well nor failed.
bool was_broken_off(const RequestRow& row);
// Whether a request ended well within every limit that applies to it. A limit on the time per output token
// does not apply to answers of one token.
bool is_good(const RequestRow& row, const Slo& slo);

// The p99.9 of a trial's own requests, all of which are known: nothing is concluded from samples here. Of
// fewer than a thousand it is their maximum, and is called so.
struct WorstLag {
  double ms = 0;
  const char* statistic = "maximum";
};
WorstLag worst_lag(std::vector<double> lags_ms);

// Result and options must outlive it.
struct TrialView {
  TrialView(const LoadResult& result, const SummaryOptions& options);
  TrialView(const TrialView&) = delete;  // it points into itself
  TrialView& operator=(const TrialView&) = delete;

  bool in_rates(Nanos at) const { return at >= window.start && at <= window.rates_end; }
  bool is_good(const RequestRow& row) const;
  // Of every request that was dispatched, or sent, in the order of their time.
  std::vector<double> dispatch_lags_ms() const;
  std::vector<double> send_lags_ms() const;

  const LoadResult& result;
  const SummaryOptions& options;
  LoadWindow window;
  std::vector<const RequestRow*> order;  // by scheduled instant
};

}  // namespace assay
