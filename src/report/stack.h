// The stack of an endpoint as reports show it: what was declared beside what the server says of itself.
#pragma once

#include <string>
#include <vector>

#include "evidence/evidence.h"

namespace assay {

struct StackRow {
  std::string name;            // "engine", "kv_type"
  std::string declared, told;  // "" where one of the two says nothing
};

// Of an endpoint's details; engine and version first. Empty for another kind of subject, and where nothing is
// known.
std::vector<StackRow> stack_rows(const Subject& subject);
// "stack: vllm 0.11.0, fp8, tp=2, tuned by the vendor for 2 h", "stack undeclared" or "stack undeclared; the
// server calls itself vllm 0.11.0". "" for another kind of subject.
std::string stack_sentence(const Subject& subject);

}  // namespace assay
