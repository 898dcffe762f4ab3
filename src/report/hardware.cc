// Tables of hardware and tooling; see hardware.h.
#include "report/hardware.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "catalogue/catalogue.h"
#include "evidence/evidence.h"

namespace assay {
namespace {

constexpr const char* kUnknown = "— unknown";
constexpr size_t kMostHostRows = 400;

std::string text_or_unknown(const Json& item, std::string_view key) {
  const std::string& text = item[key].as_string();
  return text.empty() ? kUnknown : text;
}

std::string vendor_name(const Json& item) {
  const std::string& id = item["profile"].as_string();
  if (id.empty()) return "—";
  const VendorProfile* profile = ProfileCatalogue::built_in().find(id);
  return profile == nullptr ? id : profile->name;
}

std::string number_with(const Json& item, std::string_view key, std::string_view unit) {
  const Json* value = item.find(key);
  return value == nullptr || !value->is_number()
             ? ""
             : fmt::format("{} {}", format_number(value->as_number()), unit);
}

// ---- accelerators ----

std::string chips_of(const Json& card) {
  std::vector<std::string> names;
  for (const Json& id : card["chips"].items()) {
    const Chip* chip = ChipCatalogue::built_in().find(id.as_string());
    names.push_back(chip == nullptr ? id.as_string() : chip->name);
  }
  return names.empty() ? "— not in the catalogue" : join(names, " or ");
}

std::string device_of(const Json& card) {
  const std::string id = fmt::format("{}:{}", card["vendor_id"].as_string(), card["device_id"].as_string());
  const std::string &vendor = card["vendor"].as_string(), &device = card["device"].as_string();
  const std::string name = device.empty() ? vendor : vendor.empty() ? device : vendor + " " + device;
  std::string out = name.empty() ? id : fmt::format("{} ({})", name, id);
  if (card.find("physical_function") != nullptr)
    out += fmt::format(", virtual function of {}", card["physical_function"].as_string());
  return out;
}

std::string link_side(const Json& link, const char* speed, const char* lanes) {
  if (link.find(speed) == nullptr && link.find(lanes) == nullptr) return "";
  const auto part = [&](const char* key) {
    return link.find(key) == nullptr ? std::string("?") : fmt::format("{:g}", link[key].as_number());
  };
  return fmt::format("{} GT/s × {}", part(speed), part(lanes));
}

std::string link_of(const Json& card) {
  const Json& link = card["link"];
  const std::string now = link_side(link, "speed_gt_per_s", "lanes");
  const std::string most = link_side(link, "most_speed_gt_per_s", "most_lanes");
  const std::string claimed = link_side(link, "claimed_speed_gt_per_s", "claimed_lanes");
  if (now.empty()) return kUnknown;
  std::string out = now;
  if (!most.empty() && most != now) out += fmt::format(" of {} possible", most);
  if (!claimed.empty() && claimed != now) out += fmt::format("; claimed {}", claimed);
  return out;
}

std::string driver_of(const Json& card) {
  const std::string& driver = card["driver"].as_string();
  if (driver.empty()) return "none bound";
  const std::string& version = card["driver_version"].as_string();
  return version.empty() ? driver + ", version unknown" : driver + " " + version;
}

std::string place_of_card(const Json& card) {
  std::vector<std::string> parts;
  if (card.find("numa_node") != nullptr)
    parts.push_back(fmt::format("node {}", card["numa_node"].as_integer()));
  if (card.find("iommu_group") != nullptr)
    parts.push_back(fmt::format("IOMMU group {}", card["iommu_group"].as_integer()));
  return parts.empty() ? kUnknown : join(parts, ", ");
}

// "4 × A100-40GB, 4 × BI-V150, and 2 virtual functions of them"
std::string cards_sentence(const Json& cards) {
  std::map<std::string, int64_t> count_of;
  std::vector<std::string> order;
  int64_t virtual_functions = 0;
  for (const Json& card : cards.items()) {
    if (card.find("physical_function") != nullptr) {
      ++virtual_functions;
      continue;
    }
    std::string name = card["chips"].items().empty() ? device_of(card) : chips_of(card);
    if (count_of[name]++ == 0) order.push_back(std::move(name));
  }
  std::vector<std::string> parts;
  for (const std::string& name : order) parts.push_back(fmt::format("{} × {}", count_of[name], name));
  if (virtual_functions > 0 && parts.empty()) return counted(virtual_functions, "virtual function");
  if (virtual_functions > 0)
    parts.back() += fmt::format(", and {} of them", counted(virtual_functions, "virtual function"));
  return parts.empty() ? "no accelerator on PCI" : join(parts, ", ");
}

std::string paths_sentence(const Json& host) {
  std::map<std::string, int64_t> count_of;
  for (const Json& path : host["paths"].items()) ++count_of[path["path"].as_string()];
  if (count_of.empty()) return "";
  std::vector<std::string> parts;
  for (const auto& [kind, count] : count_of)
    parts.push_back(fmt::format("{} {}", counted(count, "pair"), kind));
  return fmt::format(
      " Paths between them: {} (PIX through one switch, PXB through several, PHB through the "
      "processor's root, NODE within a NUMA node, SYS between nodes). Links of a vendor's own between cards "
      "(NVLink and its like) are not seen on PCI.",
      join(parts, ", "));
}

void add_accelerators(const Json& host, HardwareReport& report) {
  const Json* cards = host.find("accelerators");
  if (cards == nullptr) return;
  HostTable table{.title = "Accelerators",
                  .sentence = fmt::format("On PCI: {}.{}", cards_sentence(*cards), paths_sentence(host)),
                  .columns = {"address", "device", "chip", "driver", "PCI Express link", "place"},
                  .wide = {1, 2}};
  for (const Json& card : cards->items())
    table.rows.push_back({text_or_unknown(card, "address"), device_of(card), chips_of(card), driver_of(card),
                          link_of(card), place_of_card(card)});
  report.tables.push_back(std::move(table));
}

// ---- management ----

std::string memory_of_device(const Json& device) {
  if (device.find("memory_bytes") == nullptr) return kUnknown;
  const std::string all = format_bytes(device["memory_bytes"].as_integer());
  return device.find("memory_used_bytes") == nullptr
             ? all
             : fmt::format("{} of {} used", format_bytes(device["memory_used_bytes"].as_integer()), all);
}

std::string with_limit(const Json& device, std::string_view value, std::string_view limit,
                       std::string_view unit) {
  const std::string now = number_with(device, value, unit), most = number_with(device, limit, unit);
  if (now.empty()) return most.empty() ? kUnknown : "limit " + most;
  return most.empty() ? now : fmt::format("{}, limit {}", now, most);
}

std::string clocks_of(const Json& device) {
  std::vector<std::string> parts;
  if (const std::string clock = number_with(device, "sm_clock_mhz", "MHz"); !clock.empty())
    parts.push_back(clock);
  if (const std::string clock = number_with(device, "memory_clock_mhz", "MHz memory"); !clock.empty())
    parts.push_back(clock);
  return parts.empty() ? kUnknown : join(parts, ", ");
}

std::string ecc_of(const Json& device) {
  if (device.find("ecc_mode") == nullptr) return kUnknown;
  std::string out = device["ecc_mode"].as_string();
  for (const auto& [key, word] :
       {std::pair{"ecc_corrected", "corrected"}, {"ecc_uncorrected", "uncorrected"}}) {
    if (device.find(key) != nullptr) out += fmt::format(", {} {}", device[key].as_integer(), word);
  }
  return out;
}

std::string throttle_of(const Json& device) {
  const Json* reasons = device.find("throttle_reasons");
  if (reasons == nullptr) return kUnknown;
  std::vector<std::string> texts;
  for (const Json& reason : reasons->items()) texts.push_back(reason.as_string());
  return texts.empty() ? "none" : join(texts, ", ");
}

void add_management(const Json& host, HardwareReport& report) {
  const Json* libraries = host.find("management");
  if (libraries == nullptr || libraries->items().empty()) return;
  HostTable table{.title = "Readings of the management libraries",
                  .sentence = "",
                  .columns = {"device", "memory", "power", "temperature", "clocks", "ECC", "throttled by"},
                  .wide = {0}};
  std::vector<std::string> sentences;
  for (const Json& library : libraries->items()) {
    std::string text =
        fmt::format("{} ({})", text_or_unknown(library, "library"), text_or_unknown(library, "path"));
    if (!library["driver_version"].as_string().empty())
      text += ", driver " + library["driver_version"].as_string();
    const bool has_answered = library.find("devices") != nullptr;
    if (!library["error"].as_string().empty())
      text += ": " + library["error"].as_string();
    else if (!has_answered)
      text += ": not asked, which takes --run-vendor-code";
    sentences.push_back(std::move(text));
    for (const Json& device : library["devices"].items()) {
      const std::string temperature = number_with(device, "temperature_c", "°C");
      std::string name = text_or_unknown(device, "name");
      if (!device["pci_address"].as_string().empty()) name += " at " + device["pci_address"].as_string();
      table.rows.push_back({std::move(name), memory_of_device(device),
                            with_limit(device, "power_w", "power_limit_w", "W"),
                            temperature.empty() ? kUnknown : temperature, clocks_of(device), ecc_of(device),
                            throttle_of(device)});
    }
  }
  table.sentence = join(sentences, "; ") + ".";
  report.tables.push_back(std::move(table));
}

// ---- software ----

void add_runtimes(const Json& host, HardwareReport& report) {
  const Json* runtimes = host.find("runtimes");
  if (runtimes == nullptr) return;
  HostTable table{.title = "Run-time libraries",
                  .sentence = "",
                  .columns = {"library", "version", "whose", "what it is", "where"},
                  .wide = {3, 4}};
  std::set<std::string> clones;
  for (const Json& runtime : runtimes->items()) {
    std::string what = text_or_unknown(runtime, "role");
    const std::string& clone_of = runtime["clone_of"].as_string();
    if (!clone_of.empty()) {
      const std::string& claims = runtime["claims_version"].as_string();
      what += fmt::format("; a clone of {}{}", clone_of,
                          claims.empty() ? "" : fmt::format(" that claims {}", claims));
      clones.insert(fmt::format("{} clones {}", vendor_name(runtime), clone_of));
    }
    if (!runtime["because"].as_string().empty()) what += fmt::format(" ({})", runtime["because"].as_string());
    if (runtime.find("machine") == nullptr) what += "; ⚠ it cannot be read as a library";
    table.rows.push_back({text_or_unknown(runtime, "library"), text_or_unknown(runtime, "version"),
                          vendor_name(runtime), std::move(what), text_or_unknown(runtime, "path")});
  }
  std::vector<std::string> stacks;
  for (const Json& stack : host["stacks"].items()) {
    const std::string& version = stack["version"].as_string();
    stacks.push_back(fmt::format("{} {} in {}", text_or_unknown(stack, "name"),
                                 version.empty() ? "of unknown version" : version,
                                 text_or_unknown(stack, "path")));
  }
  table.sentence =
      stacks.empty() ? "No vendor's stack was found in its usual folder." : join(stacks, "; ") + ".";
  if (!clones.empty())
    table.sentence += fmt::format(" {}: the names are the same, the code is not.",
                                  join(std::vector<std::string>(clones.begin(), clones.end()), "; "));
  if (table.rows.empty()) table.sentence += " No compute library was found.";
  report.tables.push_back(std::move(table));
}

// The four states in a shape and words; colour adds nothing.
std::string state_text(const std::string& state) {
  if (state == "present") return "● present";
  if (state == "not here") return "○ not installed here";
  if (state == "none") return "✕ the vendor has none";
  return "— unknown";
}

void add_tooling(const Json& host, HardwareReport& report) {
  for (const Json& vendor : host["tooling"].items()) {
    HostTable table{.title = "Tooling of " + text_or_unknown(vendor, "name"),
                    .sentence = "",
                    .columns = {"capability", "here", "what", "source"},
                    .wide = {2}};
    std::map<std::string, int64_t> count_of;
    for (const Json& row : vendor["capabilities"].items()) {
      const std::string &state = row["state"].as_string(), &what = row["what"].as_string();
      ++count_of[state];
      std::string source = row["source"].as_string();
      if (!source.empty() && !row["date"].as_string().empty()) source += ", read " + row["date"].as_string();
      table.rows.push_back({text_or_unknown(row, "capability"), state_text(state),
                            state == "not here" ? "the vendor has " + what
                            : what.empty()      ? kUnknown
                                                : what,
                            source.empty() ? "—" : source});
    }
    std::vector<std::string> parts;
    for (const auto& [state, words] : {std::pair{"present", "present"},
                                       {"not here", "not installed here though the vendor has them"},
                                       {"none", "that the vendor has not"},
                                       {"unknown", "unknown"}}) {
      if (count_of[state] > 0) parts.push_back(fmt::format("{} {}", count_of[state], words));
    }
    table.sentence = fmt::format("Here: {}. Of {} kinds of tooling: {}.", text_or_unknown(vendor, "because"),
                                 table.rows.size(), join(parts, ", "));
    report.tables.push_back(std::move(table));
  }
}

std::string devices_seen(const Json& environment) {
  std::vector<std::string> parts;
  for (const Json& device : environment["devices"].items()) {
    std::string text = text_or_unknown(device, "framework") + ": ";
    if (device.find("count") != nullptr) text += fmt::format("{} × ", device["count"].as_integer());
    if (!device["name"].as_string().empty()) text += device["name"].as_string() + " as ";
    parts.push_back(text + device["device"].as_string());
  }
  if (!environment["error"].as_string().empty()) parts.push_back("⚠ " + environment["error"].as_string());
  if (parts.empty()) return environment.find("devices") == nullptr ? "— not asked" : "none";
  return join(parts, "; ");
}

void add_python(const Json& host, HardwareReport& report) {
  const Json* environments = host.find("python");
  if (environments == nullptr || environments->items().empty()) return;
  HostTable table{.title = "Python environments",
                  .sentence =
                      "Read from the files of installed packages; whose build a framework is, its version "
                      "or summary tells.",
                  .columns = {"interpreter", "version", "frameworks", "devices that they see"},
                  .wide = {0, 2, 3}};
  for (const Json& environment : environments->items()) {
    std::vector<std::string> packages;
    for (const Json& package : environment["packages"].items()) {
      std::string text =
          fmt::format("{} {}", text_or_unknown(package, "name"), package["version"].as_string());
      if (package.find("profile") != nullptr) text += fmt::format(" ({})", vendor_name(package));
      packages.push_back(std::move(text));
    }
    table.rows.push_back(
        {text_or_unknown(environment, "interpreter"), text_or_unknown(environment, "version"),
         packages.empty() ? "none that is known here" : join(packages, ", "), devices_seen(environment)});
  }
  report.tables.push_back(std::move(table));
}

void add_containers(const Json& host, HardwareReport& report) {
  HostTable table{.title = "Containers and Kubernetes",
                  .sentence = "From programs, configurations and sockets.",
                  .columns = {"what", "whose", "devices", "where"},
                  .wide = {0, 3}};
  for (const char* member : {"containers", "kubernetes"}) {
    for (const Json& part : host[member].items())
      table.rows.push_back(
          {text_or_unknown(part, "name"), vendor_name(part),
           part.find("devices") == nullptr ? "—" : std::to_string(part["devices"].as_integer()),
           text_or_unknown(part, "path")});
  }
  if (!table.rows.empty()) report.tables.push_back(std::move(table));
}

std::string lead_of(const Json& host) {
  std::vector<std::string> parts;
  if (const Json* cards = host.find("accelerators")) parts.push_back(cards_sentence(*cards));
  std::set<std::string> clones;
  for (const Json& runtime : host["runtimes"].items()) {
    if (!runtime["clone_of"].as_string().empty())
      clones.insert(fmt::format("{} by {}", runtime["clone_of"].as_string(), vendor_name(runtime)));
  }
  for (const std::string& clone : clones) parts.push_back("a clone of " + clone);
  int64_t missing = 0;
  for (const Json& vendor : host["tooling"].items()) {
    for (const Json& row : vendor["capabilities"].items()) missing += row["state"].as_string() == "not here";
  }
  if (missing > 0)
    parts.push_back(fmt::format("{} that vendors have and this host has not",
                                counted(missing, "kind of tooling", "kinds of tooling")));
  const auto findings = static_cast<int64_t>(host["probe_findings"].items().size());
  parts.push_back(findings == 0 ? "nothing odd found" : counted(findings, "finding"));
  std::string lead = join(parts, "; ") + ".";
  if (lead[0] >= 'a' && lead[0] <= 'z') lead[0] = static_cast<char>(lead[0] - 'a' + 'A');
  return lead;
}

int gravity(const std::string& severity) {
  return severity == "blocker" ? 3 : severity == "impossible" ? 2 : severity == "doubtful" ? 1 : 0;
}

}  // namespace

HardwareReport make_hardware_report(const Json& host) {
  HardwareReport report;
  add_accelerators(host, report);
  add_management(host, report);
  add_runtimes(host, report);
  add_tooling(host, report);
  add_python(host, report);
  add_containers(host, report);
  if (report.is_empty()) return report;
  for (HostTable& table : report.tables) {
    if (table.rows.size() > kMostHostRows) table.rows.resize(kMostHostRows);
  }
  report.lead = lead_of(host);
  for (const Json& finding : host["probe_findings"].items())
    report.findings.push_back({text_or_unknown(finding, "severity"), text_or_unknown(finding, "code"),
                               text_or_unknown(finding, "text")});
  std::ranges::stable_sort(report.findings, std::greater<>(),
                           [](const HostFinding& finding) { return gravity(finding.severity); });
  return report;
}

bool is_in_hardware_report(std::string_view member) {
  constexpr std::string_view kMembers[] = {"accelerators", "paths",   "management",    "runtimes",
                                           "stacks",       "tools",   "python",        "containers",
                                           "kubernetes",   "tooling", "probe_findings"};
  return std::ranges::find(kMembers, member) != std::end(kMembers);
}

}  // namespace assay
