// When the repetitions of a kernel end, and what is said of them.
#include "measure/repetitions.h"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/simulation_test_support.h"

namespace assay::repetitions_test {

TEST(Repetitions, ASteadyKernelEndsAtTheLeastNumber) {
  Repetitions repetitions({.min_n = 7});
  while (!repetitions.done()) repetitions.add(0.01);
  EXPECT_EQ(repetitions.n(), 7);
  EXPECT_EQ(repetitions.median().value, 0.01);
  EXPECT_EQ(repetitions.relative_half_width(), 0);
}

TEST(Repetitions, ASpreadIsRepeatedUntilTheMedianIsKnown) {
  Repetitions repetitions({.relative_half_width = 0.01, .max_n = 100'000, .max_total_s = 1e9});
  Random random(5, random_stream("kernel"), 0);
  while (!repetitions.done()) repetitions.add(1 + 0.1 * random.uniform());
  EXPECT_GT(repetitions.n(), 20);
  EXPECT_LE(repetitions.relative_half_width(), 0.01);
  EXPECT_NEAR(*repetitions.median().value, 1.05, 0.03);
}

TEST(Repetitions, AnErraticKernelEndsAtALimit) {
  Repetitions repetitions({.max_n = 50, .max_total_s = 1e9});
  Random random(6, random_stream("kernel"), 0);
  while (!repetitions.done()) repetitions.add(random.exponential());
  EXPECT_EQ(repetitions.n(), 50);
  EXPECT_GT(repetitions.relative_half_width(), 0.01);
}

TEST(Repetitions, TimeEndsThemToo) {
  Repetitions repetitions({.max_total_s = 2});
  while (!repetitions.done()) repetitions.add(0.9);
  EXPECT_EQ(repetitions.n(), 3);
  EXPECT_EQ(repetitions.median().value, 0.9);
  EXPECT_FALSE(repetitions.median().low);
  EXPECT_TRUE(std::isinf(repetitions.relative_half_width())) << "three repetitions bound nothing";
}

TEST(Repetitions, OneOutlierDoesNotMoveTheMedian) {
  Repetitions repetitions({});
  for (int i = 0; i < 20; ++i) repetitions.add(0.01);
  repetitions.add(5);
  EXPECT_EQ(repetitions.median().value, 0.01);
}

TEST(Repetitions, NoneMeansNoValue) {
  const Repetitions repetitions({});
  EXPECT_FALSE(repetitions.done());
  EXPECT_TRUE(repetitions.median().insufficient);
}

TEST(Repetitions, TheIntervalCoversTheMedianAsPromised) {
  const auto covers = [](uint64_t seed) {
    Repetitions repetitions({});
    for (const double value : simulation::exponentials(seed, 30)) repetitions.add(value);
    const Estimate median = repetitions.median();
    return *median.low <= std::log(2.0) && std::log(2.0) <= *median.high;
  };
  EXPECT_GT(simulation::coverage(2000, covers), 0.94);
}

}  // namespace assay::repetitions_test
