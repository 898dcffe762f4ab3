// Question 2: is it fast enough under our mix?
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "exam/sizing.h"
#include "exam/verdicts/rules.h"
#include "exam/verdicts/standing.h"
#include "measure/measure.h"

namespace assay {
namespace {

// How the classes of the mix fared on one target.
struct TargetResult {
  std::string name;
  bool is_sized_down = false;     // it ran a smaller model than the mix's own
  bool is_stand_in = false;       // since a quick look was wanted, not since it is slow
  const Trial* failed = nullptr;  // the mix could not be served
  bool was_not_tried = false;     // nor asked of it
  const Record* worst =
      nullptr;  // of those that decide: the one farthest below what it needs, or nearest to it
  const Record* open = nullptr;                             // one whose interval holds what it needs
  size_t decisive = 0, is_void = 0, doubtful = 0, few = 0;  // classes

  double margin() const { return *worst->value - worst->conditions["required_share"].as_number(); }
  bool is_missed() const { return worst != nullptr && margin() < 0; }
  bool is_met() const {
    return failed == nullptr && worst != nullptr && margin() >= 0 && is_void + doubtful + few == 0 &&
           !is_sized_down;
  }
};

bool is_mix(const Trial& trial) {
  return trial.exam == "load" && trial.parameters["phase"].as_string() == "mix";
}

bool is_mix_of_a_class(const Record& record) {
  const Json& conditions = record.conditions;
  const bool has_limits = conditions.find("slo_ttft_ms") != nullptr ||
                          conditions.find("slo_tpot_ms") != nullptr ||
                          conditions.find("slo_e2e_ms") != nullptr;
  return record.metric == "slo_attainment" && conditions["phase"].as_string() == "mix" && has_limits;
}

// Whether a share is met or missed beyond doubt. Intervals are too bold for a handful of requests that
// missed.
bool is_decisive(const Record& record) {
  const double required = record.conditions["required_share"].as_number();
  if (!record.ci_low && !record.ci_high)
    return required <= 0 || required >= 1 || record.n >= samples_needed(required);
  const Standing stands = standing(record, true, required);
  return stands == Standing::kShown ||
         (stands == Standing::kRefuted && is_share_missed(*record.value, record.n, required));
}

TargetResult& result_of(std::vector<TargetResult>& results, const std::string& name) {
  const auto found = std::ranges::find(results, name, &TargetResult::name);
  return found != results.end() ? *found : results.emplace_back(TargetResult{.name = name});
}

std::vector<TargetResult> collect(const VerdictView& view, std::vector<int64_t>& record_ids) {
  std::vector<TargetResult> results;
  for (const Trial& trial : view.content().trials) {
    const bool has_ended = trial.state == TrialState::kDone || trial.state == TrialState::kFailed;
    if (!is_mix(trial) || !has_ended) continue;
    TargetResult& result = result_of(results, trial.target);
    result.is_sized_down |= !model_not_run(trial).empty();
    result.is_stand_in |= !model_not_run(trial).empty() && !is_sized_down(trial);
    if (trial.state == TrialState::kFailed && !view.was_not_tried(trial)) result.failed = &trial;
    result.was_not_tried |= view.was_not_tried(trial);
  }
  for (const Record& record : view.content().records) {
    if (!is_mix_of_a_class(record)) continue;
    TargetResult& result = result_of(results, view.target_name(record));
    if (record.validity == Validity::kInsufficient) {
      ++result.few;
    } else if (!is_usable(record)) {
      ++result.is_void;
    } else if (record.validity == Validity::kDoubtful) {
      ++result.doubtful;
    } else if (!is_decisive(record)) {
      ++result.few;
      if (result.open == nullptr) result.open = &record;
    } else {
      ++result.decisive;
      record_ids.push_back(record.id);
      const double margin = *record.value - record.conditions["required_share"].as_number();
      if (result.worst == nullptr || margin < result.margin()) result.worst = &record;
    }
  }
  return results;
}

std::string share_text(const std::string& target, const Record& record) {
  return fmt::format("{} on {} met its SLO in {}{} of {}, needs {}",
                     record.conditions["traffic_class"].as_string(), target, percent_text(*record.value),
                     interval_text(record, 100), counted(record.n, "request"),
                     percent_text(record.conditions["required_share"].as_number()));
}

// The rate that assay itself chose for a target, which the answer holds for; null where the scenario says it.
const Record* chosen_rate(const VerdictView& view, const std::string& target) {
  for (const Record& record : view.content().records) {
    const bool was_chosen = record.metric == "offered_rate_per_s" && record.value &&
                            record.conditions["phase"].as_string() == "mix" &&
                            record.conditions["traffic_class"].as_string() == "all" &&
                            record.conditions["rate_chosen_by"].as_string() == "burst";
    if (was_chosen && view.target_name(record) == target) return &record;
  }
  return nullptr;
}

// "assay chose the rate, 80 % of what a burst showed: CPU 6.10 requests/s, GPU0 31.0 requests/s"; "" where
// the scenario says it. The share is the scenario's, one for all.
std::string chosen_rates_text(const VerdictView& view, const std::vector<TargetResult>& results) {
  std::vector<std::string> rates;
  double utilisation = 0;
  for (const TargetResult& result : results) {
    const Record* rate = result.decisive + result.few == 0 ? nullptr : chosen_rate(view, result.name);
    if (rate == nullptr) continue;
    rates.push_back(fmt::format("{} {}", result.name, with_unit(*rate->value, rate->unit)));
    utilisation = rate->conditions["utilisation"].as_number();
  }
  if (rates.empty()) return "";
  return fmt::format("assay chose the rate, {:.0f} % of what a burst showed: {}", 100 * utilisation,
                     join(rates, ", "));
}

// What a target that did not decide the answer adds to it, in a few words.
std::string short_text(const TargetResult& result) {
  const char* words = result.failed != nullptr ? "could not serve the mix"
                      : result.was_not_tried   ? "nothing was asked of it"
                      : result.is_missed()     ? "misses it"
                      : result.is_stand_in     ? "ran a stand-in for the model of the mix"
                      : result.is_sized_down ? "the model of the mix would take longer here than a trial may"
                      : result.is_met()      ? "meets it"
                      : result.is_void > 0   ? "what was measured is void"
                      : result.doubtful > 0  ? "a finding doubts what was measured"
                      : result.few + result.decisive > 0
                          ? "too few requests to tell"
                          : "no limits to hold it against (slo, or --goodput of assay load)";
  const bool is_open = result.open != nullptr && result.failed == nullptr && !result.is_missed() &&
                       !result.is_sized_down && result.is_void + result.doubtful == 0;
  if (!is_open) return fmt::format("{}: {}", result.name, words);
  return fmt::format("{}: {} requests would tell (load.requests_per_class)",
                     share_text(result.name, *result.open),
                     samples_that_tell(*result.open, result.open->conditions["required_share"].as_number()));
}

// The rate of all requests that the scenario itself asks for, as it was offered to a target.
const Record* wanted_rate(const VerdictView& view, const std::string& target) {
  for (const Record& record : view.content().records) {
    const bool is_wanted = record.metric == "offered_rate_per_s" &&
                           record.conditions["phase"].as_string() == "mix" &&
                           record.conditions["traffic_class"].as_string() == "all" &&
                           record.conditions["rate_chosen_by"].as_string() == "scenario";
    if (is_wanted && is_usable(record) && view.target_name(record) == target) return &record;
  }
  return nullptr;
}

// "CPU holds 14.2 requests/s (13.8–14.5) under every limit, 10 were offered".
std::string capacity_text(const VerdictView& view, const Record& record) {
  const std::string name = view.target_name(record);
  const std::string& tier = record.conditions["tier"].as_string();
  const bool is_open = record.ci_low && !record.ci_high;
  const bool is_none_shown = *record.value <= 0 && record.ci_high;  // the search ended before one held
  std::string text = fmt::format("{} holds {}{} requests/s{} within {}", name,
                                 is_none_shown ? "less than "
                                 : is_open     ? "at least "
                                               : "",
                                 format_number(is_none_shown ? *record.ci_high : *record.value),
                                 is_none_shown ? "" : interval_text(record),
                                 tier == kOwnTier ? "every limit" : fmt::format("those of tier {}", tier));
  if (const Record* wanted = wanted_rate(view, name))
    text += fmt::format(", {} were offered", format_number(*wanted->value));
  return text;
}

void add_capacities(const VerdictView& view, Verdict& verdict) {
  for (const Record& record : view.content().records) {
    if (record.metric != "capacity_per_s" || !is_usable(record)) continue;
    verdict.reason += (verdict.reason.empty() ? "" : "; ") + capacity_text(view, record);
    verdict.record_ids.push_back(record.id);
  }
}

}  // namespace

Verdict judge_fast_enough(const VerdictView& view, const Question& question) {
  Verdict verdict = view.not_examined(question, "");
  const std::vector<TargetResult> results = collect(view, verdict.record_ids);
  if (results.empty()) {
    add_capacities(view, verdict);
    const bool has_rates = std::ranges::any_of(view.content().trials, [](const Trial& trial) {
      const std::string& phase = trial.parameters["phase"].as_string();
      return trial.state == TrialState::kDone && (phase == "sweep" || phase == "capacity");
    });
    // The same again would not tell either.
    if (has_rates) {
      verdict.command.clear();
      verdict.reason +=
          (verdict.reason.empty() ? "" : "; ") +
          std::string(
              "nobody said which rate is needed (a [[requirement]] on capacity_per_s says it, or a "
              "run at that rate)");
    }
    return verdict;
  }

  // A device that had to run a smaller model decides only where no other device was examined.
  const bool all_sized_down = std::ranges::all_of(results, &TargetResult::is_sized_down);
  const TargetResult* missed = nullptr;
  const TargetResult* failed = nullptr;
  const TargetResult* closest = nullptr;
  size_t unknown = 0, met = 0, classes = 0;
  for (const TargetResult& result : results) {
    if (result.is_sized_down && !all_sized_down) continue;
    if (result.is_missed() && (missed == nullptr || result.margin() < missed->margin())) missed = &result;
    if (result.failed != nullptr && failed == nullptr) failed = &result;
    if (result.is_met() && (closest == nullptr || result.margin() < closest->margin())) closest = &result;
    unknown += result.is_met() || result.is_missed() || result.failed != nullptr ? 0 : 1;
    met += result.is_met() ? 1 : 0;
    classes += result.decisive;
  }

  const TargetResult* decides = missed != nullptr ? missed : failed != nullptr ? failed : nullptr;
  if (decides != nullptr) {
    verdict.answer = Answer::kNo;
    verdict.reason = decides == missed ? share_text(missed->name, *missed->worst)
                                       : fmt::format("the mix could not be served: {}",
                                                     view.about_failure(*failed->failed));
    if (decides->is_sized_down) verdict.reason += ", even with a smaller model";
  } else if (unknown == 0 && met > 0) {
    verdict.answer = Answer::kYes;
    verdict.reason = fmt::format("every class on every target ({}); the closest, {}", classes,
                                 share_text(closest->name, *closest->worst));
    decides = met == 1 ? closest : nullptr;
  }
  // Without limits another run would not tell either.
  const bool has_limits = view.has_limits() || std::ranges::any_of(results, [](const TargetResult& r) {
                            return r.decisive + r.is_void + r.doubtful + r.few > 0;
                          });
  if (verdict.answer != Answer::kNotExamined || !has_limits) verdict.command.clear();
  for (const TargetResult& result : results) {
    const bool is_told = &result == decides || (verdict.answer == Answer::kYes && result.is_met());
    if (!is_told) verdict.reason += (verdict.reason.empty() ? "" : "; ") + short_text(result);
  }
  if (const std::string rates = chosen_rates_text(view, results); !rates.empty())
    verdict.reason += "; " + rates;
  add_capacities(view, verdict);
  return verdict;
}

}  // namespace assay
