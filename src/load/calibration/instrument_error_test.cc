// Errors that were put in come out, to the nanosecond; and what makes a shape void.
#include "load/calibration/instrument_error.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace assay::instrument_error_test {

constexpr int64_t kStart = 5'000'000'000;

// Requests every ms, answered by two chunks whose send stamps are 50 and 60 ms after the request was due, the
// server 3 µs late each time. Of request i the first chunk arrives i % 4 µs and the second i % 4 + 1 µs after
// its send stamp.
struct Bench {
  LoadResult result;
  EmulatorStamps stamps;

  explicit Bench(int requests) {
    result.start = Nanos(kStart);
    for (int i = 0; i < requests; ++i) {
      const Nanos due = nanos_from_ms(1 + i);
      RequestRow row{.id = static_cast<RequestId>(i + 7), .scheduled = due, .dispatched = due + Nanos(2'000)};
      row.first_chunk = result.chunk_at_ns.size();
      row.chunks = 2;
      StampedAnswer answer{.request_id = fmt::format("assay-{}", row.id), .is_done = true};
      for (int k = 0; k < 2; ++k) {
        const Nanos sent = due + nanos_from_ms(50 + 10 * k);
        answer.token_sent_ns.push_back(kStart + sent.count);
        answer.token_due_ns.push_back(kStart + sent.count - 3'000);
        result.chunk_at_ns.push_back(sent.count + (i % 4 + k) * 1'000);
      }
      row.first = Nanos(result.chunk_at_ns[row.first_chunk]);
      row.last = row.end = Nanos(result.chunk_at_ns[row.first_chunk + 1]);
      result.duration = row.end;
      result.rows.push_back(row);
      stamps.answers.push_back(std::move(answer));
    }
    result.cpu_time = result.duration / 4;
  }

  CalibrationShape shape(bool stamps_are_wrong = false) const {
    return instrument_error(result, stamps, stamps_are_wrong);
  }
};

TEST(InstrumentError, KnownErrorsComeOutExactly) {
  const CalibrationShape shape = Bench(4000).shape();
  EXPECT_EQ(shape.void_because, "");
  EXPECT_EQ(shape.requests, 4000);
  EXPECT_EQ(shape.events, 8000);
  EXPECT_DOUBLE_EQ(*shape.arrival_error_us_min, 0);
  EXPECT_DOUBLE_EQ(*shape.arrival_error_us_p50, 2);  // 0 1 1 2 2 3 3 4: half are at most 2
  EXPECT_DOUBLE_EQ(*shape.arrival_error_us_p99, 4);
  EXPECT_DOUBLE_EQ(*shape.arrival_error_us_p99_9, 4);
  EXPECT_DOUBLE_EQ(*shape.arrival_error_us_max, 4);
  EXPECT_DOUBLE_EQ(*shape.ttft_true_ms_mean, 50);
  EXPECT_NEAR(*shape.ttft_error_percent, 100 * 1.5e-3 / 50, 1e-9);  // 1.5 µs in the mean, of 50 ms
  EXPECT_DOUBLE_EQ(*shape.dispatch_lag_us_max, 2);
  EXPECT_DOUBLE_EQ(*shape.emulator_late_us_p99_9, 3);
  EXPECT_DOUBLE_EQ(*shape.emulator_late_us_max, 3);
  EXPECT_DOUBLE_EQ(*shape.client_cpu_percent, 25);
  // From the end of the first answer to the last scheduled instant a request, of two chunks, comes every ms.
  EXPECT_NEAR(*shape.events_per_s, 2000, 1);
}

TEST(InstrumentError, ArrivalsBeforeTheirSendAreNotHidden) {
  Bench bench(20);
  for (int64_t& at_ns : bench.result.chunk_at_ns) at_ns -= 10'000;
  const CalibrationShape shape = bench.shape();
  EXPECT_DOUBLE_EQ(*shape.arrival_error_us_min, -10);
  EXPECT_DOUBLE_EQ(*shape.arrival_error_us_p50, -8);
}

TEST(InstrumentError, PercentilesThatTheSamplesDoNotSupportAreLeftOut) {
  const CalibrationShape shape = Bench(40).shape();  // 80 events: enough for p50, which takes 11
  EXPECT_TRUE(shape.arrival_error_us_p50);
  EXPECT_FALSE(shape.arrival_error_us_p99);
  EXPECT_FALSE(shape.arrival_error_us_p99_9);
  EXPECT_TRUE(shape.arrival_error_us_max);
  EXPECT_FALSE(shape.dispatch_lag_us_p99_9);
  EXPECT_FALSE(shape.emulator_late_us_p99_9);
  EXPECT_DOUBLE_EQ(*shape.dispatch_lag_us_max, 2);
  EXPECT_DOUBLE_EQ(*shape.emulator_late_us_max, 3);
  EXPECT_FALSE(Bench(6635).shape().dispatch_lag_us_p99_9);
  EXPECT_DOUBLE_EQ(*Bench(6636).shape().dispatch_lag_us_p99_9, 2);
}

TEST(InstrumentError, AnswersAreMatchedByIdAndNotByPlace) {
  Bench bench(4000);
  std::ranges::reverse(bench.stamps.answers);
  bench.stamps.answers.push_back({.request_id = "assay-0", .is_done = true});  // the opening's trial request
  bench.stamps.answers.push_back({.request_id = "somebody else's", .is_done = true});
  EXPECT_EQ(bench.shape(), Bench(4000).shape());
}

TEST(InstrumentError, LateEmulatorOrGeneratorVoidsTheShape) {
  Bench late(4000);
  for (size_t i = 0; i < 100; ++i) late.stamps.answers[i].token_due_ns[0] -= 20'000'000;
  EXPECT_TRUE(late.shape().void_because.starts_with("the emulator was late")) << late.shape().void_because;
  EXPECT_DOUBLE_EQ(*late.shape().arrival_error_us_max, 4);  // the number stays

  Bench slow(4000);
  for (size_t i = 0; i < 100; ++i) slow.result.rows[i].dispatched += nanos_from_ms(20);
  EXPECT_EQ(slow.shape().void_because,
            "the load generator was late: 100 of 4000 requests by more than 10.0 ms");

  Bench once(4000);  // one in a thousand is borne
  for (size_t i = 0; i < 4; ++i) once.result.rows[i].dispatched += nanos_from_ms(20);
  EXPECT_EQ(once.shape().void_because, "");
  once.result.rows[4].dispatched += nanos_from_ms(20);
  EXPECT_NE(once.shape().void_because, "");
}

TEST(InstrumentError, WhateverIsMissingVoidsTheShape) {
  EXPECT_TRUE(Bench(20).shape(true).void_because.find("stamps were wrong") != std::string::npos);

  Bench failed(20);
  failed.result.rows[3].failure = FailureCause::kTimeout;
  EXPECT_EQ(failed.shape().void_because, "1 of 20 requests failed");

  Bench lost(20);
  lost.result.lost = Error{"gone", "", ""};
  EXPECT_EQ(lost.shape().void_because, "the emulator was lost: gone");

  for (const int kind : {0, 1, 2, 3}) {
    Bench bench(20);
    StampedAnswer& answer = bench.stamps.answers[2];
    if (kind == 0) answer.request_id = "assay-99";
    if (kind == 1) answer.is_done = false;
    if (kind == 2) answer.token_sent_ns.pop_back(), answer.token_due_ns.pop_back();
    if (kind == 3) answer.request_id = bench.stamps.answers[3].request_id;  // twice: no truth about either
    EXPECT_NE(bench.shape().void_because.find("a send stamp for each chunk is missing"), std::string::npos)
        << kind;
  }
  EXPECT_EQ(instrument_error({}, {}, false).void_because, "nothing arrived");
}

}  // namespace assay::instrument_error_test
