// Length distributions: draws and means.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "workload/traffic.h"

namespace assay {
namespace {

constexpr double kMaxSigma = 4;
constexpr size_t kMaxValues = 1'000'000;

int64_t clamped(const LengthDistribution& d, double tokens) {
  const auto low = static_cast<double>(std::max<int64_t>(1, d.minimum));
  return static_cast<int64_t>(std::clamp(std::round(tokens), low, static_cast<double>(d.maximum)));
}

// Sum of clamp(x) over the integers low … high: the parts below, inside and above the limits.
double uniform_mean(const LengthDistribution& d) {
  const auto low = static_cast<int64_t>(d.a), high = static_cast<int64_t>(d.b);
  const int64_t minimum = clamped(d, 0);
  const int64_t inner_low = std::clamp(low, minimum, d.maximum);
  const int64_t inner_high = std::clamp(high, minimum, d.maximum);
  const auto below = static_cast<double>(std::max<int64_t>(0, std::min(high + 1, minimum) - low));
  const auto above = static_cast<double>(std::max<int64_t>(0, high - std::max(low - 1, d.maximum)));
  const auto count = static_cast<double>(high - low + 1);
  const double inside = count - below - above;
  const double middle = 0.5 * static_cast<double>(inner_low + inner_high);
  return (below * static_cast<double>(minimum) + inside * middle + above * static_cast<double>(d.maximum)) /
         count;
}

// Midpoint rule over the standard normal variable; what lies beyond eight deviations is below 1e-15.
double lognormal_mean(const LengthDistribution& d) {
  constexpr int kSteps = 8192;
  constexpr double kReach = 8;
  constexpr double kStep = 2 * kReach / kSteps;
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double z = -kReach + (i + 0.5) * kStep;
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
    sum += static_cast<double>(clamped(d, d.a * std::exp(d.b * z))) * density * kStep;
  }
  return sum;
}

bool is_length(double tokens) {
  return tokens >= 1 && tokens <= static_cast<double>(kMaxTokens);
}

std::string problem_of_values(const std::vector<uint32_t>& values) {
  if (values.empty()) return "there are no lengths to draw from";
  if (values.size() > kMaxValues) return fmt::format("there are more than {} lengths", kMaxValues);
  const bool all_good = std::all_of(values.begin(), values.end(), [](uint32_t v) { return is_length(v); });
  return all_good ? "" : fmt::format("lengths must lie between 1 and {} tokens", kMaxTokens);
}

}  // namespace

uint32_t LengthDistribution::draw(Random& random) const {
  double tokens = a;
  if (kind == Kind::kUniform)
    tokens = a + static_cast<double>(random.below(static_cast<uint64_t>(b - a) + 1));
  if (kind == Kind::kLognormal) tokens = a * std::exp(b * random.normal());
  if (kind == Kind::kEmpirical) tokens = values[random.below(values.size())];
  return static_cast<uint32_t>(clamped(*this, tokens));
}

uint32_t LengthDistribution::least() const {
  double tokens = a;
  if (kind == Kind::kLognormal && b > 0) tokens = 0;
  if (kind == Kind::kEmpirical) tokens = *std::ranges::min_element(values);
  return static_cast<uint32_t>(clamped(*this, tokens));
}

double LengthDistribution::mean() const {
  switch (kind) {
    case Kind::kFixed:
      return static_cast<double>(clamped(*this, a));
    case Kind::kUniform:
      return uniform_mean(*this);
    case Kind::kLognormal:
      return lognormal_mean(*this);
    case Kind::kEmpirical:
      break;
  }
  const double sum = std::accumulate(
      values.begin(), values.end(), 0.0,
      [this](double total, uint32_t tokens) { return total + static_cast<double>(clamped(*this, tokens)); });
  return sum / static_cast<double>(values.size());
}

std::string LengthDistribution::problem() const {
  if (minimum < 1 || maximum > kMaxTokens)
    return fmt::format("min and max must lie between 1 and {}", kMaxTokens);
  if (minimum > maximum) return fmt::format("min ({}) is above max ({})", minimum, maximum);
  switch (kind) {
    case Kind::kFixed:
      return is_length(a) ? "" : fmt::format("a length must lie between 1 and {} tokens", kMaxTokens);
    case Kind::kUniform:
      if (!is_length(a) || !is_length(b))
        return fmt::format("min and max must lie between 1 and {}", kMaxTokens);
      if (a != std::floor(a) || b != std::floor(b)) return "min and max must be whole numbers";
      return a <= b ? "" : fmt::format("min ({}) is above max ({})", a, b);
    case Kind::kLognormal:
      if (!is_length(a)) return fmt::format("median must lie between 1 and {} tokens", kMaxTokens);
      return b >= 0 && b <= kMaxSigma ? "" : fmt::format("sigma must lie between 0 and {}", kMaxSigma);
    case Kind::kEmpirical:
      break;
  }
  return problem_of_values(values);
}

}  // namespace assay
