// Values and intervals on both sides of a limit.
#include "exam/verdicts/standing.h"

#include <gtest/gtest.h>

namespace assay::standing_test {

Record record(double value, std::optional<double> low, std::optional<double> high,
              const std::string& metric = "goodput_per_s") {
  Record record;
  record.metric = metric;
  record.value = value;
  record.ci_low = low;
  record.ci_high = high;
  return record;
}

TEST(Standing, IsOpenWhereTheIntervalHoldsTheLimit) {
  EXPECT_EQ(standing(record(12, 11, 13), true, 10), Standing::kShown);
  EXPECT_EQ(standing(record(12, 11, 13), true, 12.5), Standing::kOpen);
  EXPECT_EQ(standing(record(12, 11, 13), true, 14), Standing::kRefuted);
  EXPECT_EQ(standing(record(12, 11, 13), false, 10), Standing::kRefuted);
  EXPECT_EQ(standing(record(12, 11, 13), false, 11.5), Standing::kOpen);
  EXPECT_EQ(standing(record(12, 11, 13), false, 14), Standing::kShown);
}

TEST(Standing, ASideThatIsNotBoundedShowsNothing) {
  EXPECT_EQ(standing(record(12, 11, std::nullopt), false, 100), Standing::kOpen);
  EXPECT_EQ(standing(record(12, 11, std::nullopt), false, 10), Standing::kRefuted);
  EXPECT_EQ(standing(record(12, std::nullopt, 13), true, 1), Standing::kOpen);
}

TEST(Standing, WhatIsInfiniteIsBeyondEveryLimitThatItsIntervalDoesNotHold) {
  Record for_ever = record(0, 620, std::nullopt, "effective_ttft_ms_p95");
  for_ever.value.reset();
  for_ever.conditions.set(kInfinite, true).set(kHighInfinite, true);
  EXPECT_EQ(standing(for_ever, false, 500), Standing::kRefuted);
  EXPECT_EQ(standing(for_ever, false, 700), Standing::kOpen);
  EXPECT_EQ(samples_that_tell(for_ever, 700), "more");
  for_ever.ci_low.reset();
  EXPECT_EQ(standing(for_ever, false, 500), Standing::kOpen);  // as little is known
  for_ever.conditions.set(kLowInfinite, true);
  EXPECT_EQ(standing(for_ever, false, 500), Standing::kRefuted);
  Record below = record(400, 380, std::nullopt, "effective_ttft_ms_p95");
  below.conditions.set(kHighInfinite, true);
  EXPECT_EQ(standing(below, false, 500), Standing::kOpen);
}

TEST(Standing, WithoutAnIntervalTheValueTells) {
  EXPECT_EQ(standing(record(12, std::nullopt, std::nullopt), true, 12), Standing::kShown);
  EXPECT_EQ(standing(record(12, std::nullopt, std::nullopt), false, 11), Standing::kRefuted);
}

TEST(Standing, AnIntervalThatTouchesTheLimitIsNotBeyondIt) {
  EXPECT_EQ(standing(record(11.5, 11, 12), true, 12), Standing::kOpen);
  EXPECT_EQ(standing(record(12.5, 12, 13), true, 12), Standing::kShown);
  EXPECT_EQ(standing(record(12.5, 12, 13), false, 12), Standing::kOpen);
  EXPECT_EQ(standing(record(11.5, 11, 12), false, 12), Standing::kShown);
}

TEST(Standing, NothingLiesBeyondTheEndsOfAShare) {
  EXPECT_EQ(standing(record(0, 0, 0.03, "error_rate"), false, 0), Standing::kShown);
  EXPECT_EQ(standing(record(0.01, 0.001, 0.05, "error_rate"), false, 0), Standing::kRefuted);
  EXPECT_EQ(standing(record(1, 0.97, 1, "slo_attainment"), true, 1), Standing::kShown);
  EXPECT_EQ(standing(record(0.99, 0.95, 1, "slo_attainment"), true, 1), Standing::kRefuted);
  // Of a rate 1 is a number as any other.
  EXPECT_EQ(standing(record(0.97, 0.7, 1.3), true, 1), Standing::kOpen);
}

TEST(Standing, SamplesThatTellGrowWithTheSquareOfWhatIsMissing) {
  EXPECT_EQ(samples_that_tell(record(12, 10, 14), 11), "about 4.0 times as many");
  EXPECT_EQ(samples_that_tell(record(12, 10, 13), 12.25), "about 16 times as many");
  EXPECT_EQ(samples_that_tell(record(12, 10, 14), 12), "more");  // no number would
  EXPECT_EQ(samples_that_tell(record(12, 10, 14), 11.999), "more");
  EXPECT_EQ(samples_that_tell(record(12, 10, std::nullopt), 13), "more");
}

}  // namespace assay::standing_test
