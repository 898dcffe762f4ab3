// probe_host: the description of a host that a run keeps. Files of /proc and /sys, hwloc, the ggml devices as
// the worker sees them, and the hardware beside them.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "exam/exam.h"
#include "exam/probe/cpu.h"
#include "exam/probe/hardware.h"
#include "exam/probe/software.h"
#include "exam/probe/topology.h"

namespace assay {
namespace {

constexpr int64_t kMaxFileBytes = 16 << 20;  // /proc/cpuinfo of a machine with thousands of processors
constexpr Nanos kDevicesTimeout = nanos_from_seconds(60);
constexpr size_t kMostNotes = 20, kMostNoteBytes = 1000;

// A file of the host; never a pipe, nor what a link of another host leads to on this one.
std::string host_text_of(const HostRoots& roots, std::string_view path) {
  return HostTree(roots.root).head(path, kMaxFileBytes).value_or("");
}

std::string sysfs_text_of(const HostRoots& roots, std::string_view path) {
  return read_regular_file(fmt::format("{}/{}", roots.sysfs, path), kMaxFileBytes).value_or("");
}

// The clock from sysfs in MHz; nothing where there is no frequency driver, as in most virtual machines.
std::optional<double> frequency_mhz(const HostRoots& roots, const char* name) {
  const std::string text = sysfs_text_of(roots, fmt::format("devices/system/cpu/cpu0/cpufreq/{}", name));
  const auto khz = parse_number(trim(text));
  if (!khz) return std::nullopt;
  return *khz / 1000;
}

// hwloc sees this machine only.
void add_topology(Json& json) {
  const auto topology = read_topology();
  if (!topology) return;
  json.set("packages", topology->packages).set("cores", topology->cores).set("threads", topology->threads);
  json.set("numa_nodes", topology->numa_nodes);
  Json caches = Json::array();
  for (const CacheLevel& cache : topology->caches) {
    Json item = Json::object();
    item.set("level", cache.level).set("kind", cache.kind).set("size_bytes", cache.size_bytes);
    caches.push(std::move(item.set("count", cache.count)));
  }
  json.set("caches", std::move(caches));
}

Json cpu_json(const HostRoots& roots) {
  const CpuInfo cpu = parse_cpuinfo(host_text_of(roots, "/proc/cpuinfo"));
  Json json = Json::object();
  const std::string model = cpu.model.empty() && !cpu.vendor.empty() ? cpu.vendor + " CPU" : cpu.model;
  if (!model.empty()) json.set("model", model);
  if (!cpu.vendor.empty()) json.set("vendor", cpu.vendor);
  if (roots.is_this_machine()) add_topology(json);
  Json isa = Json::array();
  for (const std::string& flag : cpu.relevant_isa()) isa.push(flag);
  json.set("isa", std::move(isa));
  if (cpu.current_mhz > 0) json.set("current_mhz", cpu.current_mhz);
  if (const auto base = frequency_mhz(roots, "base_frequency")) json.set("base_mhz", *base);
  if (const auto maximum = frequency_mhz(roots, "cpuinfo_max_freq")) json.set("max_mhz", *maximum);
  const std::string governor(trim(sysfs_text_of(roots, "devices/system/cpu/cpu0/cpufreq/scaling_governor")));
  if (!governor.empty()) json.set("governor", printable(governor, 40));
  if (cpu.has("hypervisor")) json.set("virtual_machine", true);
  return json;
}

// "MemTotal:       24563400 kB" of /proc/meminfo.
std::optional<int64_t> meminfo_bytes(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with(key)) continue;
    std::string_view value = trim(line.substr(key.size()));
    if (value.ends_with(" kB")) value.remove_suffix(3);
    const std::optional<int64_t> kib = parse_integer(trim(value));
    if (!kib || *kib < 0 || *kib > INT64_MAX / 1024) return std::nullopt;
    return *kib * 1024;
  }
  return std::nullopt;
}

Json memory_json(const HostRoots& roots) {
  const std::string text = host_text_of(roots, "/proc/meminfo");
  Json json = Json::object();
  for (const auto& [member, key] : {std::pair{"total_bytes", "MemTotal:"},
                                    {"available_bytes", "MemAvailable:"},
                                    {"swap_bytes", "SwapTotal:"}}) {
    if (const std::optional<int64_t> bytes = meminfo_bytes(text, key)) json.set(member, *bytes);
  }
  if (const auto limit = parse_integer(trim(sysfs_text_of(roots, "fs/cgroup/memory.max")))) {
    json.set("cgroup_limit_bytes", *limit);
  }
  return json;
}

// PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" of /etc/os-release.
std::string distribution(const HostRoots& roots) {
  const std::string text = host_text_of(roots, "/etc/os-release");
  constexpr std::string_view kKey = "PRETTY_NAME=";
  for (std::string_view line : split(text, '\n')) {
    if (!line.starts_with(kKey)) continue;
    line.remove_prefix(kKey.size());
    if (line.size() >= 2 && line.front() == '"') line = line.substr(1, line.size() - 2);
    return printable(line, 100);
  }
  return "";
}

Json system_json(const HostRoots& roots) {
  Json json = Json::object();
  const std::string kernel = printable(trim(host_text_of(roots, "/proc/sys/kernel/osrelease")), 100);
  if (!kernel.empty()) json.set("kernel", kernel);
  if (std::string name = distribution(roots); !name.empty()) json.set("distribution", std::move(name));
  return json;
}

// What the worker told: one line for the engine, one a device.
struct Devices {
  Json engine = Json::object();
  Json list = Json::array();
  Json notes = Json::array();
  std::string error;
};

Devices ask_worker(const WorkerCommand& worker, Clock& clock, bool measure_speed,
                   const std::function<bool()>& interrupted) {
  Devices devices;
  const auto on_line = [&](const Json& line) {
    if (const Json* engine = line.find("engine")) devices.engine = *engine;
    if (const Json* device = line.find("device")) devices.list.push(*device);
    if (line["type"].as_string() == "finding" && devices.notes.items().size() < kMostNotes)
      devices.notes.push(printable(line["text"].as_string(), kMostNoteBytes));
  };
  const Json job = Json::object().set("job", "devices").set("measure_speed", measure_speed);
  const WorkerJobEnd ended = run_worker_job(worker, job, clock, clock.now() + kDevicesTimeout,
                                            kDevicesTimeout, on_line, interrupted);
  if (ended.cause == EndCause::kRefused) {
    devices.error = ended.error.what;
  } else if (!ended.done()) {
    devices.error = ended.error.message();
  }
  return devices;
}

Devices find_devices(const HostProbe& probe, Clock& clock, const std::function<bool()>& interrupted) {
  Devices devices = ask_worker(probe.worker, clock, probe.measure_speed, interrupted);
  if (devices.error.empty() || !probe.measure_speed) return devices;
  // A device that cannot compute must not hide that it and the others are there.
  Devices again = ask_worker(probe.worker, clock, false, interrupted);
  if (again.list.items().size() > devices.list.items().size()) devices.list = std::move(again.list);
  if (devices.engine.members().empty()) devices.engine = std::move(again.engine);
  return devices;
}

// Behind those that are there already.
void add_findings(const std::vector<Finding>& findings, Json& host) {
  Json json = host["probe_findings"];
  if (json.is_null()) json = Json::array();
  for (const Finding& finding : findings) {
    Json item = Json::object();
    item.set("severity", name_of(finding.severity)).set("code", finding.code).set("text", finding.text);
    json.push(item.set("evidence", finding.evidence));
  }
  host.set("probe_findings", std::move(json));
}

}  // namespace

Json probe_engine(const HostProbe& probe, Clock& clock, const std::function<bool()>& interrupted) {
  const HostRoots& roots = probe.roots;
  Json host = Json::object();
  host.set("cpu", cpu_json(roots)).set("memory", memory_json(roots)).set("system", system_json(roots));
  if (!roots.is_this_machine() || !probe.asks_engine) return host;
  Devices devices = find_devices(probe, clock, interrupted);
  host.set("devices", std::move(devices.list)).set("engine", std::move(devices.engine));
  if (!devices.notes.items().empty()) host.set("devices_notes", std::move(devices.notes));
  if (!devices.error.empty()) host.set("devices_error", devices.error);
  return host;
}

Json probe_host(const HostProbe& probe, Clock& clock, const std::function<bool()>& interrupted) {
  // What takes its time is begun first and asked for last: all of it runs side by side.
  HardwareProbe hardware(probe);
  Json host = probe_engine(probe, clock, interrupted);
  hardware.add_cards(host);
  // While the children of the hardware run; it reads whose cards are here.
  std::vector<Finding> findings;
  const SoftwarePlaces software{.roots = probe.roots,
                                .path = probe.path,
                                .ld_library_path = probe.library_path,
                                .environments = probe.python_environments,
                                .interpreters = probe.pythons,
                                .run_vendor_code = probe.runs_vendor_code,
                                .child_environment = probe.child_environment};
  add_software(software, *probe.profiles, host, findings);
  hardware.finish(host, findings, interrupted);
  add_findings(findings, host);
  return host;
}

InstrumentConditions instrument_conditions(const std::string& assay_version) {
  const Json cpu = cpu_json(HostRoots());
  return {.assay_version = assay_version,
          .kernel = system_json(HostRoots())["kernel"].as_string(),
          .cpu = printable(cpu["model"].as_string(), 200),
          .processors = std::max<int64_t>(std::thread::hardware_concurrency(), 1)};
}

}  // namespace assay
