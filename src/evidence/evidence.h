// The front door of evidence: records, their metrics, and the dossier that keeps them.
#pragma once

#include "evidence/calibration.h"  // IWYU pragma: export
#include "evidence/columns.h"      // IWYU pragma: export
#include "evidence/dossier.h"      // IWYU pragma: export
#include "evidence/metrics.h"      // IWYU pragma: export
#include "evidence/questions.h"    // IWYU pragma: export
#include "evidence/records.h"      // IWYU pragma: export
