// Accelerators and what belongs to them as text; see probe_text.h.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/probe_text.h"

namespace assay {
namespace {

constexpr size_t kProbeColumns = 80;
constexpr size_t kMostInMatrix = 12;  // cards; a row of more would not fit

// `text` behind `label`, broken at blanks and going on below itself. A word that is wider than the terminal,
// as paths are, stays whole.
std::string labelled_whole(const std::string& label, std::string_view text) {
  std::string out, line = label;
  bool is_empty = true;
  for (const std::string_view word : split(text, ' ')) {
    if (!is_empty && display_width(line) + 1 + display_width(word) > kProbeColumns) {
      out += line + '\n';
      line = std::string(display_width(label), ' ');
      is_empty = true;
    }
    if (!is_empty) line += ' ';
    line += word;
    is_empty = false;
  }
  return out + line + '\n';
}

// A fact of one card, wrapped under itself.
std::string card_fact(std::string_view label, const std::string& value) {
  return value.empty() ? "" : labelled_whole(fmt::format("    {:<14}", label), value);
}

std::string number(const Json& json, const char* key) {
  const Json* value = json.find(key);
  return value == nullptr ? "?" : fmt::format("{:g}", value->as_number());
}

std::string speed_and_lanes(const Json& link, const char* speed, const char* lanes) {
  if (link.find(speed) == nullptr && link.find(lanes) == nullptr) return "";
  return fmt::format("{} GT/s × {} lanes", number(link, speed), number(link, lanes));
}

std::string link_text(const Json& card) {
  const Json& link = card["link"];
  const std::string now = speed_and_lanes(link, "speed_gt_per_s", "lanes");
  const std::string most = speed_and_lanes(link, "most_speed_gt_per_s", "most_lanes");
  const std::string claimed = speed_and_lanes(link, "claimed_speed_gt_per_s", "claimed_lanes");
  std::string out = now.empty() ? "— unknown" : now;
  if (!most.empty() && most != now) out += fmt::format("; card and slot can {}", most);
  if (!claimed.empty() && claimed != most) out += fmt::format("; {} claimed of the chip", claimed);
  return out;
}

std::string joined_with(const Json& texts, const char* separator) {
  std::vector<std::string> all;
  for (const Json& text : texts.items()) all.push_back(text.as_string());
  return join(all, separator);
}

std::string place_text(const Json& card) {
  std::vector<std::string> parts;
  if (const Json* node = card.find("numa_node"))
    parts.push_back(fmt::format("NUMA node {}", node->as_integer()));
  if (const Json* group = card.find("iommu_group"))
    parts.push_back(fmt::format("IOMMU group {}", group->as_integer()));
  if (const Json* window = card.find("memory_bar_bytes"))
    parts.push_back(fmt::format("memory window {}", format_bytes(window->as_integer())));
  if (card["virtual_functions"].as_integer() > 0)
    parts.push_back(counted(card["virtual_functions"].as_integer(), "virtual function"));
  return join(parts, ", ");
}

std::string chip_text(const Json& card) {
  if (card.find("chips") != nullptr) return joined_with(card["chips"], " or ");
  return fmt::format("— unknown to the catalogue ({}:{})", card["vendor_id"].as_string(),
                     card["device_id"].as_string());
}

std::string driver_text(const Json& card) {
  if (card.find("driver") == nullptr) return "none";
  const std::string& version = card["driver_version"].as_string();
  return card["driver"].as_string() + (version.empty() ? "" : " " + version);
}

std::string name_of_card(const Json& card) {
  const std::string& vendor = card["vendor"].as_string();
  const std::string& device = card["device"].as_string();
  const std::string id = fmt::format("{}:{}", card["vendor_id"].as_string(), card["device_id"].as_string());
  if (vendor.empty()) return "vendor unknown, " + id;
  return vendor + " " + (device.empty() ? id : device);
}

std::string card_text(const Json& card) {
  std::string out = labelled_whole(fmt::format("  {:<14}", card["address"].as_string()), name_of_card(card));
  if (card.find("physical_function") != nullptr) {
    return out + card_fact("", fmt::format("a virtual function of {}, driver {}",
                                           card["physical_function"].as_string(), driver_text(card)));
  }
  return out + card_fact("chip", chip_text(card)) + card_fact("driver", driver_text(card)) +
         card_fact("link", link_text(card)) + card_fact("place", place_text(card));
}

std::string accelerators_text(const Json& host) {
  const Json* cards = host.find("accelerators");
  if (cards == nullptr) return "";
  std::string out = "\nAccelerators on PCI\n";
  for (const Json& card : cards->items()) out += card_text(card);
  if (cards->items().empty()) out += "  none\n";
  if (const Json* iommu = host.find("iommu")) {
    out += probe_fact("IOMMU", (*iommu)["is_on"].as_bool()
                                   ? "on, " + counted((*iommu)["groups"].as_integer(), "group")
                                   : "off, or not told");
  }
  return out;
}

// ---- paths ----

struct PathTable {
  std::vector<std::string> cards;  // addresses, sorted
  std::map<std::pair<std::string, std::string>, std::string> cells;
  std::map<std::string, int64_t> count_of;  // by kind
  bool has_access = false;
};

PathTable path_table(const Json& paths) {
  PathTable table;
  for (const Json& path : paths.items()) {
    const std::string &from = path["from"].as_string(), &to = path["to"].as_string();
    std::string cell = path["path"].as_string();
    ++table.count_of[cell];
    if (const Json* access = path.find("peer_access")) {
      cell += access->as_bool() ? "+" : "-";
      table.has_access = true;
    }
    table.cells[{from, to}] = table.cells[{to, from}] = cell;
    for (const std::string& address : {from, to}) {
      if (std::ranges::find(table.cards, address) == table.cards.end()) table.cards.push_back(address);
    }
  }
  std::ranges::sort(table.cards);
  return table;
}

std::string matrix_text(const PathTable& table) {
  std::string out = fmt::format("  {:<16}", "");
  for (size_t i = 0; i < table.cards.size(); ++i) out += fmt::format("{:>5}", i);
  out += '\n';
  for (size_t i = 0; i < table.cards.size(); ++i) {
    out += fmt::format("  {:>2} {:<13}", i, table.cards[i]);
    for (size_t j = 0; j < table.cards.size(); ++j) {
      const auto cell = table.cells.find({table.cards[i], table.cards[j]});
      const std::string text = cell != table.cells.end() ? cell->second : i == j ? "·" : "?";
      out += std::string(5 - std::min<size_t>(5, display_width(text)), ' ') + text;
    }
    out += '\n';
  }
  return out;
}

std::string paths_text(const Json& host) {
  const PathTable table = path_table(host["paths"]);
  if (table.cards.empty()) return "";
  std::string out = "\nPaths between them\n";
  if (table.cards.size() <= kMostInMatrix) {
    out += matrix_text(table);
  } else {
    for (const auto& [kind, count] : table.count_of) out += probe_fact(kind, counted(count, "pair"));
  }
  static constexpr std::pair<const char*, const char*> kLegend[] = {{"PIX", "one PCIe bridge or switch"},
                                                                    {"PXB", "several PCIe bridges"},
                                                                    {"PHB", "a host bridge"},
                                                                    {"NODE", "host bridges of one NUMA node"},
                                                                    {"SYS", "the link between NUMA nodes"}};
  std::vector<std::string> legend;
  for (const auto& [kind, words] : kLegend) {
    if (table.count_of.contains(kind)) legend.push_back(fmt::format("{}: {}", kind, words));
  }
  if (table.has_access) legend.emplace_back("+, -: with or without peer access");
  legend.emplace_back("a vendor's own links between cards (NVLink and its like) are not seen on PCI");
  return out + labelled_whole("  ", join(legend, "; ") + ".");
}

// ---- sensors and libraries ----

std::string sensors_text(const Json& host) {
  const Json* sensors = host.find("power_sensors");
  if (sensors == nullptr) return "";
  std::string out = "\nPower sensors\n";
  for (const Json& sensor : sensors->items()) {
    const bool is_readable = sensor["is_readable"].as_bool();
    const std::string what =
        is_readable ? fmt::format("{} ({})", sensor["domain"].as_string(), sensor["name"].as_string())
                    : fmt::format("{}: {}", sensor["name"].as_string(), sensor["why"].as_string());
    out +=
        labelled_whole(fmt::format("  {:<16}", sensor["kind"].as_string()), (is_readable ? "" : "⚠ ") + what);
  }
  return out + (sensors->items().empty() ? "  none\n" : "");
}

std::string managed_device_text(const Json& device) {
  std::vector<std::string> facts;
  const auto add = [&](const char* key, auto text) {
    if (const Json* value = device.find(key)) facts.push_back(text(*value));
  };
  const auto with_unit = [](const char* unit) {
    return [unit](const Json& value) { return fmt::format("{:.4g}{}", value.as_number(), unit); };
  };
  add("memory_bytes", [](const Json& value) { return format_bytes(value.as_integer()); });
  add("memory_used_bytes", [](const Json& value) { return format_bytes(value.as_integer()) + " used"; });
  add("power_w", with_unit(" W"));
  add("power_limit_w", with_unit(" W at most"));
  add("temperature_c", with_unit(" °C"));
  add("sm_clock_mhz", with_unit(" MHz"));
  add("memory_clock_mhz", with_unit(" MHz of memory"));
  add("utilisation_percent", with_unit(" % busy"));
  add("ecc_mode", [](const Json& value) { return "ECC " + value.as_string(); });
  add("ecc_uncorrected",
      [](const Json& value) { return counted(value.as_integer(), "uncorrected memory error"); });
  if (!device["throttle_reasons"].items().empty())
    facts.push_back("held down by " + joined_with(device["throttle_reasons"], ", "));
  const std::string& name = device["name"].as_string();
  return fmt::format("{}{}{}", name.empty() ? "name unknown" : name, facts.empty() ? "" : ": ",
                     join(facts, ", "));
}

std::string library_text(const Json& library) {
  std::string out = fmt::format("  {}\n", library["library"].as_string());
  out += card_fact("file", library["path"].as_string());
  if (const Json* error = library.find("error")) return out + card_fact("⚠", error->as_string());
  if (library.find("devices") == nullptr)
    return out + card_fact("not asked", "--run-vendor-code loads it in a process of its own");
  std::vector<std::string> versions;
  if (const Json* version = library.find("driver_version"))
    versions.push_back("driver " + version->as_string());
  if (const Json* version = library.find("library_version"))
    versions.push_back("library " + version->as_string());
  out += card_fact("versions", join(versions, ", "));
  for (const Json& device : library["devices"].items()) {
    const std::string& address = device["pci_address"].as_string();
    out += card_fact(address.empty() ? "device" : address, managed_device_text(device));
  }
  if (library["devices"].items().empty()) out += card_fact("devices", "none");
  return out;
}

std::string management_text(const Json& host) {
  const Json* libraries = host.find("management");
  if (libraries == nullptr || libraries->items().empty()) return "";
  std::string out = "\nManagement libraries\n";
  for (const Json& library : libraries->items()) out += library_text(library);
  return out;
}

}  // namespace

std::string hardware_text(const Json& host) {
  return accelerators_text(host) + paths_text(host) + sensors_text(host) + management_text(host);
}

std::string probe_findings_text(const Json& host) {
  const Json& findings = host["probe_findings"];
  if (findings.items().empty()) return "";
  std::string out = "\nFindings\n";
  for (const Json& finding : findings.items()) {
    const std::string& severity = finding["severity"].as_string();
    out += labelled_whole(fmt::format("  {:<10}", severity), finding["text"].as_string());
  }
  return out;
}

}  // namespace assay
