// Distributions as GuideLLM 0.8 computes them: weighted empirical distributions, whose percentiles are values
// that occurred, and rates and concurrencies weighted by how long they held. Private to load.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/base.h"

namespace assay {

struct WeightedValue {
  double value = 0, weight = 1;
};
// What happened at an instant: `weight` requests or tokens.
struct TimedEvent {
  double at_s = 0, weight = 1;
};
struct TimedInterval {
  double start_s = 0, end_s = 0, weight = 1;
};
struct TimeWindow {
  double start_s = 0, end_s = 0;
};

// One value a status; GuideLLM knows these three, and reports their union beside them.
template <class T>
struct ByStatus {
  std::vector<T> successful, incomplete, errored;
};

// The object that GuideLLM calls a distribution summary. `count`: observations; without it the sum of the
// weights. The percentile p is the smallest value whose cumulative share reaches p. Of nothing: all zero.
Json guidellm_distribution(std::vector<WeightedValue> values, std::optional<int64_t> count = {});
// Events within 0.1 ms are one; each has the rate weight/duration, its duration reaching half way to its
// neighbours.
Json guidellm_rates(std::vector<TimedEvent> events, const std::optional<TimeWindow>& window);
// How much was under way, weighted by time.
Json guidellm_concurrency(const std::vector<TimedInterval>& intervals,
                          const std::optional<TimeWindow>& window);

Json guidellm_distribution(const ByStatus<WeightedValue>& values);
Json guidellm_rates(const ByStatus<TimedEvent>& events, const std::optional<TimeWindow>& window);
Json guidellm_concurrency(const ByStatus<TimedInterval>& intervals, const std::optional<TimeWindow>& window);

}  // namespace assay
