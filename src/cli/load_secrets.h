// The files and variables that `assay load` takes keys and certificates from.
#pragma once

#include "cli/command.h"

namespace assay {

// They are there and hold something. Without them nothing could be sent, so it is said before a run begins.
// Errors name the flag; nothing that is read is kept.
Result<void> check_secrets(const CliEnvironment& environment, const ParsedOptions& options);

}  // namespace assay
