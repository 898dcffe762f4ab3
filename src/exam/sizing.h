// Sizing: which model `auto` means on a device, from its measured speed and the traffic that is planned; and
// what is said where a trial ran another model than the scenario asks for. Pure.
#pragma once

#include <string>

#include "base/base.h"
#include "evidence/evidence.h"
#include "scenario/scenario.h"

namespace assay {

// What stands for `auto`: the real language model, and the shape that takes its place on a device too slow
// for it.
inline constexpr const char* kAutoModel = "smollm2-135m";
inline constexpr const char* kSmallModel = "synthetic:tiny:f16";

// How a device is used that runs the smaller model. A step of many tokens would keep every other request
// waiting for seconds; where the device is software it compiles kernels of its own for every number of rows
// up to eight, some for half a minute, hence few sequences at once, and steps that hold both prompts whole;
// and trials of every class would take longer than those of all other devices and say nothing more.
inline constexpr uint32_t kSlowBatchTokens = 256;
inline constexpr uint32_t kSlowSequences = 2;
inline constexpr double kSlowDurationShare = 0.2;  // of a trial's time

struct Sizing {
  std::string model;  // never "auto"
  bool is_sized_down = false;
  double matmul_gflop_per_s = 0;  // as the probe measured it; 0: unknown
  std::string matmul_dtype;       // of the matrices that it multiplied; "": unknown
  double predicted_s = 0;         // for the mix with the real model; 0: not predicted
  double allowed_s = 0;
};

// A model that the scenario names is taken as it is. `auto` is the real model unless the device's measured
// speed is below 25 GFLOP/s and predicts that the mix would take more than four times load.max_duration_s.
// `device`: its probe JSON.
Sizing size_to_device(const std::string& model, const Json& device, const LoadSpec& load);

// How a trial's parameters carry the choice of a model from plan to run: the flat members "model" and, if it
// was sized down, "sized_from", "matmul_gflop_per_s", "matmul_dtype", "predicted_s" and "allowed_s"; if it
// stands in for the scenario's in a quick look, "stands_in_for".
void set_model(const TargetSpec& target, const Sizing& sizing, Json& parameters);
bool is_sized_down(const Trial& trial);
// The model that the trial ought to have run and did not; "" if it ran that.
std::string model_not_run(const Trial& trial);
// Adds model.sized-down with its numbers, or model.stand-in, if the parameters say so. What a trial with a
// stand-in has measured is doubtful: it is of another model than the scenario asks about.
void note_other_model(const Json& parameters, TrialOutcome& outcome);

}  // namespace assay
