// The dossiers of several ranks become one: at the end of a run under a launcher, or later by `assay load
// --merge`.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/load_outputs.h"
#include "cli/session.h"

namespace assay {

struct RankParts {
  std::vector<RankTrial> ranks;  // at least one
  std::vector<MissingRank> missing;
};

// Makes dossier, scenario and report in `folder`, shows the result and writes the files that were asked for.
// The exit code is 1 where a rank is missing.
Result<int> merge_into(CommandContext& context, const ParsedOptions& options, const RequestFiles& files,
                       const std::string& folder, RankParts parts);

// `assay load --merge DIR`.
Result<int> run_merge(CommandContext& context, const ParsedOptions& options);

}  // namespace assay
