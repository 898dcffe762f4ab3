// The steady window, against queues whose steady state is known.
#include "measure/steady_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "measure/simulation_test_support.h"

namespace assay::steady_window_test {

using simulation::mm1;
using simulation::Visit;

std::vector<SteadyObservation> observations_of(const std::vector<Visit>& visits) {
  std::vector<SteadyObservation> observations;
  for (const Visit& visit : visits)
    observations.push_back({static_cast<int64_t>(visit.arrival_s * 1e9), visit.sojourn_s, 0});
  return observations;
}

SteadyWindow window_of(const std::vector<SteadyObservation>& observations) {
  return find_steady_window(observations, 0, observations.back().scheduled_ns);
}

double mean_inside(const std::vector<SteadyObservation>& observations, const SteadyWindow& window) {
  double sum = 0;
  for (const SteadyObservation& each : observations) {
    if (each.scheduled_ns >= window.start_ns && each.scheduled_ns <= window.end_ns) sum += each.latency;
  }
  return sum / static_cast<double>(window.n_inside);
}

TEST(SteadyWindow, OfAWarmMm1QueueIsNearlyTheWholeTrial) {
  double kept = 0, mean = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto observations = observations_of(mm1(seed, 5000, 0.6, 1));
    const SteadyWindow window = window_of(observations);
    EXPECT_TRUE(window.settled) << seed;
    EXPECT_EQ(window.end_ns, observations.back().scheduled_ns);
    EXPECT_EQ(window.n_before + window.n_inside, 5000);
    kept += static_cast<double>(window.n_inside) / 5000 / 50;
    mean += mean_inside(observations, window) / 50;
  }
  EXPECT_GT(kept, 0.85);
  EXPECT_NEAR(mean, 1 / (1 - 0.6), 0.1);  // 1/(μ − λ)
}

TEST(SteadyWindow, AColdStartIsCutAndTheMeanIsThatOfTheory) {
  const double cold_s = 200;
  double with_it = 0, without_it = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto visits = mm1(seed, 5000, 0.5, 1, [&](double arrival) { return arrival < cold_s ? 6.0 : 1.0; });
    const auto observations = observations_of(visits);
    const SteadyWindow window = window_of(observations);
    EXPECT_TRUE(window.settled);
    EXPECT_GE(window.start_ns, static_cast<int64_t>(cold_s * 1e9));
    const SteadyWindow whole{.start_ns = 0, .end_ns = INT64_MAX, .n_inside = 5000};
    with_it += mean_inside(observations, whole) / 50;
    without_it += mean_inside(observations, window) / 50;
  }
  EXPECT_GT(with_it, 10);
  EXPECT_NEAR(without_it, 1 / (1 - 0.5), 0.2);
}

TEST(SteadyWindow, ARateThatIsNotHeldNeverSettles) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto observations = observations_of(mm1(seed, 2000, 1.3, 1));
    const SteadyWindow window = window_of(observations);
    EXPECT_FALSE(window.settled) << seed;
    EXPECT_EQ(window.start_ns, 0);
    EXPECT_EQ(window.n_inside, 2000);
    EXPECT_NE(window.method.find("no steady state"), std::string::npos);
  }
}

TEST(SteadyWindow, TooFewAnswersAreNotJudged) {
  const auto observations = observations_of(mm1(1, 49, 0.5, 1));
  const SteadyWindow window = window_of(observations);
  EXPECT_FALSE(window.settled);
  EXPECT_EQ(window.n_inside, 49);
  EXPECT_NE(window.method.find("too few"), std::string::npos);
  EXPECT_FALSE(find_steady_window({}, 0, 1000).settled);
}

TEST(SteadyWindow, ClassesOfDifferentSpeedDoNotLookLikeATrend) {
  Random random(9, random_stream("classes"), 0);
  std::vector<SteadyObservation> observations;
  for (int i = 0; i < 2000; ++i) {  // the slow class comes in the second half only
    const bool slow = i >= 1000 && i % 2 == 0;
    observations.push_back({i * 1000, (slow ? 50.0 : 1.0) * (1 + random.uniform()), slow ? 1 : 0});
  }
  const SteadyWindow window = window_of(observations);
  EXPECT_TRUE(window.settled);
  EXPECT_LT(window.n_before, 700);
}

TEST(SteadyWindow, TheOrderOfAnswersDoesNotMatter) {
  auto observations = observations_of(mm1(3, 1000, 0.5, 1));
  const int64_t last = observations.back().scheduled_ns;
  const SteadyWindow in_order = find_steady_window(observations, 0, last);
  std::reverse(observations.begin(), observations.end());
  const SteadyWindow reversed = find_steady_window(observations, 0, last);
  EXPECT_EQ(reversed.start_ns, in_order.start_ns);
  EXPECT_EQ(reversed.n_before, in_order.n_before);
}

TEST(SteadyWindow, ConstantLatenciesCutNothing) {
  std::vector<SteadyObservation> observations;
  for (int i = 0; i < 100; ++i) observations.push_back({i, 5.0, 0});
  const SteadyWindow window = find_steady_window(observations, 0, 99);
  EXPECT_TRUE(window.settled);
  EXPECT_EQ(window.n_before, 0);
}

}  // namespace assay::steady_window_test
