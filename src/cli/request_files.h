// The files that the single requests of a run are written to, beside its dossier: --samples, --csv, --export.
#pragma once

#include <span>
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

struct RequestFiles {
  std::string samples, csv;  // "": not wanted
  std::vector<LoadExport> exports;

  bool empty() const { return samples.empty() && csv.empty() && exports.empty(); }
};

// The rows of the three options; they live as long as the program.
std::span<const OptionSpec> request_file_options();

// A file that a command reads or writes beside those that its flags name.
struct OwnFile {
  std::string what;  // "the dossier"
  std::string path;
};

// Fails where a form of --export is unknown, a file cannot be written, two would be one, also with one of
// `own` and with those of the run in --out, or nothing could be in it. `report`: another file that is written
// beside them, of --output; "": none.
Result<RequestFiles> request_files_of(const ParsedOptions& options, const std::string& report = "",
                                      std::vector<OwnFile> own = {});

// Of every load trial that left requests; exports as write_exports has it, files that nobody named told on
// stderr. Overwrites. One that cannot be written keeps no other from it.
Result<void> write_request_files(Terminal& terminal, const Dossier& dossier, const RequestFiles& files);

}  // namespace assay
