// probe_host: the description of this host that a run keeps. Files of /proc and /sys, hwloc, and the ggml
// devices as the worker sees them.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "exam/exam.h"
#include "exam/probe/cpu.h"
#include "exam/probe/topology.h"

namespace assay {
namespace {

constexpr int64_t kMaxFileBytes = 16 << 20;  // /proc/cpuinfo of a machine with thousands of processors
constexpr Nanos kDevicesTimeout = nanos_from_seconds(60);
constexpr size_t kMostNotes = 20, kMostNoteBytes = 1000;

std::string read_or_empty(const std::string& path) {
  return read_file(path, kMaxFileBytes).value_or("");
}

// The clock from sysfs in MHz; nothing where there is no frequency driver, as in most virtual machines.
std::optional<double> frequency_mhz(const char* name) {
  const std::string text = read_or_empty(fmt::format("/sys/devices/system/cpu/cpu0/cpufreq/{}", name));
  const auto khz = parse_number(trim(text));
  if (!khz) return std::nullopt;
  return *khz / 1000;
}

Json cpu_json() {
  const CpuInfo cpu = parse_cpuinfo(read_or_empty("/proc/cpuinfo"));
  Json json = Json::object();
  json.set("model", cpu.model.empty() ? cpu.vendor + " CPU" : cpu.model).set("vendor", cpu.vendor);
  if (const auto topology = read_topology()) {
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
  Json isa = Json::array();
  for (const std::string& flag : cpu.relevant_isa()) isa.push(flag);
  json.set("isa", std::move(isa));
  if (cpu.current_mhz > 0) json.set("current_mhz", cpu.current_mhz);
  if (const auto base = frequency_mhz("base_frequency")) json.set("base_mhz", *base);
  if (const auto maximum = frequency_mhz("cpuinfo_max_freq")) json.set("max_mhz", *maximum);
  const std::string governor(trim(read_or_empty("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")));
  if (!governor.empty()) json.set("governor", printable(governor, 40));
  if (cpu.has("hypervisor")) json.set("virtual_machine", true);
  return json;
}

// "MemTotal:       24563400 kB" of /proc/meminfo.
int64_t meminfo_bytes(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with(key)) continue;
    std::string_view value = trim(line.substr(key.size()));
    if (value.ends_with(" kB")) value.remove_suffix(3);
    return parse_integer(trim(value)).value_or(0) * 1024;
  }
  return 0;
}

Json memory_json() {
  const std::string text = read_or_empty("/proc/meminfo");
  Json json = Json::object();
  json.set("total_bytes", meminfo_bytes(text, "MemTotal:"));
  json.set("available_bytes", meminfo_bytes(text, "MemAvailable:"));
  json.set("swap_bytes", meminfo_bytes(text, "SwapTotal:"));
  if (const auto limit = parse_integer(trim(read_or_empty("/sys/fs/cgroup/memory.max")))) {
    json.set("cgroup_limit_bytes", *limit);
  }
  return json;
}

// PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" of /etc/os-release.
std::string distribution() {
  const std::string text = read_or_empty("/etc/os-release");
  constexpr std::string_view kKey = "PRETTY_NAME=";
  for (std::string_view line : split(text, '\n')) {
    if (!line.starts_with(kKey)) continue;
    line.remove_prefix(kKey.size());
    if (line.size() >= 2 && line.front() == '"') line = line.substr(1, line.size() - 2);
    return printable(line, 100);
  }
  return "";
}

Json system_json() {
  Json json = Json::object();
  json.set("kernel", printable(trim(read_or_empty("/proc/sys/kernel/osrelease")), 100));
  json.set("distribution", distribution());
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

}  // namespace

Json probe_host(const WorkerCommand& worker, Clock& clock, bool measure_speed,
                const std::function<bool()>& interrupted) {
  Devices devices = ask_worker(worker, clock, measure_speed, interrupted);
  if (!devices.error.empty() && measure_speed) {
    // A device that cannot compute must not hide that it and the others are there.
    Devices again = ask_worker(worker, clock, false, interrupted);
    if (again.list.items().size() > devices.list.items().size()) devices.list = std::move(again.list);
    if (devices.engine.members().empty()) devices.engine = std::move(again.engine);
  }
  Json host = Json::object();
  host.set("cpu", cpu_json()).set("memory", memory_json()).set("system", system_json());
  host.set("devices", std::move(devices.list)).set("engine", std::move(devices.engine));
  if (!devices.notes.items().empty()) host.set("devices_notes", std::move(devices.notes));
  if (!devices.error.empty()) host.set("devices_error", devices.error);
  return host;
}

InstrumentConditions instrument_conditions(const std::string& assay_version) {
  const Json cpu = cpu_json();
  return {.assay_version = assay_version,
          .kernel = system_json()["kernel"].as_string(),
          .cpu = printable(cpu["model"].as_string(), 200),
          .processors = std::max<int64_t>(std::thread::hardware_concurrency(), 1)};
}

}  // namespace assay
