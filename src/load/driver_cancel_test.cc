// Requests that their user breaks off, as the plan says; those that the end of the time finds waiting; what
// follows on either.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "load/driver.h"
#include "load/load_fixtures.h"
#include "load/one_connection_test_support.h"
#include "load/summary.h"
#include "load/trial_view.h"

namespace assay::driver_cancel_test {

// 10 prompt tokens take 10 ms, each token of output 2 ms.
const FakeTargetOptions kQuick{.sequences = 64, .prefill_us_per_token = 1000, .tpot_ms = 2};

LoadResult drive(const std::vector<PlannedRequest>& plan, std::vector<uint32_t> loop_users = {}) {
  FakeClock clock;
  const auto target = make_fake_target(kQuick, clock);
  EXPECT_TRUE(target->open());
  return drive_load(*target, clock, *list_source(plan, std::move(loop_users)), {});
}

// Ten requests, 10 ms apart, of 50 ms each: one at a time, half of them in 250 ms.
LoadResult drive_ten_through_one(const LoadOptions& options) {
  std::vector<PlannedRequest> plan;
  for (RequestId id = 1; id <= 10; ++id) plan.push_back(planned(id, 10.0 * static_cast<double>(id), 10, 20));
  FakeClock clock;
  OneConnection target(make_fake_target(kQuick, clock));
  EXPECT_TRUE(target.open());
  return drive_load(target, clock, *list_source(plan), options);
}

TEST(DriverCancel, WhatWaitsWhenTheTimeIsUpWasNeverARequest) {
  const LoadResult all = drive_ten_through_one({});
  EXPECT_EQ(all.rows.size(), 10U);
  EXPECT_EQ(all.withdrawn, 0U);
  const LoadResult some = drive_ten_through_one({.max_duration = nanos_from_ms(250)});
  EXPECT_EQ(some.rows.size() + some.withdrawn, 10U);
  EXPECT_GE(some.withdrawn, 3U);
  EXPECT_LT(some.duration, nanos_from_ms(450)) << "to the next look, and the answer that is out then";
  for (const RequestRow& row : some.rows) EXPECT_EQ(row.failure, FailureCause::kNone);
  EXPECT_FALSE(some.is_stopped);
}

TEST(DriverCancel, AStopWithdrawsWhatWaitsThoughAllIsDispatched) {
  int looks = 0;
  const LoadResult result = drive_ten_through_one({.stopped = [&] { return ++looks > 2; }});
  EXPECT_TRUE(result.is_stopped);
  EXPECT_GT(result.withdrawn, 0U);
  EXPECT_EQ(result.rows.size() + result.withdrawn, 10U);
  for (const RequestRow& row : result.rows) EXPECT_EQ(row.failure, FailureCause::kNone);
}

TEST(DriverCancel, AStopWhenNothingWaitsChangesNothing) {
  FakeClock clock;
  const auto target = make_fake_target({.sequences = 1, .prefill_us_per_token = 1e5}, clock);
  EXPECT_TRUE(target->open());
  const LoadResult result = drive_load(*target, clock, *list_source(std::vector{planned(1, 0, 10, 5)}),
                                       {.stopped = [] { return true; }});
  EXPECT_FALSE(result.is_stopped);
  EXPECT_EQ(result.rows.size(), 1U);
}

// The drain of what is out begins with the withdrawal of what others would have followed.
TEST(DriverCancel, WithdrawingASessionLeavesTheAnswerThatIsOutItsTime) {
  std::vector<PlannedRequest> plan = {planned(1, 0, 10, 1000)};  // 2 s
  for (RequestId id = 2; id <= 6; ++id) {
    plan.push_back(planned(id, 10, 10, 1));
    plan.back().request.session = 1;
    plan.back().request.turn = static_cast<uint32_t>(id - 2);
    plan.back().previous = id == 2 ? 0 : id - 1;
  }
  FakeClock clock;
  OneConnection target(make_fake_target(kQuick, clock));
  EXPECT_TRUE(target.open());
  const LoadResult result =
      drive_load(target, clock, *list_source(plan),
                 {.max_duration = nanos_from_seconds(1.5), .drain_timeout = nanos_from_seconds(1)});
  ASSERT_EQ(result.rows.size(), 1U);
  EXPECT_EQ(result.rows[0].failure, FailureCause::kNone);
  EXPECT_EQ(result.withdrawn, 1U) << "later turns never waited for a connection";
}

TEST(DriverCancel, WhatWaitsMayFailInsteadWhenTheDrainIsOver) {
  for (const bool fails : {false, true}) {
    const LoadResult result =
        drive_ten_through_one({.waiting_fails = fails, .drain_timeout = nanos_from_ms(100)});
    EXPECT_EQ(result.rows.size() == 10, fails);
    EXPECT_EQ(result.withdrawn == 0, fails);
    EXPECT_EQ(std::ranges::count(result.rows, Nanos(0), &RequestRow::sent) > 0, fails);
  }
}

TEST(DriverCancel, TurnsThatNothingLeadsToAreCountedByWhatEndedTheirSession) {
  std::vector<PlannedRequest> plan;
  for (RequestId id = 1; id <= 8; ++id) {
    PlannedRequest turn = planned(id, id % 4 == 1 ? 100.0 * static_cast<double>(id) : 1, 10, 20);
    turn.request.session = (id - 1) / 4 + 1;
    turn.request.turn = static_cast<uint32_t>((id - 1) % 4);
    turn.previous = id % 4 == 1 ? 0 : id - 1;
    plan.push_back(turn);
  }
  plan[1].request.cancel_after_chunks = 2;  // the second turn of the first session
  FakeClock clock;
  FakeTargetOptions options = kQuick;
  options.fail_every = 3;  // the first turn of the second: the third request that is sent
  const auto target = make_fake_target(options, clock);
  EXPECT_TRUE(target->open());
  const LoadResult result = drive_load(*target, clock, *list_source(plan), {});
  EXPECT_EQ(result.turns_after_break_off, 2U);
  EXPECT_EQ(result.turns_after_failure, 3U);
  EXPECT_EQ(result.rows.size(), 3U);
}

PlannedRequest broken_off(RequestId id, uint32_t after_chunks, double after_ms) {
  PlannedRequest request = planned(id, 10.0 * static_cast<double>(id), 10, 20);
  request.request.cancel_after_chunks = after_chunks;
  request.request.cancel_after = nanos_from_ms(after_ms);
  return request;
}

TEST(DriverCancel, AfterSoManyChunks) {
  const LoadResult result = drive({broken_off(1, 5, 0)});
  ASSERT_EQ(result.rows.size(), 1U);
  const RequestRow& row = result.rows[0];
  EXPECT_EQ(row.failure, FailureCause::kCancelledByPlan);
  EXPECT_EQ(row.chunks, 5U);
  EXPECT_EQ(row.first - row.scheduled, nanos_from_ms(12));
  EXPECT_EQ(row.end - row.scheduled, nanos_from_ms(20));
}

TEST(DriverCancel, AfterSoManyMilliseconds) {
  const LoadResult result = drive({broken_off(1, 0, 15), broken_off(2, 0, 3)});
  EXPECT_EQ(result.rows[0].failure, FailureCause::kCancelledByPlan);
  EXPECT_EQ(result.rows[0].chunks, 2U);  // at 12 and 14 ms
  EXPECT_EQ(result.rows[0].end - result.rows[0].scheduled, nanos_from_ms(15));
  EXPECT_EQ(result.rows[1].failure, FailureCause::kCancelledByPlan);
  EXPECT_EQ(result.rows[1].first.count, 0);
}

TEST(DriverCancel, WhicheverComesFirst) {
  const LoadResult result = drive({broken_off(1, 2, 100), broken_off(2, 10, 13)});
  EXPECT_EQ(result.rows[0].chunks, 2U);
  EXPECT_EQ(result.rows[1].chunks, 1U);
}

TEST(DriverCancel, AnAnswerThatIsThereFirstHasEndedWell) {
  const LoadResult result = drive({broken_off(1, 100, 10'000)});
  EXPECT_EQ(result.rows[0].failure, FailureCause::kNone);
  EXPECT_EQ(result.rows[0].output_tokens, 20U);
  EXPECT_EQ(result.stray_events, 0U);
}

TEST(DriverCancel, TheUserOfAClosedLoopGoesOn) {
  std::vector<PlannedRequest> plan = {broken_off(1, 3, 0), broken_off(2, 3, 0)};
  for (PlannedRequest& each : plan) {
    each.loop = 1;
    each.offset = Nanos(0);
  }
  const LoadResult result = drive(plan, {1});
  ASSERT_EQ(result.rows.size(), 2U);
  EXPECT_EQ(result.rows[1].scheduled, result.rows[0].end);
}

TEST(DriverCancel, ASessionThatIsBrokenOffIsOver) {
  std::vector<PlannedRequest> plan = {broken_off(1, 3, 0), planned(2, 5, 10, 4)};
  plan[0].request.session = plan[1].request.session = 1;
  plan[0].request.last_turn = false;
  plan[1].previous = 1;
  const LoadResult result = drive(plan);
  ASSERT_GE(result.rows.size(), 1U);
  EXPECT_EQ(result.rows[0].failure, FailureCause::kCancelledByPlan);
  for (size_t i = 1; i < result.rows.size(); ++i) EXPECT_EQ(result.rows[i].scheduled.count, 0);
}

// ---- what becomes of them in records ----

const Record* record(const LoadSummary& summary, std::string_view metric) {
  for (const Record& each : summary.records) {
    if (each.metric == metric && each.conditions["traffic_class"].as_string() == "chat") return &each;
  }
  return nullptr;
}

LoadSummary summary_of(std::vector<PlannedRequest> plan) {
  const LoadResult result = drive(plan);
  SummaryOptions options;
  options.classes.push_back({.name = "chat", .slo = {.ttft_ms = 100}});
  options.conditions = Json::object();
  options.wanted_per_class = static_cast<uint32_t>(plan.size());
  return summarise_load(result, options);
}

TEST(DriverCancel, TheyCountAsFarAsTheyCame) {
  std::vector<PlannedRequest> plan;
  for (RequestId id = 1; id <= 200; ++id) plan.push_back(broken_off(id, id % 4 == 0 ? 5 : 0, 0));
  const LoadSummary summary = summary_of(plan);
  EXPECT_EQ(record(summary, "ttft_ms_p50")->n, 200);
  EXPECT_EQ(record(summary, "e2e_ms_p50")->n, 150);
  EXPECT_EQ(record(summary, "tpot_ms_p50")->n, 150);
  EXPECT_EQ(record(summary, "chunk_gap_ms_mean")->n, 150 * 19 + 50 * 4);
  EXPECT_EQ(*record(summary, "error_rate")->value, 0);
  EXPECT_EQ(record(summary, "error_rate")->n, 150);
  EXPECT_EQ(record(summary, "error_rate")->conditions["cancelled_by_plan"].as_integer(), 50);
  EXPECT_EQ(*record(summary, "slo_attainment")->value, 1);
  EXPECT_EQ(record(summary, "offered_rate_per_s")->n, 200);
  for (const Finding& finding : summary.findings) {
    EXPECT_NE(finding.code, "load.failures");
    EXPECT_NE(finding.code, "load.cancelled-early");
  }
}

TEST(DriverCancel, ThoseBeforeTheirFirstTokenAreSaidToBeMissing) {
  std::vector<PlannedRequest> plan;
  for (RequestId id = 1; id <= 100; ++id) plan.push_back(broken_off(id, 0, id % 2 == 0 ? 3 : 0));
  const LoadSummary summary = summary_of(plan);
  EXPECT_EQ(record(summary, "ttft_ms_p50")->n, 50);
  EXPECT_TRUE(std::ranges::any_of(summary.findings, [](const Finding& finding) {
    return finding.code == "load.cancelled-early" &&
           finding.evidence["cancelled_before_first_token"].as_integer() == 50;
  }));
}

}  // namespace assay::driver_cancel_test
