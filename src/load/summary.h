// From the raw rows of a load trial to its records: latencies, rates and goodput of each traffic class and of
// all together, each with its interval, and the findings that say what the numbers are worth. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "load/driver.h"
#include "load/window.h"
#include "workload/workload.h"

namespace assay {

struct SummaryOptions {
  std::vector<TrafficClass> classes;
  Json conditions;                 // flat; go into every record
  Json rate_conditions;            // flat; go into the offered rate: how the rate came about
  double send_lag_budget_ms = 10;  // of the dispatch lag's p99.9; above it the trial is void
  uint32_t wanted_per_class = 64;
  uint64_t seed = 1;  // of the bootstrap
};

struct LoadSummary {
  std::vector<Record> records;
  std::vector<Sample> samples;  // "requests" and "chunks", as docs/formats/dossier.md lays them out
  std::vector<Finding> findings;
};

// Whether a request ended well within every limit that applies to it. A limit on the time per output token
// does not apply to answers of one token.
bool is_good(const RequestRow& row, const Slo& slo);

LoadSummary summarise_load(const LoadResult& result, const SummaryOptions& options);

}  // namespace assay
