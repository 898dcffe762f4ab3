// The search for capacity without a server: outcomes by hand.
#include "load/capacity/capacity_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::capacity_search_test {

CapacityOptions one_class(double start_rate_per_s = 10) {
  return {.start_rate_per_s = start_rate_per_s, .class_shares = {1}, .required = {{0.9}}};
}

CapacityTrial outcome(double rate_per_s, double took_s, ShareCounts counts) {
  return {.rate_per_s = rate_per_s, .took_s = took_s, .response_s = 0.5, .counts = {{counts}}};
}

// Answers every step with a share that falls from 1 to 0 at the capacity.
CapacityInterval run(CapacitySearch& search, double capacity, std::vector<double>* rates = nullptr) {
  for (int i = 0; i < 200; ++i) {
    const auto step = search.next();
    if (!step) break;
    if (rates != nullptr) rates->push_back(step->rate_per_s);
    const auto n = static_cast<int64_t>(step->rate_per_s * step->duration_s) + 1;
    search.add(
        outcome(step->rate_per_s, step->duration_s, {.n = n, .good = step->rate_per_s <= capacity ? n : 0}));
  }
  return search.interval(0);
}

TEST(CapacitySearch, DoublesThenBisects) {
  CapacitySearch search(one_class());
  std::vector<double> rates;
  const CapacityInterval interval = run(search, 33, &rates);
  EXPECT_EQ(search.end(), CapacityEnd::kResolved);
  ASSERT_GE(rates.size(), 4U);
  EXPECT_EQ(rates[0], 10);
  EXPECT_EQ(rates[1], 20);
  EXPECT_EQ(rates[2], 40);
  EXPECT_NEAR(rates[3], 28.28, 0.01);
  EXPECT_LE(rates.size(), 8U);
  EXPECT_TRUE(interval.is_resolved);
  EXPECT_LE(*interval.low, 33);
  EXPECT_GE(*interval.high, 33);
  EXPECT_LE(*interval.high, 1.05 * *interval.low);
  EXPECT_GE(*interval.estimate, *interval.low);
  EXPECT_LE(*interval.estimate, *interval.high);
}

TEST(CapacitySearch, GoesDownWhereTheFirstRateFails) {
  CapacitySearch search(one_class(1000));
  const CapacityInterval interval = run(search, 3);
  EXPECT_TRUE(interval.is_resolved);
  EXPECT_LE(*interval.low, 3);
  EXPECT_GE(*interval.high, 3);
}

// At half the rate, twice the time: when it is not there, what is open is waited for.
TEST(CapacitySearch, DoesNotGoDownToWhereTheTimeLeftShowsNothing) {
  for (const auto& [budget_s, expected] : {std::pair{40.0, 7.0}, {4000.0, 3.5}}) {
    CapacityOptions options = one_class(7);
    options.budget_s = budget_s;
    options.class_shares = {0.9, 0.1};
    options.required = {{0.9, 0.9}};
    CapacitySearch search(options);
    CapacityTrial trial = outcome(7, budget_s / 4, {.n = 60, .good = 60});
    trial.counts[0].push_back({.n = 10, .good = 8});
    ASSERT_EQ(search.next()->rate_per_s, 7);
    search.add(trial);
    EXPECT_EQ(search.next()->rate_per_s, expected) << budget_s;
  }
}

TEST(CapacitySearch, EndsWhereNoRateFailsOrNoneHolds) {
  for (const double capacity : {1e9, 0.0}) {
    CapacityOptions options = one_class();
    options.budget_s = 1e7;
    options.response_s = 0.01;
    CapacitySearch search(options);
    const CapacityInterval interval = run(search, capacity);
    EXPECT_EQ(search.end(), CapacityEnd::kOutOfRange);
    EXPECT_NE(interval.low.has_value(), interval.high.has_value());
    EXPECT_FALSE(interval.estimate);
  }
}

// The smaller half of the requests decides how long a trial has to be.
TEST(CapacitySearch, TrialsLastUntilTheRarestClassHasEnough) {
  CapacityOptions options = one_class(100);
  options.response_s = 0.1;
  const double alone_s = CapacitySearch(options).next()->duration_s;
  options.class_shares = {0.9, 0.1};
  options.required = {{0.9, 0.9}};
  EXPECT_GT(CapacitySearch(options).next()->duration_s, 5 * alone_s);
  options.required = {{0.9, std::nullopt}};  // asks nothing of its class
  EXPECT_LT(CapacitySearch(options).next()->duration_s, 2 * alone_s);
}

TEST(CapacitySearch, OneClassBelowFailsTheRateAllMustHold) {
  CapacityOptions options = one_class();
  options.class_shares = {0.5, 0.5};
  options.required = {{0.9, 0.9}};
  CapacitySearch search(options);
  search.next();
  search.add({.rate_per_s = 10, .took_s = 10, .counts = {{{.n = 500, .good = 500}, {.n = 20, .good = 19}}}});
  EXPECT_EQ(search.verdict(10, 0), RateVerdict::kOpen);
  search.add({.rate_per_s = 10, .took_s = 10, .counts = {{{.n = 500, .good = 500}, {.n = 80, .good = 5}}}});
  EXPECT_EQ(search.verdict(10, 0), RateVerdict::kFails);
  EXPECT_EQ(search.interval(0).limiting_class, 1);
}

TEST(CapacitySearch, ClustersAreWorthOneOutcomeEach) {
  CapacitySearch independent(one_class()), clustered(one_class());
  independent.add(outcome(10, 10, {.n = 200, .good = 200}));
  clustered.add(outcome(10, 10, {.n = 200, .good = 200, .dependence = 20}));
  EXPECT_EQ(independent.verdict(10, 0), RateVerdict::kHolds);
  EXPECT_EQ(clustered.verdict(10, 0), RateVerdict::kOpen);
}

// 9.9 and 10 are as good as one rate, where what holds at the higher one holds at the lower.
TEST(CapacitySearch, OutcomesAtHigherRatesAreEvidenceThatARateHolds) {
  CapacitySearch search(one_class());
  search.add(outcome(9.9, 10, {.n = 60, .good = 60}));
  EXPECT_EQ(search.verdict(9.9, 0), RateVerdict::kOpen);
  search.add(outcome(10, 10, {.n = 60, .good = 60}));
  EXPECT_EQ(search.verdict(9.9, 0), RateVerdict::kHolds);
  EXPECT_EQ(search.verdict(10, 0), RateVerdict::kOpen);
}

TEST(CapacitySearch, AVoidTrialDecidesNothingAndIsRepeatedTwice) {
  CapacitySearch search(one_class());
  CapacityTrial trial = outcome(10, 10, {.n = 1000, .good = 1000});
  trial.is_void = true;
  const double rate = search.next()->rate_per_s;
  for (int i = 1; i < kMostVoidsInARow; ++i) {
    search.add(trial);
    ASSERT_EQ(search.end(), CapacityEnd::kNone);
    EXPECT_EQ(search.next()->rate_per_s, rate);
  }
  search.add(outcome(rate, 10, {.n = 10, .good = 10}));
  for (int i = 0; i < kMostVoidsInARow; ++i) search.add(trial);
  EXPECT_EQ(search.end(), CapacityEnd::kVoid);
  EXPECT_FALSE(search.next());
  EXPECT_FALSE(search.interval(0).low);
}

TEST(CapacitySearch, WhenTheBudgetIsSpentTheIntervalIsWhatIsKnown) {
  CapacityOptions options = one_class();
  options.budget_s = 100;
  CapacitySearch search(options);
  search.add(outcome(10, 60, {.n = 600, .good = 600}));
  search.add(outcome(20, 39.5, {.n = 600, .good = 0}));
  EXPECT_FALSE(search.next());
  EXPECT_EQ(search.end(), CapacityEnd::kBudget);
  EXPECT_EQ(*search.interval(0).low, 10);
  EXPECT_EQ(*search.interval(0).high, 20);
  EXPECT_FALSE(search.interval(0).is_resolved);
}

TEST(CapacitySearch, AttainmentThatRisesWithTheRateIsSaid) {
  CapacitySearch search(one_class());
  search.add(outcome(10, 1, {.n = 600, .good = 0}));
  search.add(outcome(20, 1, {.n = 600, .good = 600}));
  EXPECT_TRUE(search.interval(0).is_contradictory);
  EXPECT_EQ(*search.interval(0).low, 10);
  EXPECT_EQ(*search.interval(0).high, 20);
}

}  // namespace assay::capacity_search_test
