// What a server's prefix cache does to times to first token.
#pragma once

#include "evidence/evidence.h"
#include "exam/load/traffic.h"

namespace assay {

// Texts that were sent before, by an earlier run with the same seed, lie in the prefix cache of a server that
// was not restarted. Where the server itself tells (server_prefix_hit_rate) that half of the prompts' tokens
// came from there though the requests of `traffic` share none, latencies up to the first token, and all that
// follows from them, are of a warm cache: says so (load.warm-cache) and marks them doubtful.
void doubt_warm_cache(const TrialTraffic& traffic, TrialOutcome& outcome);

}  // namespace assay
