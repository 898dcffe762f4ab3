// The table of kinds, and what they share; see power.h.
#include "measure/power.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "measure/power_kinds.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr int64_t kMostBytes = 4096;  // of a sysfs file
constexpr size_t kMostSensors = 64;

constexpr PowerKindRow kKinds[] = {
    {"rapl", "energy counters of the processor (RAPL, through powercap)", find_rapl},
    {"hwmon", "wattmeters and energy counters of boards and cards (hwmon)", find_hwmon},
    {"nvml", "cards, as their management libraries tell (NVML and libraries with its functions)", find_nvml},
    {"ipmi", "the whole machine, as its management controller tells (IPMI DCMI)", find_ipmi},
};

}  // namespace

std::span<const PowerKindRow> power_kinds() {
  return kKinds;
}

PowerSources find_power_sources(const PowerPlaces& places) {
  PowerSources all;
  for (const PowerKindRow& kind : kKinds) {
    PowerSources found = kind.find(places);
    std::ranges::move(found.sources, std::back_inserter(all.sources));
    std::ranges::move(found.unreadable, std::back_inserter(all.unreadable));
  }
  if (all.sources.size() > kMostSensors) all.sources.resize(kMostSensors);
  return all;
}

Result<int64_t> read_sysfs_number(const std::string& file) {
  ASSIGN_OR_RETURN(const std::string text, read_regular_file(file, kMostBytes));
  const std::optional<int64_t> number = parse_integer(trim(text));
  if (!number || *number < 0)
    return fail(fmt::format("'{}' is no whole number from 0", printable(trim(text), 40)), file);
  return *number;
}

std::string read_sysfs_text(const std::string& file) {
  const Result<std::string> text = read_regular_file(file, kMostBytes);
  return text ? printable(trim(*text), 80) : "";
}

Result<double> EnergyCounter::energy_j(Nanos) {
  ASSIGN_OR_RETURN(const int64_t now_uj, read_sysfs_number(sensor().file));
  const int64_t before_uj = last_uj_.value_or(now_uj);
  last_uj_ = now_uj;
  if (now_uj < before_uj && (range_uj_ <= 0 || before_uj > range_uj_))
    return fail("the energy counter went back", sensor().file);
  sum_uj_ += static_cast<double>(now_uj - before_uj);
  if (now_uj < before_uj) sum_uj_ += static_cast<double>(range_uj_);
  return sum_uj_ * 1e-6;
}

Result<double> Wattmeter::energy_j(Nanos now) {
  ASSIGN_OR_RETURN(const int64_t now_uw, read_sysfs_number(sensor().file));
  if (last_uw_)
    sum_j_ +=
        (static_cast<double>(*last_uw_) + static_cast<double>(now_uw)) / 2 * 1e-6 * seconds(now - last_at_);
  last_uw_ = now_uw;
  last_at_ = now;
  return sum_j_;
}

void add_source(std::unique_ptr<PowerSource> source, PowerSources& found) {
  const std::string& file = source->sensor().file;
  if (const Result<int64_t> number = read_sysfs_number(file)) {
    found.sources.push_back(std::move(source));
  } else {
    found.unreadable.push_back(
        {number.error().what, file,
         fmt::format("Run assay as root, or let it read the file: chmod a+r {}", file)});
  }
}

}  // namespace assay
