// AIPerf's profile_export_aiperf.json and profile_export.jsonl: a row of the export formats.
#pragma once

#include "load/exports/exports.h"

namespace assay {

// Names, units and definitions are AIPerf 0.13's (schema 1.4). A path that ends in .jsonl gets the requests,
// a line each; any other the summary. Nothing is left out as warm-up.
Result<void> write_aiperf_file(const ExportTrial& trial, const std::string& path);

}  // namespace assay
