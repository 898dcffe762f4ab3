// Selection against the sort of the standard library.
#include "measure/rank_select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/base.h"

namespace assay {
namespace {

void expect_as_sorted(const std::vector<float>& values, const std::string& what) {
  std::vector<float> sorted = values;
  std::ranges::sort(sorted);
  std::vector<size_t> ranks;
  for (size_t i = 0; i <= 20 && !values.empty(); ++i) ranks.push_back(1 + (values.size() - 1) * i / 20);
  ranks.push_back(ranks.front());  // twice, and not in order
  std::vector<float> expected;
  for (const size_t rank : ranks) expected.push_back(sorted[rank - 1]);
  EXPECT_EQ(values_at_ranks(values, ranks), expected) << what << " of " << values.size();
}

TEST(RankSelect, IsTheOrderOfComparison) {
  for (const size_t size : {1, 2, 3, 1000, 100'000}) {
    std::vector<float> gaps, signs, few;
    for (size_t i = 0; i < size; ++i) {
      Random random(1, random_stream("rank select"), i);
      gaps.push_back(static_cast<float>(50 * random.exponential()));
      signs.push_back(
          static_cast<float>(std::ldexp(random.uniform() - 0.5, static_cast<int>(i % 250) - 120)));
      few.push_back(static_cast<float>(random.below(3)));
    }
    expect_as_sorted(gaps, "gaps");
    expect_as_sorted(signs, "both signs");
    expect_as_sorted(few, "few values");
    expect_as_sorted(std::vector<float>(size, 0.25F), "one value");
  }
}

TEST(RankSelect, TellsApartValuesOfTheSameFirstDigits) {
  std::vector<float> values;  // neighbours, backwards
  for (float value = 1; values.size() < 10'000; value = std::nextafter(value, 2.0F)) values.push_back(value);
  std::ranges::reverse(values);
  expect_as_sorted(values, "neighbours");
}

TEST(RankSelect, KnowsTheEndsOfTheFloats) {
  expect_as_sorted({1, HUGE_VALF, -HUGE_VALF, 1e-45F, -1e-45F, 3.4e38F, 0}, "ends");
}

TEST(RankSelect, OfNoRankIsNothing) {
  EXPECT_TRUE(values_at_ranks({}, {}).empty());
  EXPECT_TRUE(values_at_ranks(std::vector<float>{1}, {}).empty());
}

}  // namespace
}  // namespace assay
