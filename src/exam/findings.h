// Findings that more than one exam makes: of errors, and of targets and workers that ended before their work
// was done.
#pragma once

#include <string>

#include "base/base.h"
#include "evidence/evidence.h"
#include "target/target.h"

namespace assay {

// Codes of what ends a trial before any work was tried: such a trial says nothing about its target.
inline constexpr const char* kExamFailed = "exam.failed";
inline constexpr const char* kNotReached = "load.not-reached";
// Member of the evidence of a kNotReached, true: a trial before, of the same call of the program, had reached
// the target. It was lost, which says something.
inline constexpr const char* kWasReachedBefore = "was_reached_before";

// Code of the note that a trial was ended early by its user.
inline constexpr const char* kStopped = "load.stopped";

Finding make_finding(Severity severity, std::string code, std::string text, Json evidence = Json::object());

// The outcome of a trial that `finding` ends: failed, with its text.
void fail_outcome(Finding finding, TrialOutcome& outcome);

// kExamFailed: what stopped a trial before its target was even tried, in one line.
Finding failed_exam_finding(const Error& error);

// stack.launch-failed: a server that the scenario launches was started and did not become ready.
Finding failed_launch_finding(const Error& error);

// A blocker with the code of the cause: engine.worker-died, load.target-lost, kNotReached …
Finding end_finding(EndCause cause, const Error& error, Json evidence = Json::object());

// The same for a target that was lost or did not open, with what is known of its end.
Finding lost_target_finding(const Error& error, const TargetEnd& end);

}  // namespace assay
