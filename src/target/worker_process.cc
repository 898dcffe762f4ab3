// Reading from and writing to a worker, and run_worker_job on top of it.
#include "target/worker_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace assay {
namespace {

constexpr size_t kDiagnosticsBytes = 64 << 10;
constexpr size_t kWorkerReadBytes = 256 << 10;
constexpr size_t kMaxLineBytes = 1 << 20;
constexpr int64_t kMaxLines = 100'000;
constexpr size_t kMaxTextBytes = 1000;  // of what a worker says of its own error
constexpr Nanos kEndGrace = nanos_from_seconds(5);
constexpr Nanos kWorkerLookInterval = nanos_from_ms(100);  // how often an interrupt is looked for

// Reads what is there, at most kWorkerReadBytes; false when the stream has ended.
bool read_some(int fd, std::string& into) {
  const size_t before = into.size();
  into.resize(before + kWorkerReadBytes);
  const ssize_t n = ::read(fd, into.data() + before, kWorkerReadBytes);
  const int number = errno;
  into.resize(before + static_cast<size_t>(std::max<ssize_t>(0, n)));
  return n > 0 || (n < 0 && (number == EAGAIN || number == EINTR));
}

timespec time_left(Nanos until, Nanos now) {
  const int64_t ns = std::clamp<int64_t>(until.count - now.count, 0, int64_t{1'000'000'000} * 3600);
  return {ns / 1'000'000'000, ns % 1'000'000'000};
}

}  // namespace

Result<WorkerProcess> WorkerProcess::start(const WorkerCommand& worker, const Json& job, bool wants_socket,
                                           Clock& clock, const FileDescriptor* input) {
  ProcessOptions options{.command = worker.command,
                         .environment = worker.environment,
                         .wants_socket = wants_socket,
                         .input = input};
  options.command.push_back(job.dump());
  return start(options, clock);
}

Result<WorkerProcess> WorkerProcess::start(const ProcessOptions& options, Clock& clock) {
  ASSIGN_OR_RETURN(Process process, Process::start(options));
  return WorkerProcess(std::move(process), clock);
}

void WorkerProcess::send(std::string_view bytes) {
  outgoing_ += bytes;
  bytes_queued_ += bytes.size();
  flush();
}

void WorkerProcess::flush() {
  size_t done = 0;
  if (!outgoing_.empty()) last_flush_ = clock_->now();
  while (done < outgoing_.size() && process_.socket() >= 0) {
    const ssize_t n = ::send(process_.socket(), outgoing_.data() + done, outgoing_.size() - done,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;  // full, or gone: the reading side sees which
    done += static_cast<size_t>(n);
  }
  outgoing_.erase(0, done);
  bytes_sent_ += done;
}

void WorkerProcess::wait(Nanos until) {
  const short socket_events = static_cast<short>(outgoing_.empty() ? POLLIN : POLLIN | POLLOUT);
  pollfd fds[] = {{socket_ended_ ? -1 : process_.socket(), socket_events, 0},
                  {out_ended_ ? -1 : process_.out(), POLLIN, 0},
                  {err_ended_ ? -1 : process_.err(), POLLIN, 0}};
  const timespec left = time_left(until, clock_->now());
  if (::ppoll(fds, 3, &left, nullptr) <= 0) return;
  if (fds[0].revents & POLLOUT) flush();
  if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
    socket_ended_ = !read_some(process_.socket(), socket_input);
  const size_t before = out_input.size() + diagnostics_.size();
  if (fds[1].revents != 0) out_ended_ = !read_some(process_.out(), out_input);
  if (fds[2].revents != 0) err_ended_ = !read_some(process_.err(), diagnostics_);
  bytes_heard_ += out_input.size() + diagnostics_.size() - before;
  if (diagnostics_.size() > kDiagnosticsBytes) diagnostics_.erase(0, diagnostics_.size() - kDiagnosticsBytes);
}

ProcessEnd WorkerProcess::end_by(Nanos deadline) {
  // A worker with a full pipe would never end; what it says now is also its last words.
  while (!process_.poll_end() && clock_->now() < deadline && !(socket_ended_ && out_ended_ && err_ended_)) {
    wait(std::min(deadline, clock_->now() + nanos_from_ms(20)));
    if (out_input.size() > kMaxLineBytes) out_input.clear();
    if (socket_input.size() > kMaxFrameBytes) socket_input.clear();
  }
  const ProcessEnd end = process_.end_by(deadline, *clock_);
  for (size_t before = SIZE_MAX; !err_ended_ && diagnostics_.size() != before;) {
    before = diagnostics_.size();
    err_ended_ = !read_some(process_.err(), diagnostics_);
  }
  if (diagnostics_.size() > kDiagnosticsBytes) diagnostics_.erase(0, diagnostics_.size() - kDiagnosticsBytes);
  return end;
}

std::string WorkerProcess::last_words() const {
  const std::string_view all = trim(diagnostics_);
  if (all.empty()) return "";
  size_t begin = all.rfind('\n');
  if (begin != std::string_view::npos && begin > 0) begin = all.rfind('\n', begin - 1);
  std::string tail(begin == std::string_view::npos ? all : all.substr(begin + 1));
  std::replace(tail.begin(), tail.end(), '\n', ' ');
  return " It said: " + printable(tail, 400);
}

// ---- jobs ----

namespace {

// Takes whole lines out of `input` and hands them on.
Result<void> take_lines(std::string& input, int64_t& lines, const std::function<void(const Json&)>& on_line) {
  size_t begin = 0;
  for (size_t end; (end = input.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (++lines > kMaxLines) return fail("the worker printed more than 100,000 lines");
    const std::string_view line = std::string_view(input).substr(begin, end - begin);
    const auto json = Json::parse(line, "worker");
    if (!json || !json->is_object()) {
      return fail("the worker printed a line that is no JSON object: " + printable(line.substr(0, 100)));
    }
    on_line(*json);
  }
  input.erase(0, begin);
  if (input.size() > kMaxLineBytes) return fail("the worker printed a line over 1 MiB");
  return {};
}

// What a line of type "error" says.
Error own_error(const Json& line) {
  return {printable(line["what"].as_string(), kMaxTextBytes), printable(line["where"].as_string(), 200),
          printable(line["remedy"].as_string(), 400)};
}

Error with_last_words(Error error, const WorkerProcess& process) {
  error.what += "." + process.last_words();
  if (error.what.ends_with('.')) error.what.pop_back();
  return error;
}

}  // namespace

WorkerJobEnd run_worker_job(const WorkerCommand& worker, const Json& job, Clock& clock, Nanos deadline,
                            Nanos silence_timeout, const std::function<void(const Json& line)>& on_line,
                            const std::function<bool()>& interrupted, const FileDescriptor* input) {
  Result<WorkerProcess> started = WorkerProcess::start(worker, job, false, clock, input);
  if (!started)
    return {.cause = EndCause::kNotStarted, .error = started.error(), .end = {}, .diagnostics = {}};
  WorkerProcess& process = *started;
  const std::string where = "worker job " + job["job"].as_string();
  const auto ended = [&](EndCause cause, std::string what, Nanos deadline_of_end) {
    const ProcessEnd end = process.end_by(deadline_of_end);
    if (what.empty() && !end.clean()) cause = EndCause::kDied, what = "the worker died: " + end.words();
    Error error;
    if (!what.empty()) error = with_last_words(Error{std::move(what), where, ""}, process);
    return WorkerJobEnd{cause, std::move(error), end, process.diagnostics()};
  };
  const auto give_up = [&](EndCause cause, std::string what) {
    process.kill();
    return ended(cause, std::move(what), clock.now());
  };
  std::optional<Error> refusal;
  const auto take_line = [&](const Json& line) {
    if (line["type"].as_string() == "error") refusal = own_error(line);
    on_line(line);
  };
  int64_t lines = 0;
  Nanos last_line = clock.now();
  while (!process.out_has_ended()) {
    const Nanos now = clock.now();
    const Nanos silent_at = last_line + silence_timeout;
    if (interrupted && interrupted()) return give_up(EndCause::kInterrupted, "interrupted");
    if (now >= deadline) return give_up(EndCause::kHung, "the worker hung: it did not end in time");
    if (now >= silent_at) {
      return give_up(EndCause::kHung,
                     "the worker hung: it said nothing for " + format_duration(seconds(silence_timeout)));
    }
    const int64_t lines_before = lines;
    process.wait(std::min({deadline, silent_at, now + kWorkerLookInterval}));
    const Result<void> taken = take_lines(process.out_input, lines, take_line);
    if (!taken) return give_up(EndCause::kNonsense, taken.error().what);
    if (lines != lines_before) last_line = clock.now();
  }
  WorkerJobEnd end = ended(EndCause::kNone, "", clock.now() + kEndGrace);
  if (refusal) end.cause = EndCause::kRefused, end.error = std::move(*refusal);
  return end;
}

}  // namespace assay
