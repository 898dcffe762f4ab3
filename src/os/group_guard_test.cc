// Groups that outlive the program that started them, and do not.
#include "os/group_guard.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process.h"

namespace assay {
namespace {

// A group whose leader has gone away from us, as after a kill of assay: what it started holds stdout open.
Process group_with_a_sleeper() {
  Result<Process> process = Process::start({.command = {"/bin/sh", "-c", "sleep 1000 & echo up; wait"}});
  if (!process) {
    ADD_FAILURE() << process.error().message();
    std::abort();
  }
  char up[8];
  pollfd ready{.fd = process->out(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, 20'000), 1);
  EXPECT_EQ(::read(process->out(), up, sizeof up), 3);
  return std::move(*process);
}

// True when the last holder of the other end has gone.
bool ends(int fd) {
  char byte;
  pollfd end{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&end, 1, 20'000) == 1 && ::read(fd, &byte, 1) == 0;
}

TEST(GroupGuard, KillsTheGroupWhenItsOwnerIsGone) {
  const Process process = group_with_a_sleeper();
  const pid_t owner = ::fork();
  if (owner == 0) {
    Result<GroupGuard> guard = GroupGuard::start(process.pid());
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(owner, nullptr, 0);
  EXPECT_TRUE(ends(process.out())) << "leader and sleeper held this open";
}

TEST(GroupGuard, CalledOffItLeavesTheGroupAlone) {
  Process process = group_with_a_sleeper();
  {
    Result<GroupGuard> guard = GroupGuard::start(process.pid());
    ASSERT_TRUE(guard) << guard.error().message();
    const GroupGuard moved = std::move(*guard);
  }
  EXPECT_FALSE(process.poll_end());
  process.kill();
  EXPECT_TRUE(ends(process.out()));
}

}  // namespace
}  // namespace assay
