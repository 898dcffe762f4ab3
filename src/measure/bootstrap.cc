// Blocks of random length from a circle of samples, summed through prefix sums; see bootstrap.h.
#include "measure/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/base.h"
#include "measure/estimate.h"
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

}  // namespace

BootstrapInterval bootstrap_ratio(std::span<const double> numerators, std::span<const double> denominators,
                                  double confidence, uint64_t seed) {
  CHECK(numerators.size() == denominators.size() && numerators.size() >= 2);
  const std::vector<Sums> groups = grouped(numerators, denominators);
  const double mean_block = bootstrap_block_length(influences(groups));
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
  return {sorted_quantile(ratios, error), sorted_quantile(ratios, 1 - error), mean_block * group_size};
}

}  // namespace assay
