// The raw samples of a load trial, as columns for the dossier: what SampleRows reads again. Pure.
#pragma once

#include <vector>

#include "evidence/evidence.h"
#include "load/trial_view.h"

namespace assay {

// "requests", "chunks" and "clock", as docs/formats/dossier.md lays them out.
std::vector<Sample> sample_columns(const TrialView& view, Columns chunks);
// The columns of "chunks".
Columns chunk_columns(const LoadResult& result);
// The same, for which the stamps leave `result`.
Columns release_chunk_columns(LoadResult& result);

}  // namespace assay
