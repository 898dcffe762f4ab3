// GroupGuard: the end of a process group when this program ends before it could see to that itself, be it by
// a second Ctrl-C, SIGKILL or a crash. The kernel ends a child with its parent, but not what the child has
// started.
#pragma once

#include <sys/types.h>

#include "base/base.h"
#include "os/files.h"

namespace assay {

// A process that only waits for ours to be gone, and then kills the group (SIGKILL). Destroying this calls it
// off: do so while the group's leader has not been reaped, or right after it. One thread only.
class GroupGuard {
 public:
  static Result<GroupGuard> start(pid_t group);
  GroupGuard(GroupGuard&& other) noexcept : pid_(other.pid_), alive_(std::move(other.alive_)) {
    other.pid_ = -1;
  }
  GroupGuard& operator=(GroupGuard&&) = delete;
  ~GroupGuard();

 private:
  GroupGuard(pid_t pid, FileDescriptor alive) : pid_(pid), alive_(std::move(alive)) {}

  pid_t pid_;
  FileDescriptor alive_;  // the write end of the pipe that it reads: the kernel closes it with our process
};

}  // namespace assay
