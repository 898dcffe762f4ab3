// Hardware and tooling of a made-up host; see sample_host.h.
#include "sample_host.h"

#include <string_view>

namespace assay {
namespace {

constexpr std::string_view kSampleHost = R"json({
"accelerators": [
 {"address": "0000:33:00.0", "vendor_id": "10de", "device_id": "20b0", "vendor": "NVIDIA Corporation", "device": "GA100 [A100 SXM4 40GB]",
  "profile": "nvidia", "driver": "nvidia", "driver_version": "550.54.15", "numa_node": 0, "iommu_group": 12,
  "link": {"speed_gt_per_s": 16, "lanes": 8, "most_speed_gt_per_s": 16, "most_lanes": 16, "claimed_speed_gt_per_s": 16, "claimed_lanes": 16}},
 {"address": "0000:61:00.0", "vendor_id": "1e3e", "device_id": "0002", "profile": "iluvatar", "driver": "iluvatar", "driver_version": "4.2.0",
  "numa_node": 1, "link": {"speed_gt_per_s": 16, "lanes": 16, "most_speed_gt_per_s": 16, "most_lanes": 16}},
 {"address": "0000:81:00.0", "vendor_id": "1234", "device_id": "0001"}],
"paths": [{"from": "0000:33:00.0", "to": "0000:61:00.0", "path": "SYS"}],
"management": [{"library": "libnvidia-ml.so.1", "path": "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.550.54.15", "profile": "nvidia",
  "driver_version": "550.54.15", "devices": [{"name": "NVIDIA A100-SXM4-40GB", "pci_address": "0000:33:00.0", "memory_bytes": 42949672960,
  "memory_used_bytes": 1073741824, "power_w": 61.2, "power_limit_w": 400, "temperature_c": 34, "sm_clock_mhz": 1095, "memory_clock_mhz": 1215,
  "ecc_mode": "on", "ecc_corrected": 0, "ecc_uncorrected": 0, "throttle_reasons": ["sw power cap"]}]},
 {"library": "libixml.so", "path": "/usr/local/corex-4.2.0/lib64/libixml.so", "profile": "iluvatar", "error": "it did not answer within 2.5 s"}],
"stacks": [{"profile": "nvidia", "name": "NVIDIA CUDA", "path": "/usr/local/cuda-12.4", "version": "12.4.1"},
 {"profile": "iluvatar", "name": "Iluvatar CoreX", "path": "/usr/local/corex-4.2.0", "version": "4.2.0"}],
"runtimes": [
 {"library": "libcuda.so", "path": "/usr/lib/x86_64-linux-gnu/libcuda.so.550.54.15", "version": "550.54.15", "profile": "nvidia", "role": "CUDA driver API", "machine": "x86-64"},
 {"library": "libcudart.so", "path": "/usr/local/corex-4.2.0/lib64/libcudart.so.10.2.89", "version": "10.2.89", "profile": "iluvatar", "role": "CUDA run-time",
  "clone_of": "NVIDIA CUDA", "clone_of_profile": "nvidia", "claims_version": "10.2.89", "because": "lies in /usr/local/corex-4.2.0 and asks for libixthunk.so", "machine": "x86-64"},
 {"library": "libOpenCL.so", "path": "/usr/lib/x86_64-linux-gnu/libOpenCL.so.1.0.0", "version": "1.0.0", "role": "OpenCL loader"}],
"tools": [],
"tooling": [{"profile": "iluvatar", "name": "Iluvatar CoreX", "because": "a card on PCI, the driver iluvatar, /usr/local/corex-4.2.0", "capabilities": [
  {"capability": "compiler", "state": "present", "what": "clang++ at /usr/local/corex-4.2.0/bin/clang++"},
  {"capability": "profiler", "state": "not here", "what": "ixsys, ixkn-cli", "source": "https://github.com/Deep-Spark/iluvatar-agent-skills", "date": "2026-11-30"},
  {"capability": "debugger", "state": "none", "what": "made up: nobody has said so", "source": "https://example.org/", "date": "2026-11-30"},
  {"capability": "collectives", "state": "unknown"}]}],
"python": [{"interpreter": "/usr/bin/python3", "version": "3.10.12", "packages": [{"name": "torch", "version": "2.4.1+corex.4.2.0", "profile": "iluvatar"},
  {"name": "vllm", "version": "0.6.3+corex.4.2.0", "profile": "iluvatar"}], "devices": [{"framework": "torch", "device": "cuda", "count": 4, "name": "Iluvatar BI-V150"}]},
 {"interpreter": "/opt/venv/bin/python3", "packages": [], "error": "importing torch ended with signal 11 (Segmentation fault)", "devices": []}],
"containers": [{"name": "docker's run-time iluvatar", "path": "/usr/local/bin/ix-container-runtime", "profile": "iluvatar"}],
"kubernetes": [{"name": "device plug-in iluvatar.com/gpu", "path": "/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint", "profile": "iluvatar", "devices": 4}],
"probe_findings": [{"severity": "note", "code": "probe.clone", "text": "9 libraries of Iluvatar CoreX bear the names of NVIDIA CUDA's: libcublas.so, libcuda.so, libcudart.so, libcudnn.so and 5 more. What finds NVIDIA CUDA here may have found these, which claim version 10.2."},
 {"severity": "doubtful", "code": "probe.link-narrow", "text": "0000:33:00.0 runs at 8 of 16 lanes."}]
})json";

// The same document with each of its texts changed; names of members stay, and what code reads by its value.
Json with_texts(const Json& json, std::string_view name,
                const std::function<std::string(std::string)>& text) {
  constexpr std::string_view kKept[] = {"state", "severity", "profile", "clone_of_profile", "path_kind"};
  if (json.is_string()) {
    for (const std::string_view kept : kKept) {
      if (name == kept) return json;
    }
    return text(json.as_string());
  }
  if (json.is_array()) {
    Json out = Json::array();
    for (const Json& item : json.items()) out.push(with_texts(item, name, text));
    return out;
  }
  if (!json.is_object()) return json;
  Json out = Json::object();
  for (const auto& [key, member] : json.members()) out.append_member(key, with_texts(member, key, text));
  return out;
}

}  // namespace

void add_sample_hardware(const std::function<std::string(std::string)>& text, Json& host) {
  const Result<Json> sample = Json::parse(kSampleHost, "sample host");
  CHECK(sample.has_value());
  for (const auto& [name, member] : sample->members())
    host.append_member(name, with_texts(member, name, text));
}

}  // namespace assay
