// Answers to the eight questions from evidence laid out by hand.
#include "exam/verdicts/verdicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "exam/exam.h"

namespace assay::verdicts_test {

// A dossier of one load trial of the mix and one of chat alone on CPU, both done.
class Evidence {
 public:
  Evidence() {
    content.subjects.push_back({.id = 1, .name = "CPU", .kind = "device"});
    add_trial(1, "CPU", "mix", "");
    add_trial(2, "CPU", "alone", "chat");
  }

  Trial& add_trial(int64_t id, const std::string& target, const std::string& phase,
                   const std::string& traffic_class) {
    Trial trial{.id = id, .exam = "load", .target = target, .subject_id = 1, .state = TrialState::kDone};
    trial.parameters.set("phase", phase);
    if (!traffic_class.empty()) trial.parameters.set("traffic_class", traffic_class);
    content.trials.push_back(trial);
    return content.trials.back();
  }

  // `trial`, one of those that were added in the order of their ids, failed for what the finding says.
  void fail(int64_t trial, const std::string& code, const std::string& why) {
    content.trials[static_cast<size_t>(trial - 1)].state = TrialState::kFailed;
    content.findings.push_back(
        {.trial_id = trial, .severity = Severity::kBlocker, .code = code, .text = why});
  }

  Record& add(int64_t trial, const std::string& metric, const std::string& traffic_class, double value) {
    Record record{.id = static_cast<int64_t>(content.records.size()) + 1, .trial_id = trial, .subject_id = 1};
    record.metric = metric;
    record.value = value;
    record.conditions.set("phase", trial == 2 ? "alone" : "mix").set("traffic_class", traffic_class);
    content.records.push_back(record);
    return content.records.back();
  }

  Record& add_attainment(int64_t trial, const std::string& traffic_class, double share) {
    Record& record = add(trial, "slo_attainment", traffic_class, share);
    record.conditions.set("slo_ttft_ms", 500).set("required_share", 0.9);
    record.n = 72;
    return record;
  }

  Requirement& require(const std::string& metric, const std::string& comparison, double value) {
    content.requirements.push_back({.id = static_cast<int64_t>(content.requirements.size()) + 1,
                                    .metric = metric,
                                    .comparison = comparison,
                                    .value = value,
                                    .scope = Json::object()});
    return content.requirements.back();
  }

  std::vector<Verdict> draw() const { return conclude(content, scenario); }
  Verdict answer(int number) const {
    for (const Verdict& verdict : draw()) {
      if (verdict.question == number && verdict.requirement_id == 0) return verdict;
    }
    ADD_FAILURE();
    return {};
  }

  DossierContent content;
  Scenario scenario{.path = "built-in"};
};

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

Record& add_capacity(Evidence& evidence, double value, const char* tier) {
  evidence.add_trial(7, "CPU", "capacity", "");
  Record& record = evidence.add(7, "capacity_per_s", "all", value);
  record.conditions.set("phase", "capacity").set("tier", tier);
  record.unit = "requests/s";
  record.ci_low = value - 1;
  record.ci_high = value + 1;
  return record;
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

TEST(Verdicts, ARequirementOnCapacityDecidesByItsTier) {
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
TEST(Verdicts, ARequirementOnSeveralCapacitiesNeedsAllOfThem) {
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

TEST(Verdicts, AMixThatCouldNotBeServedIsNotFastEnough) {
  Evidence evidence;
  evidence.content.trials[0].state = TrialState::kFailed;
  evidence.content.trials[0].end_text = "the worker hung";
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNo);
  EXPECT_THAT(evidence.answer(2).reason, testing::HasSubstr("the worker hung"));
}

TEST(Verdicts, RequirementsDecideTheirQuestion) {
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

// No rate is reached that was not asked for.
TEST(Verdicts, WhatWasNotOfferedIsNotMissed) {
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

TEST(Verdicts, TokensThatWereNotAskedForAreNotMissed) {
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
TEST(Verdicts, AMissIsNotHiddenByAWorseNumberThatShowsNothing) {
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

TEST(Verdicts, ARequirementNamesTheExamThatWouldMeasureIt) {
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

TEST(Verdicts, ARequirementReadsTheMixOfAllClassesUnlessItsScopeSaysOtherwise) {
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

TEST(Verdicts, ADoubtfulNumberDecidesNoRequirement) {
  Evidence evidence;
  evidence.require("goodput_per_s", ">=", 10);
  evidence.add(1, "goodput_per_s", "all", 2).validity = Validity::kDoubtful;
  const Verdict verdict = evidence.draw().front();
  EXPECT_EQ(verdict.answer, Answer::kNotExamined);
  EXPECT_THAT(verdict.reason, testing::HasSubstr("a finding doubts this number"));
}

TEST(Verdicts, ASmallerModelThatADeviceHadToRunDecidesNoRequirement) {
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

TEST(Verdicts, ARequirementIsNotMetByInsufficientSamples) {
  Evidence evidence;
  Record& record = evidence.add(1, "ttft_ms_p99", "all", 0);
  record.value.reset();
  record.validity = Validity::kInsufficient;
  evidence.require("ttft_ms_p99", "<=", 200);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(2).answer, Answer::kNotExamined);
}

TEST(Verdicts, ARequirementOnInterferenceHoldsForEveryClassThatItNames) {
  Evidence evidence;
  evidence.add(0, "interference", "chat", 1.2).conditions.set("target", "CPU");
  evidence.add(0, "interference", "rag", 3).conditions.set("target", "CPU");
  evidence.require("interference", "<=", 2);
  evidence.require("interference", "<=", 2).scope.set("traffic_class", "chat");
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNo);
  EXPECT_THAT(evidence.draw()[0].reason, testing::HasSubstr("interference of rag on CPU is 3.00"));
  EXPECT_EQ(evidence.draw()[1].answer, Answer::kYes);
}

TEST(Verdicts, ARequirementIsNotMetByTheTargetThatSurvived) {
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

TEST(Verdicts, ARequirementIsNotMetWhileSomeOfItIsVoid) {
  Evidence evidence;
  evidence.add(1, "ttft_ms_p90", "all", 100);
  evidence.add(1, "ttft_ms_p90", "all", 100).validity = Validity::kVoid;
  evidence.require("ttft_ms_p90", "<=", 200);
  EXPECT_EQ(evidence.draw()[0].answer, Answer::kNotExamined);
}

}  // namespace assay::verdicts_test
