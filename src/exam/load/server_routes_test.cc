// Which servers a trial has, by what target and classes name.
#include "exam/load/server_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exam/load/traffic.h"

namespace assay::server_routes_test {

using testing::ElementsAre;
using testing::IsEmpty;

TargetSpec endpoint(std::vector<std::string> urls) {
  TargetSpec target;
  target.kind = TargetKind::kEndpoint;
  target.urls = std::move(urls);
  target.endpoint_model = "llm";
  return target;
}

TEST(ServerRoutes, ClassesWithoutServersOfTheirOwnShareTheTargets) {
  const ServerRoutes routes =
      server_routes(endpoint({"a", "b"}), {{.name = "x"}, {.name = "y", .urls = {"b"}}});
  EXPECT_THAT(routes.urls, ElementsAre("a", "b"));
  EXPECT_THAT(routes.by_class, ElementsAre(ElementsAre(0, 1), ElementsAre(1)));
}

TEST(ServerRoutes, TheTargetsOwnComeFirstWithoutThoseThatNobodyGoesTo) {
  const TargetSpec target = endpoint({"a", "b", "c"});
  const ServerRoutes routes =
      server_routes(target, {{.name = "v", .urls = {"e", "f"}}, {.name = "x", .urls = {"c", "a"}}});
  EXPECT_THAT(routes.urls, ElementsAre("a", "c", "e", "f"));
  EXPECT_THAT(routes.by_class, ElementsAre(ElementsAre(2, 3), ElementsAre(1, 0)));
  const std::vector<EndpointServerOptions> servers = server_options(routes, target);
  ASSERT_EQ(servers.size(), 4U);
  EXPECT_THAT(servers[1].classes, ElementsAre(1));
  EXPECT_EQ(servers[1].model, "llm");
  EXPECT_FALSE(servers[1].is_side);
  EXPECT_THAT(servers[2].classes, ElementsAre(0));
  EXPECT_EQ(servers[2].model, "");  // the target's model is not that of the embeddings server
  EXPECT_TRUE(servers[2].is_side);
}

TEST(ServerRoutes, WhatIsNoEndpointHasNone) {
  EXPECT_THAT(server_routes({}, {{.name = "x"}}).urls, IsEmpty());
}

TEST(LoadTraffic, TheWarmUpMeetsEveryServer) {
  Scenario scenario;
  scenario.load.requests_per_class = 64;
  scenario.targets = {endpoint({"a", "b", "c"})};
  for (const char* name : {"x", "y"}) {
    TrafficClass& traffic = scenario.load.classes.emplace_back();
    traffic.name = name;
    traffic.prompt_tokens.a = traffic.output_tokens.a = 5;
  }
  const TrialTraffic traffic = *trial_traffic(scenario, scenario.targets[0], "");
  EXPECT_EQ(warm_up_requests(traffic), 6U);
  std::vector<int> met(6);
  for (const PlannedRequest& planned : burst_plan(traffic, 6))
    ++met[planned.request.class_index * 3 + planned.request.server];
  EXPECT_THAT(met, ElementsAre(1, 1, 1, 1, 1, 1));
  const TrialTraffic alone = *trial_traffic(scenario, scenario.targets[0], "y");
  EXPECT_EQ(warm_up_requests(alone), 3U);
  EXPECT_THAT(alone.routes.by_class, ElementsAre(ElementsAre(0, 1, 2)));
  // Few requests are not spent on warming up, but each server is met.
  scenario.load.requests_per_class = 2;
  EXPECT_EQ(warm_up_requests(*trial_traffic(scenario, scenario.targets[0], "")), 3U);
}

}  // namespace assay::server_routes_test
