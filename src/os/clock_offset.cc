// Sampling and interpolating the distance of two clocks; see clock_offset.h.
#include "os/clock_offset.h"

#include <algorithm>
#include <ctime>

#include "os/clock.h"

namespace assay {
namespace {

Nanos magnitude(Nanos n) {
  return n.count < 0 ? Nanos(-n.count) : n;
}

}  // namespace

ClockReading read_clocks() {
  constexpr Nanos kNarrowEnough{200};
  ClockReading best{};
  for (int i = 0; i < 5; ++i) {
    ClockReading reading;
    reading.monotonic_before = read_clock(CLOCK_MONOTONIC);
    reading.realtime = read_clock(CLOCK_REALTIME);
    reading.monotonic_after = read_clock(CLOCK_MONOTONIC);
    if (i == 0 || reading.uncertainty() < best.uncertainty()) best = reading;
    if (best.uncertainty() <= kNarrowEnough) break;
  }
  return best;
}

void ClockOffset::add(const ClockReading& reading) {
  const Sample sample{reading.monotonic_after, reading.offset(), reading.uncertainty()};
  if (last_) {
    if (sample.at <= last_->at) return;
    const Nanos distance = magnitude(sample.offset - offset_at(sample.at));
    // The prediction rests on two samples and amplifies their uncertainty by how far it reaches beyond them.
    Nanos unknown = sample.uncertainty + last_->uncertainty * 2;
    // From one sample alone no rate is known: as much as Linux slews at most (500 ppm) is no surprise then.
    unknown += before_ ? before_->uncertainty : (sample.at - last_->at) / 2'000;
    if (distance > kJump + unknown) {
      ++jumps_;
      largest_jump_ = std::max(largest_jump_, distance);
      // The rate across a jump says nothing about the time after it.
      before_.reset();
      last_ = sample;
      return;
    }
  }
  before_ = last_;
  last_ = sample;
}

Nanos ClockOffset::offset_at(Nanos monotonic) const {
  if (!before_) return last_->offset;
  const double rate = static_cast<double>((last_->offset - before_->offset).count) /
                      static_cast<double>((last_->at - before_->at).count);
  // Neither far back nor far ahead does the present rate hold; beyond one span the ends do.
  const int64_t span = (last_->at - before_->at).count;
  const int64_t ahead =
      std::clamp((monotonic - last_->at).count, -span, std::max(span, kSampleEvery.count * 10));
  return last_->offset + Nanos(static_cast<int64_t>(rate * static_cast<double>(ahead)));
}

Nanos ClockOffset::to_monotonic(Nanos realtime) const {
  CHECK(last_.has_value());
  // The offset at the instant that the last offset gives: the rate is at most 500 ppm, so one step is exact
  // enough.
  const Nanos roughly = realtime - last_->offset;
  return realtime - offset_at(roughly);
}

}  // namespace assay
