// The greedy choice takes the largest logit wherever it lies and does not fall for what is no number.
#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace assay {
namespace {

TEST(Greedy, FindsTheLargestAtEveryPlace) {
  for (size_t place = 0; place < 67; ++place) {
    std::vector<float> logits(67, -3.0F);
    logits[place] = -1.0F;
    EXPECT_EQ(greedy(logits).token, static_cast<int32_t>(place));
    EXPECT_TRUE(greedy(logits).is_finite);
  }
}

TEST(Greedy, TakesTheFirstOfEquals) {
  std::vector<float> logits(40, 2.0F);
  logits[0] = 1.0F;
  EXPECT_EQ(greedy(logits).token, 1);
}

TEST(Greedy, PassesOverWhatIsNoNumber) {
  std::vector<float> logits(40, std::nanf(""));
  EXPECT_FALSE(greedy(logits).is_finite);
  EXPECT_EQ(greedy(logits).token, 0);
  logits[23] = -5.0F;
  EXPECT_TRUE(greedy(logits).is_finite);
  EXPECT_EQ(greedy(logits).token, 23);
}

TEST(Greedy, CallsAnInfiniteLogitWrong) {
  std::vector<float> logits(40, 0.0F);
  logits[7] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(greedy(logits).is_finite);
}

}  // namespace
}  // namespace assay
