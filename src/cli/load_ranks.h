// `assay load` as one of several ranks that mpirun, mpiexec or srun has started.
#pragma once

#include <string>

#include "cli/command.h"
#include "os/os.h"

namespace assay {

// Rank 0 chooses folder and traffic, shows the progress, waits for the dossiers of the others (bounded) and
// merges them; the others are quiet. All talk is over before the first request is sent.
Result<int> run_load_ranks(CommandContext& context, const ParsedOptions& options, const LauncherPlace& place);

// What makes no sense as one of several ranks: the error on rank 0, exit code 2 without a word on the others.
Result<int> refuse_ranks(const LauncherPlace& place, const std::string& command, const std::string& why);

}  // namespace assay
