// What a finished `assay load` shows and writes, however its dossier came about.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "evidence/evidence.h"
#include "load/load.h"

namespace assay {

// One --export.
struct LoadExport {
  const ExportFormat* format;
  std::string path;
};
Result<std::vector<LoadExport>> exports_of(const ParsedOptions& options);

// Every file that will be written has a folder to go to.
Result<void> check_folders(const ParsedOptions& options, const std::vector<LoadExport>& exports);

struct LoadOutcome {
  const Dossier& dossier;
  const DossierContent& content;
  std::string report_path;
  std::string next_command;  // "assay run …", shown at the end
  Nanos wall_offset;         // CLOCK_REALTIME less the clock of the dossier's instants: says when it was
};
// The table or, with --json, the JSON to stdout; then the files of --samples, --csv and --export. Returns the
// exit code.
Result<int> show_load_result(CommandContext& context, const ParsedOptions& options,
                             const std::vector<LoadExport>& exports, const LoadOutcome& result);

}  // namespace assay
