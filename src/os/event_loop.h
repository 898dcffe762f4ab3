// EventLoop: waits for many sockets and timers at once, to the nanosecond as far as the kernel goes
// (epoll_pwait2). It hands out what has happened and calls nobody, so that the order of work stays in its
// user's hands.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/base.h"
#include "os/clock.h"
#include "os/files.h"

struct epoll_event;

namespace assay {

// What happened. `token` is what the user gave with the descriptor or the timer.
struct LoopEvent {
  uint64_t token = 0;
  bool timer = false;
  bool readable = false;  // bytes, the end, or an error that the next read tells
  bool writable = false;  // room, or an error that the next write tells
};

// One thread only: the one that created it (its timer slack is set to 1 µs, the least that Linux keeps).
class EventLoop {
 public:
  // A timer that is set, for cancelling it; the instant it is due, and a number that tells equal ones apart.
  using Timer = std::pair<Nanos, uint64_t>;

  static Result<EventLoop> create();

  // Watches `fd` (level-triggered), or changes what it is watched for. A closed descriptor is forgotten by
  // itself.
  Result<void> watch(int fd, uint64_t token, bool readable, bool writable);
  void forget(int fd);

  // Comes once, as an event, from the first wait that reaches `at`.
  Timer set_timer(Nanos at, uint64_t token);
  void cancel_timer(const Timer& timer) {
    timers_.erase(timer);
  }  // one that has come or was cancelled is ignored

  // Waits until something happens or the clock reaches `until` (kNever: without end), and appends what
  // happened (awake for the last 60 µs, so that an instant is met to the microsecond): at most 8 descriptors
  // and all timers that are due, which come last. Also returns, with nothing, on a signal. A FakeClock is
  // moved to `until`, or to the first timer, after as much real time.
  Result<void> wait(Nanos until, Clock& clock, std::vector<LoopEvent>& events);

 private:
  explicit EventLoop(FileDescriptor epoll) : epoll_(std::move(epoll)) {}

  // What epoll_wait returns; without a timeout it waits for a descriptor.
  int wait_for_descriptors(std::optional<Nanos> timeout, std::span<epoll_event> ready);

  FileDescriptor epoll_;
  std::map<Timer, uint64_t> timers_;  // to their tokens
  uint64_t timers_set_ = 0;
  bool has_pwait2_ = true;  // Linux 5.11; before it, waits are rounded up to milliseconds
};

}  // namespace assay
