// Sentences: what a chart or section says, in words, made from the records that it shows.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "measure/measure.h"
#include "report/charts.h"
#include "report/html_sections.h"
#include "report/values.h"

namespace assay {
namespace {

std::string listed(const std::vector<std::string>& names) {
  if (names.size() < 2) return names.empty() ? "" : names[0];
  return fmt::format("{} and {}", join(std::span(names).first(names.size() - 1), ", "), names.back());
}

// Whether the table beside it shows a median: a sentence must not say more than that.
bool has_median(const ClassResult& result, const std::string& metric) {
  const Record* record = result.mix.find(metric + "_p50");
  return record != nullptr && record->value.has_value();
}

// The smallest x at which the curve has reached `share`, or nothing if it never does.
std::optional<double> quantile(const Curve& curve, double share) {
  const auto found = std::lower_bound(curve.share.begin(), curve.share.end(), share);
  if (found == curve.share.end()) return std::nullopt;
  return curve.x[static_cast<size_t>(found - curve.share.begin())];
}

std::string thing_of(const std::string& metric) {
  if (metric == "ttft_ms") return "of first tokens come within";
  return metric == "tpot_ms" ? "of requests get a token every" : "of requests end within";
}

}  // namespace

// Only an interval that lies on one side of the required share decides.
std::string attainment_sentence(const Model& model) {
  std::vector<std::string> parts;
  for (const Serving& serving : model.servings) {
    std::vector<std::string> kept, missed, open;
    for (const ClassResult& result : serving.classes) {
      const Record* record = result.mix.find("slo_attainment");
      const std::optional<double> required = required_share(result);
      if (record == nullptr || !record->value || !required || record->validity == Validity::kVoid) continue;
      const bool is_kept = record->ci_low.value_or(*record->value) >= *required;
      const bool is_missed = record->ci_high.value_or(*record->value) < *required &&
                             is_share_missed(*record->value, record->n, *required);
      (is_kept ? kept : is_missed ? missed : open).push_back(result.name);
    }
    std::vector<std::string> words;
    if (!kept.empty())
      words.push_back(fmt::format("{} {} limits often enough", listed(kept),
                                  kept.size() == 1 ? "keeps its" : "keep their"));
    if (!missed.empty())
      words.push_back(fmt::format("{} {} not", listed(missed), missed.size() == 1 ? "does" : "do"));
    if (kept.empty() && open.empty() && !missed.empty()) words = {"no class keeps its limits often enough"};
    if (missed.empty() && open.empty() && !kept.empty())
      words = {"every class keeps its limits often enough"};
    if (kept.empty() && missed.empty() && !open.empty())
      words = {"it cannot be told from so few requests whether the limits are kept"};
    else if (kept.empty() && !missed.empty() && !open.empty())
      words = {fmt::format("{} {} too many limits", listed(missed), missed.size() == 1 ? "misses" : "miss")};
    const bool is_mixed = !open.empty() && kept.size() + missed.size() > 0;
    if (is_mixed) words.push_back(fmt::format("of {} it cannot be told", listed(open)));
    if (!words.empty()) parts.push_back(fmt::format("on {} {}", serving.label, join(words, ", ")));
  }
  const bool has_any = std::ranges::any_of(model.servings, [](const Serving& serving) {
    return std::ranges::any_of(serving.classes, [](const ClassResult& each) { return has_limits(each); });
  });
  if (parts.empty())
    return has_any ? "Whether the classes keep their limits is unknown" : "No class has limits to keep";
  std::string out = join(parts, "; ");
  out[0] = 'O';
  return out;
}

std::string curve_sentence(const Model& model, const std::string& traffic_class, const std::string& metric) {
  std::vector<std::string> parts, few;
  for (const Serving& serving : model.servings) {
    const ClassResult* result = find_class(serving, traffic_class);
    if (result == nullptr) continue;
    for (const Curve& curve : result->curves) {
      if (curve.metric != metric || curve.phase != "mix") continue;
      const std::optional<double> middle = quantile(curve, 0.5);
      const std::string target = model.servings.size() > 1 ? " on " + serving.label : "";
      if (middle && !has_median(*result, metric)) {
        few.push_back(counted(curve.n, "request") + target);
        continue;
      }
      parts.push_back(middle ? fmt::format("{}{}", format_duration(*middle / 1000), target)
                             : fmt::format("no known time{}", target));
    }
  }
  if (parts.empty() && few.empty())
    return fmt::format("{} of {} is unknown", metric_title(metric + "_p50"), traffic_class);
  if (parts.empty()) return fmt::format("Too few for a median: {}", listed(few));
  const std::string half = fmt::format("Half {} {}", thing_of(metric), listed(parts));
  return few.empty() ? half : fmt::format("{}; too few for a median: {}", half, listed(few));
}

std::string trials_sentence(const Model& model) {
  int64_t done = 0, failed = 0, skipped = 0, open = 0;
  for (const Trial& trial : model.content->trials) {
    done += trial.state == TrialState::kDone;
    failed += trial.state == TrialState::kFailed;
    skipped += trial.state == TrialState::kSkipped;
    open += trial.state == TrialState::kPlanned || trial.state == TrialState::kRunning;
  }
  const auto total = static_cast<int64_t>(model.content->trials.size());
  if (total == 0) return "No trial was planned.";
  std::set<int64_t> void_trials;
  for (const Record& record : model.content->records) {
    if (record.validity == Validity::kVoid) void_trials.insert(record.trial_id);
  }
  std::string out = done < total ? fmt::format("{} of {} ran to the end", done, counted(total, "trial"))
                    : total == 1 ? std::string("The one trial ran to the end")
                                 : fmt::format("All {} trials ran to the end", total);
  if (!void_trials.empty()) out += fmt::format(", {} of them void", void_trials.size());
  if (failed > 0) out += fmt::format(", {} failed", failed);
  if (skipped > 0) out += fmt::format(", {} skipped", counted(skipped, "was", "were"));
  if (open > 0) out += fmt::format(", {} not run", counted(open, "was", "were"));
  return out + ".";
}

}  // namespace assay
