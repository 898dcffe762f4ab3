// What a rank of several load generators leaves beside its samples.
#pragma once

#include "base/base.h"
#include "evidence/evidence.h"
#include "load/load.h"

namespace assay {

// Members "rank" and "ranks": what is measured here is a part.
void set_rank_conditions(const PlanShare& share, Json& conditions);

// Adds the artifact rank.json, the record clock_offset_ms, and the note load.rank-share.
void add_rank_evidence(const RankFacts& facts, TrialOutcome& outcome);

// The rank's clock against rank 0's, as a record: its interval is sure as long as the clocks run alike.
Record clock_offset_record(const RankFacts& facts, const Json& conditions);

}  // namespace assay
