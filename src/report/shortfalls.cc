// Why an evaluation does not end with exit code 0, in words: what its limits, its requirements or its trials
// lack.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "report/charts.h"
#include "report/model.h"
#include "report/report.h"
#include "report/values.h"

namespace assay {
namespace {

struct LimitName {
  const char* metric;
  const char* title;
};
constexpr LimitName kLimits[] = {{"ttft_ms", "TTFT"}, {"tpot_ms", "TPOT"}, {"e2e_ms", "E2E"}};

// "TTFT ≤ 500 ms (p90 is 812 ms) and TPOT ≤ 50 ms": the percentile is told that alone breaks the promise.
std::string limits_missed_text(const ClassResult& result, double required) {
  std::vector<std::string> parts;
  for (const LimitName& limit : kLimits) {
    const std::optional<double> most = slo_limit(result, limit.metric);
    if (!most) continue;
    std::string part = fmt::format("{} ≤ {} ms", limit.title, *most);
    const std::string percentile = fmt::format("p{:g}", required * 100);
    const Record* record = result.mix.find(fmt::format("{}_{}", limit.metric, percentile));
    if (record != nullptr && record->value && *record->value > *most)
      part += fmt::format(" ({} is {} ms)", percentile, value_text(*record).value);
    parts.push_back(std::move(part));
  }
  return join(parts, " and ");
}

// "random kept TTFT ≤ 500 ms in 85.0 % (79.6–89.1) of 200 requests, 90 % is wanted".
std::string missed_text(const ClassResult& result, const Record& attained, double required) {
  const ValueText text = value_text(attained);
  std::string out = fmt::format("{} kept {} in {} %{} of {}, {:g} % is wanted", result.name,
                                limits_missed_text(result, required), text.value,
                                text.interval.empty() ? "" : fmt::format(" ({})", text.interval),
                                counted(attained.n, "request"), required * 100);
  const Record* errors = result.mix.find("error_rate");
  if (errors != nullptr && errors->value && *errors->value > 0)
    out += fmt::format("; {} % failed", value_text(*errors).value);
  return out;
}

// The classes among what `verdict` rests on that kept their limits too seldom.
std::vector<std::string> missed_by_class(const Model& model, const Verdict& verdict) {
  std::vector<std::string> missed;
  for (const Serving& serving : model.servings) {
    for (const ClassResult& result : serving.classes) {
      const Record* attained = result.mix.find("slo_attainment");
      const std::optional<double> required = required_share(result);
      if (attained == nullptr || !attained->value || !required || *attained->value >= *required) continue;
      if (std::ranges::find(verdict.record_ids, attained->id) == verdict.record_ids.end()) continue;
      const std::string on = model.servings.size() > 1 ? fmt::format("on {} ", serving.label) : "";
      missed.push_back(on + missed_text(result, *attained, *required));
    }
  }
  return missed;
}

const Finding* gravest_of(const Model& model, int64_t trial_id) {
  for (const Finding* finding : model.findings) {
    if (finding->trial_id == trial_id && finding->severity != Severity::kNote) return finding;
  }
  return nullptr;
}

// " (load.target-lost)": the finding is told in full above.
std::string code_of(const Finding* finding) {
  return finding == nullptr ? "" : fmt::format(" ({})", finding->code);
}

std::vector<std::string> failed_trials(const Model& model) {
  std::vector<std::string> out;
  for (const Trial& trial : model.content->trials) {
    if (trial.state == TrialState::kFailed)
      out.push_back(fmt::format("{} failed{}", trial.name, code_of(gravest_of(model, trial.id))));
  }
  return out;
}

std::vector<std::string> trials_cut_short(const Model& model) {
  std::vector<std::string> out;
  for (const Finding* finding : model.findings) {
    if (!finding->evidence[kFallsShort].as_bool()) continue;
    const Trial* trial = model.trial(finding->trial_id);
    out.push_back(
        fmt::format("{} was not done whole{}", trial == nullptr ? "the run" : trial->name, code_of(finding)));
  }
  return out;
}

std::vector<std::string> void_results(const Model& model) {
  std::map<const Finding*, size_t> counts;
  for (const Record& record : model.content->records) {
    if (record.validity == Validity::kVoid) ++counts[model.doubt_about(record)];
  }
  std::vector<std::string> out;
  for (const auto& [finding, count] : counts)
    out.push_back(fmt::format("{} {} void{}", counted(static_cast<int64_t>(count), "number"),
                              count == 1 ? "is" : "are", code_of(finding)));
  return out;
}

}  // namespace

std::vector<std::string> shortfalls(const DossierContent& content, bool asks_by_questions) {
  const Result<Model> model = make_model(content, nullptr);
  CHECK(model.has_value());  // only reading samples can fail
  std::vector<std::string> out = failed_trials(*model);
  const bool has_failed = !out.empty();
  for (const Verdict& verdict : content.verdicts) {
    const bool is_requirement = verdict.requirement_id != 0;
    const bool is_short =
        is_requirement ? verdict.answer != Answer::kYes : asks_by_questions && verdict.answer == Answer::kNo;
    if (!is_short) continue;
    const std::vector<std::string> missed =
        is_requirement ? std::vector<std::string>() : missed_by_class(*model, verdict);
    out.insert(out.end(), missed.begin(), missed.end());
    // What failed is told; that a question has no answer better than no for it says nothing more.
    if (missed.empty() && (is_requirement || !has_failed || !verdict.record_ids.empty()))
      out.push_back(verdict.reason);
  }
  std::ranges::move(trials_cut_short(*model), std::back_inserter(out));
  std::ranges::move(void_results(*model), std::back_inserter(out));
  return out;
}

}  // namespace assay
