// Interference: how much a traffic class suffers from the others on the same target.
#pragma once

#include <vector>

#include "evidence/evidence.h"

namespace assay {

// For each class that was measured in the mix and alone on one target: its median TTFT in the mix over that
// alone, E2E where answers come at once (interference), and the same of its TPOT (tpot_interference). The
// interval is that of the two medians' ratio at its widest, its confidence by Bonferroni. Condition "target"
// names the target. Where one of the medians rests on too few samples, the record does, too. Over trials,
// hence from the whole dossier; ids stay 0.
std::vector<Record> interference_records(const DossierContent& content);

}  // namespace assay
