// The requests of a run's load trials, one by one, as files for other programs. docs/formats/samples.md is
// their contract.
#pragma once

#include <string>

#include "base/base.h"
#include "evidence/evidence.h"

namespace assay {

// One JSON line a request of every load trial; instants in nanoseconds of
// CLOCK_MONOTONIC. Overwrites `path`.
Result<void> write_samples_jsonl(const Dossier& dossier, const std::string& path);
// The same as a table for spreadsheets, one row a request, without the single chunks.
Result<void> write_samples_csv(const Dossier& dossier, const std::string& path);

}  // namespace assay
