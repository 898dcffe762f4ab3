// Evaluation: a scenario on this host, from plan to conclusions, trial by trial into a dossier that resumes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "exam/exam.h"
#include "exam/load/merged_trial.h"

namespace assay {

// The scenario's targets with "*" replaced by every device that the host has, each with its device's JSON
// (null for targets that are no device). Order: as in the scenario, devices as the engine lists them.
struct ExpandedTarget {
  TargetSpec spec;
  Json device;
};
std::vector<ExpandedTarget> expand_targets(const Scenario& scenario, const Json& host);
// Refuses a device that the scenario names and the host has not; none of a host whose devices could not be
// told. The trials of a run that is resumed fail instead where a device has gone.
Result<void> check_devices(const Scenario& scenario, const Json& host);

// Every trial of the evaluation in the order in which they run, with ids from 1.
std::vector<Trial> plan_trials(const Scenario& scenario, const std::vector<ExpandedTarget>& targets);

// What an observer is told between trials; for displays.
struct EvaluationStep {
  size_t index = 0;  // of the trial among all of the run, 0-based
  size_t count = 0;
  const Trial* trial = nullptr;
  const TrialOutcome* outcome = nullptr;  // null: about to start
};

enum class EvaluationEnd { kComplete, kInterrupted };

// Runs every trial that is not done yet, and again those that failed untried, and commits each; then draws
// and commits the conclusions. An error means that assay itself could not go on (the disk is full): what is
// committed stays.
Result<EvaluationEnd> run_evaluation(Dossier& dossier, ExamContext& context,
                                     const std::vector<ExpandedTarget>& targets,
                                     const std::function<void(const EvaluationStep&)>& observer);

// The same for a trial that several ranks have run: commits their parts, put together, as the one trial of
// `dossier`, and the conclusions.
Result<void> merge_evaluation(Dossier& dossier, const Scenario& scenario, const std::vector<RankTrial>& ranks,
                              const std::vector<MissingRank>& missing, const Clock& clock);

}  // namespace assay
