// GuideLLM's benchmarks.json (metadata version 2): a row of the export formats.
#pragma once

#include "load/exports/exports.h"

namespace assay {

// Names, units and definitions are GuideLLM 0.8's. Every request is in it: nothing is left out as warm-up.
Result<void> write_guidellm_file(const ExportTrial& trial, const std::string& path);

}  // namespace assay
