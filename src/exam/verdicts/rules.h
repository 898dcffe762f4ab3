// The rules that answer questions from evidence, one a file, and the rule for requirements. A question
// without a rule is not examined, unless a requirement names it.
#pragma once

#include "exam/verdicts/view.h"

namespace assay {

// 1: does our software run on it? Yes if every trial of an engine or endpoint ended, and few of its requests
// failed.
Verdict judge_runs(const VerdictView& view, const Question& question);
// 2: is it fast enough under our mix? Yes if every traffic class with an SLO met it on every target.
Verdict judge_fast_enough(const VerdictView& view, const Question& question);
// Met if every record that the requirement's scope selects meets it.
Verdict judge_requirement(const VerdictView& view, const Requirement& requirement);

}  // namespace assay
