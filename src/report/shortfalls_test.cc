// Why an evaluation does not end with 0: which class missed which limit, what failed, what is void, what was
// not done whole.
#include <gmock/gmock.h>

#include "report/report.h"

namespace assay::shortfalls_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A mix of one class on one endpoint.
class Evidence {
 public:
  Evidence() {
    content.subjects.push_back({.id = 1, .name = "h:1", .kind = "endpoint"});
    Trial trial{.id = 1, .exam = "load", .target = "h:1", .subject_id = 1, .name = "load mix on h:1"};
    trial.state = TrialState::kDone;
    trial.parameters.set("phase", "mix");
    content.trials.push_back(trial);
    add("request_throughput_per_s", 12, "all");
    add("goodput_per_s", 10, "all");
    attained = add("slo_attainment", 0.85, "chat");
    record(attained).n = 200;
    record(attained).conditions.set("required_share", 0.9);
  }

  int64_t add(const char* metric, double value, const char* traffic_class) {
    Record record{.id = static_cast<int64_t>(content.records.size()) + 1, .trial_id = 1, .subject_id = 1};
    record.metric = metric;
    record.value = value;
    record.conditions.set("phase", "mix").set("traffic_class", traffic_class);
    content.records.push_back(std::move(record));
    return content.records.back().id;
  }
  Record& record(int64_t id) { return content.records[static_cast<size_t>(id) - 1]; }
  void answer(Answer answer) {
    content.verdicts = {{.question = 2, .answer = answer, .reason = "it is slow", .record_ids = {attained}}};
  }

  DossierContent content;
  int64_t attained = 0;
};

TEST(Shortfalls, AMissedLimitIsToldWithItsClassAndShares) {
  Evidence evidence;
  evidence.record(evidence.attained).conditions.set("slo_ttft_ms", 500).set("slo_tpot_ms", 50);
  evidence.add("ttft_ms_p90", 812, "chat");
  evidence.add("tpot_ms_p90", 20, "chat");
  evidence.answer(Answer::kNo);
  EXPECT_THAT(
      shortfalls(evidence.content, true),
      ElementsAre(
          "chat kept TTFT ≤ 500 ms (p90 is 812 ms) and TPOT ≤ 50 ms in 85.0 % of 200 requests, 90 % is "
          "wanted"));
  evidence.add("error_rate", 0.1, "chat");
  EXPECT_THAT(shortfalls(evidence.content, true), ElementsAre(HasSubstr("90 % is wanted; 10.0 % failed")));
  EXPECT_THAT(shortfalls(evidence.content, false), IsEmpty()) << "nobody asked";
  evidence.answer(Answer::kYes);
  EXPECT_THAT(shortfalls(evidence.content, true), IsEmpty());
  evidence.answer(Answer::kNotExamined);
  EXPECT_THAT(shortfalls(evidence.content, true), IsEmpty());
}

TEST(Shortfalls, RequirementsAndOtherAnswersAreToldInTheirOwnWords) {
  Evidence evidence;
  evidence.answer(Answer::kNo);  // of a class without limits
  EXPECT_THAT(shortfalls(evidence.content, true), ElementsAre("it is slow"));
  evidence.content.verdicts[0].requirement_id = 1;
  EXPECT_THAT(shortfalls(evidence.content, false), ElementsAre("it is slow"));
  evidence.content.verdicts[0].answer = Answer::kNotExamined;
  EXPECT_THAT(shortfalls(evidence.content, false), ElementsAre("it is slow")) << "a requirement must be met";
}

TEST(Shortfalls, WhatFailedOrIsVoidIsToldWithItsFinding) {
  Evidence evidence;
  evidence.content.findings = {{.id = 1,
                                .trial_id = 1,
                                .severity = Severity::kDoubtful,
                                .code = "load.generator-late",
                                .text = "late"}};
  evidence.record(1).validity = evidence.record(2).validity = Validity::kVoid;
  EXPECT_THAT(shortfalls(evidence.content, true), ElementsAre("2 numbers are void (load.generator-late)"));
  evidence.content.findings.insert(
      evidence.content.findings.begin(),
      {.id = 2, .trial_id = 1, .severity = Severity::kDoubtful, .code = "load.failures", .text = "some"});
  evidence.content.findings[1].evidence.set(kVoidsTrial, true);
  EXPECT_THAT(shortfalls(evidence.content, true), ElementsAre("2 numbers are void (load.generator-late)"))
      << "another doubt does not void";
  evidence.content.findings.erase(evidence.content.findings.begin());
  evidence.content.trials[0].state = TrialState::kFailed;
  evidence.answer(Answer::kNo);
  EXPECT_THAT(shortfalls(evidence.content, true), testing::Contains("it is slow")) << "it rests on numbers";
  for (Verdict& verdict : evidence.content.verdicts) verdict.record_ids.clear();
  EXPECT_THAT(shortfalls(evidence.content, true), ElementsAre("load mix on h:1 failed (load.generator-late)",
                                                              "2 numbers are void (load.generator-late)"));
}

TEST(Shortfalls, WhatWasNotDoneWholeIsOne) {
  Evidence evidence;
  Finding stopped{.trial_id = 1, .severity = Severity::kNote, .code = "load.stopped", .text = "100 of 200"};
  stopped.evidence = Json::object().set(kFallsShort, true);
  evidence.content.findings = {stopped};
  EXPECT_THAT(shortfalls(evidence.content, false),
              ElementsAre("load mix on h:1 was not done whole (load.stopped)"));
}

TEST(Shortfalls, TheyEndTheTerminalsLines) {
  const DossierContent content;
  TerminalOptions options{.dossier_path = "x", .exit_code = 1, .shortfalls = {"a is slow", "b is slow"}};
  EXPECT_THAT(render_findings_and_paths(content, options),
              HasSubstr("dossier x\nexit 1  a is slow\n        b is slow\n"));
  options.shortfalls.clear();
  EXPECT_THAT(render_findings_and_paths(content, options), Not(HasSubstr("exit")));
}

}  // namespace assay::shortfalls_test
