// Estimates: a number from samples with its interval, or the plain statement that the samples are too few for
// one. All functions are pure and thread-safe. "In order" means the order in which the samples arose (by
// scheduled instant): serial dependence is seen in it and widens the interval. Samples must be finite;
// confidence lies in (0, 1).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace assay {

struct Estimate {
  std::optional<double> value;      // nothing: too few samples
  std::optional<double> low, high;  // the interval; either may be missing where the samples cannot bound it
  double confidence = 0;            // of the interval; 0 without one
  int64_t n = 0;                    // samples used
  std::string method;               // one line for people and for Record::method
  bool insufficient = false;        // then there is no value
};

inline constexpr double kConfidence = 0.95;  // what assay reports unless told otherwise

// The smallest n that supports the quantile p: p^n + n(1−p)p^(n−1) ≤ 0.01, so that at 99 % confidence two
// samples at least lie above the true quantile. p50 11, p90 64, p95 130, p99 662, p99.9 6,636. p in (0, 1).
int64_t samples_needed(double p);

// The sample quantile by nearest rank, x_(⌈pn⌉) (Hyndman and Fan 1996, definition 1): always a value that was
// measured. `sorted` ascending and not empty, p in [0, 1].
double sorted_quantile(std::span<const double> sorted, double p);

// Quantiles of `samples`, in order. Interval: order statistics (David and Nagaraja 2003, §7.1), with the
// number of samples reduced to the effective one of the indicator series (Heidelberger and Lewis 1984) where
// they are serially dependent. Insufficient below samples_needed(p). One estimate a p, in the order of `ps`.
std::vector<Estimate> quantile_estimates(std::span<const double> samples, std::span<const double> ps,
                                         double confidence = kConfidence);
// The same of series as long as a load has events, in single precision; takes a bit a sample beside them.
std::vector<Estimate> quantile_estimates(std::span<const float> samples, std::span<const double> ps,
                                         double confidence = kConfidence);
Estimate quantile_estimate(std::span<const double> samples, double p, double confidence = kConfidence);

// The largest sample; no interval, as none is known without an assumption on the tail.
Estimate maximum_estimate(std::span<const double> samples);

// The mean of `samples`, in order. Interval: percentiles of the stationary bootstrap (Politis and Romano
// 1994) with the block length of Politis and White (2004, corrected 2009); for independent samples that is
// the ordinary bootstrap. Without an interval below 8 samples, insufficient without any.
Estimate mean_estimate(std::span<const double> samples, uint64_t seed, double confidence = kConfidence);

// The mean of repetitions of the same work, for which of 4 to 7 there is Student's interval, as if their
// spread were normal, which is bold but better than none; from 8 on as mean_estimate.
Estimate repetition_estimate(std::span<const double> samples, uint64_t seed, double confidence = kConfidence);

// Σ numerators / Σ denominators, resampled in pairs by the same bootstrap. Equal lengths; the sum of the
// denominators is positive. For example output tokens over seconds, bin by bin.
Estimate ratio_estimate(std::span<const double> numerators, std::span<const double> denominators,
                        uint64_t seed, double confidence = kConfidence);

// The rate of weighted events in [start_ns, end_ns), which come one by one in any order: the sum of the
// weights of the events inside, per second. Interval: ratio_estimate over 100 equal bins of the window. n is
// the events inside. Of none, the upper limit is that of a Poisson rate, −ln(1 − confidence) over the window,
// 3/T at 95 % (the rule of three: Hanley and Lippman-Hand, JAMA 249 (1983) 1743), each event counting 1.
class RateCounter {
 public:
  RateCounter(int64_t start_ns, int64_t end_ns);  // end after start
  void add(int64_t event_ns, double weight = 1) {
    if (event_ns < start_ns_ || event_ns >= end_ns_) return;
    const auto bin = static_cast<size_t>(static_cast<double>(event_ns - start_ns_) * bins_per_ns_);
    counts_[std::min(bin, counts_.size() - 1)] += weight;
    ++inside_;
  }
  Estimate estimate(uint64_t seed, double confidence = kConfidence) const;

 private:
  int64_t start_ns_, end_ns_, inside_ = 0;
  double bins_per_ns_;
  std::vector<double> counts_;  // of each bin
};

// Whether a share of n trials shows that what is required of them is missed: where each is good with the
// chance `required`, so few are in less than 0.5 % of cases (exact binomial; independent trials). Of one
// trial nothing is shown, of three failures at 90 % it is; intervals are too bold for so few.
bool is_share_missed(double share, int64_t n, double required);

// The share good/n with Wilson's score interval (Wilson 1927), for independent trials. 0 ≤ good ≤ n.
Estimate share_estimate(int64_t good, int64_t n, double confidence = kConfidence);
// The share of ones among `outcomes` (0 or 1), in order: Wilson's interval at the effective number of
// samples.
Estimate share_estimate(std::span<const double> outcomes, double confidence = kConfidence);

}  // namespace assay
