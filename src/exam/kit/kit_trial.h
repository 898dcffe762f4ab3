// A trial of a kit: what is run and what it is told, and the outcome of whatever it does.
#pragma once

#include <optional>
#include <string>

#include "base/base.h"
#include "exam/exam.h"
#include "target/target.h"

namespace assay {

// The trial of `exam` on a kit target, or nothing where its kit is for another exam. A file of the user's
// own is run for the roofline; the probe of a kit that assay brings is one of its own, too.
std::optional<Trial> plan_kit_trial(const char* exam, const TargetSpec& target);

// What is started for a trial, with the whole environment and what the kit is told in it. The error says that
// there is no such file.
Result<KitCommand> kit_command(const ExamContext& context, const Trial& trial, const TargetSpec& target);

// Runs the trial. Errors: interrupted.
Result<TrialOutcome> run_kit_trial(ExamContext& context, const Trial& trial, const TargetSpec& target);

}  // namespace assay
