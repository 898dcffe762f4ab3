// The front door of catalogue: what is known of models before any engine sees them (GGUF files as they
// describe themselves, the shapes of known architectures, synthetic models of those shapes), what is claimed
// of chips, and what vendors' software stacks consist of.
#pragma once

#include "catalogue/chips.h"         // IWYU pragma: export
#include "catalogue/gguf.h"          // IWYU pragma: export
#include "catalogue/models.h"        // IWYU pragma: export
#include "catalogue/profiles.h"      // IWYU pragma: export
#include "catalogue/shapes.h"        // IWYU pragma: export
#include "catalogue/synthetic.h"     // IWYU pragma: export
#include "catalogue/tensor_types.h"  // IWYU pragma: export
