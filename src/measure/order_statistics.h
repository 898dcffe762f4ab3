// Which order statistics bound a quantile. Private to measure.
#pragma once

#include <cstdint>
#include <optional>

namespace assay {

// Ranks count from 1. A side without a rank cannot be bounded by so few samples.
struct OrderInterval {
  std::optional<int64_t> low_rank, high_rank;
};

// P(B ≤ k) for B ~ Binomial(n, p): how likely so few successes are where each has the chance p. n ≥ 0, p in
// (0, 1).
double binomial_at_most(int64_t k, int64_t n, double p);

// With B ~ Binomial(n, p) the number of samples at or below the quantile p, the interval from x_(l) to x_(u)
// covers it with probability P(l ≤ B < u). Here l is the largest rank with P(B < l) ≤ α/2, u the smallest
// with P(B ≥ u) ≤ α/2, so that each side errs by α/2 at most. With serially dependent samples the ranks are
// found for `effective_n` ≤ n samples and stretched to n, outwards.
OrderInterval order_interval(int64_t n, double effective_n, double p, double confidence);

// The quantile z of the standard normal distribution: P(Z ≤ z) = p, p in (0, 1).
double normal_quantile(double p);

// The quantile t of Student's distribution with `degrees` ≥ 3 degrees of freedom, which may be broken: P(T ≤
// t) = p. By the expansion of Cornish and Fisher (Abramowitz and Stegun, 26.7.5): at p = 0.975 less than 1 %
// below the true one.
double student_quantile(double p, double degrees);

}  // namespace assay
