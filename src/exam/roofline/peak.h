// The theoretical peak of a CPU: cores × FLOP a cycle × clock, each named. An upper bound: units that the
// model of CPU may lack are counted, and the clock of one core, which drops when all compute.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/base.h"
#include "exam/probe/cpu.h"
#include "os/os.h"

namespace assay {

struct CyclePeak {
  double flop_per_cycle = 0;  // of one core; for quantised types operations of the integer units count
  std::string words;          // "2 × 256-bit FMA units (AVX-512 in two passes, Zen 4): 2·8·2"
};

// Nothing for a CPU whose instruction sets are not known here. `dtype`: a ggml type's name.
std::optional<CyclePeak> cycle_peak(const CpuInfo& cpu, std::string_view dtype);

// The clock of the core this runs on, in GHz: a chain of dependent integer additions takes one cycle each on
// every CPU of the last decades. The best of several short windows, so that being interrupted does not count.
// 0 where there is no such chain for this architecture. Takes about 30 ms.
double measured_clock_ghz(Clock& clock);

}  // namespace assay
