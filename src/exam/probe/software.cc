// Looks at a host's software and writes it down; see software.h. docs/formats/dossier.md has the members.
#include "exam/probe/software.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "evidence/evidence.h"
#include "exam/findings.h"
#include "exam/probe/containers.h"
#include "exam/probe/elf_file.h"
#include "exam/probe/libraries.h"
#include "exam/probe/python_environments.h"
#include "exam/probe/stack_files.h"
#include "exam/probe/tooling.h"
#include "exam/probe/tools.h"
#include "exam/probe/vendor_calls.h"
#include "os/os.h"

namespace assay {
namespace {

// A member only where there is something to say: an absent one is unknown.
void set_text(Json& item, std::string_view name, const std::string& text) {
  if (!text.empty()) item.set(name, printable(text, 500));
}

void set_profile(Json& item, const VendorProfile* profile) {
  if (profile != nullptr) item.set("profile", profile->id);
}

void set_capability(Json& item, const std::optional<Capability>& capability) {
  if (capability) item.set("capability", name_of(*capability));
}

Json runtimes_json(const std::vector<FoundLibrary>& libraries) {
  Json out = Json::array();
  for (const FoundLibrary& library : libraries) {
    Json item = Json::object().set("library", library.name).set("path", printable(library.path, 500));
    set_text(item, "version", library.version);
    set_profile(item, library.profile);
    set_text(item, "role", library.role);
    set_capability(item, library.capability);
    if (library.clone_of != nullptr)
      item.set("clone_of", library.clone_of->name).set("clone_of_profile", library.clone_of->id);
    set_text(item, "claims_version", library.claims_version);
    set_text(item, "because", library.because);
    set_text(item, "machine", library.machine);
    out.push(std::move(item));
  }
  return out;
}

Json stacks_json(const StackFiles& stacks) {
  Json out = Json::array();
  for (const StackRoot& root : stacks.roots) {
    Json item = Json::object().set("profile", root.profile->id).set("name", root.profile->name);
    item.set("path", printable(root.path, 500));
    set_text(item, "version", root.version);
    set_text(item, "version_file", root.version_file);
    out.push(std::move(item));
  }
  return out;
}

Json tools_json(const std::vector<FoundTool>& tools) {
  Json out = Json::array();
  for (const FoundTool& tool : tools) {
    Json item = Json::object().set("name", tool.name).set("path", printable(tool.path, 500));
    set_profile(item, tool.profile);
    set_text(item, "role", tool.role);
    set_capability(item, tool.capability);
    set_text(item, "version", tool.version);
    out.push(std::move(item));
  }
  return out;
}

Json devices_json(const std::vector<FrameworkDevice>& devices) {
  Json out = Json::array();
  for (const FrameworkDevice& device : devices) {
    Json item = Json::object().set("framework", device.framework).set("device", device.device);
    if (device.count >= 0) item.set("count", device.count);
    set_text(item, "name", device.name);
    out.push(std::move(item));
  }
  return out;
}

Json python_json(const std::vector<PythonEnvironment>& environments,
                 const std::vector<PythonAnswer>& answers) {
  Json out = Json::array();
  for (size_t i = 0; i < environments.size(); ++i) {
    const PythonEnvironment& environment = environments[i];
    Json item = Json::object().set("interpreter", environment.interpreter);
    set_text(item, "version", environment.version);
    Json packages = Json::array();
    for (const PythonPackage& package : environment.packages) {
      Json each = Json::object().set("name", package.name);
      set_text(each, "version", package.version);
      set_text(each, "role", package.role);
      set_profile(each, package.profile);
      set_text(each, "because", package.because);
      packages.push(std::move(each));
    }
    item.set("packages", std::move(packages));
    if (i < answers.size()) {
      item.set("devices", devices_json(answers[i].devices));
      set_text(item, "error", answers[i].error);
    }
    set_text(item, "error", environment.error);
    out.push(std::move(item));
  }
  return out;
}

Json parts_json(const std::vector<ContainerPart>& parts) {
  Json out = Json::array();
  for (const ContainerPart& part : parts) {
    Json item = Json::object().set("name", part.name).set("path", printable(part.path, 500));
    set_text(item, "version", part.version);
    set_profile(item, part.profile);
    if (part.devices >= 0) item.set("devices", part.devices);
    out.push(std::move(item));
  }
  return out;
}

Json tooling_json(const std::vector<VendorTooling>& tooling) {
  Json out = Json::array();
  for (const VendorTooling& vendor : tooling) {
    Json capabilities = Json::array();
    for (const ToolingRow& row : vendor.rows) {
      Json item = Json::object().set("capability", name_of(row.capability)).set("state", name_of(row.state));
      set_text(item, "what", row.what);
      set_text(item, "source", row.source);
      set_text(item, "date", row.date);
      capabilities.push(std::move(item));
    }
    Json item = Json::object().set("profile", vendor.profile->id).set("name", vendor.profile->name);
    item.set("because", vendor.because).set("capabilities", std::move(capabilities));
    out.push(std::move(item));
  }
  return out;
}

// What cannot be said of a single file.
void note_software(const StackFiles& stacks, const std::vector<FoundTool>& tools,
                   const std::vector<VendorEvidence>& vendors, const std::vector<FoundLibrary>& libraries,
                   const std::vector<std::string>& card_profiles, std::vector<Finding>& findings) {
  if (stacks.is_cut_off)
    findings.push_back(
        make_finding(Severity::kNote, "probe.stack-cut-off",
                     "A stack has more files than are looked at: what is missing here may be there."));
  for (const FoundTool& tool : tools) {
    if (tool.is_ambiguous)
      findings.push_back(
          make_finding(Severity::kNote, "probe.tool-ambiguous",
                       fmt::format("Several vendors have a program named {}, and nothing tells whose {} is.",
                                   tool.name, printable(tool.path)),
                       Json::object().set("path", printable(tool.path))));
  }
  for (const VendorEvidence& vendor : vendors) {
    const bool has_card = std::ranges::find(card_profiles, vendor.profile->id) != card_profiles.end();
    const bool has_library = std::ranges::any_of(libraries, [&](const FoundLibrary& library) {
      return library.profile == vendor.profile && !library.machine.empty();
    });
    if (has_card && !has_library)
      findings.push_back(make_finding(
          Severity::kNote, "probe.no-runtime",
          fmt::format(
              "There is a card of {} and no library of it where the loader and this probe look: the stack is "
              "not installed here, or lies in a container or in a folder of its own (LD_LIBRARY_PATH).",
              vendor.profile->name),
          Json::object().set("profile", vendor.profile->id)));
  }
}

// The machine of another root's programs, which need not be this one's; "" if none of them tells.
std::string machine_of(const HostTree& tree, const HostRoots& roots) {
  if (roots.is_this_machine()) return own_machine();
  for (const char* path : {"/bin/sh", "/usr/bin/env", "/sbin/ldconfig", "/lib64/ld-linux-x86-64.so.2",
                           "/lib/ld-linux-aarch64.so.1"}) {
    const Result<FileDescriptor> fd = tree.open(path);
    if (!fd) continue;
    const Result<ElfFacts> facts = read_elf(fd->get(), path, 0);
    if (facts) return facts->machine;
  }
  return "";
}

}  // namespace

void add_software(const SoftwarePlaces& places, const ProfileCatalogue& profiles, Json& host,
                  std::vector<Finding>& findings) {
  const HostTree tree(places.roots.root);
  const bool is_here = places.roots.is_this_machine();
  std::vector<std::string> card_profiles;
  for (const Json& card : host["accelerators"].items()) {
    const bool is_part_of_card = card.find("physical_function") != nullptr;
    if (!is_part_of_card) card_profiles.push_back(card["profile"].as_string());
  }

  const StackFiles stacks = find_stack_files(tree, profiles);
  const FoundLibraries libraries = find_libraries(
      tree, profiles, stacks, is_here ? places.ld_library_path : "", machine_of(tree, places.roots));
  const std::vector<VendorEvidence> vendors =
      vendors_here(tree, places.roots.sysfs, profiles, card_profiles, stacks, libraries.libraries);
  std::vector<const VendorProfile*> here;
  for (const VendorEvidence& vendor : vendors) here.push_back(vendor.profile);
  std::vector<FoundTool> tools = find_tools(tree, profiles, stacks, is_here ? places.path : "", here);
  PythonPlaces python_places;
  python_places.interpreters = places.interpreters;
  if (is_here) {
    python_places.path = places.path;
    python_places.environments = places.environments;
  }
  const std::vector<PythonEnvironment> pythons = find_python(tree, profiles, python_places);
  findings.insert(findings.end(), libraries.findings.begin(), libraries.findings.end());
  VendorAnswers answers;
  if (places.run_vendor_code && is_here) answers = ask_vendors(tools, pythons, places.child_environment);
  ContainerParts parts = find_containers(tree, profiles, tools);
  note_software(stacks, tools, vendors, libraries.libraries, card_profiles, findings);
  for (auto* more : {&answers.findings, &parts.findings})
    findings.insert(findings.end(), more->begin(), more->end());

  host.set("runtimes", runtimes_json(libraries.libraries)).set("stacks", stacks_json(stacks));
  host.set("tools", tools_json(tools)).set("python", python_json(pythons, answers.python));
  host.set("containers", parts_json(parts.containers)).set("kubernetes", parts_json(parts.kubernetes));
  host.set("tooling", tooling_json(make_tooling(vendors, libraries.libraries, tools, parts)));
}

}  // namespace assay
