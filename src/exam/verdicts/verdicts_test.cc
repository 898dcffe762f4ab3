// Answers to the eight questions from evidence laid out by hand.
#include "exam/verdicts/verdicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "exam/exam.h"
#include "exam/verdicts/verdicts_fixtures.h"
#include "load/load.h"

namespace assay::verdicts_test {

TEST(Verdicts, AnswerAllEightQuestionsInOrder) {
  const std::vector<Verdict> verdicts = Evidence().draw();
  ASSERT_EQ(verdicts.size(), 8U);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(verdicts[i].question, i + 1);
}

TEST(Verdicts, AQuestionWithoutAnExamNamesNoCommand) {
  for (int number = 3; number <= 8; ++number) {
    const Verdict verdict = Evidence().answer(number);
    EXPECT_EQ(verdict.answer, Answer::kNotExamined);
    EXPECT_EQ(verdict.command, "");
  }
}

// A trial of the mix that failed, with the finding that says why.
Evidence with_failed_mix(const std::string& code, const std::string& why) {
  Evidence evidence;
  evidence.content.trials.pop_back();
  evidence.fail(1, code, why);
  evidence.scenario.load.classes = {{.name = "chat", .slo = {.ttft_ms = 500}}};
  return evidence;
}

TEST(Verdicts, AServerThatNobodyReachedIsNotExamined) {
  for (const char* code : {"load.not-reached", "exam.failed"}) {
    const Evidence evidence = with_failed_mix(code, "connection refused");
    EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
    EXPECT_EQ(evidence.answer(1).reason, "1 trial was not tried: CPU: connection refused");
    EXPECT_EQ(evidence.answer(1).command, "assay run --only load");
    EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
    EXPECT_EQ(evidence.answer(2).reason, "CPU: nothing was asked of it");
    EXPECT_EQ(evidence.answer(2).command, "assay run --only load");
  }
  const Evidence lost = with_failed_mix("load.target-lost", "it reset every connection");
  EXPECT_EQ(lost.answer(1).answer, Answer::kNo);
  EXPECT_EQ(lost.answer(2).answer, Answer::kNo);
}

TEST(Verdicts, AServerThatCameUpLateWasNotLost) {
  Evidence evidence;
  evidence.fail(1, "load.not-reached", "connection refused");
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
}

TEST(Verdicts, OfTwoServersTheOneThatWasReachedIsNamedToo) {
  Evidence evidence;
  evidence.add_trial(3, "far", "mix", "");
  evidence.fail(3, "load.not-reached", "connection refused");
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(1).reason, "1 trial was not tried: far: connection refused; CPU ran to the end");
}

TEST(Verdicts, AServerThatIsNoLongerReachedWasLost) {
  Evidence evidence;
  evidence.fail(2, "load.not-reached", "connection refused");
  // In a resumed run it may be that nobody started it again.
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
  EXPECT_EQ(untried_trials(evidence.content), std::set<int64_t>{2});
  evidence.content.findings.back().evidence.set("was_reached_before", true);
  EXPECT_TRUE(untried_trials(evidence.content).empty());
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNo);
  EXPECT_EQ(evidence.answer(1).reason, "CPU: connection refused");
}

TEST(Verdicts, ATrialThatMeasuredNothingDoesNotCountAsOneThatRan) {
  Evidence evidence;
  evidence.content.trials[1].name = "load chat alone on CPU";
  evidence.content.findings.push_back(
      {.trial_id = 2, .severity = Severity::kDoubtful, .code = kNothingMeasured});
  EXPECT_EQ(evidence.answer(1).answer, Answer::kYes);
  EXPECT_EQ(evidence.answer(1).reason,
            "1 trial ran to the end on CPU; load chat alone on CPU measured nothing");
  evidence.content.trials[0].name = "load mix on CPU";
  evidence.content.findings.push_back(
      {.trial_id = 1, .severity = Severity::kDoubtful, .code = kNothingMeasured});
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(1).reason, "load mix on CPU, load chat alone on CPU measured nothing");
}

TEST(Verdicts, SoftwareRunsIfEveryTrialEndedWell) {
  Evidence evidence;
  EXPECT_EQ(evidence.answer(1).answer, Answer::kYes);
  EXPECT_THAT(evidence.answer(1).reason, testing::HasSubstr("2 trials ran to the end on CPU"));
  evidence.add_trial(3, "Vulkan0", "mix", "");
  evidence.fail(3, "engine.worker-died", "the worker died");
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNo);
  EXPECT_EQ(evidence.answer(1).reason, "Vulkan0: the worker died");
}

TEST(Verdicts, WhatARequirementDoesNotAskForIsToldBesideIt) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 1);
  evidence.add_attainment(1, "rag", 0);
  evidence.add(1, "ttft_ms_p90", "all", 80);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNo) << "without a requirement";
  evidence.require("ttft_ms_p90", "<=", 120);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kYes);
  EXPECT_THAT(evidence.answer(2).reason,
              testing::HasSubstr("; beside the requirements: rag on CPU met its SLO in 0 %"));
}

TEST(Verdicts, ATrialThatWasStoppedDidNotRunToItsEnd) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 1);
  const auto stop = [&](int64_t trial) {
    evidence.content.findings.push_back(
        {.trial_id = trial, .severity = Severity::kNote, .code = "load.stopped"});
  };
  stop(1);
  EXPECT_THAT(evidence.answer(1).reason,
              testing::HasSubstr("1 trial ran to the end on CPU; 1 was stopped early"));
  stop(2);
  EXPECT_EQ(evidence.answer(1).reason, "2 trials ran on CPU; 2 were stopped early by their user");
}

// A quick look at a scenario with an 8B model wrote and ran a tiny one.
TEST(Verdicts, AStandInThatRunsSaysNothingOfTheModelThatWasMeant) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 1);
  for (Trial& trial : evidence.content.trials)
    trial.parameters.set("model", "synthetic:tiny:q4_0").set("stands_in_for", "synthetic:llama-3.1-8b:q4_0");
  Verdict verdict = evidence.answer(1);
  EXPECT_EQ(verdict.answer, Answer::kNotExamined);
  EXPECT_EQ(verdict.reason, "CPU ran synthetic:tiny:q4_0 in place of synthetic:llama-3.1-8b:q4_0");
  EXPECT_EQ(verdict.command, "assay run --only load");
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_THAT(evidence.answer(2).reason, testing::HasSubstr("CPU: ran a stand-in for the model of the mix"));

  // As little does a smaller model on every device; where one ran the scenario's own, the answer says what
  // the others ran.
  for (Trial& trial : evidence.content.trials) {
    trial.parameters = Json::object().set("phase", "mix").set("model", "synthetic:tiny:f16");
    trial.parameters.set("sized_from", "smollm2-135m");
  }
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
  evidence.add_trial(3, "GPU", "mix", "");
  verdict = evidence.answer(1);
  EXPECT_EQ(verdict.answer, Answer::kYes);
  EXPECT_EQ(verdict.reason,
            "1 trial ran to the end on GPU; CPU ran synthetic:tiny:f16 in place of smollm2-135m");
}

TEST(Verdicts, ATargetThatMeasuredNothingLeavesTheFirstQuestionOpen) {
  Evidence evidence;
  evidence.add_trial(3, "GPU", "mix", "").name = "load mix on GPU";
  evidence.content.findings.push_back(
      {.trial_id = 3, .severity = Severity::kDoubtful, .code = kNothingMeasured});
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(1).reason, "load mix on GPU measured nothing; CPU ran to the end");
}

TEST(Verdicts, AQuickLookRefusesNothing) {
  Evidence evidence;
  evidence.content.run.plan.set("overrides", Json::object().set("quick", true));
  evidence.require("goodput_per_s", ">=", 10);
  evidence.add(1, "goodput_per_s", "all", 2);
  Record& rate = evidence.add(1, "error_rate", "all", 0.9);
  rate.n = 10;
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
  EXPECT_THAT(evidence.answer(1).reason,
              testing::StartsWith("a quick look does not tell: 9 of 10 requests failed"));
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
  for (Record& record : evidence.content.records) record.value = record.metric == "error_rate" ? 0 : 20;
  EXPECT_EQ(evidence.answer(1).answer, Answer::kYes);
  EXPECT_THAT(evidence.answer(1).reason, testing::EndsWith("; a quick look"));
  // An engine that dies does so in a long look, too.
  evidence.fail(1, "engine.worker-died", "it died");
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNo);
}

TEST(Verdicts, ASweepNamesNoCommandThatWouldTellNoMore) {
  Evidence evidence;
  for (Trial& trial : evidence.content.trials) trial.parameters.set("phase", "sweep");
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(2).command, "");
  EXPECT_THAT(evidence.answer(2).reason, testing::HasSubstr("nobody said which rate is needed"));
}

// A server that dies in the midst of a load leaves a trial that ran to its end.
TEST(Verdicts, SoftwareThatFailsMostRequestsDoesNotRun) {
  Evidence evidence;
  Record& rate = evidence.add(1, "error_rate", "all", 0.555);
  rate.n = 200;
  Verdict verdict = evidence.answer(1);
  EXPECT_EQ(verdict.answer, Answer::kNo);
  EXPECT_THAT(verdict.reason, testing::HasSubstr("111 of 200 requests failed"));
  evidence.content.records[0].value = 0.1;
  verdict = evidence.answer(1);
  EXPECT_EQ(verdict.answer, Answer::kYes);
  EXPECT_THAT(verdict.reason, testing::HasSubstr("20 of 200 requests failed"));
  // One in seven that the server got wrong is too many; that it turned away says something of its speed.
  evidence.content.records[0].value = 0.16;
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNo);
  for (const char* busy : {"failed_overloaded", "failed_timeout"}) {
    Evidence other = evidence;
    other.content.records[0].conditions.set(busy, 20);
    EXPECT_EQ(other.answer(1).answer, Answer::kYes) << busy;
  }
  // Of a handful no share is shown.
  evidence.content.records[0].n = 4;
  evidence.content.records[0].value = 0.25;
  EXPECT_EQ(evidence.answer(1).answer, Answer::kYes);
  evidence.content.records[0].n = 200;
  evidence.content.records[0].value = 0.01;
  EXPECT_THAT(evidence.answer(1).reason, testing::Not(testing::HasSubstr("failed")));
}

TEST(Verdicts, OneRequestThatMissedDecidesNothing) {
  Evidence evidence;
  Record& record = evidence.add_attainment(1, "chat", 0);
  record.n = 1;
  record.ci_low = 0;
  record.ci_high = 0.793;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  evidence.content.records[0].n = 3;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNo);
}

TEST(Verdicts, VoidMeasurementsAreCountedBesideTheTrialsThatRan) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.97).validity = Validity::kVoid;
  EXPECT_EQ(evidence.answer(1).answer, Answer::kYes);
  EXPECT_EQ(evidence.answer(1).reason, "2 trials ran to the end on CPU; what 1 of them measured is void");
}

TEST(Verdicts, AFakeTargetShowsNothingAboutAMachine) {
  Evidence evidence;
  evidence.content.subjects[0].kind = "fake";
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
  EXPECT_THAT(evidence.answer(1).reason, testing::HasSubstr("fake"));
}

TEST(Verdicts, UnfinishedTrialsLeaveTheFirstQuestionOpen) {
  Evidence evidence;
  evidence.content.trials[1].state = TrialState::kPlanned;
  const Verdict verdict = evidence.answer(1);
  EXPECT_EQ(verdict.answer, Answer::kNotExamined);
  EXPECT_EQ(verdict.command, "assay run --only load");
}

TEST(Verdicts, NothingExaminedNamesTheCommandWithTheScenario) {
  Evidence evidence;
  evidence.content = {};
  evidence.scenario.path = "my.toml";
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(2).command, "assay run my.toml --only load");
}

TEST(Verdicts, FastEnoughIfEveryClassOfTheMixMeetsItsShare) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.97);
  evidence.add_attainment(1, "rag", 0.91);
  evidence.add_attainment(2, "chat", 0.1);  // alone: not asked
  const Verdict yes = evidence.answer(2);
  EXPECT_EQ(yes.answer, Answer::kYes);
  EXPECT_THAT(yes.reason, testing::HasSubstr("rag on CPU met its SLO in 91.0 %"));
  EXPECT_THAT(yes.record_ids, testing::ElementsAre(1, 2));
  evidence.add_attainment(1, "code", 0.5);
  const Verdict no = evidence.answer(2);
  EXPECT_EQ(no.answer, Answer::kNo);
  EXPECT_EQ(no.reason, "code on CPU met its SLO in 50.0 % of 72 requests, needs 90.0 %");
}

TEST(Verdicts, EveryTargetIsNamedBesideTheOneThatDecides) {
  Evidence evidence;
  Record& missed = evidence.add_attainment(1, "chat", 0.7);
  missed.ci_low = 0.6;
  missed.ci_high = 0.79;
  evidence.add_trial(3, "GPU0", "mix", "");
  evidence.add_attainment(3, "chat", 0.99);
  EXPECT_EQ(evidence.answer(2).reason,
            "chat on CPU met its SLO in 70.0 % (60.0–79.0) of 72 requests, needs 90.0 %; GPU0: meets it");
  // An interval that holds what is needed shows neither.
  evidence.content.records[0].ci_high = 0.91;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(2).reason,
            "chat on CPU met its SLO in 70.0 % (60.0–91.0) of 72 requests, needs 90.0 %: about 1.2 times as "
            "many requests would tell (load.requests_per_class); GPU0: meets it");
}

TEST(Verdicts, ADeviceTooSlowForTheModelDoesNotDecideForTheOthers) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.97);
  evidence.add_trial(3, "Vulkan0", "mix", "").parameters.set("sized_from", "smollm2-135m");
  evidence.add_attainment(3, "chat", 0.1);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kYes);
  EXPECT_THAT(evidence.answer(2).reason, testing::EndsWith("; Vulkan0: misses it"));
  // With no other device it does: what a smaller model misses, the mix's own would miss too.
  evidence.content.trials[0].parameters.set("sized_from", "smollm2-135m");
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNo);
  EXPECT_THAT(evidence.answer(2).reason, testing::HasSubstr("even with a smaller model"));
  evidence.content.records.back().value = 0.99;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined)
      << "meeting it with a smaller model shows nothing";
}

TEST(Verdicts, WithoutLimitsAnotherRunWouldNotTellEither) {
  Evidence evidence;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(2).reason, "CPU: no limits to hold it against (slo, or --goodput of assay load)");
  EXPECT_EQ(evidence.answer(2).command, "");
}

TEST(Verdicts, TooFewRequestsDecideNothing) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 1.0).n = 6;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(2).reason,
            "chat on CPU met its SLO in 100 % of 6 requests, needs 90.0 %: more requests would tell "
            "(load.requests_per_class)");
}

TEST(Verdicts, FewRequestsDecideWhenTheirIntervalDoes) {
  Evidence evidence;
  Record& record = evidence.add_attainment(1, "chat", 1.0);
  record.n = 40;
  record.ci_low = 0.912;  // of 40 of 40
  EXPECT_EQ(evidence.answer(2).answer, Answer::kYes);
  record.n = 30;
  record.ci_low = 0.884;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(2).reason,
            "chat on CPU met its SLO in 100 % of 30 requests, needs 90.0 %: about 1.4 times as many requests "
            "would tell (load.requests_per_class)");
}

// Where nobody said a rate, the answer says the one that it holds for.
TEST(Verdicts, ARateThatWasChosenIsTold) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.97);
  Record& offered = evidence.add(1, "offered_rate_per_s", "all", 6.1);
  offered.unit = "requests/s";
  offered.conditions.set("rate_chosen_by", "burst").set("utilisation", 0.8);
  EXPECT_THAT(evidence.answer(2).reason,
              testing::EndsWith("; assay chose the rate, 80 % of what a burst showed: CPU 6.10 requests/s"));
}

TEST(Verdicts, VoidNumbersDecideNothing) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.1).validity = Validity::kVoid;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_THAT(evidence.answer(2).reason, testing::HasSubstr("void"));
  evidence.add_attainment(1, "rag", 0.99);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
}

TEST(Verdicts, CapacityStandsBesideTheRateThatWasAskedFor) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.97);
  evidence.add(1, "offered_rate_per_s", "all", 10).conditions.set("rate_chosen_by", "scenario");
  add_capacity(evidence, 14, "slo");
  EXPECT_EQ(evidence.answer(2).answer, Answer::kYes);
  EXPECT_THAT(
      evidence.answer(2).reason,
      testing::HasSubstr("CPU holds 14.0 requests/s (13.0–15.0) within every limit, 10.0 were offered"));
}

TEST(Verdicts, AMixThatCouldNotBeServedIsNotFastEnough) {
  Evidence evidence;
  evidence.content.trials[0].state = TrialState::kFailed;
  evidence.content.trials[0].end_text = "the worker hung";
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNo);
  EXPECT_THAT(evidence.answer(2).reason, testing::HasSubstr("the worker hung"));
}

// Other work beside a trial doubts all of it.
TEST(Verdicts, DoubtfulSharesDecideNothing) {
  Evidence evidence;
  evidence.add_attainment(1, "chat", 0.1).validity = Validity::kDoubtful;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(2).reason, "CPU: a finding doubts what was measured");
  evidence.content.records[0].value = 1;
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
}

TEST(Verdicts, EveryMetricIsOfAnExamThatThereIs) {
  const std::vector<std::string> names = exam_names();
  for (const Metric& metric : metrics())
    EXPECT_THAT(names, testing::Contains(std::string(exam_of(metric.scope)))) << metric.name;
}

}  // namespace assay::verdicts_test
