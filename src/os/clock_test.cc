// The clocks: the system's runs forwards, the fake one only when told.
#include "os/clock.h"

#include <gmock/gmock.h>

namespace assay::clock_test {

TEST(SystemClock, NeverRunsBackwardsAndReachesWhatItSleepsFor) {
  SystemClock clock;
  const Nanos start = clock.now();
  clock.sleep_until(start - nanos_from_seconds(5));  // returns at once
  const Nanos goal = clock.now() + Nanos(1);
  clock.sleep_until(goal);
  EXPECT_GE(clock.now(), goal);
}

TEST(SystemClock, LabelsInUtc) {
  EXPECT_THAT(SystemClock().wall_time(),
              testing::MatchesRegex("20[0-9][0-9]-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+Z"));
}

TEST(FakeClock, MovesOnlyForwardsAndOnlyWhenTold) {
  FakeClock clock(Nanos(100));
  EXPECT_EQ(clock.now(), Nanos(100));
  clock.sleep_until(Nanos(150));
  EXPECT_EQ(clock.now(), Nanos(150));
  clock.advance_to(Nanos(120));
  EXPECT_EQ(clock.now(), Nanos(150));
}

}  // namespace assay::clock_test
