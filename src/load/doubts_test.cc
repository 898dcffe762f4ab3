// What makes numbers of a load trial doubtful or void, against trials that can be worked out by hand.
#include "load/doubts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "load/summary_fixtures.h"

namespace assay::summary_test {

TEST(LoadDoubts, AServerThatGoesAndDoesNotComeBackIsTold) {
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

TEST(LoadDoubts, SaysWhenTheRateIsNotHeld) {
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

TEST(LoadDoubts, LongRequestsAreNoSignOfARateThatIsNotHeld) {
  // Each takes 10 s of a trial whose arrivals take 12 s, on a target with room for all.
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 1200; ++i) plan.push_back(planned(i + 1, 10.0 * static_cast<double>(i), 10, 200));
  const FakeTargetOptions roomy{.sequences = 2000, .prefill_us_per_token = 1000, .tpot_ms = 50};
  EXPECT_EQ(finding(summarise_load(drive(roomy, plan), one_class()), "load.rate-not-held"), nullptr);
  // With room for a quarter of them the first tokens come later and later.
  const FakeTargetOptions tight{.sequences = 250, .prefill_us_per_token = 1000, .tpot_ms = 50};
  EXPECT_NE(finding(summarise_load(drive(tight, plan), one_class()), "load.rate-not-held"), nullptr);
}

TEST(LoadDoubts, ABurstAtTheEndIsNoSignOfARateThatIsNotHeld) {
  // Answers of 210 ms, each: those of the last 100 ms end when the window is over.
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 100; ++i) plan.push_back(planned(i + 1, 10.0 * static_cast<double>(i), 10, 100));
  for (size_t i = 0; i < 100; ++i) plan.push_back(planned(i + 101, 1900 + static_cast<double>(i), 10, 100));
  const FakeTargetOptions roomy{.sequences = 2000, .prefill_us_per_token = 1000, .tpot_ms = 2};
  EXPECT_EQ(finding(summarise_load(drive(roomy, plan), one_class()), "load.rate-not-held"), nullptr);
}

// Answers of 10 s that come for 12 s begin to end when the window is nearly over.
TEST(LoadDoubts, RatesOfAWindowThatIsShortAgainstTheAnswersAreDoubtful) {
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
TEST(LoadDoubts, NoGoodputIsNoDoubtWhereEveryRequestOfTheWindowMissed) {
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

// Nine of ten answers take 0.1 s, which is their median, and one takes 20 s: of 40 s. The mean tells what the
// rates lack, and of tokens, most of which are the long answers', far more is missing.
TEST(LoadDoubts, AFewLongAnswersAreMissingFromTheRatesThoughTheMedianIsShort) {
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

TEST(LoadDoubts, AServerThatTellsMoreThanThereWasTimeForIsNotBelieved) {
  LoadResult result = with_server_timings();
  result.rows[3].server_prompt = nanos_from_ms(15);  // of 12
  const LoadSummary summary = summarise_load(result, one_class());
  ASSERT_NE(finding(summary, "load.server-timings"), nullptr);
  EXPECT_EQ(finding(summary, "load.server-timings")->evidence["impossible"].as_integer(), 1);
  EXPECT_EQ(finding(summary, "load.server-timings")->evidence["told"].as_integer(), 200);
  EXPECT_NEAR(finding(summary, "load.server-timings")->evidence["excess_ms_max"].as_number(), 3, 1e-6);
}

TEST(LoadDoubts, WrongStampsVoidTheTrial) {
  SummaryOptions options = one_class();
  options.stamps_are_wrong = true;
  const LoadSummary summary = summarise_load(drive(kQuick, steady_plan(200)), options);
  EXPECT_EQ(record(summary, "ttft_ms_p90").validity, Validity::kVoid);
}

TEST(LoadDoubts, SaysWhenNoSteadyStateWasSeen) {
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

TEST(LoadDoubts, WaitingForAConnectionIsNotTheGeneratorsLateness) {
  LoadResult result = drive(kQuick, steady_plan(100));
  result.rows[50].sent += nanos_from_ms(11);
  const LoadSummary summary = summarise_load(result, one_class());
  ASSERT_NE(finding(summary, "load.sent-late"), nullptr);
  EXPECT_EQ(finding(summary, "load.generator-late"), nullptr);
  EXPECT_EQ(*record(summary, "send_lag_ms_max", "all").value, 11);
  EXPECT_EQ(*record(summary, "dispatch_lag_ms_max", "all").value, 0);
  EXPECT_EQ(record(summary, "ttft_ms_p90").validity, Validity::kValid);
}

// 15 ms of service every 10 ms: a third of the requests pile up.
LoadResult overloaded() {
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 400; ++i) plan.push_back(planned(i + 1, 10.0 * static_cast<double>(i), 15, 1));
  return drive({.sequences = 1, .prefill_us_per_token = 1000, .tpot_ms = 0}, plan);
}

TEST(LoadDoubts, WaitingForConnectionsOfItsOwnIsNotTheTargetsSlowness) {
  LoadResult result = overloaded();
  result.waited_for_connection = 4;
  SummaryOptions options = one_class({.ttft_ms = 100});
  options.conditions.set("max_connections", 1);
  EXPECT_EQ(finding(summarise_load(result, options), kConnectionsBusy), nullptr) << "one in a hundred";
  result.waited_for_connection = 300;
  const LoadSummary summary = summarise_load(result, options);
  ASSERT_NE(finding(summary, kConnectionsBusy), nullptr);
  EXPECT_THAT(finding(summary, kConnectionsBusy)->text,
              testing::HasSubstr("Of 400 requests 300 waited until one of at most 1 connection was free:"));
  ASSERT_NE(finding(summary, "load.rate-not-held"), nullptr);
  EXPECT_EQ(finding(summary, "load.rate-not-held")->severity, Severity::kDoubtful);
  EXPECT_THAT(finding(summary, "load.rate-not-held")->text,
              testing::StartsWith("Through at most 1 connection the target was not given 100 requests/s"));
  EXPECT_EQ(finding(summary, "load.sent-late"), nullptr);
  for (const char* metric : {"ttft_ms_p90", "e2e_ms_p50", "goodput_per_s", "slo_attainment"})
    EXPECT_EQ(record(summary, metric).validity, Validity::kDoubtful) << metric;
  EXPECT_EQ(record(summary, "offered_rate_per_s").validity, Validity::kValid);
}

TEST(LoadDoubts, AVoidTrialSaysNothingAgainstTheTarget) {
  LoadResult result = overloaded();
  result.rows[50].dispatched += nanos_from_ms(11);
  const LoadSummary summary = summarise_load(result, one_class({.ttft_ms = 100}));
  EXPECT_NE(finding(summary, "load.generator-late"), nullptr);
  EXPECT_EQ(finding(summary, "load.rate-not-held"), nullptr);
}

TEST(LoadDoubts, ARateIsMissingOnlyWhatItCounts) {
  // The class that streams is broken off before its first token: there is no output to come too late.
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < 100; ++i) {
    plan.push_back(planned(2 * i + 1, 10.0 * static_cast<double>(i), 10, 5));
    plan.back().request.cancel_after = nanos_from_ms(5);
    plan.push_back(planned(2 * i + 2, 10.0 * static_cast<double>(i), 10, 1, 1));
  }
  SummaryOptions options = one_class();
  options.classes.push_back({.name = "items", .request = {.kind = RequestKind::kJson}});
  EXPECT_EQ(finding(summarise_load(drive(kQuick, plan), options), "load.short-window"), nullptr);
}

TEST(LoadDoubts, ABurstThatCannotBeSentInTimeIsToldAsOne) {
  LoadResult result = drive(kQuick, steady_plan(100));
  for (size_t i = 0; i < 60; ++i) result.rows[i].scheduled = result.rows[0].scheduled;
  for (size_t i = 0; i < 60; ++i) result.rows[i].dispatched = result.rows[0].scheduled + nanos_from_ms(11);
  const LoadSummary summary = summarise_load(result, one_class());
  ASSERT_NE(finding(summary, "load.generator-late"), nullptr);
  EXPECT_THAT(finding(summary, "load.generator-late")->text,
              testing::HasSubstr("60 of its requests are due at one instant"));
  EXPECT_THAT(finding(summary, "load.generator-late")->text, testing::HasSubstr("--max-concurrency 60"));
}

TEST(LoadDoubts, ALateGeneratorVoidsTheTrial) {
  LoadResult result = drive(kQuick, steady_plan(100));
  result.rows[50].dispatched += nanos_from_ms(11);
  const LoadSummary summary = summarise_load(result, one_class());
  ASSERT_NE(finding(summary, "load.generator-late"), nullptr);
  EXPECT_THAT(finding(summary, "load.generator-late")->text, testing::HasSubstr("Offer less"));
  EXPECT_TRUE(finding(summary, "load.generator-late")->evidence[kVoidsTrial].as_bool());
  EXPECT_EQ(record(summary, "ttft_ms_p90").validity, Validity::kVoid);
  EXPECT_EQ(record(summary, "goodput_per_s", "all").validity, Validity::kVoid);
  EXPECT_TRUE(record(summary, "ttft_ms_p90").value.has_value());
  EXPECT_EQ(record(summary, "ttft_ms_p99").validity, Validity::kInsufficient);
}

TEST(LoadDoubts, ALostTargetVoidsWhatCameBefore) {
  FakeTargetOptions target = kQuick;
  target.lost_after = 70;
  const LoadSummary summary = summarise_load(drive(target, steady_plan(100)), one_class());
  EXPECT_EQ(record(summary, "ttft_ms_p50").validity, Validity::kVoid);
}

// A server whose usage leaves reasoning out: more chunks of output than tokens.
TEST(LoadDoubts, UsageBelowTheChunksIsADoubt) {
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
TEST(LoadDoubts, UsageAboveTheLimitIsADoubt) {
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

}  // namespace assay::summary_test
