// Plans from traces: instants, sessions, and prompts that begin alike exactly as far as the trace says.
#include <gtest/gtest.h>

#include <set>

#include "workload/workload.h"

namespace assay::traffic_trace_test {

using Kind = LengthDistribution::Kind;

TrafficClass traffic_class(const std::string& name, double weight = 1) {
  TrafficClass c;
  c.name = name;
  c.weight = weight;
  c.prompt_tokens = c.output_tokens = {Kind::kFixed, 1};
  return c;
}

TrafficPlan plan_of(const std::string& text, const std::string& format, const TraceOptions& options = {}) {
  Result<Trace> trace = parse_trace(text, "t", format, options);
  EXPECT_TRUE(trace) << (trace ? "" : trace.error().message());
  TrafficPlan plan;
  plan.classes = {traffic_class("all")};
  plan.arrivals.kind = trace->has_instants ? Arrivals::Kind::kTrace : Arrivals::Kind::kConstant;
  plan.rate_per_s = 2;
  plan.trace = std::make_shared<const Trace>(std::move(*trace));
  return plan;
}

// The prompt as token places, as a worker with a tokenizer lays it out.
std::vector<uint64_t> places(const PlannedRequest& planned) {
  std::vector<uint64_t> tokens;
  for (const PromptPart& part : prompt_parts(complete_request(planned))) {
    for (uint32_t i = 0; i < part.tokens; ++i) tokens.push_back(part.seed + i);
  }
  return tokens;
}

size_t common(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  size_t length = 0;
  while (length < a.size() && length < b.size() && a[length] == b[length]) ++length;
  return length;
}

const std::string kChains = R"({"timestamp":0,"input_length":100,"output_length":1,"hash_ids":[1,2,3,4,5,6,7]}
{"timestamp":10,"input_length":80,"output_length":1,"hash_ids":[1,2,3,9,10]}
{"timestamp":20,"input_length":55,"output_length":1,"hash_ids":[1,2,3,4]}
{"timestamp":30,"input_length":48,"output_length":1,"hash_ids":[1,2,3]}
{"timestamp":40,"input_length":40,"output_length":1,"hash_ids":[1,2,3]}
{"timestamp":50,"input_length":40,"output_length":1,"hash_ids":[8,2,3]}
)";

TEST(TrafficTrace, PromptsBeginAlikeAsFarAsTheirIdsDoAndNoFurther) {
  const TrafficPlan plan = plan_of(kChains, "mooncake", {.block_tokens = 16});
  const auto planned = materialise(plan);
  ASSERT_EQ(planned.size(), 6U);
  std::vector<std::vector<uint64_t>> prompts;
  for (const PlannedRequest& p : planned) {
    prompts.push_back(places(p));
    EXPECT_EQ(prompts.back().size(), p.request.prompt_tokens);
  }
  EXPECT_EQ(common(prompts[0], prompts[1]), 48U);
  EXPECT_EQ(common(prompts[0], prompts[2]), 55U);  // its fourth block is a short one
  EXPECT_EQ(common(prompts[1], prompts[2]), 48U);
  EXPECT_EQ(common(prompts[0], prompts[3]), 48U);
  EXPECT_EQ(common(prompts[3], prompts[4]), 40U);  // the whole of the shorter one
  EXPECT_EQ(common(prompts[0], prompts[5]), 0U);   // equal ids behind unequal ones
  // Names of prefixes agree where the prefixes do.
  EXPECT_EQ(planned[3].request.prefix_seed, planned[4].request.prefix_seed);
  EXPECT_NE(planned[0].request.prefix_seed, planned[3].request.prefix_seed);
  EXPECT_EQ(planned[5].request.prefix_tokens, 0U);
}

TEST(TrafficTrace, ScaledPromptsShareScaledPrefixes) {
  const TrafficPlan plan =
      plan_of(kChains, "mooncake", {.scaling = {.rate = 10, .length = 0.25}, .block_tokens = 16});
  const auto planned = materialise(plan);
  EXPECT_EQ(common(places(planned[0]), places(planned[1])), 12U);
  EXPECT_EQ(places(planned[0]).size(), 25U);
  EXPECT_EQ(planned[5].offset, nanos_from_ms(5));
}

TEST(TrafficTrace, AnotherSeedSharesAsMuchOfOtherText) {
  TrafficPlan plan = plan_of(kChains, "mooncake", {.block_tokens = 16});
  const auto one = materialise(plan);
  plan.seed = 2;
  const auto two = materialise(plan);
  EXPECT_EQ(common(places(two[0]), places(two[1])), 48U);
  EXPECT_EQ(common(places(one[0]), places(two[0])), 0U);
}

const std::string kSessions = R"({"session_id":1,"timestamp":0,"input_length":10,"output_length":3}
{"session_id":1,"delay":500,"input_length":11,"output_length":4}
{"timestamp":100,"input_length":20,"output_length":5}
{"session_id":2,"timestamp":200,"input_length":30,"output_length":6}
{"session_id":2,"delay":0,"input_length":31,"output_length":7}
{"session_id":2,"delay":250,"input_length":32,"output_length":8}
)";

TEST(TrafficTrace, SessionsKeepTheirTurnsAndPauses) {
  const auto planned = materialise(plan_of(kSessions, "mooncake"), 101);
  ASSERT_EQ(planned.size(), 6U);
  const auto check = [&](size_t i, uint64_t session, uint32_t turn, bool is_last, double ms) {
    const PlannedRequest& p = planned[i];
    EXPECT_EQ(p.request.session, session) << i;
    EXPECT_EQ(p.request.turn, turn) << i;
    EXPECT_EQ(p.request.last_turn, is_last) << i;
    EXPECT_EQ(p.offset, nanos_from_ms(ms)) << i;
    EXPECT_EQ(p.previous, turn == 0 ? 0 : p.request.id - 1) << i;
  };
  check(0, 101, 0, false, 0);
  check(1, 101, 1, true, 500);
  check(2, 0, 0, true, 100);
  check(3, 104, 0, false, 200);
  check(4, 104, 1, false, 0);
  check(5, 104, 2, true, 250);
  EXPECT_EQ(planned[5].request.prompt_tokens, 32U);
  EXPECT_EQ(planned[5].request.output_tokens, 8U);
}

TEST(TrafficTrace, ASessionIsCutShortWhereTheRequestsEnd) {
  TrafficPlan plan = plan_of(kSessions, "mooncake");
  plan.requests = 5;
  const auto planned = materialise(plan);
  ASSERT_EQ(planned.size(), 5U);
  EXPECT_TRUE(planned[4].request.last_turn);
  plan.requests = 4;
  EXPECT_EQ(materialise(plan)[3].request.session, 0U);  // one turn is left of it
}

TEST(TrafficTrace, ClassesShareOutSessionsByWeight) {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    for (const char* kind : {"\"timestamp\"", "\"delay\""})
      text += "{\"session_id\":" + std::to_string(i) + "," + kind + ":" + std::to_string(i) +
              ",\"input_length\":5,\"output_length\":5}\n";
  }
  TrafficPlan plan = plan_of(text, "mooncake");
  plan.classes = {traffic_class("a", 3), traffic_class("b", 1)};
  const auto planned = materialise(plan);
  ASSERT_EQ(planned.size(), 200U);
  int of_a = 0;
  for (size_t i = 0; i < planned.size(); ++i) {
    of_a += planned[i].request.class_index == 0 ? 1 : 0;
    const size_t first_turn = i - i % 2;
    EXPECT_EQ(planned[i].request.class_index, planned[first_turn].request.class_index);
  }
  EXPECT_EQ(of_a, 150);
}

TEST(TrafficTrace, WithoutInstantsTheArrivalsAreThePlans) {
  const std::string turn = R"({"from":"human","value":"q"},{"from":"gpt","value":"a"})";
  const std::string one = "{\"conversations\":[" + turn + "," + turn + "]}";
  TrafficPlan plan = plan_of("[" + one + "," + one + "," + one + "]", "sharegpt");
  const auto planned = materialise(plan);
  ASSERT_EQ(planned.size(), 6U);
  EXPECT_EQ(planned[2].offset - planned[0].offset, nanos_from_ms(500));
  EXPECT_EQ(planned[1].offset, Nanos(0));
  EXPECT_EQ(planned[1].request.session, planned[0].request.id);
  plan.arrivals = {.kind = Arrivals::Kind::kClosed, .users = 2};
  for (const PlannedRequest& p : materialise(plan)) EXPECT_EQ(p.loop, p.request.turn == 0 ? 1U : 0U);
}

// The server gets every prompt whole: there is no session for the target to keep, only an order.
TEST(TrafficTrace, TurnsThatCarryTheirContextWaitWithoutAHistory) {
  const TrafficPlan plan = plan_of(
      R"({"id":"a","requests":[{"t":0,"in":64,"out":1,"hash_ids":[1]},{"t":2,"in":128,"out":1,"hash_ids":[1,2]}]})",
      "weka");
  const auto planned = materialise(plan);
  ASSERT_EQ(planned.size(), 2U);
  for (const PlannedRequest& p : planned) {
    EXPECT_EQ(p.request.session, 0U);
    EXPECT_TRUE(p.request.last_turn);
  }
  EXPECT_EQ(planned[1].previous, planned[0].request.id);
  EXPECT_EQ(planned[1].offset, nanos_from_seconds(2));
  EXPECT_EQ(common(places(planned[0]), places(planned[1])), 64U);
}

TEST(TrafficTrace, AClassesOwnPrefixStandsWhereTheTraceHasNone) {
  TrafficPlan plan = plan_of(kChains, "mooncake", {.block_tokens = 16});
  plan.classes[0].prefix_tokens = 8;
  const auto planned = materialise(plan);
  EXPECT_EQ(planned[0].request.prefix_tokens, 64U);
  EXPECT_EQ(planned[5].request.prefix_tokens, 8U);
}

}  // namespace assay::traffic_trace_test
