// Groups that outlive the program that started them, and do not.
#include "os/group_guard.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "os/clock.h"
#include "os/files.h"
#include "os/process.h"

namespace assay::group_guard_test {

// A leader and what it started, which both hold stdout open.
Process leader_with_a_sleeper(const GroupGuard& guard) {
  Result<Process> process =
      Process::start({.command = {"/bin/sh", "-c", "sleep 1000 & echo up; wait"}, .guard = &guard});
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

// True if a process of the group still runs.
bool is_alive(pid_t group) {
  const Result<std::vector<std::string>> processes = list_directory("/proc");
  EXPECT_TRUE(processes);
  for (const std::string& name : *processes) {
    if (!parse_integer(name)) continue;
    const Result<std::string> stat = read_file("/proc/" + name + "/stat", 4096);
    if (!stat) continue;
    // "PID (name) STATE PARENT GROUP …"
    const std::vector<std::string_view> fields =
        split(std::string_view(*stat).substr(stat->rfind(')') + 2), ' ');
    if (fields.size() > 2 && fields[2] == std::to_string(group) && fields[0] != "Z" && fields[0] != "X")
      return true;
  }
  return false;
}

TEST(GroupGuard, KillsTheGroupWhenItsOwnerIsGone) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  FileDescriptor read(fds[0]), write(fds[1]);
  const pid_t owner = ::fork();
  if (owner == 0) {
    const Result<GroupGuard> guard = GroupGuard::start();
    const Result<Process> process =
        Process::start({.command = {"/bin/sh", "-c", "sleep 1000 & echo up; wait"}, .guard = &*guard});
    char up[8];
    pollfd ready{.fd = process->out(), .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, 20'000);
    const ssize_t n = ::read(process->out(), up, sizeof up);
    const pid_t group = process->pid();
    if (n == 3 && ::write(write.get(), &group, sizeof group) == sizeof group) ::kill(::getpid(), SIGKILL);
    ::_exit(1);
  }
  write.reset();
  pid_t group = 0;
  ASSERT_EQ(::read(read.get(), &group, sizeof group), static_cast<ssize_t>(sizeof group));
  ::waitpid(owner, nullptr, 0);
  // Gone, or a zombie that somebody else has to reap: nothing of the group can be told anything.
  SystemClock clock;
  const Nanos deadline = clock.now() + nanos_from_seconds(20);
  while (is_alive(group) && clock.now() < deadline) clock.sleep_until(clock.now() + nanos_from_ms(1));
  EXPECT_FALSE(is_alive(group));
}

TEST(GroupGuard, CalledOffItLeavesTheGroupAlone) {
  std::optional<Process> process;
  {
    Result<GroupGuard> guard = GroupGuard::start();
    ASSERT_TRUE(guard) << guard.error().message();
    const GroupGuard moved = std::move(*guard);
    process.emplace(leader_with_a_sleeper(moved));
  }
  EXPECT_FALSE(process->poll_end());
  process->kill();
  EXPECT_TRUE(ends(process->out()));
}

}  // namespace assay::group_guard_test
