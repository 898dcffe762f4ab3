// How the servers of one target did beside each other, and which of them spoils what all of them show
// together. Pure.
#pragma once

#include <vector>

#include "evidence/evidence.h"
#include "load/trial_view.h"

namespace assay {

// The note load.servers: requests of the window, failures and median TTFT of each server (E2E where none of
// its classes is streamed). And of replicas, which are the servers that the same classes go to, the doubt
// load.uneven-servers on each that
// - failed 5 % of its requests at least and the others together less, where that is no chance (Fisher's exact
//   test, one-sided; R. A. Fisher, Statistical Methods for Research Workers, §21.02), or
// - has a median of more than twice the best one's, and most of its latencies lie above the geometric mean of
//   both medians, most of the best one's below (Wilson's intervals).
// The chance of a false alarm is 1 % over all servers together (Bonferroni).
// Nothing of a target that is one server.
std::vector<Finding> server_findings(const TrialView& view);

}  // namespace assay
