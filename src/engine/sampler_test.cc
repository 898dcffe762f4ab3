// The greedy choice takes the largest logit wherever it lies and does not fall for what is no number.
#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace assay::sampler_test {

TEST(Greedy, FindsTheLargestAtEveryPlace) {
  for (size_t place = 0; place < 67; ++place) {
    std::vector<float> logits(67, -3.0F);
    logits[place] = -1.0F;
    EXPECT_EQ(greedy(logits), static_cast<int32_t>(place));
  }
}

TEST(Greedy, TakesTheFirstOfEquals) {
  std::vector<float> logits(40, 2.0F);
  logits[0] = 1.0F;
  EXPECT_EQ(greedy(logits), 1);
}

TEST(Greedy, PassesOverWhatIsNoNumber) {
  std::vector<float> logits(40, std::nanf(""));
  EXPECT_FALSE(greedy(logits));
  logits[23] = -5.0F;
  EXPECT_EQ(greedy(logits), 23);
}

TEST(Greedy, CallsAnInfiniteLogitWrong) {
  std::vector<float> logits(40, 0.0F);
  logits[7] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(greedy(logits));
}

TEST(Greedy, HasNoChoiceAmongEquals) {
  EXPECT_FALSE(greedy(std::vector<float>(40, 0.0F)));
  EXPECT_EQ(greedy(std::vector<float>(1, 0.0F)), 0) << "a vocabulary of one";
}

}  // namespace assay::sampler_test
