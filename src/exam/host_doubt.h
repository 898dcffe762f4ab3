// What other work on the machine does to numbers of its devices.
#pragma once

#include "evidence/evidence.h"
#include "os/os.h"

namespace assay {

// Where other work took more than a tenth of our CPUs while a trial of a device of this machine ran, and
// little was left of them: makes what was measured doubtful, with a finding that says so (host.busy).
void doubt_beside_other_work(const OtherWork& other, TrialOutcome& outcome);

}  // namespace assay
