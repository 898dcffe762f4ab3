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
  return Json::object().set("name", "X").set("matmul_gflop_per_s", gflop_per_s);
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
  Json parameters = Json::object();
  set_sizing(sizing, parameters);
  const auto finding = sizing_finding(parameters);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->code, "model.sized-down");
  EXPECT_EQ(finding->severity, Severity::kNote);
  EXPECT_THAT(finding->text, testing::HasSubstr("3.00 GFLOP/s"));
  EXPECT_EQ(finding->evidence["matmul_gflop_per_s"].as_number(), 3);
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
  Json parameters = Json::object();
  set_sizing(sizing, parameters);
  EXPECT_FALSE(sizing_finding(parameters).has_value());
}

}  // namespace assay::sizing_test
