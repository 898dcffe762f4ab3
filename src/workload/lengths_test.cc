// Length distributions: draws against theory, means against draws, and parameters that cannot be.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "workload/workload.h"

namespace assay::lengths_test {

using Kind = LengthDistribution::Kind;

std::vector<uint32_t> draws(const LengthDistribution& lengths, uint64_t count = 100'000) {
  std::vector<uint32_t> values;
  for (uint64_t i = 0; i < count; ++i) {
    Random random(7, random_stream("lengths"), i);
    values.push_back(lengths.draw(random));
  }
  return values;
}

double mean_of(const std::vector<uint32_t>& values) {
  double sum = 0;
  for (const uint32_t value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// The mean over the draws lies within six standard errors of the stated one.
void expect_mean(const LengthDistribution& lengths) {
  const std::vector<uint32_t> values = draws(lengths);
  const double mean = mean_of(values);
  double squares = 0;
  for (const uint32_t value : values) squares += (value - mean) * (value - mean);
  const auto n = static_cast<double>(values.size());
  EXPECT_NEAR(lengths.mean(), mean, 6 * std::sqrt(squares / n / n) + 1e-9) << static_cast<int>(lengths.kind);
}

TEST(Lengths, FixedIsAlwaysTheSame) {
  const LengthDistribution lengths{Kind::kFixed, 128};
  for (const uint32_t value : draws(lengths, 100)) EXPECT_EQ(value, 128U);
  EXPECT_EQ(lengths.mean(), 128);
}

TEST(Lengths, UniformReachesBothEndsAndNothingBeyond) {
  const LengthDistribution lengths{Kind::kUniform, 10, 12};
  std::vector<int> counts(13);
  for (const uint32_t value : draws(lengths, 30'000)) ++counts.at(value);
  for (const int tokens : {10, 11, 12})
    EXPECT_NEAR(counts[tokens], 10'000, 6 * std::sqrt(10'000.0 * 2 / 3)) << tokens;
  EXPECT_EQ(lengths.mean(), 11);
}

TEST(Lengths, LognormalHasItsMedianAndSigma) {
  std::vector<uint32_t> values = draws({Kind::kLognormal, 500, 0.7});
  std::sort(values.begin(), values.end());
  // The standard error of a median is sqrt(pi/2)·sigma/sqrt(n), here 0.3 %.
  EXPECT_NEAR(std::log(values[values.size() / 2]), std::log(500),
              6 * 0.7 * 1.2533 / std::sqrt(100'000.0) + 0.002);
  double sum = 0, squares = 0;
  for (const uint32_t value : values) {
    sum += std::log(value);
    squares += std::log(value) * std::log(value);
  }
  const double mean = sum / 100'000;
  EXPECT_NEAR(std::sqrt(squares / 100'000 - mean * mean), 0.7, 6 * 0.7 / std::sqrt(2 * 100'000.0) + 0.001);
  // Hardly clamped, the mean is that of the lognormal itself.
  EXPECT_NEAR((LengthDistribution{Kind::kLognormal, 500, 0.7}.mean()), 500 * std::exp(0.7 * 0.7 / 2), 0.1);
}

TEST(Lengths, EmpiricalDrawsOnlyWhatIsThere) {
  LengthDistribution lengths;
  lengths.kind = Kind::kEmpirical;
  lengths.values = {3, 3, 9};
  int nines = 0;
  for (const uint32_t value : draws(lengths, 30'000)) {
    EXPECT_TRUE(value == 3 || value == 9);
    nines += value == 9 ? 1 : 0;
  }
  EXPECT_NEAR(nines, 10'000, 6 * std::sqrt(30'000 * 2.0 / 9));
  EXPECT_EQ(lengths.mean(), 5);
}

TEST(Lengths, ClampedDrawsKeepToTheLimitsAndTheMeanKnows) {
  LengthDistribution empirical;
  empirical.kind = Kind::kEmpirical;
  empirical.values = {1, 5, 100, 1000};
  for (LengthDistribution lengths :
       {LengthDistribution{Kind::kUniform, 1, 100}, LengthDistribution{Kind::kUniform, 45, 52},
        LengthDistribution{Kind::kUniform, 60, 70}, LengthDistribution{Kind::kUniform, 5, 9},
        LengthDistribution{Kind::kLognormal, 20, 1.5}, LengthDistribution{Kind::kFixed, 7}, empirical}) {
    lengths.minimum = 10;
    lengths.maximum = 50;
    for (const uint32_t value : draws(lengths, 2000)) {
      EXPECT_GE(value, 10U);
      EXPECT_LE(value, 50U);
    }
    expect_mean(lengths);
  }
}

TEST(Lengths, ImpossibleParametersAreNamed) {
  LengthDistribution lengths{Kind::kLognormal, 100, 0.5};
  EXPECT_EQ(lengths.problem(), "");
  lengths.b = -1;
  EXPECT_EQ(lengths.problem(), "sigma must lie between 0 and 4");
  lengths.b = std::nan("");
  EXPECT_EQ(lengths.problem(), "sigma must lie between 0 and 4");
  lengths.minimum = 20;
  lengths.maximum = 10;
  EXPECT_EQ(lengths.problem(), "min (20) is above max (10)");
  EXPECT_NE((LengthDistribution{Kind::kUniform, 9, 3}.problem()), "");
  EXPECT_NE((LengthDistribution{Kind::kUniform, 1.5, 3}.problem()), "");
  EXPECT_NE((LengthDistribution{Kind::kFixed, 0}.problem()), "");
  EXPECT_NE((LengthDistribution{Kind::kFixed, 1e9}.problem()), "");
  EXPECT_NE((LengthDistribution{Kind::kEmpirical}.problem()), "");
}

}  // namespace assay::lengths_test
