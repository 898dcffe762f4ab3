// Verdicts: requirements and the eight questions held against what the trials left. Pure.
#pragma once

#include <vector>

#include "evidence/evidence.h"
#include "scenario/scenario.h"

namespace assay {

// One verdict a requirement, then one a question, 1 … 8. `content` holds what was derived over trials too.
// Void and insufficient records are never used. A requirement is met if every record that its scope selects
// meets it; a scope that names no phase or no traffic class means the mix and all classes together.
std::vector<Verdict> conclude(const DossierContent& content, const Scenario& scenario);

}  // namespace assay
