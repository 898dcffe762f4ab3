// Values and intervals on both sides of a limit.
#include "exam/verdicts/standing.h"

#include <gtest/gtest.h>

namespace assay::standing_test {

Record record(double value, std::optional<double> low, std::optional<double> high, int64_t n = 100) {
  Record record{.value = value};
  record.ci_low = low;
  record.ci_high = high;
  record.n = n;
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

TEST(Standing, WithoutAnIntervalTheValueTells) {
  EXPECT_EQ(standing(record(12, std::nullopt, std::nullopt), true, 12), Standing::kShown);
  EXPECT_EQ(standing(record(12, std::nullopt, std::nullopt), false, 11), Standing::kRefuted);
}

TEST(Standing, NothingLiesBeyondTheEnds) {
  EXPECT_EQ(standing(record(0, 0, 0.03), false, 0), Standing::kShown);
  EXPECT_EQ(standing(record(0.01, 0.001, 0.05), false, 0), Standing::kRefuted);
  EXPECT_EQ(standing(record(1, 0.97, 1), true, 1), Standing::kShown);
  EXPECT_EQ(standing(record(0.99, 0.95, 1), true, 1), Standing::kRefuted);
}

TEST(Standing, SamplesThatTellGrowWithTheSquareOfWhatIsMissing) {
  EXPECT_EQ(samples_that_tell(record(12, 10, 14), 11), " (about 400)");
  EXPECT_EQ(samples_that_tell(record(12, 10, 13), 12.75), " (about 180)");
  EXPECT_EQ(samples_that_tell(record(12, 10, 14), 12), "");  // no number would
  EXPECT_EQ(samples_that_tell(record(12, 10, 14), 11.999), "");
  EXPECT_EQ(samples_that_tell(record(12, 10, std::nullopt), 13), "");
}

}  // namespace assay::standing_test
