// Draws the conclusions of a run; see verdicts.h.
#include "exam/verdicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "measure/measure.h"

namespace assay {
namespace {

bool is_usable(const Record& record) {
  return record.value && (record.validity == Validity::kValid || record.validity == Validity::kDoubtful);
}

std::string percent(double share) {
  return fmt::format("{} %", format_number(share * 100));
}

std::string with_unit(double value, const std::string& unit) {
  return unit.empty() ? format_number(value) : fmt::format("{} {}", format_number(value), unit);
}

class Conclusion {
 public:
  Conclusion(const DossierContent& content, const Scenario& scenario)
      : content_(content), scenario_(scenario) {
    for (const Trial& trial : content.trials) trials_[trial.id] = &trial;
    for (const Subject& subject : content.subjects) subjects_[subject.id] = &subject;
  }

  std::vector<Verdict> draw() {
    for (const Requirement& requirement : content_.requirements) verdicts_.push_back(judge(requirement));
    const size_t requirements = verdicts_.size();
    for (const Question& question : questions()) {
      Verdict verdict = question.number == 1   ? runs(question)
                        : question.number == 2 ? fast_enough(question)
                                               : not_examined(question, "");
      hold_against_requirements(verdict, requirements);
      verdicts_.push_back(std::move(verdict));
    }
    return std::move(verdicts_);
  }

 private:
  const Trial* trial_of(const Record& record) const {
    const auto found = trials_.find(record.trial_id);
    return found == trials_.end() ? nullptr : found->second;
  }

  std::string subject_name(const Record& record) const {
    const auto found = subjects_.find(record.subject_id);
    return found == subjects_.end() ? std::string() : found->second->name;
  }

  // What people call the thing that a record is about: the scenario's target, else the subject.
  std::string target_name(const Record& record) const {
    const Trial* trial = trial_of(record);
    if (trial != nullptr && !trial->target.empty()) return trial->target;
    const std::string& target = record.conditions["target"].as_string();  // of what is derived over trials
    return target.empty() ? subject_name(record) : target;
  }

  // What would examine a question; "" where this version cannot.
  std::string command_for(const Question& question) const {
    if (*question.exam == '\0') return "";
    const std::string file =
        scenario_.path == "built-in" || scenario_.path.empty() ? "" : " " + scenario_.path;
    return fmt::format("assay run{} --only {}", file, question.exam);
  }

  Verdict not_examined(const Question& question, std::string reason) const {
    return {.question = question.number,
            .answer = Answer::kNotExamined,
            .reason = std::move(reason),
            .exam = question.exam,
            .command = command_for(question)};
  }

  // ---- requirements ----

  bool is_in_scope(const Record& record, const Requirement& requirement) const {
    if (record.metric != requirement.metric) return false;
    for (const auto& [name, value] : requirement.scope.members()) {
      if (name == "subject") {
        if (value.as_string() != subject_name(record) && value.as_string() != target_name(record))
          return false;
      } else if (!(record.conditions[name] == value)) {
        return false;
      }
    }
    if (record.metric == "interference") return true;  // always of a class in the mix
    const auto defaults_to = [&](const char* name, const char* value) {
      return requirement.scope.find(name) != nullptr || record.conditions.find(name) == nullptr ||
             record.conditions[name].as_string() == value;
    };
    return defaults_to("phase", "mix") && defaults_to("traffic_class", "all");
  }

  std::string words(const Record& record) const {
    std::string text = fmt::format("{} on {}", with_unit(*record.value, record.unit), target_name(record));
    if (record.ci_low && record.ci_high) {
      text += fmt::format(" ({}–{})", format_number(*record.ci_low), format_number(*record.ci_high));
    }
    return text;
  }

  Verdict judge(const Requirement& requirement) const {
    const Question& asked = question(std::clamp(requirement.question, 1, 8));
    Verdict verdict = not_examined(asked, "");
    verdict.requirement_id = requirement.id;
    const bool is_floor = requirement.comparison == ">=";
    const Record* worst = nullptr;
    size_t unusable = 0;
    for (const Record& record : content_.records) {
      if (!is_in_scope(record, requirement)) continue;
      if (!is_usable(record)) {
        ++unusable;
        continue;
      }
      verdict.record_ids.push_back(record.id);
      if (worst == nullptr || (is_floor ? *record.value < *worst->value : *record.value > *worst->value))
        worst = &record;
    }
    if (worst == nullptr) {
      verdict.reason =
          unusable > 0 ? fmt::format("the measurements are void or rest on too few samples ({})", unusable)
                       : "nothing was measured that it could be held against";
      return verdict;
    }
    const bool is_met = is_floor ? *worst->value >= requirement.value : *worst->value <= requirement.value;
    verdict.answer = is_met ? Answer::kYes : Answer::kNo;
    verdict.command.clear();
    if (const Trial* trial = trial_of(*worst)) verdict.exam = trial->exam;
    verdict.reason = fmt::format("{}, needs {} {}", words(*worst), is_floor ? "≥" : "≤",
                                 with_unit(requirement.value, worst->unit));
    const bool is_close = worst->ci_low && worst->ci_high && *worst->ci_low <= requirement.value &&
                          requirement.value <= *worst->ci_high;
    if (is_close) verdict.reason += "; the limit lies within the interval";
    if (!is_met) return verdict;
    // Met by all that was measured; but what could not be measured would have to meet it too.
    const Trial* failed = failed_trial_in_scope(requirement, verdict.exam);
    if (unusable == 0 && failed == nullptr) return verdict;
    verdict.answer = Answer::kNotExamined;
    verdict.command = command_for(asked);
    verdict.reason += failed != nullptr
                          ? fmt::format("; but {}", about(*failed))
                          : fmt::format("; but {} more are void or rest on too few samples", unusable);
    return verdict;
  }

  // A trial of the exam that would have measured what is required, on a target and in a phase that are meant.
  const Trial* failed_trial_in_scope(const Requirement& requirement, const std::string& exam) const {
    const std::string& subject = requirement.scope["subject"].as_string();
    const std::string& phase = requirement.scope["phase"].as_string();
    for (const Trial& trial : content_.trials) {
      if (trial.state != TrialState::kFailed || trial.exam != exam) continue;
      const bool is_meant =
          (subject.empty() || subject == trial.target) &&
          (phase.empty() || trial.exam != "load" || phase == trial.parameters["phase"].as_string());
      if (is_meant) return &trial;
    }
    return nullptr;
  }

  // Where the buyer says what is needed, that decides; the first question also keeps its own rule.
  void hold_against_requirements(Verdict& verdict, size_t requirements) const {
    const Verdict* failed = nullptr;
    const Verdict* unknown = nullptr;
    const Verdict* met = nullptr;
    for (size_t i = 0; i < requirements; ++i) {
      const Verdict& each = verdicts_[i];
      if (each.question != verdict.question) continue;
      const Verdict*& first = each.answer == Answer::kNo    ? failed
                              : each.answer == Answer::kYes ? met
                                                            : unknown;
      if (first == nullptr) first = &each;
    }
    const Verdict* decisive = failed != nullptr ? failed : unknown != nullptr ? unknown : met;
    if (decisive == nullptr || (verdict.question == 1 && decisive->answer == Answer::kYes)) return;
    const std::string command =
        verdict.command.empty() ? command_for(question(verdict.question)) : verdict.command;
    const int number = verdict.question;
    verdict = *decisive;
    verdict.question = number;
    verdict.requirement_id = 0;
    verdict.command = decisive->answer == Answer::kNotExamined ? command : "";
  }

  // ---- 1: does our software run on it? ----

  static bool runs_an_engine(const Trial& trial) {
    return trial.exam == "load" ||
           (trial.exam == "roofline" && trial.parameters["part"].as_string() == "engine");
  }

  std::string why_it_failed(const Trial& trial) const {
    for (const Finding& finding : content_.findings) {
      if (finding.trial_id == trial.id && finding.severity == Severity::kBlocker) return finding.text;
    }
    return trial.end_text.empty() ? "it failed" : trial.end_text;
  }

  // The failure with its target's name before it, once.
  std::string about(const Trial& trial) const {
    const std::string why = why_it_failed(trial);
    return why.starts_with(trial.target + ": ") ? why : fmt::format("{}: {}", trial.target, why);
  }

  Verdict runs(const Question& question) const {
    std::vector<std::string> good, unfinished;
    const Trial* failed = nullptr;
    std::map<std::string, bool> targets;  // by name: every trial is done
    size_t done = 0;
    for (const Trial& trial : content_.trials) {
      if (!runs_an_engine(trial)) continue;
      const bool is_done = trial.state == TrialState::kDone;
      done += is_done ? 1 : 0;
      targets.try_emplace(trial.target, true).first->second &= is_done;
      if (trial.state == TrialState::kFailed && failed == nullptr) failed = &trial;
    }
    for (const auto& [name, all_done] : targets) (all_done ? good : unfinished).push_back(name);
    Verdict verdict = not_examined(question, "");
    if (failed != nullptr) {
      verdict.answer = Answer::kNo;
      verdict.exam = failed->exam;
      verdict.command.clear();
      verdict.reason = about(*failed);
    } else if (!targets.empty() && unfinished.empty()) {
      verdict.answer = Answer::kYes;
      verdict.command.clear();
      verdict.reason =
          fmt::format("{} trial{} ended well on {}", done, done == 1 ? "" : "s", join(good, ", "));
    } else if (!targets.empty()) {
      verdict.reason = fmt::format("unfinished on {}", join(unfinished, ", "));
    }
    return verdict;
  }

  // ---- 2: is it fast enough under our mix? ----

  static bool has_limits(const Record& record) {
    return record.conditions.find("slo_ttft_ms") != nullptr ||
           record.conditions.find("slo_tpot_ms") != nullptr ||
           record.conditions.find("slo_e2e_ms") != nullptr;
  }

  bool is_mix_of_a_class(const Record& record) const {
    return record.metric == "slo_attainment" && record.conditions["phase"].as_string() == "mix" &&
           has_limits(record);
  }

  // A share decides from as many requests on as its percentile takes, and with fewer once it is missed beyond
  // doubt.
  static bool is_decisive(const Record& record) {
    const double required = record.conditions["required_share"].as_number();
    const bool is_missed = record.ci_high && *record.ci_high < required;
    return is_missed || required <= 0 || required >= 1 || record.n >= samples_needed(required);
  }

  Verdict fast_enough(const Question& question) const {
    Verdict verdict = not_examined(question, "");
    const Record* worst = nullptr;
    double worst_margin = 0;
    size_t classes = 0, unusable = 0, few = 0;
    for (const Record& record : content_.records) {
      if (!is_mix_of_a_class(record)) continue;
      if (!is_usable(record) || !is_decisive(record)) {
        ++(is_usable(record) ? few : unusable);
        continue;
      }
      ++classes;
      verdict.record_ids.push_back(record.id);
      const double margin = *record.value - record.conditions["required_share"].as_number();
      if (worst == nullptr || margin < worst_margin) {
        worst = &record;
        worst_margin = margin;
      }
    }
    const Trial* failed = failed_mix();
    if (failed == nullptr && worst == nullptr) {
      verdict.reason = few > 0           ? "too few requests to tell"
                       : unusable > 0    ? "the measurements of the mix are void"
                       : has_mix_trial() ? "no traffic class has an SLO and nothing is required"
                                         : "";
      return verdict;
    }
    verdict.command.clear();
    const bool is_missed = worst != nullptr && worst_margin < 0;
    if (worst == nullptr || (failed != nullptr && !is_missed)) {
      verdict.answer = Answer::kNo;
      verdict.reason = fmt::format("the mix could not be served: {}", about(*failed));
      return verdict;
    }
    const std::string share =
        fmt::format("{} met its SLO in {} of requests on {}, needs {}",
                    worst->conditions["traffic_class"].as_string(), percent(*worst->value),
                    target_name(*worst), percent(worst->conditions["required_share"].as_number()));
    verdict.answer = is_missed ? Answer::kNo : Answer::kYes;
    verdict.reason =
        is_missed ? share : fmt::format("every class on every target ({}); the closest, {}", classes, share);
    if (!is_missed && unusable + few > 0) {
      verdict.answer = Answer::kNotExamined;
      verdict.command = command_for(question);
      verdict.reason = fmt::format("{} of {} measurements of the mix are void or rest on too few requests",
                                   unusable + few, unusable + few + classes);
    }
    return verdict;
  }

  static bool is_mix(const Trial& trial) {
    return trial.exam == "load" && trial.parameters["phase"].as_string() == "mix";
  }
  const Trial* failed_mix() const {
    for (const Trial& trial : content_.trials) {
      if (is_mix(trial) && trial.state == TrialState::kFailed) return &trial;
    }
    return nullptr;
  }
  bool has_mix_trial() const {
    return std::ranges::any_of(content_.trials,
                               [](const Trial& t) { return is_mix(t) && t.state == TrialState::kDone; });
  }

  const DossierContent& content_;
  const Scenario& scenario_;
  std::map<int64_t, const Trial*> trials_;
  std::map<int64_t, const Subject*> subjects_;
  std::vector<Verdict> verdicts_;
};

}  // namespace

std::vector<Verdict> conclude(const DossierContent& content, const Scenario& scenario) {
  return Conclusion(content, scenario).draw();
}

}  // namespace assay
