// How far the clock of another rank is from rank 0's: CLOCK_MONOTONIC begins at some instant of each host's
// own.
#pragma once

#include <cstdint>
#include <span>

#include "base/base.h"
#include "os/clock.h"
#include "os/rank_link.h"

namespace assay {

// The rank's clock less rank 0's, right to within `error`: half the shortest round trip, since nobody knows
// how its two ways shared it (Cristian, Probabilistic clock synchronization, 1989). Of rank 0 all are 0.
struct RankClock {
  Nanos offset{};
  Nanos error{};
  Nanos round_trip{};   // the shortest
  uint32_t rounds = 0;  // it is the shortest of so many
};

// A question and its answer: `sent` and `received` by the asker's clock, `remote` by the other's, read in
// between.
struct ClockRound {
  Nanos sent, remote, received;
};

inline constexpr uint32_t kClockRounds = 200;

// Pure. At least one round.
RankClock rank_clock_of(std::span<const ClockRound> rounds);

// On rank 0: asks `rank` kClockRounds times, one after the other, while it is in answer_clock.
Result<RankClock> measure_rank_clock(RankLink& link, uint32_t rank, const Clock& clock, Nanos deadline);
// On that rank.
Result<void> answer_clock(RankLink& link, const Clock& clock, Nanos deadline);

}  // namespace assay
