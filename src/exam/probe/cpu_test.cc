// Stories about reading /proc/cpuinfo of several kinds of machine, and about this one.
#include "exam/probe/cpu.h"

#include <gtest/gtest.h>

#include "exam/probe/topology.h"

namespace assay::cpu_test {

TEST(Cpu, AnX86ProcessorTellsNameFamilyAndInstructionSets) {
  const CpuInfo cpu = parse_cpuinfo(
      "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9354\n"
      "cpu MHz\t\t: 2596.130\nflags\t\t: fpu sse4_2 avx2 fma avx512f avx512_vnni\n\n"
      "processor\t: 1\nmodel name\t: another\nflags\t\t: other\n");
  EXPECT_EQ(cpu.model, "AMD EPYC 9354");
  EXPECT_EQ(cpu.family, 25);
  EXPECT_EQ(cpu.model_number, 17);
  EXPECT_DOUBLE_EQ(cpu.current_mhz, 2596.130);
  EXPECT_TRUE(cpu.has("avx512f"));
  EXPECT_FALSE(cpu.has("other"));
  EXPECT_EQ(cpu.relevant_isa(),
            (std::vector<std::string>{"sse4_2", "fma", "avx2", "avx512f", "avx512_vnni"}));
}

TEST(Cpu, AnArmProcessorHasFeaturesAndAnImplementer) {
  const CpuInfo cpu = parse_cpuinfo(
      "processor\t: 0\nBogoMIPS\t: 200.00\nFeatures\t: fp asimd asimddp i8mm bf16 sve\n"
      "CPU implementer\t: 0x48\n\n");
  EXPECT_EQ(cpu.vendor, "HiSilicon");
  EXPECT_TRUE(cpu.has("i8mm"));
}

TEST(Cpu, NonsenseIsAnEmptyDescription) {
  const CpuInfo cpu = parse_cpuinfo("\0\xff:::\n\nflags");
  EXPECT_TRUE(cpu.model.empty());
  EXPECT_TRUE(cpu.flags.empty());
}

TEST(Topology, ThisHostHasCoresAndThreads) {
  const auto topology = read_topology();
  ASSERT_TRUE(topology.has_value()) << topology.error().message();
  EXPECT_GE(topology->threads, 1);
  EXPECT_GE(topology->threads, topology->cores);
  EXPECT_GE(topology->numa_nodes, 1);
}

}  // namespace assay::cpu_test
