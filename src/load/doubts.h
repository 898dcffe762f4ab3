// What throws doubt on the numbers of a load trial, or voids them. Pure.
#pragma once

#include <vector>

#include "evidence/evidence.h"
#include "load/trial_view.h"

namespace assay {

struct LoadDoubts {
  std::vector<Finding> findings;
  bool is_void = false;  // the generator was late, or the target was lost: no number of the trial may be used
};

// `records`: what the trial's summary has made so far.
LoadDoubts doubts_of(const TrialView& view, const std::vector<Record>& records);

}  // namespace assay
