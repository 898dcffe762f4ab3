// What throws doubt on the numbers of a load trial, or voids them. Pure.
#pragma once

#include <vector>

#include "evidence/evidence.h"
#include "load/trial_view.h"

namespace assay {

struct LoadDoubts {
  std::vector<Finding> findings;
  // The generator was late, its stamps are wrong, or the target was lost: no number of the trial may be used.
  bool is_void = false;
  bool are_rates_doubtful = false;  // of what ended: the window is short against the answers
};

// `records`: what the trial's summary has made so far.
LoadDoubts doubts_of(const TrialView& view, const std::vector<Record>& records);

}  // namespace assay
