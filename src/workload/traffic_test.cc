// The plan materialised: shares, sessions, arrivals, and that every choice is a pure function of (seed,
// class, index).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "workload/workload.h"

namespace assay::traffic_test {

using Kind = LengthDistribution::Kind;

TrafficClass traffic_class(const char* name, double weight = 1) {
  TrafficClass c;
  c.name = name;
  c.weight = weight;
  c.prompt_tokens = {Kind::kLognormal, 100, 0.5};
  c.output_tokens = {Kind::kUniform, 5, 20};
  return c;
}

TrafficPlan plan_of(std::vector<TrafficClass> classes, uint32_t requests) {
  TrafficPlan plan;
  plan.seed = 11;
  plan.classes = std::move(classes);
  plan.requests = requests;
  plan.rate_per_s = 50;
  return plan;
}

std::map<uint32_t, int> counts_by_class(const std::vector<PlannedRequest>& planned) {
  std::map<uint32_t, int> counts;
  for (const PlannedRequest& p : planned) ++counts[p.request.class_index];
  return counts;
}

// What makes a request the same, its id and place aside.
auto essence(const PlannedRequest& p) {
  return std::tuple(p.request.prompt_seed, p.request.prompt_tokens, p.request.output_tokens, p.request.turn);
}

TEST(Traffic, SharesAreExactToOneRequest) {
  const auto planned =
      materialise(plan_of({traffic_class("a", 5), traffic_class("b", 3), traffic_class("c", 2)}, 1001));
  EXPECT_EQ(planned.size(), 1001U);
  auto counts = counts_by_class(planned);
  EXPECT_NEAR(counts[0], 500.5, 1);
  EXPECT_NEAR(counts[1], 300.3, 1);
  EXPECT_NEAR(counts[2], 200.2, 1);
  const auto equal = materialise(plan_of({traffic_class("a"), traffic_class("b"), traffic_class("c")}, 192));
  for (const auto& [index, count] : counts_by_class(equal)) EXPECT_EQ(count, 64) << index;
}

TEST(Traffic, EvenATinyTrialStarvesNoClass) {
  const auto planned =
      materialise(plan_of({traffic_class("a", 1), traffic_class("b", 1), traffic_class("c", 1)}, 3));
  EXPECT_EQ(counts_by_class(planned), (std::map<uint32_t, int>{{0, 1}, {1, 1}, {2, 1}}));
  EXPECT_TRUE(materialise(plan_of({traffic_class("a")}, 0)).empty());
}

TEST(Traffic, TheSameSeedGivesTheSamePlanAndAnotherGivesAnother) {
  TrafficPlan plan = plan_of({traffic_class("a"), traffic_class("b")}, 200);
  const auto one = materialise(plan), two = materialise(plan);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(essence(one[i]), essence(two[i]));
    EXPECT_EQ(one[i].offset, two[i].offset);
  }
  plan.seed = 12;
  EXPECT_NE(essence(materialise(plan)[0]), essence(one[0]));
}

TEST(Traffic, AnotherTextSeedChangesNothingButTheTexts) {
  TrafficClass shared = traffic_class("a");
  shared.prompt_tokens = {.kind = LengthDistribution::Kind::kUniform, .a = 100, .b = 400};
  shared.prefix_tokens = 50;
  shared.prefix_pool.count = 5;
  shared.prefix_pool.share = 0.5;
  shared.prefix_pool.depth = 2;
  TrafficPlan plan = plan_of({shared}, 200);
  const auto one = materialise(plan);
  plan.text_seed = 7;
  const auto two = materialise(plan);
  ASSERT_EQ(one.size(), two.size());
  std::set<uint64_t> texts, prefixes;
  for (size_t i = 0; i < one.size(); ++i) {
    const Request &a = one[i].request, &b = two[i].request;
    EXPECT_EQ(one[i].offset, two[i].offset);
    EXPECT_EQ(a.prompt_tokens, b.prompt_tokens);
    EXPECT_EQ(a.prefix_tokens, b.prefix_tokens);
    texts.insert({a.prompt_seed, b.prompt_seed});
    ASSERT_EQ(a.prefix_parts.size(), b.prefix_parts.size());
    for (size_t k = 0; k < a.prefix_parts.size(); ++k)
      EXPECT_NE(a.prefix_parts[k].seed, b.prefix_parts[k].seed);
    if (a.prefix_tokens > 0) prefixes.insert({a.prefix_seed, b.prefix_seed});
  }
  EXPECT_EQ(texts.size(), 400U);
  EXPECT_EQ(prefixes.size(), 10U);  // as many in each plan, and none in both
}

TEST(Traffic, AClassAloneSendsWhatItSendsInTheMix) {
  const auto mix = materialise(plan_of({traffic_class("a"), traffic_class("b")}, 100));
  const auto alone = materialise(plan_of({traffic_class("b")}, 50));
  std::vector<decltype(essence(mix[0]))> in_mix, by_itself;
  for (const PlannedRequest& p : mix) {
    if (p.request.class_index == 1) in_mix.push_back(essence(p));
  }
  for (const PlannedRequest& p : alone) by_itself.push_back(essence(p));
  EXPECT_EQ(in_mix, by_itself);
}

// ---- servers ----

TEST(Traffic, EachClassGoesThroughItsServersInTurn) {
  TrafficPlan plan = plan_of({traffic_class("a"), traffic_class("b"), traffic_class("c")}, 90);
  plan.routes = {{0, 1, 2}, {0, 1, 2}, {3}};
  std::map<std::pair<uint32_t, uint32_t>, int> counts;
  uint32_t next = 0;
  for (const PlannedRequest& planned : materialise(plan)) {
    ++counts[{planned.request.class_index, planned.request.server}];
    if (planned.request.class_index != 0) continue;
    EXPECT_EQ(planned.request.server, next++ % 3);
  }
  for (const uint32_t server : {0, 1, 2}) {
    EXPECT_EQ((counts[{0, server}]), 10) << server;
    EXPECT_EQ((counts[{1, server}]), 10) << server;
  }
  EXPECT_EQ((counts[{2, 3}]), 30);
}

TEST(Traffic, ServersChangeNothingElseOfThePlan) {
  TrafficPlan plan = plan_of({traffic_class("a"), traffic_class("b")}, 40);
  const auto without = materialise(plan);
  plan.routes = {{0, 1}, {1, 0}};
  const auto with = materialise(plan);
  ASSERT_EQ(with.size(), without.size());
  for (size_t i = 0; i < with.size(); ++i) {
    EXPECT_EQ(essence(with[i]), essence(without[i]));
    EXPECT_EQ(with[i].offset, without[i].offset);
    EXPECT_EQ(without[i].request.server, 0U);
  }
}

// Sessions of two turns have odd ids only: it is sessions that take turns, not ids.
TEST(Traffic, ASessionStaysAtItsServerAndTheNextGoesToTheNext) {
  TrafficPlan plan = plan_of({traffic_class("a")}, 40);
  plan.classes[0].turns.a = 2;
  plan.routes = {{0, 1}};
  const auto planned = materialise(plan);
  ASSERT_EQ(planned.size(), 40U);
  for (size_t i = 0; i < planned.size(); ++i) EXPECT_EQ(planned[i].request.server, i / 2 % 2) << i;
}

TEST(Traffic, ClassesOfOneRequestDoNotAllMeetTheFirstServer) {
  TrafficPlan plan = plan_of({traffic_class("a"), traffic_class("b"), traffic_class("c")}, 3);
  plan.routes = {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}};
  std::set<uint32_t> servers;
  for (const PlannedRequest& planned : materialise(plan)) servers.insert(planned.request.server);
  EXPECT_EQ(servers.size(), 3U);
}

TEST(Traffic, ClassesAreMixedInTime) {
  const auto planned = materialise(plan_of({traffic_class("a"), traffic_class("b")}, 10'000));
  // In a random order of equal parts the number of runs is about half the length (Wald, Wolfowitz 1940).
  int runs = 1;
  for (size_t i = 1; i < planned.size(); ++i) {
    runs += planned[i].request.class_index != planned[i - 1].request.class_index ? 1 : 0;
  }
  EXPECT_NEAR(runs, 5001, 6 * 50);
}

TEST(Traffic, PoissonGapsAreExponential) {
  const auto planned = materialise(plan_of({traffic_class("a"), traffic_class("b")}, 20'000));
  std::vector<double> gaps;
  double last = 0;
  for (const PlannedRequest& p : planned) {
    gaps.push_back(seconds(p.offset) - last);
    last = seconds(p.offset);
  }
  std::sort(gaps.begin(), gaps.end());
  double distance = 0;  // Kolmogorov, Smirnov
  const auto n = static_cast<double>(gaps.size());
  for (size_t i = 0; i < gaps.size(); ++i) {
    const double theory = 1 - std::exp(-50 * gaps[i]);
    distance = std::max({distance, std::fabs(theory - static_cast<double>(i) / n),
                         std::fabs(theory - static_cast<double>(i + 1) / n)});
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(n));  // the critical value at 0.001
  EXPECT_NEAR(last, n / 50, 6 * std::sqrt(n) / 50);
}

TEST(Traffic, ConstantArrivalsAreEvenAndABurstIsAtOnce) {
  TrafficPlan plan = plan_of({traffic_class("a")}, 5);
  plan.arrivals.kind = Arrivals::Kind::kConstant;
  plan.rate_per_s = 4;
  const auto constant = materialise(plan);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_EQ(constant[i].offset, nanos_from_seconds(0.25 * static_cast<double>(i)));
  plan.arrivals.kind = Arrivals::Kind::kBurst;
  const auto burst = materialise(plan);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(burst[i].offset, kBetweenAtOnce * static_cast<int64_t>(i));
}

TEST(Traffic, AClassWithArrivalsOfItsOwnSpansTheSameTime) {
  TrafficClass even = traffic_class("even");
  even.arrivals = Arrivals{.kind = Arrivals::Kind::kConstant};
  TrafficPlan plan = plan_of({traffic_class("a"), even}, 400);
  plan.rate_per_s = 40;
  std::vector<Nanos> of_even, of_other;
  Nanos last{};
  for (const PlannedRequest& p : materialise(plan)) {
    EXPECT_GE(p.offset, last) << "first turns are ordered by their offset";
    last = p.offset;
    (p.request.class_index == 1 ? of_even : of_other).push_back(p.offset);
  }
  ASSERT_EQ(of_even.size(), 200U);
  for (size_t i = 0; i < 200; ++i) EXPECT_NEAR(seconds(of_even[i]), 0.05 * static_cast<double>(i), 2e-9);
  EXPECT_NEAR(seconds(of_other.back()), 10, 6 * std::sqrt(200.0) / 20);
}

TEST(Traffic, ClosedLoopsAreNumberedAndHaveTheirUsers) {
  TrafficClass batch = traffic_class("batch");
  batch.arrivals = Arrivals{.kind = Arrivals::Kind::kClosed, .users = 3};
  TrafficPlan plan = plan_of({traffic_class("a"), batch}, 10);
  EXPECT_THAT(loop_users(plan), testing::ElementsAre(3));
  for (const PlannedRequest& p : materialise(plan)) EXPECT_EQ(p.loop, p.request.class_index == 1 ? 1U : 0U);
  plan.arrivals = {.kind = Arrivals::Kind::kClosed, .users = 8};
  EXPECT_THAT(loop_users(plan), testing::ElementsAre(8, 3));
  for (const PlannedRequest& p : materialise(plan)) EXPECT_EQ(p.loop, p.request.class_index == 1 ? 2U : 1U);
}

TEST(Traffic, TurnsOfASessionStandBehindOneAnother) {
  TrafficClass agent = traffic_class("agent");
  agent.turns = {Kind::kUniform, 1, 4};
  agent.think_time_s = 2;
  const auto planned = materialise(plan_of({agent, traffic_class("chat")}, 2000), 501);
  ASSERT_EQ(planned.size(), 2000U);
  auto counts = counts_by_class(planned);
  EXPECT_EQ(counts[0], 1000);
  std::set<uint64_t> sessions;
  Nanos last_start{};
  for (size_t i = 0; i < planned.size(); ++i) {
    const PlannedRequest& p = planned[i];
    EXPECT_EQ(p.request.id, 501 + i);
    if (p.request.turn == 0) {
      EXPECT_EQ(p.previous, 0U);
      EXPECT_GE(p.offset, last_start);
      last_start = p.offset;
      if (p.request.session != 0) {
        EXPECT_TRUE(sessions.insert(p.request.session).second);
      }
    } else {
      const PlannedRequest& before = planned[i - 1];
      EXPECT_EQ(p.previous, before.request.id);
      EXPECT_EQ(p.request.session, before.request.session);
      EXPECT_EQ(p.request.turn, before.request.turn + 1);
      EXPECT_FALSE(before.request.last_turn);
    }
    const bool next_goes_on = i + 1 < planned.size() && planned[i + 1].request.turn > 0;
    EXPECT_EQ(p.request.last_turn, !next_goes_on);
    EXPECT_EQ(p.request.session == 0, p.request.turn == 0 && p.request.last_turn);
  }
  EXPECT_GT(sessions.size(), 200U);
}

TEST(Traffic, ThinkTimesHaveTheirMean) {
  TrafficClass agent = traffic_class("agent");
  agent.turns = {Kind::kFixed, 2};
  agent.think_time_s = 2;
  double sum = 0;
  for (const PlannedRequest& p : materialise(plan_of({agent}, 40'000))) {
    if (p.request.turn > 0) sum += seconds(p.offset);
  }
  EXPECT_NEAR(sum / 20'000, 2, 6 * 2 / std::sqrt(20'000.0));
}

TEST(Traffic, APrefixIsSharedByAClassAndLeavesSomethingOfItsOwn) {
  TrafficClass rag = traffic_class("rag");
  rag.prefix_tokens = 90;
  rag.prompt_tokens = {Kind::kUniform, 1, 200};
  TrafficClass chat = rag;
  chat.name = "chat";
  std::map<uint32_t, std::set<uint64_t>> seeds;
  for (const PlannedRequest& p : materialise(plan_of({rag, chat}, 400))) {
    EXPECT_LE(p.request.prefix_tokens, 90U);
    EXPECT_LT(p.request.prefix_tokens, p.request.prompt_tokens);
    if (p.request.prefix_tokens > 0) seeds[p.request.class_index].insert(p.request.prefix_seed);
  }
  EXPECT_EQ(seeds[0].size(), 1U);
  EXPECT_EQ(seeds[1].size(), 1U);
  EXPECT_NE(*seeds[0].begin(), *seeds[1].begin());
}

TEST(Traffic, ATraceSetsArrivalsAndLengths) {
  TrafficClass agent = traffic_class("agent");
  agent.turns = {Kind::kFixed, 3};
  TrafficPlan plan = plan_of({agent}, 0);
  plan.arrivals.kind = Arrivals::Kind::kTrace;
  plan.trace = std::make_shared<const Trace>(
      Trace{.entries = {{Nanos(5), 10, 1}, {Nanos(7), 20, 2}, {Nanos(7), 30, 3}}});
  const auto planned = materialise(plan);
  ASSERT_EQ(planned.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(planned[i].offset, plan.trace->entries[i].offset);
    EXPECT_EQ(planned[i].request.prompt_tokens, plan.trace->entries[i].prompt_tokens);
    EXPECT_EQ(planned[i].request.output_tokens, plan.trace->entries[i].output_tokens);
    EXPECT_EQ(planned[i].request.session, 0U);
  }
  plan.requests = 2;
  EXPECT_EQ(materialise(plan).size(), 2U);
  plan.requests = 9;
  EXPECT_EQ(materialise(plan).size(), 3U);
}

TEST(Traffic, TheLastArrivalIsThatOfThePlan) {
  TrafficClass even = traffic_class("even"), agent = traffic_class("agent");
  even.arrivals = Arrivals{.kind = Arrivals::Kind::kConstant};
  agent.turns = {Kind::kUniform, 1, 4};
  const TrafficPlan plan = plan_of({traffic_class("a"), even, agent}, 400);
  Nanos last{};
  for (const PlannedRequest& p : materialise(plan)) {
    if (p.request.turn == 0) last = std::max(last, p.offset);
  }
  EXPECT_EQ(last_arrival(plan), last);
}

TEST(Traffic, AHundredThousandRequestsAreDistinct) {
  const auto planned = materialise(plan_of({traffic_class("a", 3), traffic_class("b")}, 100'000));
  std::set<uint64_t> seeds;
  for (const PlannedRequest& p : planned) seeds.insert(p.request.prompt_seed);
  EXPECT_EQ(seeds.size(), 100'000U);
}

TEST(Traffic, APoolOfPrefixesIsDrawnFrom) {
  TrafficClass c = traffic_class("rag");
  c.prompt_tokens = {Kind::kFixed, 100};
  c.prefix_tokens = 60;
  const uint64_t only = materialise(plan_of({c}, 1))[0].request.prefix_seed;
  c.prefix_pool = {.share = 0.75, .count = 4};
  std::map<uint64_t, int> drawn;
  for (const PlannedRequest& p : materialise(plan_of({c}, 4000))) {
    EXPECT_EQ(p.request.prefix_tokens, p.request.prefix_seed == 0 ? 0U : 60U);
    ++drawn[p.request.prefix_seed];
  }
  ASSERT_EQ(drawn.size(), 5U);  // and none
  EXPECT_NEAR(drawn[0], 1000, 4 * std::sqrt(4000 * 0.25 * 0.75));
  EXPECT_TRUE(drawn.contains(only));  // the first is what a class with one prefix has
  drawn.erase(0);
  for (const auto& [seed, count] : drawn) EXPECT_NEAR(count, 750, 4 * std::sqrt(4000 * 0.1875));
}

// Zipf's law with exponent 1 over three: 6/11, 3/11, 2/11.
TEST(Traffic, PrefixesMayBeDrawnByZipfsLaw) {
  TrafficClass c = traffic_class("rag");
  c.prompt_tokens = {Kind::kFixed, 100};
  c.prefix_tokens = 60;
  c.prefix_pool = {.count = 3, .zipf = 1};
  std::map<uint64_t, int> drawn;
  for (const PlannedRequest& p : materialise(plan_of({c}, 5500))) ++drawn[p.request.prefix_seed];
  std::vector<int> counts;
  for (const auto& [seed, count] : drawn) counts.push_back(count);
  std::ranges::sort(counts);
  ASSERT_EQ(counts.size(), 3U);
  EXPECT_NEAR(counts[2], 3000, 160);
  EXPECT_NEAR(counts[1], 1500, 140);
  EXPECT_NEAR(counts[0], 1000, 120);
}

// Nine prefixes under three parents: each has the first part of its parent, which two others have too.
TEST(Traffic, PrefixesFormATree) {
  TrafficClass c = traffic_class("rag");
  c.prompt_tokens = {Kind::kUniform, 50, 100};
  c.prefix_tokens = 61;
  c.prefix_pool = {.count = 9, .depth = 2};
  std::map<uint64_t, std::set<uint64_t>> leaves;
  int cut = 0;
  for (const PlannedRequest& p : materialise(plan_of({c}, 500))) {
    const Request& r = p.request;
    ASSERT_EQ(r.prefix_tokens, std::min(61U, r.prompt_tokens - 1));
    ASSERT_EQ(r.prefix_parts.size(), 2U);
    EXPECT_EQ(r.prefix_parts[0].tokens, 30U);
    EXPECT_EQ(r.prefix_parts[1].tokens, r.prefix_tokens - 30);
    EXPECT_EQ(r.prefix_parts[1].seed, r.prefix_seed);
    leaves[r.prefix_parts[0].seed].insert(r.prefix_seed);
    cut += r.prefix_tokens < 61;
  }
  EXPECT_GT(cut, 0);
  ASSERT_EQ(leaves.size(), 3U);
  for (const auto& [parent, children] : leaves) EXPECT_EQ(children.size(), 3U);
}

TEST(Traffic, APrefixThatEndsOnAHigherLevelHasNoLowerOne) {
  TrafficClass c = traffic_class("rag");
  c.prompt_tokens = {Kind::kFixed, 21};
  c.prefix_tokens = 60;
  c.prefix_pool = {.count = 8, .depth = 3};
  for (const PlannedRequest& p : materialise(plan_of({c}, 20))) {
    ASSERT_EQ(p.request.prefix_parts.size(), 1U);
    EXPECT_EQ(p.request.prefix_parts[0].tokens, 20U);
  }
}

TEST(Traffic, AShareOfTheRequestsIsBrokenOff) {
  TrafficClass c = traffic_class("chat");
  const auto without = materialise(plan_of({c}, 2000));
  c.cancel.share = 0.25;
  c.cancel.after_chunks = {Kind::kUniform, 3, 5};
  c.cancel.after_ms = {Kind::kFixed, 250};
  const auto with = materialise(plan_of({c}, 2000));
  int broken_off = 0;
  for (size_t i = 0; i < with.size(); ++i) {
    const Request& r = with[i].request;
    EXPECT_EQ(essence(with[i]), essence(without[i]));  // nothing else changes
    EXPECT_EQ(without[i].request.cancel_after_chunks, 0U);
    if (r.cancel_after_chunks == 0) {
      EXPECT_EQ(r.cancel_after.count, 0);
      continue;
    }
    ++broken_off;
    EXPECT_TRUE(r.cancel_after_chunks >= 3 && r.cancel_after_chunks <= 5);
    EXPECT_EQ(r.cancel_after, nanos_from_ms(250));
  }
  EXPECT_NEAR(broken_off, 500, 4 * std::sqrt(2000 * 0.25 * 0.75));
}

}  // namespace assay::traffic_test
