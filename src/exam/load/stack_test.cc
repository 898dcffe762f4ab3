// Declared and told: what counts as the same, and what becomes of the rest.
#include "exam/load/stack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::stack_test {

using testing::HasSubstr;

TEST(Stack, EnginesAreTheSameHoweverTheyAreWritten) {
  EXPECT_TRUE(is_same_engine("vLLM", "vllm"));
  EXPECT_TRUE(is_same_engine("vllm-ascend", "vllm"));
  EXPECT_TRUE(is_same_engine("llamacpp", "llama.cpp"));
  EXPECT_TRUE(is_same_engine("llama-server", "llama.cpp"));
  EXPECT_TRUE(is_same_engine("text-generation-inference", "tgi"));
  EXPECT_FALSE(is_same_engine("sglang", "vllm"));
  EXPECT_FALSE(is_same_engine("--", "vllm"));
}

TEST(Stack, VersionsAreTheSameUpToTheirBuild) {
  EXPECT_TRUE(is_same_version("0.6.3", "0.6.3"));
  EXPECT_TRUE(is_same_version("v0.6.3", "0.6.3+cu124"));
  EXPECT_TRUE(is_same_version("0.6.3+cu124", "0.6.3"));
  EXPECT_TRUE(is_same_version("b4567", "b4567-1a2b3c4d"));
  EXPECT_TRUE(is_same_version("4567", "b4567-1a2b3c4d"));
  EXPECT_FALSE(is_same_version("0.6.3", "0.6.3.post1"));
  EXPECT_FALSE(is_same_version("0.6.3", "0.6.30"));
  EXPECT_FALSE(is_same_version("0.6.3", "0.6.3-rc1"));
  EXPECT_FALSE(is_same_version("0.6", "0.6.3"));
  EXPECT_FALSE(is_same_version("", "1"));
  EXPECT_FALSE(is_same_version("v", "1"));
}

TEST(Stack, UndeclaredIsANoteThatRepeatsWhatTheServerSays) {
  const auto told = Json::object().set("server_engine", "vllm").set("server_version", "0.6.3");
  const std::vector<Finding> findings = stack_findings({}, told);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].code, "stack.undeclared");
  EXPECT_EQ(findings[0].severity, Severity::kNote);
  EXPECT_THAT(findings[0].text, HasSubstr("Stack undeclared"));
  EXPECT_THAT(findings[0].text, HasSubstr("The server calls itself vllm 0.6.3."));
}

TEST(Stack, AContradictionIsADoubt) {
  StackSpec declared{.engine = "vllm", .version = "0.6.3", .is_declared = true};
  EXPECT_TRUE(stack_findings(declared, Json::object()).empty()) << "a server may say nothing";
  EXPECT_TRUE(stack_findings(declared, Json::object().set("server_version", "0.6.3+cu12")).empty());
  const std::vector<Finding> findings =
      stack_findings(declared, Json::object().set("server_engine", "sglang").set("server_version", "0.5"));
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[1].code, "stack.contradiction");
  EXPECT_EQ(findings[1].severity, Severity::kDoubtful);
  EXPECT_THAT(findings[1].text, HasSubstr("version is declared as 0.6.3, and the server calls it 0.5"));
  EXPECT_EQ(findings[1].evidence["told"].as_string(), "0.5");
}

}  // namespace assay::stack_test
