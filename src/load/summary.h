// From the raw rows of a load trial to its records: latencies, rates and goodput of each traffic class and of
// all together, each with its interval, and the findings that say what the numbers are worth. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "load/driver.h"
#include "load/trial_view.h"
#include "load/window.h"
#include "workload/workload.h"

namespace assay {

struct LoadSummary {
  std::vector<Record> records;
  std::vector<Sample> samples;  // "requests" and "chunks", as docs/formats/dossier.md lays them out
  std::vector<Finding> findings;
  LoadWindow window;  // that the records are taken over
};

LoadSummary summarise_load(const LoadResult& result, const SummaryOptions& options);
// The same, for which the stamps of chunks leave `result`: they are gigabytes after a day, and not held
// twice.
LoadSummary summarise_and_release(LoadResult& result, const SummaryOptions& options);

}  // namespace assay
