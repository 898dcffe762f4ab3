// Variables of the environment that a scenario gives to a program: a server that is launched, a kit.
#pragma once

#include <vector>

#include "scenario/reader.h"
#include "scenario/scenario.h"

namespace assay {

// A table of NAME = "value", or NAME = true to pass assay's own value on, which is never stored. A value that
// looks like a secret is refused.
void read_variables(Reader& reader, const TomlMember& member, std::vector<StackVariable>& out);

}  // namespace assay
