// Reads many children's pipes with poll(2); see side_by_side.h.
#include "os/side_by_side.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace assay {
namespace {

constexpr int kLongestPollMs = 20;  // a child that has closed its pipes and goes on is looked at so often

struct RunningChild {
  std::optional<Process> process;
  ChildOutput* output = nullptr;
  bool out_open = true, err_open = true;

  bool is_done() const { return !process; }
};

// Takes what is there to read; false at the end of the stream.
bool drain(int fd, std::string& text, size_t most_bytes, bool& is_cut_off) {
  char buffer[16384];
  while (true) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    if (n == 0) return false;
    const size_t room = most_bytes - std::min(most_bytes, text.size());
    text.append(buffer, std::min(room, static_cast<size_t>(n)));
    if (static_cast<size_t>(n) > room) {
      is_cut_off = true;
      return false;
    }
  }
}

void let_go(RunningChild& child) {
  child.process->abandon();
  child.process.reset();
}

void attend(RunningChild& child, size_t most_bytes) {
  ChildOutput& output = *child.output;
  // Looked at before its pipes are read: what it wrote before its end is then all there.
  const std::optional<ProcessEnd> end = child.process->poll_end();
  if (child.out_open) child.out_open = drain(child.process->out(), output.out, most_bytes, output.is_cut_off);
  if (child.err_open) child.err_open = drain(child.process->err(), output.err, most_bytes, output.is_cut_off);
  if (output.is_cut_off) return let_go(child);
  if (!end) return;
  output.end = end;
  child.process.reset();
}

void wait_for_any(const std::vector<RunningChild>& children, Nanos left) {
  std::vector<pollfd> waits;
  for (const RunningChild& child : children) {
    if (child.is_done()) continue;
    if (child.out_open) waits.push_back({child.process->out(), POLLIN, 0});
    if (child.err_open) waits.push_back({child.process->err(), POLLIN, 0});
  }
  const auto left_ms =
      static_cast<int>(std::clamp<int64_t>(static_cast<int64_t>(milliseconds(left)), 1, kLongestPollMs));
  ::poll(waits.data(), waits.size(), left_ms);
}

}  // namespace

std::string ChildOutput::words() const {
  if (!error.empty()) return "could not be started: " + error;
  if (is_cut_off) return "wrote without end and was stopped";
  if (timed_out) return "did not answer within its time and was stopped";
  return end && !end->clean() ? "ended with " + end->words() : "";
}

std::vector<ChildOutput> run_side_by_side(const std::vector<ProcessOptions>& children, Clock& clock,
                                          Nanos limit, size_t most_bytes) {
  std::vector<ChildOutput> outputs(children.size());
  std::vector<RunningChild> running(children.size());
  const Nanos deadline = clock.now() + limit;
  for (size_t i = 0; i < children.size(); ++i) {
    running[i].output = &outputs[i];
    Result<Process> process = Process::start(children[i]);
    if (process)
      running[i].process.emplace(std::move(*process));
    else
      outputs[i].error = process.error().what;
  }
  while (!std::ranges::all_of(running, &RunningChild::is_done) && clock.now() < deadline) {
    wait_for_any(running, deadline - clock.now());
    for (RunningChild& child : running) {
      if (!child.is_done()) attend(child, most_bytes);
    }
  }
  // Together: children that hang in one driver are not let go by the kernel, and each would be waited for.
  std::vector<Process*> late;
  for (RunningChild& child : running) {
    if (child.is_done()) continue;
    child.output->timed_out = true;
    late.push_back(&*child.process);
  }
  Process::abandon_all(late);
  return outputs;
}

}  // namespace assay
