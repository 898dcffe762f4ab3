// Estimates, against theory: intervals must cover the truth as often as they say. Every simulation has a
// fixed seed; the tolerances are four standard errors of the simulated share or more.
#include "measure/estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "measure/order_statistics.h"
#include "measure/simulation_test_support.h"

namespace assay::estimate_test {

using simulation::autoregression;
using simulation::coverage;
using simulation::exponentials;

bool covers(const Estimate& estimate, double truth) {
  return (!estimate.low || *estimate.low <= truth) && (!estimate.high || truth <= *estimate.high);
}

std::vector<double> one_to(int n) {
  std::vector<double> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(SamplesNeeded, AreTheNumbersOfTheDesign) {
  EXPECT_EQ(samples_needed(0.5), 11);
  EXPECT_EQ(samples_needed(0.9), 64);
  EXPECT_EQ(samples_needed(0.95), 130);
  EXPECT_EQ(samples_needed(0.99), 662);
  EXPECT_EQ(samples_needed(0.999), 6636);
}

TEST(SortedQuantile, IsTheNearestRank) {
  const std::vector<double> values = one_to(20);
  EXPECT_EQ(sorted_quantile(values, 0), 1);
  EXPECT_EQ(sorted_quantile(values, 0.05), 1);
  EXPECT_EQ(sorted_quantile(values, 0.051), 2);
  EXPECT_EQ(sorted_quantile(values, 0.5), 10);
  EXPECT_EQ(sorted_quantile(values, 0.95), 19);
  EXPECT_EQ(sorted_quantile(values, 1), 20);
  EXPECT_EQ(sorted_quantile(one_to(1), 0.99), 1);
}

TEST(QuantileEstimate, BelowTheNeededSamplesThereIsNoValue) {
  const Estimate refused = quantile_estimate(exponentials(1, 63), 0.9);
  EXPECT_TRUE(refused.insufficient);
  EXPECT_FALSE(refused.value);
  EXPECT_EQ(refused.n, 63);
  EXPECT_EQ(refused.method, "insufficient: 63 samples where p90 needs 64");
  const Estimate given = quantile_estimate(exponentials(1, 64), 0.9);
  EXPECT_FALSE(given.insufficient);
  EXPECT_TRUE(given.value);
}

TEST(QuantileEstimate, ComesForSeveralPercentilesInTheirOrder) {
  const std::vector<double> samples = exponentials(2, 1000);
  const double ps[] = {0.99, 0.5, 0.999};
  const std::vector<Estimate> estimates = quantile_estimates(samples, ps);
  ASSERT_EQ(estimates.size(), 3u);
  EXPECT_GT(estimates[0].value, estimates[1].value);
  EXPECT_TRUE(estimates[2].insufficient);
  EXPECT_EQ(estimates[1].value, quantile_estimate(samples, 0.5).value);
  for (int i = 0; i < 2; ++i) {
    EXPECT_LE(*estimates[static_cast<size_t>(i)].low, *estimates[static_cast<size_t>(i)].value);
    EXPECT_GE(*estimates[static_cast<size_t>(i)].high, *estimates[static_cast<size_t>(i)].value);
  }
}

TEST(QuantileEstimate, OfALongSeriesIsTheSameInSinglePrecision) {
  std::vector<double> samples;
  for (const double sample : exponentials(4, 8000)) samples.push_back(static_cast<float>(sample));
  const double ps[] = {0.5, 0.99, 0.999};
  const std::vector<Estimate> expected = quantile_estimates(samples, ps);
  const std::vector<Estimate> estimates =
      quantile_estimates(std::vector<float>(samples.begin(), samples.end()), ps);
  ASSERT_EQ(estimates.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(estimates[i].value, expected[i].value);
    EXPECT_EQ(estimates[i].low, expected[i].low);
    EXPECT_EQ(estimates[i].high, expected[i].high);
    EXPECT_EQ(estimates[i].method, expected[i].method);
  }
}

TEST(QuantileEstimate, IndependentSamplesAreCoveredAsPromised) {
  for (const double p : {0.5, 0.9, 0.95}) {
    const double truth = -std::log(1 - p);
    const double covered = coverage(
        2000, [&](uint64_t seed) { return covers(quantile_estimate(exponentials(seed, 200), p), truth); });
    EXPECT_GT(covered, 0.94) << p;
  }
}

TEST(QuantileEstimate, DependentSamplesAreCoveredWherePlainOrderStatisticsFail) {
  const double p = 0.9, truth = 1.2815515655446004;
  const auto plain = [&](uint64_t seed) {
    std::vector<double> sorted = autoregression(seed, 1000, 0.8);
    std::sort(sorted.begin(), sorted.end());
    const OrderInterval ranks = order_interval(1000, 1000, p, 0.95);
    return sorted[static_cast<size_t>(*ranks.low_rank - 1)] <= truth &&
           truth <= sorted[static_cast<size_t>(*ranks.high_rank - 1)];
  };
  const auto corrected = [&](uint64_t seed) {
    return covers(quantile_estimate(autoregression(seed, 1000, 0.8), p), truth);
  };
  EXPECT_LT(coverage(500, plain), 0.8);
  EXPECT_GT(coverage(500, corrected), 0.91);
}

TEST(QuantileEstimate, ItsMethodNamesTheEffectiveSamples) {
  EXPECT_NE(quantile_estimate(autoregression(1, 1000, 0.9), 0.5).method.find("effective samples"),
            std::string::npos);
}

TEST(RepetitionEstimate, OfAHandfulHasStudentsInterval) {
  const std::vector<double> five = {9, 10, 11, 10, 10};
  const Estimate estimate = repetition_estimate(five, 1);
  EXPECT_DOUBLE_EQ(*estimate.value, 10);
  EXPECT_NEAR(*estimate.high, 10 + 2.776 * std::sqrt(0.5 / 5), 0.01);
  EXPECT_NEAR(*estimate.low, 10 - 2.776 * std::sqrt(0.5 / 5), 0.01);
  EXPECT_FALSE(repetition_estimate(std::vector<double>{9, 10, 11}, 1).low);
  const std::vector<double> many(20, 3.0);
  EXPECT_EQ(repetition_estimate(many, 1).method, mean_estimate(many, 1).method);
}

TEST(MaximumEstimate, IsTheLargestSample) {
  EXPECT_EQ(maximum_estimate(std::vector<double>{3, 9, 1}).value, 9);
  EXPECT_TRUE(maximum_estimate({}).insufficient);
}

TEST(MeanEstimateInTheory, IndependentSamplesAreCoveredAsPromised) {
  const double covered =
      coverage(300, [](uint64_t seed) { return covers(mean_estimate(exponentials(seed, 200), seed), 1); });
  EXPECT_GT(covered, 0.93);
  EXPECT_LT(covered, 0.99);
}

TEST(MeanEstimateInTheory, DependentSamplesAreCoveredToo) {
  // Independent resampling would cover the mean of this series about half the time: τ is 5.7.
  const double covered = coverage(
      300, [](uint64_t seed) { return covers(mean_estimate(autoregression(seed, 1000, 0.7), seed), 0); });
  EXPECT_GT(covered, 0.92);
}

// Waits in a queue hang together for hundreds of requests, and the longest are rare: the hardest of what
// servers show.
TEST(MeanEstimateInTheory, WaitsInAQueueAreCoveredNearlyAsPromised) {
  const auto covered = [](int64_t n) {
    return coverage(300, [n](uint64_t seed) {
      std::vector<double> sojourns;
      for (const simulation::Visit& visit :
           simulation::mm1(seed, n + 1000, 0.65, 1, [](double) { return 1.0; }))
        sojourns.push_back(visit.sojourn_s);
      sojourns.erase(sojourns.begin(), sojourns.begin() + 1000);
      return covers(mean_estimate(sojourns, seed), 1 / (1 - 0.65));
    });
  };
  EXPECT_GT(covered(2000), 0.87);  // the bootstrap alone: 0.84
  EXPECT_GT(covered(500), 0.8);    // the bootstrap alone: 0.75
}

TEST(MeanEstimate, TheSameSeedGivesTheSameInterval) {
  const std::vector<double> samples = autoregression(1, 300, 0.5);
  EXPECT_EQ(mean_estimate(samples, 7).low, mean_estimate(samples, 7).low);
  EXPECT_NE(mean_estimate(samples, 7).low, mean_estimate(samples, 8).low);
}

TEST(MeanEstimate, FewSamplesGetNoIntervalAndNoneNoValue) {
  const Estimate few = mean_estimate(std::vector<double>{1, 2, 3}, 1);
  EXPECT_EQ(few.value, 2);
  EXPECT_FALSE(few.low);
  EXPECT_EQ(few.confidence, 0);
  EXPECT_TRUE(mean_estimate({}, 1).insufficient);
}

TEST(MeanEstimate, ALongSeriesGivesTheIntervalOfTheory) {
  const Estimate estimate = mean_estimate(exponentials(3, 200'000), 1);
  const double half = 1.96 / std::sqrt(200'000.0);
  EXPECT_NEAR(*estimate.high - *estimate.low, 2 * half, 0.2 * half);
  EXPECT_LT(std::fabs(*estimate.value - 1), 4 * half);
}

TEST(RatioEstimate, IsTheRatioOfTheSumsNotTheMeanOfTheRatios) {
  EXPECT_EQ(ratio_estimate(std::vector<double>{1, 9}, std::vector<double>{1, 3}, 1).value, 2.5);
}

TEST(RatioEstimateInTheory, PairsAreCoveredAsPromised) {
  const auto covered_once = [](uint64_t seed) {
    const std::vector<double> seconds = exponentials(seed, 200);
    std::vector<double> tokens = exponentials(seed + 1'000'000, 200);
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = 3 * seconds[i] + tokens[i];  // ratio of means: 4
    return covers(ratio_estimate(tokens, seconds, seed), 4);
  };
  EXPECT_GT(coverage(300, covered_once), 0.89);
}

std::vector<int64_t> poisson_ns(uint64_t seed, double rate_per_s, double duration_s) {
  std::vector<int64_t> events;
  Random random(seed, random_stream("poisson"), 0);
  for (double at = random.exponential() / rate_per_s; at < duration_s;
       at += random.exponential() / rate_per_s) {
    events.push_back(static_cast<int64_t>(at * 1e9));
  }
  return events;
}

Estimate rate_of(const std::vector<int64_t>& event_ns, int64_t start_ns, int64_t end_ns, uint64_t seed) {
  RateCounter counter(start_ns, end_ns);
  for (const int64_t at : event_ns) counter.add(at);
  return counter.estimate(seed);
}

TEST(RateEstimateInTheory, OfAPoissonProcessIsCoveredAsPromised) {
  const auto covered_once = [](uint64_t seed) {
    return covers(rate_of(poisson_ns(seed, 20, 60), 0, 60'000'000'000, seed), 20);
  };
  EXPECT_GT(coverage(300, covered_once), 0.89);
}

TEST(RateEstimate, CountsOnlyEventsInsideTheWindow) {
  const std::vector<int64_t> events = {0, 999, 1000, 1500, 1999, 2000, 5000};
  const Estimate rate = rate_of(events, 1000, 2000, 1);
  EXPECT_EQ(rate.n, 3);
  EXPECT_NEAR(*rate.value, 3 / 1e-6, 1e-3);
}

TEST(RateEstimate, WeighsEvents) {
  RateCounter counter(0, 1'000'000'000);
  counter.add(100);
  counter.add(200, 10);
  counter.add(300, 100);
  EXPECT_NEAR(*counter.estimate(1).value, 111, 1e-9);
}

TEST(RateEstimate, OfNothingIsZeroWithTheRuleOfThreeAbove) {
  const Estimate rate = rate_of({}, 0, 60'000'000'000, 1);
  EXPECT_EQ(rate.value, 0);
  EXPECT_EQ(rate.n, 0);
  EXPECT_EQ(rate.low, 0);
  EXPECT_NEAR(*rate.high, 3.0 / 60, 0.0001);
  EXPECT_EQ(rate.confidence, 0.95);
  EXPECT_NE(rate.method.find("rule of three"), std::string::npos);
}

TEST(ShareEstimate, AgreesWithWilsonsFormula) {
  const Estimate share = share_estimate(8, 10);
  EXPECT_DOUBLE_EQ(*share.value, 0.8);
  EXPECT_NEAR(*share.low, 0.49016, 1e-5);
  EXPECT_NEAR(*share.high, 0.94331, 1e-5);
  EXPECT_EQ(share_estimate(0, 10).low, 0);
  EXPECT_NEAR(*share_estimate(0, 10).high, 0.27753, 1e-5);
  EXPECT_EQ(share_estimate(10, 10).high, 1);
  EXPECT_TRUE(share_estimate(0, 0).insufficient);
}

TEST(ShareEstimate, OutcomesInBurstsKnowLess) {
  std::vector<double> bursts, mixed;
  for (int i = 0; i < 400; ++i) {
    bursts.push_back(i / 50 % 2);
    mixed.push_back(i % 2);
  }
  const Estimate of_bursts = share_estimate(bursts), of_mixed = share_estimate(mixed);
  EXPECT_EQ(of_bursts.value, of_mixed.value);
  EXPECT_EQ(of_mixed.low, share_estimate(200, 400).low);
  EXPECT_GT(*of_bursts.high - *of_bursts.low, 3 * (*of_mixed.high - *of_mixed.low));
}

TEST(IsShareMissed, NeedsMoreThanBadLuck) {
  EXPECT_FALSE(is_share_missed(0, 1, 0.9)) << "one in ten fails";
  EXPECT_FALSE(is_share_missed(0, 2, 0.9)) << "one pair in a hundred";
  EXPECT_TRUE(is_share_missed(0, 3, 0.9)) << "one triple in a thousand";
  EXPECT_FALSE(is_share_missed(0.8, 20, 0.9));
  EXPECT_TRUE(is_share_missed(0.8, 200, 0.9));
  EXPECT_FALSE(is_share_missed(0.9, 1000, 0.9));
  EXPECT_TRUE(is_share_missed(0.99, 100, 1)) << "one failure is one too many";
  EXPECT_FALSE(is_share_missed(0, 0, 0.9));
}

}  // namespace assay::estimate_test
