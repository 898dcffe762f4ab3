// Records of a load trial against numbers that can be worked out by hand.
#include "load/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "load/summary_fixtures.h"

namespace assay::summary_test {

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
  EXPECT_THAT(
      finding(summary, "load.failures")->text,
      testing::HasSubstr(
          "50 of 200 requests failed. Latencies are those of the others. 50 server-error, the first: "));
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

TEST(LoadSummary, GoodputIsAPartOfTheThroughput) {
  // Requests that come in before the window and end inside it count in both or in neither.
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 400; ++i) plan.push_back(planned(i + 1, 10.0 * static_cast<double>(i), 200, 5));
  const FakeTargetOptions target{.sequences = 64, .prefill_us_per_token = 1000, .tpot_ms = 10};
  const LoadSummary summary = summarise_load(drive(target, plan), one_class({.ttft_ms = 1000}));
  EXPECT_EQ(*record(summary, "goodput_per_s").value, *record(summary, "request_throughput_per_s").value);
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
  EXPECT_EQ(value_of(tail), HUGE_VAL);
  EXPECT_EQ(tail.validity, Validity::kValid);  // 400 are enough for a p95, wherever it lies
  EXPECT_EQ(low_of(tail), HUGE_VAL);
  EXPECT_EQ(high_of(tail), HUGE_VAL);
  EXPECT_TRUE(record(summary, "effective_ttft_ms_p50").ci_high);
  // Too few remain so.
  const Record& few = record(summary, "effective_ttft_ms_p99_9");
  EXPECT_EQ(few.validity, Validity::kInsufficient);
  EXPECT_FALSE(value_of(few));
  EXPECT_FALSE(high_of(few));
  for (const Record& each : summarise_load(drive(kQuick, plan), one_class()).records)
    EXPECT_FALSE(each.metric.starts_with("effective")) << each.metric;
  EXPECT_NEAR(*record(summary, "queue_ms_p50").value, 0, 1e-9);

  // Every eleventh: the p90 is the time of an answer, and the upper end of its interval lies among the
  // failures.
  failing.fail_every = 11;
  const LoadSummary fewer = summarise_load(drive(failing, plan), one_class());
  const Record& edge = record(fewer, "effective_ttft_ms_p90");
  EXPECT_TRUE(edge.value);
  EXPECT_TRUE(edge.ci_low);
  EXPECT_FALSE(edge.ci_high);
  EXPECT_EQ(high_of(edge), HUGE_VAL);
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

TEST(LoadSummary, RatesOfWhatComesAtOnceAreTakenToTheLastAnswer) {
  // 40 requests within 8 ms, each of 10 ms and one at a time.
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 40; ++i) plan.push_back(planned(i + 1, 0.2 * static_cast<double>(i), 10, 1));
  const LoadResult result = drive({.sequences = 1, .prefill_us_per_token = 1000, .tpot_ms = 0}, plan);
  SummaryOptions options = one_class();
  options.rate_conditions = Json::object().set("arrivals", "burst");
  EXPECT_NEAR(*record(summarise_load(result, options), "request_throughput_per_s").value, 100, 1);
  options.rate_conditions = Json::object().set("arrivals", "closed").set("users", 40);
  EXPECT_NEAR(*record(summarise_load(result, options), "request_throughput_per_s").value, 100, 1);
  EXPECT_EQ(finding(summarise_load(result, options), "load.short-window"), nullptr);
  LoadResult spread = result;  // users who pause first
  spread.rows.back().scheduled = spread.last_arrival = nanos_from_ms(300);
  EXPECT_EQ(summarise_load(spread, options).window.is_burst, false);
  options.rate_conditions.set("users", 39);
  EXPECT_LT(record(summarise_load(result, options), "request_throughput_per_s").value.value_or(0), 1)
      << "no answer within 8 ms";
}

TEST(LoadSummary, ATurnIsLateByWhatTheAnswersBeforeItTook) {
  // Sessions of three turns, each answered in 12 ms, with pauses of 50 ms between.
  std::vector<PlannedRequest> plan;
  for (RequestId id = 1; id <= 90; ++id) {
    const bool is_first = id % 3 == 1;
    plan.push_back(planned(id, is_first ? 10.0 * static_cast<double>(id) : 50, 10, 1));
    plan.back().request.session = (id - 1) / 3 + 1;
    plan.back().request.turn = static_cast<uint32_t>((id - 1) % 3);
    plan.back().previous = is_first ? 0 : id - 1;
  }
  SummaryOptions options = one_class();
  options.wanted_per_class = 90;  // all count
  const LoadSummary summary = summarise_load(drive(kQuick, plan), options);
  EXPECT_EQ(record(summary, "session_lateness_ms_mean").n, 60);
  EXPECT_NEAR(*record(summary, "session_lateness_ms_max").value, 24, 1e-6);
  EXPECT_NEAR(*record(summary, "session_lateness_ms_mean").value, 18, 1e-6);
  const LoadSummary single = summarise_load(drive(kQuick, steady_plan(100)), one_class());
  EXPECT_TRUE(std::ranges::none_of(
      single.records, [](const Record& each) { return each.metric.starts_with("session_lateness_ms"); }));
}

}  // namespace assay::summary_test
