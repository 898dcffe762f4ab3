// RAPL: energy counters of processor packages and of their memory, through the kernel's powercap
// (Documentation/power/powercap in the kernel's sources). Cores and graphics are parts of a package and the
// platform's own counter (psys) holds them all: neither is read, so that all that is read may be added.
#include <fmt/format.h>

#include "measure/power_kinds.h"
#include "os/os.h"

namespace assay {
namespace {

// "intel-rapl:0" is a package, "intel-rapl:0:2" a part of it. AMD's counters come under the same names; the
// zones of intel-rapl-mmio are the same counters over another way.
bool is_zone(const std::string& name) {
  return name.starts_with("intel-rapl:");
}

void add_zone(const std::string& folder, const std::string& name, const std::string& domain,
              PowerSources& found) {
  const std::string file = folder + "/energy_uj";
  if (!file_exists(file)) return;
  const Result<int64_t> range = read_sysfs_number(folder + "/max_energy_range_uj");
  add_source(std::make_unique<EnergyCounter>(PowerSensor{.kind = "rapl",
                                                         .name = name,
                                                         .domain = domain,
                                                         .file = file,
                                                         .resolution = 1e-6,
                                                         .counts_energy = true,
                                                         .group = "rapl"},
                                             range.value_or(0)),
             found);
}

}  // namespace

PowerSources find_rapl(const PowerPlaces& places) {
  PowerSources found;
  const std::string root = places.sysfs_root + "/class/powercap";
  const Result<std::vector<std::string>> zones = list_directory(root);
  if (!zones) return found;
  for (const std::string& zone : *zones) {
    if (!is_zone(zone)) continue;
    const std::string folder = fmt::format("{}/{}", root, zone);
    const std::string domain = read_sysfs_text(folder + "/name");
    const size_t last_colon = zone.rfind(':');
    const bool is_part = zone.find(':') != last_colon;
    if (!is_part && domain.starts_with("package")) add_zone(folder, zone, domain, found);
    if (is_part && domain == "dram") {
      const std::string package =
          read_sysfs_text(fmt::format("{}/{}/name", root, zone.substr(0, last_colon)));
      add_zone(folder, zone, "dram of " + (package.empty() ? zone.substr(0, last_colon) : package), found);
    }
  }
  return found;
}

}  // namespace assay
