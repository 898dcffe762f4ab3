// The front door of measure: what samples say and how far they can be trusted, in pure functions without
// I/O or clocks (docs/statistics.md states every method); what servers say of themselves; and the sensors
// that are read while others are measured, which alone touch files.
#pragma once

#include "measure/estimate.h"            // IWYU pragma: export
#include "measure/histogram.h"           // IWYU pragma: export
#include "measure/management/child.h"    // IWYU pragma: export
#include "measure/management/reading.h"  // IWYU pragma: export
#include "measure/management/worker.h"   // IWYU pragma: export
#include "measure/power.h"               // IWYU pragma: export
#include "measure/prometheus_text.h"     // IWYU pragma: export
#include "measure/repetitions.h"         // IWYU pragma: export
#include "measure/sequential_share.h"    // IWYU pragma: export
#include "measure/series.h"              // IWYU pragma: export
#include "measure/server_metrics.h"      // IWYU pragma: export
#include "measure/steady_window.h"       // IWYU pragma: export
