// Question 1: does our software run on it?
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "exam/findings.h"
#include "exam/sizing.h"
#include "exam/verdicts/rules.h"
#include "load/load.h"
#include "measure/measure.h"

namespace assay {
namespace {

bool runs_an_engine(const Trial& trial) {
  return trial.exam == "load" ||
         (trial.exam == "roofline" && trial.parameters["part"].as_string() == "engine");
}

bool left_no_number(const VerdictView& view, const Trial& trial) {
  return std::ranges::any_of(view.content().findings, [&](const Finding& finding) {
    return finding.trial_id == trial.id && finding.code == kNothingMeasured;
  });
}

// What the trials of one target say.
struct TargetRuns {
  size_t measured = 0, is_void = 0;  // trials
  bool is_finished = true;           // every trial is done
  std::vector<std::string> empty;    // names of trials that are done and measured nothing
  std::string instead;               // what ran in place of the model that was meant; "": that one ran

  bool is_good() const { return is_finished && measured > 0 && instead.empty(); }
};

struct Runs {
  std::map<std::string, TargetRuns> targets;  // by name
  std::vector<std::string> good_kits;         // targets on which a kit ran to its end and measured kernels
  std::vector<std::string> absent_kits;       // "X: PyTorch is not installed"
  const Trial* failed = nullptr;              // the first
  const Trial* untried = nullptr;
  size_t not_tried = 0, fake = 0;  // trials
  bool has_load = false;           // else the engine alone was run
  // Some target ran another model since a quick look was wanted, not since it is slow.
  bool has_stand_in = false;
};

bool is_of_kit(const Trial& trial) {
  return trial.parameters["part"].as_string() == "kit";
}

void note_failure(const VerdictView& view, const Trial& trial, Runs& runs) {
  const bool was_not_tried = view.was_not_tried(trial);
  const Trial*& first = was_not_tried ? runs.untried : runs.failed;
  if (first == nullptr) first = &trial;
  runs.not_tried += was_not_tried ? 1 : 0;
}

// A framework that crashes on plain matrices does not run our software; that it multiplies them does not show
// that it runs it.
void note_kit(const VerdictView& view, const Trial& trial, Runs& runs) {
  const bool has_number = std::ranges::any_of(view.content().records, [&](const Record& record) {
    return record.trial_id == trial.id && record.evidence_class == EvidenceClass::kMeasured &&
           record.conditions.find("kit") != nullptr && is_usable(record);
  });
  if (trial.state == TrialState::kFailed) note_failure(view, trial, runs);
  if (trial.state == TrialState::kDone && trial.exam == "roofline" && has_number)
    runs.good_kits.push_back(trial.target);
  // The probe says the same of the same Python.
  std::string absent = fmt::format("{}: {}", trial.target, trial.end_text);
  if (trial.state == TrialState::kSkipped &&
      std::ranges::find(runs.absent_kits, absent) == runs.absent_kits.end())
    runs.absent_kits.push_back(std::move(absent));
}

Runs collect(const VerdictView& view) {
  Runs runs;
  for (const Trial& trial : view.content().trials) {
    if (is_of_kit(trial)) note_kit(view, trial, runs);
    if (!runs_an_engine(trial)) continue;
    if (view.is_fake(trial)) {
      ++runs.fake;
      continue;
    }
    runs.has_load |= trial.exam == "load";
    TargetRuns& target = runs.targets[trial.target];
    const bool is_done = trial.state == TrialState::kDone;
    const bool is_empty = is_done && left_no_number(view, trial);
    target.is_finished &= is_done;
    target.measured += is_done && !is_empty ? 1 : 0;
    target.is_void += is_done && !is_empty && view.is_void(trial) ? 1 : 0;
    if (is_empty) target.empty.push_back(trial.name);
    if (trial.state == TrialState::kFailed) note_failure(view, trial, runs);
    const std::string not_run = model_not_run(trial);
    if (not_run.empty()) continue;
    runs.has_stand_in |= !is_sized_down(trial);
    target.instead =
        fmt::format("{} ran {} in place of {}", trial.target, trial.parameters["model"].as_string(), not_run);
  }
  return runs;
}

// A trial that ran to its end may have had many a request that did not.
struct FailedShare {
  std::string words;  // "111 of 200 requests failed (load mix on X)"
  bool is_too_many = false;
  int64_t record_id = 0;
};
std::vector<FailedShare> failed_shares(const VerdictView& view) {
  constexpr double kTold = 0.05, kMost = 0.5;
  // One in ten; what the server turned away or was too slow for, it might have done.
  constexpr double kMostWrong = 0.1;
  std::vector<FailedShare> found;
  for (const Record& record : view.content().records) {
    const Trial* trial = view.trial_of(record);
    const bool is_of_all = record.metric == "error_rate" && is_usable(record) &&
                           record.conditions["traffic_class"].as_string() == "all";
    if (!is_of_all || trial == nullptr || view.is_fake(*trial) || *record.value <= kTold) continue;
    // A search and a sweep ask for more than there is.
    const std::string& phase = trial->parameters["phase"].as_string();
    if (phase == "capacity" || phase == "sweep") continue;
    const auto failed = std::llround(*record.value * static_cast<double>(record.n));
    int64_t busy = 0;
    for (const FailureCause cause : {FailureCause::kOverloaded, FailureCause::kTimeout})
      busy += record.conditions[fmt::format("failed_{}", name_of(cause))].as_integer(0);
    const int64_t wrong = std::clamp<int64_t>(failed - busy, 0, record.n);
    // Of a handful no share is shown.
    const auto is_shown = [&](int64_t count, double share) {
      return record.n > 0 && *share_estimate(count, record.n).low > share;
    };
    found.push_back(
        {.words = fmt::format("{} of {} failed ({})", failed, counted(record.n, "request"), trial->name),
         .is_too_many =
             is_shown(std::clamp<int64_t>(failed, 0, record.n), kMost) || is_shown(wrong, kMostWrong),
         .record_id = record.id});
  }
  return found;
}

// "4 trials ran to the end on CPU; what 1 of them measured is void; …".
std::string words_of_good(const VerdictView& view, const std::vector<std::string>& good, size_t measured,
                          size_t is_void) {
  const int64_t stopped = std::ranges::count(view.content().findings, kStopped, &Finding::code);
  const int64_t whole = static_cast<int64_t>(measured) - stopped;
  std::string words =
      whole > 0
          ? fmt::format("{} ran to the end on {}", counted(whole, "trial"), join(good, ", "))
          : fmt::format("{} ran on {}", counted(static_cast<int64_t>(measured), "trial"), join(good, ", "));
  if (is_void == measured)
    words += "; what was measured is void";
  else if (is_void > 0)
    words += fmt::format("; what {} of them measured is void", is_void);
  if (stopped > 0)
    words += fmt::format("; {} stopped early by {} user", counted(stopped, "was", "were"),
                         stopped == 1 ? "its" : "their");
  return words;
}

}  // namespace

Verdict judge_runs(const VerdictView& view, const Question& question) {
  const Runs runs = collect(view);
  std::vector<std::string> good, unfinished, empty, asides;
  size_t measured = 0, is_void = 0;
  bool has_silent = false;  // a target that ran what was meant and measured nothing
  for (const auto& [name, target] : runs.targets) {
    if (!target.is_finished) unfinished.push_back(name);
    std::ranges::copy(target.empty, std::back_inserter(empty));
    has_silent |= target.is_finished && target.measured == 0 && target.instead.empty();
    if (!target.instead.empty()) asides.push_back(target.instead);
    if (!target.is_good()) continue;
    good.push_back(name);
    measured += target.measured;
    is_void += target.is_void;
  }
  if (!empty.empty()) asides.insert(asides.begin(), fmt::format("{} measured nothing", join(empty, ", ")));
  const std::vector<FailedShare> failures = failed_shares(view);
  const auto often_failed = std::ranges::find_if(failures, &FailedShare::is_too_many);

  Verdict verdict = view.not_examined(question, "");
  if (runs.failed != nullptr) {
    verdict.answer = Answer::kNo;
    verdict.exam = runs.failed->exam;
    verdict.command.clear();
    verdict.reason = view.about_failure(*runs.failed);
  } else if (often_failed != failures.end()) {
    verdict.answer = Answer::kNo;
    verdict.command.clear();
    verdict.reason = often_failed->words;
    verdict.record_ids.push_back(often_failed->record_id);
  } else if (runs.untried != nullptr) {
    verdict.reason = fmt::format("{} not tried: {}",
                                 counted(static_cast<int64_t>(runs.not_tried), "trial was", "trials were"),
                                 view.about_failure(*runs.untried));
    if (!good.empty()) verdict.reason += fmt::format("; {} ran to the end", join(good, ", "));
  } else if (!unfinished.empty()) {
    verdict.reason = fmt::format("unfinished on {}", join(unfinished, ", "));
  } else if (!good.empty() && !runs.has_stand_in && !has_silent) {
    verdict.answer = Answer::kYes;
    verdict.command.clear();
    if (!runs.has_load) verdict.exam = "roofline";
    verdict.reason = words_of_good(view, good, measured, is_void);
    for (const FailedShare& failure : failures) verdict.reason += "; " + failure.words;
    for (const std::string& aside : asides) verdict.reason += "; " + aside;
    if (!runs.good_kits.empty())
      verdict.reason += fmt::format("; kernels ran through the framework of {}", join(runs.good_kits, ", "));
    for (const std::string& absent : runs.absent_kits) verdict.reason += "; " + absent;
  } else if (!runs.targets.empty()) {
    // That another model runs says nothing of the one that the scenario asks about.
    verdict.reason = join(asides, "; ");
    if (!good.empty()) verdict.reason += fmt::format("; {} ran to the end", join(good, ", "));
  } else if (!runs.good_kits.empty()) {
    verdict.reason = fmt::format("kernels ran through the framework of {}; no model was run there",
                                 join(runs.good_kits, ", "));
    for (const std::string& absent : runs.absent_kits) verdict.reason += "; " + absent;
  } else if (!runs.absent_kits.empty()) {
    verdict.reason = join(runs.absent_kits, "; ");
  } else if (runs.fake > 0) {
    verdict.command.clear();
    verdict.reason = "only the program's own fake target was run, which shows nothing about a machine";
  }
  return verdict;
}

}  // namespace assay
