// What goes out: bodies that are JSON, sessions that remember.
#include "target/endpoint_body.h"

#include <gmock/gmock.h>

namespace assay {
namespace {

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
  EndpointBodies bodies(EndpointApi::kChat, 4.2);
  bodies.set_model("a \"model\"");
  std::string said;
  const Json body = parsed(bodies.body_for(request(), said));
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
  EndpointBodies bodies(EndpointApi::kCompletions, 4.2);
  bodies.fields() = {
      .ignore_eos = false, .stream_options = false, .temperature = false, .max_completion_tokens = true};
  std::string said;
  const Json body = parsed(bodies.body_for(request(), said));
  EXPECT_EQ(body["prompt"].as_string(), prompt_text("prose", 3, 10, 4.2));
  EXPECT_EQ(body["max_completion_tokens"].as_integer(), 7);
  for (const char* key : {"ignore_eos", "stream_options", "temperature", "max_tokens", "messages"}) {
    EXPECT_EQ(body.find(key), nullptr) << key;
  }
}

TEST(EndpointBody, GoesWhereItsApiIs) {
  EXPECT_EQ(EndpointBodies(*endpoint_api("chat"), 4.2).path(), "/chat/completions");
  EXPECT_EQ(EndpointBodies(*endpoint_api("completions"), 4.2).path(), "/completions");
  EXPECT_FALSE(endpoint_api("chats"));
}

TEST(EndpointBody, SharedPrefixesAreTheSameText) {
  Request a = request(40), b = request(40);
  a.prefix_tokens = b.prefix_tokens = 30;
  a.prefix_seed = b.prefix_seed = 9;
  b.prompt_seed = 1234;
  const std::string shared = prompt_text("prose", 9, 30, 4.2);
  EXPECT_THAT(endpoint_prompt(a, 4.2), StartsWith(shared));
  EXPECT_THAT(endpoint_prompt(b, 4.2), StartsWith(shared));
  EXPECT_NE(endpoint_prompt(a, 4.2), endpoint_prompt(b, 4.2));
  a.prefix_tokens = 50;  // more than there is
  EXPECT_EQ(endpoint_prompt(a, 4.2), prompt_text("prose", 9, 40, 4.2));
}

TEST(EndpointBody, ASessionRemembersItsTurnsUntilTheLast) {
  EndpointBodies bodies(EndpointApi::kChat, 4.2);
  Request turn = request();
  turn.session = 5;
  turn.last_turn = false;
  std::string said;
  bodies.body_for(turn, said);
  bodies.answered(turn, said, "an \"answer\"\n");
  turn.turn = 1;
  turn.last_turn = true;
  const Json body = parsed(bodies.body_for(turn, said));
  ASSERT_EQ(body["messages"].items().size(), 3U);
  EXPECT_EQ(body["messages"].items()[1]["role"].as_string(), "assistant");
  EXPECT_EQ(body["messages"].items()[1]["content"].as_string(), "an \"answer\"\n");
  EXPECT_EQ(bodies.sessions(), 1U);
  bodies.answered(turn, said, "the end");
  EXPECT_EQ(bodies.sessions(), 0U);
}

TEST(EndpointBody, AFailedTurnIsNotRemembered) {
  EndpointBodies bodies(EndpointApi::kCompletions, 4.2);
  Request turn = request();
  turn.session = 5;
  turn.last_turn = false;
  std::string said;
  bodies.body_for(turn, said);
  bodies.answered(turn, said, "first");
  const std::string before = parsed(bodies.body_for(turn, said))["prompt"].as_string();
  EXPECT_THAT(before, HasSubstr("first"));
  bodies.failed(turn);
  EXPECT_EQ(parsed(bodies.body_for(turn, said))["prompt"].as_string(), before);
  turn.last_turn = true;
  bodies.failed(turn);
  EXPECT_EQ(bodies.sessions(), 0U);
}

TEST(EndpointBody, EscapesWhatJsonWants) {
  std::string out;
  append_json_text("a\"b\\c\n\t\x01\xc3\xa9", out);
  EXPECT_EQ(out, "a\\\"b\\\\c\\n\\u0009\\u0001\xc3\xa9");
}

}  // namespace
}  // namespace assay
