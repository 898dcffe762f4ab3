// The power of the whole machine as its management controller (BMC) tells it over IPMI: the command Get Power
// Reading of the Data Center Manageability Interface (DCMI 1.5, 6.6.1). Private to measure, and a seam for
// tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "measure/power.h"

namespace assay {

// The way to a management controller. One question at a time.
class IpmiChannel {
 public:
  virtual ~IpmiChannel() = default;
  virtual Result<void> send(uint8_t function, uint8_t command, const std::vector<uint8_t>& data) = 0;
  // The data of the answer, waited for `patience` at most; nothing if it has not come.
  virtual Result<std::optional<std::vector<uint8_t>>> receive(Nanos patience) = 0;
};

// Over the kernel's device (Documentation/driver-api/ipmi.rst), "/dev/ipmi0".
Result<std::unique_ptr<IpmiChannel>> open_ipmi_device(const std::string& path);

// W of an answer to Get Power Reading, completion code first. Fails where the controller refuses, measures
// nothing now, or says what is no answer to it.
Result<double> parse_power_reading(const std::vector<uint8_t>& answer);

// Asks once, half a second at most. `path` is for errors and the sensor.
Result<std::unique_ptr<PowerSource>> open_ipmi_source(std::unique_ptr<IpmiChannel> channel,
                                                      const std::string& path);

}  // namespace assay
