// hwmon: wattmeters and energy counters of boards, power supplies and cards, as their drivers name them
// (Documentation/hwmon/sysfs-interface in the kernel's sources). They overlap in ways that nobody tells, so
// that each stands for itself.
#include <fmt/format.h>

#include <algorithm>

#include "measure/power_kinds.h"
#include "os/os.h"

namespace assay {
namespace {

// "power1" of "power1_input"; "" of any other file.
std::string channel_of(std::string_view file, std::string_view kind, std::string_view attribute) {
  if (!file.starts_with(kind) || !file.ends_with(attribute)) return "";
  const std::string_view number = file.substr(kind.size(), file.size() - kind.size() - attribute.size());
  return parse_integer(number) ? std::string(file.substr(0, kind.size() + number.size())) : "";
}

void add_channel(const std::string& folder, const std::string& monitor, const std::string& channel,
                 const std::string& attribute, PowerSources& found) {
  const std::string driver = read_sysfs_text(folder + "/name");
  const std::string label = read_sysfs_text(fmt::format("{}/{}_label", folder, channel));
  // amd_energy counts each core, which its sockets hold already.
  if (label.starts_with("Ecore")) return;
  PowerSensor sensor{
      .kind = "hwmon",
      .name = fmt::format("{}/{}", monitor, channel),
      .domain = fmt::format("{} {}", driver.empty() ? monitor : driver, label.empty() ? channel : label),
      .file = fmt::format("{}/{}{}", folder, channel, attribute),
      .resolution = 1e-6,
      .counts_energy = channel.starts_with("energy"),
      .group = fmt::format("{}/{}", monitor, channel)};
  std::unique_ptr<PowerSource> source;
  if (sensor.counts_energy)
    source = std::make_unique<EnergyCounter>(std::move(sensor), 0);
  else
    source = std::make_unique<Wattmeter>(std::move(sensor));
  add_source(std::move(source), found);
}

}  // namespace

PowerSources find_hwmon(const PowerPlaces& places) {
  PowerSources found;
  const std::string root = places.sysfs_root + "/class/hwmon";
  const Result<std::vector<std::string>> monitors = list_directory(root);
  if (!monitors) return found;
  for (const std::string& monitor : *monitors) {
    const std::string folder = fmt::format("{}/{}", root, monitor);
    const Result<std::vector<std::string>> files = list_directory(folder);
    if (!files) continue;
    for (const std::string& file : *files) {
      for (const char* kind : {"energy", "power"}) {
        const std::string channel = channel_of(file, kind, "_input");
        if (!channel.empty()) add_channel(folder, monitor, channel, "_input", found);
      }
      // Some drivers tell the mean over a short time only.
      const std::string averaged = channel_of(file, "power", "_average");
      if (!averaged.empty() && std::ranges::find(*files, averaged + "_input") == files->end())
        add_channel(folder, monitor, averaged, "_average", found);
    }
  }
  return found;
}

}  // namespace assay
