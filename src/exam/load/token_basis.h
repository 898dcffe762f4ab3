// What the token counts of an endpoint trial rest on: how long prompts are, who counted the output, and
// whether answers had the lengths that the scenario asks for.
#pragma once

#include <string>
#include <vector>

#include "base/base.h"
#include "exam/exam.h"
#include "exam/load/token_check.h"
#include "load/load.h"
#include "workload/workload.h"

namespace assay {

inline constexpr const char* kTokenBasis = "load.token-basis";

struct TokenBasis {
  const std::vector<TrafficClass>& classes;
  const std::vector<RequestRow>& rows;  // of the trial
  const Json& conditions;               // prompts_cut_by, ignore_eos, usage_from_server
  TokenCheck check;                     // by the tokenizer, where there is one
};

// Adds the finding load.token-basis, where the trial's conditions are those of an endpoint. Output tokens
// that neither the server nor the tokenizer has counted are chunks, each of which may hold several: the
// finding is a doubt then, and what rests on them is doubtful.
void add_token_basis(const TokenBasis& basis, TrialOutcome& outcome);

// What the findings load.token-basis and load.tokens of a part of a trial tell for add_token_basis of the
// whole.
TokenCheck token_check_of(const std::vector<Finding>& findings);

}  // namespace assay
