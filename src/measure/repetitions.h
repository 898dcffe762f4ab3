// Repetitions: how often a kernel is timed, and what its time is. Repeats until the interval of the median is
// narrow enough or a limit is reached; whether it was reached is part of the result.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/estimate.h"

namespace assay {

struct RepetitionRule {
  double relative_half_width = 0.01;  // of the interval, as a share of the median
  double confidence = kConfidence;
  int64_t min_n = 7;  // six are needed for any interval of a median at 95 %
  int64_t max_n = 1000;
  double max_total_s = 2;  // summed over the repetitions
};

// Not thread-safe. Warm-up repetitions are the caller's business: what is added counts.
class Repetitions {
 public:
  explicit Repetitions(RepetitionRule rule) : rule_(rule) {}

  void add(double seconds);  // one repetition; not negative
  bool done()
      const;  // the interval is narrow enough, or a limit has been reached; never before one repetition

  // The median in seconds with its order-statistic interval. Unlike quantile_estimate it gives a value from
  // one repetition on, since one long kernel may be all that there is time for; the interval needs six at 95
  // %.
  Estimate median() const;
  // Half the interval as a share of the median; infinite without an interval.
  double relative_half_width() const;
  int64_t n() const { return static_cast<int64_t>(sorted_.size()); }

 private:
  RepetitionRule rule_;
  std::vector<double> sorted_;
  double total_s_ = 0;
};

}  // namespace assay
