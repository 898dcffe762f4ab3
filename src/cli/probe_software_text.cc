// Libraries, tools, Python environments and containers as text; see probe_text.h.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "catalogue/catalogue.h"
#include "cli/probe_text.h"
#include "os/os.h"
#include "report/wrap.h"

namespace assay {
namespace {

constexpr size_t kSoftwareColumns = 80;

std::string profile_name(const Json& item) {
  const std::string& id = item["profile"].as_string();
  if (id.empty()) return "no one vendor's";
  const VendorProfile* profile = ProfileCatalogue::built_in().find(id);
  return profile == nullptr ? id : profile->name;
}

std::string with_version(const std::string& name, const Json& item) {
  const std::string& version = item["version"].as_string();
  return version.empty() ? name : name + " " + version;
}

// Names under a line that says what they share.
struct Group {
  std::tuple<std::string, std::string> key;  // of whom, and where
  std::string head;
  std::vector<std::string> names;
};

void add_to_group(std::vector<Group>& groups, std::tuple<std::string, std::string> key, std::string head,
                  std::string name) {
  auto group = std::ranges::find(groups, key, &Group::key);
  if (group == groups.end()) group = groups.insert(groups.end(), {std::move(key), std::move(head), {}});
  if (std::ranges::find(group->names, name) == group->names.end()) group->names.push_back(std::move(name));
}

std::string groups_text(std::vector<Group>& groups) {
  std::ranges::stable_sort(groups, {}, &Group::key);
  std::string out;
  for (const Group& group : groups) {
    out += labelled("  ", group.head, kSoftwareColumns);
    out += labelled("    ", join(group.names, ", "), kSoftwareColumns);
  }
  return out;
}

std::string runtimes_text(const Json& host) {
  std::vector<Group> groups;
  for (const Json& runtime : host["runtimes"].items()) {
    const std::string folder = parent_directory(runtime["path"].as_string());
    std::string head = profile_name(runtime);
    if (runtime.find("clone_of") != nullptr) head += ", clones of " + runtime["clone_of"].as_string();
    std::string name = with_version(runtime["library"].as_string(), runtime);
    if (runtime.find("machine") == nullptr) name += " ⚠ unreadable";
    add_to_group(groups, {head, folder}, fmt::format("{}, in {}", head, folder), std::move(name));
  }
  return "\nRun-time libraries\n" + (groups.empty() ? "  none found\n" : groups_text(groups));
}

std::string tools_text(const Json& host) {
  std::vector<Group> groups;
  for (const Json& tool : host["tools"].items()) {
    const std::string folder = parent_directory(tool["path"].as_string());
    const std::string owner = profile_name(tool);
    add_to_group(groups, {owner, folder}, fmt::format("{}, in {}", owner, folder),
                 with_version(tool["name"].as_string(), tool));
  }
  return groups.empty() ? "" : "\nTools\n" + groups_text(groups);
}

// Without the places, which stand with libraries and tools.
std::string names_of_parts(const std::string& what) {
  std::vector<std::string> names;
  for (const std::string_view part : split(what, ','))
    names.emplace_back(trim(part.substr(0, part.find(" at /"))));
  return join(names, ", ");
}

std::string tooling_line(const Json& row) {
  const std::string &state = row["state"].as_string(), &what = row["what"].as_string();
  std::string text = state == "present" ? names_of_parts(what) : what;
  if (state == "not here") text = "the vendor has it: " + what;
  if (state == "none")
    text = fmt::format("{} ({}, {})", what, row["source"].as_string(), row["date"].as_string());
  const std::string label = fmt::format("    {:<20}{:<10}", row["capability"].as_string(), state);
  return text.empty() ? label.substr(0, label.find_last_not_of(' ') + 1) + "\n"
                      : labelled(label, text, kSoftwareColumns);
}

std::string tooling_text(const Json& host) {
  std::string out;
  for (const Json& vendor : host["tooling"].items()) {
    out += labelled("  ", fmt::format("{} ({})", vendor["name"].as_string(), vendor["because"].as_string()),
                    kSoftwareColumns);
    for (const Json& row : vendor["capabilities"].items()) out += tooling_line(row);
  }
  return out.empty() ? "" : "\nTooling by capability\n" + out;
}

std::string device_line(const Json& device) {
  std::string out = fmt::format("{} sees ", device["framework"].as_string());
  if (device.find("count") != nullptr) out += fmt::format("{} × ", device["count"].as_integer());
  if (device.find("name") != nullptr) out += device["name"].as_string() + " as ";
  return out + device["device"].as_string();
}

std::string python_text(const Json& host) {
  std::string out;
  for (const Json& environment : host["python"].items()) {
    out +=
        labelled("  ", with_version(environment["interpreter"].as_string(), environment), kSoftwareColumns);
    std::vector<std::string> packages;
    for (const Json& package : environment["packages"].items()) {
      std::string text = with_version(package["name"].as_string(), package);
      if (package.find("profile") != nullptr) text += fmt::format(" ({})", profile_name(package));
      packages.push_back(std::move(text));
    }
    if (!packages.empty()) out += labelled("    ", join(packages, ", "), kSoftwareColumns);
    if (packages.empty() && environment.find("error") == nullptr)
      out += "    no framework that is known here\n";
    for (const Json& device : environment["devices"].items())
      out += labelled("    ", device_line(device), kSoftwareColumns);
    if (environment.find("error") != nullptr)
      out += labelled("    ⚠ ", environment["error"].as_string(), kSoftwareColumns);
  }
  return out.empty() ? "" : "\nPython\n" + out;
}

std::string containers_text(const Json& host) {
  std::string out;
  for (const char* member : {"containers", "kubernetes"}) {
    for (const Json& part : host[member].items()) {
      std::string text = with_version(part["name"].as_string(), part);
      if (part.find("profile") != nullptr) text += fmt::format(" ({})", profile_name(part));
      if (part.find("devices") != nullptr) text += ", " + counted(part["devices"].as_integer(), "device");
      out += labelled("  ", fmt::format("{}: {}", text, part["path"].as_string()), kSoftwareColumns);
    }
  }
  return out.empty() ? "" : "\nContainers and Kubernetes\n" + out;
}

std::string stacks_text(const Json& host) {
  std::string out;
  for (const Json& stack : host["stacks"].items())
    out += labelled(
        "  ",
        fmt::format("{} in {}", with_version(stack["name"].as_string(), stack), stack["path"].as_string()),
        kSoftwareColumns);
  return out.empty() ? "" : "\nSoftware stacks\n" + out;
}

}  // namespace

std::string software_text(const Json& host) {
  if (host.find("runtimes") == nullptr) return "";
  return stacks_text(host) + runtimes_text(host) + tools_text(host) + tooling_text(host) + python_text(host) +
         containers_text(host);
}

}  // namespace assay
