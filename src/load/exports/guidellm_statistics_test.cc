// GuideLLM's distributions against values worked out by hand.
#include "load/exports/guidellm_statistics.h"

#include <gtest/gtest.h>

namespace assay::guidellm_statistics_test {

TEST(GuidellmStatistics, PercentilesAreTheSmallestValuesWhoseShareReachesThem) {
  std::vector<WeightedValue> values;
  for (int i = 100; i > 0; --i) values.push_back({static_cast<double>(i), 1});
  const Json json = guidellm_distribution(values);
  EXPECT_EQ(json["percentiles"]["p001"].as_number(), 1);
  EXPECT_EQ(json["percentiles"]["p25"].as_number(), 25);
  EXPECT_EQ(json["percentiles"]["p999"].as_number(), 100);
  EXPECT_NEAR(json["mean"].as_number(), 50.5, 1e-9);
  EXPECT_EQ(json["count"].as_integer(), 100);
  EXPECT_NEAR(json["variance"].as_number(), 833.25, 1e-9);
}

TEST(GuidellmStatistics, EqualValuesAddUpAndThoseWithoutWeightDoNotCount) {
  const Json json = guidellm_distribution({{7, 1}, {3, 1}, {7, 2}, {100, 0}});
  EXPECT_EQ(json["mode"].as_number(), 7);
  EXPECT_EQ(json["max"].as_number(), 7);
  EXPECT_EQ(json["count"].as_integer(), 4);
  EXPECT_EQ(json["mean"].as_number(), 6);
}

TEST(GuidellmStatistics, NothingIsAllZero) {
  const Json json = guidellm_distribution(std::vector<WeightedValue>());
  EXPECT_EQ(json["count"].as_integer(1), 0);
  EXPECT_EQ(json["percentiles"]["p99"].as_number(1), 0);
}

// Durations: of the start 0.5 s, of the events 1, 1.5 and 1 s, of the end, which is the last event's too:
// none but what is left of it.
TEST(GuidellmStatistics, AnEventHoldsHalfWayToItsNeighbours) {
  const Json json = guidellm_rates({{1, 1}, {2, 3}, {4, 1}}, TimeWindow{0, 4});
  // 0 for 0.5 s, 1 for 1 s, 3 in 1.5 s, 1 in the last second.
  EXPECT_NEAR(json["mean"].as_number(), 5.0 / 4, 1e-9);
  EXPECT_EQ(json["max"].as_number(), 2);
  EXPECT_EQ(json["min"].as_number(1), 0);
  EXPECT_EQ(json["count"].as_integer(), 5);
}

TEST(GuidellmStatistics, EventsWithinATenthOfAMillisecondAreOne) {
  const Json apart = guidellm_rates({{0, 1}, {0.00015, 1}, {1, 1}}, std::nullopt);
  const Json together = guidellm_rates({{0, 1}, {0.00005, 1}, {1, 1}}, std::nullopt);
  EXPECT_GT(apart["max"].as_number(), 10'000);
  EXPECT_EQ(together["max"].as_number(), 4);  // two in half a second
}

TEST(GuidellmStatistics, ConcurrencyIsWeightedByTime) {
  const Json json = guidellm_concurrency({{0, 4}, {1, 3}}, TimeWindow{0, 4});
  EXPECT_NEAR(json["mean"].as_number(), 1.5, 1e-9);
  EXPECT_EQ(json["max"].as_number(), 2);
  EXPECT_EQ(json["count"].as_integer(), 2);
  const Json late = guidellm_concurrency({{0, 4}, {1, 3}}, TimeWindow{2, 4});
  EXPECT_EQ(late["mean"].as_number(), 1.5);
}

}  // namespace assay::guidellm_statistics_test
