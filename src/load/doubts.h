// What throws doubt on the numbers of a load trial, or voids them. Pure.
#pragma once

#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "load/trial_view.h"

namespace assay {

// A rate that is known to be too low: the window began when nothing was under way, and until the first
// answers ended, less ended than came.
struct LowRate {
  std::string metric, traffic_class;
  double share = 0;  // of the true rate, about: what is missing
};

struct LoadDoubts {
  std::vector<Finding> findings;
  // The generator was late, its stamps are wrong, or the target was lost: no number of the trial may be used.
  bool is_void = false;
  std::vector<LowRate> low_rates;
  // Requests waited for connections of the generator's own: what counts from their scheduled instants, and
  // every rate, is as much its doing as the target's.
  bool are_waits_its_own = false;
};

// `records`: what the trial's summary has made so far.
LoadDoubts doubts_of(const TrialView& view, const std::vector<Record>& records);

}  // namespace assay
