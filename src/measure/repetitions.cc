// When a kernel has been timed often enough; see repetitions.h.
#include "measure/repetitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/base.h"
#include "measure/order_statistics.h"

namespace assay {

void Repetitions::add(double seconds) {
  CHECK(seconds >= 0);
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), seconds), seconds);
  total_s_ += seconds;
}

bool Repetitions::done() const {
  if (sorted_.empty()) return false;
  if (n() >= rule_.max_n || total_s_ >= rule_.max_total_s) return true;
  return n() >= rule_.min_n && relative_half_width() <= rule_.relative_half_width;
}

Estimate Repetitions::median() const {
  Estimate estimate;
  estimate.n = n();
  estimate.method = fmt::format("median of {} repetitions, interval by order statistics", n());
  if (sorted_.empty()) {
    estimate.insufficient = true;
    return estimate;
  }
  estimate.value = sorted_quantile(sorted_, 0.5);
  const OrderInterval interval = order_interval(n(), static_cast<double>(n()), 0.5, rule_.confidence);
  if (interval.low_rank && interval.high_rank) {
    estimate.low = sorted_[static_cast<size_t>(*interval.low_rank - 1)];
    estimate.high = sorted_[static_cast<size_t>(*interval.high_rank - 1)];
    estimate.confidence = rule_.confidence;
  }
  return estimate;
}

double Repetitions::relative_half_width() const {
  const Estimate estimate = median();
  if (!estimate.low || !estimate.high) return std::numeric_limits<double>::infinity();
  if (*estimate.high == *estimate.low) return 0;
  return (*estimate.high - *estimate.low) / 2 / *estimate.value;
}

}  // namespace assay
