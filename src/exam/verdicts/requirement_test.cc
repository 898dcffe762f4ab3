// Requirements held against evidence laid out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exam/exam.h"
#include "exam/verdicts/verdicts_fixtures.h"

namespace assay::verdicts_test {

TEST(Requirements, ARequirementOnCapacityDecidesByItsTier) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.97);
  add_capacity(evidence, 14, "slo");
  add_capacity(evidence, 30, "relaxed");
  evidence.require("capacity_per_s", ">=", 20);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNo);
  EXPECT_THAT(evidence.answer(2).reason,
              testing::HasSubstr("in tier slo on CPU is 14.0 requests/s (13.0–15.0), needs ≥ 20"));
  evidence.content.requirements[0].scope.set("tier", "relaxed");
  EXPECT_EQ(evidence.answer(2).answer, Answer::kYes);
  evidence.content.requirements[0].value = 29.5;  // within the interval
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_THAT(evidence.answer(2).reason,
              testing::HasSubstr("which lies within the interval: more time narrows it (load.capacity"));
}

// Of several capacities one that is shown to be too small decides, and one that is open holds a yes back.
TEST(Requirements, ARequirementOnSeveralCapacitiesNeedsAllOfThem) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.97);
  add_capacity(evidence, 14, "slo");
  Record& open = add_capacity(evidence, 16, "relaxed");
  open.ci_low = 8;
  open.ci_high = 40;
  evidence.require("capacity_per_s", ">=", 12);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_THAT(evidence.answer(2).reason, testing::HasSubstr("in tier relaxed"));
  evidence.content.requirements[0].value = 15.5;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNo);
  EXPECT_THAT(evidence.answer(2).reason, testing::HasSubstr("in tier slo"));
}

TEST(Requirements, RequirementsDecideTheirQuestion) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.1);
  Record& goodput = evidence.add(1, "goodput_per_s", "all", 12);
  goodput.ci_low = 11;
  goodput.ci_high = 13;
  evidence.require("goodput_per_s", ">=", 10);
  const std::vector<Verdict> verdicts = evidence.draw();
  EXPECT_EQ(verdicts[0].requirement_id, 1);
  EXPECT_EQ(verdicts[0].answer, Answer::kYes);
  EXPECT_EQ(verdicts[0].reason, "goodput_per_s on CPU is 12.0 (11.0–13.0), needs ≥ 10.0");
  EXPECT_EQ(evidence.answer(2).answer, Answer::kYes);
  evidence.require("goodput_per_s", ">=", 12.5);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_THAT(
      evidence.answer(2).reason,
      testing::HasSubstr("needs ≥ 12.5, which lies within the interval: about 4.0 times as many requests"));
  evidence.require("goodput_per_s", ">=", 14);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNo);
}

// So many requests fail that no answer within any time is what the percentile is.
// What is claimed of a chip, and what bounds permit, was not reached by anything.
TEST(Requirements, AClaimNeitherMeetsNorMissesOne) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.97);
  Record& claim = evidence.add(1, "memory_bandwidth_gb_per_s", "all", 2000);
  claim.evidence_class = EvidenceClass::kClaimed;
  Record& share = evidence.add(1, "memory_bandwidth_gb_per_s", "all", 500);
  share.evidence_class = EvidenceClass::kDerived;
  share.conditions.set("bound", "claimed");
  evidence.require("memory_bandwidth_gb_per_s", ">=", 1000);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
  evidence.add(1, "memory_bandwidth_gb_per_s", "all", 1300);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kYes);
}

TEST(Requirements, APercentileThatFailuresMakeInfiniteIsMissed) {
  Evidence evidence;
  Record& tail = evidence.add(1, "effective_ttft_ms_p95", "chat", 0);
  tail.value.reset();
  tail.unit = "ms";
  tail.ci_low = 620;
  tail.conditions.set(kInfinite, true).set(kHighInfinite, true);
  evidence.require("effective_ttft_ms_p95", "<=", 500).scope.set("traffic_class", "chat");
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo);
  EXPECT_EQ(evidence.draw()[0].reason,
            "effective_ttft_ms_p95 of chat on CPU is ∞ ms (620–∞), needs ≤ 500 ms");
  evidence.content.requirements[0].value = 700;
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
  EXPECT_THAT(evidence.draw()[0].reason, testing::HasSubstr("which lies within the interval"));
}

// No rate is reached that was not asked for.
TEST(Requirements, WhatWasNotOfferedIsNotMissed) {
  Evidence evidence;
  Record& goodput = evidence.add(1, "goodput_per_s", "all", 14.2);
  goodput.ci_low = 11.7;
  goodput.ci_high = 16.8;
  evidence.add(1, "offered_rate_per_s", "all", 14.9).conditions.set("arrivals", "poisson");
  evidence.require("goodput_per_s", ">=", 20);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
  EXPECT_EQ(
      evidence.draw()[0].reason,
      "goodput_per_s on CPU is 14.2 (11.7–16.8), needs ≥ 20.0; but no more was asked of it: it kept up with "
      "14.9 requests/s (load.rate_per_s asks for more)");
  // One that did not give all of as little as that would not do more: it was slow, or answered wrongly.
  evidence.content.records[0].ci_high = 14.8;
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo);
  evidence.content.records[0].ci_high = 16.8;
  // Enough was offered.
  evidence.content.records[1].value = 25;
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo);
  // Users who wait for their answers ask for as much as they get, and a burst for all.
  evidence.content.records[1].value = 14.9;
  for (const char* arrivals : {"closed", "burst"}) {
    evidence.content.records[1].conditions.set("arrivals", arrivals);
    EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo) << arrivals;
  }
  evidence.content.records[1].conditions.set("arrivals", "poisson").set("arrivals_of_chat", "closed");
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo);
}

TEST(Requirements, TokensThatWereNotAskedForAreNotMissed) {
  Evidence evidence;
  Record& tokens = evidence.add(1, "output_throughput_tokens_per_s", "all", 300);
  tokens.ci_low = 280;
  tokens.ci_high = 320;
  evidence.add(1, "offered_rate_per_s", "all", 14.9).conditions.set("arrivals", "poisson");
  evidence.require("output_throughput_tokens_per_s", ">=", 1000);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo) << "how much of the offer was served is not known";
  Record& served = evidence.add(1, "request_throughput_per_s", "all", 14.5);
  served.ci_low = 13;
  served.ci_high = 16;
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
  EXPECT_THAT(evidence.draw()[0].reason, testing::HasSubstr("it kept up with 14.9"));
  evidence.content.records[2].ci_high = 14;
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo);
}

// What one target really missed is told, whatever stands in the way of the others.
TEST(Requirements, AMissIsNotHiddenByAWorseNumberThatShowsNothing) {
  Evidence evidence;
  Record& slow = evidence.add(1, "goodput_per_s", "all", 5);
  slow.ci_low = 4;
  slow.ci_high = 6;
  Record& doubted = evidence.add(1, "goodput_per_s", "all", 3);
  doubted.ci_low = 2;
  doubted.ci_high = 4;
  doubted.validity = Validity::kDoubtful;
  evidence.require("goodput_per_s", ">=", 10);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo);
  EXPECT_THAT(evidence.draw()[0].reason, testing::HasSubstr("is 5.00"));
  evidence.content.records[0].value = 20;
  evidence.content.records[0].ci_low = 19;
  evidence.content.records[0].ci_high = 21;
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
  EXPECT_THAT(evidence.draw()[0].reason, testing::EndsWith("but a finding doubts this number"));
  EXPECT_EQ(evidence.draw()[0].command, "assay run --only load");
}

TEST(Requirements, ARequirementNamesTheExamThatWouldMeasureIt) {
  Evidence evidence;
  evidence.require("decode_tokens_per_s", ">=", 1);
  EXPECT_EQ(evidence.draw()[0].command, "assay run --only roofline");
  Record& speed = evidence.add(1, "decode_tokens_per_s", "", 0.5);
  speed.conditions = Json::object();
  EXPECT_EQ(evidence.draw()[0].command, "");
  evidence.content.run.plan.set("overrides", Json::object().set("quick", true));
  EXPECT_EQ(evidence.draw()[0].command, "assay run --only roofline");
  evidence.content.records.clear();
  evidence.content.requirements[0].metric = "ttft_ms_p90";
  EXPECT_EQ(evidence.draw()[0].command, "assay run --only load");
}

TEST(Requirements, ARequirementReadsTheMixOfAllClassesUnlessItsScopeSaysOtherwise) {
  Evidence evidence;
  evidence.add(1, "ttft_ms_p90", "all", 100);
  evidence.add(1, "ttft_ms_p90", "chat", 300);
  evidence.add(2, "ttft_ms_p90", "chat", 50);
  evidence.require("ttft_ms_p90", "<=", 200);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kYes);
  evidence.content.requirements[0].scope.set("traffic_class", "chat").set("subject", "CPU");
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo);
  evidence.content.requirements[0].scope.set("phase", "alone");
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kYes);
  evidence.content.requirements[0].scope.set("subject", "GPU");
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
}

TEST(Requirements, ADoubtfulNumberDecidesNoRequirement) {
  Evidence evidence;
  evidence.require("goodput_per_s", ">=", 10);
  evidence.add(1, "goodput_per_s", "all", 2).validity = Validity::kDoubtful;
  const Verdict verdict = evidence.draw().front();
  EXPECT_EQ(verdict.answer, Answer::kNotExamined);
  EXPECT_THAT(verdict.reason, testing::HasSubstr("a finding doubts this number"));
}

TEST(Requirements, ASmallerModelThatADeviceHadToRunDecidesNoRequirement) {
  for (const double measured : {1.0, 100.0}) {
    Evidence evidence;
    evidence.require("goodput_per_s", ">=", 10);
    evidence.add(1, "goodput_per_s", "all", measured);
    evidence.content.trials[0]
        .parameters.set("model", "synthetic:tiny:f16")
        .set("sized_from", "smollm2-135m");
    const Verdict verdict = evidence.draw()[0];
    EXPECT_EQ(verdict.answer, Answer::kNotExamined);
    EXPECT_EQ(verdict.reason, "goodput_per_s: CPU ran synthetic:tiny:f16 in place of smollm2-135m");
    // Another device that ran the model of the scenario meets it, which is not all of them.
    evidence.add_trial(3, "GPU", "mix", "");
    evidence.add(3, "goodput_per_s", "all", 50);
    EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
    EXPECT_THAT(evidence.draw()[0].reason,
                testing::EndsWith("; but CPU ran synthetic:tiny:f16 in place of smollm2-135m"));
  }
}

TEST(Requirements, ARequirementIsNotMetByInsufficientSamples) {
  Evidence evidence;
  Record& record = evidence.add(1, "ttft_ms_p99", "all", 0);
  record.value.reset();
  record.validity = Validity::kInsufficient;
  evidence.require("ttft_ms_p99", "<=", 200);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
}

TEST(Requirements, ARequirementOnInterferenceHoldsForEveryClassThatItNames) {
  Evidence evidence;
  evidence.add(0, "interference", "chat", 1.2).conditions.set("target", "CPU");
  evidence.add(0, "interference", "rag", 3).conditions.set("target", "CPU");
  evidence.require("interference", "<=", 2);
  evidence.require("interference", "<=", 2).scope.set("traffic_class", "chat");
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo);
  EXPECT_THAT(evidence.draw()[0].reason, testing::HasSubstr("interference of rag on CPU is 3.00"));
  EXPECT_EQ(evidence.draw()[1].answer, Answer::kYes);
}

TEST(Requirements, ARequirementIsNotMetByTheTargetThatSurvived) {
  Evidence evidence;
  evidence.add(1, "ttft_ms_p90", "all", 100);
  evidence.require("ttft_ms_p90", "<=", 200);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kYes);
  Trial& other = evidence.add_trial(3, "Vulkan0", "mix", "");
  other.state = TrialState::kFailed;
  other.end_text = "the worker died";
  const Verdict verdict = evidence.draw()[0];
  EXPECT_EQ(verdict.answer, Answer::kNotExamined);
  EXPECT_THAT(verdict.reason, testing::HasSubstr("but Vulkan0: the worker died"));
  evidence.content.requirements[0].scope.set("subject", "CPU");
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kYes) << "the other target was not meant";
}

TEST(Requirements, ARequirementIsNotMetWhileSomeOfItIsVoid) {
  Evidence evidence;
  evidence.add(1, "ttft_ms_p90", "all", 100);
  evidence.add(1, "ttft_ms_p90", "all", 100).validity = Validity::kVoid;
  evidence.require("ttft_ms_p90", "<=", 200);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
}

}  // namespace assay::verdicts_test
