// Log-linear buckets; see histogram.h.
#include "measure/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace assay {

// Values below 2^(bits + 1) have a bucket each; from there on an octave has 2^bits of them.
size_t Histogram::bucket_of(uint64_t value) {
  constexpr uint64_t kLinear = uint64_t{2} << kBits;
  if (value < kLinear) return static_cast<size_t>(value);
  const int shift = std::bit_width(value) - (kBits + 1);
  return (static_cast<size_t>(shift) << kBits) + static_cast<size_t>(value >> shift);
}

int64_t Histogram::upper_end(size_t bucket) {
  constexpr size_t kLinear = size_t{2} << kBits;
  if (bucket < kLinear) return static_cast<int64_t>(bucket);
  const size_t shift = (bucket >> kBits) - 1;
  const uint64_t lead = bucket - (shift << kBits);
  return static_cast<int64_t>(((lead + 1) << shift) - 1);
}

void Histogram::add(int64_t value) {
  value = std::max<int64_t>(0, value);
  ++counts_[bucket_of(static_cast<uint64_t>(value))];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

std::optional<int64_t> Histogram::quantile(double p) const {
  if (count_ == 0) return std::nullopt;
  const auto wanted =
      std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(p * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted) return std::min(max_, upper_end(i));
  }
  return max_;
}

}  // namespace assay
