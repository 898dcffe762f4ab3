// The search for capacity on servers whose capacity is known, on a clock that only the search moves.
#include "load/capacity/capacity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load/capacity/capacity_fixtures.h"
#include "load/one_connection_test_support.h"

namespace assay::capacity_test {

Slo limits(std::optional<double> ttft_ms, std::optional<double> tpot_ms = {}, double share = 0.9) {
  return {.ttft_ms = ttft_ms, .tpot_ms = tpot_ms, .e2e_ms = {}, .required_share = share};
}

constexpr int kSeeds = 100;

// One sequence, 10 ms a request: M/D/1 of 100 requests/s at most.
KnownServer md1(double ttft_limit_ms) {
  KnownServer server;
  server.target = {.sequences = 1, .prefill_us_per_token = 100, .tpot_ms = 0};
  server.classes = {{.prompt_tokens = 100}};
  server.tiers = {{"slo", {limits(ttft_limit_ms)}}};
  return server;
}

double md1_capacity(double ttft_limit_ms) {
  return rate_where([&](double rate) { return md1_waits_at_most(rate / 100, ttft_limit_ms / 10 - 1); }, 0.9,
                    1, 99.9);
}

TEST(Capacity, TheClosedFormAndTheRecursionKnowTheSameQueue) {
  const KnownServer server = md1(60);
  EXPECT_NEAR(simulated_shares(server, 80, {60}, 300'000)[0], md1_waits_at_most(0.8, 5), 0.005);
  EXPECT_NEAR(md1_waits_at_most(0.5, 0), 0.5, 1e-12);
}

// The test of the statement itself. bench/capacity_coverage has more servers and the full resolution.
TEST(CapacityInTheory, TheTruthLiesInTheIntervalAsOftenAsIsStated) {
  const double truth = md1_capacity(60);
  int covered = 0, resolved = 0;
  double trials = 0, simulated_s = 0;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const Searched found = search_capacity(md1(60), static_cast<uint64_t>(seed), 0.2, 1800, 20);
    covered += covers(found.tiers[0], truth) ? 1 : 0;
    resolved += found.end == CapacityEnd::kResolved ? 1 : 0;
    trials += static_cast<double>(found.trials) / kSeeds;
    simulated_s += found.simulated_s / kSeeds;
  }
  RecordProperty("mean_trials", std::to_string(trials));
  RecordProperty("mean_simulated_s", std::to_string(simulated_s));
  EXPECT_GE(covered, kSeeds * 95 / 100) << truth;
  EXPECT_GE(resolved, kSeeds * 90 / 100);
  EXPECT_LE(trials, 30);
}

// A budget in which hardly a rate can be decided, and rates that lie at the capacity itself: the interval is
// wide, not wrong.
TEST(CapacityInTheory, ASpentBudgetLeavesAWiderIntervalThatIsStillRight) {
  const double truth = md1_capacity(60);  // 79.96: 20 doubled twice
  int covered = 0, spent = 0;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const Searched found = search_capacity(md1(60), static_cast<uint64_t>(seed), 0.05, 60, 20);
    covered += covers(found.tiers[0], truth) ? 1 : 0;
    spent += found.end == CapacityEnd::kBudget && !found.tiers[0].is_resolved ? 1 : 0;
  }
  EXPECT_GE(covered, kSeeds * 95 / 100);
  EXPECT_EQ(spent, kSeeds);
}

KnownServer two_tiers() {
  KnownServer server;
  server.target = {.sequences = 4, .prefill_us_per_token = 100, .tpot_ms = 2};
  server.classes = {{.share = 0.75, .prompt_tokens = 100, .is_exponential = true, .output_tokens = 10},
                    {.share = 0.25, .prompt_tokens = 400, .output_tokens = 5}};
  server.tiers = {{"interactive", {limits(60), limits(90)}}, {"relaxed", {limits(200), limits(200)}}};
  return server;
}

TEST(Capacity, ALooserTierHoldsMore) {
  const Searched found = search_capacity(two_tiers(), 1, 0.25, 1800, 30);
  ASSERT_EQ(found.tiers.size(), 2U);
  ASSERT_TRUE(found.tiers[0].low && found.tiers[0].high && found.tiers[1].low && found.tiers[1].high);
  EXPECT_LT(*found.tiers[0].low, *found.tiers[1].low);
  EXPECT_LT(*found.tiers[0].high, *found.tiers[1].high);
}

TEST(CapacityInTheory, TwoTiersShareTheTrials) {
  const KnownServer server = two_tiers();
  std::vector<double> truths;
  for (const std::vector<double>& limit : {std::vector<double>{60, 90}, {200, 200}}) {
    truths.push_back(rate_where(
        [&](double rate) {
          const std::vector<double> shares = simulated_shares(server, rate, limit, 100'000);
          return std::min(shares[0], shares[1]);
        },
        0.9, 20, 200));
  }
  EXPECT_LT(truths[0], truths[1]);
  int covered = 0;
  constexpr int kSeeds = 10;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const Searched found = search_capacity(server, static_cast<uint64_t>(seed), 0.25, 1800, 30);
    covered += covers(found.tiers[0], truths[0]) && covers(found.tiers[1], truths[1]) ? 1 : 0;
  }
  EXPECT_GE(covered, 9);
}

TEST(Capacity, AServerThatFailsRequestsHasNone) {
  KnownServer server = md1(60);
  server.target.fail_every = 4;
  const Searched found = search_capacity(server, 1, 0.05, 5000, 1);
  EXPECT_EQ(found.end, CapacityEnd::kBudget);
  EXPECT_FALSE(found.tiers[0].low);
  EXPECT_TRUE(found.tiers[0].high);
}

TEST(Capacity, ALostTargetEndsTheSearch) {
  KnownServer server = md1(60);
  server.target.lost_after = 30;
  FakeClock clock;
  const auto target = make_fake_target(server.target, clock);
  CapacitySearch search({.start_rate_per_s = 20, .class_shares = {1}, .required = {{0.9}}});
  CapacityRun run{.tiers = server.tiers};
  run.plan = [&](double rate, double duration_s, RequestId first_id, uint32_t trial) {
    return poisson_mix(server, trial, rate, duration_s, first_id);
  };
  const CapacityResult result = find_capacity(*target, clock, search, run, 1);
  EXPECT_TRUE(result.lost);
  EXPECT_TRUE(result.probes.empty());
}

TEST(Capacity, AStopEndsTheSearchWithWhatItHas) {
  KnownServer server = md1(60);
  FakeClock clock;
  const auto target = make_fake_target(server.target, clock);
  CapacitySearch search({.start_rate_per_s = 20, .class_shares = {1}, .required = {{0.9}}});
  CapacityRun run{.tiers = server.tiers};
  uint32_t trials = 0;
  run.plan = [&](double rate, double duration_s, RequestId first_id, uint32_t trial) {
    trials = trial + 1;
    return poisson_mix(server, trial, rate, duration_s, first_id);
  };
  run.stopped = [&] { return trials == 3; };
  const CapacityResult result = find_capacity(*target, clock, search, run, 1);
  EXPECT_TRUE(result.is_stopped);
  EXPECT_FALSE(result.is_interrupted);
  EXPECT_EQ(result.probes.size(), 2U) << "the third was under way";
  EXPECT_GT(result.dispatch_lags_ms.size(), 50U);
}

TEST(Capacity, KnowsATrialThatFilledTheConnections) {
  KnownServer server = md1(60);
  for (const int64_t connections : {1, 2}) {
    FakeClock clock;
    OneConnection target(make_fake_target(server.target, clock));
    CapacitySearch search({.budget_s = 60, .start_rate_per_s = 80, .class_shares = {1}, .required = {{0.9}}});
    CapacityRun run{.tiers = server.tiers, .max_connections = connections};
    run.plan = [&](double rate, double duration_s, RequestId first_id, uint32_t trial) {
      return poisson_mix(server, trial, rate, duration_s, first_id);
    };
    const CapacityResult result = find_capacity(target, clock, search, run, 1);
    ASSERT_FALSE(result.probes.empty());
    EXPECT_EQ(result.probes.front().filled_connections, connections == 1) << connections;
  }
}

// They have missed their limits, whoever made them wait.
TEST(Capacity, CountsWhatWaitsForAConnectionToTheEnd) {
  KnownServer server = md1(60);
  server.tiers = {{"slo", {{.ttft_ms = {}, .tpot_ms = {}, .e2e_ms = 500, .required_share = 0.9}}}};
  FakeClock clock;
  OneConnection target(make_fake_target(server.target, clock));
  CapacitySearch search({.budget_s = 5, .start_rate_per_s = 400, .class_shares = {1}, .required = {{0.9}}});
  CapacityRun run{.tiers = server.tiers};
  size_t planned = 0;
  run.plan = [&](double rate, double duration_s, RequestId first_id, uint32_t trial) {
    auto plan = poisson_mix(server, trial, rate, duration_s, first_id);
    if (trial == 0) planned = plan.size();
    return plan;
  };
  const CapacityResult result = find_capacity(target, clock, search, run, 1);
  ASSERT_FALSE(result.probes.empty());
  const ShareCounts& counts = result.probes.front().trial.counts.front().front();
  EXPECT_GT(counts.n, static_cast<int64_t>(planned * 7 / 10)) << "all but warm-up and drain";
  EXPECT_LT(static_cast<double>(counts.good), 0.5 * static_cast<double>(counts.n));
}

// ---- what a probe says ----

TEST(CapacityProbe, ARunOfLateRequestsCountsAsOneMishap) {
  // A long request every 100 holds up those behind it: with one sequence, a cluster of late ones.
  std::vector<PlannedRequest> plan;
  for (RequestId id = 1; id <= 2000; ++id)
    plan.push_back(planned(id, 20.0 * static_cast<double>(id), id % 100 == 0 ? 3000 : 50, 1));
  FakeClock clock;
  const auto target = make_fake_target({.sequences = 1, .prefill_us_per_token = 100, .tpot_ms = 0}, clock);
  const LoadResult result = drive_load(*target, clock, *list_source(plan), {});
  const CapacityProbe probe = judge_probe(result, {{"slo", {limits(20)}}}, 50, 40);
  const ShareCounts& counts = probe.trial.counts[0][0];
  EXPECT_GT(counts.dependence, 5);
  EXPECT_LT(counts.dependence, 60);
  EXPECT_NEAR(probe.offered_rate_per_s, 50, 1);
  EXPECT_NEAR(probe.throughput_per_s, 50, 2);
  EXPECT_NEAR(static_cast<double>(counts.n), 0.9 * 2000, 60);  // a tenth at least is warm-up
}

TEST(CapacityProbe, RequestsBrokenOffByPlanMissNoLimit) {
  FakeClock clock;
  const auto target = make_fake_target({.sequences = 8, .prefill_us_per_token = 10, .tpot_ms = 5}, clock);
  std::vector<PlannedRequest> plan;
  for (RequestId id = 1; id <= 200; ++id) {
    plan.push_back(planned(id, 10.0 * static_cast<double>(id), 50, 8));
    if (id % 4 == 0) plan.back().request.cancel_after_chunks = 2;
  }
  const CapacityProbe probe =
      judge_probe(drive_load(*target, clock, *list_source(plan), {}), {{"slo", {limits(1000)}}}, 100, 2);
  const ShareCounts& counts = probe.trial.counts[0][0];
  EXPECT_EQ(counts.good, counts.n);
  EXPECT_NEAR(static_cast<double>(counts.n), 0.75 * 0.9 * 200, 15);
  EXPECT_EQ(probe.attained[0][0].value, 1);
}

TEST(CapacityProbe, AnswersOfOneTokenHaveNoTimePerToken) {
  FakeClock clock;
  const auto target = make_fake_target({.sequences = 8, .prefill_us_per_token = 10, .tpot_ms = 5}, clock);
  std::vector<PlannedRequest> plan;
  for (RequestId id = 1; id <= 200; ++id)
    plan.push_back(planned(id, 10.0 * static_cast<double>(id), 50, id % 2 == 0 ? 1 : 4));
  const CapacityProbe probe =
      judge_probe(drive_load(*target, clock, *list_source(plan), {}), {{"slo", {limits({}, 4)}}}, 100, 2);
  const ShareCounts& counts = probe.trial.counts[0][0];
  EXPECT_NEAR(static_cast<double>(counts.good) / static_cast<double>(counts.n), 0.5, 0.02);
}

}  // namespace assay::capacity_test
