// Time as an argument. Everything that waits or stamps gets a Clock, so that tests run on a FakeClock and
// never sleep.
#pragma once

#include <string>

#include "base/base.h"

namespace assay {

// The system's clock of that number: CLOCK_MONOTONIC, CLOCK_REALTIME …
Nanos read_clock(int clock_id);

// Thread-safe unless a subclass says otherwise.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Nanos now() const = 0;                // CLOCK_MONOTONIC; for durations and stamps
  virtual void sleep_until(Nanos instant) = 0;  // returns at once for an instant in the past
  virtual Nanos cpu_time() const = 0;           // of this process, user and system
  virtual std::string wall_time() const = 0;    // "2026-11-24T05:36:46Z"; only ever a label
  virtual Nanos wall_offset() const = 0;        // CLOCK_REALTIME less now(); only ever a label
};

class SystemClock final : public Clock {
 public:
  Nanos now() const override;
  void sleep_until(Nanos instant) override;
  Nanos cpu_time() const override;
  std::string wall_time() const override;
  Nanos wall_offset() const override;
};

// Stands still until it is told to move: by `advance_to`, or by sleep_until, which moves it. One thread only.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Nanos start = nanos_from_seconds(1000)) : now_(start) {}
  Nanos now() const override { return now_; }
  void sleep_until(Nanos instant) override { advance_to(instant); }
  Nanos cpu_time() const override { return Nanos(0); }  // work takes no time here
  std::string wall_time() const override { return "2026-01-01T00:00:00Z"; }
  Nanos wall_offset() const override { return nanos_from_seconds(1'767'225'600); }
  void advance_to(Nanos instant) {
    if (instant > now_) now_ = instant;
  }

 private:
  Nanos now_;
};

}  // namespace assay
