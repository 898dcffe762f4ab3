// What a child that has loaded a management library may say, and what of it is believed.
#include "measure/management/reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::management_reading_test {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ManagementReading, ADeviceIsWhatTheLibraryTellsAndNoMore) {
  const auto reading = parse_management_line(
      R"({"sequence":4,"driver_version":" 550.54\n","devices":[{"name":"A","power_w":55.5,"memory_bytes":1024,)"
      R"("memory_used_bytes":12,"is_ecc_on":false,"throttle_bits":5,"pci_address":"0000:3b:00.0"},{}]})");
  ASSERT_TRUE(reading.has_value()) << reading.error().message();
  EXPECT_EQ(reading->sequence, 4U);
  EXPECT_EQ(reading->driver_version, "550.54");
  ASSERT_EQ(reading->devices.size(), 2U);
  const ManagementDevice& device = reading->devices[0];
  EXPECT_EQ(device.power_w, 55.5);
  EXPECT_EQ(device.is_ecc_on, false);
  EXPECT_EQ(device.temperature_c, std::nullopt);
  EXPECT_THAT(*device.throttle_reasons, ElementsAre("sw power cap"));
  EXPECT_EQ(management_device_json(device).dump(),
            R"({"name": "A", "pci_address": "0000:3b:00.0", "memory_bytes": 1024, "memory_used_bytes": 12, )"
            R"("power_w": 55.5, "ecc_mode": "off", "throttle_reasons": ["sw power cap"]})");
  EXPECT_EQ(management_device_json(reading->devices[1]).dump(), "{}");
}

TEST(ManagementReading, WhatNoDeviceCanHaveIsLeftOutAndTold) {
  const auto reading = parse_management_line(
      R"({"sequence":0,"devices":[{"power_w":4294967.295,"temperature_c":-274,"memory_bytes":100,)"
      R"("memory_used_bytes":101,"utilisation_percent":100}]})");
  ASSERT_TRUE(reading.has_value());
  const ManagementDevice& device = reading->devices[0];
  EXPECT_FALSE(device.power_w || device.temperature_c || device.memory_used_bytes);
  EXPECT_EQ(device.utilisation_percent, 100);
  EXPECT_THAT(reading->odd,
              ElementsAre("device 0: 101 bytes of memory used", "device 0: 4294967 W", "device 0: -274 °C"));
}

TEST(ManagementReading, AnErrorIsTheLibrarysOwnWord) {
  EXPECT_EQ(parse_management_line(R"({"error":"nvmlInit returned 9"})").error().what, "nvmlInit returned 9");
  EXPECT_EQ(parse_management_line(R"({"error":7})").error().what, "it failed without a word");
}

TEST(ManagementReading, NonsenseIsNoAnswer) {
  for (const char* line : {"", "[]", "garbage", "{}", R"({"sequence":0})", R"({"sequence":-1,"devices":[]})",
                           R"({"sequence":0,"devices":7})"})
    EXPECT_FALSE(parse_management_line(line).has_value()) << line;
  EXPECT_THAT(parse_management_line("\x1b[31m").error().what, testing::Not(HasSubstr("\x1b")));
}

TEST(ManagementReading, PeersAreAmongTheDevices) {
  const auto reading = parse_management_line(
      R"({"sequence":0,"devices":[{},{}],"peers":[[0,1,true],[1,2,true],[1,1,true],[1],3]})");
  ASSERT_EQ(reading->peers.size(), 1U);
  EXPECT_TRUE(reading->peers[0].has_access);
}

TEST(ManagementReading, IdleIsNoBrakeAndAnUnknownBitIsShown) {
  EXPECT_TRUE(throttle_reasons(1).empty());
  EXPECT_THAT(throttle_reasons(0x8 | 0x40 | 0x1000),
              ElementsAre("hw slowdown", "hw thermal slowdown", "unknown 0x1000"));
}

}  // namespace assay::management_reading_test
