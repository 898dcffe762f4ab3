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

}  // namespace

Sizing size_to_device(const std::string& model, const Json& device, const LoadSpec& load) {
  Sizing sizing{.model = model == "auto" ? kAutoModel : model};
  sizing.matmul_gflop_per_s = device["matmul_gflop_per_s"].as_number();
  sizing.allowed_s = load.max_duration_s;
  if (model != "auto" || sizing.matmul_gflop_per_s <= 0) return sizing;
  sizing.predicted_s = mix_tokens(load) * kAutoGflopPerToken / sizing.matmul_gflop_per_s;
  sizing.is_sized_down =
      sizing.matmul_gflop_per_s < kSlowGflopPerS && sizing.predicted_s > kTolerance * sizing.allowed_s;
  if (sizing.is_sized_down) sizing.model = kSmallModel;
  return sizing;
}

void set_sizing(const Sizing& sizing, Json& parameters) {
  parameters.set("model", sizing.model);
  if (!sizing.is_sized_down) return;
  parameters.set("sized_from", kAutoModel);
  parameters.set("matmul_gflop_per_s", sizing.matmul_gflop_per_s);
  parameters.set("predicted_s", sizing.predicted_s);
  parameters.set("allowed_s", sizing.allowed_s);
}

bool is_sized_down(const Trial& trial) {
  return trial.parameters["sized_from"].is_string();
}

std::optional<Finding> sizing_finding(const Json& parameters) {
  if (!parameters["sized_from"].is_string()) return std::nullopt;
  Finding finding;
  finding.severity = Severity::kNote;
  finding.code = "model.sized-down";
  finding.text = fmt::format(
      "The device multiplies matrices at {} GFLOP/s: the mix with {} would take {}, and a trial may take {}. "
      "It runs {} instead, two requests at once, only the mix and in trials a fifth as long: what is measured is "
      "the device and the engine, not a model that anybody would use.",
      format_number(parameters["matmul_gflop_per_s"].as_number()), parameters["sized_from"].as_string(),
      format_duration(parameters["predicted_s"].as_number()),
      format_duration(parameters["allowed_s"].as_number()), parameters["model"].as_string());
  finding.evidence = Json::object();
  for (const char* name : {"matmul_gflop_per_s", "predicted_s", "allowed_s", "model"}) {
    finding.evidence.set(name, parameters[name]);
  }
  return finding;
}

}  // namespace assay
