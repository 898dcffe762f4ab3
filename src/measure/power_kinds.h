// What the kinds of power sensors share: reading numbers out of sysfs. Private to measure.
#pragma once

#include <optional>
#include <string>

#include "base/base.h"
#include "measure/power.h"

namespace assay {

// ---- the kinds ----
PowerSources find_rapl(const PowerPlaces& places);
PowerSources find_hwmon(const PowerPlaces& places);
PowerSources find_nvml(const PowerPlaces& places);
PowerSources find_ipmi(const PowerPlaces& places);

// ---- sysfs ----
// A whole number at least 0. Fails where the file cannot be read or holds anything else.
Result<int64_t> read_sysfs_number(const std::string& file);
// One line of text, printable; "" where there is none.
std::string read_sysfs_text(const std::string& file);

// A counter in µJ. `range_uj`: the value after which it begins again at 0; 0: it never does, and a value
// below the last one is an error.
class EnergyCounter final : public PowerSource {
 public:
  EnergyCounter(PowerSensor sensor, int64_t range_uj) : PowerSource(std::move(sensor)), range_uj_(range_uj) {}
  Result<double> energy_j(Nanos now) override;

 private:
  int64_t range_uj_;
  std::optional<int64_t> last_uj_;
  double sum_uj_ = 0;
};

// A wattmeter in µW: the trapezoid between two reads.
class Wattmeter final : public PowerSource {
 public:
  using PowerSource::PowerSource;
  Result<double> energy_j(Nanos now) override;

 private:
  std::optional<int64_t> last_uw_;
  Nanos last_at_{};
  double sum_j_ = 0;
};

// Adds what can be read to `found.sources`, and says of the rest why.
void add_source(std::unique_ptr<PowerSource> source, PowerSources& found);

}  // namespace assay
