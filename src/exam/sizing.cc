// Sizes models to devices; see sizing.h.
#include "exam/sizing.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

constexpr double kSlowGflopPerS = 25;
constexpr double kTolerance = 4;  // beyond it a trial could not be cut to fit and still say anything
constexpr double kAutoGflopPerToken = 2 * 0.1345;  // two operations a weight and token

// Tokens of the whole mix, prompts and answers; a trace's lengths are known only when it is read, so it
// counts nothing.
double mix_tokens(const LoadSpec& load) {
  double tokens = 0;
  for (const TrafficClass& traffic : load.classes) {
    tokens += load.requests_per_class * (traffic.prompt_tokens.mean() + traffic.output_tokens.mean());
  }
  return tokens;
}

// The speed is that of the short look at the devices which precedes every run: the roofline, which measures
// other types and larger sizes for longer, comes after the choice.
Finding sized_down(const Json& parameters) {
  Finding finding;
  finding.severity = Severity::kNote;
  finding.code = "model.sized-down";
  const std::string& dtype = parameters["matmul_dtype"].as_string();
  finding.text = fmt::format(
      "In the short look before the run the device multiplied {}matrices at {} GFLOP/s at best: at that speed the mix "
      "with {} would take {}, and a trial may take {}. It runs {} instead, two requests at once, only the mix and in "
      "shorter trials: what is measured is the device and the engine, not a model that anybody would use. The "
      "roofline measures other types and sizes, and later.",
      dtype.empty() ? "" : dtype + " ", format_number(parameters["matmul_gflop_per_s"].as_number()),
      parameters["sized_from"].as_string(), format_duration(parameters["predicted_s"].as_number()),
      format_duration(parameters["allowed_s"].as_number()), parameters["model"].as_string());
  finding.evidence = Json::object();
  for (const char* name : {"matmul_gflop_per_s", "matmul_dtype", "predicted_s", "allowed_s", "model"}) {
    if (parameters.find(name) != nullptr) finding.evidence.set(name, parameters[name]);
  }
  return finding;
}

Finding stand_in(const Json& parameters) {
  Finding finding;
  finding.severity = Severity::kDoubtful;
  finding.code = "model.stand-in";
  finding.text = fmt::format(
      "The scenario asks for {}. A quick look runs {} in its place, which is written and run in seconds: nothing here "
      "was measured of the model that was asked for. Without --quick it is run.",
      parameters["stands_in_for"].as_string(), parameters["model"].as_string());
  finding.evidence =
      Json::object().set("asked_for", parameters["stands_in_for"]).set("model", parameters["model"]);
  return finding;
}

}  // namespace

Sizing size_to_device(const std::string& model, const Json& device, const LoadSpec& load) {
  Sizing sizing{.model = model == "auto" ? kAutoModel : model};
  sizing.matmul_gflop_per_s = device["matmul_gflop_per_s"].as_number();
  sizing.matmul_dtype = device["matmul_dtype"].as_string();
  sizing.allowed_s = load.max_duration_s;
  if (model != "auto" || sizing.matmul_gflop_per_s <= 0) return sizing;
  sizing.predicted_s = mix_tokens(load) * kAutoGflopPerToken / sizing.matmul_gflop_per_s;
  sizing.is_sized_down =
      sizing.matmul_gflop_per_s < kSlowGflopPerS && sizing.predicted_s > kTolerance * sizing.allowed_s;
  if (sizing.is_sized_down) sizing.model = kSmallModel;
  return sizing;
}

void set_model(const TargetSpec& target, const Sizing& sizing, Json& parameters) {
  parameters.set("model", sizing.model);
  if (!target.stands_in_for.empty()) parameters.set("stands_in_for", target.stands_in_for);
  if (!sizing.is_sized_down) return;
  parameters.set("sized_from", kAutoModel);
  parameters.set("matmul_gflop_per_s", sizing.matmul_gflop_per_s);
  if (!sizing.matmul_dtype.empty()) parameters.set("matmul_dtype", sizing.matmul_dtype);
  parameters.set("predicted_s", sizing.predicted_s);
  parameters.set("allowed_s", sizing.allowed_s);
}

bool is_sized_down(const Trial& trial) {
  return trial.parameters["sized_from"].is_string();
}

std::string model_not_run(const Trial& trial) {
  const std::string& stood_in_for = trial.parameters["stands_in_for"].as_string();
  return stood_in_for.empty() ? trial.parameters["sized_from"].as_string() : stood_in_for;
}

void note_other_model(const Json& parameters, TrialOutcome& outcome) {
  if (parameters["sized_from"].is_string()) outcome.findings.push_back(sized_down(parameters));
  if (!parameters["stands_in_for"].is_string()) return;
  outcome.findings.push_back(stand_in(parameters));
  for (Record& record : outcome.records) {
    if (record.validity == Validity::kValid) record.validity = Validity::kDoubtful;
  }
}

}  // namespace assay
