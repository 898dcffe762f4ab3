// The load generator against targets with known timing: theory says what must come out.
#include "load/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "load/load_fixtures.h"

namespace assay::driver_test {

LoadResult drive(const FakeTargetOptions& target_options, const std::vector<PlannedRequest>& plan,
                 const LoadOptions& options = {}, std::vector<uint32_t> loop_users = {}) {
  FakeClock clock;
  const auto target = make_fake_target(target_options, clock);
  EXPECT_TRUE(target->open());
  return drive_load(*target, clock, *list_source(plan, std::move(loop_users)), options);
}

double mean_wait_s(const LoadResult& result) {
  double sum = 0;
  for (const RequestRow& row : result.rows) sum += seconds(row.admitted - row.scheduled);
  return sum / static_cast<double>(result.rows.size());
}

// Erlang's C: the probability that a customer of M/M/c waits.
double erlang_c(int servers, double load) {
  double term = 1, sum = 1;
  for (int k = 1; k < servers; ++k) sum += (term *= load / k);
  term *= load / servers;
  const double last = term * servers / (servers - load);
  return last / (sum + last);
}

TEST(Driver, IdleTargetAnswersAfterPrefillAndOneToken) {
  const LoadResult result = drive({.prefill_us_per_token = 200, .tpot_ms = 5}, {planned(1, 0, 100, 4)});
  ASSERT_EQ(result.rows.size(), 1U);
  const RequestRow& row = result.rows[0];
  EXPECT_EQ(row.first - row.scheduled, nanos_from_ms(25));
  EXPECT_EQ(row.last - row.first, nanos_from_ms(15));
  EXPECT_EQ(row.sent, row.scheduled);
  EXPECT_GT(row.scheduled.count, 0);
  EXPECT_EQ(row.end, row.last);
  EXPECT_EQ(row.output_tokens, 4U);
  EXPECT_EQ(row.failure, FailureCause::kNone);
  ASSERT_EQ(row.chunks, 4U);
  EXPECT_EQ(result.chunk_at_ns[2] - result.chunk_at_ns[1], 5'000'000);
}

// M/D/1: mean wait ρ·S/(2(1 − ρ)) (Pollaczek, Khinchine). 10 ms of service at 70 requests/s: 11.67 ms.
TEST(DriverInTheory, MeanWaitingTimeIsThatOfMD1) {
  const auto plan = poisson_plan(1, 200'000, 70, 10'000, false, 1);
  const LoadResult result = drive({.sequences = 1, .prefill_us_per_token = 1, .tpot_ms = 0}, plan);
  EXPECT_NEAR(mean_wait_s(result), 0.7 * 0.010 / (2 * 0.3), 0.02 * 0.01167);
}

// M/M/4: mean wait C(c, a)/(c/S − λ) (Erlang). 10 ms of service at 320 requests/s.
TEST(DriverInTheory, MeanWaitingTimeIsThatOfMM4) {
  const auto plan = poisson_plan(2, 200'000, 320, 10'000, true, 1);
  const LoadResult result = drive({.sequences = 4, .prefill_us_per_token = 1, .tpot_ms = 0}, plan);
  const double expected = erlang_c(4, 3.2) / (400 - 320);
  EXPECT_NEAR(mean_wait_s(result), expected, 0.03 * expected);
}

TEST(Driver, KeepsItsScheduleWhenTheTargetCannot) {
  std::vector<PlannedRequest> plan;
  for (RequestId id = 1; id <= 50; ++id) plan.push_back(planned(id, 10.0 * static_cast<double>(id), 100, 1));
  const LoadResult result = drive({.sequences = 1, .prefill_us_per_token = 1000, .tpot_ms = 0}, plan,
                                  {.drain_timeout = nanos_from_seconds(60)});
  ASSERT_EQ(result.rows.size(), 50U);
  for (size_t i = 0; i < 50; ++i) {
    const RequestRow& row = result.rows[i];
    EXPECT_EQ(row.sent, row.scheduled);
    // Served every 100 ms, scheduled every 10 ms: the latency holds the whole wait.
    EXPECT_EQ(row.first - row.scheduled, nanos_from_ms(100.0 + 90.0 * static_cast<double>(i)));
  }
}

TEST(Driver, TurnsFollowTheAnswerBeforeThemAndItsPause) {
  std::vector<PlannedRequest> plan{planned(1, 5, 10, 2), planned(2, 300, 10, 2), planned(3, 7, 10, 1)};
  plan[0].request.session = plan[1].request.session = 1;
  plan[0].request.last_turn = false;
  plan[1].request.turn = 1;
  plan[1].previous = 1;
  const LoadResult result = drive({.prefill_us_per_token = 100, .tpot_ms = 2}, plan);
  ASSERT_EQ(result.rows.size(), 3U);
  EXPECT_EQ(result.rows[1].scheduled, result.rows[0].end + nanos_from_ms(300));
  EXPECT_EQ(result.last_arrival, result.rows[2].scheduled);
}

// The plan of a million requests is not laid out before the first one leaves.
TEST(Driver, DrawsOfAPlanWhatItSends) {
  struct Counting final : PlanSource {
    size_t size() const override { return 1'000'000; }
    const std::vector<uint32_t>& loop_users() const override { return none; }
    bool next(uint32_t, std::vector<PlannedRequest>& turns) override {
      ++drawn;
      turns.push_back(planned(drawn, static_cast<double>(drawn), 10, 1));
      return drawn < size();
    }
    std::vector<uint32_t> none;
    size_t drawn = 0;
  } plan;
  FakeClock clock;
  const auto target = make_fake_target({}, clock);
  ASSERT_TRUE(target->open());
  const LoadResult result = drive_load(*target, clock, plan, {.max_duration = nanos_from_seconds(1)});
  EXPECT_EQ(result.rows.size(), 999U);
  EXPECT_EQ(plan.drawn, 1000U);
  EXPECT_EQ(result.planned, 1'000'000U);
}

TEST(Driver, ASessionWhoseTurnFailedBreaksOff) {
  std::vector<PlannedRequest> plan{planned(1, 5, 10, 2), planned(2, 300, 10, 2)};
  plan[1].previous = 1;
  const LoadResult result = drive({.fail_every = 1}, plan);
  ASSERT_EQ(result.rows.size(), 1U);
  EXPECT_EQ(result.planned, 2U);
  EXPECT_EQ(result.rows[0].failure, FailureCause::kServerError);
  EXPECT_EQ(result.failure_examples[static_cast<size_t>(FailureCause::kServerError)],
            "the fake target fails this one");
}

TEST(Driver, CancelsWhatIsOutWhenTheDrainTimeoutStrikes) {
  std::vector<PlannedRequest> plan{planned(1, 0, 10, 1), planned(2, 0, 10, 1)};
  const LoadResult result = drive({.sequences = 1, .prefill_us_per_token = 500'000, .tpot_ms = 0}, plan,
                                  {.drain_timeout = nanos_from_seconds(6)});
  EXPECT_EQ(result.rows[0].failure, FailureCause::kNone);
  EXPECT_EQ(result.rows[1].failure, FailureCause::kTimeout);
  EXPECT_EQ(result.rows[1].first.count, 0);
}

TEST(Driver, SendsNothingPastTheLongestDuration) {
  std::vector<PlannedRequest> plan{planned(1, 0, 10, 1), planned(2, 5000, 10, 1)};
  const LoadResult result = drive({}, plan, {.max_duration = nanos_from_seconds(2)});
  EXPECT_EQ(result.rows.size(), 1U);
  EXPECT_EQ(result.planned, 2U);
}

TEST(Driver, ALostTargetFailsWhatItOwed) {
  std::vector<PlannedRequest> plan;
  for (RequestId id = 1; id <= 10; ++id) plan.push_back(planned(id, static_cast<double>(id), 10, 1));
  const LoadResult result = drive({.sequences = 1, .lost_after = 4}, plan);
  ASSERT_TRUE(result.lost.has_value());
  size_t ended_well = 0;
  for (const RequestRow& row : result.rows) {
    ended_well += row.failure == FailureCause::kNone ? 1 : 0;
    EXPECT_THAT(row.failure, testing::AnyOf(FailureCause::kNone, FailureCause::kTargetLost));
    EXPECT_GT(row.end.count, 0);
  }
  EXPECT_EQ(ended_well, 4U);
  EXPECT_EQ(result.rows.size(), 10U);
}

TEST(Driver, EndsSoonWhenInterrupted) {
  int asked = 0;
  LoadOptions options;
  options.interrupted = [&] { return ++asked == 3; };
  const auto plan = poisson_plan(3, 1000, 10, 10, false, 1);
  const LoadResult result = drive({}, plan, options);
  EXPECT_TRUE(result.is_interrupted);
  EXPECT_LT(result.rows.size(), 50U);
}

TEST(Driver, AwaitsWhatIsOutWhenStopped) {
  int asked = 0;
  bool was_told = false;
  LoadOptions options;
  options.stopped = [&] { return ++asked >= 10; };
  options.progress = [&](const LoadProgress& progress) { was_told |= progress.is_stopping; };
  // Each answer takes a second, so that some hundred are out at any time.
  const auto plan = poisson_plan(3, 1000, 100, 10, false, 100);
  const LoadResult result =
      drive({.sequences = 1000, .prefill_us_per_token = 0, .tpot_ms = 10}, plan, options);
  EXPECT_TRUE(result.is_stopped);
  EXPECT_FALSE(result.is_interrupted);
  EXPECT_TRUE(was_told);
  EXPECT_EQ(result.planned, plan.size());
  EXPECT_GT(result.rows.size(), 50U);
  EXPECT_LT(result.rows.size(), 200U);
  for (const RequestRow& row : result.rows) EXPECT_EQ(row.failure, FailureCause::kNone);
}

TEST(Driver, IsNotStoppedWhereAllIsSent) {
  bool has_sent_all = false;
  LoadOptions options;
  options.progress = [&](const LoadProgress& progress) { has_sent_all = progress.sent == 50; };
  options.stopped = [&] { return has_sent_all; };
  const auto plan = poisson_plan(3, 50, 100, 10, false, 100);  // answers of a second
  const LoadResult result =
      drive({.sequences = 1000, .prefill_us_per_token = 0, .tpot_ms = 10}, plan, options);
  EXPECT_TRUE(has_sent_all);
  EXPECT_FALSE(result.is_stopped);
  EXPECT_EQ(result.rows.size(), 50U);
}

TEST(Driver, EndsAtOnceWhenInterruptedWhileItStops) {
  LoadOptions options;
  options.stopped = [] { return true; };
  int asked = 0;
  options.interrupted = [&] { return ++asked == 5; };
  const auto plan = poisson_plan(3, 1000, 1000, 10, false, 100);
  const LoadResult result =
      drive({.sequences = 1000, .prefill_us_per_token = 0, .tpot_ms = 10}, plan, options);
  EXPECT_TRUE(result.is_interrupted);
  EXPECT_TRUE(std::ranges::count(result.rows, FailureCause::kCancelled, &RequestRow::failure) > 0);
}

TEST(Driver, TellsOfItsProgressTenTimesASecondAtMost) {
  std::vector<LoadProgress> told;
  LoadOptions options;
  options.progress = [&](const LoadProgress& progress) { told.push_back(progress); };
  const auto plan = poisson_plan(4, 200, 20, 100, false, 8);
  const LoadResult result = drive({.prefill_us_per_token = 100, .tpot_ms = 5}, plan, options);
  ASSERT_GT(told.size(), 50U);
  for (size_t i = 1; i < told.size(); ++i) EXPECT_GE(told[i].elapsed_s - told[i - 1].elapsed_s, 0.0999);
  const LoadProgress& last = told.back();
  EXPECT_EQ(last.planned, 200U);
  EXPECT_EQ(last.ended + last.in_flight, last.sent);
  ASSERT_TRUE(last.ttft_ms_now && last.tpot_ms_now);
  EXPECT_NEAR(*last.ttft_ms_now, 15, 0.01);
  EXPECT_NEAR(*last.tpot_ms_now, 5, 0.01);
  EXPECT_NEAR(last.rate_per_s, 20, 12);
  EXPECT_LE(last.fraction, 1);
  EXPECT_EQ(result.rows.size(), 200U);
}

TEST(Driver, SameSeedSameRows) {
  const auto plan = poisson_plan(5, 500, 100, 200, true, 16);
  const FakeTargetOptions target{.sequences = 4, .prefill_us_per_token = 30, .tpot_ms = 1, .fail_every = 17};
  const LoadResult a = drive(target, plan), b = drive(target, plan);
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (size_t i = 0; i < a.rows.size(); ++i) {
    EXPECT_EQ(a.rows[i].first, b.rows[i].first);
    EXPECT_EQ(a.rows[i].end, b.rows[i].end);
    EXPECT_EQ(a.rows[i].failure, b.rows[i].failure);
  }
  EXPECT_EQ(a.chunk_at_ns, b.chunk_at_ns);
}

// A target that does what no good target does: events of nobody, after the end, and more tokens than were
// asked for.
class MadTarget final : public Target {
 public:
  explicit MadTarget(Clock& clock) : clock_(clock) {}
  Result<TargetInfo> open() override { return TargetInfo{}; }
  Result<void> submit(const Request& request) override {
    id_ = request.id;
    return {};
  }
  void restart_measuring() override {}
  void cancel(RequestId) override {}  // and never says so
  Result<void> poll(Nanos until, std::vector<StreamEvent>& events) override {
    clock_.sleep_until(until);
    if (id_ == 0) return {};
    const Nanos at = clock_.now();
    events.push_back({.request = 0, .kind = StreamEventKind::kContent, .at = at, .tokens = 1});
    events.push_back({.request = 1'000'000, .kind = StreamEventKind::kDone, .at = at});
    if (id_ == 1) {
      for (int i = 0; i < 100; ++i) {
        events.push_back({.request = 1, .kind = StreamEventKind::kContent, .at = at, .tokens = 1});
      }
      events.push_back({.request = 1, .kind = StreamEventKind::kDone, .at = at});
      events.push_back({.request = 1, .kind = StreamEventKind::kFailed, .at = at});
    }
    id_ = 0;
    return {};
  }
  TargetEnd close() override { return {}; }

 private:
  Clock& clock_;
  RequestId id_ = 0;
};

TEST(Driver, SurvivesATargetThatTalksNonsenseAndNeverAnswers) {
  FakeClock clock;
  MadTarget target(clock);
  const std::vector<PlannedRequest> plan{planned(1, 0, 1, 2), planned(2, 1000, 1, 2)};
  const LoadResult result =
      drive_load(target, clock, *list_source(plan), {.drain_timeout = nanos_from_seconds(5)});
  ASSERT_EQ(result.rows.size(), 2U);
  EXPECT_EQ(result.rows[0].failure, FailureCause::kNone);
  EXPECT_EQ(result.rows[0].output_tokens, 100U);
  EXPECT_EQ(result.rows[0].chunks, 10U);
  EXPECT_EQ(result.dropped_chunks, 90U);
  EXPECT_EQ(result.stray_events, 5U);
  EXPECT_EQ(result.rows[1].failure, FailureCause::kTargetLost);
  ASSERT_TRUE(result.lost);
  EXPECT_EQ(result.lost->what,
            "the target hung: 1 request did not even answer the cancellation within 30.0 s");
}

// Answers each request at once with `events`, and its cancellation not at all.
class ScriptedTarget final : public Target {
 public:
  explicit ScriptedTarget(Clock& clock, std::vector<StreamEvent> answer)
      : clock_(clock), answer_(std::move(answer)) {}
  Result<TargetInfo> open() override { return TargetInfo(); }
  Result<void> submit(const Request& request) override {
    events_.push_back({.request = request.id, .kind = StreamEventKind::kSent, .at = clock_.now()});
    for (StreamEvent event : answer_) {
      event.request = request.id;
      events_.push_back(std::move(event));
    }
    return {};
  }
  void restart_measuring() override {}
  void cancel(RequestId) override {}
  Result<void> poll(Nanos until, std::vector<StreamEvent>& events) override {
    if (events_.empty()) clock_.sleep_until(until);
    events.insert(events.end(), events_.begin(), events_.end());
    events_.clear();
    return {};
  }
  TargetEnd close() override { return {}; }

 private:
  Clock& clock_;
  std::vector<StreamEvent> answer_;
  std::vector<StreamEvent> events_;
};

// Keeps what it was sent, and answers each with one token.
class KeepingTarget final : public Target {
 public:
  explicit KeepingTarget(Clock& clock) : clock_(clock) {}
  Result<TargetInfo> open() override { return TargetInfo(); }
  Result<void> submit(const Request& request) override {
    sent.push_back(request);
    return {};
  }
  void restart_measuring() override {}
  void cancel(RequestId) override {}
  Result<void> poll(Nanos until, std::vector<StreamEvent>& events) override {
    if (answered_ == sent.size()) clock_.sleep_until(until);
    for (; answered_ < sent.size(); ++answered_) {
      const RequestId id = sent[answered_].id;
      events.push_back({.request = id, .kind = StreamEventKind::kContent, .at = clock_.now(), .tokens = 1});
      events.push_back({.request = id, .kind = StreamEventKind::kDone, .at = clock_.now()});
    }
    return {};
  }
  TargetEnd close() override { return TargetEnd(); }

  std::vector<Request> sent;

 private:
  Clock& clock_;
  size_t answered_ = 0;
};

TEST(Driver, WritesOutThePrefixesOfATraceAsItSends) {
  const Result<Trace> trace = parse_trace(
      "{\"timestamp\":0,\"input_length\":40,\"output_length\":1,\"hash_ids\":[1,2,3]}\n"
      "{\"timestamp\":9,\"input_length\":40,\"output_length\":1,\"hash_ids\":[1,2,4]}\n"
      "{\"timestamp\":9,\"input_length\":40,\"output_length\":1,\"hash_ids\":[7]}\n",
      "t", "mooncake", {.block_tokens = 16});
  ASSERT_TRUE(trace);
  TrafficPlan plan;
  plan.classes.resize(1);
  plan.arrivals.kind = Arrivals::Kind::kTrace;
  plan.trace = std::make_shared<const Trace>(*trace);
  FakeClock clock;
  KeepingTarget target(clock);
  drive_load(target, clock, *traffic_source(plan), {});
  ASSERT_EQ(target.sent.size(), 3U);
  ASSERT_EQ(target.sent[0].prefix_parts.size(), 1U);
  EXPECT_EQ(target.sent[0].prefix_parts[0].tokens, 32U);
  EXPECT_EQ(target.sent[0].prefix_parts, target.sent[1].prefix_parts);
  EXPECT_TRUE(target.sent[2].prefix_parts.empty());
}

TEST(Driver, AnAnswerWithoutOutputIsAFailureWithACause) {
  FakeClock clock;
  ScriptedTarget target(clock, {{.kind = StreamEventKind::kDone}});
  const LoadResult result = drive_load(target, clock, *list_source(std::vector{planned(1, 0, 1, 2)}), {});
  EXPECT_EQ(result.rows[0].failure, FailureCause::kTruncated);
  EXPECT_EQ(result.failure_examples[static_cast<size_t>(FailureCause::kTruncated)],
            "it ended without any output");
}

TEST(Driver, KeepsWhatAServerTellsOfItsOwnTiming) {
  FakeClock clock;
  ScriptedTarget target(
      clock,
      {{.kind = StreamEventKind::kContent, .tokens = 1},
       {.kind = StreamEventKind::kDone, .server_prompt = nanos_from_ms(3), .server_tpot = nanos_from_ms(2)}});
  const LoadResult result = drive_load(target, clock, *list_source(std::vector{planned(1, 0, 1, 2)}), {});
  EXPECT_EQ(result.rows[0].server_prompt, nanos_from_ms(3));
  EXPECT_EQ(result.rows[0].server_tpot, nanos_from_ms(2));
}

TEST(Driver, StampsOfAWorkerLieBetweenTheStartAndNow) {
  FakeClock clock;
  for (const Nanos stamp : {Nanos(INT64_MIN), Nanos(INT64_MAX)}) {
    ScriptedTarget target(clock, {{.kind = StreamEventKind::kContent, .at = stamp, .tokens = 1},
                                  {.kind = StreamEventKind::kDone, .at = stamp}});
    const LoadResult result = drive_load(target, clock, *list_source(std::vector{planned(1, 0, 1, 2)}), {});
    EXPECT_GE(result.rows[0].end, Nanos(1));
    EXPECT_LE(result.rows[0].end, result.duration);
    EXPECT_LE(result.duration, nanos_from_seconds(1));
  }
}

// ---- closed loops ----

std::vector<PlannedRequest> loop_plan(size_t count, double pause_ms, uint32_t prompt_tokens = 100) {
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < count; ++i) {
    plan.push_back(planned(i + 1, pause_ms, prompt_tokens, 1));
    plan.back().loop = 1;
  }
  return plan;
}

TEST(Driver, AClosedLoopHasAsManyRequestsOutAsUsers) {
  LoadOptions options;
  size_t most = 0;
  options.progress = [&](const LoadProgress& progress) { most = std::max(most, progress.in_flight); };
  // 20 ms each on 8 sequences: with three users 150 requests/s.
  const LoadResult result =
      drive({.sequences = 8, .prefill_us_per_token = 200, .tpot_ms = 0}, loop_plan(300, 0), options, {3});
  ASSERT_EQ(result.rows.size(), 300U);
  EXPECT_EQ(most, 3U);
  EXPECT_NEAR(seconds(result.duration), 2.0, 0.01);
  for (const RequestRow& row : result.rows) EXPECT_EQ(row.first - row.scheduled, nanos_from_ms(20));
}

TEST(Driver, UsersBeginOneAfterTheOther) {
  for (const uint32_t requests : {4, 3}) {
    const LoadResult result =
        drive({.sequences = 8, .prefill_us_per_token = 200, .tpot_ms = 0}, loop_plan(requests, 0), {}, {3});
    for (size_t i = 1; i < 3; ++i)
      EXPECT_EQ(result.rows[i].scheduled - result.rows[i - 1].scheduled, kBetweenAtOnce) << requests;
  }
}

// An answer that takes longer than the drain timeout is no end of a loop that has more to send.
TEST(Driver, AClosedLoopWithSlowAnswersGoesOn) {
  const LoadResult result =
      drive({.sequences = 8, .prefill_us_per_token = 70'000, .tpot_ms = 0}, loop_plan(12, 0),
            {.max_duration = nanos_from_seconds(20), .drain_timeout = nanos_from_seconds(5)}, {4});
  ASSERT_EQ(result.rows.size(), 12U);
  for (const RequestRow& row : result.rows) EXPECT_EQ(row.failure, FailureCause::kNone);
}

// Of a closed loop with N users, pause Z and response time R: throughput N/(R + Z) (Little's law).
TEST(Driver, UsersPauseBetweenAnAnswerAndTheNextRequest) {
  const LoadResult result =
      drive({.sequences = 8, .prefill_us_per_token = 200, .tpot_ms = 0}, loop_plan(400, 60), {}, {4});
  EXPECT_NEAR(seconds(result.duration), 400 * (0.020 + 0.060) / 4, 0.01);
}

TEST(Driver, AUserGoesOnAfterAFailure) {
  const LoadResult result = drive({.sequences = 8, .fail_every = 2}, loop_plan(40, 1), {}, {2});
  ASSERT_EQ(result.rows.size(), 40U);
  EXPECT_EQ(std::ranges::count(result.rows, FailureCause::kNone, &RequestRow::failure), 20);
}

TEST(Driver, AUserBeginsTheNextSessionWhenTheLastTurnOfOneHasEnded) {
  std::vector<PlannedRequest> plan = loop_plan(4, 0);
  plan[0].request.session = plan[1].request.session = 1;
  plan[1].previous = 1;
  plan[1].loop = 0;
  plan[1].request.turn = 1;
  const LoadResult result = drive({.sequences = 8, .prefill_us_per_token = 200, .tpot_ms = 0}, plan, {}, {1});
  ASSERT_EQ(result.rows.size(), 4U);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(result.rows[i].scheduled, result.rows[i - 1].end);
}

}  // namespace assay::driver_test
