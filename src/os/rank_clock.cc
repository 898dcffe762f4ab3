// Clock offsets by round trips; see rank_clock.h.
#include "os/rank_clock.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace assay {
namespace {

std::string bytes_of(Nanos instant) {
  std::string bytes(sizeof instant.count, '\0');
  std::memcpy(bytes.data(), &instant.count, sizeof instant.count);
  return bytes;
}

}  // namespace

RankClock rank_clock_of(std::span<const ClockRound> rounds) {
  CHECK(!rounds.empty());
  const ClockRound& best = *std::ranges::min_element(
      rounds, {}, [](const ClockRound& round) { return round.received - round.sent; });
  const Nanos round_trip = best.received - best.sent;
  return {.offset = best.remote - (best.sent + round_trip / 2),
          .error = Nanos((round_trip.count + 1) / 2),
          .round_trip = round_trip,
          .rounds = static_cast<uint32_t>(rounds.size())};
}

Result<RankClock> measure_rank_clock(RankLink& link, uint32_t rank, const Clock& clock, Nanos deadline) {
  std::vector<ClockRound> rounds;
  for (uint32_t i = 0; i < kClockRounds; ++i) {
    const Nanos sent = clock.now();
    RETURN_IF_ERROR(link.send(rank, "?", deadline));
    ASSIGN_OR_RETURN(const std::string answer, link.receive(rank, deadline));
    ClockRound round{.sent = sent, .remote = {}, .received = clock.now()};
    if (answer.size() != sizeof round.remote.count) return fail("a rank gave no instant of its clock");
    std::memcpy(&round.remote.count, answer.data(), answer.size());
    rounds.push_back(round);
  }
  return rank_clock_of(rounds);
}

Result<void> answer_clock(RankLink& link, const Clock& clock, Nanos deadline) {
  for (uint32_t i = 0; i < kClockRounds; ++i) {
    ASSIGN_OR_RETURN(const std::string question, link.receive(0, deadline));
    if (question != "?") return fail("rank 0 did not ask for the clock");
    RETURN_IF_ERROR(link.send(0, bytes_of(clock.now()), deadline));
  }
  return {};
}

}  // namespace assay
