// Finding management libraries and asking them; see management.h.
#include "exam/probe/management.h"

#include <fmt/format.h>

#include <algorithm>

#include "exam/findings.h"
#include "exam/probe/elf_file.h"
#include "exam/probe/library_paths.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr size_t kMostManaged = 16;
constexpr size_t kMostRoots = 64;

// The folders of a profile in which its libraries may lie, as the host names them.
std::vector<std::string> folders_of(const HostTree& tree, const VendorProfile& profile) {
  std::vector<std::string> folders;
  for (const std::string& pattern : profile.roots) {
    for (const std::string& root : tree.expand(pattern, kMostRoots)) {
      for (const char* inside : {"/lib64", "/lib", ""}) folders.push_back(root + inside);
    }
  }
  return folders;
}

struct LibraryPlace {
  std::string name, path;  // "libixml.so"; as the host names it, without links
};

// False for what merely has the name of the library: libupnp has a libixml.so, too.
bool is_proven(const HostTree& tree, const std::string& path, const ProfileLibrary& library) {
  if (library.proof.empty()) return true;
  const Result<FileDescriptor> file = tree.open(path);
  if (!file) return false;
  const Result<ElfFacts> facts = read_elf(file->get(), path, 0);
  return facts && facts->names.find(library.proof) != std::string::npos;
}

// The first `own` of the folders are the vendor's: what bears the name there is the library, or is broken.
std::optional<LibraryPlace> place_of(const HostTree& tree, const std::vector<std::string>& folders,
                                     size_t own, const ProfileLibrary& library) {
  for (size_t i = 0; i < folders.size(); ++i) {
    for (const char* version : {"", ".1", ".2"}) {
      std::optional<std::string> path =
          tree.resolve(fmt::format("{}/{}{}", folders[i], library.name, version));
      if (path && (i < own || is_proven(tree, *path, library)))
        return LibraryPlace{library.name + version, std::move(*path)};
    }
  }
  return std::nullopt;
}

bool has_card(const PciHost& pci, const std::string& profile) {
  return std::ranges::any_of(pci.accelerators, [&](const PciAccelerator& card) {
    return card.profile != nullptr && card.profile->id == profile;
  });
}

bool has_one_device_a_card(const PciHost& pci, const std::string& profile) {
  return std::ranges::all_of(pci.accelerators, [&](const PciAccelerator& card) {
    if (card.profile == nullptr || card.profile->id != profile) return true;
    return !card.chips.empty() &&
           std::ranges::all_of(card.chips, [](const Chip* chip) { return chip->devices_per_card == 1; });
  });
}

// Why a file cannot be loaded into this program; "" if nothing speaks against it. The loader would call a
// library for another processor a file that does not exist.
std::string unfit(const std::string& path) {
  const Result<FileDescriptor> file = HostTree("").open(path);
  if (!file) return file.error().what;
  const Result<ElfFacts> facts = read_elf(file->get(), path, 0);
  if (!facts) return "it is no library that can be loaded: " + facts.error().what;
  if (facts->machine != own_machine())
    return fmt::format("it is built for {}, this program for {}", facts->machine, own_machine());
  return "";
}

// As the host names its file.
std::string shown_path(const ManagementLibrary& library, const HostRoots& roots) {
  return printable(roots.of_host(library.path), 300);
}

std::string label(const ManagementLibrary& library, const HostRoots& roots) {
  return fmt::format("{} ({})", library.name, shown_path(library, roots));
}

bool is_brake(const std::string& reason) {
  return reason.starts_with("hw") || reason.find("thermal") != std::string::npos;
}

std::string device_label(const ManagementDevice& device, size_t index) {
  return device.pci_address.empty() ? fmt::format("device {}", index) : device.pci_address;
}

void judge_devices(const ManagementOutcome& outcome, std::vector<Finding>& findings) {
  const std::vector<ManagementDevice>& devices = outcome.reading->devices;
  for (size_t i = 0; i < devices.size(); ++i) {
    const ManagementDevice& device = devices[i];
    if (device.ecc_uncorrected.value_or(0) > 0) {
      findings.push_back(make_finding(
          Severity::kDoubtful, "probe.memory-errors",
          fmt::format(
              "{}: {} that ECC could not correct since the driver was loaded: what is computed there may be "
              "wrong.",
              device_label(device, i), counted(*device.ecc_uncorrected, "memory error")),
          Json::object()
              .set("device", device_label(device, i))
              .set("ecc_uncorrected", *device.ecc_uncorrected)));
    }
    std::vector<std::string> brakes;
    for (const std::string& reason : device.throttle_reasons.value_or(std::vector<std::string>())) {
      if (is_brake(reason)) brakes.push_back(reason);
    }
    if (!brakes.empty()) {
      findings.push_back(make_finding(
          Severity::kDoubtful, "probe.throttled",
          fmt::format(
              "{}: its clocks are held down ({}): look at cooling and power supply before anything is "
              "measured.",
              device_label(device, i), join(brakes, ", ")),
          Json::object().set("device", device_label(device, i)).set("reasons", join(brakes, ", "))));
    }
  }
}

// Cards of the library's vendor that it does not know. Only where it tells where its devices are.
void judge_missing(const ManagementOutcome& outcome, const HostRoots& roots, const PciHost& pci,
                   std::vector<Finding>& findings) {
  const std::vector<ManagementDevice>& devices = outcome.reading->devices;
  if (std::ranges::any_of(devices, [](const auto& device) { return device.pci_address.empty(); })) return;
  std::vector<std::string> missing;
  for (const PciAccelerator& card : pci.accelerators) {
    if (card.profile == nullptr || card.profile->id != outcome.library.profile || card.is_virtual()) continue;
    if (std::ranges::find(devices, card.address, &ManagementDevice::pci_address) == devices.end())
      missing.push_back(card.address);
  }
  if (missing.empty()) return;
  findings.push_back(make_finding(
      Severity::kDoubtful, "probe.card-missing",
      fmt::format("{} knows {} and nothing of {}, which PCI shows: no software will use {}.",
                  label(outcome.library, roots), counted(static_cast<int64_t>(devices.size()), "device"),
                  join(missing, ", "), missing.size() == 1 ? "it" : "them"),
      Json::object().set("addresses", join(missing, " "))));
}

}  // namespace

std::vector<ManagementLibrary> find_management_libraries(const HostRoots& roots,
                                                         const ProfileCatalogue& profiles,
                                                         std::string_view library_path, const PciHost& pci) {
  const HostTree tree(roots.root);
  const std::vector<std::string> loader =
      library_folders(tree, roots.is_this_machine() ? library_path : std::string_view());
  std::vector<ManagementLibrary> found;
  for (const VendorProfile& profile : profiles.profiles()) {
    std::vector<std::string> folders;
    size_t own = 0;
    for (const ProfileLibrary& library : profile.libraries) {
      if (!library.is_nvml || found.size() >= kMostManaged) continue;
      if (folders.empty()) {
        folders = folders_of(tree, profile);
        own = folders.size();
        folders.insert(folders.end(), loader.begin(), loader.end());
      }
      std::optional<LibraryPlace> place = place_of(tree, folders, own, library);
      if (!place) continue;
      std::string path = tree.here(place->path);
      if (std::ranges::find(found, path, &ManagementLibrary::path) != found.end()) continue;
      found.push_back({.name = std::move(place->name),
                       .path = std::move(path),
                       .profile = profile.id,
                       .has_one_device_a_card = has_one_device_a_card(pci, profile.id)});
    }
  }
  return found;
}

std::vector<ManagementLibrary> libraries_of_cards(std::vector<ManagementLibrary> libraries,
                                                  const PciHost& pci) {
  std::erase_if(libraries, [&](const ManagementLibrary& library) {
    return !has_card(pci, library.profile) || !unfit(library.path).empty();
  });
  return libraries;
}

ManagementProbe::ManagementProbe(const ManagementAccess& access,
                                 const std::vector<ManagementLibrary>& libraries) {
  SystemClock clock;
  deadline_ = clock.now() + kManagementPatience;
  for (const ManagementLibrary& library : libraries) {
    ManagementOutcome& outcome = outcomes_.emplace_back();
    outcome.library = library;
    if (access.command.empty()) continue;
    outcome.was_asked = true;
    if (std::string why = unfit(library.path); !why.empty()) {
      outcome.reading = fail(std::move(why), library.path);
      continue;
    }
    Result<ManagementChild> child = ManagementChild::start(access, library);
    if (!child) {
      outcome.reading = std::unexpected(child.error());
      continue;
    }
    children_.push_back(std::move(*child));
    outcome_of_.push_back(outcomes_.size() - 1);
  }
}

std::vector<ManagementOutcome> ManagementProbe::finish(const std::function<bool()>& interrupted) {
  await_answers(children_, deadline_, interrupted);
  for (size_t i = 0; i < children_.size(); ++i) {
    ManagementOutcome& outcome = outcomes_[outcome_of_[i]];
    std::optional<Result<ManagementReading>> answer = children_[i].take_answer();
    outcome.printed = children_[i].printed();
    if (answer)
      outcome.reading = std::move(*answer);
    else
      outcome.reading =
          fail(fmt::format("it hangs: no answer within {}", format_duration(seconds(kManagementPatience))),
               outcome.library.path);
  }
  ManagementChild::end_all(children_);
  children_.clear();
  return std::move(outcomes_);
}

Json management_json(const std::vector<ManagementOutcome>& outcomes, const HostRoots& roots) {
  Json json = Json::array();
  for (const ManagementOutcome& outcome : outcomes) {
    Json item = Json::object();
    item.set("library", outcome.library.name).set("path", shown_path(outcome.library, roots));
    item.set("profile", outcome.library.profile);
    if (outcome.was_asked && !outcome.reading) item.set("error", outcome.reading.error().what);
    if (outcome.was_asked && outcome.reading) {
      const ManagementReading& reading = *outcome.reading;
      if (!reading.driver_version.empty()) item.set("driver_version", reading.driver_version);
      if (!reading.library_version.empty()) item.set("library_version", reading.library_version);
      Json devices = Json::array();
      for (const ManagementDevice& device : reading.devices) devices.push(management_device_json(device));
      item.set("devices", std::move(devices));
    }
    json.push(std::move(item));
  }
  return json;
}

std::vector<Finding> management_findings(const std::vector<ManagementOutcome>& outcomes,
                                         const HostRoots& roots, const PciHost& pci) {
  std::vector<Finding> findings;
  for (const ManagementOutcome& outcome : outcomes) {
    if (!outcome.was_asked) continue;
    const Json where = Json::object().set("library", shown_path(outcome.library, roots));
    const std::string named = label(outcome.library, roots);
    if (!outcome.printed.empty())
      findings.push_back(make_finding(
          Severity::kNote, "probe.management-prints",
          fmt::format("{} prints where it should be silent: {}.", named, outcome.printed), where));
    if (!outcome.reading) {
      // Without a card its library has nobody to speak of, and says so in its own way.
      const bool matters = has_card(pci, outcome.library.profile);
      findings.push_back(make_finding(matters ? Severity::kDoubtful : Severity::kNote,
                                      "probe.management-failed",
                                      fmt::format("{}: {}.", named, outcome.reading.error().what), where));
      continue;
    }
    if (!outcome.reading->odd.empty())
      findings.push_back(make_finding(Severity::kDoubtful, "probe.management-odd",
                                      fmt::format("{} tells what no device can have ({}): left out.", named,
                                                  join(outcome.reading->odd, "; ")),
                                      where));
    judge_devices(outcome, findings);
    judge_missing(outcome, roots, pci, findings);
  }
  return findings;
}

}  // namespace assay
