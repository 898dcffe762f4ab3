// Question 1: does our software run on it?
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "exam/sizing.h"
#include "exam/verdicts/rules.h"
#include "load/load.h"

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

std::string trials_text(size_t count) {
  return counted(static_cast<int64_t>(count), "trial");
}

// A trial that ran to its end may have had many a request that did not.
struct FailedShare {
  std::string words;  // "111 of 200 requests failed (load mix on X)"
  bool is_most = false;
  int64_t record_id = 0;
};
std::vector<FailedShare> failed_shares(const VerdictView& view) {
  constexpr double kTold = 0.05, kMost = 0.5;
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
    found.push_back(
        {.words = fmt::format("{} of {} failed ({})", failed, counted(record.n, "request"), trial->name),
         .is_most = *record.value > kMost,
         .record_id = record.id});
  }
  return found;
}

}  // namespace

Verdict judge_runs(const VerdictView& view, const Question& question) {
  std::map<std::string, bool> targets;        // by name: every trial is done
  std::map<std::string, std::string> others;  // by target: what it ran instead of the model that was meant
  bool has_stand_in = false;
  const Trial* failed = nullptr;
  const Trial* untried = nullptr;
  std::vector<std::string> empty;  // names of trials
  size_t done = 0, is_void = 0, fake = 0, not_tried = 0;
  for (const Trial& trial : view.content().trials) {
    if (!runs_an_engine(trial)) continue;
    if (view.is_fake(trial)) {
      ++fake;
      continue;
    }
    const bool is_done = trial.state == TrialState::kDone;
    const bool is_empty = is_done && left_no_number(view, trial);
    if (is_empty) empty.push_back(trial.name);
    done += is_done && !is_empty ? 1 : 0;
    is_void += is_done && view.is_void(trial) ? 1 : 0;
    targets.try_emplace(trial.target, true).first->second &= is_done;
    if (trial.state == TrialState::kFailed) {
      const Trial*& first = view.was_not_tried(trial) ? untried : failed;
      if (first == nullptr) first = &trial;
      not_tried += view.was_not_tried(trial) ? 1 : 0;
    }
    const std::string not_run = model_not_run(trial);
    if (not_run.empty()) continue;
    has_stand_in |= !is_sized_down(trial);
    others[trial.target] =
        fmt::format("{} ran {} in place of {}", trial.target, trial.parameters["model"].as_string(), not_run);
  }
  const int64_t stopped = std::ranges::count_if(view.content().findings, [](const Finding& finding) {
    return finding.evidence[kFallsShort].as_bool();
  });
  const std::vector<FailedShare> failures = failed_shares(view);
  const auto mostly_failed = std::ranges::find_if(failures, &FailedShare::is_most);
  std::vector<std::string> good, unfinished;
  for (const auto& [name, all_done] : targets) (all_done ? good : unfinished).push_back(name);
  std::vector<std::string> in_place;
  const std::string nothing_from = empty.empty() ? "" : fmt::format("{} measured nothing", join(empty, ", "));
  for (const auto& [name, words] : others) in_place.push_back(words);

  Verdict verdict = view.not_examined(question, "");
  if (failed != nullptr) {
    verdict.answer = Answer::kNo;
    verdict.exam = failed->exam;
    verdict.command.clear();
    verdict.reason = view.about_failure(*failed);
  } else if (mostly_failed != failures.end()) {
    verdict.answer = Answer::kNo;
    verdict.command.clear();
    verdict.reason = mostly_failed->words;
    verdict.record_ids.push_back(mostly_failed->record_id);
  } else if ((has_stand_in || (!others.empty() && others.size() == targets.size())) && unfinished.empty()) {
    // That another model runs says nothing of the one that the scenario asks about.
    verdict.reason = join(in_place, "; ");
  } else if (!targets.empty() && unfinished.empty() && done == 0) {
    verdict.reason = nothing_from;
  } else if (!targets.empty() && unfinished.empty()) {
    verdict.answer = Answer::kYes;
    verdict.command.clear();
    verdict.reason = fmt::format("{} ran to the end on {}", trials_text(done), join(good, ", "));
    if (is_void == done && is_void > 0) verdict.reason += "; what was measured is void";
    if (is_void < done && is_void > 0)
      verdict.reason += fmt::format("; what {} of them measured is void", is_void);
    if (stopped > 0)
      verdict.reason += fmt::format("; {} stopped early by {} user", counted(stopped, "was", "were"),
                                    stopped == 1 ? "its" : "their");
    if (!empty.empty()) verdict.reason += "; " + nothing_from;
    for (const FailedShare& failure : failures) verdict.reason += "; " + failure.words;
    if (!in_place.empty()) verdict.reason += "; " + join(in_place, "; ");
  } else if (untried != nullptr) {
    verdict.reason =
        fmt::format("{} not tried: {}", counted(static_cast<int64_t>(not_tried), "trial was", "trials were"),
                    view.about_failure(*untried));
    if (!good.empty()) verdict.reason += fmt::format("; {} ran to the end", join(good, ", "));
  } else if (!targets.empty()) {
    verdict.reason = fmt::format("unfinished on {}", join(unfinished, ", "));
  } else if (fake > 0) {
    verdict.command.clear();
    verdict.reason = "only the program's own fake target was run, which shows nothing about a machine";
  }
  return verdict;
}

}  // namespace assay
