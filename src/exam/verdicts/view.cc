// Lookups for the rules behind the verdicts; see view.h.
#include "exam/verdicts/view.h"

#include <fmt/format.h>

#include <algorithm>

#include "exam/exam.h"

namespace assay {

VerdictView::VerdictView(const DossierContent& content, const Scenario& scenario)
    : content_(content), scenario_(scenario), untried_trials_(untried_trials(content)) {
  for (const Trial& trial : content.trials) trials_[trial.id] = &trial;
  for (const Subject& subject : content.subjects) subjects_[subject.id] = &subject;
  for (const Record& record : content.records) {
    if (record.validity == Validity::kVoid) void_trials_[record.trial_id] = true;
  }
}

const Trial* VerdictView::trial_of(const Record& record) const {
  const auto found = trials_.find(record.trial_id);
  return found == trials_.end() ? nullptr : found->second;
}

std::string VerdictView::subject_name(const Record& record) const {
  const auto found = subjects_.find(record.subject_id);
  return found == subjects_.end() ? std::string() : found->second->name;
}

std::string VerdictView::target_name(const Record& record) const {
  const Trial* trial = trial_of(record);
  if (trial != nullptr && !trial->target.empty()) return trial->target;
  const std::string& target = record.conditions["target"].as_string();  // of what is derived over trials
  return target.empty() ? subject_name(record) : target;
}

bool VerdictView::is_fake(const Trial& trial) const {
  const auto found = subjects_.find(trial.subject_id);
  return found != subjects_.end() && found->second->kind == "fake";
}

bool VerdictView::was_not_tried(const Trial& trial) const {
  return untried_trials_.contains(trial.id);
}

bool VerdictView::is_void(const Trial& trial) const {
  return void_trials_.contains(trial.id);
}

bool VerdictView::is_quick() const {
  return content_.run.plan["overrides"]["quick"].as_bool();
}

bool VerdictView::has_engine_failure() const {
  return std::ranges::any_of(content_.findings, [&](const Finding& finding) {
    const auto trial = trials_.find(finding.trial_id);
    const bool is_of_failed = trial != trials_.end() && trial->second->state == TrialState::kFailed;
    return is_of_failed && finding.severity == Severity::kBlocker &&
           (finding.code.starts_with("engine.") || finding.code.starts_with("kit.") ||
            finding.code.starts_with("model.") || finding.code.starts_with("stack."));
  });
}

bool VerdictView::has_limits() const {
  return std::ranges::any_of(scenario_.load.classes, [](const TrafficClass& each) {
    return each.slo.ttft_ms || each.slo.tpot_ms || each.slo.e2e_ms;
  });
}

std::string VerdictView::command_for(std::string_view exam) const {
  if (exam.empty() || (exam == "load" && !why_no_load().empty())) return "";
  const bool is_built_in = scenario_.path == "built-in" || scenario_.path.empty();
  return fmt::format("assay run{} --only {}", is_built_in ? "" : " " + scenario_.path, exam);
}

bool VerdictView::takes_traffic() const {
  return scenario_.targets.empty() || std::ranges::any_of(scenario_.targets, &TargetSpec::takes_traffic);
}

std::string VerdictView::why_no_load() const {
  if (!takes_traffic()) return "no target of this scenario takes requests, only kits were run";
  const bool has_traffic = scenario_.targets.empty() || !scenario_.load.classes.empty();
  return has_traffic ? "" : "this scenario has no [[traffic]], so that nothing was sent";
}

Verdict VerdictView::not_examined(const Question& question, std::string reason) const {
  if (std::string_view(question.exam) == "load" && reason.empty()) reason = why_no_load();
  return {.question = question.number,
          .answer = Answer::kNotExamined,
          .reason = std::move(reason),
          .exam = question.exam,
          .command = command_for(question.exam)};
}

std::string VerdictView::about_failure(const Trial& trial) const {
  std::string why = trial.end_text.empty() ? "it failed" : trial.end_text;
  for (const Finding& finding : content_.findings) {
    if (finding.trial_id != trial.id || finding.severity != Severity::kBlocker) continue;
    why = finding.text;
    break;
  }
  return why.starts_with(trial.target + ": ") ? why : fmt::format("{}: {}", trial.target, why);
}

bool is_usable(const Record& record) {
  return record.value && is_usable_or_infinite(record);
}

bool is_usable_or_infinite(const Record& record) {
  return value_of(record) && (record.validity == Validity::kValid || record.validity == Validity::kDoubtful);
}

std::string percent_text(double share) {
  return fmt::format("{} %", format_number(share * 100));
}

std::string with_unit(double value, const std::string& unit) {
  return unit.empty() ? format_number(value) : fmt::format("{} {}", format_number(value), unit);
}

std::string interval_text(const Record& record, double scale) {
  const std::optional<double> high = high_of(record);
  if (!record.ci_low || !high) return "";
  return fmt::format(" ({}–{})", format_number(*record.ci_low * scale), format_number(*high * scale));
}

}  // namespace assay
