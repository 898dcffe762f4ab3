// Serving with exactly known timing.
#pragma once

#include "base/base.h"
#include "fake_engine/misbehaviour.h"

namespace assay {

// Serves on descriptor 3 until told to stop; returns the process's exit code. `sequences` requests are worked
// on at once, first come, first served; each takes prefill_us_per_token for every token of its prompt and
// tpot_ms from one token of output to the next. Stamps are the instants at which events were due, not those
// at which they were sent.
int serve_fake(const Json& job, Misbehaviour& misbehaviour);

}  // namespace assay
