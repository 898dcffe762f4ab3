// The keys of kit targets, and what is refused of them.
#include "scenario/kit_keys.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::kit_keys_test {

using ::testing::HasSubstr;

Result<Scenario> read(const std::string& keys) {
  return parse_scenario("[[target]]\nkind = 'kit'\n" + keys, "s.toml",
                        std::vector<std::string>{"probe", "roofline", "load"});
}

std::string fault(const std::string& keys) {
  const Result<Scenario> scenario = read(keys);
  return scenario ? "taken" : scenario.error().message();
}

TEST(KitKeys, OfAWholeTarget) {
  const Result<Scenario> scenario = read(
      "kit = 'torch-roofline'\npython = '/opt/venv/bin/python3'\ndevice = 'CPU'\narguments = ['--verbose', '']\n"
      "parameters = { types = 'f16 bf16', largest = 4096, share = 0.5, fast = true }\n"
      "env = { LOG = '1', LICENSE_FILE = true }\ntime_limit_s = 60\nsilence_limit_s = 30\n");
  ASSERT_TRUE(scenario) << scenario.error().message();
  const TargetSpec& target = scenario->targets[0];
  EXPECT_EQ(target.kind, TargetKind::kKit);
  EXPECT_EQ(target.name, "torch-roofline");
  EXPECT_EQ(target.device, "CPU");
  EXPECT_EQ(target.kit.python, "/opt/venv/bin/python3");
  EXPECT_EQ(target.kit.arguments, (std::vector<std::string>{"--verbose", ""}));
  ASSERT_EQ(target.kit.parameters.size(), 4U);
  EXPECT_EQ(target.kit.parameters[1].second.as_integer(), 4096);
  EXPECT_TRUE(target.kit.variables[1].passes_on);
  EXPECT_EQ(target.kit.time_limit_s, 60);
  EXPECT_FALSE(target.takes_traffic());
}

TEST(KitKeys, TheLoadExamNeedsNoTrafficForThem) {
  EXPECT_TRUE(read("kit = 'torch-roofline'\n")) << "all exams, and no [[traffic]]";
}

TEST(KitKeys, WhatIsWrongIsSaidWhereItStands) {
  EXPECT_THAT(fault(""), HasSubstr("kit"));
  EXPECT_THAT(fault("kit = 'torch-rofline'\n"), HasSubstr("s.toml:3:7: there is no kit 'torch-rofline'"));
  EXPECT_THAT(fault("kit = 'torch-rofline'\n"), HasSubstr("Did you mean 'torch-roofline'?"));
  EXPECT_THAT(fault("kit = './nowhere'\n"), HasSubstr("there is no file"));
  EXPECT_THAT(fault(fmt::format("kit = '{}/README.md'\n", ASSAY_SOURCE_DIR)), HasSubstr("chmod +x"))
      << "no program, which would be noticed at the end only";
  EXPECT_THAT(fault("kit = 'torch-roofline'\nthreads = 2\n"),
              HasSubstr("threads is a key of device targets"));
  EXPECT_THAT(fault("kit = 'torch-roofline'\nurl = 'http://x'\n"),
              HasSubstr("url is a key of endpoint targets"));
  EXPECT_THAT(fault("kit = 'torch-roofline'\narguments = 'x'\n"), HasSubstr("must be an array"));
  EXPECT_THAT(fault("kit = 'torch-roofline'\nparameters = { 'Big Name' = 1 }\n"),
              HasSubstr("no name of a parameter"));
  EXPECT_THAT(fault("kit = 'torch-roofline'\nparameters = { list = [1] }\n"),
              HasSubstr("must be a string, a number or a boolean"));
}

TEST(KitKeys, SecretsAreRefused) {
  EXPECT_THAT(fault("kit = 'torch-roofline'\narguments = ['--api-key=sk-1234567890']\n"),
              HasSubstr("holds a secret"));
  EXPECT_THAT(fault("kit = 'torch-roofline'\nenv = { HF_TOKEN = 'hf_1234567890' }\n"),
              HasSubstr("looks like a secret"));
}

}  // namespace assay::kit_keys_test
