// Ranks that bracket a quantile, against published tables and the binomial distribution itself.
#include "measure/order_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::order_statistics_test {

void expect_ranks(int64_t n, double p, int64_t low, int64_t high) {
  const OrderInterval interval = order_interval(n, static_cast<double>(n), p, 0.95);
  EXPECT_EQ(interval.low_rank, low) << n;
  EXPECT_EQ(interval.high_rank, high) << n;
}

// P(B ≤ k) for B ~ Binomial(n, p) by logarithms of factorials: another way to the same number.
double binomial_cdf(int64_t n, double p, int64_t k) {
  double sum = 0;
  for (int64_t i = 0; i <= k; ++i) {
    const double a = static_cast<double>(n), b = static_cast<double>(i);
    sum += std::exp(std::lgamma(a + 1) - std::lgamma(b + 1) - std::lgamma(a - b + 1) + b * std::log(p) +
                    (a - b) * std::log1p(-p));
  }
  return sum;
}

TEST(OrderInterval, AgreesWithTheTablesForTheMedian) {
  expect_ranks(6, 0.5, 1, 6);
  expect_ranks(10, 0.5, 2, 9);
  expect_ranks(20, 0.5, 6, 15);
  expect_ranks(100, 0.5, 40, 61);
}

TEST(OrderInterval, FiveSamplesDoNotBoundAMedian) {
  const OrderInterval interval = order_interval(5, 5, 0.5, 0.95);
  EXPECT_FALSE(interval.low_rank);
  EXPECT_FALSE(interval.high_rank);
}

TEST(OrderInterval, ASideThatSamplesCannotBoundStaysOpen) {
  const OrderInterval interval = order_interval(30, 30, 0.99, 0.95);
  EXPECT_TRUE(interval.low_rank);
  EXPECT_FALSE(interval.high_rank);
}

TEST(OrderInterval, EachSideErrsByAtMostItsShareAndNoLessThanItMust) {
  for (const int64_t n : {64, 130, 1000, 7000}) {
    for (const double p : {0.1, 0.5, 0.9, 0.95, 0.99}) {
      const OrderInterval interval = order_interval(n, static_cast<double>(n), p, 0.95);
      if (interval.low_rank) {
        EXPECT_LE(binomial_cdf(n, p, *interval.low_rank - 1), 0.025 + 1e-9);
        EXPECT_GT(binomial_cdf(n, p, *interval.low_rank), 0.025 - 1e-9);
      }
      if (interval.high_rank) {
        EXPECT_LE(1 - binomial_cdf(n, p, *interval.high_rank - 1), 0.025 + 1e-9);
        EXPECT_GT(1 - binomial_cdf(n, p, *interval.high_rank - 2), 0.025 - 1e-9);
      }
    }
  }
}

TEST(OrderInterval, FewerEffectiveSamplesWidenIt) {
  const OrderInterval full = order_interval(1000, 1000, 0.9, 0.95);
  const OrderInterval reduced = order_interval(1000, 250, 0.9, 0.95);
  EXPECT_LT(*reduced.low_rank, *full.low_rank);
  EXPECT_GT(*reduced.high_rank, *full.high_rank);
  // A quarter of the samples makes it about twice as wide.
  EXPECT_NEAR(static_cast<double>(*reduced.high_rank - *reduced.low_rank) /
                  static_cast<double>(*full.high_rank - *full.low_rank),
              2, 0.2);
}

TEST(OrderInterval, TenMillionSamplesAreNoTrouble) {
  const OrderInterval interval = order_interval(10'000'000, 1e7, 0.5, 0.95);
  // The normal approximation is exact enough here: 5,000,000 ± 1.96·√(n/4).
  EXPECT_NEAR(static_cast<double>(*interval.low_rank), 5e6 - 3099, 3);
  EXPECT_NEAR(static_cast<double>(*interval.high_rank), 5e6 + 3100, 3);
}

TEST(StudentQuantile, AgreesWithTheTable) {
  EXPECT_NEAR(student_quantile(0.975, 3), 3.1824, 0.03);
  EXPECT_NEAR(student_quantile(0.975, 5), 2.5706, 0.004);
  EXPECT_NEAR(student_quantile(0.975, 10), 2.2281, 0.0005);
  EXPECT_NEAR(student_quantile(0.995, 10), 3.1693, 0.005);
  EXPECT_NEAR(student_quantile(0.025, 30), -2.0423, 0.0005);
  EXPECT_NEAR(student_quantile(0.975, 1e9), normal_quantile(0.975), 1e-8);
}

TEST(NormalQuantile, AgreesWithTheTable) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(normal_quantile(0.995), 2.575829303548901, 1e-12);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-12);
  EXPECT_NEAR(normal_quantile(0.025), -1.959963984540054, 1e-12);
}

}  // namespace assay::order_statistics_test
