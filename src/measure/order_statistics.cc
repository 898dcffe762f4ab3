// The binomial distribution around its mode, and ranks from it; see order_statistics.h.
#include "measure/order_statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/base.h"

namespace assay {
namespace {

// The probabilities of Binomial(n, p), from the first value worth more than 1e-18 of the mode to the last.
// The ratio of neighbours is exact, so that nothing overflows and no logarithm of a factorial is needed.
struct Binomial {
  int64_t first = 0;
  std::vector<double> probabilities;
};

Binomial binomial(int64_t n, double p) {
  constexpr double kNegligible = 1e-18;
  const auto mode = std::min(n, static_cast<int64_t>(std::floor(static_cast<double>(n + 1) * p)));
  const double odds = p / (1 - p);
  std::vector<double> below, above{1};
  double weight = 1;
  for (int64_t k = mode; k > 0 && weight > kNegligible; --k) {
    weight *= static_cast<double>(k) / (static_cast<double>(n - k + 1) * odds);
    below.push_back(weight);
  }
  weight = 1;
  for (int64_t k = mode; k < n && weight > kNegligible; ++k) {
    weight *= static_cast<double>(n - k) * odds / static_cast<double>(k + 1);
    above.push_back(weight);
  }
  Binomial result{mode - static_cast<int64_t>(below.size()), {below.rbegin(), below.rend()}};
  result.probabilities.insert(result.probabilities.end(), above.begin(), above.end());
  double total = 0;
  for (const double each : result.probabilities) total += each;
  for (double& each : result.probabilities) each /= total;
  return result;
}

}  // namespace

double binomial_at_most(int64_t k, int64_t n, double p) {
  if (k >= n) return 1;
  double chance = 0;
  const Binomial distribution = binomial(n, p);
  for (size_t i = 0; i < distribution.probabilities.size(); ++i) {
    if (distribution.first + static_cast<int64_t>(i) <= k) chance += distribution.probabilities[i];
  }
  return chance;
}

OrderInterval order_interval(int64_t n, double effective_n, double p, double confidence) {
  CHECK(n >= 1 && p > 0 && p < 1 && confidence > 0 && confidence < 1);
  const auto m = std::clamp<int64_t>(static_cast<int64_t>(effective_n), 1, n);
  const double error = (1 - confidence) / 2;
  const Binomial distribution = binomial(m, p);
  const std::vector<double>& probabilities = distribution.probabilities;

  int64_t low = distribution.first;  // P(B < low) is the sum of what has been passed
  double passed = 0;
  for (size_t i = 0; i < probabilities.size() && passed + probabilities[i] <= error; ++i) {
    passed += probabilities[i];
    ++low;
  }
  int64_t high = distribution.first + static_cast<int64_t>(probabilities.size());  // P(B ≥ high) likewise
  passed = 0;
  for (size_t i = probabilities.size(); i > 0 && passed + probabilities[i - 1] <= error; --i) {
    passed += probabilities[i - 1];
    --high;
  }
  const double stretch = static_cast<double>(n) / static_cast<double>(m);
  OrderInterval interval;
  if (low >= 1)
    interval.low_rank =
        std::max<int64_t>(1, static_cast<int64_t>(std::floor(static_cast<double>(low) * stretch)));
  if (high <= m)
    interval.high_rank = std::min(n, static_cast<int64_t>(std::ceil(static_cast<double>(high) * stretch)));
  return interval;
}

double normal_quantile(double p) {
  CHECK(p > 0 && p < 1);
  double low = -40, high = 40;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

double student_quantile(double p, double degrees) {
  CHECK(degrees >= 3);
  const double z = normal_quantile(p), z2 = z * z, v = degrees;
  const double first = z * (z2 + 1) / 4;
  const double second = z * ((5 * z2 + 16) * z2 + 3) / 96;
  const double third = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
  const double fourth = z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;
  return z + first / v + second / (v * v) + third / (v * v * v) + fourth / (v * v * v * v);
}

}  // namespace assay
