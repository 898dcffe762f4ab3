// Flags of other load generators, with what is meant by them here.
#pragma once

#include <span>

#include "cli/command.h"

namespace assay {

// Of `vllm bench serve`, GuideLLM, AIPerf and k6, for `assay load`.
std::span<const ForeignFlag> foreign_load_flags();

}  // namespace assay
