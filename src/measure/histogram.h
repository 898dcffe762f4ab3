// Histogram: counts of non-negative integers in buckets a thirty-second of their size, in constant memory:
// for what happens too often to be kept one by one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace assay {

// One thread only. Adding takes a few nanoseconds and no memory.
class Histogram {
 public:
  void add(int64_t value);  // below 0 counts as 0

  int64_t count() const { return count_; }
  int64_t max() const { return max_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  // The smallest bucket's upper end below which a share p of the values lies: at most 1/32 too large, never
  // too small, and never above the maximum. Nothing without values.
  std::optional<int64_t> quantile(double p) const;

 private:
  static constexpr int kBits = 5;  // sub-buckets of an octave, as a power of two
  static size_t bucket_of(uint64_t value);
  static int64_t upper_end(size_t bucket);

  std::array<uint64_t, (64 - kBits) << kBits> counts_{};
  int64_t count_ = 0, max_ = 0;
  double sum_ = 0;
};

}  // namespace assay
