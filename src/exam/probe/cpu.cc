// Reading /proc/cpuinfo; see cpu.h.
#include "exam/probe/cpu.h"

#include <algorithm>

namespace assay {
namespace {

constexpr const char* kRelevant[] = {"sse4_2",      "avx",         "f16c",     "fma",      "avx2",
                                     "avx_vnni",    "avx512f",     "avx512bw", "avx512vl", "avx512_vnni",
                                     "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
                                     "amx_fp16",  // x86
                                     "asimd",       "asimdhp",     "asimddp",  "i8mm",     "bf16",
                                     "sve",         "sve2",        "svei8mm",  "svebf16",  "sme"};  // Arm

std::string implementer_name(std::string_view code) {
  if (code == "0x41") return "Arm";
  if (code == "0x48") return "HiSilicon";
  if (code == "0x4e") return "NVIDIA";
  if (code == "0x70") return "Phytium";
  if (code == "0xc0") return "Ampere";
  return "implementer " + printable(code, 10);
}

void take_field(std::string_view key, std::string_view value, CpuInfo& info) {
  if (key == "model name" || key == "Model Name") info.model = printable(value, 100);
  if (key == "vendor_id") info.vendor = printable(value, 40);
  if (key == "CPU implementer") info.vendor = implementer_name(value);
  if (key == "cpu family") info.family = parse_integer(value).value_or(0);
  if (key == "model") info.model_number = parse_integer(value).value_or(0);
  if (key == "cpu MHz") info.current_mhz = parse_number(value).value_or(0);
  if (key != "flags" && key != "Features") return;
  for (const std::string_view flag : split(value, ' ')) {
    if (!flag.empty()) info.flags.emplace_back(flag);
  }
}

}  // namespace

bool CpuInfo::has(std::string_view flag) const {
  return std::ranges::find(flags, flag) != flags.end();
}

std::vector<std::string> CpuInfo::relevant_isa() const {
  std::vector<std::string> isa;
  for (const char* flag : kRelevant) {
    if (has(flag)) isa.emplace_back(flag);
  }
  return isa;
}

CpuInfo parse_cpuinfo(std::string_view text) {
  CpuInfo info;
  for (const std::string_view line : split(text, '\n')) {
    if (trim(line).empty() && !info.flags.empty()) break;  // the first processor speaks for all
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    take_field(trim(line.substr(0, colon)), trim(line.substr(colon + 1)), info);
  }
  return info;
}

}  // namespace assay
