// Closing what a child must not inherit, with close_range and on a kernel without it.
#include "os/descriptors.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "os/process.h"

namespace assay::descriptors_test {

enum class Kernel { kThis, kWithoutCloseRange };

// From here on this process is told that its kernel knows no close_range.
bool forget_close_range() {
  std::array<sock_filter, 4> rows = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 436, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = rows.size(), .filter = rows.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 && ::syscall(436, 3U, ~0U, 0U) != 0 &&
         errno == ENOSYS;
}

// Runs it in a child, since it takes descriptors away; what it returns is the child's exit code.
template <typename Story>
int in_child(Kernel kernel, Story story) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(kernel == Kernel::kThis || forget_close_range() ? story() : 99);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

class Descriptors : public ::testing::TestWithParam<Kernel> {};
INSTANTIATE_TEST_SUITE_P(Kernels, Descriptors, ::testing::Values(Kernel::kThis, Kernel::kWithoutCloseRange));

TEST_P(Descriptors, ThoseFromANumberOnAreClosedAndNoneBelow) {
  const auto story = [] {
    ::dup2(0, 40), ::dup2(0, 41), ::dup2(0, 900);
    close_from(41);
    return (is_open(40) ? 1 : 0) + (is_open(41) ? 2 : 0) + (is_open(900) ? 4 : 0);
  };
  const int open = in_child(GetParam(), story);
  if (open == 99) GTEST_SKIP() << "no filters of system calls here";
  EXPECT_EQ(open, 1);
}

TEST_P(Descriptors, AllAreClosedButOne) {
  const auto story = [] {
    ::dup2(0, 40), ::dup2(0, 41), ::dup2(0, 900);
    close_all_but(41);
    return (is_open(0) ? 1 : 0) + (is_open(40) ? 2 : 0) + (is_open(41) ? 4 : 0) + (is_open(900) ? 8 : 0);
  };
  const int open = in_child(GetParam(), story);
  if (open == 99) GTEST_SKIP() << "no filters of system calls here";
  EXPECT_EQ(open, 4);
}

// A keeper that held an end of its program's pipes open would keep everybody waiting for their ends.
TEST_P(Descriptors, AProgramBelowAKeeperStartsAndItsPipesEnd) {
  const auto story = [] {
    ::alarm(60);  // a start that waits for ever is ended
    const ProcessOptions options{.command = {"/bin/sh", "-c", "exec >&-; sleep 1000"},
                                 .environment = {{"PATH", "/usr/bin:/bin"}},
                                 .keeps_tree = true};
    const Result<Process> process = Process::start(options);
    if (!process) return 1;
    pollfd out{.fd = process->out(), .events = POLLIN, .revents = 0};
    return ::poll(&out, 1, 20'000) == 1 && (out.revents & POLLHUP) != 0 ? 0 : 2;
  };
  const int fault = in_child(GetParam(), story);
  if (fault == 99) GTEST_SKIP() << "no filters of system calls here";
  EXPECT_EQ(fault, 0) << "1: not started, 2: its stdout did not end, -1: it waited for ever";
}

TEST_P(Descriptors, ThoseFromANumberOnAreClosedWhenAnotherProgramRuns) {
  const auto story = [] {
    ::dup2(0, 40), ::dup2(0, 41), ::dup2(0, 900);
    close_on_exec_from(41);
    int closing = 0;
    for (const int fd : {40, 41, 900})
      closing = 2 * closing + ((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? 1 : 0);
    return is_open(900) ? closing : 98;
  };
  const int closing = in_child(GetParam(), story);
  if (closing == 99) GTEST_SKIP() << "no filters of system calls here";
  EXPECT_EQ(closing, 3) << "not 40, but 41 and 900";
}

}  // namespace assay::descriptors_test
