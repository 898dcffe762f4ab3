// The live line of a load has room on every terminal.
#include "exam/load/status_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::status_line_test {

using testing::HasSubstr;
using testing::Not;

TEST(StatusLine, SaysWhatIsKnownSoFar) {
  EXPECT_EQ(status_line({}), "0/s  0 in flight  0 failed  TTFT —  TPOT —  worst lag 0 s");
  EXPECT_EQ(status_line({.failed = 2,
                         .in_flight = 31,
                         .rate_per_s = 12.34,
                         .ttft_ms_now = 850,
                         .tpot_ms_now = 12.5,
                         .dispatch_lag_ms_max = 0.25}),
            "12.3/s  31 in flight  2 failed  TTFT 850 ms  TPOT 12.5 ms  worst lag 250 µs");
}

TEST(StatusLine, FitsWhateverThereIsToSay) {
  for (const size_t count : {size_t{0}, size_t{999}, size_t{65'536}, size_t{1'000'000}}) {
    for (const double ms : {0.0, 0.00123, 123.4, 12'345.0, 3'599'000.0, 86'400'000.0}) {
      const std::string line = status_line({.failed = count,
                                            .in_flight = count,
                                            .rate_per_s = ms,
                                            .ttft_ms_now = ms,
                                            .tpot_ms_now = ms,
                                            .dispatch_lag_ms_max = ms});
      EXPECT_LE(display_width(line), kStatusColumns) << line;
      EXPECT_THAT(line, HasSubstr("failed"));
      EXPECT_THAT(line, Not(HasSubstr("left")));
    }
  }
  EXPECT_LE(display_width(status_line({.in_flight = 65'536, .is_stopping = true})), kStatusColumns);
}

}  // namespace assay::status_line_test
