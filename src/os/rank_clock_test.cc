// Clock offsets from round trips, against clocks whose distance is known.
#include "os/rank_clock.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace assay::rank_clock_test {

TEST(RankClock, TheShortestRoundTripDecides) {
  const Nanos ahead = nanos_from_seconds(5);
  const ClockRound rounds[] = {{Nanos(1000), ahead + Nanos(1900), Nanos(3000)},   // 2000 there and back
                               {Nanos(4000), ahead + Nanos(4070), Nanos(4100)},   // 100
                               {Nanos(5000), ahead + Nanos(5010), Nanos(6000)}};  // 1000
  const RankClock clock = rank_clock_of(rounds);
  EXPECT_EQ(clock.round_trip, Nanos(100));
  EXPECT_EQ(clock.error, Nanos(50));
  EXPECT_EQ(clock.offset, ahead + Nanos(20));
  EXPECT_EQ(clock.rounds, 3U);
}

TEST(RankClock, TheTruthLiesWithinTheErrorHoweverTheRoundTripIsShared) {
  for (int64_t there = 0; there <= 101; ++there) {
    const Nanos ahead(-77'000);
    const ClockRound round{Nanos(1'000'000), Nanos(1'000'000 + there) + ahead, Nanos(1'000'101)};
    const RankClock clock = rank_clock_of({&round, 1});
    EXPECT_LE(clock.offset - clock.error, ahead) << there;
    EXPECT_GE(clock.offset + clock.error, ahead) << there;
  }
}

// The other rank in the same thread: it answers a question at once, `kAhead` ahead, and each way takes a
// while.
class AnsweringLink final : public RankLink {
 public:
  static constexpr Nanos kAhead = nanos_from_seconds(3600);
  explicit AnsweringLink(FakeClock& clock) : clock_(clock) {}

  uint32_t rank() const override { return 0; }
  uint32_t ranks() const override { return 2; }
  Result<void> send(uint32_t, std::string_view, Nanos) override {
    clock_.advance_to(clock_.now() + Nanos(300 + 7 * (asked_ % 5)));
    const int64_t at = (clock_.now() + kAhead).count;
    answer_.assign(reinterpret_cast<const char*>(&at), is_broken ? 3 : sizeof at);
    ++asked_;
    return {};
  }
  Result<std::string> receive(uint32_t, Nanos) override {
    clock_.advance_to(clock_.now() + Nanos(500));
    return answer_;
  }
  Result<void> leave() override { return {}; }

  bool is_broken = false;

 private:
  FakeClock& clock_;
  uint32_t asked_ = 0;
  std::string answer_;
};

TEST(RankClock, IsMeasuredOverALink) {
  FakeClock clock;
  AnsweringLink link(clock);
  const auto measured = measure_rank_clock(link, 1, clock, kNever);
  ASSERT_TRUE(measured);
  EXPECT_EQ(measured->rounds, kClockRounds);
  EXPECT_EQ(measured->round_trip, Nanos(800));
  EXPECT_EQ(measured->offset, AnsweringLink::kAhead - Nanos(100));
  EXPECT_EQ(measured->error, Nanos(400));
}

TEST(RankClock, AnAnswerThatIsNoInstantIsAnError) {
  FakeClock clock;
  AnsweringLink link(clock);
  link.is_broken = true;
  EXPECT_FALSE(measure_rank_clock(link, 1, clock, kNever));
}

}  // namespace assay::rank_clock_test
