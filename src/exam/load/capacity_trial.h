// The search for capacity as a load trial: what the scenario asks for as a search, and what the search found
// as records.
#pragma once

#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "exam/exam.h"
#include "exam/load/traffic.h"
#include "load/load.h"

namespace assay {

struct CapacityStart {
  double rate_per_s = 1;  // requests per second, to begin with
  double response_s = 1;  // how long an answer took so far
  RequestId first_id = 1;
};

struct CapacityEvidence {
  std::vector<Record> records;
  std::vector<Finding> findings;
  CapacityResult result;  // its end: lost, interrupted
};

// Marks doubtful what a search found: capacity, and the attainment that it rests on.
void doubt_search(std::vector<Record>& records);

// The tiers of the search: the classes' own limits, where any has one, and those of load.capacity.
std::vector<SloTier> capacity_tiers(const LoadSpec& load);

// Searches on the open `target`; the scenario has a load.capacity. Records: capacity_per_s of each tier, with
// the interval that the search ended with, and of every trial its offered rate, its throughput and the
// attainment of each class in each tier; of all trials that decide, dispatch lag and CPU time of the load
// generator. `conditions` go into all of them.
CapacityEvidence search_for_capacity(ExamContext& context, Target& target, const TrialTraffic& traffic,
                                     const Json& conditions, const CapacityStart& start);

}  // namespace assay
