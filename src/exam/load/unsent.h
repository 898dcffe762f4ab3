// Why requests of a plan were not sent.
#pragma once

#include <optional>

#include "evidence/evidence.h"
#include "load/load.h"

namespace assay {

// What tells that some of `wanted` requests have no row in `result`, and why: their sessions had ended, or
// the time of a trial. Nothing where all were sent, where the target was lost, and where its user stopped it:
// other findings say so.
std::optional<Finding> unsent_finding(const LoadResult& result, uint32_t wanted, double max_duration_s);

}  // namespace assay
