// Puts what was found against what vendors are known to have; see tooling.h.
#include "exam/probe/tooling.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace assay {
namespace {

constexpr size_t kMostShownParts = 3;

std::vector<std::string> reasons_for(const HostTree& tree, const std::string& sysfs,
                                     const VendorProfile& profile,
                                     const std::vector<std::string>& card_profiles, const StackFiles& stacks,
                                     const std::vector<FoundLibrary>& libraries) {
  std::vector<std::string> reasons;
  const int64_t cards = std::ranges::count(card_profiles, profile.id);
  if (cards == 1) reasons.emplace_back("a card on PCI");
  if (cards > 1) reasons.push_back(fmt::format("{} cards on PCI", cards));
  for (const std::string& driver : profile.drivers) {
    if (!file_exists(fmt::format("{}/module/{}", sysfs, driver))) continue;
    reasons.push_back(fmt::format("the driver {}", driver));
    break;
  }
  for (const std::string& pattern : profile.device_nodes) {
    const std::vector<std::string> nodes = tree.expand(pattern);
    if (nodes.empty()) continue;
    reasons.push_back(nodes.front());
    break;
  }
  for (const StackRoot& root : stacks.roots) {
    if (root.profile == &profile) reasons.push_back(printable(root.path));
  }
  // A library in a folder of the stack says no more than the folder.
  for (const FoundLibrary& library : libraries) {
    if (library.profile != &profile || library.machine.empty() || stacks.root_of(library.path) != nullptr)
      continue;
    reasons.push_back(printable(library.path));
    break;
  }
  if (reasons.size() > kMostShownParts) reasons.resize(kMostShownParts);
  return reasons;
}

// What is here of one capability of one vendor: "ixsys at /usr/local/corex/bin/ixsys".
std::vector<std::string> parts_here(const VendorProfile* profile, Capability capability,
                                    const std::vector<FoundLibrary>& libraries,
                                    const std::vector<FoundTool>& tools, const ContainerParts& containers) {
  std::vector<std::string> parts;
  std::set<std::string> names;
  const auto add = [&](const std::string& name, const std::string& path) {
    if (names.insert(name).second) parts.push_back(fmt::format("{} at {}", name, printable(path)));
  };
  for (const FoundTool& tool : tools) {
    if (tool.profile == profile && tool.capability == capability) add(tool.name, tool.path);
  }
  for (const FoundLibrary& library : libraries) {
    const bool is_readable = !library.machine.empty();
    if (library.profile == profile && library.capability == capability && is_readable)
      add(library.name, library.path);
  }
  const bool is_of_kubernetes = capability == Capability::kKubernetesPlugin;
  if (!is_of_kubernetes && capability != Capability::kContainerRuntime) return parts;
  for (const ContainerPart& part : is_of_kubernetes ? containers.kubernetes : containers.containers) {
    if (part.profile == profile) add(part.name, part.path);
  }
  return parts;
}

ToolingRow tooling_row(const VendorProfile& profile, Capability capability, std::vector<std::string> parts) {
  ToolingRow row;
  row.capability = capability;
  const ProfileCapability* known = profile.find(capability);
  if (!parts.empty()) {
    const size_t hidden = parts.size() > kMostShownParts ? parts.size() - kMostShownParts : 0;
    parts.resize(parts.size() - hidden);
    row.state = ToolingState::kPresent;
    row.what = join(parts, ", ") + (hidden > 0 ? fmt::format(" and {} more", hidden) : "");
    return row;
  }
  if (known == nullptr) return row;
  row.state = known->exists ? ToolingState::kNotHere : ToolingState::kNone;
  row.what = known->what;
  row.source = known->source;
  row.date = known->date;
  return row;
}

}  // namespace

std::string_view name_of(ToolingState state) {
  constexpr std::string_view kNames[] = {"present", "not here", "none", "unknown"};
  return kNames[static_cast<size_t>(state)];
}

std::vector<VendorEvidence> vendors_here(const HostTree& tree, const std::string& sysfs,
                                         const ProfileCatalogue& profiles,
                                         const std::vector<std::string>& card_profiles,
                                         const StackFiles& stacks,
                                         const std::vector<FoundLibrary>& libraries) {
  std::vector<VendorEvidence> vendors;
  for (const VendorProfile& profile : profiles.profiles()) {
    if (profile.is_neutral) continue;
    std::vector<std::string> reasons = reasons_for(tree, sysfs, profile, card_profiles, stacks, libraries);
    if (!reasons.empty()) vendors.push_back({&profile, std::move(reasons)});
  }
  return vendors;
}

std::vector<VendorTooling> make_tooling(const std::vector<VendorEvidence>& vendors,
                                        const std::vector<FoundLibrary>& libraries,
                                        const std::vector<FoundTool>& tools, const ContainerParts& parts) {
  std::vector<VendorTooling> tooling;
  for (const VendorEvidence& vendor : vendors) {
    VendorTooling each{vendor.profile, join(vendor.reasons, ", "), {}};
    for (size_t i = 0; i < kCapabilities; ++i) {
      const auto capability = static_cast<Capability>(i);
      each.rows.push_back(tooling_row(*vendor.profile, capability,
                                      parts_here(vendor.profile, capability, libraries, tools, parts)));
    }
    tooling.push_back(std::move(each));
  }
  return tooling;
}

}  // namespace assay
