// What a finished `assay load` shows and writes, however its dossier came about.
#pragma once

#include <string>

#include "cli/command.h"
#include "cli/request_files.h"
#include "evidence/evidence.h"

namespace assay {

struct LoadOutcome {
  const Dossier& dossier;
  const DossierContent& content;
  std::string report_path;
  std::string next_command;  // "assay run …", shown at the end
};
// The table or, with --json, the JSON to stdout; then the files of --samples, --csv and --export. Returns the
// exit code.
Result<int> show_load_result(CommandContext& context, const ParsedOptions& options, const RequestFiles& files,
                             const LoadOutcome& result);

}  // namespace assay
