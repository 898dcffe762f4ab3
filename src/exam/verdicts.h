// Verdicts: requirements and the eight questions held against what the trials left. Pure.
#pragma once

#include <vector>

#include "evidence/evidence.h"
#include "scenario/scenario.h"

namespace assay {

struct Conclusions {
  std::vector<Verdict> verdicts;  // one a requirement, then one a question, 1 … 8
  std::vector<Record> records;    // derived over several trials: interference
  std::vector<Finding> findings;  // of the run as a whole
};

// Void and insufficient records are never used. A requirement is met if every record that its scope selects
// meets it; a scope that names no phase or no traffic class means the mix and all classes together.
Conclusions conclude(const DossierContent& content, const Scenario& scenario);

}  // namespace assay
