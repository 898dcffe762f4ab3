// Runs the trials of a plan; see evaluation.h.
#include "exam/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "exam/findings.h"
#include "exam/host_doubt.h"
#include "exam/load/interference.h"
#include "exam/load/launch.h"
#include "exam/roofline/bounds.h"
#include "exam/roofline/claims.h"
#include "exam/verdicts/verdicts.h"
#include "os/os.h"

namespace assay {
namespace {

const ExpandedTarget* find_target(const std::vector<ExpandedTarget>& targets, const std::string& name) {
  const auto it = std::find_if(targets.begin(), targets.end(),
                               [&](const ExpandedTarget& t) { return t.spec.name == name; });
  return it == targets.end() ? nullptr : &*it;
}

// An endpoint that is no longer reached after a trial that ended well was lost. In a resumed run it may be
// one that nobody has started again.
void note_reached_before(const std::set<std::string>& reached, const Trial& trial, TrialOutcome& outcome) {
  if (!reached.contains(trial.target)) return;
  for (Finding& finding : outcome.findings) {
    if (finding.code == kNotReached) finding.evidence.set(kWasReachedBefore, true);
  }
}

// One trial from start to commit. kInterrupted leaves it uncommitted, to run again. `reached`: targets on
// which a trial has ended well; it is added to.
Result<EvaluationEnd> run_trial(Dossier& dossier, ExamContext& context, const Trial& trial,
                                const TargetSpec& target, bool is_last_of_target,
                                std::set<std::string>& reached, TrialOutcome& outcome) {
  const Exam* exam = find_exam(trial.exam);
  if (exam == nullptr) {
    return fail(fmt::format("the dossier plans a trial of the exam '{}', which this version does not know",
                            trial.exam),
                dossier.path(), "Resume it with the version of assay that began it.");
  }
  RETURN_IF_ERROR(dossier.begin_trial(trial.id, context.clock.wall_time()));
  const Nanos start = context.clock.now();
  const bool works_here = target.is_on_device() || target.kind == TargetKind::kKit;
  const bool times_device = works_here && trial.exam != "probe";
  const std::optional<HostCpu> cpu_before =
      times_device && context.host_cpu ? context.host_cpu() : std::nullopt;
  Result<TrialOutcome> result = exam->run(context, trial, target);
  const std::optional<HostCpu> cpu_after = cpu_before ? context.host_cpu() : std::nullopt;
  const bool is_kept = result && context.interrupted_again && !context.interrupted_again();
  if (context.interrupted() && !is_kept) return EvaluationEnd::kInterrupted;
  ASSIGN_OR_RETURN(outcome, std::move(result));
  settle_server(context, is_last_of_target, outcome);
  note_reached_before(reached, trial, outcome);
  if (outcome.state == TrialState::kDone) reached.insert(trial.target);
  outcome.duration_s = seconds(context.clock.now() - start);
  if (cpu_after) {
    if (const auto other = other_work(*cpu_before, *cpu_after, outcome.duration_s))
      doubt_beside_other_work(*other, outcome);
  }
  for (Record& record : outcome.records) {
    if (record.source.empty()) record.source = fmt::format("assay, trial {}: {}", trial.id, trial.name);
  }
  for (const Finding& finding : outcome.findings) context.progress.finding(finding);
  // `outcome` is told without the samples, which are large.
  std::vector<Sample> samples = std::move(outcome.samples);
  TrialOutcome whole = outcome;
  whole.samples = std::move(samples);
  RETURN_IF_ERROR(dossier.commit_trial(trial.id, std::move(whole)));
  return EvaluationEnd::kComplete;
}

// What follows from several trials together, under the negative ids by which verdicts name it.
std::vector<Record> derived_records(const DossierContent& content) {
  std::vector<Record> records = interference_records(content);
  for (Record& record : engine_efficiency_records(content)) records.push_back(std::move(record));
  for (size_t i = 0; i < records.size(); ++i) records[i].id = -1 - static_cast<int64_t>(i);
  return records;
}

Result<void> commit_conclusions(Dossier& dossier, const Scenario& scenario, const Clock& clock) {
  ASSIGN_OR_RETURN(DossierContent content, dossier.read());
  const std::vector<Record> derived = derived_records(content);
  content.records.insert(content.records.end(), derived.begin(), derived.end());
  const std::vector<Verdict> verdicts = conclude(content, scenario);
  return dossier.commit_conclusions(verdicts, derived, above_claim_findings(content), clock.wall_time());
}

}  // namespace

std::vector<ExpandedTarget> expand_targets(const Scenario& scenario, const Json& host) {
  std::vector<ExpandedTarget> expanded;
  for (const TargetSpec& spec : scenario.targets) {
    if (!spec.is_on_device()) {
      expanded.push_back({spec, Json()});
      continue;
    }
    const size_t before = expanded.size();
    for (const Json& device : host["devices"].items()) {
      const std::string& name = device["name"].as_string();
      if (spec.device != "*" && spec.device != name) continue;
      TargetSpec one = spec;
      one.device = name;
      if (spec.device == "*")
        one.name = spec.name.empty() || spec.name == "*" ? name : spec.name + " " + name;
      expanded.push_back({std::move(one), device});
    }
    const bool absent = spec.device != "*" && expanded.size() == before;
    // Where the devices could not be told, one that is named still gets its trials: they tell whether it is
    // there.
    if (absent) expanded.push_back({spec, Json()});
  }
  return expanded;
}

Result<void> check_devices(const Scenario& scenario, const Json& host) {
  std::vector<std::string> names;
  for (const Json& device : host["devices"].items()) names.push_back(device["name"].as_string());
  if (names.empty()) return {};
  for (const TargetSpec& target : scenario.targets) {
    const bool is_known = !target.is_on_device() || target.device == "*" ||
                          std::ranges::find(names, target.device) != names.end();
    if (is_known) continue;
    return fail(fmt::format("this machine has no device '{}'.{}", printable(target.device),
                            suggestion(target.device, names)),
                target.device_where,
                fmt::format("There are: {}; \"*\" is each of them.", printable(join(names, ", "), 400)));
  }
  return {};
}

std::vector<Trial> plan_trials(const Scenario& scenario, const std::vector<ExpandedTarget>& targets) {
  std::vector<Trial> trials;
  for (const std::string& name : scenario.exams) {
    const Exam* exam = find_exam(name);
    CHECK(exam != nullptr);
    for (const ExpandedTarget& target : targets) {
      for (Trial& trial : exam->plan(scenario, target.spec, target.device)) {
        trial.id = static_cast<int64_t>(trials.size()) + 1;
        trials.push_back(std::move(trial));
      }
    }
  }
  return trials;
}

Result<EvaluationEnd> run_evaluation(Dossier& dossier, ExamContext& context,
                                     const std::vector<ExpandedTarget>& targets,
                                     const std::function<void(const EvaluationStep&)>& observer) {
  ASSIGN_OR_RETURN(const DossierContent before, dossier.read());
  const std::set<int64_t> untried = untried_trials(before);
  std::vector<const Trial*> due;
  for (const Trial& trial : before.trials) {
    const bool is_open = trial.state == TrialState::kPlanned || trial.state == TrialState::kRunning;
    if (is_open || untried.contains(trial.id)) due.push_back(&trial);
  }
  // However this ends, no server stays behind.
  struct ServerStop {
    ExamContext& context;
    ~ServerStop() {
      if (context.server != nullptr) context.progress.update(1, "stopping the launched server");
      context.server.reset();
      context.dossier = nullptr;
    }
  } const stop_on_return{context};
  context.dossier = &dossier;
  const std::function<bool()> interrupted_again = context.interrupted_again;
  std::set<std::string> reached;
  for (size_t i = 0; i < due.size(); ++i) {
    if (context.interrupted()) return EvaluationEnd::kInterrupted;
    const ExpandedTarget* target = find_target(targets, due[i]->target);
    if (target == nullptr) {
      return fail(fmt::format("the dossier plans a trial on '{}', a target that its scenario does not have",
                              printable(due[i]->target)),
                  dossier.path(), "It was changed by hand: run the scenario again.");
    }
    const auto place = static_cast<size_t>(due[i] - before.trials.data());
    observer({place, before.trials.size(), due[i], nullptr});
    TrialOutcome outcome;
    const bool is_last = i + 1 == due.size();
    context.interrupted_again = is_last ? interrupted_again : nullptr;
    const bool is_last_of_target = is_last || due[i + 1]->target != due[i]->target;
    ASSIGN_OR_RETURN(const EvaluationEnd end,
                     run_trial(dossier, context, *due[i], target->spec, is_last_of_target, reached, outcome));
    if (end == EvaluationEnd::kInterrupted) return end;
    observer({place, before.trials.size(), due[i], &outcome});
  }
  RETURN_IF_ERROR(commit_conclusions(dossier, context.scenario, context.clock));
  return EvaluationEnd::kComplete;
}

std::set<int64_t> untried_trials(const DossierContent& content) {
  std::set<int64_t> failed, untried;
  for (const Trial& trial : content.trials) {
    if (trial.state == TrialState::kFailed) failed.insert(trial.id);
  }
  for (const Finding& finding : content.findings) {
    const bool says_untried = finding.code == kExamFailed ||
                              (finding.code == kNotReached && !finding.evidence[kWasReachedBefore].as_bool());
    if (says_untried && failed.contains(finding.trial_id)) untried.insert(finding.trial_id);
  }
  return untried;
}

bool was_nothing_tried(const DossierContent& content) {
  return !content.trials.empty() && untried_trials(content).size() == content.trials.size();
}

Result<void> merge_evaluation(Dossier& dossier, const Scenario& scenario, const std::vector<RankTrial>& ranks,
                              const std::vector<MissingRank>& missing, const Clock& clock) {
  constexpr int64_t kOnlyTrial = 1;
  RETURN_IF_ERROR(dossier.begin_trial(kOnlyTrial, ranks.front().trial.started_at));
  ASSIGN_OR_RETURN(TrialOutcome outcome, merged_outcome(scenario, ranks, missing));
  for (Record& record : outcome.records)
    record.source =
        fmt::format("assay, trial {}: {}, of {} ranks", kOnlyTrial, ranks.front().trial.name, ranks.size());
  RETURN_IF_ERROR(dossier.commit_trial(kOnlyTrial, std::move(outcome)));
  return commit_conclusions(dossier, scenario, clock);
}

}  // namespace assay
