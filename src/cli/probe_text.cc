// Processor, memory, system and the engine's devices as text, and all parts together; see probe_text.h.
#include "cli/probe_text.h"

#include <fmt/format.h>

namespace assay {
namespace {

constexpr const char* kUnknown = "— unknown";

std::string known(const Json& text) {
  return text.as_string().empty() ? kUnknown : text.as_string();
}

std::string joined(const Json& texts) {
  std::string out;
  for (const Json& text : texts.items()) out += fmt::format("{}{}", out.empty() ? "" : " ", text.as_string());
  return out.empty() ? kUnknown : out;
}

std::string clock_text(const Json& cpu) {
  std::string out;
  for (const auto& [key, words] :
       {std::pair{"base_mhz", "base"}, {"max_mhz", "at most"}, {"current_mhz", "now"}}) {
    if (const Json* mhz = cpu.find(key)) {
      out += fmt::format("{}{} MHz {}", out.empty() ? "" : ", ", format_number(mhz->as_number(), 4), words);
    }
  }
  return out.empty() ? kUnknown : out;
}

std::string cores_text(const Json& cpu) {
  if (cpu.find("cores") == nullptr) return kUnknown;
  return fmt::format("{}, {}, {}", counted(cpu["cores"].as_integer(), "core"),
                     counted(cpu["threads"].as_integer(), "thread"),
                     counted(cpu["packages"].as_integer(), "package"));
}

std::string cpu_text(const Json& cpu) {
  std::string out = "Processor\n";
  out += probe_fact(
      "model", known(cpu["model"]) + (cpu["virtual_machine"].as_bool() ? " (in a virtual machine)" : ""));
  out += probe_fact("cores", cores_text(cpu));
  out += probe_fact("clock", clock_text(cpu));
  out += probe_fact("instructions", joined(cpu["isa"]));
  for (const Json& cache : cpu["caches"].items()) {
    out += probe_fact(
        fmt::format("L{} {}", cache["level"].as_integer(), cache["kind"].as_string()),
        fmt::format("{} × {}", cache["count"].as_integer(), format_bytes(cache["size_bytes"].as_integer())));
  }
  if (const Json* nodes = cpu.find("numa_nodes"))
    out += probe_fact("NUMA nodes", fmt::format("{}", nodes->as_integer()));
  return out;
}

std::string memory_text(const Json& memory) {
  std::string out = "\nMemory\n";
  for (const auto& [label, key] : {std::pair{"total", "total_bytes"}, {"available", "available_bytes"}}) {
    const Json* bytes = memory.find(key);
    out += probe_fact(label, bytes == nullptr ? kUnknown : format_bytes(bytes->as_integer()));
  }
  if (const Json* limit = memory.find("cgroup_limit_bytes"))
    out += probe_fact("limit", format_bytes(limit->as_integer()));
  return out;
}

std::string system_text(const Json& host) {
  std::string out = "\nSystem\n";
  out += probe_fact("distribution", known(host["system"]["distribution"]));
  out += probe_fact("kernel", known(host["system"]["kernel"]));
  if (host.find("engine") == nullptr) return out;
  const std::string version = host["engine"]["version"].as_string();
  out += probe_fact("engine", version.empty() ? kUnknown : fmt::format("llama.cpp {}", version));
  return out;
}

std::string devices_text(const Json& host) {
  if (host.find("devices") == nullptr) return "";
  std::string out = fmt::format("\nDevices of the engine\n  {:<12}{:<6}{:>12}{:>18}  {}\n", "name", "type",
                                "memory", "f16 matmul", "description");
  for (const Json& device : host["devices"].items()) {
    const Json* speed = device.find("matmul_gflop_per_s");
    out += fmt::format("  {:<12}{:<6}{:>12}{:>18}  {}\n", device["name"].as_string(),
                       lower(device["type"].as_string()), format_bytes(device["memory_bytes"].as_integer()),
                       speed == nullptr ? "not measured" : format_number(speed->as_number()) + " GFLOP/s",
                       device["description"].as_string());
  }
  if (host["devices"].items().empty()) out += "  none\n";
  for (const Json& note : host["devices_notes"].items()) out += fmt::format("  ⚠ {}\n", note.as_string());
  if (const Json* error = host.find("devices_error")) out += fmt::format("  ⚠ {}\n", error->as_string());
  return out;
}

}  // namespace

std::string probe_fact(std::string_view label, const std::string& value) {
  return fmt::format("  {:<16}{}\n", label, value);
}

std::string host_text(const Json& host) {
  return cpu_text(host["cpu"]) + memory_text(host["memory"]) + system_text(host) + hardware_text(host) +
         devices_text(host) + software_text(host) + probe_findings_text(host);
}

}  // namespace assay
