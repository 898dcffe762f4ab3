// The sort against that of the standard library.
#include "measure/radix_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/base.h"

namespace assay {
namespace {

void expect_sorted_as_by_comparison(const std::vector<float>& values, const std::string& what) {
  std::vector<float> expected = values;
  std::ranges::sort(expected);
  EXPECT_EQ(sorted_copy(values), expected) << what;
}

TEST(RadixSort, IsTheOrderOfComparison) {
  for (const size_t size : {0, 1, 2, 4095, 4096, 4097, 100'000}) {
    std::vector<float> gaps, signs, few;
    for (size_t i = 0; i < size; ++i) {
      Random random(1, random_stream("radix sort"), i);
      gaps.push_back(static_cast<float>(50 * random.exponential()));
      signs.push_back(
          static_cast<float>(std::ldexp(random.uniform() - 0.5, static_cast<int>(i % 250) - 120)));
      few.push_back(static_cast<float>(random.below(3)));
    }
    expect_sorted_as_by_comparison(gaps, "gaps");
    expect_sorted_as_by_comparison(signs, "both signs");
    expect_sorted_as_by_comparison(few, "few values");
    expect_sorted_as_by_comparison(std::vector<float>(size, 0.25F), "one value");
  }
}

TEST(RadixSort, KnowsTheEndsOfTheFloats) {
  std::vector<float> values(5000, 1.0F);
  values[17] = HUGE_VALF;
  values[18] = -HUGE_VALF;
  values[19] = 1e-45F;
  values[20] = -1e-45F;
  values[21] = 3.4e38F;
  expect_sorted_as_by_comparison(values, "ends");
}

}  // namespace
}  // namespace assay
