// From the JSON lines of a worker's job to the outcome of a trial. A worker is foreign code: what it says is
// checked against the metric table, and how it ends is evidence.
#pragma once

#include <string>
#include <vector>

#include "base/base.h"
#include "exam/exam.h"

namespace assay {

// Runs `job` and adds to `outcome` what it tells: records with intervals, raw repetitions, findings,
// diagnostics. A worker that fails, dies or hangs makes the outcome kFailed with a finding; what it told
// before stays. Errors: interrupted.
Result<void> run_evidence_job(ExamContext& context, const Json& job, double limit_s, TrialOutcome& outcome);

// One line of type "record"; the error says what is wrong with it. `seed`: of the bootstrap of its interval.
Result<Record> read_record_line(const Json& line, uint64_t seed);

}  // namespace assay
