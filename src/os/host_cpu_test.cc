// The machine's CPU time as the kernel writes it, and what is left of it for others.
#include "os/host_cpu.h"

#include <gtest/gtest.h>

namespace assay::host_cpu_test {

constexpr const char* kStat =
    "cpu  3000 400 600 10000 800 100 100 200 14 0\n"
    "cpu0 1000 200 300 5000 400 50 50 100 7 0\n"
    "cpu1 2000 200 300 5000 400 50 50 100 7 0\n"
    "intr 5 6\n";

TEST(HostCpu, IsThatOfTheCpusThatWeMayUse) {
  const auto one = parse_host_cpu(kStat, 100, {0});
  ASSERT_TRUE(one);
  EXPECT_DOUBLE_EQ(one->busy_s, 16);
  EXPECT_DOUBLE_EQ(one->taken_s, 1);
  EXPECT_DOUBLE_EQ(one->total_s, 71);
  const auto both = parse_host_cpu(kStat, 100, {0, 1, 7});
  ASSERT_TRUE(both);
  EXPECT_DOUBLE_EQ(both->busy_s, 42);
  EXPECT_DOUBLE_EQ(both->total_s, 152);
}

TEST(HostCpu, OldKernelsTellLess) {
  const auto cpu = parse_host_cpu("cpu0 100 0 100 800", 100, {0});
  ASSERT_TRUE(cpu);
  EXPECT_DOUBLE_EQ(cpu->busy_s, 2);
  EXPECT_DOUBLE_EQ(cpu->total_s, 10);
}

TEST(HostCpu, WhatIsNoReadingIsNone) {
  for (const char* text :
       {"", "cpu", "cpu0", "cpu0 ", "cpu0 1 2 3", "cpu  1 2 3 4 5", "cpu0 -1 2 3 4", "mem0 1 2 3 4"})
    EXPECT_FALSE(parse_host_cpu(text, 100, {0})) << text;
  EXPECT_FALSE(parse_host_cpu(kStat, 100, {}));
}

TEST(HostCpu, OfThisMachineGrows) {
  const auto before = read_host_cpu();
  if (!before) GTEST_SKIP() << "/proc/stat is not there";
  EXPECT_GT(before->total_s, 0);
  EXPECT_GE(read_host_cpu()->own_s, before->own_s);
}

TEST(OtherWork, IsWhatWeDidNotTake) {
  const HostCpu before{.busy_s = 10, .taken_s = 1, .total_s = 100, .own_s = 5};
  const HostCpu after{.busy_s = 26, .taken_s = 2, .total_s = 120, .own_s = 13};
  const auto other = other_work(before, after, 10);
  ASSERT_TRUE(other);
  EXPECT_DOUBLE_EQ(other->cpus, 0.9);
  EXPECT_DOUBLE_EQ(other->share, 0.45);
  EXPECT_DOUBLE_EQ(other->in_use, 0.85);
  EXPECT_FALSE(other_work(before, before, 10));
  HostCpu ours = after;
  ours.own_s = 100;  // ticks are coarse: ours may read as more than all
  EXPECT_DOUBLE_EQ(other_work(before, ours, 10)->share, 0);
}

}  // namespace assay::host_cpu_test
