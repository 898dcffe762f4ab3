// The lines of a child that has loaded somebody's management library, from hostile bytes.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "measure/measure.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const assay::Result<assay::ManagementReading> reading = assay::parse_management_line(line);
  if (!reading) {
    CHECK(!reading.error().what.empty() && reading.error().what.size() < 1000);
    CHECK(assay::is_valid_utf8(reading.error().what));
    return 0;
  }
  CHECK(reading->devices.size() <= assay::kMostManagementDevices);
  for (const assay::ManagementDevice& device : reading->devices) {
    CHECK(device.name.size() < 500 && assay::is_valid_utf8(device.name));
    CHECK(!device.power_w ||
          (std::isfinite(*device.power_w) && *device.power_w >= 0 && *device.power_w <= 10'000));
    CHECK(!device.memory_bytes || *device.memory_bytes > 0);
    CHECK(!device.memory_bytes || !device.memory_used_bytes ||
          *device.memory_used_bytes <= *device.memory_bytes);
    assay::management_device_json(device);
  }
  for (const assay::ManagementPeer& peer : reading->peers)
    CHECK(peer.from < reading->devices.size() && peer.to < reading->devices.size() && peer.from != peer.to);
  for (const std::string& odd : reading->odd) CHECK(odd.size() < 200);
  return 0;
}
