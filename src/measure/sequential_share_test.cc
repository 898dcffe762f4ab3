// Evidence about shares: what it may never do, and how soon it gets there.
#include "measure/sequential_share.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/base.h"

namespace assay::sequential_share_test {

constexpr double kThreshold = 2.995732;  // ln 20

// How often evidence ever reaches the threshold within `steps` outcomes, looked at after each. Outcomes come
// in clusters of `cluster` equal ones.
double crossings(double share, double required, bool is_above, int64_t cluster, int steps) {
  constexpr int kRuns = 1000;
  int crossed = 0;
  for (int run = 0; run < kRuns; ++run) {
    Random random(7, random_stream("sequential share test"), static_cast<uint64_t>(run));
    ShareCounts counts{.dependence = static_cast<double>(cluster)};
    for (int i = 0; i < steps; ++i) {
      counts.n += cluster;
      counts.good += random.uniform() < share ? cluster : 0;
      EffectiveCounts effective;
      effective.add(counts);
      const double evidence =
          is_above ? log_evidence_above(effective, required) : log_evidence_below(effective, required);
      if (evidence < kThreshold) continue;
      ++crossed;
      break;
    }
  }
  return static_cast<double>(crossed) / kRuns;
}

TEST(SequentialShareInTheory, PeekingAfterEveryOutcomeErrsAsRarelyAsStated) {
  for (const double required : {0.5, 0.9, 0.99}) {
    EXPECT_LE(crossings(required, required, true, 1, 1000), 0.06) << required;
    EXPECT_LE(crossings(required, required, false, 1, 1000), 0.06) << required;
  }
}

TEST(SequentialShareInTheory, ClustersOfOneSizeAreWorthOneOutcomeEach) {
  EXPECT_LE(crossings(0.9, 0.9, true, 20, 500), 0.06);
  EXPECT_LE(crossings(0.9, 0.9, false, 20, 500), 0.06);
}

TEST(SequentialShareInTheory, WhatIsTrueIsShownInTheEnd) {
  EXPECT_GE(crossings(0.95, 0.9, true, 1, 1000), 0.99);
  EXPECT_GE(crossings(0.8, 0.9, false, 1, 1000), 0.99);
}

TEST(SequentialShare, NothingSeenIsNoEvidence) {
  EXPECT_NEAR(log_evidence_above({}, 0.9), 0, 1e-12);
  EXPECT_NEAR(log_evidence_below({}, 0.9), 0, 1e-12);
}

TEST(SequentialShare, SaysHowManyOutcomesItTakes) {
  const double n = effective_n_if_all_good(0.9, kThreshold);
  EXPECT_NEAR(log_evidence_above({.good = n}, 0.9), kThreshold, 1e-6);
  EXPECT_GT(n, std::log(20) / -std::log(0.9));  // what one would need who knew the share
  EXPECT_NEAR(expected_effective_n(0, 0.9, kThreshold), kThreshold / std::log(10), 1e-6);
  EXPECT_TRUE(std::isinf(expected_effective_n(0.9, 0.9, kThreshold)));
}

TEST(SerialDependence, OfAnAutoregressionIsItsClosedForm) {
  constexpr double kPhi = 0.8;
  for (const size_t n : {4000U, 100'000U}) {  // the longer one goes by sums of neighbours
    Random random(3, random_stream("dependence test"), n);
    std::vector<double> series;
    double x = 0;
    for (size_t i = 0; i < n; ++i) {
      x = kPhi * x + (random.uniform() - 0.5);
      series.push_back(x);
    }
    EXPECT_NEAR(serial_dependence(series), (1 + kPhi) / (1 - kPhi), 2) << n;
  }
  EXPECT_EQ(serial_dependence(std::vector<double>(100, 1.0)), 1);
}

}  // namespace assay::sequential_share_test
