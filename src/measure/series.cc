// Autocorrelation and what follows from it; see series.h.
#include "measure/series.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/base.h"

namespace assay {
namespace {

// Lags are looked at one by one until a rule says stop; for a long series that never decorrelates this bounds
// the work.
constexpr int64_t kMaxProducts = 200'000'000;

// A series with its mean taken off, and its autocorrelations on demand.
class Centred {
 public:
  explicit Centred(std::span<const double> series) : values_(series.begin(), series.end()) {
    const double mean =
        std::accumulate(values_.begin(), values_.end(), 0.0) / static_cast<double>(values_.size());
    for (double& value : values_) value -= mean;
    variance_ = covariance(0);
  }

  int64_t size() const { return static_cast<int64_t>(values_.size()); }
  bool is_constant() const { return !(variance_ > 0); }
  double correlation(int64_t lag) const { return is_constant() ? 0 : covariance(lag) / variance_; }
  int64_t affordable_lag() const { return std::max<int64_t>(1, kMaxProducts / std::max<int64_t>(1, size())); }

 private:
  double covariance(int64_t lag) const {
    double sum = 0;
    for (size_t i = static_cast<size_t>(lag); i < values_.size(); ++i)
      sum += values_[i] * values_[i - static_cast<size_t>(lag)];
    return sum / static_cast<double>(values_.size());
  }

  std::vector<double> values_;
  double variance_ = 0;
};

// Politis and White's m̂: the smallest lag after which several correlations in a row are insignificant.
int64_t last_significant_lag(const Centred& series, std::vector<double>& correlations) {
  const double n = static_cast<double>(series.size());
  const double log_n = std::log10(n);
  const auto in_a_row = static_cast<int64_t>(std::max(5.0, std::ceil(std::sqrt(log_n))));
  const double threshold = 2 * std::sqrt(log_n / n);
  const int64_t limit = std::min(
      {static_cast<int64_t>(std::ceil(std::sqrt(n))) + in_a_row, series.size() - 1, series.affordable_lag()});
  int64_t last_significant = 0;
  for (int64_t lag = 1; lag <= limit && lag - last_significant <= in_a_row; ++lag) {
    correlations.push_back(series.correlation(lag));
    if (std::fabs(correlations.back()) > threshold) last_significant = lag;
  }
  return last_significant;
}

// The flat-top lag window of Politis and Romano (1995).
double flat_top(double t) {
  return t <= 0.5 ? 1 : t <= 1 ? 2 * (1 - t) : 0;
}

}  // namespace

double effective_sample_size(std::span<const double> series) {
  const double n = static_cast<double>(series.size());
  if (series.size() < 4) return n;
  const Centred centred(series);
  if (centred.is_constant()) return n;
  const int64_t limit = std::min(centred.size() / 2, centred.affordable_lag());
  double pairs = 0;
  for (int64_t lag = 0; lag + 1 <= limit; lag += 2) {
    const double pair = (lag == 0 ? 1 : centred.correlation(lag)) + centred.correlation(lag + 1);
    if (pair <= 0) break;
    pairs += pair;
  }
  return n / std::clamp(2 * pairs - 1, 1.0, n);
}

double bootstrap_block_length(std::span<const double> series) {
  if (series.size() < 8) return 1;
  const Centred centred(series);
  if (centred.is_constant()) return 1;
  std::vector<double> correlations{1};
  const int64_t last = last_significant_lag(centred, correlations);
  if (last == 0) return 1;
  const int64_t bandwidth = std::min(2 * last, std::min(centred.size() - 1, centred.affordable_lag()));
  for (auto lag = static_cast<int64_t>(correlations.size()); lag <= bandwidth; ++lag) {
    correlations.push_back(centred.correlation(lag));
  }
  double g = 0, spectrum = 1;  // both over the variance, which cancels
  for (int64_t lag = 1; lag <= bandwidth; ++lag) {
    const double weight = flat_top(static_cast<double>(lag) / static_cast<double>(bandwidth));
    g += 2 * weight * static_cast<double>(lag) * correlations[static_cast<size_t>(lag)];
    spectrum += 2 * weight * correlations[static_cast<size_t>(lag)];
  }
  const double n = static_cast<double>(series.size());
  const double longest = std::ceil(std::min(3 * std::sqrt(n), n / 3));
  if (spectrum <= 0) return 1;
  return std::clamp(std::cbrt(n * (g / spectrum) * (g / spectrum)), 1.0, longest);
}

}  // namespace assay
