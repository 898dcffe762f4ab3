// Requirements of the scenario, each held against the records that its scope selects.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "exam/findings.h"
#include "exam/sizing.h"
#include "exam/verdicts/rules.h"
#include "exam/verdicts/standing.h"
#include "workload/workload.h"

namespace assay {
namespace {

// A claim, or what a bound permits, shows nothing: a requirement is met by what was reached.
bool is_promise(const Record& record) {
  return record.evidence_class == EvidenceClass::kClaimed || !record.conditions["bound"].as_string().empty();
}

bool is_in_scope(const VerdictView& view, const Record& record, const Requirement& requirement,
                 Scope of_metric) {
  if (record.metric != requirement.metric || is_promise(record)) return false;
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
                     with_unit(*value_of(record), record.unit), interval_text(record));
}

// What would narrow the interval of a record that is open.
std::string what_narrows(const Record& record, double limit, const std::string& exam) {
  if (record.metric == "capacity_per_s") return "more time narrows it (load.capacity.max_duration_s)";
  if (exam == "roofline") return "more time narrows it (roofline.max_duration_s)";
  return fmt::format("{} requests would tell (load.requests_per_class)", samples_that_tell(record, limit));
}

// The record of the same trial and traffic class with another metric; null if there is none.
const Record* beside(const VerdictView& view, const Record& record, std::string_view metric) {
  for (const Record& other : view.content().records) {
    if (other.trial_id == record.trial_id && other.metric == metric && is_usable(other) &&
        other.conditions["traffic_class"] == record.conditions["traffic_class"])
      return &other;
  }
  return nullptr;
}

// Requests came at instants of their own: users who wait for their answers ask for as much as they get, and a
// burst for all at once.
bool is_offered_by_rate(const Record& offered) {
  for (const auto& [name, value] : offered.conditions.members()) {
    const bool is_open = value.as_string() != name_of(Arrivals::Kind::kClosed) &&
                         value.as_string() != name_of(Arrivals::Kind::kBurst);
    if (name.starts_with("arrivals") && !is_open) return false;
  }
  return true;
}

// A rate that is not reached since less was asked for, of a target that gave all of it: "14.9 requests/s", or
// "" where it is not so.
std::string offered_less(const VerdictView& view, const Record& record, double limit) {
  const bool is_of_requests = record.metric == "goodput_per_s" || record.metric == "request_throughput_per_s";
  const bool is_of_tokens =
      record.metric == "output_throughput_tokens_per_s" || record.metric == "input_throughput_tokens_per_s";
  if (!is_of_requests && !is_of_tokens) return "";
  const Record* offered = beside(view, record, "offered_rate_per_s");
  if (offered == nullptr || !is_offered_by_rate(*offered)) return "";
  if (is_of_requests && *offered->value >= limit) return "";
  // Of tokens nobody says how many were asked for; but all are there if all requests were served.
  const Record* served = is_of_requests ? &record : beside(view, record, "request_throughput_per_s");
  const bool kept_up = served != nullptr && served->ci_high && *served->ci_high >= *offered->value;
  return kept_up ? with_unit(*offered->value, "requests/s") : "";
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

// What was measured in a requirement's scope. Of each kind of record the worst; null where there is none.
struct Measured {
  const Record* worst = nullptr;      // of all
  const Record* missed = nullptr;     // shown to lie beyond the limit
  const Record* not_asked = nullptr;  // could not reach it, since less was asked for
  const Record* doubted = nullptr;    // by a finding
  const Record* open = nullptr;       // its interval holds the limit
  const Record* few = nullptr;        // some one that rests on too few samples
  size_t unusable = 0;                // void, or of too few samples
  std::string other_model;            // what a target ran in place of what was asked for, in words
  std::vector<int64_t> record_ids;
};

class Judgement {
 public:
  Judgement(const VerdictView& view, const Requirement& requirement)
      : view_(view), requirement_(requirement), is_floor_(requirement.comparison == ">=") {
    const Result<MetricName> name = parse_metric_name(requirement.metric);
    scope_ = name ? name->metric->scope : Scope::kClass;  // of a dossier of another version
    for (const Record& record : view.content().records) {
      if (is_in_scope(view, record, requirement, scope_)) take(record);
    }
  }

  Verdict verdict() const {
    Verdict verdict = view_.not_examined(question(std::clamp(requirement_.question, 1, 8)), "");
    verdict.requirement_id = requirement_.id;
    verdict.exam = exam_of(scope_);
    verdict.command = view_.command_for(verdict.exam);
    verdict.record_ids = measured_.record_ids;
    if (measured_.worst == nullptr)
      nothing(verdict);
    else
      conclude_from_records(verdict);
    return verdict;
  }

 private:
  void take(const Record& record) {
    if (!is_usable_or_infinite(record)) {
      ++measured_.unusable;
      if (record.validity == Validity::kInsufficient && measured_.few == nullptr) measured_.few = &record;
      return;
    }
    const Trial* trial = view_.trial_of(record);
    if (const std::string not_run = trial == nullptr ? "" : model_not_run(*trial); !not_run.empty()) {
      if (measured_.other_model.empty())
        measured_.other_model = fmt::format("{} ran {} in place of {}", trial->target,
                                            trial->parameters["model"].as_string(), not_run);
      return;
    }
    measured_.record_ids.push_back(record.id);
    keep_worse(record, measured_.worst);
    const Standing stands = standing(record, is_floor_, requirement_.value);
    if (record.validity == Validity::kDoubtful)
      keep_worse(record, measured_.doubted);
    else if (stands == Standing::kOpen)
      keep_worse(record, measured_.open);
    else if (stands == Standing::kRefuted)
      keep_worse(record, offered(record).empty() ? measured_.missed : measured_.not_asked);
  }
  void keep_worse(const Record& record, const Record*& kept) const {
    const double value = *value_of(record);
    if (kept == nullptr || (is_floor_ ? value < *value_of(*kept) : value > *value_of(*kept))) kept = &record;
  }
  std::string offered(const Record& record) const {
    return is_floor_ ? offered_less(view_, record, requirement_.value) : "";
  }

  void nothing(Verdict& verdict) const {
    const std::string& other_model = measured_.other_model;
    const auto unusable = static_cast<int64_t>(measured_.unusable);
    verdict.reason =
        fmt::format("{}: ", requirement_.metric) +
        (!other_model.empty()       ? other_model
         : measured_.few != nullptr ? measured_.few->method + "; more requests tell (load.requests_per_class)"
         : unusable > 0 ? fmt::format("{} void", counted(unusable, "measurement is", "measurements are"))
                        : "nothing was measured that it could be held against");
    // The same again would have as few.
    if (other_model.empty() && measured_.few != nullptr) verdict.command.clear();
  }

  std::string held_against_limit(const Record& record) const {
    return fmt::format("{}, needs {} {}", words(view_, record), is_floor_ ? "≥" : "≤",
                       with_unit(requirement_.value, record.unit));
  }

  void conclude_from_records(Verdict& verdict) const {
    const auto& [worst, missed, not_asked, doubted, open, few, unusable, other_model, ids] = measured_;
    if (missed != nullptr) {
      verdict.answer = Answer::kNo;
      verdict.command.clear();
      verdict.reason = held_against_limit(*missed);
    } else if (not_asked != nullptr) {
      verdict.command.clear();
      verdict.reason =
          fmt::format("{}; but no more was asked of it: it kept up with {} (load.rate_per_s asks for more)",
                      held_against_limit(*not_asked), offered(*not_asked));
    } else if (doubted != nullptr) {
      // Neither bought nor refused on a number that the report itself does not trust.
      verdict.reason = held_against_limit(*doubted) + "; but a finding doubts this number";
    } else if (open != nullptr) {
      verdict.reason = fmt::format("{}, which lies within the interval: {}", held_against_limit(*open),
                                   what_narrows(*open, requirement_.value, verdict.exam));
    } else {
      verdict.reason = held_against_limit(*worst);
      const std::string missing = what_is_missing(verdict.exam);
      if (!missing.empty()) {
        verdict.reason += "; but " + missing;
        return;
      }
      verdict.answer = Answer::kYes;
      verdict.command.clear();
    }
  }

  // Met by all that was measured; but what could not be measured would have to meet it too.
  std::string what_is_missing(const std::string& exam) const {
    if (const Trial* failed = failed_trial_in_scope(view_, requirement_, exam))
      return view_.about_failure(*failed);
    if (!measured_.other_model.empty()) return measured_.other_model;
    if (measured_.unusable == 0) return "";
    return fmt::format("{} more are void or rest on too few samples", measured_.unusable);
  }

  const VerdictView& view_;
  const Requirement& requirement_;
  bool is_floor_;
  Scope scope_ = Scope::kClass;
  Measured measured_;
};

}  // namespace

Verdict judge_requirement(const VerdictView& view, const Requirement& requirement) {
  return Judgement(view, requirement).verdict();
}

}  // namespace assay
