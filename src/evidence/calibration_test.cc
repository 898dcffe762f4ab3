// The document of a calibration: there and back, and what foreign ones are made of.
#include "evidence/calibration.h"

#include <gtest/gtest.h>

namespace assay::calibration_test {

InstrumentCalibration sample() {
  CalibrationShape slow{.name = "slow", .events = 4000, .requests = 100};
  slow.events_per_s = 1000;
  slow.arrival_error_us_p50 = 2.5;
  CalibrationShape fast = slow;
  fast.name = "fast";
  fast.events_per_s = 100'000;
  fast.void_because = "the emulator was late";
  CalibrationShape coalesced = slow;
  coalesced.is_coalesced = true;
  coalesced.events_per_s = 8e6;
  return {.measured_at = "2026-01-02T03:04:05Z",
          .conditions = {"0.1.0", "6.1.0", "a CPU", 8},
          .shape_s = 4,
          .shapes = {slow, fast, coalesced, {.name = "huge", .skipped = "one core"}}};
}

TEST(Calibration, GoesThereAndBack) {
  const InstrumentCalibration before = sample();
  const Result<Json> json = Json::parse(before.to_json().dump(2), "text");
  ASSERT_TRUE(json);
  const auto after = InstrumentCalibration::from_json(*json, "file");
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_EQ(*after, before);
}

TEST(Calibration, ReachesAsFarAsItsFastestValidShapeOfSingleEvents) {
  InstrumentCalibration calibration = sample();
  EXPECT_EQ(calibration.reach_events_per_s(), 1000);
  calibration.shapes[1].void_because = "";
  EXPECT_EQ(calibration.reach_events_per_s(), 100'000);
  calibration.shapes.resize(1);
  calibration.shapes[0].void_because = "late";
  EXPECT_FALSE(calibration.reach_events_per_s());
  EXPECT_FALSE(calibration.has_valid_shape());
}

TEST(Calibration, ForeignDocumentsAreRefusedOrBounded) {
  EXPECT_FALSE(InstrumentCalibration::from_json(Json(), "file"));
  Json other = sample().to_json();
  other.set("version", 2);
  EXPECT_FALSE(InstrumentCalibration::from_json(other, "file"));

  Json json = sample().to_json();
  json.set("kernel", "\x1b[31m" + std::string(10'000, 'k')).set("shape_s", "soon");
  Json many = Json::array();
  for (int i = 0; i < 1000; ++i) many.push(Json::object().set("events_per_s", "fast").set("events", -5));
  json.set("shapes", std::move(many));
  const auto read = InstrumentCalibration::from_json(json, "file");
  ASSERT_TRUE(read);
  EXPECT_LE(read->conditions.kernel.size(), 310u);
  EXPECT_EQ(read->conditions.kernel.find('\x1b'), std::string::npos);
  ASSERT_EQ(read->shapes.size(), 64u);
  EXPECT_EQ(read->shapes[0].events, 0);
  EXPECT_FALSE(read->shapes[0].events_per_s);
  EXPECT_FALSE(read->has_valid_shape());  // nothing says that they are
}

}  // namespace assay::calibration_test
