// Which model `auto` becomes.
#include "exam/sizing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::sizing_test {

LoadSpec six_classes() {
  LoadSpec load;
  load.max_duration_s = 100;
  load.requests_per_class = 72;
  for (int i = 0; i < 6; ++i) {
    TrafficClass traffic;
    traffic.prompt_tokens.a = 40;
    traffic.output_tokens.a = 10;
    load.classes.push_back(traffic);
  }
  return load;
}

Json device(double gflop_per_s) {
  return Json::object().set("name", "X").set("matmul_gflop_per_s", gflop_per_s).set("matmul_dtype", "f16");
}

TEST(Sizing, AFastDeviceGetsTheRealModel) {
  const Sizing sizing = size_to_device("auto", device(100), six_classes());
  EXPECT_EQ(sizing.model, kAutoModel);
  EXPECT_FALSE(sizing.is_sized_down);
}

TEST(Sizing, ASlowDeviceGetsTheSmallShapeAndSaysWhy) {
  // 21,600 tokens at 0.269 GFLOP each on 3 GFLOP/s: 1,940 s where 100 s are allowed.
  const Sizing sizing = size_to_device("auto", device(3), six_classes());
  EXPECT_EQ(sizing.model, kSmallModel);
  EXPECT_NEAR(sizing.predicted_s, 21'600 * 0.269 / 3, 1);
  Trial trial;
  set_model(TargetSpec(), sizing, trial.parameters);
  EXPECT_EQ(model_not_run(trial), kAutoModel);
  TrialOutcome outcome;
  note_other_model(trial.parameters, outcome);
  ASSERT_EQ(outcome.findings.size(), 1U);
  const Finding& finding = outcome.findings[0];
  EXPECT_EQ(finding.code, "model.sized-down");
  EXPECT_EQ(finding.severity, Severity::kNote);
  EXPECT_THAT(finding.text, testing::HasSubstr("f16 matrices at 3.00 GFLOP/s"));  // which of all the types
  EXPECT_EQ(finding.evidence["matmul_gflop_per_s"].as_number(), 3);
  EXPECT_EQ(finding.evidence["matmul_dtype"].as_string(), "f16");
}

TEST(Sizing, ASlowDeviceUnderLittleTrafficKeepsTheRealModel) {
  LoadSpec load = six_classes();
  load.requests_per_class = 4;
  EXPECT_EQ(size_to_device("auto", device(3), load).model, kAutoModel);
}

TEST(Sizing, ADeviceWhoseSpeedIsUnknownGetsTheRealModel) {
  EXPECT_EQ(size_to_device("auto", Json(), six_classes()).model, kAutoModel);
}

TEST(Sizing, ANamedModelIsTakenAsItIs) {
  const Sizing sizing = size_to_device("synthetic:llama-3.1-8b:q4_k", device(1), six_classes());
  EXPECT_EQ(sizing.model, "synthetic:llama-3.1-8b:q4_k");
  Trial trial;
  set_model(TargetSpec(), sizing, trial.parameters);
  EXPECT_EQ(model_not_run(trial), "");
  TrialOutcome outcome;
  outcome.records.emplace_back();
  note_other_model(trial.parameters, outcome);
  EXPECT_TRUE(outcome.findings.empty());
  EXPECT_EQ(outcome.records[0].validity, Validity::kValid);
}

TEST(Sizing, WhatAStandInMeasuredIsDoubtfulAndAFindingSaysWhy) {
  Scenario scenario;
  scenario.targets.push_back({.model = "synthetic:llama-3.1-8b:q4_0"});
  scenario.targets.push_back({.model = "auto"});
  scenario = quick(std::move(scenario));
  EXPECT_EQ(scenario.targets[1].stands_in_for, "");
  const TargetSpec& target = scenario.targets[0];
  ASSERT_EQ(target.model, "synthetic:tiny:q4_0");
  Trial trial;
  set_model(target, size_to_device(target.model, device(100), scenario.load), trial.parameters);
  EXPECT_EQ(model_not_run(trial), "synthetic:llama-3.1-8b:q4_0");
  TrialOutcome outcome;
  outcome.records.resize(2);
  outcome.records[1].validity = Validity::kInsufficient;
  note_other_model(trial.parameters, outcome);
  ASSERT_EQ(outcome.findings.size(), 1U);
  EXPECT_EQ(outcome.findings[0].code, "model.stand-in");
  EXPECT_EQ(outcome.findings[0].severity, Severity::kDoubtful);
  EXPECT_THAT(outcome.findings[0].text, testing::HasSubstr("asks for synthetic:llama-3.1-8b:q4_0"));
  EXPECT_EQ(outcome.records[0].validity, Validity::kDoubtful);
  EXPECT_EQ(outcome.records[1].validity, Validity::kInsufficient);
}

}  // namespace assay::sizing_test
