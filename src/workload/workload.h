// The front door of workload: traffic, plans, requests, and the frames in which they travel.
#pragma once

#include "workload/engine_limits.h"    // IWYU pragma: export
#include "workload/plan_source.h"      // IWYU pragma: export
#include "workload/prompt_cutter.h"    // IWYU pragma: export
#include "workload/request.h"          // IWYU pragma: export
#include "workload/request_options.h"  // IWYU pragma: export
#include "workload/text_list.h"        // IWYU pragma: export
#include "workload/traffic.h"          // IWYU pragma: export
#include "workload/wire.h"             // IWYU pragma: export
