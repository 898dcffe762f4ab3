// Which trials the load exam runs for a target.
#pragma once

#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "scenario/scenario.h"

namespace assay {

// The mix, each class alone, the points of a sweep and the search for capacity, in this order, as far as the
// scenario asks for them. A class is alone only beside a mix of several that no trace prescribes, on a device
// that runs the scenario's own model. `device` is the host's row of a device target, else null. The caller
// sets ids.
std::vector<Trial> plan_load_trials(const Scenario& scenario, const TargetSpec& target, const Json& device);

}  // namespace assay
