// [target.stack]: what is declared, what is launched, and what has no place in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario/scenario.h"

namespace assay::stack_table_test {

using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kExams = {"load"};
const std::string kHead =
    "[[traffic]]\nname = \"chat\"\nprompt_tokens = 10\noutput_tokens = 5\n"
    "[[target]]\nkind = \"endpoint\"\nurl = \"http://127.0.0.1:8000/v1\"\n";

Result<Scenario> with(const std::string& stack, const std::string& path = "s.toml") {
  return parse_scenario(kHead + stack, path, kExams);
}

StackSpec stack_of(const std::string& stack, const std::string& path = "s.toml") {
  const Result<Scenario> scenario = with(stack, path);
  EXPECT_TRUE(scenario) << (scenario ? "" : scenario.error().message());
  return scenario ? scenario->targets[0].stack : StackSpec();
}

std::string message_of(const std::string& stack) {
  const Result<Scenario> scenario = with(stack);
  EXPECT_FALSE(scenario) << stack;
  return scenario ? "" : scenario.error().message();
}

TEST(Stack, IsUndeclaredWithoutItsTable) {
  const StackSpec stack = stack_of("");
  EXPECT_FALSE(stack.is_declared);
  EXPECT_EQ(stack_conditions(stack).dump(), R"({"stack": "undeclared"})");
}

TEST(Stack, IsCarriedAsFlatConditions) {
  const StackSpec stack = stack_of(
      "[target.stack]\nengine = 'vllm'\nversion = '0.11.0'\ncommand = 'vllm serve x'\nimage = 'a@sha256:1'\nflags = '-f'\n"
      "quantisation = 'fp8'\nkv_type = 'f16'\nparallelism = 'tp=2'\ntuned_by = 'us'\ntuned_for_h = 3\nnotes = 'n'\n");
  EXPECT_TRUE(stack.is_declared);
  EXPECT_TRUE(stack.launch.empty());
  EXPECT_EQ(
      stack_conditions(stack).dump(),
      R"({"stack_engine": "vllm", "stack_version": "0.11.0", "stack_command": "vllm serve x", "stack_image": "a@sha256:1", )"
      R"("stack_flags": "-f", "stack_quantisation": "fp8", "stack_kv_type": "f16", "stack_parallelism": "tp=2", )"
      R"("stack_tuned_by": "us", "stack_notes": "n", "stack_tuned_for_h": 3})");
}

TEST(Stack, TakesAProgramWithItsArgumentsAndEnvironment) {
  const StackSpec stack = stack_of(
      "[target.stack]\nlaunch = ['serve', '-x', '1', '-x', '', \"it's\"]\nenv = { A = '1', HF_TOKEN = true }\n"
      "cwd = 'sub'\nready_path = '/ready'\nready_timeout_s = 5\nstop_timeout_s = 0.5\n",
      "/folder/s.toml");
  EXPECT_EQ(stack.launch, (std::vector<std::string>{"serve", "-x", "1", "-x", "", "it's"}));
  EXPECT_EQ(stack.directory, "/folder/sub");
  EXPECT_EQ(stack.ready_path, "/ready");
  EXPECT_EQ(stack.ready_timeout_s, 5);
  EXPECT_EQ(stack.stop_timeout_s, 0.5);
  const Json conditions = stack_conditions(stack);
  EXPECT_EQ(conditions["stack_launch"].as_string(), R"(serve -x 1 -x '' 'it'\''s')");
  EXPECT_EQ(conditions["stack_env"].as_string(), "A=1, HF_TOKEN (assay's own)");
}

TEST(Stack, SecretsHaveNoPlaceInIt) {
  for (const std::string argument :
       {"'--api-key', 'hunter2'", "'--api-key=hunter2'", "'--hf-token=hunter2'"}) {
    const std::string message = message_of("[target.stack]\nlaunch = ['serve', " + argument + "]\n");
    EXPECT_THAT(message, HasSubstr("holds a secret"));
    EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  }
  const std::string message =
      message_of("[target.stack]\nlaunch = ['x']\nenv = { MY_API_KEY = 'hunter2' }\n");
  EXPECT_THAT(message, HasSubstr("MY_API_KEY = true passes assay's own value on"));
  EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  stack_of(
      "[target.stack]\nlaunch = ['serve', '--max-num-batched-tokens', '8192']\nenv = { VLLM_MAX_TOKENS = '1' }\n");
}

TEST(Stack, SaysWhatIsWrong) {
  EXPECT_THAT(message_of("[target.stack]\n"), HasSubstr("says nothing"));
  EXPECT_THAT(message_of("[target.stack]\nlaunch = 'vllm serve'\n"), HasSubstr("launch must be an array"));
  EXPECT_THAT(message_of("[target.stack]\nlaunch = []\n"), HasSubstr("launch must be an array"));
  EXPECT_THAT(message_of("[target.stack]\nlaunch = ['']\n"), HasSubstr("launch names no program"));
  EXPECT_THAT(message_of("[target.stack]\nlaunch = ['a', 3]\n"), HasSubstr("launch must be an array"));
  EXPECT_THAT(message_of("[target.stack]\nlaunch = ['a']\ncommand = 'a'\n"), HasSubstr("not both"));
  EXPECT_THAT(message_of("[target.stack]\nengine = 'a'\ncwd = '/'\n"),
              HasSubstr("s.toml:10:7: cwd is for a server"));
  EXPECT_THAT(message_of("[target.stack]\nlaunch = ['a']\nready_path = 'health'\n"),
              HasSubstr("must be a path"));
  EXPECT_THAT(message_of("[target.stack]\nlaunch = ['a']\nenv = { A = 3 }\n"),
              HasSubstr("A must be a string, or true"));
  EXPECT_THAT(message_of("[target.stack]\nenginee = 'a'\n"), HasSubstr("Did you mean 'engine'?"));
  const Result<Scenario> device = parse_scenario(
      "[[target]]\nkind = 'device'\n[target.stack]\nengine = 'a'\n"
      "[[traffic]]\nname = 'c'\nprompt_tokens = 1\noutput_tokens = 1\n",
      "s.toml", kExams);
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message(), HasSubstr("stack is a key of endpoint targets"));
}

}  // namespace assay::stack_table_test
