// Arrival processes against theory. Seeds are fixed; limits are at six standard errors or a critical value of
// 0.001.
#include "workload/arrivals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace assay::arrivals_test {

using Kind = Arrivals::Kind;

std::vector<Nanos> instants_of(const Arrivals& arrivals, double rate_per_s, uint64_t seed,
                               std::string_view stream, size_t count) {
  ArrivalStream arrival_stream(arrivals, rate_per_s, seed, stream);
  std::vector<Nanos> instants(count);
  for (Nanos& each : instants) each = arrival_stream.next();
  return instants;
}

std::vector<double> gaps_of(const Arrivals& arrivals, double rate_per_s, size_t count) {
  std::vector<double> gaps;
  Nanos last{};
  for (const Nanos at : instants_of(arrivals, rate_per_s, 1, "test", count)) {
    gaps.push_back(seconds(at - last));
    last = at;
  }
  return gaps;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double coefficient_of_variation(const std::vector<double>& values) {
  double squares = 0;
  const double middle = mean(values);
  for (const double value : values) squares += (value - middle) * (value - middle);
  return std::sqrt(squares / static_cast<double>(values.size() - 1)) / middle;
}

TEST(Arrivals, GammaGapsHaveTheMeanAndTheVariationAskedFor) {
  for (const double cv : {0.3, 1.0, 2.0}) {
    const auto gaps = gaps_of({.kind = Kind::kGamma, .cv = cv}, 40, 40'000);
    EXPECT_NEAR(mean(gaps), 0.025, 6 * 0.025 * cv / 200) << cv;
    // The standard error of a coefficient of variation is about cv·sqrt((0.5 + cv²)/n) (Sharma, Krishna
    // 1994); with the gamma's kurtosis of 6·cv² a little more.
    EXPECT_NEAR(coefficient_of_variation(gaps), cv, 6 * cv * std::sqrt((0.5 + 2 * cv * cv) / 40'000)) << cv;
  }
}

TEST(Arrivals, ACurveShapesTheRateAndKeepsItsMean) {
  // A rate that rises from 0 to twice the mean within 10 s: a quarter of the arrivals in the first half of a
  // period.
  const Arrivals ramp{.kind = Kind::kPoisson, .curve = {{0, 0}, {10, 7}}};
  const std::vector<Nanos> at = instants_of(ramp, 100, 3, "test", 20'000);
  double first_half = 0;
  for (const Nanos each : at) first_half += std::fmod(seconds(each), 10) < 5 ? 1 : 0;
  EXPECT_NEAR(first_half / 20'000, 0.25, 6 * std::sqrt(0.25 * 0.75 / 20'000));
  EXPECT_NEAR(seconds(at.back()), 200, 6 * std::sqrt(20'000) / 100);
}

TEST(Arrivals, AConstantRateOnACurveFollowsItExactly) {
  // Rate 1 for 2 s, then 3 for 2 s, by steps as steep as they can be written: 2 + 6 requests in 4 s at mean
  // rate 2.
  const Arrivals step{.kind = Kind::kConstant, .curve = {{0, 1}, {2, 1}, {2.000001, 3}, {4, 3}}};
  const std::vector<Nanos> at = instants_of(step, 2, 1, "test", 9);
  const double expected[] = {0, 1, 2, 2 + 1.0 / 3, 2 + 2.0 / 3, 3, 3 + 1.0 / 3, 3 + 2.0 / 3, 4};
  for (size_t i = 0; i < at.size(); ++i) EXPECT_NEAR(seconds(at[i]), expected[i], 1e-5) << i;
}

// A rate that rises from 0: the first of even arrivals comes at the beginning, the k-th of n when the square
// of the time says so.
TEST(Arrivals, ACurveThatBeginsAtZeroBeginsAtOnce) {
  const Arrivals ramp{.kind = Kind::kConstant, .curve = {{0, 0}, {10, 1}}};
  const std::vector<Nanos> at = instants_of(ramp, 1, 1, "test", 15);
  for (size_t i = 0; i < at.size(); ++i) {
    const double in_period = static_cast<double>(i % 10);
    EXPECT_NEAR(seconds(at[i]), static_cast<double>(i / 10 * 10) + std::sqrt(10 * in_period), 1e-6) << i;
  }
}

TEST(Arrivals, AnIdleStretchOfACurveHasNoArrivals) {
  const Arrivals idle{.kind = Kind::kPoisson,
                      .curve = {{0, 1}, {1, 1}, {1.001, 0}, {3, 0}, {3.001, 1}, {4, 1}}};
  for (const Nanos each : instants_of(idle, 50, 1, "test", 2000)) {
    const double in_period = std::fmod(seconds(each), 4);
    EXPECT_TRUE(in_period < 1.0011 || in_period > 2.9999) << in_period;
  }
}

TEST(Arrivals, WhatACurveCannotBeIsSaid) {
  EXPECT_EQ(curve_problem({}), "");
  const auto problem = [](std::vector<RatePoint> curve) { return curve_problem(curve); };
  EXPECT_THAT(problem({{0, 1}}), testing::HasSubstr("fewer than two"));
  EXPECT_THAT(problem({{1, 1}, {2, 1}}), testing::HasSubstr("not at 0 s"));
  EXPECT_THAT(problem({{0, 1}, {0, 2}}), testing::HasSubstr("ascend"));
  EXPECT_THAT(problem({{0, 1}, {1, -2}}), testing::HasSubstr("negative"));
  EXPECT_THAT(problem({{0, 0}, {1, 0}}), testing::HasSubstr("always 0"));
  EXPECT_THAT(problem({{0, 1}, {INFINITY, 1}}), testing::HasSubstr("no number"));
}

TEST(Arrivals, DrawsDependOnSeedStreamAndIndexAlone) {
  const Arrivals gamma{.kind = Kind::kGamma, .cv = 2};
  const auto few = instants_of(gamma, 5, 7, "a", 10);
  const auto more = instants_of(gamma, 5, 7, "a", 20);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), more.begin()));
  EXPECT_NE(few, instants_of(gamma, 5, 7, "b", 10));
  EXPECT_NE(few, instants_of(gamma, 5, 8, "a", 10));
}

TEST(Arrivals, EveryKindHasOneName) {
  for (const ArrivalKindRow& row : arrival_kinds()) EXPECT_STREQ(name_of(row.kind), row.name);
}

}  // namespace assay::arrivals_test
