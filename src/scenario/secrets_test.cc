// What looks like a secret, and what only sounds like one.
#include "scenario/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario/scenario.h"

namespace assay::secrets_test {

using testing::HasSubstr;
using testing::Not;

TEST(Secrets, AreFoundInCommandsByOptionVariableAndLooks) {
  EXPECT_EQ(secret_of_text("vllm serve --api-key hunter2"), "--api-key");
  EXPECT_EQ(secret_of_text("vllm serve --api-key=hunter2 --port 1"), "--api-key");
  EXPECT_EQ(secret_of_text("vllm serve --API_KEY='hunter2'"), "--API_KEY");
  EXPECT_EQ(secret_of_text("--a=1,--b --hf-token hunter2"), "--hf-token");
  EXPECT_EQ(secret_of_text("--a=1,--api-key=hunter2,--b"), "--api-key");
  EXPECT_EQ(secret_of_text("docker run -e HF_TOKEN=hunter2 vllm"), "HF_TOKEN");
  EXPECT_EQ(secret_of_text("sh -c 'VLLM_API_KEY=\"hunter2\" vllm serve'"), "VLLM_API_KEY");
  EXPECT_EQ(secret_of_text("see hf_AbCdEfGhIjKlMnOpQrStUv12"), "hf_…");
}

TEST(Secrets, AreNotWhatOnlySoundsLikeThem) {
  for (const char* text : {"", "vllm serve --max-num-batched-tokens 8192", "--api-key",
                           "--api-key $VLLM_API_KEY --port 1", "--api-key --port 1", "--api-key=***",
                           "HF_TOKEN=$HF_TOKEN vllm", "with hf_transfer and sk-learn", "VLLM_MAX_TOKENS=1"})
    EXPECT_EQ(secret_of_text(text), "") << text;
}

TEST(Secrets, AreFoundInBodiesAtAnyDepth) {
  const auto found = [](const char* json) { return secret_of_json(Json::parse(json, "j").value_or(Json())); };
  EXPECT_EQ(found(R"({"a": 1, "api_key": "hunter2"})"), "api_key");
  EXPECT_EQ(found(R"({"a": [{"apiKey": "hunter2"}]})"), "apiKey");
  EXPECT_EQ(found(R"({"a": {"x": "Bearer hunter2"}})"), "x");
  EXPECT_EQ(found(R"({"a": {"auth": {"password": "hunter2"}}})"), "password");
  EXPECT_EQ(
      found(R"({"min_tokens": 8, "eos_token": "</s>", "stop_token_ids": [1], "api_key": "", "token": 3})"),
      "");
}

TEST(Secrets, AreFoundInQueries) {
  EXPECT_EQ(secret_of_query("/v1/x?version=1&key=hunter2"), "key");
  EXPECT_EQ(secret_of_query("/v1/x?api-version=2024-10-21"), "");
  EXPECT_EQ(secret_of_query("/v1/key=1"), "");
}

std::string message_of(const std::string& traffic, const std::string& stack) {
  const std::vector<std::string> exams = {"load"};
  const Result<Scenario> scenario =
      parse_scenario("[[traffic]]\nname = \"chat\"\nprompt_tokens = 10\noutput_tokens = 5\n" + traffic +
                         "[[target]]\nkind = \"endpoint\"\nurl = \"http://127.0.0.1:8000/v1\"\n" + stack,
                     "s.toml", exams);
  EXPECT_FALSE(scenario) << traffic << stack;
  return scenario ? "" : scenario.error().message();
}

TEST(Secrets, AreRefusedWhereverAScenarioHasTextForOthers) {
  for (const char* key : {"command", "flags", "notes", "engine", "image"}) {
    const std::string message =
        message_of("", std::string("[target.stack]\n") + key + " = 'serve --api-key hunter2'\n");
    EXPECT_THAT(message, HasSubstr("s.toml:9:")) << key;
    EXPECT_THAT(message, HasSubstr("--api-key holds a secret"));
    EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  }
  for (const char* traffic :
       {"extra_body = { api_key = 'hunter2' }\n", "extra_body = { a = { password = 'hunter2' } }\n",
        "path = '/v1/chat/completions?api_key=hunter2'\n"}) {
    const std::string message = message_of(traffic, "");
    EXPECT_THAT(message, HasSubstr("s.toml:5:"));
    EXPECT_THAT(message, HasSubstr("api_key_env or api_key_file"));
    EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  }
  EXPECT_THAT(message_of("", "[target.stack]\nlaunch = ['sh', '-c', 'serve --api-key hunter2']\n"),
              HasSubstr("--api-key holds a secret"));
}

}  // namespace assay::secrets_test
