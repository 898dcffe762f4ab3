// Blocks of random length from a circle of samples, summed through prefix sums; see bootstrap.h.
#include "measure/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/base.h"
#include "measure/estimate.h"
#include "measure/order_statistics.h"
#include "measure/series.h"

namespace assay {
namespace {

constexpr size_t kReplicates = 1000;
constexpr size_t kMaxGroups = 1000;

struct Sums {
  double numerator = 0, denominator = 0;
};

std::vector<Sums> grouped(std::span<const double> numerators, std::span<const double> denominators) {
  const size_t n = numerators.size();
  const size_t groups = std::min(n, kMaxGroups);
  std::vector<Sums> sums(groups);
  for (size_t i = 0; i < n; ++i) {
    Sums& group = sums[i * groups / n];
    group.numerator += numerators[i];
    group.denominator += denominators[i];
  }
  return sums;
}

// What each group pulls the ratio by: the series whose dependence decides the block length.
std::vector<double> influences(const std::vector<Sums>& groups) {
  Sums total;
  for (const Sums& group : groups) {
    total.numerator += group.numerator;
    total.denominator += group.denominator;
  }
  std::vector<double> series;
  for (const Sums& group : groups) {
    series.push_back(group.numerator - total.numerator / total.denominator * group.denominator);
  }
  return series;
}

// prefix[i] is the sum of the first i groups of the series and the same series after it: blocks wrap around.
std::vector<Sums> prefix_sums(const std::vector<Sums>& groups) {
  std::vector<Sums> prefix(1);
  for (size_t i = 0; i < 2 * groups.size(); ++i) {
    const Sums& group = groups[i % groups.size()];
    prefix.push_back(
        {prefix.back().numerator + group.numerator, prefix.back().denominator + group.denominator});
  }
  return prefix;
}

double replicate(const std::vector<Sums>& prefix, double mean_block, Random& random) {
  const size_t n = prefix.size() / 2;
  // Geometric with the given mean, by inversion.
  const double scale = mean_block > 1 ? 1 / std::log1p(-1 / mean_block) : 0;
  Sums sum;
  for (size_t taken = 0; taken < n;) {
    const size_t start = random.below(n);
    const double drawn = scale == 0 ? 1 : 1 + std::floor(std::log1p(-random.uniform()) * scale);
    const size_t length = static_cast<size_t>(std::min(drawn, static_cast<double>(n - taken)));
    sum.numerator += prefix[start + length].numerator - prefix[start].numerator;
    sum.denominator += prefix[start + length].denominator - prefix[start].denominator;
    taken += length;
  }
  return sum.numerator / sum.denominator;
}

// Half of Student's interval of the ratio whose groups pull it by `series`, of which `effective_n` are
// independent.
double student_half(const std::vector<double>& series, double effective_n, double denominator,
                    double confidence) {
  const auto n = static_cast<double>(series.size());
  double squares = 0;
  for (const double value : series) squares += value * value;
  // How much the samples depend on each other, from 0 to 1.
  const double dependence = 1 - effective_n / n;
  // Correlations are estimated about the series' own mean, which follows it: their sum is too small by some
  // times their length over n. And a variance from correlations is worth fewer degrees of freedom.
  const double seen = 1 - std::min(0.5, 5 / effective_n * dependence);
  const double degrees = effective_n / (1 + 2 * dependence) - 1;
  const double deviation = std::sqrt(squares / (n - 1) / effective_n / seen) * n / denominator;
  return student_quantile(0.5 + confidence / 2, std::max(3.0, degrees)) * deviation;
}

}  // namespace

BootstrapInterval bootstrap_ratio(std::span<const double> numerators, std::span<const double> denominators,
                                  double confidence, uint64_t seed) {
  CHECK(numerators.size() == denominators.size() && numerators.size() >= 2);
  const std::vector<Sums> groups = grouped(numerators, denominators);
  const std::vector<double> series = influences(groups);
  const double mean_block = bootstrap_block_length(series);
  const std::vector<Sums> prefix = prefix_sums(groups);
  std::vector<double> ratios;
  ratios.reserve(kReplicates);
  for (size_t i = 0; i < kReplicates; ++i) {
    Random random(seed, random_stream("bootstrap"), i);
    ratios.push_back(replicate(prefix, mean_block, random));
  }
  std::sort(ratios.begin(), ratios.end());
  const double error = (1 - confidence) / 2;
  const double group_size = static_cast<double>(numerators.size()) / static_cast<double>(groups.size());
  BootstrapInterval interval{.low = sorted_quantile(ratios, error),
                             .high = sorted_quantile(ratios, 1 - error),
                             .mean_block = mean_block * group_size,
                             .effective_n = effective_sample_size(series)};
  const Sums& total = prefix[groups.size()];
  const double half = student_half(series, interval.effective_n, total.denominator, confidence);
  const double narrow = (interval.high - interval.low) / 2;
  if (narrow <= 0 || half <= narrow) return interval;
  interval.widened = half / narrow;
  const double ratio = total.numerator / total.denominator;
  const bool is_positive = std::ranges::all_of(numerators, [](double value) { return value >= 0; });
  interval.low = ratio - interval.widened * (ratio - interval.low);
  interval.high = ratio + interval.widened * (interval.high - ratio);
  if (is_positive) interval.low = std::max(0.0, interval.low);
  return interval;
}

}  // namespace assay
