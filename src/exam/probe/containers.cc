// daemon.json, CDI specifications, and the kubelet's folder of device plug-ins; see containers.h.
#include "exam/probe/containers.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "exam/findings.h"

namespace assay {
namespace {

constexpr size_t kMostDaemonBytes = 1 << 20, kMostCdiBytes = 64 << 10, kMostCheckpointBytes = 8 << 20;
constexpr size_t kMostCdiFiles = 64, kMostSockets = 200, kMostRuntimes = 50, kMostKindBytes = 120;
constexpr const char* kPluginFolder = "/var/lib/kubelet/device-plugins";

// Whose a resource or a CDI kind is: "iluvatar.com/gpu".
const VendorProfile* vendor_of_resource(std::string_view resource, const ProfileCatalogue& profiles) {
  for (const VendorProfile& profile : profiles.profiles()) {
    const std::string& known = profile.kubernetes_resource;
    if (!known.empty() && matches_pattern(resource, known)) return &profile;
  }
  // The class of a kind may be another than that of the resource: the domain tells.
  const std::string_view domain = resource.substr(0, resource.find('/'));
  for (const VendorProfile& profile : profiles.profiles()) {
    const std::string_view known = profile.kubernetes_resource;
    if (!known.empty() && known.substr(0, known.find('/')) == domain) return &profile;
  }
  return nullptr;
}

const VendorProfile* vendor_of_program(std::string_view path, const ProfileCatalogue& profiles) {
  const std::string name = file_name(std::string(path));
  for (const VendorProfile& profile : profiles.profiles()) {
    const bool has_it =
        std::ranges::any_of(profile.tools, [&](const ProfileTool& tool) { return tool.name == name; });
    if (has_it) return profile.is_neutral ? nullptr : &profile;
  }
  return nullptr;
}

class ContainerSearch {
 public:
  ContainerSearch(const HostTree& tree, const ProfileCatalogue& profiles)
      : tree_(tree), profiles_(profiles) {}

  ContainerParts run(const std::vector<FoundTool>& tools) {
    for (const FoundTool& tool : tools) {
      const bool is_container = tool.capability == Capability::kContainerRuntime;
      if (!is_container && tool.capability != Capability::kKubernetesPlugin) continue;
      (is_container ? out_.containers : out_.kubernetes)
          .push_back({tool.name, tool.path, tool.version, tool.profile, -1});
    }
    read_daemon();
    for (const char* folder : {"/etc/cdi", "/var/run/cdi", "/run/cdi"}) read_cdi(folder);
    read_checkpoint();
    read_sockets();
    return std::move(out_);
  }

 private:
  void unreadable(const std::string& path, const std::string& what) {
    out_.findings.push_back(
        make_finding(Severity::kNote, "probe.file-unreadable",
                     fmt::format("{} could not be used: {}.", printable(path), printable(what)),
                     Json::object().set("path", printable(path))));
  }

  void read_daemon() {
    const std::string path = "/etc/docker/daemon.json";
    const std::optional<std::string> text = tree_.head(path, kMostDaemonBytes);
    if (!text || trim(*text).empty()) return;
    const Result<Json> daemon = Json::parse(*text, path);
    if (!daemon) return unreadable(path, daemon.error().what);
    for (const auto& [name, runtime] : (*daemon)["runtimes"].members()) {
      if (out_.containers.size() >= kMostRuntimes) break;
      const std::string program = printable(runtime["path"].as_string(), 300);
      out_.containers.push_back({fmt::format("docker's run-time {}", printable(name, 60)),
                                 program.empty() ? path : program, "", vendor_of_program(program, profiles_),
                                 -1});
    }
  }

  void read_cdi(const std::string& folder) {
    for (const HostEntry& entry : tree_.list(folder, kMostCdiFiles)) {
      if (!entry.name.ends_with(".json") && !entry.name.ends_with(".yaml") && !entry.name.ends_with(".yml"))
        continue;
      const std::string path = fmt::format("{}/{}", folder, entry.name);
      const std::optional<std::string> text = tree_.head(path, kMostCdiBytes);
      if (!text) {
        unreadable(path, "it is no file that this user may read");
        continue;
      }
      const std::string kind = cdi_kind(*text);
      if (kind.empty()) {
        unreadable(path, "it names no kind of devices");
        continue;
      }
      const bool is_double = std::ranges::any_of(out_.containers, [&](const ContainerPart& part) {
        return tree_.resolve(part.path) == tree_.resolve(path);
      });
      if (!is_double)
        out_.containers.push_back(
            {fmt::format("CDI devices {}", kind), path, "", vendor_of_resource(kind, profiles_), -1});
    }
  }

  // What has registered with the kubelet, which keeps it across its own restarts; for root's eyes, as a rule.
  void read_checkpoint() {
    const std::string path = fmt::format("{}/kubelet_internal_checkpoint", kPluginFolder);
    const std::optional<std::string> text = tree_.head(path, kMostCheckpointBytes);
    if (!text || text->empty()) return;
    const Result<Json> checkpoint = Json::parse(*text, path);
    if (!checkpoint) return unreadable(path, checkpoint.error().what);
    for (const auto& [resource, devices] : (*checkpoint)["Data"]["RegisteredDevices"].members()) {
      if (out_.kubernetes.size() >= kMostRuntimes) break;
      out_.kubernetes.push_back({fmt::format("device plug-in {}", printable(resource, 100)), path, "",
                                 vendor_of_resource(resource, profiles_),
                                 static_cast<int64_t>(devices.items().size())});
    }
  }

  void read_sockets() {
    for (const HostEntry& entry : tree_.list(kPluginFolder, kMostSockets)) {
      if (entry.kind != EntryKind::kSocket || entry.name == "kubelet.sock") continue;
      const VendorProfile* profile = nullptr;
      for (const VendorProfile& each : profiles_.profiles()) {
        for (const std::string& pattern : each.plugin_sockets) {
          if (matches_pattern(entry.name, pattern)) profile = &each;
        }
      }
      const std::string path = fmt::format("{}/{}", kPluginFolder, printable(entry.name, 100));
      const auto known = std::ranges::find_if(out_.kubernetes, [&](const ContainerPart& part) {
        return profile != nullptr && part.profile == profile && part.name.starts_with("device plug-in");
      });
      if (known != out_.kubernetes.end()) {
        known->path = path;
        continue;
      }
      out_.kubernetes.push_back(
          {fmt::format("device plug-in {}", printable(entry.name, 100)), path, "", profile, -1});
    }
  }

  const HostTree& tree_;
  const ProfileCatalogue& profiles_;
  ContainerParts out_;
};

}  // namespace

std::string cdi_kind(std::string_view text) {
  for (std::string_view line : split(text, '\n')) {
    // In JSON it may stand in the midst of a line.
    size_t at = line.find("kind");
    if (at == std::string_view::npos) continue;
    if (at > 0 && line[at - 1] != '"' && line[at - 1] != ' ' && line[at - 1] != ',' && line[at - 1] != '{')
      continue;
    line = line.substr(at + 4);
    if (line.starts_with('"')) line.remove_prefix(1);
    line = trim(line);
    if (!line.starts_with(':')) continue;
    line = trim(line.substr(1));
    if (line.starts_with('"') || line.starts_with('\'')) line.remove_prefix(1);
    const std::string kind(line.substr(0, line.find_first_of("\"',} \t\r#")));
    if (kind.find('/') != std::string::npos && kind.size() <= kMostKindBytes)
      return printable(kind, kMostKindBytes);
  }
  return "";
}

ContainerParts find_containers(const HostTree& tree, const ProfileCatalogue& profiles,
                               const std::vector<FoundTool>& tools) {
  return ContainerSearch(tree, profiles).run(tools);
}

}  // namespace assay
