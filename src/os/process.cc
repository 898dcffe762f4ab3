// Child processes over fork and exec; see process.h.
#include "os/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "os/descriptors.h"

extern char** environ;

namespace assay {
namespace {

constexpr int kChildSocket = 3;

struct Pipe {
  FileDescriptor read, write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return fail("cannot make a pipe: " + errno_text(errno));
  return Pipe{FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

void set_non_blocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// Everything the child needs between fork and exec, prepared before the fork: only async-signal-safe calls
// after it.
struct ChildPlan {
  char* const* argv;
  char* const* envp;
  const char* directory;  // null: none
  int guard;              // -1: none
  int in;                 // -1: nothing to read
  int out, err, socket, exec_error;
  int remains;  // -1: its tree is not kept
  pid_t parent;
};

// What a child says of why it could not become what it should.
struct ExecError {
  int number = 0;  // errno; 0: it could
  bool is_of_directory = false;
};

[[noreturn]] void run_child(const ChildPlan& plan) {
  const pid_t parent = plan.remains >= 0 ? keep_tree_in_child(plan.parent, plan.remains) : plan.parent;
  ::setpgid(0, 0);
  // A killed assay takes its children with it, even by SIGKILL.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  if (plan.guard >= 0) {
    const pid_t group = ::getpid();
    if (::write(plan.guard, &group, sizeof group) != sizeof group) ::_exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGPIPE, SIG_DFL);
  // The error pipe may itself sit on a descriptor that is overwritten below.
  const int error_pipe = ::fcntl(plan.exec_error, F_DUPFD_CLOEXEC, 10);
  const int socket = plan.socket >= 0 ? ::fcntl(plan.socket, F_DUPFD_CLOEXEC, 10) : -1;
  const int out = ::fcntl(plan.out, F_DUPFD_CLOEXEC, 10);
  const int err = ::fcntl(plan.err, F_DUPFD_CLOEXEC, 10);
  const int in = plan.in >= 0 ? ::fcntl(plan.in, F_DUPFD_CLOEXEC, 10) : ::open("/dev/null", O_RDONLY);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  const int first_closed = socket >= 0 ? kChildSocket + 1 : kChildSocket;
  if (socket >= 0) ::dup2(socket, kChildSocket);
  // No descriptor of ours (dossier, sockets to endpoints) may leak into foreign code; exec closes those
  // above.
  close_on_exec_from(first_closed);
  const bool is_there = plan.directory == nullptr || ::chdir(plan.directory) == 0;
  if (is_there) ::execve(plan.argv[0], plan.argv, plan.envp);
  const ExecError error{.number = errno, .is_of_directory = !is_there};
  [[maybe_unused]] const ssize_t n = ::write(error_pipe, &error, sizeof error);
  ::_exit(127);
}

// The error of a failed exec: the pipe closes on a successful one.
ExecError exec_error(int fd) {
  ExecError error;
  ssize_t n;
  do {
    n = ::read(fd, &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  return n == sizeof error ? error : ExecError{};
}

// What a keeper has written, which has ended; nothing if it was killed.
TreeRemains told_remains(int fd) {
  TreeRemains remains;
  if (fd < 0 || ::read(fd, &remains, sizeof remains) != sizeof remains) return {};
  return remains;
}

Nanos from_timeval(const timeval& t) {
  return Nanos(int64_t{t.tv_sec} * 1'000'000'000 + int64_t{t.tv_usec} * 1000);
}

}  // namespace

std::string ProcessEnd::words() const {
  if (exited) return fmt::format("exit code {}", exit_code);
  return fmt::format("signal {} ({})", signal, ::strsignal(signal));
}

bool is_program(const std::string& file) {
  struct stat about{};
  return ::stat(file.c_str(), &about) == 0 && S_ISREG(about.st_mode) && ::access(file.c_str(), X_OK) == 0;
}

Result<std::string> find_program(const std::string& name, std::string_view path) {
  if (name.find('/') != std::string::npos) return name;
  for (const std::string_view folder : split(path, ':')) {
    if (folder.empty()) continue;
    std::string file = fmt::format("{}/{}", folder, name);
    if (is_program(file)) return file;
  }
  return fail(fmt::format("there is no program '{}'", printable(name, 100)), "PATH",
              "Install it, or give its whole path.");
}

Result<Process> Process::start(const ProcessOptions& options) {
  CHECK(!options.command.empty());
  std::vector<std::string> arguments = options.command;
  std::vector<std::string> variables;
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(variables);

  ASSIGN_OR_RETURN(Pipe out, make_pipe());
  ASSIGN_OR_RETURN(Pipe err, make_pipe());
  ASSIGN_OR_RETURN(Pipe error, make_pipe());
  FileDescriptor ours, theirs;
  if (options.wants_socket) {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
      return fail("cannot make a socket pair: " + errno_text(errno));
    }
    ours = FileDescriptor(fds[0]);
    theirs = FileDescriptor(fds[1]);
    set_non_blocking(ours.get());
  }

  Pipe remains;
  if (options.keeps_tree) {
    ASSIGN_OR_RETURN(remains, make_pipe());
  }

  const ChildPlan plan{.argv = argv.data(),
                       .envp = envp.data(),
                       .directory = options.directory.empty() ? nullptr : options.directory.c_str(),
                       .guard = options.guard != nullptr ? options.guard->pipe() : -1,
                       .in = options.input != nullptr ? options.input->get() : -1,
                       .out = out.write.get(),
                       .err = err.write.get(),
                       .socket = theirs.get(),
                       .exec_error = error.write.get(),
                       .remains = remains.write.get(),
                       .parent = ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) return fail("cannot start a process: " + errno_text(errno), options.command[0]);
  if (pid == 0) run_child(plan);
  ::setpgid(pid, pid);  // in both, so that it holds whoever runs first

  Process process;
  process.pid_ = pid;
  process.out_ = std::move(out.read);
  process.err_ = std::move(err.read);
  process.socket_ = std::move(ours);
  process.remains_ = std::move(remains.read);
  if (options.keeps_tree) set_non_blocking(process.remains_.get());
  set_non_blocking(process.out());
  set_non_blocking(process.err());
  error.write.reset();
  if (const ExecError why = exec_error(error.read.get()); why.number != 0) {
    if (why.is_of_directory)
      return fail("cannot run there: " + errno_text(why.number), options.directory, "Check the folder.");
    return fail("cannot execute: " + errno_text(why.number), options.command[0],
                "Check the path and its permissions.");
  }
  return process;
}

ProcessMemory Process::memory() const {
  ProcessMemory memory;
  const auto text = read_file(fmt::format("/proc/{}/status", pid_), 1 << 16);
  if (!text) return memory;
  const auto bytes_of = [&](std::string_view name) -> int64_t {  // "VmRSS:\t    3456 kB"
    const size_t at = text->find(name);
    if (at == std::string::npos) return 0;
    const std::string_view line = std::string_view(*text).substr(at, text->find('\n', at + 1) - at);
    const std::string_view value = trim(line.substr(name.size()));
    return 1024 * parse_integer(value.substr(0, value.find(' '))).value_or(0);
  };
  memory.resident_bytes = bytes_of("\nVmRSS:");
  memory.peak_bytes = bytes_of("\nVmHWM:");
  return memory;
}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(out_, other.out_);
  std::swap(err_, other.err_);
  std::swap(socket_, other.socket_);
  std::swap(remains_, other.remains_);
  std::swap(end_, other.end_);
  return *this;
}

Process::~Process() {
  if (pid_ < 0 || !out_.valid()) return;
  kill();
  if (is_kept()) {
    await_end_of_killed();
    return;
  }
  while (!poll_end()) {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
}

std::optional<ProcessEnd> Process::poll_end() {
  if (end_) return end_;
  // First only looked at: until it is reaped its number cannot pass to a stranger, who would then be killed
  // in its place.
  siginfo_t info{};
  const int looked = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  if (looked == 0 && info.si_pid == 0) return std::nullopt;
  if (looked != 0 && errno == EINTR) return std::nullopt;
  // What the child itself had started and left behind goes with it.
  ::kill(-pid_, SIGKILL);
  int status = 0;
  rusage usage{};
  pid_t pid;
  do {
    pid = ::wait4(pid_, &status, 0, &usage);
  } while (pid < 0 && errno == EINTR);
  ProcessEnd end;
  if (pid == pid_) {
    end.exited = WIFEXITED(status);
    end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end.cpu_time = from_timeval(usage.ru_utime) + from_timeval(usage.ru_stime);
    end.remains = told_remains(remains_.get());
  } else {
    // Somebody else has reaped it (SIGCHLD is ignored in this program): how it ended is lost, and that is not
    // clean.
    end.exited = true;
    end.exit_code = -1;
  }
  end_ = end;
  return end_;
}

ProcessEnd Process::end_by(Nanos deadline, Clock& clock, Nanos grace) {
  const auto wait_until = [&](Nanos instant) {
    while (!poll_end() && clock.now() < instant) {
      clock.sleep_until(std::min(instant, clock.now() + nanos_from_ms(2)));
    }
    return end_.has_value();
  };
  if (wait_until(deadline)) return *end_;
  ::kill(-pid_, SIGTERM);
  if (wait_until(clock.now() + grace)) return *end_;
  kill();
  if (is_kept()) return await_end_of_killed(), *end_;
  while (!poll_end()) clock.sleep_until(clock.now() + nanos_from_ms(1));
  return *end_;
}

void Process::kill() {
  if (end_ || pid_ <= 0) return;
  ::kill(-pid_, is_kept() ? kKeeperKillSignal : SIGKILL);
  if (is_kept()) ::kill(-pid_, SIGCONT);  // whoever may have stopped it
}

// A keeper needs a moment for what is below it, of real time whatever clock is shown to others. One that
// takes longer than it can has been hindered.
void Process::await_end_of_killed() {
  constexpr int kMostRounds = 10'000;
  for (int round = 0; !poll_end(); ++round) {
    if (round == kMostRounds) ::kill(-pid_, SIGKILL);
    const timespec time{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&time, nullptr);
  }
}

void Process::abandon_all(const std::vector<Process*>& processes) {
  constexpr Nanos kPatience = nanos_from_ms(200);
  SystemClock clock;
  const Nanos deadline = clock.now() + kPatience;
  for (Process* process : processes) process->kill();
  for (Process* process : processes) {
    while (!process->poll_end() && clock.now() < deadline) clock.sleep_until(clock.now() + nanos_from_ms(1));
    // Never again signalled or waited for by its number.
    if (!process->end_) process->end_ = ProcessEnd{.signal = SIGKILL};
    process->out_.reset();
    process->err_.reset();
    process->socket_.reset();
  }
}

std::vector<std::pair<std::string, std::string>> environment_subset(const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, std::string>> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = text.substr(0, equals);
    const bool wanted = std::any_of(names.begin(), names.end(), [&](const std::string& pattern) {
      return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1))
                                    : name == pattern;
    });
    if (wanted) result.emplace_back(name, text.substr(equals + 1));
  }
  return result;
}

}  // namespace assay
