// What goes out: bodies that are JSON, sessions that remember.
#include "target/endpoint/endpoint_body.h"

#include <gmock/gmock.h>

namespace assay::endpoint_body_test {

const PromptCutter kCutter(4.2);

using ::testing::HasSubstr;
using ::testing::StartsWith;

Request request(uint32_t prompt_tokens = 10) {
  return {.id = 1, .corpus = "prose", .prompt_seed = 3, .prompt_tokens = prompt_tokens, .output_tokens = 7};
}

Json parsed(const std::string& body) {
  Result<Json> json = Json::parse(body, "body");
  EXPECT_TRUE(json) << body;
  return json ? *json : Json();
}

TEST(EndpointBody, AsksForAStreamOfExactlySoManyTokens) {
  EndpointBodies bodies(RequestKind::kChat, kCutter);
  bodies.set_model("a \"model\"");
  std::string said;
  const Json body = parsed(bodies.call_for(request(), said).body);
  EXPECT_EQ(body["model"].as_string(), "a \"model\"");
  ASSERT_EQ(body["messages"].items().size(), 1U);
  EXPECT_EQ(body["messages"].items()[0]["role"].as_string(), "user");
  EXPECT_EQ(body["messages"].items()[0]["content"].as_string(), prompt_text("prose", 3, 10, 4.2));
  EXPECT_EQ(body["max_tokens"].as_integer(), 7);
  EXPECT_EQ(body["temperature"].as_integer(-1), 0);
  EXPECT_TRUE(body["stream"].as_bool());
  EXPECT_TRUE(body["stream_options"]["include_usage"].as_bool());
  EXPECT_TRUE(body["ignore_eos"].as_bool());
}

TEST(EndpointBody, LeavesOutWhatTheServerRefuses) {
  EndpointBodies bodies(RequestKind::kCompletions, kCutter);
  bodies.fields(RequestKind::kCompletions) = {
      .ignore_eos = false, .stream_options = false, .temperature = false, .max_completion_tokens = true};
  std::string said;
  const Json body = parsed(bodies.call_for(request(), said).body);
  EXPECT_EQ(body["prompt"].as_string(), prompt_text("prose", 3, 10, 4.2));
  EXPECT_EQ(body["max_completion_tokens"].as_integer(), 7);
  for (const char* key : {"ignore_eos", "stream_options", "temperature", "max_tokens", "messages"}) {
    EXPECT_EQ(body.find(key), nullptr) << key;
  }
}

// Where a request of the class goes below http://host/v1.
std::string target_of(RequestOptions options, const std::string& base = "/v1") {
  EndpointBodies bodies(RequestKind::kChat, kCutter, base, {std::move(options)});
  bodies.set_model("a/b");
  std::string said;
  return bodies.call_for(request(), said).target;
}

TEST(EndpointBody, GoesWhereItsKindIs) {
  EXPECT_EQ(target_of({}), "/v1/chat/completions");
  EXPECT_EQ(target_of({.kind = RequestKind::kCompletions}), "/v1/completions");
  EXPECT_EQ(target_of({.kind = RequestKind::kResponses}), "/v1/responses");
  EXPECT_EQ(target_of({.kind = RequestKind::kEmbeddings}), "/v1/embeddings");
  EXPECT_EQ(target_of({.kind = RequestKind::kRerank, .path = "/rerank"}), "/rerank");
  EXPECT_EQ(target_of({.kind = RequestKind::kKserve}), "/v2/models/a%2Fb/infer");
  EXPECT_EQ(target_of({.kind = RequestKind::kKserve}, "/gateway/v1"), "/gateway/v2/models/a%2Fb/infer");
  EXPECT_EQ(target_of({.kind = RequestKind::kKserve, .models = {"net"}}, ""), "/v2/models/net/infer");
  EXPECT_EQ(target_of({.kind = RequestKind::kJson,
                       .method = "GET",
                       .target = *RequestTemplate::parse("/user/{{integer 7 7}}?q={{choice 'a b'}}")}),
            "/user/7?q=a%20b");
}

TEST(EndpointBody, SharedPrefixesAreTheSameText) {
  Request a = request(40), b = request(40);
  a.prefix_tokens = b.prefix_tokens = 30;
  a.prefix_seed = b.prefix_seed = 9;
  b.prompt_seed = 1234;
  const std::string shared = prompt_text("prose", 9, 30, 4.2);
  EXPECT_THAT(endpoint_prompt(a, kCutter), StartsWith(shared));
  EXPECT_THAT(endpoint_prompt(b, kCutter), StartsWith(shared));
  EXPECT_NE(endpoint_prompt(a, kCutter), endpoint_prompt(b, kCutter));
  a.prefix_tokens = 50;  // more than there is
  EXPECT_EQ(endpoint_prompt(a, kCutter), prompt_text("prose", 9, 40, 4.2));
}

TEST(EndpointBody, APrefixOfSeveralStretchesIsTheSameTextAsFarAsItGoes) {
  Request longer = request(100), shorter = request(60);
  longer.prefix_parts = {{9, 30}, {10, 40}};
  longer.prefix_tokens = 70;
  shorter.prefix_parts = {{9, 30}, {10, 30}};
  shorter.prefix_tokens = 60;  // all of its prompt
  const std::string first = prompt_text("prose", 9, 30, 4.2), second = prompt_text("prose", 10, 40, 4.2),
                    cut = prompt_text("prose", 10, 30, 4.2);
  EXPECT_EQ(endpoint_prompt(longer, kCutter), first + " " + second + " " + prompt_text("prose", 3, 30, 4.2));
  EXPECT_EQ(endpoint_prompt(shorter, kCutter), first + " " + cut);
  EXPECT_THAT(second, StartsWith(cut));
}

TEST(EndpointBody, ASessionRemembersItsTurnsUntilTheLast) {
  EndpointBodies bodies(RequestKind::kChat, kCutter);
  Request turn = request();
  turn.session = 5;
  turn.last_turn = false;
  std::string said;
  bodies.call_for(turn, said);
  bodies.answered(turn, said, "an \"answer\"\n");
  turn.turn = 1;
  turn.last_turn = true;
  const Json body = parsed(bodies.call_for(turn, said).body);
  ASSERT_EQ(body["messages"].items().size(), 3U);
  EXPECT_EQ(body["messages"].items()[1]["role"].as_string(), "assistant");
  EXPECT_EQ(body["messages"].items()[1]["content"].as_string(), "an \"answer\"\n");
  EXPECT_EQ(bodies.sessions(), 1U);
  bodies.answered(turn, said, "the end");
  EXPECT_EQ(bodies.sessions(), 0U);
}

TEST(EndpointBody, AFailedTurnIsNotRemembered) {
  EndpointBodies bodies(RequestKind::kCompletions, kCutter);
  Request turn = request();
  turn.session = 5;
  turn.last_turn = false;
  std::string said;
  bodies.call_for(turn, said);
  bodies.answered(turn, said, "first");
  const std::string before = parsed(bodies.call_for(turn, said).body)["prompt"].as_string();
  EXPECT_THAT(before, HasSubstr("first"));
  bodies.failed(turn);
  EXPECT_EQ(parsed(bodies.call_for(turn, said).body)["prompt"].as_string(), before);
  turn.last_turn = true;
  bodies.failed(turn);
  EXPECT_EQ(bodies.sessions(), 0U);
}

TEST(EndpointBody, EscapesWhatJsonWants) {
  std::string out;
  append_json_text("a\"b\\c\n\t\x01\xc3\xa9", out);
  EXPECT_EQ(out, "a\\\"b\\\\c\\n\\u0009\\u0001\xc3\xa9");
}

}  // namespace assay::endpoint_body_test
