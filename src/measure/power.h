// Power sensors of this machine: the kernel's energy counters and wattmeters under /sys, what management
// libraries tell of their cards, and the management controller's reading of the whole; one kind a file and a
// row in a table. What they measure is the machine or a part of it, whoever uses it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/base.h"
#include "measure/management/child.h"

namespace assay {

// What a sensor is, for the conditions of whatever is measured with it.
struct PowerSensor {
  std::string kind;            // of the table: "rapl", "hwmon"
  std::string name;            // as the kernel names it: "intel-rapl:0", "hwmon2/power1"
  std::string domain;          // what it measures: "package-0", "dram of package-0", "amdgpu PPT"
  std::string file;            // that is read
  double resolution = 0;       // J of a counter, W of a wattmeter: the least step that the kernel tells
  bool counts_energy = false;  // false: it tells power, which is integrated over the instants of the reads
  // Disjoint parts of one whole share a group, and may be added; nothing else may.
  std::string group;
};

// One sensor that has been read once. One thread only.
class PowerSource {
 public:
  explicit PowerSource(PowerSensor sensor) : sensor_(std::move(sensor)) {}
  virtual ~PowerSource() = default;
  const PowerSensor& sensor() const { return sensor_; }
  // Energy in J since the first call, which gives 0; `now` is CLOCK_MONOTONIC and never goes back. A counter
  // that wraps around is followed as long as it does so once between two calls at most. Fails where the file
  // cannot be read or holds no number; the next call then goes on from the last good one. Takes a tenth of a
  // second at most, whatever stands behind the sensor.
  virtual Result<double> energy_j(Nanos now) = 0;
  // Nothing will come of it any more: it need not be read again. What the last read failed with says why.
  virtual bool is_lost() const { return false; }

 private:
  PowerSensor sensor_;
};

// The sensors of one kind, and what is there but may not be read: which file, why, and what to do.
struct PowerSources {
  std::vector<std::unique_ptr<PowerSource>> sources;
  std::vector<Error> unreadable;
};

// Where sensors are looked for.
struct PowerPlaces {
  std::string sysfs_root = "/sys";  // where sysfs is mounted
  std::string ipmi_device;          // "/dev/ipmi0"; "": not asked
  // Libraries that are loaded, each in a child process; none without a command to start one with.
  ManagementAccess management;
  std::vector<ManagementLibrary> libraries;
};

struct PowerKindRow {
  const char* name;   // "rapl"
  const char* title;  // "energy counters of the processor (RAPL, through powercap)"
  PowerSources (*find)(const PowerPlaces& places);
};
std::span<const PowerKindRow> power_kinds();

// Of all kinds, in the order of the table, 64 sensors at most. A machine without sensors has none, which is
// no error. Where libraries are loaded it takes until their first answers, kManagementPatience at most.
PowerSources find_power_sources(const PowerPlaces& places);

}  // namespace assay
