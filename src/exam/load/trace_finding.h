// What a trace gave a trial and what of it is estimated, as a note beside the numbers.
#pragma once

#include "evidence/evidence.h"
#include "scenario/scenario.h"

namespace assay {

Finding trace_finding(const Trace& trace, const TraceSpec& spec);

}  // namespace assay
