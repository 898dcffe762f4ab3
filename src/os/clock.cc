// The system's clocks.
#include "os/clock.h"

#include <cerrno>
#include <ctime>

namespace assay {

Nanos read_clock(int clock_id) {
  timespec t{};
  clock_gettime(clock_id, &t);
  return Nanos(int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec);
}

Nanos SystemClock::now() const {
  return read_clock(CLOCK_MONOTONIC);
}

void SystemClock::sleep_until(Nanos instant) {
  const timespec t{.tv_sec = instant.count / 1'000'000'000, .tv_nsec = instant.count % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
  }
}

Nanos SystemClock::cpu_time() const {
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

Nanos SystemClock::wall_offset() const {
  return read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
}

std::string SystemClock::wall_time() const {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text, length};
}

}  // namespace assay
