// The stationary bootstrap of a ratio of sums. Private to measure.
#pragma once

#include <cstdint>
#include <span>

namespace assay {

struct BootstrapInterval {
  double low = 0, high = 0;
  double mean_block = 1;   // in the samples given, not in groups of them
  double effective_n = 0;  // independent pairs (or groups of them) that tell as much
  double widened = 1;      // by this factor, so that the interval is no narrower than theirs
};

// Percentile interval of Σ numerators / Σ denominators. Where samples depend on each other over long
// stretches, as waits in a queue do, blocks from one series make it too narrow: it is then stretched, about
// the ratio, to the width of Student's interval for as many independent samples (effective_sample_size), and
// below 0 only if a numerator is. Long series are first summed in groups of consecutive pairs, at most 1,000
// of them, which bounds the work and, groups being blocks themselves, loses nothing on the interval. At least
// two pairs; the sum of the denominators of any group must be positive.
BootstrapInterval bootstrap_ratio(std::span<const double> numerators, std::span<const double> denominators,
                                  double confidence, uint64_t seed);

}  // namespace assay
