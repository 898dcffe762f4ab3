// The result files of other load generators, written from a run of assay so that dashboards made for them go
// on working. docs/formats/exports.md says, metric by metric, what stands in them.
//
// A further one is a file of its own and a row in exports.cc; flag, help and errors come from the row.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"

namespace assay {

struct ExportTrial;

struct ExportFormat {
  const char* name;   // "vllm": what the flag calls it
  const char* title;  // the file as its tool calls it
  // One trial, by the tool's own definitions and marked as written by assay. Overwrites `path`.
  Result<void> (*write)(const ExportTrial& trial, const std::string& path);
};

std::span<const ExportFormat> export_formats();
const ExportFormat* find_export_format(std::string_view name);

// Writes the load trials of the mix and of a sweep that left requests, and says into which files: the mix
// into `path`, each point of a sweep, and of several targets each, into one beside it ("bench-rate-4.json").
// Fails if no such trial left requests, or a file cannot be written.
Result<std::vector<std::string>> write_exports(const Dossier& dossier, const ExportFormat& format,
                                               const std::string& path);

}  // namespace assay
