// What is declared of a stack held against what the server says of itself.
#pragma once

#include <string_view>
#include <vector>

#include "exam/exam.h"

namespace assay {

// True if the two name the same engine or version as people write them: "llama.cpp" and "llamacpp", "v0.6.3"
// and "0.6.3", "0.6.3" and "0.6.3+cu124", "b4567" and "b4567-1a2b3c4d". Pure.
bool is_same_engine(std::string_view declared, std::string_view told);
bool is_same_version(std::string_view declared, std::string_view told);

// stack.undeclared (a note) without a declaration, and stack.contradiction (a doubt) for an engine or a
// version that the server itself names differently. `told`: conditions of the open target, with
// "server_engine" and "server_version" as far as they are known.
std::vector<Finding> stack_findings(const StackSpec& declared, const Json& told);

}  // namespace assay
