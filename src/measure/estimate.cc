// Estimates from samples; see estimate.h for what each is and docs/statistics.md for why.
#include "measure/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "base/base.h"
#include "measure/bootstrap.h"
#include "measure/order_statistics.h"
#include "measure/rank_select.h"
#include "measure/series.h"

namespace assay {
namespace {

constexpr double kBeyondError = 0.01;  // the 99 % of the enough-samples rule
constexpr size_t kMinBootstrap = 8;
constexpr size_t kRateBins = 100;

// The chance that at most one of n samples lies above the true quantile p.
double chance_of_at_most_one_above(double p, double n) {
  return std::pow(p, n) + n * (1 - p) * std::pow(p, n - 1);
}

// From 1 on. 0.95 × 20 is a little above 19 in binary; the rank is 19 all the same.
size_t quantile_rank(size_t n, double p) {
  const auto rank = static_cast<int64_t>(std::ceil(p * static_cast<double>(n) * (1 - 1e-14)));
  return static_cast<size_t>(std::clamp<int64_t>(rank, 1, static_cast<int64_t>(n)));
}

std::string effective_text(double effective_n, int64_t n) {
  if (effective_n >= static_cast<double>(n)) return "";
  return fmt::format(", {:.0f} effective samples", effective_n);
}

// Of each sample, in order, whether it is not above the limit.
template <class Value>
BitSeries indicators(std::span<const Value> samples, Value limit) {
  BitSeries series;
  series.reserve(samples.size());
  for (const Value sample : samples) series.push_back(sample <= limit);
  return series;
}

Estimate too_few_for(double p, int64_t n) {
  Estimate estimate;
  estimate.n = n;
  estimate.insufficient = true;
  estimate.method =
      fmt::format("insufficient: {} samples where p{:g} needs {}", n, p * 100, samples_needed(p));
  return estimate;
}

// values_at(ranks) are the values of those ranks, from 1 on, when the samples are in ascending order. It is
// asked twice only: for all quantiles, then for the ends of their intervals.
template <class Value, class ValuesAt>
std::vector<Estimate> quantiles_of(std::span<const Value> samples, std::span<const double> ps,
                                   double confidence, const ValuesAt& values_at) {
  const auto n = static_cast<int64_t>(samples.size());
  std::vector<Estimate> estimates(ps.size());
  std::vector<size_t> enough, ranks;  // of which `ps` the samples are enough for, and their ranks
  for (size_t i = 0; i < ps.size(); ++i) {
    if (n < samples_needed(ps[i])) {
      estimates[i] = too_few_for(ps[i], n);
      continue;
    }
    enough.push_back(i);
    ranks.push_back(quantile_rank(samples.size(), ps[i]));
  }
  const std::vector<Value> values = values_at(ranks);

  std::vector<size_t> end_ranks;
  std::vector<std::optional<double>*> ends;
  for (size_t k = 0; k < enough.size(); ++k) {
    Estimate& estimate = estimates[enough[k]];
    const double effective_n = effective_sample_size(indicators(samples, values[k]));
    const OrderInterval interval = order_interval(n, effective_n, ps[enough[k]], confidence);
    estimate.n = n;
    estimate.value = values[k];
    for (const auto& [rank, end] :
         {std::pair(interval.low_rank, &estimate.low), std::pair(interval.high_rank, &estimate.high)}) {
      if (!rank) continue;
      end_ranks.push_back(static_cast<size_t>(*rank));
      ends.push_back(end);
      estimate.confidence = confidence;
    }
    estimate.method = "nearest rank, interval by order statistics" + effective_text(effective_n, n);
  }
  const std::vector<Value> end_values = values_at(end_ranks);
  for (size_t i = 0; i < ends.size(); ++i) *ends[i] = end_values[i];
  return estimates;
}

Estimate wilson(double share, double effective_n, int64_t n, double confidence) {
  Estimate estimate;
  estimate.n = n;
  estimate.value = share;
  estimate.confidence = confidence;
  const double z = normal_quantile(0.5 + confidence / 2);
  const double shrink = 1 + z * z / effective_n;
  const double centre = (share + z * z / (2 * effective_n)) / shrink;
  const double half =
      z * std::sqrt(share * (1 - share) / effective_n + z * z / (4 * effective_n * effective_n)) / shrink;
  // At the ends the bound is exactly the share, which rounding would miss by a hair.
  estimate.low = share == 0 ? 0 : std::max(0.0, centre - half);
  estimate.high = share == 1 ? 1 : std::min(1.0, centre + half);
  estimate.method = "share, Wilson score interval" + effective_text(effective_n, n);
  return estimate;
}

Estimate no_samples() {
  Estimate estimate;
  estimate.insufficient = true;
  estimate.method = "insufficient: no samples";
  return estimate;
}

Estimate with_bootstrap(double value, std::span<const double> numerators,
                        std::span<const double> denominators, uint64_t seed, double confidence,
                        std::string_view what) {
  Estimate estimate;
  estimate.value = value;
  estimate.n = static_cast<int64_t>(numerators.size());
  if (numerators.size() < kMinBootstrap) {
    estimate.method = fmt::format("{}, no interval from fewer than {}", what, kMinBootstrap);
    return estimate;
  }
  const BootstrapInterval interval = bootstrap_ratio(numerators, denominators, confidence, seed);
  estimate.low = interval.low;
  estimate.high = interval.high;
  estimate.confidence = confidence;
  estimate.method = interval.mean_block > 1 ? fmt::format("{}, stationary bootstrap, mean block {:.1f}", what,
                                                          interval.mean_block)
                                            : fmt::format("{}, bootstrap", what);
  if (interval.widened > 1)
    estimate.method += fmt::format(", widened by {:.2f} to Student's interval", interval.widened);
  return estimate;
}

double sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

int64_t samples_needed(double p) {
  CHECK(p > 0 && p < 1);
  int64_t low = 1, high = 2;  // fails at low, holds at high
  while (chance_of_at_most_one_above(p, static_cast<double>(high)) > kBeyondError) {
    low = high;
    high *= 2;
    CHECK(high < (int64_t{1} << 60));
  }
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (chance_of_at_most_one_above(p, static_cast<double>(middle)) > kBeyondError ? low : high) = middle;
  }
  return high;
}

double sorted_quantile(std::span<const double> sorted, double p) {
  CHECK(!sorted.empty() && p >= 0 && p <= 1);
  return sorted[quantile_rank(sorted.size(), p) - 1];
}

std::vector<Estimate> quantile_estimates(std::span<const double> samples, std::span<const double> ps,
                                         double confidence) {
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  return quantiles_of<double>(samples, ps, confidence, [&](std::span<const size_t> ranks) {
    std::vector<double> values;
    for (const size_t rank : ranks) values.push_back(sorted[rank - 1]);
    return values;
  });
}

std::vector<Estimate> quantile_estimates(std::span<const float> samples, std::span<const double> ps,
                                         double confidence) {
  return quantiles_of<float>(samples, ps, confidence,
                             [&](std::span<const size_t> ranks) { return values_at_ranks(samples, ranks); });
}

Estimate quantile_estimate(std::span<const double> samples, double p, double confidence) {
  return quantile_estimates(samples, std::span(&p, 1), confidence).front();
}

Estimate maximum_estimate(std::span<const double> samples) {
  if (samples.empty()) return no_samples();
  Estimate estimate;
  estimate.value = *std::max_element(samples.begin(), samples.end());
  estimate.n = static_cast<int64_t>(samples.size());
  estimate.method = "largest sample";
  return estimate;
}

namespace {

// Resampling nothing gives nothing; but none seen does not mean that there are none.
Estimate rate_of_none(double window_s, double confidence) {
  Estimate estimate;
  estimate.value = 0;
  estimate.low = 0;
  estimate.high = -std::log(1 - confidence) / window_s;
  estimate.confidence = confidence;
  estimate.method = fmt::format(
      "no event in the window; upper limit −ln {:.3g} over its length (rule of three)", 1 - confidence);
  return estimate;
}

}  // namespace

Estimate mean_estimate(std::span<const double> samples, uint64_t seed, double confidence) {
  if (samples.empty()) return no_samples();
  const std::vector<double> ones(samples.size(), 1.0);
  return with_bootstrap(sum(samples) / static_cast<double>(samples.size()), samples, ones, seed, confidence,
                        "mean");
}

Estimate repetition_estimate(std::span<const double> samples, uint64_t seed, double confidence) {
  constexpr size_t kLeast = 4;
  Estimate estimate = mean_estimate(samples, seed, confidence);
  if (samples.size() < kLeast || samples.size() >= kMinBootstrap) return estimate;
  const auto n = static_cast<double>(samples.size());
  double squares = 0;
  for (const double sample : samples) squares += (sample - *estimate.value) * (sample - *estimate.value);
  const double half = student_quantile(0.5 + confidence / 2, n - 1) * std::sqrt(squares / (n - 1) / n);
  estimate.low = *estimate.value - half;
  estimate.high = *estimate.value + half;
  estimate.confidence = confidence;
  estimate.method = "mean, Student's interval";
  return estimate;
}

Estimate ratio_estimate(std::span<const double> numerators, std::span<const double> denominators,
                        uint64_t seed, double confidence) {
  CHECK(numerators.size() == denominators.size());
  if (numerators.empty()) return no_samples();
  const double total = sum(denominators);
  CHECK(total > 0);
  return with_bootstrap(sum(numerators) / total, numerators, denominators, seed, confidence, "ratio of sums");
}

RateCounter::RateCounter(int64_t start_ns, int64_t end_ns)
    : start_ns_(start_ns),
      end_ns_(end_ns),
      bins_per_ns_(kRateBins / static_cast<double>(end_ns - start_ns)),
      counts_(kRateBins, 0.0) {
  CHECK(end_ns > start_ns);
}

Estimate RateCounter::estimate(uint64_t seed, double confidence) const {
  if (inside_ == 0) return rate_of_none(seconds(Nanos(end_ns_ - start_ns_)), confidence);
  const std::vector<double> widths_s(kRateBins, 1e-9 / bins_per_ns_);
  Estimate estimate = ratio_estimate(counts_, widths_s, seed, confidence);
  estimate.n = inside_;
  estimate.method =
      fmt::format("events in the window over its length, {} bins, {}", kRateBins, estimate.method);
  return estimate;
}

bool is_share_missed(double share, int64_t n, double required) {
  constexpr double kDoubt = 0.005;
  if (n <= 0 || share >= required) return false;
  if (required >= 1) return true;
  return binomial_at_most(std::llround(share * static_cast<double>(n)), n, required) < kDoubt;
}

Estimate share_estimate(int64_t good, int64_t n, double confidence) {
  CHECK(good >= 0 && good <= n);
  if (n == 0) return no_samples();
  return wilson(static_cast<double>(good) / static_cast<double>(n), static_cast<double>(n), n, confidence);
}

Estimate share_estimate(std::span<const double> outcomes, double confidence) {
  if (outcomes.empty()) return no_samples();
  const double n = static_cast<double>(outcomes.size());
  return wilson(sum(outcomes) / n, effective_sample_size(outcomes), static_cast<int64_t>(outcomes.size()),
                confidence);
}

}  // namespace assay
