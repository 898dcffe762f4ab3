// The result files of other load generators, written from a run of assay so that dashboards made for them go
// on working. docs/formats/exports.md says, metric by metric, what stands in them.
//
// A further one is a file of its own and a row in exports.cc; flag, help and errors come from the row.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/base.h"
#include "evidence/evidence.h"

namespace assay {

struct ExportFormat {
  const char* name;   // "vllm": what the flag calls it
  const char* title;  // the file as its tool calls it
  // Of the first load trial of the mix, by the tool's own definitions and marked as written by assay.
  // Overwrites `path`. Fails if no such trial left requests, or the file cannot be written.
  Result<void> (*write)(const Dossier& dossier, const std::string& path);
};

std::span<const ExportFormat> export_formats();
const ExportFormat* find_export_format(std::string_view name);

}  // namespace assay
