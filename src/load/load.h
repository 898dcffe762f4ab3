// The front door of load: sends a plan to a target open-loop and keeps what came back, and turns the raw rows
// into records.
#pragma once

#include "load/calibration/calibration_run.h"  // IWYU pragma: export
#include "load/capacity/capacity.h"            // IWYU pragma: export
#include "load/driver.h"                       // IWYU pragma: export
#include "load/exports/exports.h"              // IWYU pragma: export
#include "load/ranks/rank_facts.h"             // IWYU pragma: export
#include "load/ranks/rank_merge.h"             // IWYU pragma: export
#include "load/ranks/rank_start.h"             // IWYU pragma: export
#include "load/samples_file.h"                 // IWYU pragma: export
#include "load/summary.h"                      // IWYU pragma: export
#include "load/token_counts.h"                 // IWYU pragma: export
#include "load/trial_view.h"                   // IWYU pragma: export
