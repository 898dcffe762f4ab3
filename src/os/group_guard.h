// GroupGuard: the end of a child's process group when this program ends before it could see to that itself,
// be it by a second Ctrl-C, SIGKILL or a crash. The kernel ends a child with its parent, but not what the
// child has started.
#pragma once

#include <sys/types.h>

#include "base/base.h"
#include "os/files.h"

namespace assay {

// A process that only waits for ours to be gone, and then kills the group (SIGKILL). It is started before the
// child, which tells it its group before it runs any program (see ProcessOptions): there is no instant at
// which the child is unguarded. Destroying this calls it off. One thread only.
class GroupGuard {
 public:
  static Result<GroupGuard> start();
  GroupGuard(GroupGuard&& other) noexcept : pid_(other.pid_), pipe_(std::move(other.pipe_)) {
    other.pid_ = -1;
  }
  GroupGuard& operator=(GroupGuard&&) = delete;
  ~GroupGuard();

  // Where the child writes the number of its group, a pid_t; closes on exec. The kernel closes ours with our
  // process, which is how the guard learns of its end.
  int pipe() const { return pipe_.get(); }

 private:
  GroupGuard(pid_t pid, FileDescriptor pipe) : pid_(pid), pipe_(std::move(pipe)) {}

  pid_t pid_;
  FileDescriptor pipe_;
};

}  // namespace assay
