// The machine's CPU time as the kernel writes it, and what is left of it for others.
#include "os/host_cpu.h"

#include <gtest/gtest.h>

namespace assay::host_cpu_test {

TEST(HostCpu, IsReadFromTheFirstLine) {
  const auto cpu = parse_host_cpu("cpu  1000 200 300 5000 400 50 50 100 7 0\ncpu0 1 1 1 1\n", 100);
  ASSERT_TRUE(cpu);
  EXPECT_DOUBLE_EQ(cpu->busy_s, 16);
  EXPECT_DOUBLE_EQ(cpu->taken_s, 1);
  EXPECT_DOUBLE_EQ(cpu->total_s, 71);
}

TEST(HostCpu, OldKernelsTellLess) {
  const auto cpu = parse_host_cpu("cpu  100 0 100 800", 100);
  ASSERT_TRUE(cpu);
  EXPECT_DOUBLE_EQ(cpu->busy_s, 2);
  EXPECT_DOUBLE_EQ(cpu->total_s, 10);
}

TEST(HostCpu, WhatIsNoReadingIsNone) {
  for (const char* text :
       {"", "cpu", "cpu ", "cpu  1 2 3", "cpu0 1 2 3 4 5", "cpu  -1 2 3 4", "mem 1 2 3 4 5"})
    EXPECT_FALSE(parse_host_cpu(text, 100)) << text;
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
