// What a management library (NVIDIA's NVML, or one that exports its functions) tells of its devices, and the
// line of JSON in which the child process that has loaded the library says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

// Whatever the library does not tell, or has no function for, is nothing.
struct ManagementDevice {
  std::string name, uuid;   // "" unknown
  std::string pci_address;  // "0000:3b:00.0"; "" unknown
  std::optional<int64_t> memory_bytes, memory_used_bytes;
  std::optional<double> power_w, power_limit_w;
  std::optional<double> energy_j;  // a counter that began at some time in the past
  std::optional<double> temperature_c;
  std::optional<double> sm_clock_mhz, memory_clock_mhz;
  std::optional<bool> is_ecc_on;
  std::optional<int64_t> ecc_corrected, ecc_uncorrected;     // since the driver was loaded
  std::optional<std::vector<std::string>> throttle_reasons;  // "sw power cap"; empty: it runs freely
  std::optional<double> utilisation_percent;
};

// Whether one device reaches another's memory, by their places in ManagementReading::devices.
struct ManagementPeer {
  size_t from = 0, to = 0;
  bool has_access = false;
};

struct ManagementReading {
  uint64_t sequence = 0;                        // of the question that it answers
  std::string driver_version, library_version;  // "" unknown
  std::vector<ManagementDevice> devices;
  std::vector<ManagementPeer> peers;
  // Values that no device can have, and which were left out: "device 0: 4294967 W".
  std::vector<std::string> odd;
};

inline constexpr size_t kMostManagementDevices = 64;
inline constexpr size_t kMostManagementLineBytes = 256 << 10;

// A line without its end. Fails with what it says where it tells an error ({"error": "…"}), and where it is
// no answer at all. All texts are printable and bounded, all numbers such as a device can have.
Result<ManagementReading> parse_management_line(std::string_view line);

// Names of the bits of nvmlDeviceGetCurrentClocksThrottleReasons ("nvmlClocksEventReasons" in NVML's
// reference); idle is none.
std::vector<std::string> throttle_reasons(uint64_t bits);

// As the probe and the report have it: known members only.
Json management_device_json(const ManagementDevice& device);

}  // namespace assay
