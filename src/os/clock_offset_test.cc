// Converting wall-clock stamps, on readings that are given: steady, slewed, stepped, and blurred ones.
#include "os/clock_offset.h"

#include <gtest/gtest.h>

namespace assay::clock_offset_test {

constexpr Nanos kDay{86'400'000'000'000};
constexpr Nanos kSecond{1'000'000'000};

// A reading at monotonic `at` of a wall clock that is `offset` ahead, taken within ±`blur`.
ClockReading reading(Nanos at, Nanos offset, Nanos blur = Nanos(20)) {
  return {at - blur, at + offset, at + blur};
}

TEST(ClockOffset, ConvertsByTheOnlySampleThereIs) {
  ClockOffset offset;
  EXPECT_TRUE(offset.due(kSecond));
  offset.add(reading(kSecond, kDay));
  EXPECT_EQ(offset.to_monotonic(kDay + kSecond * 3), kSecond * 3);
  EXPECT_FALSE(offset.due(kSecond));
  EXPECT_TRUE(offset.due(kSecond + ClockOffset::kSampleEvery + Nanos(20)));
}

TEST(ClockOffset, FollowsASlewBetweenAndBeyondItsSamples) {
  // 100 ppm: 10 µs in each tenth of a second.
  ClockOffset offset;
  offset.add(reading(kSecond, kDay));
  offset.add(reading(kSecond + Nanos(100'000'000), kDay + Nanos(10'000)));
  const Nanos halfway = kSecond + Nanos(50'000'000);
  EXPECT_NEAR(static_cast<double>((offset.to_monotonic(halfway + kDay + Nanos(5'000)) - halfway).count), 0,
              5);
  const Nanos beyond = kSecond + Nanos(150'000'000);
  EXPECT_NEAR(static_cast<double>((offset.to_monotonic(beyond + kDay + Nanos(15'000)) - beyond).count), 0, 5);
  EXPECT_EQ(offset.jumps(), 0U);
}

TEST(ClockOffset, CountsAStepAndGoesOnBehindIt) {
  ClockOffset offset;
  offset.add(reading(kSecond, kDay));
  offset.add(reading(kSecond * 2, kDay));
  offset.add(reading(kSecond * 3, kDay + Nanos(50'000'000)));
  EXPECT_EQ(offset.jumps(), 1U);
  EXPECT_EQ(offset.largest_jump(), Nanos(50'000'000));
  EXPECT_EQ(offset.to_monotonic(kDay + Nanos(50'000'000) + kSecond * 3), kSecond * 3);
  offset.add(reading(kSecond * 4, kDay + Nanos(50'000'000)));
  EXPECT_EQ(offset.jumps(), 1U) << "one step is one jump";
  offset.add(reading(kSecond * 5, kDay));
  EXPECT_EQ(offset.jumps(), 2U) << "backwards counts too";
}

TEST(ClockOffset, ASteadySlewIsNoJumpHoweverLarge) {
  ClockOffset offset;
  offset.add(reading(kSecond, kDay));
  for (int i = 1; i <= 20; ++i) {
    offset.add(
        reading(kSecond + Nanos(100'000'000) * i, kDay + Nanos(50'000) * i));  // the most that Linux slews
  }
  EXPECT_EQ(offset.jumps(), 0U);
  // When it ends, the prediction is wrong once.
  for (int i = 1; i <= 20; ++i)
    offset.add(reading(kSecond * 3 + Nanos(100'000'000) * i, kDay + Nanos(1'000'000)));
  EXPECT_EQ(offset.jumps(), 1U);
}

TEST(ClockOffset, ABlurredReadingIsNotTakenForAJump) {
  ClockOffset offset;
  offset.add(reading(kSecond, kDay));
  offset.add(reading(kSecond * 2, kDay));
  offset.add(reading(kSecond * 3, kDay + Nanos(40'000), Nanos(60'000)));
  EXPECT_EQ(offset.jumps(), 0U);
}

TEST(ClockOffset, ReadingsOutOfOrderAreIgnored) {
  ClockOffset offset;
  offset.add(reading(kSecond * 2, kDay));
  offset.add(reading(kSecond, kDay * 2));
  EXPECT_EQ(offset.jumps(), 0U);
  EXPECT_EQ(offset.to_monotonic(kDay + kSecond), kSecond);
}

TEST(ClockReading, IsNarrowAndInOrder) {
  const ClockReading now = read_clocks();
  EXPECT_LE(now.monotonic_before, now.monotonic_after);
  EXPECT_GT(now.realtime, kDay);
  ClockOffset offset;
  offset.add(now);
  const Nanos converted = offset.to_monotonic(now.realtime);
  EXPECT_GE(converted, now.monotonic_before);
  EXPECT_LE(converted, now.monotonic_after);
}

}  // namespace assay::clock_offset_test
