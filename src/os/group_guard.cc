// The waiting process over fork and a pipe; see group_guard.h.
#include "os/group_guard.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "os/descriptors.h"

namespace assay {
namespace {

// Only async-signal-safe calls: other threads of the parent may have held locks when it forked.
[[noreturn]] void wait_and_kill(int pipe) {
  ::setsid();  // no Ctrl-C of the terminal reaches it
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
  ::dup2(pipe, 0);
  close_from(1);
  pid_t group = 0, said = 0;
  while (true) {
    const ssize_t n = ::read(0, &said, sizeof said);  // so few bytes come whole
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    group = said;
  }
  if (group > 1) ::kill(-group, SIGKILL);
  ::_exit(0);
}

}  // namespace

Result<GroupGuard> GroupGuard::start() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return fail("cannot make a pipe: " + errno_text(errno));
  const FileDescriptor read(fds[0]);
  FileDescriptor write(fds[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return fail("cannot start a process: " + errno_text(errno));
  if (pid == 0) wait_and_kill(read.get());
  return GroupGuard(pid, std::move(write));
}

GroupGuard::~GroupGuard() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace assay
