// Requirements of the scenario, each held against the records that its scope selects.
#include <fmt/format.h>

#include <algorithm>

#include "exam/findings.h"
#include "exam/sizing.h"
#include "exam/verdicts/rules.h"
#include "exam/verdicts/standing.h"
#include "workload/workload.h"

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

// What would narrow the interval of a record that is open.
std::string what_narrows(const Record& record, double limit, const std::string& exam) {
  if (record.metric == "capacity_per_s") return "more time narrows it (load.capacity.max_duration_s)";
  if (exam == "roofline") return "more time narrows it (roofline.max_duration_s)";
  return fmt::format("more requests{} narrow it (load.requests_per_class)", samples_that_tell(record, limit));
}

// A rate that is not reached since less was asked for, of a target that kept up with what was: "14.9
// requests/s", or "" where it is not so.
std::string offered_less(const VerdictView& view, const Record& record, double limit) {
  const bool is_of_requests = record.metric == "goodput_per_s" || record.metric == "request_throughput_per_s";
  const bool is_of_tokens =
      record.metric == "output_throughput_tokens_per_s" || record.metric == "input_throughput_tokens_per_s";
  const Trial* trial = view.trial_of(record);
  if ((!is_of_requests && !is_of_tokens) || trial == nullptr) return "";
  const bool was_held = std::ranges::none_of(view.content().findings, [&](const Finding& finding) {
    return finding.trial_id == trial->id && finding.code == kRateNotHeld;
  });
  if (!was_held) return "";
  for (const Record& offered : view.content().records) {
    if (offered.trial_id != record.trial_id || offered.metric != "offered_rate_per_s" || !offered.value ||
        !(offered.conditions["traffic_class"] == record.conditions["traffic_class"]))
      continue;
    // Users who wait for their answers ask for as much as they get.
    const bool is_closed = offered.conditions["arrivals"].as_string() == name_of(Arrivals::Kind::kClosed);
    if (is_closed || (is_of_requests && *offered.value >= limit)) return "";
    return with_unit(*offered.value, "requests/s");
  }
  return "";
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
  const auto is_worse = [&](const Record& record, const Record* than) {
    return than == nullptr || (is_floor ? *record.value < *than->value : *record.value > *than->value);
  };
  // The worst of those whose interval holds the limit, and of those that are shown to lie beyond it.
  const Record *open = nullptr, *refuted = nullptr;
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
    const Standing stands = standing(record, is_floor, requirement.value);
    if (stands == Standing::kOpen && is_worse(record, open)) open = &record;
    if (stands == Standing::kRefuted && is_worse(record, refuted)) refuted = &record;
    if (is_worse(record, worst)) worst = &record;
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
  const Record& told = refuted != nullptr ? *refuted : open != nullptr ? *open : *worst;
  verdict.reason = fmt::format("{}, needs {} {}", words(view, told), is_floor ? "≥" : "≤",
                               with_unit(requirement.value, told.unit));
  if (refuted != nullptr && is_floor) {
    if (const std::string offered = offered_less(view, *refuted, requirement.value); !offered.empty()) {
      verdict.command.clear();
      verdict.reason += fmt::format(
          "; but no more was asked of it: it kept up with {} (load.rate_per_s asks for more)", offered);
      return verdict;
    }
  }
  if (refuted == nullptr && open != nullptr) {
    verdict.reason +=
        ", which lies within the interval: " + what_narrows(*open, requirement.value, verdict.exam);
    return verdict;
  }
  const bool is_met = refuted == nullptr;
  verdict.answer = is_met ? Answer::kYes : Answer::kNo;
  verdict.command.clear();
  if (told.validity == Validity::kDoubtful) {
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
