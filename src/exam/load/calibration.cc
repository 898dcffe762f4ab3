// What a burst shows; see calibration.h.
#include "exam/load/calibration.h"

#include <algorithm>

namespace assay {

Calibration calibration_of(const LoadResult& burst) {
  Calibration calibration;
  calibration.requests = burst.rows.size();
  std::vector<Nanos> ends;
  Nanos start = kNever;
  for (const RequestRow& row : burst.rows) {
    start = std::min(start, row.scheduled);
    if (row.failure == FailureCause::kNone) ends.push_back(row.end);
  }
  calibration.ended_well = ends.size();
  if (ends.empty()) return calibration;
  std::ranges::sort(ends);
  const size_t counted = (9 * ends.size() + 9) / 10;
  calibration.took_s = std::max(seconds(ends[counted - 1] - start), 1e-9);
  calibration.rate_per_s = static_cast<double>(counted) / calibration.took_s;
  return calibration;
}

}  // namespace assay
