// A thread that gives way, and its own account.
#include "os/thread.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace assay::thread_test {

int nice_of_this_thread() {
  return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)));
}

TEST(Thread, OneThreadGivesWayAndTheOthersDoNot) {
  const int before = nice_of_this_thread();
  int lowered = 0;
  std::thread([&] {
    lower_thread_priority();
    lowered = nice_of_this_thread();
  }).join();
  EXPECT_EQ(lowered, 19);
  EXPECT_EQ(nice_of_this_thread(), before);
}

TEST(Thread, CpuTimeIsItsOwn) {
  const auto work = [] {
    while (thread_cpu_time() < nanos_from_ms(20)) {
    }
  };
  Nanos others{};
  std::thread([&] {
    work();
    others = thread_cpu_time();
  }).join();
  EXPECT_GE(others, nanos_from_ms(20));
  Nanos fresh = kNever;
  std::thread([&] { fresh = thread_cpu_time(); }).join();
  EXPECT_LT(fresh, others);
}

}  // namespace assay::thread_test
