// The keeper over PR_SET_CHILD_SUBREAPER and /proc; see tree_keeper.h. After a fork of a program with threads
// nothing may be asked of the C library that takes a lock: hence system calls and memory of its own.
#include "os/tree_keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/descriptors.h"
#include "os/files.h"

namespace assay {
namespace {

constexpr size_t kMostProcesses = 1 << 16;
constexpr int kStopRounds = 50, kKillRounds = 500;
constexpr int kEndingRounds = 40, kEndingPauseMs = 5;  // what ends with the program has so long for it

struct ProcessEntry {
  pid_t pid, parent, group;
  char state;  // of proc(5): 'Z' is a zombie, 'T' stopped
  bool is_below;
};

void pause_ms(long ms) {
  const timespec time{.tv_sec = 0, .tv_nsec = ms * 1'000'000};
  ::nanosleep(&time, nullptr);
}

// The number that text begins with; 0 if it begins with none. Moves behind it.
pid_t take_number(const char*& text, const char* end) {
  long number = 0;
  while (text < end && *text >= '0' && *text <= '9' && number < 1L << 31)
    number = number * 10 + *text++ - '0';
  return static_cast<pid_t>(number);
}

// "PID (name) STATE PARENT GROUP …" of /proc/PID/stat, whose name may hold anything, parentheses too.
bool read_stat(int proc, const char* name, ProcessEntry& entry) {
  char path[32];
  const size_t length = std::strlen(name);
  if (length + sizeof "/stat" > sizeof path) return false;
  std::memcpy(path, name, length);
  std::memcpy(path + length, "/stat", sizeof "/stat");
  const int fd = ::openat(proc, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[512];
  const ssize_t n = ::read(fd, text, sizeof text);
  ::close(fd);
  if (n <= 0) return false;
  const char* const end = text + n;
  const char* at = end;
  while (at > text && at[-1] != ')') --at;
  if (at == text || end - at < 6) return false;
  entry.state = at[1];
  at += 3;
  entry.parent = take_number(at, end);
  if (at < end) ++at;
  entry.group = take_number(at, end);
  return true;
}

// The layout of getdents64(2).
struct DirectoryEntry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[1];
};

// Every process of this machine that can be seen, and which of them are below `root`.
class ProcessTable {
 public:
  explicit ProcessTable(std::span<ProcessEntry> room) : entries_(room.data()), room_(room.size()) {}

  void read(pid_t root) {
    size_ = 0;
    const int proc = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0) return;
    alignas(8) char buffer[8192];
    for (long n; (n = ::syscall(SYS_getdents64, proc, buffer, sizeof buffer)) > 0;) {
      for (long at = 0; at < n;) {
        const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
        add(proc, buffer + at + offsetof(DirectoryEntry, name));
        at += entry->length;
      }
    }
    ::close(proc);
    mark_below(root);
  }

  std::span<const ProcessEntry> entries() const { return {entries_, size_}; }

 private:
  void add(int proc, const char* name) {
    const char* text = name;
    const pid_t pid = take_number(text, name + std::strlen(name));
    if (pid <= 0 || *text != '\0' || size_ == room_) return;
    ProcessEntry entry{.pid = pid};
    if (read_stat(proc, name, entry)) entries_[size_++] = entry;
  }

  // A process may stand before its parent in the list, so once through is not enough.
  void mark_below(pid_t root) {
    for (bool is_new = true; is_new;) {
      is_new = false;
      for (size_t i = 0; i < size_; ++i) {
        ProcessEntry& entry = entries_[i];
        if (entry.is_below || !(entry.parent == root || is_marked(entry.parent))) continue;
        entry.is_below = is_new = true;
      }
    }
  }

  bool is_marked(pid_t pid) const {
    for (size_t i = 0; i < size_; ++i) {
      if (entries_[i].pid == pid) return entries_[i].is_below;
    }
    return false;
  }

  ProcessEntry* entries_;
  size_t room_, size_ = 0;
};

// The keeper's own life, after the fork.
class Keeper {
 public:
  Keeper(pid_t child, int report, std::span<ProcessEntry> room)
      : child_(child), report_(report), table_(room) {}

  [[noreturn]] void run() {
    sigset_t all;
    sigfillset(&all);
    while (true) {
      const int number = ::sigwaitinfo(&all, nullptr);
      if (number == SIGCHLD) {
        reap();
        if (has_ended_) end_with_child();
      } else if (number == kKeeperKillSignal) {
        kill_below();
        tell({});
        end_as(SIGKILL);
      } else if (number == kKeeperTermSignal) {
        tell_below(SIGTERM);
      }
    }
  }

 private:
  void reap() {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == child_) has_ended_ = true, status_ = status;
    }
  }

  // Signals what runs below; returns how many there were in another state than `except`.
  int tell_below(int number, char except = 'Z') {
    table_.read(::getpid());
    int told = 0;
    for (const ProcessEntry& entry : table_.entries()) {
      if (!entry.is_below || entry.state == 'Z' || entry.state == 'X' || entry.state == except) continue;
      ::kill(entry.pid, number);
      ++told;
    }
    return told;
  }

  // Stopped first, so that none of them can fork while the others are killed.
  void kill_below() {
    for (int round = 0; round < kStopRounds && tell_below(SIGSTOP, 'T') > 0; ++round) pause_ms(1);
    for (int round = 0; round < kKillRounds && tell_below(SIGKILL) > 0; ++round) {
      pause_ms(1 + round / 50);
      reap();
    }
    reap();
  }

  TreeRemains remains() {
    TreeRemains found;
    for (int round = 0; round < kEndingRounds; ++round) {
      reap();
      found = {};
      table_.read(::getpid());
      for (const ProcessEntry& entry : table_.entries()) {
        if (!entry.is_below || entry.state == 'Z' || entry.state == 'X') continue;
        ++found.left_behind;
        found.escaped += entry.group != child_ ? 1 : 0;
      }
      if (found.left_behind == 0 || is_to_kill()) break;
      pause_ms(kEndingPauseMs);
    }
    return found;
  }

  static bool is_to_kill() {
    sigset_t pending;
    return ::sigpending(&pending) == 0 && sigismember(&pending, kKeeperKillSignal) == 1;
  }

  void tell(TreeRemains found) {
    found.is_told = true;
    [[maybe_unused]] const ssize_t n = ::write(report_, &found, sizeof found);
  }

  [[noreturn]] void end_with_child() {
    const TreeRemains found = remains();
    if (found.left_behind > 0) kill_below();
    tell(found);
    if (WIFEXITED(status_)) ::_exit(WEXITSTATUS(status_));
    end_as(WTERMSIG(status_));
  }

  [[noreturn]] static void end_as(int number) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::signal(number, SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
    ::kill(::getpid(), number);
    ::_exit(128 + number);
  }

  pid_t child_;
  int report_;
  ProcessTable table_;
  bool has_ended_ = false;
  int status_ = 0;
};

void kill_marked_once(std::string_view variable, std::set<pid_t>& killed) {
  constexpr int64_t kMostBytes = 4 << 20;
  const Result<std::vector<std::string>> names = list_directory("/proc");
  if (!names) return;
  for (const std::string& name : *names) {
    const std::optional<int64_t> pid = parse_integer(name);
    if (!pid || *pid <= 1 || *pid == ::getpid()) continue;
    const Result<std::string> environment = read_file(fmt::format("/proc/{}/environ", *pid), kMostBytes);
    if (!environment) continue;
    const std::vector<std::string_view> variables = split(*environment, '\0');
    if (std::ranges::find(variables, variable) == variables.end()) continue;
    if (::kill(static_cast<pid_t>(*pid), SIGKILL) == 0) killed.insert(static_cast<pid_t>(*pid));
  }
}

}  // namespace

pid_t keep_tree_in_child(pid_t parent, int report) {
  ::setpgid(0, 0);
  // Nothing ends the keeper unasked but SIGKILL, and what comes meanwhile waits.
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  ::signal(SIGCHLD, SIG_DFL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_PDEATHSIG, kKeeperKillSignal);
  if (::getppid() != parent) ::_exit(127);
  const pid_t keeper = ::getpid();
  void* room = ::mmap(nullptr, kMostProcesses * sizeof(ProcessEntry), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) ::_exit(127);
  const pid_t child = ::fork();
  if (child < 0) ::_exit(127);
  if (child == 0) return keeper;
  // The keeper holds no end of the program's pipes open.
  close_all_but(report);
  Keeper(child, report, {static_cast<ProcessEntry*>(room), kMostProcesses}).run();
}

int kill_marked(std::string_view variable) {
  constexpr int kMostRounds = 100;
  std::set<pid_t> killed;
  // Once more after each that found a new one: it may have forked before it was killed.
  for (int round = 0; round < kMostRounds; ++round) {
    const size_t before = killed.size();
    kill_marked_once(variable, killed);
    if (killed.size() == before) break;
  }
  return static_cast<int>(killed.size());
}

}  // namespace assay
