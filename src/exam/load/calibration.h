// Calibration: a burst that warms the target up and shows what it can do, so that the trial's rate can be a
// share of it.
#pragma once

#include <optional>
#include <vector>

#include "base/base.h"
#include "load/load.h"

namespace assay {

struct Calibration {
  size_t requests = 0;
  size_t ended_well = 0;
  double took_s = 0;      // until the last of those that count
  double rate_per_s = 0;  // requests per second; 0 if none ended well
};

// The rate at which the burst was worked off, up to the instant when nine tenths of it had ended: the tail,
// in which the target is no longer full, does not count. Slightly below what it can do with a steady queue.
Calibration calibration_of(const LoadResult& burst);

}  // namespace assay
