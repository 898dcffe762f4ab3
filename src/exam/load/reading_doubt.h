// What late reading does to latencies.
#pragma once

#include <vector>

#include "evidence/evidence.h"
#include "load/load.h"

namespace assay {

// The kernel stamps the last of the chunks that are read together, so that a load generator which reads late
// takes those before it for later than they came. Where that is often and long against what was measured, it
// says so (load.read-late) and marks TTFT, TTFO and chunk gaps of `outcome` doubtful, those with failures as
// infinite too. Chunks that a server sends in one write are read together, too, but at once: they raise no
// doubt. Nothing where the target's own records (receive_lag_ms_p99, coalesced_share) are missing or void.
void doubt_late_reading(TrialOutcome& outcome);

// The same of a search for capacity, whose trials are judged by `tiers`: what matters is how long the
// lateness is against their limits.
void doubt_late_reading(TrialOutcome& outcome, const std::vector<SloTier>& tiers);

}  // namespace assay
