// The front door of base: errors, checks, units, text, randomness, JSON and TOML documents. No I/O, no
// clocks.
#pragma once

#include "base/check.h"       // IWYU pragma: export
#include "base/embedded.h"    // IWYU pragma: export
#include "base/format.h"      // IWYU pragma: export
#include "base/json.h"        // IWYU pragma: export
#include "base/prefetch.h"    // IWYU pragma: export
#include "base/random.h"      // IWYU pragma: export
#include "base/result.h"      // IWYU pragma: export
#include "base/slot_table.h"  // IWYU pragma: export
#include "base/text.h"        // IWYU pragma: export
#include "base/toml.h"        // IWYU pragma: export
#include "base/units.h"       // IWYU pragma: export
