// The parts of one load trial that several ranks ran, put together as if one client had sent it all.
#pragma once

#include <string>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "load/load.h"
#include "scenario/scenario.h"

namespace assay {

// The finished trial of one rank, as its dossier holds it.
struct RankTrial {
  std::string path;  // of the dossier
  RunInfo run;
  Trial trial;
  Subject subject;
  RankFacts facts;
  std::vector<Record> records;  // of the trial, as the following
  std::vector<Finding> findings;
  std::vector<Sample> samples;
};

// Reads the load trial of a rank's dossier. Fails if it is no rank's, or ended before it had sent anything.
Result<RankTrial> read_rank_trial(const std::string& path);

// A rank whose part is not there, and why, as people read it: "it ended before its dossier was complete".
struct MissingRank {
  uint32_t rank = 0;
  std::string host, why;
};

// Fails unless these are parts of one launch, each rank once. Sorts them by rank.
Result<void> check_same_launch(std::vector<RankTrial>& ranks);

// Every record anew from the union of the samples; of the instrument's own measures the worst rank's, and
// beside it each rank's (condition "rank"). A missing rank makes all of it doubtful (load.rank-lost), a rank
// that was late or whose stamps were wrong makes it void. `ranks` as check_same_launch leaves them; at least
// one.
Result<TrialOutcome> merged_outcome(const Scenario& scenario, const std::vector<RankTrial>& ranks,
                                    const std::vector<MissingRank>& missing);

}  // namespace assay
