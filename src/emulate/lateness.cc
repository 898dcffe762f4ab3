// Buckets of the histogram; see lateness.h.
#include "emulate/lateness.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace assay {

size_t LatenessHistogram::bucket_of(uint64_t ns) {
  constexpr uint64_t kLinear = uint64_t{1} << kSplit;
  if (ns < kLinear) return ns;
  const int power = std::bit_width(ns) - 1;  // ≥ kSplit
  const uint64_t within = (ns >> (power - kSplit)) - kLinear;
  return (static_cast<size_t>(power - kSplit + 1) << kSplit) + within;
}

uint64_t LatenessHistogram::upper_edge(size_t bucket) {
  constexpr uint64_t kLinear = uint64_t{1} << kSplit;
  if (bucket < kLinear) return bucket;
  const auto shift = (bucket >> kSplit) - 1;
  const uint64_t within = (bucket & (kLinear - 1)) + kLinear;
  return ((within + 1) << shift) - 1;
}

void LatenessHistogram::add(Nanos lateness) {
  const Nanos late = std::max(lateness, Nanos());
  ++buckets_[bucket_of(static_cast<uint64_t>(late.count))];
  ++count_;
  sum_ns_ += static_cast<double>(late.count);
  maximum_ = std::max(maximum_, late);
}

Nanos LatenessHistogram::quantile(double p) const {
  if (count_ == 0) return {};
  const auto wanted =
      std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(p * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) return std::min(Nanos(static_cast<int64_t>(upper_edge(bucket))), maximum_);
  }
  return maximum_;
}

}  // namespace assay
