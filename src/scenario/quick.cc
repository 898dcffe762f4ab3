// The same scenario, small: what `--quick` runs.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "catalogue/catalogue.h"
#include "scenario/scenario.h"

namespace assay {

namespace {

// Writing, loading and running a large model takes longer than a quick look may: the tiny shape of the same
// type, or of the mixture-of-experts kind, stands in for any other synthetic one, which
// TargetSpec::stands_in_for keeps: nothing that is measured is of the model that the scenario asks for.
std::string quick_model(const std::string& model) {
  constexpr std::string_view kPrefix = "synthetic:";
  const size_t type = model.rfind(':');
  if (!model.starts_with(kPrefix) || type <= kPrefix.size()) return model;
  const Result<const ModelShape*> shape =
      find_model_shape(model.substr(kPrefix.size(), type - kPrefix.size()));
  const char* stand_in = shape && (*shape)->experts > 0 ? "tiny-moe" : "tiny";
  return fmt::format("{}{}{}", kPrefix, stand_in, model.substr(type));
}

}  // namespace

Scenario quick(Scenario scenario) {
  for (TargetSpec& target : scenario.targets) {
    std::string model = quick_model(target.model);
    if (model != target.model) target.stands_in_for = std::exchange(target.model, std::move(model));
    // Room for a framework that is loaded from a cold disk, and compiles what it runs.
    target.kit.time_limit_s = std::min(target.kit.time_limit_s, 120.0);
    target.kit.silence_limit_s = std::min(target.kit.silence_limit_s, 60.0);
  }
  LoadSpec& load = scenario.load;
  load.requests_per_class = std::min(load.requests_per_class, 4U);
  load.max_duration_s = std::min(load.max_duration_s, 3.0);
  load.alone = false;
  if (load.capacity) load.capacity->max_duration_s = std::min(load.capacity->max_duration_s, 10.0);
  load.sweep.rates_per_s.resize(std::min<size_t>(load.sweep.rates_per_s.size(), 2));
  load.sweep.users.resize(std::min<size_t>(load.sweep.users.size(), 2));
  load.trace.limit = std::min(load.trace.limit, 20U);
  RooflineSpec& roofline = scenario.roofline;
  roofline.max_duration_s = std::min(roofline.max_duration_s, 1.2);
  roofline.relative_interval = std::max(roofline.relative_interval, 0.1);
  roofline.types.resize(std::min<size_t>(roofline.types.size(), 2));
  scenario.is_quick = true;
  return scenario;
}

}  // namespace assay
