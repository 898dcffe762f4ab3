// The parts that several ranks sent of one plan, put together as if one client had sent them all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "load/driver.h"
#include "load/ranks/rank_facts.h"

namespace assay {

struct RankPart {
  RankFacts facts;
  LoadResult result;  // instants relative to the rank's own start
};

// The samples "requests" and "chunks" of a load trial as rows again, with what `facts` keep beside them.
// Foreign: sizes, indices below `classes` and `servers`, and instants are checked. `where` names the dossier
// in errors.
Result<LoadResult> load_result_of(const std::vector<Sample>& samples, const RankFacts& facts, size_t classes,
                                  size_t servers, const std::string& where);

struct MergedLoad {
  LoadResult result;           // instants relative to the agreed start; rows by their scheduled instant
  std::vector<int64_t> ranks;  // of each row
};

// Instants go over to rank 0's clock by each rank's offset. The client's CPU time is that of the busiest
// rank. At least one part. Pure.
MergedLoad merge_parts(const std::vector<RankPart>& parts);

}  // namespace assay
