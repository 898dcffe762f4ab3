// Lays out the trials of the load exam; see trial_plan.h.
#include "exam/load/trial_plan.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "exam/sizing.h"

namespace assay {
namespace {

// `phase` is "mix", "alone" (of the class `only`), "sweep" or "capacity".
Trial planned_trial(const Scenario& scenario, const TargetSpec& target, const Json& device,
                    const std::string& phase, const std::string& what, const std::string& only = "") {
  Trial trial;
  trial.exam = "load";
  trial.target = target.name;
  trial.name = fmt::format("load {} on {}", what, target.name);
  Json classes = Json::array();
  for (const TrafficClass& each : scenario.load.classes) {
    if (only.empty() || each.name == only) classes.push(each.name);
  }
  trial.parameters.set("phase", phase);
  if (!only.empty()) trial.parameters.set("traffic_class", only);
  trial.parameters.set("classes", std::move(classes));
  if (target.is_on_device()) {
    trial.parameters.set("device", target.device);
    set_model(target, size_to_device(target.model, device, scenario.load), trial.parameters);
  }
  if (target.urls.size() == 1) trial.parameters.set("url", target.url());
  if (target.urls.size() > 1) {
    Json urls = Json::array();
    for (const std::string& url : target.urls) urls.push(url);
    trial.parameters.set("urls", std::move(urls));
  }
  return trial;
}

}  // namespace

std::vector<Trial> plan_load_trials(const Scenario& scenario, const TargetSpec& target, const Json& device) {
  if (!target.takes_traffic()) return {};
  const LoadSpec& load = scenario.load;
  const Trial mix = planned_trial(scenario, target, device, "mix", "mix");
  std::vector<Trial> trials;
  if (load.mix) trials.push_back(mix);
  // A trace tells no classes apart.
  const bool is_trace = load.arrivals.kind == Arrivals::Kind::kTrace || !load.trace.path.empty();
  if (load.mix && load.alone && load.classes.size() > 1 && !is_trace && !is_sized_down(mix)) {
    for (const TrafficClass& each : load.classes)
      trials.push_back(planned_trial(scenario, target, device, "alone", each.name + " alone", each.name));
  }
  for (const double rate : load.sweep.rates_per_s) {
    trials.push_back(planned_trial(scenario, target, device, "sweep", fmt::format("at {} arrivals/s", rate)));
    trials.back().parameters.set("sweep_rate_per_s", rate);
  }
  for (const uint32_t users : load.sweep.users) {
    trials.push_back(planned_trial(scenario, target, device, "sweep", "with " + counted(users, "user")));
    trials.back().parameters.set("sweep_users", users);
  }
  if (load.capacity) trials.push_back(planned_trial(scenario, target, device, "capacity", "capacity"));
  return trials;
}

}  // namespace assay
