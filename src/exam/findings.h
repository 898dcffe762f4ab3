// Findings that more than one exam makes: of errors, and of targets and workers that ended before their work
// was done.
#pragma once

#include <string>

#include "base/base.h"
#include "evidence/evidence.h"
#include "target/target.h"

namespace assay {

Finding make_finding(Severity severity, std::string code, std::string text, Json evidence = Json::object());

// The outcome of a trial that `finding` ends: failed, with its text.
void fail_outcome(Finding finding, TrialOutcome& outcome);

// exam.failed: what stopped a trial before its target was even tried, in one line.
Finding failed_exam_finding(const Error& error);

// stack.launch-failed: a server that the scenario launches was not there to be tried.
Finding failed_launch_finding(const Error& error);

// A blocker with the code of the cause: engine.worker-died, engine.worker-hung, load.target-lost …
Finding end_finding(EndCause cause, const Error& error, Json evidence = Json::object());

// The same for a target that was lost or did not open, with what is known of its end.
Finding lost_target_finding(const Error& error, const TargetEnd& end);

}  // namespace assay
