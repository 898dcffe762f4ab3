// A synthetic dossier with everything that a report can show: two devices, six classes, doubtful, void and
// insufficient values, findings, requirements. Its numbers are drawn, not measured. For the page's test and
// the renderer's benchmark.
#pragma once

#include <cstdint>
#include <string>

#include "base/base.h"

namespace assay {

struct SampleDossierOptions {
  uint32_t requests_per_class = 64;  // of the mix; a class alone has as many
  bool is_hostile = false;           // names and texts that try to be markup
  uint32_t chunks_per_request = 8;   // in the samples
  uint64_t seed = 1;
};

// Writes a new file at `path`.
Result<void> write_sample_dossier(const std::string& path, const SampleDossierOptions& options);

}  // namespace assay
