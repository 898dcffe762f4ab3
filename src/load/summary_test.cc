// Records of a load trial against numbers that can be worked out by hand.
#include "load/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "load/load_fixtures.h"

namespace assay::summary_test {

LoadResult drive(const FakeTargetOptions& target_options, const std::vector<PlannedRequest>& plan,
                 const LoadOptions& options = {}) {
  FakeClock clock;
  const auto target = make_fake_target(target_options, clock);
  return drive_load(*target, clock, *list_source(plan), options);
}

SummaryOptions one_class(Slo slo = {}) {
  SummaryOptions options;
  options.classes.push_back({.name = "chat", .slo = slo});
  options.conditions = Json::object();
  options.conditions.set("phase", "mix");
  return options;
}

const Record& record(const LoadSummary& summary, const std::string& metric,
                     const std::string& traffic_class = "chat") {
  for (const Record& record : summary.records) {
    if (record.metric == metric && record.conditions["traffic_class"].as_string() == traffic_class)
      return record;
  }
  ADD_FAILURE() << "no record " << metric << " of " << traffic_class;
  static const Record kNone;
  return kNone;
}

const Finding* finding(const LoadSummary& summary, std::string_view code) {
  for (const Finding& finding : summary.findings) {
    if (finding.code == code) return &finding;
  }
  return nullptr;
}

// Every 100 ms a request of 10 prompt tokens (10 ms) and 5 output tokens (2 ms each), on a target that is
// never busy.
std::vector<PlannedRequest> steady_plan(size_t count) {
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < count; ++i) plan.push_back(planned(i + 1, 100.0 * static_cast<double>(i), 10, 5));
  return plan;
}
const FakeTargetOptions kQuick{.sequences = 64, .prefill_us_per_token = 1000, .tpot_ms = 2};

TEST(LoadSummary, ExactTimingGivesExactRecords) {
  const LoadSummary summary =
      summarise_load(drive(kQuick, steady_plan(200)), one_class({.ttft_ms = 12, .tpot_ms = 2}));
  EXPECT_NEAR(*record(summary, "ttft_ms_p90").value, 12, 1e-9);
  EXPECT_NEAR(*record(summary, "ttft_ms_mean").value, 12, 1e-9);
  EXPECT_NEAR(*record(summary, "tpot_ms_p50").value, 2, 1e-9);
  EXPECT_NEAR(*record(summary, "chunk_gap_ms_max").value, 2, 1e-9);
  EXPECT_NEAR(*record(summary, "e2e_ms_p95").value, 20, 1e-9);
  EXPECT_NEAR(*record(summary, "offered_rate_per_s").value, 10, 0.1);
  EXPECT_NEAR(*record(summary, "request_throughput_per_s").value, 10, 0.15);
  EXPECT_NEAR(*record(summary, "output_throughput_tokens_per_s").value, 50, 0.7);
  EXPECT_NEAR(*record(summary, "input_throughput_tokens_per_s").value, 100, 1.2);
  EXPECT_NEAR(*record(summary, "goodput_per_s").value, 10, 0.1);
  EXPECT_EQ(*record(summary, "slo_attainment").value, 1);
  EXPECT_EQ(record(summary, "slo_attainment").conditions["slo_ttft_ms"].as_number(), 12);
  EXPECT_EQ(*record(summary, "error_rate").value, 0);
  EXPECT_EQ(*record(summary, "send_lag_ms_max", "all").value, 0);
  EXPECT_EQ(record(summary, "ttft_ms_p50").conditions["phase"].as_string(), "mix");
  EXPECT_TRUE(summary.findings.empty());
}

// One class's records are repeated for all; beside a class that was sent nothing they are worked out.
TEST(LoadSummary, OfTheOnlyClassIsOfAll) {
  FakeTargetOptions target = kQuick;
  target.fail_every = 9;
  const LoadResult result = drive(target, poisson_plan(7, 800, 40, 20, true, 8));
  SummaryOptions options = one_class({.ttft_ms = 12, .tpot_ms = 2});
  const LoadSummary of_one = summarise_load(result, options);
  options.classes.push_back({.name = "batch"});
  const LoadSummary of_two = summarise_load(result, options);
  size_t compared = 0;
  for (const Record& expected : of_two.records) {
    if (expected.conditions["traffic_class"].as_string() != "all") continue;
    const Record& got = record(of_one, expected.metric, "all");
    EXPECT_EQ(got.conditions, expected.conditions) << expected.metric;
    EXPECT_EQ(got.value, expected.value) << expected.metric;
    EXPECT_EQ(got.ci_low, expected.ci_low) << expected.metric;
    EXPECT_EQ(got.ci_high, expected.ci_high) << expected.metric;
    EXPECT_EQ(got.n, expected.n) << expected.metric;
    EXPECT_EQ(got.validity, expected.validity) << expected.metric;
    ++compared;
  }
  EXPECT_GT(compared, 40U);
}

TEST(LoadSummary, EveryMetricIsKnownAndEveryIntervalHoldsItsValue) {
  const auto plan = poisson_plan(7, 800, 40, 20, true, 8);
  const LoadSummary summary =
      summarise_load(drive({.sequences = 4, .prefill_us_per_token = 1000, .tpot_ms = 4}, plan), one_class());
  ASSERT_GT(summary.records.size(), 40U);
  size_t with_interval = 0;
  for (const Record& record : summary.records) {
    EXPECT_TRUE(parse_metric_name(record.metric)) << record.metric;
    EXPECT_FALSE(record.method.empty()) << record.metric;
    if (record.ci_low && record.ci_high) {
      ++with_interval;
      EXPECT_LE(*record.ci_low, *record.value) << record.metric;
      EXPECT_GE(*record.ci_high, *record.value) << record.metric;
      EXPECT_GT(record.confidence, 0.9);
    }
  }
  EXPECT_GT(with_interval, 20U);
}

// By its definition every answer has a first output: where one did not reason, that is its first token.
TEST(LoadSummary, FirstOutputsAreOfAllAnswersOfAClassThatReasons) {
  LoadResult result = drive(kQuick, steady_plan(200));
  const auto has_any = [](const LoadSummary& summary) {
    return std::ranges::any_of(summary.records,
                               [](const Record& each) { return each.metric.starts_with("ttfo_ms"); });
  };
  EXPECT_FALSE(has_any(summarise_load(result, one_class())));
  for (size_t i = 0; i < 50; ++i) result.rows[4 * i].first_output += nanos_from_ms(4);
  result.rows[1].first_output = Nanos();
  const LoadSummary summary = summarise_load(result, one_class());
  EXPECT_NEAR(*record(summary, "ttfo_ms_p50").value, 12, 1e-9);
  EXPECT_NEAR(*record(summary, "ttfo_ms_max").value, 16, 1e-9);
  EXPECT_EQ(record(summary, "ttfo_ms_p50").n, record(summary, "ttft_ms_p50").n - 1);
  EXPECT_EQ(record(summary, "ttfo_ms_p50", "all").n, record(summary, "ttfo_ms_p50").n);
}

TEST(LoadSummary, APercentileWithoutEnoughSamplesHasNoValue) {
  const LoadSummary summary = summarise_load(drive(kQuick, steady_plan(63)), one_class());
  EXPECT_TRUE(record(summary, "ttft_ms_p50").value.has_value());
  const Record& p90 = record(summary, "ttft_ms_p90");
  EXPECT_FALSE(p90.value.has_value());
  EXPECT_EQ(p90.validity, Validity::kInsufficient);
  EXPECT_EQ(p90.n, 63);
  ASSERT_NE(finding(summary, "load.too-few-samples"), nullptr);
  EXPECT_EQ(finding(summary, "load.too-few-samples")->severity, Severity::kNote);
}

TEST(LoadSummary, SixtyFourRequestsSupportANinetiethPercentileWhateverTheWarmUp) {
  // Twenty slow requests at first (a cold target), then as many quick ones as were asked for.
  std::vector<PlannedRequest> plan = steady_plan(84);
  for (size_t i = 0; i < 20; ++i) plan[i].request.prompt_tokens = 60;
  const LoadResult result = drive(kQuick, plan);
  const LoadSummary held = summarise_load(result, one_class());
  EXPECT_EQ(record(held, "ttft_ms_p90").n, 64);
  EXPECT_NEAR(*record(held, "ttft_ms_p90").value, 12, 1e-9);
  SummaryOptions wants_all = one_class();
  wants_all.wanted_per_class = 84;
  EXPECT_EQ(record(summarise_load(result, wants_all), "ttft_ms_p90").n, 84);
}

TEST(LoadSummary, FailuresAreMissesOfTheGoalAndNotLatencies) {
  FakeTargetOptions target = kQuick;
  target.fail_every = 4;
  const LoadSummary summary = summarise_load(drive(target, steady_plan(200)), one_class({.ttft_ms = 100}));
  EXPECT_NEAR(*record(summary, "error_rate").value, 0.25, 0.01);
  EXPECT_NEAR(*record(summary, "slo_attainment").value, 0.75, 0.01);
  EXPECT_NEAR(*record(summary, "goodput_per_s").value, 7.5, 0.2);
  EXPECT_GT(record(summary, "error_rate").conditions["failed_server-error"].as_integer(), 40);
  EXPECT_NEAR(*record(summary, "ttft_ms_p90").value, 12, 1e-9);
  EXPECT_EQ(record(summary, "ttft_ms_p90").validity, Validity::kDoubtful);
  ASSERT_NE(finding(summary, "load.failures"), nullptr);
  EXPECT_THAT(finding(summary, "load.failures")->text,
              testing::HasSubstr("50 of 200 requests failed (50 server-error)"));
}

TEST(LoadSummary, AServerThatGoesAndDoesNotComeBackIsTold) {
  const auto fail_from = [](size_t first, FailureCause cause) {
    LoadResult result = drive(kQuick, steady_plan(200));
    for (size_t i = first; i < result.rows.size(); ++i) {
      result.rows[i].failure = cause;
      result.rows[i].end = result.rows[i].scheduled + nanos_from_ms(1);
    }
    return result;
  };
  for (const FailureCause cause :
       {FailureCause::kRefused, FailureCause::kTimeout, FailureCause::kHttpStatus}) {
    const LoadSummary gone = summarise_load(fail_from(50, cause), one_class());
    const Finding* silent = finding(gone, "load.went-silent");
    ASSERT_NE(silent, nullptr);
    EXPECT_EQ(silent->severity, Severity::kBlocker);
    EXPECT_THAT(silent->text, testing::HasSubstr("all 150 requests that came later failed"));
    EXPECT_NEAR(silent->evidence["last_answer_s"].as_number(), 4.92, 0.01);
  }
  const auto is_told = [](const LoadResult& result) {
    return finding(summarise_load(result, one_class()), "load.went-silent") != nullptr;
  };
  EXPECT_FALSE(is_told(fail_from(191, FailureCause::kRefused))) << "nine may be chance";
  EXPECT_TRUE(is_told(fail_from(190, FailureCause::kRefused)));
  EXPECT_FALSE(is_told(fail_from(50, FailureCause::kCancelled))) << "its user ended it";
  LoadResult back = fail_from(50, FailureCause::kRefused);
  back.rows.back().failure = FailureCause::kNone;
  EXPECT_FALSE(is_told(back)) << "it came back";
  LoadResult shaky = fail_from(50, FailureCause::kRefused);
  for (size_t i = 0; i < 49; ++i)
    shaky.rows[i].failure = i % 3 == 0 ? FailureCause::kNone : FailureCause::kRefused;
  EXPECT_FALSE(is_told(shaky)) << "it hardly answered before";
}

TEST(LoadSummary, AMissedLimitCostsGoodputButNotThroughput) {
  const LoadSummary summary = summarise_load(drive(kQuick, steady_plan(100)), one_class({.e2e_ms = 19.9}));
  EXPECT_EQ(*record(summary, "slo_attainment").value, 0);
  EXPECT_EQ(*record(summary, "goodput_per_s").value, 0);
  EXPECT_NEAR(*record(summary, "request_throughput_per_s").value, 10, 0.2);
}

TEST(LoadSummary, ALimitOnTokenTimeDoesNotApplyToOneToken) {
  RequestRow row{
      .scheduled = Nanos(1), .first = Nanos(100), .last = Nanos(100), .end = Nanos(100), .output_tokens = 1};
  EXPECT_TRUE(is_good(row, {.tpot_ms = 1e-9}));
  row.output_tokens = 2;
  row.last = Nanos(1'000'000);
  EXPECT_FALSE(is_good(row, {.tpot_ms = 1e-9}));
  EXPECT_TRUE(is_good(row, {.tpot_ms = 2}));
}

TEST(LoadSummary, SaysWhenTheRateIsNotHeld) {
  // 15 ms of service every 10 ms: a third of the requests pile up.
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 400; ++i) plan.push_back(planned(i + 1, 10.0 * static_cast<double>(i), 15, 1));
  const FakeTargetOptions slow{.sequences = 1, .prefill_us_per_token = 1000, .tpot_ms = 0};
  const LoadResult result = drive(slow, plan);
  const LoadSummary strict = summarise_load(result, one_class({.ttft_ms = 100}));
  ASSERT_NE(finding(strict, "load.rate-not-held"), nullptr);
  EXPECT_EQ(finding(strict, "load.rate-not-held")->severity, Severity::kBlocker);
  const LoadSummary lenient = summarise_load(result, one_class());
  EXPECT_EQ(finding(lenient, "load.rate-not-held")->severity, Severity::kDoubtful);
}

TEST(LoadSummary, GoodputIsAPartOfTheThroughput) {
  // Requests that come in before the window and end inside it count in both or in neither.
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 400; ++i) plan.push_back(planned(i + 1, 10.0 * static_cast<double>(i), 200, 5));
  const FakeTargetOptions target{.sequences = 64, .prefill_us_per_token = 1000, .tpot_ms = 10};
  const LoadSummary summary = summarise_load(drive(target, plan), one_class({.ttft_ms = 1000}));
  EXPECT_EQ(*record(summary, "goodput_per_s").value, *record(summary, "request_throughput_per_s").value);
}

TEST(LoadSummary, LongRequestsAreNoSignOfARateThatIsNotHeld) {
  // Each takes 10 s of a trial whose arrivals take 12 s, on a target with room for all.
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 1200; ++i) plan.push_back(planned(i + 1, 10.0 * static_cast<double>(i), 10, 200));
  const FakeTargetOptions roomy{.sequences = 2000, .prefill_us_per_token = 1000, .tpot_ms = 50};
  EXPECT_EQ(finding(summarise_load(drive(roomy, plan), one_class()), "load.rate-not-held"), nullptr);
  // With room for a quarter of them the first tokens come later and later.
  const FakeTargetOptions tight{.sequences = 250, .prefill_us_per_token = 1000, .tpot_ms = 50};
  EXPECT_NE(finding(summarise_load(drive(tight, plan), one_class()), "load.rate-not-held"), nullptr);
}

TEST(LoadSummary, ABurstAtTheEndIsNoSignOfARateThatIsNotHeld) {
  // Answers of 210 ms, each: those of the last 100 ms end when the window is over.
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 100; ++i) plan.push_back(planned(i + 1, 10.0 * static_cast<double>(i), 10, 100));
  for (size_t i = 0; i < 100; ++i) plan.push_back(planned(i + 101, 1900 + static_cast<double>(i), 10, 100));
  const FakeTargetOptions roomy{.sequences = 2000, .prefill_us_per_token = 1000, .tpot_ms = 2};
  EXPECT_EQ(finding(summarise_load(drive(roomy, plan), one_class()), "load.rate-not-held"), nullptr);
}

// Answers of 10 s that come for 12 s begin to end when the window is nearly over.
TEST(LoadSummary, RatesOfAWindowThatIsShortAgainstTheAnswersAreDoubtful) {
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 1200; ++i) plan.push_back(planned(i + 1, 10.0 * static_cast<double>(i), 10, 200));
  const FakeTargetOptions roomy{.sequences = 2000, .prefill_us_per_token = 1000, .tpot_ms = 50};
  const LoadSummary summary = summarise_load(drive(roomy, plan), one_class());
  ASSERT_NE(finding(summary, "load.short-window"), nullptr);
  EXPECT_EQ(record(summary, "goodput_per_s").validity, Validity::kDoubtful);
  EXPECT_NEAR(record(summary, "goodput_per_s").conditions["too_low_share"].as_number(), 10.0 / 12, 0.02);
  // Tokens come all the time until then, the prompt's rate lacks the time to first token alone.
  EXPECT_NEAR(record(summary, "output_throughput_tokens_per_s").conditions["too_low_share"].as_number(),
              5.0 / 12, 0.02);
  EXPECT_EQ(record(summary, "input_throughput_tokens_per_s").validity, Validity::kValid);
  EXPECT_EQ(record(summary, "ttft_ms_p90").validity, Validity::kValid);
  // Of users who send again when an answer has ended, half of a turn is missing, and of their tokens nothing.
  SummaryOptions closed = one_class();
  closed.rate_conditions.set("arrivals", "closed");
  const LoadSummary loop = summarise_load(drive(roomy, plan), closed);
  EXPECT_NEAR(record(loop, "goodput_per_s").conditions["too_low_share"].as_number(), 5.0 / 12, 0.02);
  EXPECT_EQ(record(loop, "output_throughput_tokens_per_s").validity, Validity::kValid);
  // Three that come for 2 s and end 8 s later kept their limits, and no goodput was seen.
  plan.resize(3);
  for (size_t i = 0; i < 3; ++i) plan[i] = planned(i + 1, 1000.0 * static_cast<double>(i), 10, 200);
  const LoadSummary late = summarise_load(drive(roomy, plan), one_class());
  EXPECT_EQ(record(late, "goodput_per_s").value, 0);
  EXPECT_EQ(record(late, "goodput_per_s").validity, Validity::kDoubtful);
  EXPECT_EQ(record(late, "goodput_per_s").conditions["too_low_share"].as_number(), 1);
  const LoadSummary even = summarise_load(drive(kQuick, steady_plan(400)), one_class());
  EXPECT_EQ(finding(even, "load.short-window"), nullptr);
  EXPECT_EQ(record(even, "goodput_per_s").validity, Validity::kValid);
}

// Every request of the window misses its limit, and one that came after it does not: no goodput is what there
// was.
TEST(LoadSummary, NoGoodputIsNoDoubtWhereEveryRequestOfTheWindowMissed) {
  LoadResult result = drive(kQuick, steady_plan(400));
  for (size_t i = 0; i < 399; ++i) {
    for (Nanos RequestRow::* stamp : {&RequestRow::first, &RequestRow::last, &RequestRow::end})
      result.rows[i].*stamp = result.rows[i].*stamp + nanos_from_seconds(0.1);
  }
  result.last_arrival = result.rows[398].scheduled;
  const LoadSummary summary = summarise_load(result, one_class({.ttft_ms = 50}));
  EXPECT_EQ(record(summary, "goodput_per_s").value, 0);
  EXPECT_EQ(record(summary, "goodput_per_s").validity, Validity::kValid);
  EXPECT_EQ(finding(summary, "load.short-window"), nullptr);
}

// A short trial may hold no request of a class: how often it kept its limits is unknown, not that it has
// some.
TEST(LoadSummary, AClassWithoutRequestsKeepsItsLimits) {
  SummaryOptions options = one_class({.ttft_ms = 12});
  options.classes.push_back({.name = "batch", .slo = {.e2e_ms = 30'000}});
  const LoadSummary summary = summarise_load(drive(kQuick, steady_plan(100)), options);
  const Record& kept = record(summary, "slo_attainment", "batch");
  EXPECT_EQ(kept.validity, Validity::kInsufficient);
  EXPECT_FALSE(kept.value);
  EXPECT_EQ(kept.conditions["slo_e2e_ms"].as_number(), 30'000);
  EXPECT_EQ(record(summary, "error_rate", "batch").validity, Validity::kInsufficient);
  for (const char* metric : {"goodput_per_s", "request_throughput_per_s", "output_throughput_tokens_per_s",
                             "input_throughput_tokens_per_s"}) {
    EXPECT_EQ(record(summary, metric, "batch").validity, Validity::kInsufficient) << metric;
    EXPECT_FALSE(record(summary, metric, "batch").value) << metric;
    EXPECT_EQ(record(summary, metric, "batch").n, 0) << metric;
  }
  EXPECT_EQ(record(summary, "offered_rate_per_s", "batch").value, 0);
  // So does each of a trial that ended before a request was due.
  const LoadSummary nothing = summarise_load(LoadResult(), options);
  EXPECT_EQ(record(nothing, "slo_attainment").conditions["slo_ttft_ms"].as_number(), 12);
  EXPECT_EQ(record(nothing, "slo_attainment", "batch").validity, Validity::kInsufficient);
}

// Nine of ten answers take 0.1 s, which is their median, and one takes 20 s: of 40 s. The mean tells what the
// rates lack, and of tokens, most of which are the long answers', far more is missing.
TEST(LoadSummary, AFewLongAnswersAreMissingFromTheRatesThoughTheMedianIsShort) {
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 400; ++i)
    plan.push_back(planned(i + 1, 100.0 * static_cast<double>(i), 10, i % 10 == 9 ? 400 : 2));
  const FakeTargetOptions roomy{.sequences = 2000, .prefill_us_per_token = 1000, .tpot_ms = 50};
  const LoadSummary summary = summarise_load(drive(roomy, plan), one_class());
  const Finding* doubt = finding(summary, "load.short-window");
  ASSERT_NE(doubt, nullptr);
  EXPECT_LT(doubt->evidence["e2e_ms_p50"].as_number(), 200);
  EXPECT_NEAR(doubt->evidence["e2e_ms_mean"].as_number(), 2050, 50);
  const Record& tokens = record(summary, "output_throughput_tokens_per_s");
  EXPECT_EQ(tokens.validity, Validity::kDoubtful);
  EXPECT_NEAR(tokens.conditions["too_low_share"].as_number(), 0.25, 0.02);  // half of 20 s
  // What is said to be missing is: all tokens of the plan come in the end.
  const double offered = *record(summary, "offered_rate_per_s").value * (0.9 * 2 + 0.1 * 400);
  EXPECT_NEAR(*tokens.value / offered, 0.75, 0.04);
}

// Every tenth request fails: the others' p50 is at the 55th percentile of all, and the p95 of all is for
// ever.
TEST(LoadSummary, AFailedRequestTakesForEver) {
  FakeTargetOptions failing = kQuick;
  failing.fail_every = 10;
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 400; ++i)
    plan.push_back(planned(i + 1, 100.0 * static_cast<double>(i), 10 + static_cast<uint32_t>(i % 7), 5));
  const LoadSummary summary = summarise_load(drive(failing, plan), one_class());
  EXPECT_GE(*record(summary, "effective_ttft_ms_p50").value, *record(summary, "ttft_ms_p50").value);
  const Record& tail = record(summary, "effective_ttft_ms_p95");
  EXPECT_FALSE(tail.value);
  EXPECT_TRUE(tail.conditions["infinite"].as_bool());
  for (const Record& each : summarise_load(drive(kQuick, plan), one_class()).records)
    EXPECT_FALSE(each.metric.starts_with("effective")) << each.metric;
  EXPECT_NEAR(*record(summary, "queue_ms_p50").value, 0, 1e-9);
}

// A TTFT of 12 ms of which the server says 9 and a TPOT of 2 ms of which it says 1.9.
LoadResult with_server_timings() {
  LoadResult result = drive(kQuick, steady_plan(200));
  for (RequestRow& row : result.rows) {
    row.server_prompt = nanos_from_ms(9);
    row.server_tpot = nanos_from_ms(1.9);
  }
  return result;
}

TEST(LoadSummary, WhatTheServerTellsOfItsTimingStandsBesideOurs) {
  const LoadSummary summary = summarise_load(with_server_timings(), one_class());
  for (const char* of : {"chat", "all"}) {
    EXPECT_NEAR(*record(summary, "server_prompt_ms_p50", of).value, 9, 1e-9);
    EXPECT_NEAR(*record(summary, "ttft_server_difference_ms_p50", of).value, 3, 1e-9);
    EXPECT_NEAR(*record(summary, "server_tpot_ms_p50", of).value, 1.9, 1e-9);
    EXPECT_NEAR(*record(summary, "tpot_server_difference_ms_mean", of).value, 0.1, 1e-9);
  }
  EXPECT_EQ(finding(summary, "load.server-timings"), nullptr);
  EXPECT_EQ(summary.samples.front().columns.integers("server_prompt_ns")->at(7), 9'000'000);
  EXPECT_EQ(summary.samples.front().columns.integers("server_tpot_ns")->at(7), 1'900'000);
  const LoadSummary untold = summarise_load(drive(kQuick, steady_plan(200)), one_class());
  EXPECT_EQ(untold.samples.front().columns.integers("server_prompt_ns"), nullptr);
  for (const Record& each : untold.records)
    EXPECT_EQ(each.metric.find("server"), std::string::npos) << each.metric;
}

TEST(LoadSummary, AServerThatTellsMoreThanThereWasTimeForIsNotBelieved) {
  LoadResult result = with_server_timings();
  result.rows[3].server_prompt = nanos_from_ms(15);  // of 12
  const LoadSummary summary = summarise_load(result, one_class());
  ASSERT_NE(finding(summary, "load.server-timings"), nullptr);
  EXPECT_EQ(finding(summary, "load.server-timings")->evidence["impossible"].as_integer(), 1);
  EXPECT_EQ(finding(summary, "load.server-timings")->evidence["told"].as_integer(), 200);
  EXPECT_NEAR(finding(summary, "load.server-timings")->evidence["excess_ms_max"].as_number(), 3, 1e-6);
}

TEST(LoadSummary, WrongStampsVoidTheTrial) {
  SummaryOptions options = one_class();
  options.stamps_are_wrong = true;
  const LoadSummary summary = summarise_load(drive(kQuick, steady_plan(200)), options);
  EXPECT_EQ(record(summary, "ttft_ms_p90").validity, Validity::kVoid);
}

TEST(LoadSummary, SaysWhenNoSteadyStateWasSeen) {
  // Each request waits longer than the one before it, slowly enough for the rate to be held.
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 200; ++i)
    plan.push_back(planned(i + 1, 10.0 * static_cast<double>(i), static_cast<uint32_t>(1 + i), 1));
  const FakeTargetOptions target{.sequences = 64, .prefill_us_per_token = 1000, .tpot_ms = 0};
  const LoadSummary rising = summarise_load(drive(target, plan), one_class());
  ASSERT_NE(finding(rising, "load.not-steady"), nullptr);
  EXPECT_EQ(finding(rising, "load.rate-not-held"), nullptr);
  const LoadSummary even = summarise_load(drive(kQuick, steady_plan(400)), one_class());
  EXPECT_EQ(finding(even, "load.not-steady"), nullptr);
}

TEST(LoadSummary, WaitingForAConnectionIsNotTheGeneratorsLateness) {
  LoadResult result = drive(kQuick, steady_plan(100));
  result.rows[50].sent += nanos_from_ms(11);
  const LoadSummary summary = summarise_load(result, one_class());
  ASSERT_NE(finding(summary, "load.sent-late"), nullptr);
  EXPECT_EQ(finding(summary, "load.generator-late"), nullptr);
  EXPECT_EQ(*record(summary, "send_lag_ms_max", "all").value, 11);
  EXPECT_EQ(*record(summary, "dispatch_lag_ms_max", "all").value, 0);
  EXPECT_EQ(record(summary, "ttft_ms_p90").validity, Validity::kValid);
}

TEST(LoadSummary, ALateGeneratorVoidsTheTrial) {
  LoadResult result = drive(kQuick, steady_plan(100));
  result.rows[50].dispatched += nanos_from_ms(11);
  const LoadSummary summary = summarise_load(result, one_class());
  ASSERT_NE(finding(summary, "load.generator-late"), nullptr);
  EXPECT_TRUE(finding(summary, "load.generator-late")->evidence[kVoidsTrial].as_bool());
  EXPECT_EQ(record(summary, "ttft_ms_p90").validity, Validity::kVoid);
  EXPECT_EQ(record(summary, "goodput_per_s", "all").validity, Validity::kVoid);
  EXPECT_TRUE(record(summary, "ttft_ms_p90").value.has_value());
  EXPECT_EQ(record(summary, "ttft_ms_p99").validity, Validity::kInsufficient);
}

TEST(LoadSummary, ALostTargetVoidsWhatCameBefore) {
  FakeTargetOptions target = kQuick;
  target.lost_after = 70;
  const LoadSummary summary = summarise_load(drive(target, steady_plan(100)), one_class());
  EXPECT_EQ(record(summary, "ttft_ms_p50").validity, Validity::kVoid);
}

TEST(LoadSummary, ClassesAreToldApart) {
  std::vector<PlannedRequest> plan = steady_plan(160);
  for (size_t i = 0; i < plan.size(); i += 2) {
    plan[i].request.class_index = 1;
    plan[i].request.prompt_tokens = 30;
  }
  SummaryOptions options = one_class();
  options.classes.push_back({.name = "rag"});
  const LoadSummary summary = summarise_load(drive(kQuick, plan), options);
  EXPECT_NEAR(*record(summary, "ttft_ms_p50", "chat").value, 12, 1e-9);
  EXPECT_NEAR(*record(summary, "ttft_ms_p50", "rag").value, 32, 1e-9);
  EXPECT_NEAR(*record(summary, "offered_rate_per_s", "all").value, 10, 0.2);
  EXPECT_NEAR(*record(summary, "offered_rate_per_s", "rag").value, 5, 0.2);
}

TEST(LoadSummary, ABurstIsMeasuredFromItsArrivalToItsLastAnswer) {
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 20; ++i) plan.push_back(planned(i + 1, 0, 10, 5));
  const FakeTargetOptions target{.sequences = 1, .prefill_us_per_token = 1000, .tpot_ms = 2};
  const LoadSummary summary = summarise_load(drive(target, plan), one_class());
  EXPECT_NEAR(*record(summary, "request_throughput_per_s").value, 50, 1e-3);
  EXPECT_NEAR(*record(summary, "output_throughput_tokens_per_s").value, 250, 1e-2);
}

TEST(LoadSummary, NothingComesOfNothing) {
  const LoadSummary summary = summarise_load(LoadResult{}, one_class());
  for (const Record& each : summary.records) {
    EXPECT_EQ(each.validity, Validity::kInsufficient) << each.metric;
    EXPECT_FALSE(each.value) << each.metric;
  }
  EXPECT_EQ(summary.samples.size(), 3U);
  ASSERT_NE(finding(summary, kNothingMeasured), nullptr) << "it would pass for a trial that went well";
  EXPECT_EQ(finding(summary, kNothingMeasured)->severity, Severity::kDoubtful);
}

TEST(LoadSummary, SamplesHoldEveryRequestAndChunk) {
  const LoadResult result = drive(kQuick, steady_plan(30));
  const LoadSummary summary = summarise_load(result, one_class());
  ASSERT_EQ(summary.samples.size(), 3U);
  const Columns& requests = summary.samples[0].columns;
  EXPECT_EQ(requests.rows(), 30U);
  for (const char* name : {"id", "class", "session", "turn", "scheduled_ns", "sent_ns", "admitted_ns",
                           "first_ns", "first_output_ns", "last_ns", "end_ns", "prompt_tokens",
                           "output_tokens", "chunks", "failure", "in_window", "good"}) {
    ASSERT_NE(requests.integers(name), nullptr) << name;
    EXPECT_EQ(requests.integers(name)->size(), 30U) << name;
  }
  EXPECT_EQ(summary.samples[1].columns.integers("at_ns")->size(), 150U);
  EXPECT_EQ(summary.samples[1].columns.integers("tokens")->size(), 150U);
}

// A server may put several tokens into a chunk: its own count at the end is the true one.
TEST(LoadSummary, ThroughputCountsTokensAndNotChunks) {
  LoadResult result = drive(kQuick, steady_plan(200));
  for (RequestRow& row : result.rows) row.output_tokens *= 4;
  const LoadSummary summary = summarise_load(result, one_class());
  EXPECT_NEAR(*record(summary, "output_throughput_tokens_per_s").value, 200, 2.8);
}

TEST(LoadSummary, SaysWhatWasLeftOut) {
  LoadResult result = drive(kQuick, steady_plan(200));
  result.dropped_chunks = 3;
  result.stray_events = 4;
  const LoadSummary summary = summarise_load(result, one_class());
  std::string codes;
  for (const Finding& finding : summary.findings) codes += finding.code + " ";
  EXPECT_NE(codes.find("load.more-than-asked"), std::string::npos) << codes;
  EXPECT_NE(codes.find("load.stray-events"), std::string::npos) << codes;
}

// A server whose usage leaves reasoning out: more chunks of output than tokens.
TEST(LoadSummary, UsageBelowTheChunksIsADoubt) {
  LoadResult result = drive(kQuick, steady_plan(200));
  EXPECT_EQ(finding(summarise_load(result, one_class()), "load.usage-below-chunks"), nullptr);
  result.rows[20].output_tokens = 4;
  const LoadSummary once = summarise_load(result, one_class());
  ASSERT_NE(finding(once, "load.usage-below-chunks"), nullptr);
  EXPECT_EQ(finding(once, "load.usage-below-chunks")->severity, Severity::kNote) << "one in 200";
  for (RequestRow& row : result.rows) row.output_tokens = 3;
  const LoadSummary always = summarise_load(result, one_class());
  const Finding* doubt = finding(always, "load.usage-below-chunks");
  ASSERT_NE(doubt, nullptr);
  EXPECT_EQ(doubt->severity, Severity::kDoubtful);
  EXPECT_EQ(doubt->evidence["output_told"].as_integer(), 600);
  EXPECT_EQ(doubt->evidence["chunks"].as_integer(), 1000);
  for (RequestRow& row : result.rows) row.output_tokens = 500;
  EXPECT_EQ(finding(summarise_load(result, one_class()), "load.usage-below-chunks"), nullptr)
      << "many a chunk";
}

// Each was allowed five.
TEST(LoadSummary, UsageAboveTheLimitIsADoubt) {
  LoadResult result = drive(kQuick, steady_plan(200));
  EXPECT_EQ(finding(summarise_load(result, one_class()), "load.usage-above-asked"), nullptr);
  for (RequestRow& row : result.rows) row.output_tokens = 7;
  const LoadSummary summary = summarise_load(result, one_class());
  const Finding* doubt = finding(summary, "load.usage-above-asked");
  ASSERT_NE(doubt, nullptr);
  EXPECT_EQ(doubt->severity, Severity::kDoubtful);
  EXPECT_EQ(doubt->evidence["output_told"].as_integer(), 1400);
  EXPECT_EQ(doubt->evidence["asked"].as_integer(), 1000);
  SummaryOptions own = one_class();
  own.classes[0].request.parameters.set("max_tokens", 9);
  EXPECT_EQ(finding(summarise_load(result, own), "load.usage-above-asked"), nullptr)
      << "the class has a limit of its own";
}

// Answers that come at once have an end, and nothing that comes token by token.
TEST(LoadSummary, KindsThatAreNotStreamedHaveNoTokens) {
  std::vector<PlannedRequest> plan = steady_plan(400);
  for (size_t i = 0; i < plan.size(); ++i) plan[i].request.class_index = i % 2 == 0 ? 0 : 1 + i / 2 % 2;
  SummaryOptions options = one_class();
  options.classes.push_back({.name = "vectors", .request = {.kind = RequestKind::kEmbeddings}});
  options.classes.push_back({.name = "net", .request = {.kind = RequestKind::kKserve, .models = {"resnet"}}});
  const LoadSummary summary = summarise_load(drive(kQuick, plan), options);
  const auto has = [&](std::string_view metric, std::string_view name) {
    return std::ranges::any_of(summary.records, [&](const Record& r) {
      return r.metric == metric && r.conditions["traffic_class"].as_string() == name;
    });
  };
  for (const char* metric :
       {"ttft_ms_p50", "tpot_ms_p50", "chunk_gap_ms_mean", "output_throughput_tokens_per_s"}) {
    EXPECT_TRUE(has(metric, "chat")) << metric;
    EXPECT_FALSE(has(metric, "vectors")) << metric;
    EXPECT_FALSE(has(metric, "net")) << metric;
    EXPECT_EQ(record(summary, metric, "all").conditions["covers"].as_string(), "chat") << metric;
    EXPECT_EQ(*record(summary, metric, "all").value, *record(summary, metric, "chat").value) << metric;
  }
  for (const char* metric : {"e2e_ms_p50", "request_throughput_per_s", "goodput_per_s", "error_rate"}) {
    for (const char* name : {"chat", "vectors", "net", "all"})
      EXPECT_TRUE(has(metric, name)) << metric << name;
    EXPECT_EQ(record(summary, metric, "all").conditions.find("covers"), nullptr) << metric;
  }
  EXPECT_TRUE(has("input_throughput_tokens_per_s", "vectors"));
  EXPECT_FALSE(has("input_throughput_tokens_per_s", "net"));
  EXPECT_EQ(record(summary, "input_throughput_tokens_per_s", "all").conditions["covers"].as_string(),
            "chat, vectors");
  EXPECT_EQ(record(summary, "e2e_ms_p50", "net").conditions["request_kind"].as_string(), "kserve");
  EXPECT_EQ(record(summary, "e2e_ms_p50", "net").conditions["model"].as_string(), "resnet");
}

TEST(LoadSummary, WithoutAnyStreamThereAreNoTokensAtAll) {
  SummaryOptions options = one_class();
  options.classes[0].request.kind = RequestKind::kJson;
  const LoadSummary summary = summarise_load(drive(kQuick, steady_plan(200)), options);
  for (const Record& each : summary.records) {
    for (const char* metric : {"ttft", "tpot", "chunk_gap", "output_throughput", "input_throughput"})
      EXPECT_FALSE(each.metric.starts_with(metric)) << each.metric;
  }
  EXPECT_EQ(record(summary, "e2e_ms_p50", "all").n, record(summary, "e2e_ms_p50").n);
}

TEST(LoadSummary, TooFewOfAKindThatIsNotStreamedShowInItsEnds) {
  SummaryOptions options = one_class();
  options.classes[0].request.kind = RequestKind::kRerank;
  const LoadSummary summary = summarise_load(drive(kQuick, steady_plan(20)), options);
  const Finding* few = finding(summary, "load.too-few-samples");
  ASSERT_NE(few, nullptr);
  EXPECT_THAT(few->text, ::testing::HasSubstr("chat (20)"));
}

}  // namespace assay::summary_test
