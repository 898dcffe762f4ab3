// A plan that several load generators share: together they send it, each request once.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "workload/workload.h"

namespace assay::traffic_share_test {

using Kind = LengthDistribution::Kind;

TrafficPlan shared_plan(uint32_t requests) {
  TrafficPlan plan;
  plan.seed = 5;
  plan.requests = requests;
  plan.rate_per_s = 40;
  plan.classes.push_back({.name = "chat", .weight = 3, .prompt_tokens = {Kind::kUniform, 5, 50}});
  plan.classes.push_back({.name = "agent", .weight = 2, .prompt_tokens = {Kind::kUniform, 5, 50}});
  plan.classes.back().turns = {Kind::kUniform, 1, 4};
  for (TrafficClass& each : plan.classes) each.output_tokens = {Kind::kUniform, 1, 9};
  return plan;
}

// What a request is, but for its ids: class, when, which turn, lengths, text.
using Sent = std::tuple<uint32_t, int64_t, uint32_t, uint32_t, uint32_t, uint64_t, uint32_t>;
std::vector<Sent> sent_of(const std::vector<PlannedRequest>& planned) {
  std::vector<Sent> sent;
  for (const auto& [request, offset, previous, loop, prefix] : planned)
    sent.emplace_back(request.class_index, offset.count, request.turn, request.prompt_tokens,
                      request.output_tokens, request.prompt_seed, loop);
  std::ranges::sort(sent);
  return sent;
}

void expect_parts_are_the_whole(TrafficPlan plan, uint32_t ranks) {
  const std::vector<Sent> whole = sent_of(materialise(plan));
  std::vector<Sent> together;
  std::set<RequestId> ids;
  std::vector<uint32_t> users(loop_users(plan).size());
  const std::vector<uint32_t> all_users = loop_users(plan);
  for (uint32_t rank = 0; rank < ranks; ++rank) {
    plan.share = {rank, ranks};
    const auto source = traffic_source(plan, 100);
    EXPECT_EQ(source->id_step(), ranks);
    const std::vector<uint32_t> own_users = source->loop_users();
    for (size_t loop = 0; loop < users.size(); ++loop) users[loop] += own_users[loop];
    const size_t size = source->size();
    const std::vector<PlannedRequest> part = drain(*source);
    EXPECT_EQ(part.size(), size) << "rank " << rank;
    for (size_t i = 0; i < part.size(); ++i) {
      const Request& request = part[i].request;
      EXPECT_EQ(request.id, 100 + rank + i * ranks);
      EXPECT_TRUE(ids.insert(request.id).second);
      if (request.turn == 0) continue;
      EXPECT_EQ(part[i].previous, part[i - 1].request.id);  // sessions stay whole
    }
    for (const Sent& sent : sent_of(part)) together.push_back(sent);
  }
  std::ranges::sort(together);
  EXPECT_EQ(together, whole);
  EXPECT_EQ(users, all_users);
}

TEST(TrafficShare, PartsOfPoissonArrivalsAreTheWhole) {
  for (const uint32_t ranks : {1U, 2U, 3U, 7U}) expect_parts_are_the_whole(shared_plan(200), ranks);
}

TEST(TrafficShare, MoreRanksThanRequests) {
  expect_parts_are_the_whole(shared_plan(5), 16);
}

TEST(TrafficShare, AClosedLoopIsSplitByItsUsers) {
  TrafficPlan plan = shared_plan(90);
  plan.arrivals = {.kind = Arrivals::Kind::kClosed, .users = 5, .pause_s = 0.1};
  expect_parts_are_the_whole(plan, 2);
  expect_parts_are_the_whole(plan, 8);  // three of which have no user, and nothing to send
  plan.share = {7, 8};
  EXPECT_EQ(traffic_source(plan)->size(), 0U);
}

TEST(TrafficShare, ClassesWithArrivalsOfTheirOwn) {
  TrafficPlan plan = shared_plan(120);
  plan.classes[0].arrivals = Arrivals{.kind = Arrivals::Kind::kConstant};
  plan.classes[1].arrivals = Arrivals{.kind = Arrivals::Kind::kClosed, .users = 3};
  expect_parts_are_the_whole(plan, 4);
}

TEST(TrafficShare, PartsAreAboutAsLarge) {
  TrafficPlan plan = shared_plan(1000);
  plan.classes.pop_back();
  for (uint32_t rank = 0; rank < 8; ++rank) {
    plan.share = {rank, 8};
    EXPECT_EQ(traffic_source(plan)->size(), 125U);
  }
}

TEST(TrafficShare, TheLastArrivalIsThatOfTheWholePlan) {
  TrafficPlan plan = shared_plan(50);
  const Nanos whole = last_arrival(plan);
  plan.share = {2, 3};
  EXPECT_EQ(last_arrival(plan), whole);
}

}  // namespace assay::traffic_share_test
