// What follows from kernel measurements: the best of each kind, the theoretical bound, the share of it that
// was reached, and what the engine makes of it. Pure but for the clock's measurement, which is handed in.
#pragma once

#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "exam/probe/cpu.h"

namespace assay {

// Sets the condition "best" on the highest matmul rate of each dtype and the highest bandwidth from memory
// (from a cache where no working set was larger).
void mark_best(std::vector<Record>& records);

// Adds, for a CPU: a bound for each dtype that was measured, the efficiency against it, and a finding where a
// measurement exceeds its bound. `cores` used, `clock_ghz` measured; 0 adds nothing.
void add_cpu_bounds(const CpuInfo& cpu, int64_t cores, double clock_ghz, TrialOutcome& outcome);

// engine_efficiency of every measured prefill and decode speed of a subject against the best kernels of the
// same subject: over trials, hence from the whole dossier. Ids stay 0.
std::vector<Record> engine_efficiency_records(const DossierContent& content);

}  // namespace assay
