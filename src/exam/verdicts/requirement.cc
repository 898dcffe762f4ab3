// Requirements of the scenario, each held against the records that its scope selects.
#include <fmt/format.h>

#include <algorithm>

#include "exam/sizing.h"
#include "exam/verdicts/rules.h"

namespace assay {
namespace {

bool is_in_scope(const VerdictView& view, const Record& record, const Requirement& requirement,
                 Scope of_metric) {
  if (record.metric != requirement.metric) return false;
  for (const auto& [name, value] : requirement.scope.members()) {
    if (name == "subject") {
      const std::string& wanted = value.as_string();
      if (wanted != view.subject_name(record) && wanted != view.target_name(record)) return false;
    } else if (!(record.conditions[name] == value)) {
      return false;
    }
  }
  if (of_metric == Scope::kTarget) return true;
  const auto defaults_to = [&](const char* name, const char* value) {
    return requirement.scope.find(name) != nullptr || record.conditions.find(name) == nullptr ||
           record.conditions[name].as_string() == value;
  };
  return defaults_to("phase", "mix") &&
         (of_metric == Scope::kEachClass || defaults_to("traffic_class", "all"));
}

// "ttft_ms_p90 of chat on CPU is 412 ms (390–441)".
std::string words(const VerdictView& view, const Record& record) {
  const std::string& traffic_class = record.conditions["traffic_class"].as_string();
  const std::string of = traffic_class.empty() || traffic_class == "all" ? "" : " of " + traffic_class;
  const std::string& tier = record.conditions["tier"].as_string();
  const std::string in = tier.empty() ? "" : fmt::format(" in tier {}", tier);
  return fmt::format("{}{}{} on {} is {}{}", record.metric, of, in, view.target_name(record),
                     with_unit(*record.value, record.unit), interval_text(record));
}

// The capacity lies somewhere in its interval, and no value in it is likelier than another.
bool is_undecided(const Record& capacity, const Requirement& requirement) {
  const bool is_shown = capacity.ci_low && *capacity.ci_low >= requirement.value;
  const bool is_refuted = capacity.ci_high && *capacity.ci_high < requirement.value;
  return !is_shown && !is_refuted;
}

// A trial of the exam that would have measured what is required, on a target and in a phase that are meant.
const Trial* failed_trial_in_scope(const VerdictView& view, const Requirement& requirement,
                                   const std::string& exam) {
  const std::string& subject = requirement.scope["subject"].as_string();
  const std::string& phase = requirement.scope["phase"].as_string();
  for (const Trial& trial : view.content().trials) {
    if (trial.state != TrialState::kFailed || trial.exam != exam) continue;
    const bool is_meant =
        (subject.empty() || subject == trial.target) &&
        (phase.empty() || trial.exam != "load" || phase == trial.parameters["phase"].as_string());
    if (is_meant) return &trial;
  }
  return nullptr;
}

}  // namespace

Verdict judge_requirement(const VerdictView& view, const Requirement& requirement) {
  Verdict verdict = view.not_examined(question(std::clamp(requirement.question, 1, 8)), "");
  verdict.requirement_id = requirement.id;
  const Result<MetricName> name = parse_metric_name(requirement.metric);
  const Scope scope = name ? name->metric->scope : Scope::kClass;  // of a dossier of another version
  verdict.exam = exam_of(scope);
  verdict.command = view.command_for(verdict.exam);
  const bool is_floor = requirement.comparison == ">=";
  const Record* worst = nullptr;
  // Of capacities, which are intervals: one that the search has not decided, and one that is shown to be too
  // small.
  const Record *undecided = nullptr, *refuted = nullptr;
  size_t unusable = 0;
  const Record* few = nullptr;  // which rests on too few samples
  std::string other_model;      // what a target ran in place of what was asked for, in words
  for (const Record& record : view.content().records) {
    if (!is_in_scope(view, record, requirement, scope)) continue;
    if (!is_usable(record)) {
      ++unusable;
      if (record.validity == Validity::kInsufficient && few == nullptr) few = &record;
      continue;
    }
    const Trial* trial = view.trial_of(record);
    if (const std::string not_run = trial == nullptr ? "" : model_not_run(*trial); !not_run.empty()) {
      if (other_model.empty())
        other_model = fmt::format("{} ran {} in place of {}", trial->target,
                                  trial->parameters["model"].as_string(), not_run);
      continue;
    }
    verdict.record_ids.push_back(record.id);
    if (requirement.metric == "capacity_per_s") {
      const bool is_open = is_undecided(record, requirement);
      const bool is_too_small = !is_open && *record.value < requirement.value;
      if (is_open && undecided == nullptr) undecided = &record;
      if (is_too_small && (refuted == nullptr || *record.value < *refuted->value)) refuted = &record;
    }
    if (worst == nullptr || (is_floor ? *record.value < *worst->value : *record.value > *worst->value))
      worst = &record;
  }
  if (worst == nullptr) {
    verdict.reason = fmt::format("{}: ", requirement.metric) +
                     (!other_model.empty() ? other_model
                      : few != nullptr     ? few->method + "; more requests tell (load.requests_per_class)"
                      : unusable > 0       ? fmt::format("{} void", counted(static_cast<int64_t>(unusable),
                                                                            "measurement is", "measurements are"))
                                           : "nothing was measured that it could be held against");
    // The same again would have as few.
    if (other_model.empty() && few != nullptr) verdict.command.clear();
    return verdict;
  }
  if (undecided != nullptr && refuted == nullptr) {
    verdict.reason = fmt::format(
        "{}, needs ≥ {}: the search has not decided it; more time narrows the interval "
        "(load.capacity.max_duration_s)",
        words(view, *undecided), with_unit(requirement.value, undecided->unit));
    return verdict;
  }
  if (refuted != nullptr) worst = refuted;
  const bool is_met = is_floor ? *worst->value >= requirement.value : *worst->value <= requirement.value;
  verdict.answer = is_met ? Answer::kYes : Answer::kNo;
  verdict.command.clear();
  verdict.reason = fmt::format("{}, needs {} {}", words(view, *worst), is_floor ? "≥" : "≤",
                               with_unit(requirement.value, worst->unit));
  const bool is_close = worst->ci_low && worst->ci_high && *worst->ci_low <= requirement.value &&
                        requirement.value <= *worst->ci_high;
  if (is_close) verdict.reason += "; the limit lies within the interval";
  if (worst->validity == Validity::kDoubtful) {
    // Neither bought nor refused on a number that the report itself does not trust.
    verdict.answer = Answer::kNotExamined;
    verdict.command = view.command_for(verdict.exam);
    verdict.reason += "; but a finding doubts this number";
    return verdict;
  }
  if (!is_met) return verdict;
  // Met by all that was measured; but what could not be measured would have to meet it too.
  const Trial* failed = failed_trial_in_scope(view, requirement, verdict.exam);
  if (unusable == 0 && failed == nullptr && other_model.empty()) return verdict;
  verdict.answer = Answer::kNotExamined;
  verdict.command = view.command_for(verdict.exam);
  verdict.reason += failed != nullptr ? fmt::format("; but {}", view.about_failure(*failed))
                    : !other_model.empty()
                        ? "; but " + other_model
                        : fmt::format("; but {} more are void or rest on too few samples", unusable);
  return verdict;
}

}  // namespace assay
