// Quantiles of the histogram against a sorted array.
#include "measure/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/base.h"

namespace assay::histogram_test {

TEST(Histogram, QuantilesAreAtMostAThirtySecondAboveThoseOfTheSortedValues) {
  Histogram histogram;
  std::vector<int64_t> values;
  for (uint64_t i = 0; i < 100'000; ++i) {
    Random random(1, random_stream("histogram"), i);
    // From single nanoseconds to days.
    const auto value = static_cast<int64_t>(std::exp(random.uniform() * 35));
    values.push_back(value);
    histogram.add(value);
  }
  std::ranges::sort(values);
  for (const double p : {0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const auto rank = static_cast<size_t>(std::max(1.0, std::ceil(p * 100'000)));
    const int64_t exact = values[rank - 1];
    const int64_t found = *histogram.quantile(p);
    EXPECT_GE(found, exact) << p;
    EXPECT_LE(static_cast<double>(found), static_cast<double>(exact) * (1 + 1.0 / 32)) << p;
  }
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.count(), 100'000);
}

TEST(Histogram, SmallValuesAreExactAndTheLargestFits) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), std::nullopt);
  for (int64_t value = 0; value < 64; ++value) histogram.add(value);
  for (int64_t value = 0; value < 64; ++value)
    EXPECT_EQ(*histogram.quantile(static_cast<double>(value + 1) / 64), value);
  histogram.add(INT64_MAX);
  histogram.add(-5);
  EXPECT_EQ(*histogram.quantile(1), INT64_MAX);
  EXPECT_EQ(*histogram.quantile(0), 0);
}

TEST(Histogram, TheMeanIsExact) {
  Histogram histogram;
  for (const int64_t value : {10, 20, 60'000'000}) histogram.add(value);
  EXPECT_DOUBLE_EQ(histogram.mean(), 60'000'030.0 / 3);
}

}  // namespace assay::histogram_test
