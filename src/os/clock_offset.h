// ClockOffset: turns the kernel's receive stamps, which are CLOCK_REALTIME, into CLOCK_MONOTONIC. The wall
// clock is slewed and sometimes stepped while a trial runs, so its distance is sampled over and over and
// interpolated between.
#pragma once

#include <cstdint>
#include <optional>

#include "base/base.h"

namespace assay {

// The two clocks read together: the wall clock was read between the two readings of the monotonic one.
struct ClockReading {
  Nanos monotonic_before, realtime, monotonic_after;

  Nanos offset() const { return realtime - (monotonic_before + monotonic_after) / 2; }
  Nanos uncertainty() const { return (monotonic_after - monotonic_before) / 2; }
};

// The narrowest of up to five readings, so that one interrupted between its calls does not count.
ClockReading read_clocks();

// One thread only.
class ClockOffset {
 public:
  // A sample that lies further from where the ones before said it would, beyond what the readings cannot
  // tell.
  static constexpr Nanos kJump{10'000};
  // A stamp converted with a sample older than this may be wrong by more than kJump where the clock is being
  // slewed.
  static constexpr Nanos kSampleEvery{100'000'000};

  // Readings come in the order of time.
  void add(const ClockReading& reading);
  bool due(Nanos monotonic_now) const { return !last_ || monotonic_now - last_->at >= kSampleEvery; }

  // The monotonic instant of a wall-clock one: interpolated between the last two samples, and after the last
  // one carried on at the rate between them. CHECKs that there is a sample.
  Nanos to_monotonic(Nanos realtime) const;

  uint32_t jumps() const { return jumps_; }
  Nanos largest_jump() const { return largest_jump_; }
  void forget_jumps() {
    jumps_ = 0;
    largest_jump_ = Nanos();
  }

 private:
  struct Sample {
    Nanos at, offset, uncertainty;
  };
  Nanos offset_at(Nanos monotonic) const;

  std::optional<Sample> before_, last_;
  uint32_t jumps_ = 0;
  Nanos largest_jump_{};
};

}  // namespace assay
