// `assay load --calibrate`, and what later runs take from it.
#pragma once

#include <optional>

#include "cli/command.h"
#include "evidence/evidence.h"

namespace assay {

// Measures, prints the table and keeps it in the cache folder. The options are checked already. Exit code 1
// if a shape is void; where all are, the calibration that was there before stays.
Result<int> run_calibrate(CommandContext& context, const ParsedOptions& options);

// The calibration that was made with this program on this kernel and processor. Any other, and a file that
// cannot be read, counts as none.
std::optional<InstrumentCalibration> calibration_here(const CliEnvironment& environment);

}  // namespace assay
