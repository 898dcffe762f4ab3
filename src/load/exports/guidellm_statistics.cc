// GuideLLM's distributions; see guidellm_statistics.h.
#include "load/exports/guidellm_statistics.h"

#include <algorithm>
#include <cmath>

namespace assay {
namespace {

constexpr double kSameInstant_s = 1e-4;
constexpr double kEpsilon = 1e-6;  // the least total weight, and the least duration of the last event

struct Percentile {
  const char* name;
  double p;
};
constexpr Percentile kGuidellmPercentiles[] = {{"p001", 0.001}, {"p01", 0.01}, {"p05", 0.05},  {"p10", 0.1},
                                               {"p25", 0.25},   {"p50", 0.5},  {"p75", 0.75},  {"p90", 0.9},
                                               {"p95", 0.95},   {"p99", 0.99}, {"p999", 0.999}};

struct Moments {
  double mean = 0, median = 0, mode = 0, variance = 0, least = 0, most = 0;
  std::array<double, std::size(kGuidellmPercentiles)> percentiles{};
};

// Equal values become one; those without weight go; what is left is ascending and its weights are shares.
void normalise(std::vector<WeightedValue>& values) {
  std::ranges::sort(values, {}, &WeightedValue::value);
  size_t kept = 0;
  for (size_t i = 0; i < values.size();) {
    WeightedValue merged{values[i].value, 0};
    for (; i < values.size() && values[i].value == merged.value; ++i) merged.weight += values[i].weight;
    if (merged.weight > 0) values[kept++] = merged;
  }
  values.resize(kept);
  double total = 0;
  for (const WeightedValue& each : values) total += each.weight;
  if (total <= kEpsilon) {
    for (WeightedValue& each : values) each.weight = 1;
    total = static_cast<double>(values.size());
  }
  for (WeightedValue& each : values) each.weight /= total;
}

// Of shares in ascending order of value, at least one.
Moments moments_of(const std::vector<WeightedValue>& shares) {
  Moments moments;
  double most_likely = 0, cumulated = 0;
  size_t next = 0;
  for (const WeightedValue& each : shares) {
    moments.mean += each.value * each.weight;
    if (each.weight > most_likely) {
      most_likely = each.weight;
      moments.mode = each.value;
    }
    cumulated += each.weight;
    while (next < std::size(kGuidellmPercentiles) && cumulated >= kGuidellmPercentiles[next].p)
      moments.percentiles[next++] = each.value;
  }
  // Rounding can leave the sum of the shares a little below one.
  for (; next < std::size(kGuidellmPercentiles); ++next) moments.percentiles[next] = shares.back().value;
  for (const WeightedValue& each : shares)
    moments.variance += (each.value - moments.mean) * (each.value - moments.mean) * each.weight;
  moments.median = moments.percentiles[5];
  moments.least = shares.front().value;
  moments.most = shares.back().value;
  return moments;
}

// Ascending; what lies within 0.1 ms of the first of a group joins it.
void merge_instants(std::vector<TimedEvent>& events) {
  std::ranges::stable_sort(events, {}, &TimedEvent::at_s);
  size_t kept = 0;
  for (size_t i = 0; i < events.size();) {
    TimedEvent merged{events[i].at_s, 0};
    for (; i < events.size() && events[i].at_s <= merged.at_s + kSameInstant_s; ++i)
      merged.weight += events[i].weight;
    events[kept++] = merged;
  }
  events.resize(kept);
}

// The level that stands when the window opens becomes its first event; it closes with one of no weight.
void cut_to(const TimeWindow& window, std::vector<TimedEvent>& events) {
  const auto first = std::ranges::lower_bound(events, window.start_s, {}, &TimedEvent::at_s);
  double before = 0;
  for (auto it = events.begin(); it != first; ++it) before += it->weight;
  events.erase(events.begin(), first);
  events.insert(events.begin(), {window.start_s, before});
  events.erase(std::ranges::upper_bound(events, window.end_s, {}, &TimedEvent::at_s), events.end());
  events.push_back({window.end_s, 0});
}

template <class T, class Summary>
Json by_status(const ByStatus<T>& values, Summary summary) {
  std::vector<T> all = values.successful;
  all.insert(all.end(), values.incomplete.begin(), values.incomplete.end());
  all.insert(all.end(), values.errored.begin(), values.errored.end());
  return Json::object()
      .set("successful", summary(values.successful))
      .set("errored", summary(values.errored))
      .set("incomplete", summary(values.incomplete))
      .set("total", summary(std::move(all)));
}

}  // namespace

Json guidellm_distribution(std::vector<WeightedValue> values, std::optional<int64_t> count) {
  double weights = 0;
  for (const WeightedValue& each : values) weights += each.weight;
  if (!count || values.empty()) count = std::llround(weights);
  normalise(values);
  const Moments moments = values.empty() ? Moments() : moments_of(values);
  Json percentiles = Json::object();
  for (size_t i = 0; i < std::size(kGuidellmPercentiles); ++i)
    percentiles.append_member(kGuidellmPercentiles[i].name, moments.percentiles[i]);
  return Json::object()
      .set("mean", moments.mean)
      .set("median", moments.median)
      .set("mode", moments.mode)
      .set("variance", moments.variance)
      .set("std_dev", std::sqrt(moments.variance))
      .set("min", moments.least)
      .set("max", moments.most)
      .set("count", *count)
      .set("total_sum", moments.mean * static_cast<double>(*count))
      .set("percentiles", std::move(percentiles))
      .set("pdf", nullptr)
      .set("mean_ci", nullptr)
      .set("percentile_cis", nullptr);
}

Json guidellm_rates(std::vector<TimedEvent> events, const std::optional<TimeWindow>& window) {
  if (window) {
    std::erase_if(events, [&](const TimedEvent& event) {
      return event.at_s < window->start_s || event.at_s > window->end_s;
    });
    events.push_back({window->start_s, 0});
    events.push_back({window->end_s, 0});
  }
  merge_instants(events);
  if (events.size() <= 1) return guidellm_distribution(std::vector<WeightedValue>());
  std::vector<WeightedValue> rates;
  rates.reserve(events.size());
  double total = 0, begin = events.front().at_s;
  for (size_t i = 0; i < events.size(); ++i) {
    const bool is_last = i + 1 == events.size();
    const double end = is_last ? events[i].at_s : (events[i].at_s + events[i + 1].at_s) / 2;
    const double duration = is_last ? std::max(end - begin, kEpsilon) : end - begin;
    rates.push_back({events[i].weight / duration, duration});
    total += events[i].weight;
    begin = end;
  }
  return guidellm_distribution(std::move(rates), std::llround(total));
}

Json guidellm_concurrency(const std::vector<TimedInterval>& intervals,
                          const std::optional<TimeWindow>& window) {
  std::vector<TimedEvent> changes;
  changes.reserve(2 * intervals.size());
  int64_t count = 0;
  for (const TimedInterval& each : intervals) {
    if (window && (each.end_s < window->start_s || each.start_s > window->end_s)) continue;
    changes.push_back({each.start_s, each.weight});
    changes.push_back({each.end_s, -each.weight});
    ++count;
  }
  merge_instants(changes);
  if (window && !changes.empty()) cut_to(*window, changes);
  std::vector<WeightedValue> levels;
  double level = 0;
  for (size_t i = 0; i + 1 < changes.size(); ++i) {
    level += changes[i].weight;
    levels.push_back({std::max(level, 0.0), std::max(changes[i + 1].at_s - changes[i].at_s, 0.0)});
  }
  if (changes.size() == 1) return guidellm_distribution({{std::max(changes[0].weight, 0.0), 1}});
  const bool lasts = std::ranges::any_of(levels, [](const WeightedValue& each) { return each.weight > 0; });
  return lasts ? guidellm_distribution(std::move(levels), count)
               : guidellm_distribution(std::vector<WeightedValue>());
}

Json guidellm_distribution(const ByStatus<WeightedValue>& values) {
  return by_status(values,
                   [](std::vector<WeightedValue> each) { return guidellm_distribution(std::move(each)); });
}

Json guidellm_rates(const ByStatus<TimedEvent>& events, const std::optional<TimeWindow>& window) {
  return by_status(events,
                   [&](std::vector<TimedEvent> each) { return guidellm_rates(std::move(each), window); });
}

Json guidellm_concurrency(const ByStatus<TimedInterval>& intervals, const std::optional<TimeWindow>& window) {
  return by_status(
      intervals, [&](const std::vector<TimedInterval>& each) { return guidellm_concurrency(each, window); });
}

}  // namespace assay
