// What instruction sets can do in a cycle, and the clock; see peak.h. Sources: the vendors' optimisation
// manuals (Intel 248966, AMD 57647 for Zen 4 and 58455 for Zen 5, Arm's Neoverse software optimisation
// guides).
#include "exam/roofline/peak.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

// Vector units for 32-bit floats: how many, how wide, and FLOP for each lane and cycle.
struct VectorUnits {
  double units = 0;
  int bits = 0;
  double flop_per_lane = 2;  // a fused multiply-add
  const char* words = "";
  double flop_per_cycle() const { return units * bits / 32 * flop_per_lane; }
};

bool is_zen4(const CpuInfo& cpu) {
  return cpu.vendor == "AuthenticAMD" && cpu.family == 25;
}

std::optional<VectorUnits> vector_units(const CpuInfo& cpu) {
  if (cpu.has("avx512f") && is_zen4(cpu))
    return VectorUnits{2, 256, 2, "256-bit FMA (AVX-512 in two passes, Zen 4)"};
  if (cpu.has("avx512f")) return VectorUnits{2, 512, 2, "512-bit FMA (AVX-512; some models have one)"};
  if (cpu.has("avx2") && cpu.has("fma")) return VectorUnits{2, 256, 2, "256-bit FMA (AVX2)"};
  if (cpu.has("avx")) return VectorUnits{2, 256, 1, "256-bit add and multiply (AVX)"};
  if (cpu.has("sse4_2")) return VectorUnits{2, 128, 1, "128-bit add and multiply (SSE)"};
  if (cpu.has("asimd")) return VectorUnits{4, 128, 2, "128-bit FMA (NEON or SVE; smaller cores have two)"};
  return std::nullopt;
}

// How much faster than f32 the vector units are with a type, and why.
struct Factor {
  double factor = 1;
  const char* words = "";
};

Factor factor_of(const CpuInfo& cpu, std::string_view dtype) {
  if (dtype == "f32") return {};
  if (dtype == "f16") {
    if (cpu.has("avx512_fp16") || cpu.has("asimdhp")) return {2, "half-precision arithmetic"};
    return {1, "computed in f32"};
  }
  if (dtype == "bf16") {
    if (cpu.has("avx512_bf16") || cpu.has("bf16")) return {2, "bf16 dot products"};
    return {1, "computed in f32"};
  }
  if (cpu.has("i8mm")) return {8, "8-bit matrix products"};
  if (cpu.has("avx512_vnni") || cpu.has("avx_vnni") || cpu.has("asimddp")) return {4, "8-bit dot products"};
  if (cpu.has("avx2")) return {2, "8-bit multiplications and additions to pairs"};
  return {1, "computed in f32"};
}

// Intel's AMX: 16 rows × 16 columns × 32 (bf16) or 64 (int8) products in 16 cycles.
std::optional<CyclePeak> tile_peak(const CpuInfo& cpu, std::string_view dtype) {
  if (dtype == "f32") return std::nullopt;
  const bool is_half = dtype == "f16" || dtype == "bf16";
  if (is_half && !cpu.has(dtype == "bf16" ? "amx_bf16" : "amx_fp16")) return std::nullopt;
  if (!is_half && !cpu.has("amx_int8")) return std::nullopt;
  const double flop = is_half ? 1024 : 2048;
  return CyclePeak{flop, fmt::format("AMX tiles: {} a cycle", flop)};
}

#if defined(__x86_64__)
// 16 dependent additions a pass.
void dependent_additions(int64_t passes) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < passes; ++i) {
    asm volatile(
        "add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n"
        "add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n"
        : "+r"(sum));
  }
}
#elif defined(__aarch64__)
void dependent_additions(int64_t passes) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < passes; ++i) {
    asm volatile(
        "add %0, %0, #1\n add %0, %0, #1\n add %0, %0, #1\n add %0, %0, #1\n"
        "add %0, %0, #1\n add %0, %0, #1\n add %0, %0, #1\n add %0, %0, #1\n"
        "add %0, %0, #1\n add %0, %0, #1\n add %0, %0, #1\n add %0, %0, #1\n"
        "add %0, %0, #1\n add %0, %0, #1\n add %0, %0, #1\n add %0, %0, #1\n"
        : "+r"(sum));
  }
}
#else
void dependent_additions(int64_t) {}
#endif

}  // namespace

std::optional<CyclePeak> cycle_peak(const CpuInfo& cpu, std::string_view dtype) {
  if (auto tiles = tile_peak(cpu, dtype)) return tiles;
  const auto vector = vector_units(cpu);
  if (!vector) return std::nullopt;
  const Factor factor = factor_of(cpu, dtype);
  CyclePeak peak;
  peak.flop_per_cycle = vector->flop_per_cycle() * factor.factor;
  peak.words = fmt::format("{} units of {}: {}·{}·{} FLOP f32 a cycle", vector->units, vector->words,
                           vector->units, vector->bits / 32, vector->flop_per_lane);
  if (*factor.words != '\0')
    peak.words += fmt::format(", × {} for {} ({})", factor.factor, dtype, factor.words);
  return peak;
}

double measured_clock_ghz(Clock& clock) {
#if defined(__x86_64__) || defined(__aarch64__)
  constexpr int64_t kPasses = 50'000;  // 800,000 cycles: a quarter of a millisecond
  constexpr int kWindows = 120;
  double best = 0;
  for (int i = 0; i < kWindows; ++i) {
    const Nanos begin = clock.now();
    dependent_additions(kPasses);
    const Nanos took = clock.now() - begin;
    if (took.count > 0) best = std::max(best, 16.0 * kPasses / static_cast<double>(took.count));
  }
  return best;
#else
  (void)clock;
  return 0;
#endif
}

}  // namespace assay
