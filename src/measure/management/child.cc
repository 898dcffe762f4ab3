// Reading a child's socket, stdout and stderr without ever waiting for one of them; see child.h.
#include "measure/management/child.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace assay {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr int kMostReads = 64;  // at a time, of a stream that never stops
constexpr size_t kMostKept = 300;
constexpr Nanos kLookInterval = nanos_from_ms(100);

}  // namespace

Result<ManagementChild> ManagementChild::start(const ManagementAccess& access, ManagementLibrary library) {
  ProcessOptions options{.command = access.command, .environment = access.environment, .wants_socket = true};
  options.command.push_back(library.path);
  ASSIGN_OR_RETURN(Process process, Process::start(options));
  return ManagementChild(std::move(process), std::move(library));
}

ManagementChild::~ManagementChild() {
  if (process_.socket() >= 0) process_.abandon();
}

bool ManagementChild::is_awaited() const {
  return !answer_ && !failure_;
}

void ManagementChild::ask_power() {
  if (failure_) return;
  answer_.reset();
  const std::string line = fmt::format("power {}\n", ++sequence_);
  // The socket takes a few bytes at once or is full of questions that nobody answers, which the silence
  // tells.
  [[maybe_unused]] const ssize_t n =
      ::send(process_.socket(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

std::optional<Result<ManagementReading>> ManagementChild::take_answer() {
  if (!failure_) read_all();
  if (answer_) return std::exchange(answer_, std::nullopt);
  if (failure_) return std::unexpected(*failure_);
  return std::nullopt;
}

void ManagementChild::give_up(std::string why) {
  if (failure_) return;
  failure_ = Error{std::move(why), library_.path};
  process_.abandon();
}

void ManagementChild::end_all(std::span<ManagementChild> children) {
  std::vector<Process*> processes;
  for (ManagementChild& child : children) processes.push_back(&child.process_);
  Process::abandon_all(processes);
}

void ManagementChild::read_all() {
  if (process_.socket() < 0) return;
  if (!out_ended_) drain(process_.out(), out_ended_, out_bytes_, first_out_);
  if (!err_ended_) drain(process_.err(), err_ended_, err_bytes_, first_err_);
  if (!socket_ended_) read_socket();
  if (socket_ended_ && is_awaited()) give_up(end_words());
}

// What a library prints is kept from filling its pipe, counted, and forgotten but for its beginning.
void ManagementChild::drain(int fd, bool& has_ended, uint64_t& bytes, std::string& first) {
  std::string buffer(kReadBytes, '\0');
  for (int i = 0; i < kMostReads; ++i) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      has_ended = true;
      return;
    }
    bytes += static_cast<uint64_t>(n);
    if (first.size() < kMostKept)
      first.append(buffer, 0, std::min<size_t>(static_cast<size_t>(n), kMostKept - first.size()));
  }
}

void ManagementChild::read_socket() {
  std::string buffer(kReadBytes, '\0');
  for (int i = 0; i < kMostReads && !failure_; ++i) {
    const ssize_t n = ::recv(process_.socket(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      socket_ended_ = true;
      return;
    }
    input_.append(buffer, 0, static_cast<size_t>(n));
    size_t begin = 0;
    for (size_t end; !failure_ && (end = input_.find('\n', begin)) != std::string::npos; begin = end + 1)
      take_line(std::string_view(input_).substr(begin, end - begin));
    input_.erase(0, begin);
    if (input_.size() > kMostManagementLineBytes) give_up("its answer is longer than 256 KiB");
  }
}

void ManagementChild::take_line(std::string_view line) {
  Result<ManagementReading> reading = parse_management_line(line);
  if (!reading) return give_up(reading.error().what);
  // One that was no longer awaited when it came.
  if (reading->sequence != sequence_) return;
  answer_ = std::move(reading);
}

std::string ManagementChild::end_words() {
  constexpr Nanos kPatience = nanos_from_ms(100);
  SystemClock clock;
  const Nanos deadline = clock.now() + kPatience;
  std::optional<ProcessEnd> end;
  while (!(end = process_.poll_end()) && clock.now() < deadline)
    clock.sleep_until(clock.now() + nanos_from_ms(1));
  std::string words = "it closed the line on which it was to answer";
  if (end && end->exited)
    words = fmt::format("it ended the process that had loaded it, with {}", end->words());
  if (end && !end->exited) words = "it crashed the process that had loaded it: " + end->words();
  drain(process_.err(), err_ended_, err_bytes_, first_err_);
  const std::string said = printable(trim(first_err_), 200);
  return said.empty() ? words : fmt::format("{}. It said: {}", words, said);
}

std::string ManagementChild::printed() const {
  const std::string& first = out_bytes_ > 0 ? first_out_ : first_err_;
  if (out_bytes_ + err_bytes_ == 0) return "";
  return fmt::format("{} bytes, which begin '{}'", out_bytes_ + err_bytes_, printable(trim(first), 80));
}

void await_answers(std::span<ManagementChild> children, Nanos deadline,
                   const std::function<bool()>& interrupted) {
  SystemClock clock;
  while (true) {
    std::vector<pollfd> fds;
    for (ManagementChild& child : children) {
      child.read_all();
      if (!child.is_awaited()) continue;
      fds.push_back({child.process_.socket(), POLLIN, 0});
      if (!child.out_ended_) fds.push_back({child.process_.out(), POLLIN, 0});
      if (!child.err_ended_) fds.push_back({child.process_.err(), POLLIN, 0});
    }
    const Nanos now = clock.now();
    if (fds.empty() || now >= deadline || (interrupted && interrupted())) return;
    const Nanos wait = std::min(deadline - now, kLookInterval);
    const timespec time{.tv_sec = 0, .tv_nsec = wait.count};
    ::ppoll(fds.data(), fds.size(), &time, nullptr);
  }
}

}  // namespace assay
