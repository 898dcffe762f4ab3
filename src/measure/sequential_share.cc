// Mixture likelihood ratios of shares; see sequential_share.h.
#include "measure/sequential_share.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/base.h"
#include "measure/series.h"

namespace assay {
namespace {

// The shares that are mixed: how many times as often as allowed an outcome is bad. Close where the test is
// hard, wide where it is easy; all have the same weight.
constexpr double kBetter[] = {0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.88};
constexpr double kWorse[] = {1.12, 1.25, 1.4, 1.7, 2.2, 3, 5, INFINITY};

constexpr size_t kLongestSeries = 4096;

// a·ln b with 0·ln 0 = 0.
double times_log(double a, double b) {
  return a == 0 ? 0 : a * std::log(b);
}

double log_mixture(const EffectiveCounts& counts, double required, std::span<const double> times_as_bad) {
  CHECK(required > 0 && required < 1 && counts.good >= 0 && counts.bad >= 0);
  std::vector<double> logs;
  for (const double factor : times_as_bad) {
    const double share = 1 - std::min(1.0, factor * (1 - required));
    logs.push_back(times_log(counts.good, share / required) +
                   times_log(counts.bad, (1 - share) / (1 - required)));
  }
  const double most = *std::ranges::max_element(logs);
  if (!std::isfinite(most)) return most;
  double sum = 0;
  for (const double each : logs) sum += std::exp(each - most);
  return most + std::log(sum / static_cast<double>(logs.size()));
}

double variance(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / n;
}

}  // namespace

double log_evidence_above(const EffectiveCounts& counts, double required) {
  return log_mixture(counts, required, kBetter);
}

double log_evidence_below(const EffectiveCounts& counts, double required) {
  return log_mixture(counts, required, kWorse);
}

double effective_n_if_all_good(double required, double log_threshold) {
  CHECK(required > 0 && required < 1);
  double low = 0, high = (log_threshold + std::log(std::size(kBetter))) / -std::log(required);
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    const bool is_enough = log_evidence_above({.good = middle}, required) >= log_threshold;
    (is_enough ? high : low) = middle;
  }
  return high;
}

double expected_effective_n(double share, double required, double log_threshold) {
  CHECK(share >= 0 && share <= 1);
  const double divergence =
      times_log(share, share / required) + times_log(1 - share, (1 - share) / (1 - required));
  return divergence > 0 ? log_threshold / divergence : std::numeric_limits<double>::infinity();
}

double serial_dependence(std::span<const double> series) {
  if (series.size() < 4) return 1;
  const size_t group = (series.size() + kLongestSeries - 1) / kLongestSeries;
  const auto tau_of = [](std::span<const double> values) {
    return static_cast<double>(values.size()) / effective_sample_size(values);
  };
  if (group == 1) return std::max(1.0, tau_of(series));
  std::vector<double> means;
  for (size_t at = 0; at + group <= series.size(); at += group) {
    const auto part = series.subspan(at, group);
    means.push_back(std::accumulate(part.begin(), part.end(), 0.0) / static_cast<double>(group));
  }
  const double single = variance(series);
  if (!(single > 0)) return 1;
  return std::max(1.0, static_cast<double>(group) * variance(means) / single * tau_of(means));
}

}  // namespace assay
