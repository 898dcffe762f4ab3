// Reading accelerators out of sysfs (Documentation/ABI/testing/sysfs-bus-pci in the kernel's sources); see
// pci.h.
#include "exam/probe/pci.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "exam/findings.h"
#include "exam/probe/pci_library.h"
#include "exam/probe/sysfs.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr size_t kMostAccelerators = 256;
constexpr size_t kMostFunctions = 16'384;
constexpr size_t kMostBridges = 32;  // between a device and its host bridge
constexpr size_t kConfigBytes = 256;
constexpr int64_t kMostNamesBytes = 16 << 20;  // of pci.ids, which has 1.5 MB
constexpr int kMostNumaNode = 4095;
constexpr int64_t kMostIommuGroup = 1 << 20;

// Classes of the PCI Code and ID Assignment Specification.
constexpr uint32_t kDisplay = 0x03, k3d = 0x0302, kCoprocessor = 0x0b40, kAccelerator = 0x1200;

// Graphics of management controllers, made by vendors who make accelerators too. By pci.ids: Hi171x, the
// screen of Huawei's iBMC; ES1000 and Rage XL, those of many older servers' controllers.
constexpr std::pair<uint16_t, uint16_t> kScreens[] = {{0x19e5, 0x1711}, {0x1002, 0x515e}, {0x1002, 0x4752}};

bool is_hex(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isxdigit(c) != 0 && std::isupper(c) == 0;
  });
}

bool is_screen(uint16_t vendor, uint16_t device) {
  return std::ranges::find(kScreens, std::pair{vendor, device}) != std::end(kScreens);
}

// "16.0 GT/s PCIe"; the kernel writes "Unknown" where a link is down.
std::optional<double> read_speed(SysfsReader& reader, const std::string& file) {
  const std::optional<std::string> line = reader.text(file);
  if (!line || line->starts_with("Unknown")) return std::nullopt;
  const std::string_view number = std::string_view(*line).substr(0, line->find(' '));
  const std::optional<double> speed = parse_number(number);
  constexpr double kSpeeds[] = {2.5, 5, 8, 16, 32, 64};
  if (speed && std::ranges::find(kSpeeds, *speed) != std::end(kSpeeds)) return speed;
  reader.complain(file, fmt::format("holds '{}', which is no speed of PCI Express", printable(*line, 40)));
  return std::nullopt;
}

// 0 where there is no link, 63 and 255 where the registers do not answer: neither is a width.
std::optional<int> read_lanes(SysfsReader& reader, const std::string& file) {
  const std::optional<int64_t> lanes = reader.integer(file, 0, 255);
  if (!lanes || *lanes == 0 || *lanes == 63 || *lanes == 255) return std::nullopt;
  constexpr int64_t kWidths[] = {1, 2, 4, 8, 12, 16, 32};
  if (std::ranges::find(kWidths, *lanes) != std::end(kWidths)) return static_cast<int>(*lanes);
  reader.complain(file, fmt::format("holds {}, which is no width of PCI Express", *lanes));
  return std::nullopt;
}

PciLink read_link_state(SysfsReader& reader, const std::string& folder) {
  return {.speed_gt_per_s = read_speed(reader, folder + "/current_link_speed"),
          .most_speed_gt_per_s = read_speed(reader, folder + "/max_link_speed"),
          .lanes = read_lanes(reader, folder + "/current_link_width"),
          .most_lanes = read_lanes(reader, folder + "/max_link_width")};
}

struct Resource {
  uint64_t start = 0, end = 0, flags = 0;
};

std::optional<Resource> parse_resource(std::string_view line) {
  uint64_t values[3] = {};
  const std::vector<std::string_view> words = split(line, ' ');
  if (words.size() != 3) return std::nullopt;
  for (size_t i = 0; i < 3; ++i) {
    if (!words[i].starts_with("0x")) return std::nullopt;
    const char* end = words[i].data() + words[i].size();
    if (std::from_chars(words[i].data() + 2, end, values[i], 16).ptr != end) return std::nullopt;
  }
  return Resource{values[0], values[1], values[2]};
}

// The largest window of memory among the six of a device; "resource" has a line "START END FLAGS" each.
int64_t largest_memory_bar(SysfsReader& reader, const std::string& file) {
  constexpr uint64_t kMemory = 0x200;          // IORESOURCE_MEM
  constexpr uint64_t kMostBytes = 1ULL << 52;  // of a physical address
  const std::optional<std::string> table = reader.whole(file);
  if (!table) return 0;
  uint64_t largest = 0;
  const std::vector<std::string_view> lines = split(*table, '\n');
  for (size_t i = 0; i < std::min<size_t>(6, lines.size()); ++i) {
    const std::optional<Resource> resource = parse_resource(lines[i]);
    const bool is_sound = resource && resource->start <= resource->end && resource->end < kMostBytes;
    if (!is_sound && !lines[i].empty()) {
      reader.complain(file,
                      fmt::format("holds '{}', which is no range of addresses", printable(lines[i], 60)));
      return 0;
    }
    if (is_sound && resource->end > resource->start && (resource->flags & kMemory) != 0)
      largest = std::max(largest, resource->end - resource->start + 1);
  }
  return static_cast<int64_t>(largest);
}

// One host's accelerators, one after the other.
class Finder {
 public:
  explicit Finder(const PciPlaces& places)
      : places_(places), folder_(places.roots.sysfs + "/bus/pci/devices"), reader_(places.roots) {}

  PciHost find() {
    host_.numa_nodes = count_numa_nodes();
    open_names();
    // A machine without PCI has no such folder.
    const std::vector<std::string> names = list_directory(folder_).value_or(std::vector<std::string>());
    for (const std::string& name : std::span(names).first(std::min(names.size(), kMostFunctions)))
      look_at(name);
    if (host_.accelerators.size() >= kMostAccelerators) note_too_many();
    std::ranges::move(reader_.take_findings(), std::back_inserter(host_.findings));
    return std::move(host_);
  }

 private:
  std::string file(const std::string& address, std::string_view name) const {
    return fmt::format("{}/{}/{}", folder_, address, name);
  }

  int count_numa_nodes() const {
    int nodes = 0;
    for (const std::string& name :
         list_directory(places_.roots.sysfs + "/devices/system/node").value_or(std::vector<std::string>()))
      nodes += name.starts_with("node") && parse_integer(std::string_view(name).substr(4)) ? 1 : 0;
    return nodes;
  }

  void open_names() {
    names_file_ = find_names();
    Result<PciLibrary> library = PciLibrary::open(names_file_);
    if (library)
      library_.emplace(std::move(*library));
    else
      host_.findings.push_back(make_finding(Severity::kNote, "probe.no-names", library.error().message()));
  }

  // The list of names that libpci is to read; "": there is none. It opens whatever it is given: never a pipe,
  // which would be waited for, nor what another host's link leads to on this machine.
  std::string find_names() {
    if (!places_.pci_ids.empty()) {
      const std::string given = absolute_path(places_.pci_ids);
      if (is_list(HostTree(""), given)) return given;
      note_no_names(given, "it is no file of at most 16 MiB that can be read");
      return "";
    }
    for (const std::string& root : {places_.roots.root, std::string()}) {
      const HostTree tree(root);
      for (const char* path : {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids", "/usr/share/pci.ids",
                               "/usr/share/misc/pci.ids.gz"}) {
        if (is_list(tree, path)) return tree.here(*tree.resolve(path));
      }
    }
    return "";
  }

  static bool is_list(const HostTree& tree, std::string_view path) {
    const Result<FileDescriptor> fd = tree.open(path);
    return fd && size_of(fd->get()) <= kMostNamesBytes;
  }

  void note_no_names(const std::string& file, std::string_view why) {
    host_.findings.push_back(make_finding(
        Severity::kNote, "probe.no-names",
        fmt::format("{}: the list of PCI names cannot be read ({}): cards bear their numbers only.",
                    printable(places_.roots.of_host(file), 200), why)));
  }

  void look_at(const std::string& address) {
    if (host_.accelerators.size() >= kMostAccelerators) return;
    if (!is_pci_address(address)) {
      reader_.complain(folder_ + "/" + address, "is no address of PCI");
      return;
    }
    // What a link leads to is looked at through it; where it leads nowhere, or in a circle, there is no
    // class.
    const std::optional<uint32_t> class_code = reader_.hex(file(address, "class"), 0xffffff);
    if (!class_code) {
      if (!file_exists(file(address, "class"))) reader_.complain(file(address, "class"), "cannot be read");
      return;
    }
    const uint32_t code = *class_code >> 8;
    const bool may_be = code >> 8 == kDisplay || code == kCoprocessor || code == kAccelerator;
    if (!may_be) return;
    const std::optional<uint32_t> vendor = reader_.hex(file(address, "vendor"), 0xffff);
    const std::optional<uint32_t> device = reader_.hex(file(address, "device"), 0xffff);
    if (!vendor || !device) return note_nameless(address);
    PciAccelerator found;
    found.address = address;
    found.class_code = static_cast<uint16_t>(code);
    found.vendor_id = static_cast<uint16_t>(*vendor);
    found.device_id = static_cast<uint16_t>(*device);
    fill_driver(found);
    found.profile = profile_of(found);
    if (!counts(found)) return;
    fill(found);
    host_.accelerators.push_back(std::move(found));
  }

  // Graphics count where their maker has a stack for computing; what is made for computing always does.
  static bool counts(const PciAccelerator& found) {
    if (found.class_code == k3d || found.class_code >= kCoprocessor) return true;
    return found.profile != nullptr && !is_screen(found.vendor_id, found.device_id);
  }

  const VendorProfile* profile_of(const PciAccelerator& found) const {
    if (const VendorProfile* profile = places_.profiles->by_pci_vendor(found.vendor_id)) return profile;
    if (found.driver.empty()) return nullptr;
    for (const VendorProfile& profile : places_.profiles->profiles()) {
      for (const std::string& name : {found.driver, found.module}) {
        if (std::ranges::find(profile.drivers, name) != profile.drivers.end()) return &profile;
      }
    }
    return nullptr;
  }

  void fill_driver(PciAccelerator& found) {
    found.driver = reader_.link_name(file(found.address, "driver")).value_or("");
    if (found.driver.empty()) return;
    found.module = reader_.link_name(file(found.address, "driver/module")).value_or(found.driver);
    found.driver_version =
        reader_.text(fmt::format("{}/module/{}/version", places_.roots.sysfs, found.module)).value_or("");
  }

  void fill(PciAccelerator& found) {
    const std::string& address = found.address;
    if (library_) {
      found.vendor = library_->vendor_name(found.vendor_id);
      found.device = library_->device_name(found.vendor_id, found.device_id);
      note_names_error();
    }
    found.chips = places_.chips->by_pci(found.vendor_id, found.device_id);
    if (const auto id = reader_.hex(file(address, "subsystem_vendor"), 0xffff))
      found.subsystem_vendor_id = static_cast<uint16_t>(*id);
    if (const auto id = reader_.hex(file(address, "subsystem_device"), 0xffff))
      found.subsystem_id = static_cast<uint16_t>(*id);
    fill_place(found);
    found.link = read_link_state(reader_, folder_ + "/" + address);
    if (!found.bridges.empty()) found.slot = read_link_state(reader_, folder_ + "/" + found.bridges.back());
    const auto node = reader_.integer(file(address, "numa_node"), -1, kMostNumaNode);
    if (node && *node >= 0) found.numa_node = static_cast<int>(*node);
    fill_iommu(found);
    found.memory_bar_bytes = largest_memory_bar(reader_, file(address, "resource"));
    if (const auto functions = reader_.integer(file(address, "sriov_numvfs"), 0, 65535))
      found.virtual_functions = static_cast<int>(*functions);
    found.physical_function = reader_.link_name(file(address, "physfn")).value_or("");
    if (!found.physical_function.empty() && !is_pci_address(found.physical_function)) {
      reader_.complain(file(address, "physfn"), "points at no PCI device");
      found.physical_function.clear();
    }
    compare_with_config(found);
  }

  // "../../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0": the way from the host bridge to the device. Only
  // the text of the link is read, so that nothing is followed out of sysfs or in a circle.
  void fill_place(PciAccelerator& found) {
    const Result<std::string> target = read_link(folder_ + "/" + found.address);
    if (!target) return;
    std::vector<std::string> steps;
    std::string root_complex;
    for (const std::string_view step : split(*target, '/')) {
      if (step.starts_with("pci") && step.find(':') != std::string_view::npos && root_complex.empty())
        root_complex = printable(step, 40);
      if (!root_complex.empty() && is_pci_address(step)) steps.emplace_back(step);
    }
    if (root_complex.empty() || steps.empty() || steps.back() != found.address ||
        steps.size() > kMostBridges) {
      reader_.complain(
          folder_ + "/" + found.address,
          fmt::format("points at '{}', which is no way to this device", printable(*target, 100)));
      return;
    }
    steps.pop_back();
    found.root_complex = std::move(root_complex);
    found.bridges = std::move(steps);
  }

  void fill_iommu(PciAccelerator& found) {
    const std::string link = file(found.address, "iommu_group");
    const std::optional<std::string> name = reader_.link_name(link);
    if (!name) return;
    const std::optional<int64_t> group = parse_integer(*name);
    if (!group || *group < 0 || *group > kMostIommuGroup) {
      reader_.complain(link,
                       fmt::format("points at '{}', which is no number of a group", printable(*name, 40)));
      return;
    }
    found.iommu_group = static_cast<int>(*group);
    found.iommu_type =
        reader_.text(fmt::format("{}/kernel/iommu_groups/{}/type", places_.roots.sysfs, *group)).value_or("");
  }

  // sysfs tells what the kernel saw when it came up; the configuration space tells what is there now.
  void compare_with_config(PciAccelerator& found) {
    const std::string config_file = file(found.address, "config");
    const std::optional<std::string> bytes = HostTree("").head(config_file, kConfigBytes);
    if (!bytes || !library_) return;
    const std::optional<PciConfig> config = library_->read_config(*bytes);
    if (!config) return reader_.complain(config_file, "is shorter than a PCI header");
    // A virtual function has no ids of its own (PCI Express Base Specification, 9.3.4): they read as all
    // ones.
    if (found.is_virtual()) return;
    if (config->is_gone) {
      // What is switched off answers as little as what is lost.
      if (reader_.text(file(found.address, "power_state")).value_or("") == "D3cold") return;
      host_.findings.push_back(make_finding(
          Severity::kBlocker, "probe.off-the-bus",
          fmt::format("{}: nothing answers at this address any more ({} is all ones). The card has lost its "
                      "power or its link: look at the kernel's log, and start the machine again.",
                      found.address, printable(places_.roots.of_host(config_file), 200)),
          Json::object().set("address", found.address)));
      return;
    }
    if (config->vendor != found.vendor_id || config->device != found.device_id) {
      reader_.complain(config_file,
                       fmt::format("says {:04x}:{:04x}, and vendor and device beside it {:04x}:{:04x}",
                                   config->vendor, config->device, found.vendor_id, found.device_id));
      return;
    }
    complete_link(*config, found.link);
  }

  static void complete_link(const PciConfig& config, PciLink& link) {
    constexpr double kSpeeds[] = {2.5, 5, 8, 16, 32, 64};
    const auto speed = [&](const PciLinkState& state) -> std::optional<double> {
      if (state.generation < 1 || state.generation > 6) return std::nullopt;
      return kSpeeds[state.generation - 1];
    };
    const auto lanes = [](const PciLinkState& state) -> std::optional<int> {
      return state.lanes >= 1 && state.lanes <= 32 ? std::optional(state.lanes) : std::nullopt;
    };
    if (config.most && !link.most_speed_gt_per_s) link.most_speed_gt_per_s = speed(*config.most);
    if (config.most && !link.most_lanes) link.most_lanes = lanes(*config.most);
    if (config.now && !link.speed_gt_per_s) link.speed_gt_per_s = speed(*config.now);
    if (config.now && !link.lanes) link.lanes = lanes(*config.now);
  }

  void note_names_error() {
    if (has_noted_names_ || library_->names_error().empty()) return;
    has_noted_names_ = true;
    note_no_names(names_file_, library_->names_error());
  }

  void note_nameless(const std::string& address) {
    if (file_exists(file(address, "vendor")) && file_exists(file(address, "device"))) return;
    reader_.complain(folder_ + "/" + address, "has no vendor and device");
  }

  void note_too_many() {
    host_.findings.push_back(
        make_finding(Severity::kNote, "probe.too-many",
                     fmt::format("More than {} accelerators: the first ones are shown.", kMostAccelerators)));
  }

  const PciPlaces& places_;
  const std::string folder_;
  std::string names_file_;
  SysfsReader reader_;
  std::optional<PciLibrary> library_;
  bool has_noted_names_ = false;
  PciHost host_;
};

}  // namespace

bool is_pci_address(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() != 3 || parts[0].size() < 4 || parts[0].size() > 8 || parts[1].size() != 2) return false;
  const std::string_view slot = parts[2];
  return is_hex(parts[0]) && is_hex(parts[1]) && slot.size() == 4 && is_hex(slot.substr(0, 2)) &&
         slot[2] == '.' && slot[3] >= '0' && slot[3] <= '7';
}

PciHost find_accelerators(const PciPlaces& places) {
  return Finder(places).find();
}

}  // namespace assay
