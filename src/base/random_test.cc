// Random numbers: a pure function of (seed, stream, index), with the distributions that theory says. The
// bounds are six standard errors wide, and the seeds are fixed: a failure is a bug, not bad luck.
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

#include "base/base.h"

namespace assay::random_test {

constexpr int kDraws = 200'000;

struct Moments {
  double mean = 0, variance = 0;
};

template <class Draw>
Moments moments_of(Draw draw) {
  double sum = 0, squares = 0;
  for (uint64_t i = 0; i < kDraws; ++i) {
    Random random(42, random_stream("moments"), i);
    const double x = draw(random);
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kDraws;
  return {mean, squares / kDraws - mean * mean};
}

TEST(Random, IsAPureFunctionOfSeedStreamAndIndex) {
  EXPECT_EQ(Random(1, 2, 3).next(), Random(1, 2, 3).next());
  std::set<uint64_t> seen;
  for (uint64_t a = 0; a < 10; ++a) {
    for (uint64_t b = 0; b < 10; ++b) {
      for (uint64_t c = 0; c < 10; ++c) seen.insert(Random(a, b, c).next());
    }
  }
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_NE(random_stream("arrivals/chat"), random_stream("arrivals/code"));
}

TEST(Random, StaysTheSameFromVersionToVersion) {
  Random random(1, random_stream("golden"), 0);
  EXPECT_EQ(random.next(), 0xb4906e72b4e97c06ULL);
  EXPECT_EQ(random.next(), 0xc9cf71b4e45e16c4ULL);
  EXPECT_EQ(random_stream(""), 0xcbf29ce484222325ULL);   // FNV-1a's offset basis
  EXPECT_EQ(random_stream("a"), 0xaf63dc4c8601ec8cULL);  // and its published test vector
}

TEST(Random, UniformAndBelowStayInside) {
  const Moments uniform = moments_of([](Random& r) { return r.uniform(); });
  EXPECT_NEAR(uniform.mean, 0.5, 6 * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_NEAR(uniform.variance, 1.0 / 12, 0.001);
  std::vector<int> counts(7);
  for (uint64_t i = 0; i < 70'000; ++i) ++counts[Random(3, 0, i).below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 6 * std::sqrt(10'000.0));
  EXPECT_EQ(Random(1, 1, 1).below(1), 0U);
}

TEST(Random, DistributionsHaveTheirMoments) {
  const Moments exponential = moments_of([](Random& r) { return r.exponential(); });
  EXPECT_NEAR(exponential.mean, 1, 6 / std::sqrt(kDraws));
  EXPECT_NEAR(exponential.variance, 1, 6 * std::sqrt(8.0 / kDraws));
  const Moments normal = moments_of([](Random& r) { return r.normal(); });
  EXPECT_NEAR(normal.mean, 0, 6 / std::sqrt(kDraws));
  EXPECT_NEAR(normal.variance, 1, 6 * std::sqrt(2.0 / kDraws));
  for (const double shape : {0.5, 2.0, 9.0}) {
    const Moments gamma = moments_of([shape](Random& r) { return r.gamma(shape); });
    EXPECT_NEAR(gamma.mean, shape, 6 * std::sqrt(shape / kDraws)) << shape;
    EXPECT_NEAR(gamma.variance, shape, 6 * shape * std::sqrt((2 + 6 / shape) / kDraws)) << shape;
  }
}

}  // namespace assay::random_test
