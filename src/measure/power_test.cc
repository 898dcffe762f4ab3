// Power sensors in trees that look like a machine's /sys.
#include "measure/power.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "os/os.h"

namespace assay::power_test {

class PowerTest : public testing::Test {
 protected:
  PowerTest() {
    char name[] = "/tmp/assay-power-XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~PowerTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, std::string_view text) {
    const std::string file = root_ + "/class/" + path;
    ASSERT_TRUE(make_directories(parent_directory(file)).has_value());
    ASSERT_TRUE(write_file_atomically(file, text).has_value());
  }
  void write_zone(const std::string& zone, std::string_view name, int64_t energy_uj, int64_t range_uj) {
    write("powercap/" + zone + "/name", std::string(name) + "\n");
    write("powercap/" + zone + "/max_energy_range_uj", std::to_string(range_uj) + "\n");
    write("powercap/" + zone + "/energy_uj", std::to_string(energy_uj) + "\n");
  }
  std::vector<std::string> domains() {
    std::vector<std::string> all;
    for (const auto& source : find_power_sources({.sysfs_root = root_}).sources)
      all.push_back(source->sensor().domain);
    return all;
  }

  std::string root_;
};

TEST_F(PowerTest, AMachineWithoutSensorsHasNone) {
  const PowerSources found = find_power_sources({.sysfs_root = root_});
  EXPECT_TRUE(found.sources.empty());
  EXPECT_TRUE(found.unreadable.empty());
}

TEST_F(PowerTest, RaplIsPackagesAndTheirMemoryAndNoPartsOfThem) {
  write_zone("intel-rapl:0", "package-0", 5, 100);
  write_zone("intel-rapl:0:0", "core", 5, 100);
  write_zone("intel-rapl:0:1", "dram", 5, 100);
  write_zone("intel-rapl:1", "package-1", 5, 100);
  write_zone("intel-rapl:2", "psys", 5, 100);
  write_zone("intel-rapl-mmio:0", "package-0", 5, 100);
  write("powercap/intel-rapl/enabled", "1\n");
  EXPECT_THAT(domains(), testing::ElementsAre("package-0", "dram of package-0", "package-1"));
  const PowerSources found = find_power_sources({.sysfs_root = root_});
  for (const auto& source : found.sources) {
    EXPECT_EQ(source->sensor().group, "rapl");
    EXPECT_TRUE(source->sensor().counts_energy);
  }
  EXPECT_EQ(found.sources[1]->sensor().name, "intel-rapl:0:1");
}

TEST_F(PowerTest, ACounterIsFollowedAroundItsEnd) {
  write_zone("intel-rapl:0", "package-0", 90'000'000, 100'000'000);
  const PowerSources found = find_power_sources({.sysfs_root = root_});
  ASSERT_EQ(found.sources.size(), 1U);
  PowerSource& source = *found.sources[0];
  EXPECT_EQ(source.energy_j(Nanos(1)).value(), 0);
  write_zone("intel-rapl:0", "package-0", 95'000'000, 100'000'000);
  EXPECT_DOUBLE_EQ(source.energy_j(Nanos(2)).value(), 5);
  write_zone("intel-rapl:0", "package-0", 20'000'000, 100'000'000);
  EXPECT_DOUBLE_EQ(source.energy_j(Nanos(3)).value(), 30);
  write_zone("intel-rapl:0", "package-0", 20'500'000, 100'000'000);
  EXPECT_DOUBLE_EQ(source.energy_j(Nanos(4)).value(), 30.5);
}

TEST_F(PowerTest, WhatIsNoNumberFailsAndTheNextReadGoesOn) {
  write_zone("intel-rapl:0", "package-0", 1'000'000, 100'000'000);
  const PowerSources found = find_power_sources({.sysfs_root = root_});
  PowerSource& source = *found.sources.at(0);
  EXPECT_EQ(source.energy_j(Nanos(1)).value(), 0);
  write("powercap/intel-rapl:0/energy_uj", "<unknown>\n");
  EXPECT_EQ(source.energy_j(Nanos(2)).error().where, source.sensor().file);
  write("powercap/intel-rapl:0/energy_uj", "-5\n");
  EXPECT_FALSE(source.energy_j(Nanos(3)).has_value());
  write("powercap/intel-rapl:0/energy_uj", "3000000\n");
  EXPECT_DOUBLE_EQ(source.energy_j(Nanos(4)).value(), 2);
}

TEST_F(PowerTest, WattmetersAreIntegrated) {
  write("hwmon/hwmon3/name", "amdgpu\n");
  write("hwmon/hwmon3/power1_label", "PPT\n");
  write("hwmon/hwmon3/power1_average", "100000000\n");
  write("hwmon/hwmon3/power1_cap", "250000000\n");
  write("hwmon/hwmon3/temp1_input", "45000\n");
  const PowerSources found = find_power_sources({.sysfs_root = root_});
  ASSERT_EQ(found.sources.size(), 1U);
  PowerSource& source = *found.sources[0];
  EXPECT_EQ(source.sensor().domain, "amdgpu PPT");
  EXPECT_EQ(source.sensor().name, "hwmon3/power1");
  EXPECT_FALSE(source.sensor().counts_energy);
  EXPECT_EQ(source.energy_j(nanos_from_seconds(10)).value(), 0);
  write("hwmon/hwmon3/power1_average", "200000000\n");
  EXPECT_DOUBLE_EQ(source.energy_j(nanos_from_seconds(12)).value(), 300);
}

TEST_F(PowerTest, HwmonPrefersTheInputAndLeavesCoresToTheirSocket) {
  write("hwmon/hwmon0/name", "amd_energy\n");
  write("hwmon/hwmon0/energy1_input", "5000000\n");
  write("hwmon/hwmon0/energy1_label", "Ecore000\n");
  write("hwmon/hwmon0/energy2_input", "7000000\n");
  write("hwmon/hwmon0/energy2_label", "Esocket0\n");
  write("hwmon/hwmon1/power1_input", "1\n");
  write("hwmon/hwmon1/power1_average", "1\n");
  EXPECT_THAT(domains(), testing::ElementsAre("amd_energy Esocket0", "hwmon1 power1"));
  const PowerSources found = find_power_sources({.sysfs_root = root_});
  EXPECT_TRUE(found.sources[1]->sensor().file.ends_with("power1_input"));
  // It has no range: going back is no wrap-around.
  EXPECT_EQ(found.sources[0]->energy_j(Nanos(1)).value(), 0);
  write("hwmon/hwmon0/energy2_input", "6000000\n");
  EXPECT_FALSE(found.sources[0]->energy_j(Nanos(2)).has_value());
}

TEST_F(PowerTest, WhatMayNotBeReadSaysWhichFileAndWhatToDo) {
  write_zone("intel-rapl:0", "package-0", 5, 100);
  const std::string file = root_ + "/class/powercap/intel-rapl:0/energy_uj";
  // A folder cannot be read by anybody, root included.
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  const PowerSources found = find_power_sources({.sysfs_root = root_});
  EXPECT_TRUE(found.sources.empty());
  ASSERT_EQ(found.unreadable.size(), 1U);
  EXPECT_EQ(found.unreadable[0].where, file);
  EXPECT_THAT(found.unreadable[0].remedy, testing::HasSubstr("chmod a+r " + file));
}

TEST_F(PowerTest, TheTableNamesTheKinds) {
  std::vector<std::string> names;
  for (const PowerKindRow& kind : power_kinds()) names.emplace_back(kind.name);
  EXPECT_THAT(names, testing::ElementsAre("rapl", "hwmon", "nvml", "ipmi"));
}

}  // namespace assay::power_test
