// What links, drivers and ids of accelerators give rise to, and accelerators as JSON; see pci.h.
#include <fmt/format.h>

#include <algorithm>

#include "exam/findings.h"
#include "exam/probe/pci.h"

namespace assay {
namespace {

// Of the catalogue: what a chip's link to the host is claimed to be.
constexpr const char* kClaimedSpeed = "pcie_speed_gt_per_s";
constexpr const char* kClaimedLanes = "pcie_lanes";

// Drivers that only hold a device, for a virtual machine.
constexpr const char* kHolders[] = {"vfio-pci", "pci-stub", "xen-pciback"};

template <typename Number>
std::optional<Number> least(std::optional<Number> a, std::optional<Number> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

template <typename Number>
bool is_below(std::optional<Number> value, std::optional<Number> other) {
  return value && other && *value < *other;
}

std::string gt(double speed) {
  return fmt::format("{:g} GT/s", speed);
}

// Findings that say the same of several cards are one. In the order in which they first came.
class Gatherer {
 public:
  void add(Severity severity, const char* code, std::string text, const std::string& address,
           Json evidence = Json::object()) {
    const auto same = std::ranges::find_if(
        groups_, [&](const Group& group) { return group.code == code && group.text == text; });
    Group& group =
        same != groups_.end()
            ? *same
            : groups_.emplace_back(Group{severity, code, std::move(text), {}, std::move(evidence)});
    group.addresses.push_back(address);
  }

  void move_into(std::vector<Finding>& findings) {
    for (Group& group : groups_) {
      std::string who = group.addresses.front();
      if (group.addresses.size() == 2) who += " and " + group.addresses.back();
      if (group.addresses.size() > 2) who += fmt::format(" and {} more", group.addresses.size() - 1);
      group.evidence.set("addresses", join(group.addresses, " "));
      findings.push_back(make_finding(group.severity, group.code, fmt::format("{}: {}", who, group.text),
                                      std::move(group.evidence)));
    }
  }

 private:
  struct Group {
    Severity severity;
    std::string code, text;
    std::vector<std::string> addresses;
    Json evidence;
  };
  std::vector<Group> groups_;
};

void judge_width(const PciAccelerator& card, const PciLink& claimed, Gatherer& findings) {
  const PciLink &link = card.link, &slot = card.slot;
  const std::optional<int> possible = least(link.most_lanes, slot.most_lanes);
  if (is_below(link.lanes, possible)) {
    findings.add(
        Severity::kDoubtful, "probe.link-narrow",
        fmt::format("the link has {} of {} lanes. No card gives up lanes to save power: look at the slot, "
                    "the riser and the contacts.",
                    *link.lanes, *possible),
        card.address, Json::object().set("lanes", *link.lanes).set("most_lanes", *possible));
  }
  if (is_below(slot.most_lanes, link.most_lanes)) {
    findings.add(
        Severity::kDoubtful, "probe.slot-narrow",
        fmt::format("the card has {} lanes, its slot {}: copies to and from the host get that share of "
                    "what the card can.",
                    *link.most_lanes, *slot.most_lanes),
        card.address, Json::object().set("lanes", *slot.most_lanes).set("card_lanes", *link.most_lanes));
  }
  if (is_below(link.most_lanes, claimed.lanes)) {
    findings.add(Severity::kDoubtful, "probe.link-below-claim",
                 fmt::format("the card says that it can {} lanes, and {} are claimed of this chip.",
                             *link.most_lanes, *claimed.lanes),
                 card.address,
                 Json::object().set("lanes", *link.most_lanes).set("claimed_lanes", *claimed.lanes));
  }
}

void judge_speed(const PciAccelerator& card, const PciLink& claimed, Gatherer& findings) {
  const PciLink &link = card.link, &slot = card.slot;
  const std::optional<double> possible = least(link.most_speed_gt_per_s, slot.most_speed_gt_per_s);
  if (is_below(link.speed_gt_per_s, possible)) {
    findings.add(
        Severity::kNote, "probe.link-slow",
        fmt::format("the link runs at {} of {} now. Many cards let it sink while they are idle: it "
                    "counts only if it stays so under load.",
                    gt(*link.speed_gt_per_s), gt(*possible)),
        card.address,
        Json::object().set("speed_gt_per_s", *link.speed_gt_per_s).set("most_speed_gt_per_s", *possible));
  }
  if (is_below(slot.most_speed_gt_per_s, link.most_speed_gt_per_s)) {
    findings.add(Severity::kNote, "probe.slot-slow",
                 fmt::format("the card can {}, its slot {}: the host link is that of the slot.",
                             gt(*link.most_speed_gt_per_s), gt(*slot.most_speed_gt_per_s)),
                 card.address,
                 Json::object()
                     .set("slot_gt_per_s", *slot.most_speed_gt_per_s)
                     .set("card_gt_per_s", *link.most_speed_gt_per_s));
  }
  if (is_below(link.most_speed_gt_per_s, claimed.speed_gt_per_s)) {
    findings.add(Severity::kDoubtful, "probe.link-below-claim",
                 fmt::format("the card says that it can {}, and {} are claimed of this chip.",
                             gt(*link.most_speed_gt_per_s), gt(*claimed.speed_gt_per_s)),
                 card.address,
                 Json::object()
                     .set("speed_gt_per_s", *link.most_speed_gt_per_s)
                     .set("claimed_speed_gt_per_s", *claimed.speed_gt_per_s));
  }
}

void judge_driver(const PciAccelerator& card, Gatherer& findings) {
  if (std::ranges::find(kHolders, card.driver) != std::end(kHolders)) {
    findings.add(
        Severity::kNote, "probe.passed-through",
        fmt::format("held by {} for a virtual machine: software on this host cannot use it.", card.driver),
        card.address);
  } else if (card.driver.empty() && !card.is_virtual()) {
    const bool has_names = card.profile != nullptr && !card.profile->drivers.empty();
    findings.add(
        Severity::kDoubtful, "probe.no-driver",
        fmt::format("no driver has taken hold of it, so that nothing can use it.{} The kernel's log says "
                    "why.",
                    has_names ? fmt::format(" Load {}.", join(card.profile->drivers, " or ")) : ""),
        card.address);
  }
}

void judge_identity(const PciAccelerator& card, Gatherer& findings) {
  if (!card.chips.empty() || card.is_virtual()) return;
  findings.add(
      Severity::kNote, "probe.unknown-chip",
      fmt::format("the chip catalogue has no {:04x}:{:04x} ({}): nothing is claimed of it here, which says "
                  "nothing against it.",
                  card.vendor_id, card.device_id,
                  card.vendor.empty() ? "a vendor that the list of PCI names lacks"
                                      : card.vendor + (card.device.empty() ? "" : ", " + card.device)),
      card.address);
}

// An IOMMU that translates sends what one card writes to another up to the host bridge first.
void judge_iommu(const PciHost& host, Gatherer& findings) {
  const auto is_whole = [](const PciAccelerator& card) { return !card.is_virtual(); };
  if (std::ranges::count_if(host.accelerators, is_whole) < 2) return;
  for (const PciAccelerator& card : host.accelerators) {
    if (!is_whole(card) || !card.iommu_type.starts_with("DMA")) continue;
    findings.add(
        Severity::kNote, "probe.iommu-translates",
        "the IOMMU translates what it reads and writes: copies from card to card may take the way through "
        "the host bridge, or fail. The kernel's parameter iommu=pt passes them through.",
        card.address);
  }
}

template <typename Number>
void set_known(Json& json, const char* key, const std::optional<Number>& value) {
  if (value) json.set(key, *value);
}

Json link_json(const PciAccelerator& card) {
  const PciLink claimed = claimed_link(card.chips);
  Json link = Json::object();
  set_known(link, "speed_gt_per_s", card.link.speed_gt_per_s);
  set_known(link, "lanes", card.link.lanes);
  set_known(link, "most_speed_gt_per_s", least(card.link.most_speed_gt_per_s, card.slot.most_speed_gt_per_s));
  set_known(link, "most_lanes", least(card.link.most_lanes, card.slot.most_lanes));
  set_known(link, "claimed_speed_gt_per_s", claimed.speed_gt_per_s);
  set_known(link, "claimed_lanes", claimed.lanes);
  return link;
}

std::string hex4(unsigned number) {
  return fmt::format("{:04x}", number);
}

}  // namespace

// Of several chips under one id, and of claims that contradict each other, the least: nothing below it is
// right for any of them.
PciLink claimed_link(const std::vector<const Chip*>& chips) {
  PciLink claimed;
  for (const Chip* chip : chips) {
    for (const ChipClaim* claim : chip->claims_of(kClaimedSpeed))
      claimed.speed_gt_per_s = least(claimed.speed_gt_per_s, std::optional(claim->value));
    for (const ChipClaim* claim : chip->claims_of(kClaimedLanes))
      claimed.lanes = least(claimed.lanes, std::optional(static_cast<int>(claim->value)));
  }
  return claimed;
}

void add_pci_findings(PciHost& host) {
  Gatherer findings;
  for (const PciAccelerator& card : host.accelerators) {
    judge_driver(card, findings);
    judge_identity(card, findings);
    // A virtual function has no link of its own.
    if (card.is_virtual()) continue;
    const PciLink claimed = claimed_link(card.chips);
    judge_width(card, claimed, findings);
    judge_speed(card, claimed, findings);
  }
  judge_iommu(host, findings);
  findings.move_into(host.findings);
}

Json pci_json(const PciAccelerator& card) {
  Json json = Json::object();
  json.set("address", card.address)
      .set("vendor_id", hex4(card.vendor_id))
      .set("device_id", hex4(card.device_id));
  if (card.subsystem_vendor_id) json.set("subsystem_vendor_id", hex4(*card.subsystem_vendor_id));
  if (card.subsystem_id) json.set("subsystem_id", hex4(*card.subsystem_id));
  json.set("class", hex4(card.class_code));
  if (!card.vendor.empty())
    json.set("vendor", card.vendor);
  else if (card.profile != nullptr)
    json.set("vendor", card.profile->name);
  if (!card.device.empty()) json.set("device", card.device);
  if (card.profile != nullptr) json.set("profile", card.profile->id);
  if (!card.chips.empty()) {
    Json chips = Json::array();
    for (const Chip* chip : card.chips) chips.push(chip->id);
    json.set("chips", std::move(chips));
  }
  if (!card.driver.empty()) json.set("driver", card.driver);
  if (!card.driver_version.empty()) json.set("driver_version", card.driver_version);
  Json link = link_json(card);
  if (!link.members().empty()) json.set("link", std::move(link));
  set_known(json, "numa_node", card.numa_node);
  set_known(json, "iommu_group", card.iommu_group);
  if (card.memory_bar_bytes > 0) json.set("memory_bar_bytes", card.memory_bar_bytes);
  set_known(json, "virtual_functions", card.virtual_functions);
  if (card.is_virtual()) json.set("physical_function", card.physical_function);
  return json;
}

}  // namespace assay
