// The front door of measure: what samples say and how far they can be trusted. Pure functions, no I/O, no
// clocks; docs/statistics.md states every method.
#pragma once

#include "measure/estimate.h"          // IWYU pragma: export
#include "measure/histogram.h"         // IWYU pragma: export
#include "measure/repetitions.h"       // IWYU pragma: export
#include "measure/sequential_share.h"  // IWYU pragma: export
#include "measure/series.h"            // IWYU pragma: export
#include "measure/steady_window.h"     // IWYU pragma: export
