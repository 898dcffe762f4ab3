// Autocorrelation and what follows from it; see series.h.
#include "measure/series.h"

#include <algorithm>
#include <bit>
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

// The ones in each byte of a word, side by side.
uint64_t ones_by_byte(uint64_t word) {
  word -= word >> 1 & 0x5555555555555555;
  word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
  return (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
}

// The same of zeros and ones: with the mean m of n values, Σ(xᵢ − m)(xᵢ₋ₗ − m) = Σxᵢxᵢ₋ₗ − m(Σxᵢ + Σxᵢ₋ₗ) +
// (n − l)m², all sums over i from l on, so that counting is enough. 64 of them are a word and multiplied at
// once.
class Indicators {
 public:
  explicit Indicators(const BitSeries& series)
      : words_(series.words()),
        size_(series.size()),
        ones_(count(0, size_)),
        mean_(ones_ / static_cast<double>(size_)) {}

  int64_t size() const { return static_cast<int64_t>(size_); }
  bool is_constant() const { return ones_ == 0 || ones_ == static_cast<double>(size_); }
  double correlation(int64_t lag) const {
    return is_constant() ? 0 : covariance(static_cast<size_t>(lag)) / (mean_ * (1 - mean_));
  }
  // A product costs a sixteenth of one of numbers, at most.
  int64_t affordable_lag() const {
    return std::max<int64_t>(1, 16 * kMaxProducts / std::max<int64_t>(1, size()));
  }

 private:
  double count(size_t from, size_t to) const {
    int64_t ones = 0;
    for (size_t i = from / 64; i * 64 < to; ++i) {
      uint64_t word = words_[i];
      if (from > i * 64) word &= ~uint64_t{0} << from % 64;
      if (to < i * 64 + 64) word &= (uint64_t{1} << to % 64) - 1;
      ones += std::popcount(word);
    }
    return static_cast<double>(ones);
  }

  // How many of those from `lag` on are one where the value `lag` before is.
  int64_t both(size_t lag) const {
    constexpr size_t kWordsOfSum = 31;  // whose ones fit a byte of the sum
    const size_t shift = lag % 64, words_before = lag / 64;
    int64_t total = 0;
    for (size_t begin = words_before; begin < words_.size(); begin += kWordsOfSum) {
      const size_t end = std::min(begin + kWordsOfSum, words_.size());
      uint64_t sum = 0;
      for (size_t i = begin; i < end; ++i) {
        const size_t before = i - words_before;
        uint64_t moved = words_[before] << shift;
        if (shift != 0 && before > 0) moved |= words_[before - 1] >> (64 - shift);
        sum += ones_by_byte(words_[i] & moved);
      }
      for (; sum != 0; sum >>= 8) total += static_cast<int64_t>(sum & 0xff);
    }
    return total;
  }

  double covariance(size_t lag) const {
    const double ends = 2 * ones_ - count(0, lag) - count(size_ - lag, size_);
    const double sum =
        static_cast<double>(both(lag)) - mean_ * ends + static_cast<double>(size_ - lag) * mean_ * mean_;
    return sum / static_cast<double>(size_);
  }

  std::span<const uint64_t> words_;
  size_t size_;
  double ones_, mean_;
};

// Geyer's initial positive sequence.
template <class Series>
double effective_size(const Series& series) {
  const auto n = static_cast<double>(series.size());
  if (series.size() < 4 || series.is_constant()) return n;
  const int64_t limit = std::min(series.size() / 2, series.affordable_lag());
  double pairs = 0;
  for (int64_t lag = 0; lag + 1 <= limit; lag += 2) {
    const double pair = (lag == 0 ? 1 : series.correlation(lag)) + series.correlation(lag + 1);
    if (pair <= 0) break;
    pairs += pair;
  }
  return n / std::clamp(2 * pairs - 1, 1.0, n);
}

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
  return series.size() < 4 ? static_cast<double>(series.size()) : effective_size(Centred(series));
}

double effective_sample_size(const BitSeries& series) {
  return series.size() < 4 ? static_cast<double>(series.size()) : effective_size(Indicators(series));
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
