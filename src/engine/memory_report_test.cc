// What is read from the engine's log, and that nonsense in it counts for nothing.
#include "engine/memory_report.h"

#include <gtest/gtest.h>

namespace assay::memory_report_test {

constexpr int64_t kMebibyte = 1 << 20;

TEST(MemoryReport, AddsUpCachesAndBuffers) {
  const MemoryReport report = read_memory_lines(
      "llama_context:        CPU  output buffer size =     0.50 MiB\n"
      "llama_kv_cache:        CPU KV buffer size =     0.00 MiB\n"
      "llama_kv_cache: size =   90.00 MiB (  4096 cells,  30 layers,  1/1 seqs), K (f16):   45.00 MiB, V "
      "(f16):   45.00 MiB\n"
      "llama_kv_cache: size =   10.00 MiB (  1024 cells,  10 layers,  1/1 seqs), K (f16):    5.00 MiB, V "
      "(f16):    5.00 MiB\n"
      "sched_reserve:        CPU compute buffer size =    97.12 MiB\n");
  EXPECT_EQ(report.kv_bytes, 100 * kMebibyte);
  EXPECT_EQ(report.compute_bytes, 101837701 + kMebibyte / 2);
  EXPECT_EQ(report.weights_bytes, 0);
}

TEST(MemoryReport, TakesNothingFromNonsense) {
  EXPECT_EQ(read_memory_lines("").total(), 0);
  EXPECT_EQ(
      read_memory_lines("compute buffer size = -5 MiB\ncompute buffer size = nan MiB\ncells, size = MiB")
          .total(),
      0);
  EXPECT_EQ(read_memory_lines("compute buffer size = 1e300 MiB").total(), 0);
}

}  // namespace assay::memory_report_test
