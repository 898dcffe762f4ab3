// The processor as the kernel describes it: names, instruction sets, and what they allow in a cycle.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

struct CpuInfo {
  std::string model;   // "AMD EPYC"; printable
  std::string vendor;  // "AuthenticAMD", "ARM" …
  int64_t family = 0, model_number = 0;
  std::vector<std::string> flags;  // all of them
  double current_mhz = 0;          // of the first processor, as the kernel says; 0: it does not

  bool has(std::string_view flag) const;
  // Those that matter to matrix arithmetic: "avx2", "avx512_vnni", "amx_bf16" …
  std::vector<std::string> relevant_isa() const;
};

// The text of /proc/cpuinfo, of x86 or Arm. Whatever is missing stays empty.
CpuInfo parse_cpuinfo(std::string_view text);

}  // namespace assay
