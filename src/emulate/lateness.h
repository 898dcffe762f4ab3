// Lateness: how much later than due events were sent, as a histogram that costs a few nanoseconds an event.
#pragma once

#include <array>
#include <cstdint>

#include "base/base.h"

namespace assay {

// Buckets are 1/32 of a power of two wide, so a quantile is at most 3.2 % too high, and never too low. Early
// events count as 0.
class LatenessHistogram {
 public:
  void add(Nanos lateness);
  uint64_t count() const { return count_; }
  Nanos maximum() const { return maximum_; }
  double mean_ns() const { return count_ == 0 ? 0 : sum_ns_ / static_cast<double>(count_); }
  // The upper edge of the bucket that holds the quantile, at most the maximum; 0 without events.
  Nanos quantile(double p) const;

 private:
  static constexpr int kSplit = 5;  // 2^5 buckets a power of two
  static constexpr size_t kBuckets = (64 - kSplit) << kSplit;
  static size_t bucket_of(uint64_t ns);
  static uint64_t upper_edge(size_t bucket);

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  double sum_ns_ = 0;
  Nanos maximum_{};
};

}  // namespace assay
