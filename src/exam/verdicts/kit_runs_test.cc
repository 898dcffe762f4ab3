// What kits say to the first question: a framework that crashes does not run our software; one that
// multiplies matrices has not shown that it does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exam/verdicts/verdicts.h"
#include "exam/verdicts/verdicts_fixtures.h"

namespace assay::verdicts_test {

using ::testing::HasSubstr;

void add_kit(Evidence& evidence, int64_t id, TrialState state, const std::string& end_text = "") {
  Trial trial{.id = id, .exam = "roofline", .target = "native", .subject_id = 1, .state = state};
  trial.parameters.set("part", "kit");
  trial.end_text = end_text;
  evidence.content.trials.push_back(trial);
  if (state != TrialState::kDone) return;
  evidence.add(id, "matmul_tflop_per_s", "", 1.5);
  evidence.content.records.back().conditions.set("kit", "torch-roofline");
}

TEST(KitRuns, ThatWentWellStandBesideTheEngines) {
  Evidence evidence;
  add_kit(evidence, 3, TrialState::kDone);
  EXPECT_EQ(evidence.answer(1).answer, Answer::kYes);
  EXPECT_THAT(evidence.answer(1).reason, HasSubstr("; kernels ran through the framework of native"));
}

TEST(KitRuns, AloneShowNothingOfAModel) {
  Evidence evidence;
  evidence.content.trials.clear();
  add_kit(evidence, 1, TrialState::kDone);
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(1).reason, "kernels ran through the framework of native; no model was run there");
}

TEST(KitRuns, WhatIsNoWordOfTheKitsShowsNoKernels) {
  Evidence evidence;
  evidence.content.trials.clear();
  add_kit(evidence, 1, TrialState::kDone);
  Record& record = evidence.content.records.back();
  record.evidence_class = EvidenceClass::kClaimed;
  EXPECT_THAT(evidence.answer(1).reason, ::testing::Not(HasSubstr("kernels ran"))) << "a claim";
  record.evidence_class = EvidenceClass::kMeasured;
  record.conditions = Json::object();
  EXPECT_THAT(evidence.answer(1).reason, ::testing::Not(HasSubstr("kernels ran"))) << "power beside it";
}

TEST(KitRuns, ThatFoundNoFrameworkAreNoFailure) {
  Evidence evidence;
  add_kit(evidence, 3, TrialState::kSkipped, "PyTorch is not installed");
  add_kit(evidence, 4, TrialState::kSkipped, "PyTorch is not installed");
  EXPECT_EQ(evidence.answer(1).answer, Answer::kYes);
  EXPECT_THAT(evidence.answer(1).reason, ::testing::EndsWith("; native: PyTorch is not installed"));
  evidence.content.trials.erase(evidence.content.trials.begin(), evidence.content.trials.begin() + 2);
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined);
  EXPECT_EQ(evidence.answer(1).reason, "native: PyTorch is not installed");
}

TEST(KitRuns, ThatCrashedSayNo) {
  Evidence evidence;
  add_kit(evidence, 3, TrialState::kPlanned);
  evidence.fail(3, "kit.died", "torch-roofline: the kit died: signal 11 (Segmentation fault)");
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNo);
  EXPECT_THAT(evidence.answer(1).reason, HasSubstr("signal 11"));
  evidence.content.findings.back().code = "exam.failed";
  EXPECT_EQ(evidence.answer(1).answer, Answer::kNotExamined)
      << "a Python that is not there says nothing of the stack";
}

}  // namespace assay::verdicts_test
