// Whose kernels a record is of: a roofline may hold those of the engine's own library and those of the
// vendor's, which a kit has called, side by side on one device, and what is told of a kernel then tells whose
// it is.
#pragma once

#include <string>
#include <vector>

#include "evidence/evidence.h"

namespace assay {

// "cuBLAS through PyTorch 2.1.0+corex", "ggml"; "" where the record does not say.
std::string kernels_of(const Record& record);
// The same where a chart has little room: "cuBLAS", "PyTorch".
std::string short_kernels_of(const Record& record);
// Some record of the subject comes from a kit: only then is it worth naming whose kernels each is.
bool has_kit(const DossierContent& content, int64_t subject_id);
// Of the records, each once, in their order: "41 of ggml, 16 of oneDNN through PyTorch 2.13.0".
std::string counted_by_source(const std::vector<const Record*>& records);

}  // namespace assay
