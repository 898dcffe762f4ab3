// Putting the parts of the hardware together; see hardware.h.
#include "exam/probe/hardware.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "exam/probe/pci_paths.h"
#include "os/os.h"

namespace assay {
namespace {

// Libraries of another root may only be loaded where that was asked for by name, which cli sees to.
ManagementAccess access_of(const HostProbe& probe) {
  return probe.asks_management ? probe.management : ManagementAccess();
}

PciPlaces pci_places(const HostProbe& probe) {
  return {.roots = probe.roots, .pci_ids = probe.pci_ids, .chips = probe.chips, .profiles = probe.profiles};
}

std::vector<ManagementLibrary> libraries_to_show(const HostProbe& probe, const PciHost& pci) {
  std::vector<ManagementLibrary> libraries =
      find_management_libraries(probe.roots, *probe.profiles, probe.library_path, pci);
  return probe.only_of_cards ? libraries_of_cards(std::move(libraries), pci) : libraries;
}

// Which pairs of cards reach each other's memory, both ways, by what somebody has told.
using PeerAccess = std::map<std::pair<std::string, std::string>, bool>;

PeerAccess peer_access(const HostProbe& probe, const std::vector<ManagementOutcome>& outcomes) {
  PeerAccess access;
  for (const auto& pair : kfd_peer_access(probe.roots.sysfs)) access[pair] = true;
  for (const ManagementOutcome& outcome : outcomes) {
    if (!outcome.reading) continue;
    const std::vector<ManagementDevice>& devices = outcome.reading->devices;
    for (const ManagementPeer& peer : outcome.reading->peers)
      access[{devices[peer.from].pci_address, devices[peer.to].pci_address}] = peer.has_access;
  }
  return access;
}

Json sensor_json(const char* kind, const std::string& name, const std::string& domain) {
  return Json::object().set("kind", kind).set("name", name).set("domain", domain).set("is_readable", true);
}

}  // namespace

HardwareProbe::HardwareProbe(const HostProbe& probe)
    : probe_(probe),
      pci_(find_accelerators(pci_places(probe))),
      management_(access_of(probe), libraries_to_show(probe, pci_)) {
  add_pci_findings(pci_);
}

Json HardwareProbe::paths(const std::vector<ManagementOutcome>& outcomes) const {
  std::vector<CardPath> paths = card_paths(pci_);
  const PeerAccess access = peer_access(probe_, outcomes);
  for (CardPath& path : paths) {
    const auto there = access.find({path.from, path.to}), back = access.find({path.to, path.from});
    if (there != access.end() && back != access.end()) path.peer_access = there->second && back->second;
  }
  return paths_json(paths);
}

Json HardwareProbe::iommu() const {
  const Result<std::vector<std::string>> groups = list_directory(probe_.roots.sysfs + "/kernel/iommu_groups");
  if (!groups) return Json();
  const auto count = static_cast<int64_t>(groups->size());
  return Json::object().set("is_on", count > 0).set("groups", count);
}

Json HardwareProbe::power_sensors(const std::vector<ManagementOutcome>& outcomes) const {
  PowerPlaces places = kernel_power_places(probe_.roots);
  Json json = Json::array();
  for (const PowerKindRow& kind : power_kinds()) {
    const PowerSources found = kind.find(places);
    for (const auto& source : found.sources)
      json.push(sensor_json(kind.name, source->sensor().name, source->sensor().domain));
    for (const Error& error : found.unreadable) {
      Json item = Json::object()
                      .set("kind", kind.name)
                      .set("name", printable(probe_.roots.of_host(error.where), 300));
      json.push(item.set("is_readable", false).set("why", printable(error.what, 300)));
    }
  }
  for (const ManagementOutcome& outcome : outcomes) {
    if (!outcome.reading) continue;
    for (const ManagementDevice& device : outcome.reading->devices) {
      if (!device.power_w && !device.energy_j) continue;
      json.push(
          sensor_json("nvml", fmt::format("{}/{}", outcome.library.name, device.pci_address), device.name));
    }
  }
  return json;
}

void HardwareProbe::add_cards(Json& host) const {
  Json accelerators = Json::array();
  for (const PciAccelerator& card : pci_.accelerators) accelerators.push(pci_json(card));
  host.set("accelerators", std::move(accelerators));
  if (Json state = iommu(); !state.is_null()) host.set("iommu", std::move(state));
}

void HardwareProbe::finish(Json& host, std::vector<Finding>& findings,
                           const std::function<bool()>& interrupted) {
  const std::vector<ManagementOutcome> outcomes = management_.finish(interrupted);
  host.set("paths", paths(outcomes)).set("power_sensors", power_sensors(outcomes));
  host.set("management", management_json(outcomes, probe_.roots));
  std::ranges::copy(pci_.findings, std::back_inserter(findings));
  std::ranges::move(management_findings(outcomes, probe_.roots, pci_), std::back_inserter(findings));
}

PowerPlaces kernel_power_places(const HostRoots& roots) {
  PowerPlaces places;
  places.sysfs_root = roots.sysfs;
  const bool has_ipmi = roots.is_this_machine() && file_exists(roots.sysfs + "/class/ipmi/ipmi0");
  if (has_ipmi) places.ipmi_device = "/dev/ipmi0";
  return places;
}

PowerPlaces find_power_places(const HostProbe& probe) {
  PowerPlaces places = kernel_power_places(probe.roots);
  const PciHost pci = find_accelerators(pci_places(probe));
  places.management = access_of(probe);
  places.libraries = libraries_of_cards(
      find_management_libraries(probe.roots, *probe.profiles, probe.library_path, pci), pci);
  return places;
}

}  // namespace assay
