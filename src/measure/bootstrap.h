// The stationary bootstrap of a ratio of sums. Private to measure.
#pragma once

#include <cstdint>
#include <span>

namespace assay {

struct BootstrapInterval {
  double low = 0, high = 0;
  double mean_block = 1;  // in the samples given, not in groups of them
};

// Percentile interval of Σ numerators / Σ denominators. Long series are first summed in groups of consecutive
// pairs, at most 1,000 of them, which bounds the work and, groups being blocks themselves, loses nothing on
// the interval. At least two pairs; the sum of the denominators of any group must be positive.
BootstrapInterval bootstrap_ratio(std::span<const double> numerators, std::span<const double> denominators,
                                  double confidence, uint64_t seed);

}  // namespace assay
