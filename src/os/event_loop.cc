// The event loop over epoll; see event_loop.h.
#include "os/event_loop.h"

#include <sys/epoll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

namespace assay {
namespace {

// Few at a time: between two waits the user sends what has become due, and a batch must not make that late.
constexpr size_t kMostEvents = 8;
// So long before an instant the thread stays awake for it.
constexpr Nanos kAwake(60'000);

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

int EventLoop::wait_for_descriptors(std::optional<Nanos> timeout, std::span<epoll_event> ready) {
  const int room = static_cast<int>(ready.size());
  if (has_pwait2_) {
    const Nanos rest = timeout.value_or(Nanos());
    const timespec t{.tv_sec = rest.count / 1'000'000'000, .tv_nsec = rest.count % 1'000'000'000};
    const int n = ::epoll_pwait2(epoll_.get(), ready.data(), room, timeout ? &t : nullptr, nullptr);
    // EPERM: an old container's filter
    if (n >= 0 || (errno != ENOSYS && errno != EPERM)) return n;
    has_pwait2_ = false;
  }
  return ::epoll_wait(epoll_.get(), ready.data(), room, timeout ? to_milliseconds(*timeout) : -1);
}

Result<void> EventLoop::wait(Nanos until, Clock& clock, std::vector<LoopEvent>& events) {
  const Nanos deadline = timers_.empty() ? until : std::min(until, timers_.begin()->first.first);
  std::array<epoll_event, kMostEvents> ready;
  int n = 0;
  if (deadline == kNever) {
    n = wait_for_descriptors(std::nullopt, ready);
  } else {
    const Nanos rest = deadline - clock.now();
    n = wait_for_descriptors(std::max(Nanos(), rest - kAwake), ready);
    // Awake to the end: a sleeping thread is woken some ten microseconds late. A clock that stands still (a
    // FakeClock) is moved instead.
    for (Nanos before{}; n == 0 && clock.now() < deadline;) {
      const Nanos now = clock.now();
      if (now == before) {
        clock.sleep_until(deadline);
        break;
      }
      before = now;
      n = wait_for_descriptors(Nanos(), ready);
    }
  }
  if (n < 0 && errno != EINTR) return fail("cannot wait for sockets: " + errno_text(errno));

  for (int i = 0; i < n; ++i) {
    const epoll_event& one = ready[static_cast<size_t>(i)];
    const uint32_t what = one.events;
    LoopEvent event{.token = one.data.u64};
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
