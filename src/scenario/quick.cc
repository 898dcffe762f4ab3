// The same scenario, small: what `--quick` runs.
#include <algorithm>

#include "scenario/scenario.h"

namespace assay {

Scenario quick(Scenario scenario) {
  LoadSpec& load = scenario.load;
  load.requests_per_class = std::min(load.requests_per_class, 4U);
  load.max_duration_s = std::min(load.max_duration_s, 3.0);
  load.alone = false;
  load.trace.limit = std::min(load.trace.limit, 20U);
  RooflineSpec& roofline = scenario.roofline;
  roofline.max_duration_s = std::min(roofline.max_duration_s, 2.0);
  roofline.relative_interval = std::max(roofline.relative_interval, 0.1);
  roofline.types.resize(std::min<size_t>(roofline.types.size(), 2));
  scenario.is_quick = true;
  return scenario;
}

}  // namespace assay
