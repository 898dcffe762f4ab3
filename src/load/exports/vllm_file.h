// The result file of `vllm bench serve --save-result --save-detailed`: a row of the export formats.
#pragma once

#include "load/exports/exports.h"

namespace assay {

// All names and definitions are vLLM's (bench serve 0.32): times to first token and latencies count from the
// send, the time before it stands in queue_times, and nothing is left out as warm-up. The member "assay" says
// who wrote the file and that the dossier holds the latencies from the due instant.
Result<void> write_vllm_file(const ExportTrial& trial, const std::string& path);

}  // namespace assay
