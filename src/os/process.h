// Child processes: started with a scrubbed environment in a process group of their own, watched, and ended
// with everything they started. The engine's worker and a server that is launched for its trials run in one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base.h"
#include "os/clock.h"
#include "os/files.h"
#include "os/group_guard.h"
#include "os/tree_keeper.h"

namespace assay {

struct ProcessOptions {
  std::vector<std::string> command;                              // command[0] is a path; see find_program
  std::vector<std::pair<std::string, std::string>> environment;  // the whole environment of the child
  std::string directory;      // where it runs, and where a relative path leads from; empty: where we do
  bool wants_socket = false;  // a stream socket pair; the child's end is descriptor 3
  const FileDescriptor* input = nullptr;  // the child's stdin; null: there is nothing to read
  const GroupGuard* guard = nullptr;  // is told the child's group before the child runs anything; may be null
  // The child runs below a keeper (tree_keeper.h), and nothing that it starts outlives it or this program.
  // Then pid() and memory() are the keeper's, and the child leads a group of its own.
  bool keeps_tree = false;
};

// The file that a shell would run for `name`: a name with a slash is a path already, any other is looked for
// in the folders of `path` (as in PATH). Fails if there is none that may be executed.
Result<std::string> find_program(const std::string& name, std::string_view path);

// A regular file that this process may execute.
bool is_program(const std::string& file);

// How a child ended.
struct ProcessEnd {
  bool exited = false;  // by itself, with exit_code; otherwise by `signal`
  int exit_code = 0;
  int signal = 0;
  Nanos cpu_time{};     // user and system
  TreeRemains remains;  // of a child whose tree is kept
  bool clean() const { return exited && exit_code == 0; }
  std::string words() const;  // "exit code 3", "signal 6 (Aborted)"
};

// Of a process that still runs; zeros of one that does not. (What the kernel tells at the end, ru_maxrss, is
// no use: Linux carries the parent's peak over into the child.)
struct ProcessMemory {
  int64_t resident_bytes = 0;
  int64_t peak_bytes = 0;  // of resident, since it began
};

// One child. Destroying it kills its process group, or its whole tree where that is kept. One thread only,
// which must outlive the child: Linux kills the child when the thread that started it ends.
class Process {
 public:
  static Result<Process> start(const ProcessOptions& options);
  Process(Process&&) noexcept = default;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  ProcessMemory memory() const;
  // Non-blocking descriptors: stdout and stderr of the child, and our end of the socket pair (invalid if not
  // wanted).
  int out() const { return out_.get(); }
  int err() const { return err_.get(); }
  int socket() const { return socket_.get(); }

  // The end of the child if it has ended (and once known, ever after), without waiting.
  std::optional<ProcessEnd> poll_end();
  // Waits (reading nothing: a child that fills its pipes waits too) until the child has ended by itself or
  // `deadline` has passed; then SIGTERM, `grace`, SIGKILL to the whole group.
  ProcessEnd end_by(Nanos deadline, Clock& clock, Nanos grace = kTermGrace);
  void kill();  // SIGKILL to the group, or to the whole tree
  // The same, and waits for the child's end no longer than a fifth of a second (of real time): one that hangs
  // in a driver is not let go by the kernel, and is left to it. Its descriptors are closed.
  void abandon() { abandon_all({this}); }
  // Of several, a fifth of a second for all of them together.
  static void abandon_all(const std::vector<Process*>& processes);

 private:
  static constexpr Nanos kTermGrace = nanos_from_ms(500);

  Process() = default;
  bool is_kept() const { return remains_.valid(); }
  void await_end_of_killed();

  pid_t pid_ = -1;
  FileDescriptor out_, err_, socket_;
  FileDescriptor remains_;  // where a keeper tells them; invalid without one
  std::optional<ProcessEnd> end_;
};

// The environment variables of this process whose names are in `names` (a name ending in * is a prefix).
// The only reader of the environment; called by cli and handed down.
std::vector<std::pair<std::string, std::string>> environment_subset(const std::vector<std::string>& names);

}  // namespace assay
