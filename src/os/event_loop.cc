// The event loop over epoll; see event_loop.h.
#include "os/event_loop.h"

#include <sys/epoll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace assay {
namespace {

// Few at a time: between two waits the user sends what has become due, and a batch must not make that late.
constexpr int kMostEvents = 16;

int to_milliseconds(Nanos timeout) {
  constexpr int64_t kMost = 1'000'000'000;
  return static_cast<int>(std::min(kMost, (timeout.count + 999'999) / 1'000'000));
}

}  // namespace

Result<EventLoop> EventLoop::create() {
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return fail("cannot create an epoll instance: " + errno_text(errno));
  // By default Linux may wake a thread 50 µs late to save power, which a load generator would report as the
  // server's.
  ::prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  return EventLoop(std::move(epoll));
}

Result<void> EventLoop::watch(int fd, uint64_t token, bool readable, bool writable) {
  epoll_event event{};
  event.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
  event.data.u64 = token;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) return {};
  if (errno == ENOENT && ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return fail("cannot watch a descriptor: " + errno_text(errno));
}

void EventLoop::forget(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::Timer EventLoop::set_timer(Nanos at, uint64_t token) {
  const Timer timer{at, ++timers_set_};
  timers_.emplace(timer, token);
  return timer;
}

Result<void> EventLoop::wait(Nanos until, Clock& clock, std::vector<LoopEvent>& events) {
  const Nanos deadline = timers_.empty() ? until : std::min(until, timers_.begin()->first.first);
  const bool forever = deadline == kNever;
  const Nanos timeout = forever ? Nanos() : std::max(Nanos(), deadline - clock.now());

  epoll_event ready[kMostEvents];
  int n = -1;
  if (has_pwait2_) {
    const timespec t{.tv_sec = timeout.count / 1'000'000'000, .tv_nsec = timeout.count % 1'000'000'000};
    n = ::epoll_pwait2(epoll_.get(), ready, kMostEvents, forever ? nullptr : &t, nullptr);
    if (n < 0 && (errno == ENOSYS || errno == EPERM))
      has_pwait2_ = false;  // EPERM: an old container's filter
  }
  if (!has_pwait2_)
    n = ::epoll_wait(epoll_.get(), ready, kMostEvents, forever ? -1 : to_milliseconds(timeout));
  if (n < 0 && errno != EINTR) return fail("cannot wait for sockets: " + errno_text(errno));
  if (n == 0 && timeout > Nanos()) clock.sleep_until(deadline);

  for (int i = 0; i < n; ++i) {
    const uint32_t what = ready[i].events;
    LoopEvent event{.token = ready[i].data.u64};
    event.readable = (what & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
    event.writable = (what & (EPOLLOUT | EPOLLERR)) != 0;
    events.push_back(event);
  }
  if (timers_.empty()) return {};
  const Nanos now = clock.now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    events.push_back({.token = timers_.begin()->second, .timer = true});
    timers_.erase(timers_.begin());
  }
  return {};
}

}  // namespace assay
