// Serial dependence: how much less a series knows than as many independent samples would. Pure and
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace assay {

// A series of zeros and ones, a bit each: as long as a load has events it lies beside them.
class BitSeries {
 public:
  void reserve(size_t size) { words_.reserve(size / 64 + 1); }
  void push_back(bool is_one) {
    if (size_ % 64 == 0) words_.push_back(0);
    words_.back() |= uint64_t{is_one} << size_ % 64;
    ++size_;
  }
  size_t size() const { return size_; }
  // The first in the lowest bit of the first; what stands behind the last is zero.
  std::span<const uint64_t> words() const { return words_; }

 private:
  std::vector<uint64_t> words_;
  size_t size_ = 0;
};

// n divided by the integrated autocorrelation time τ = 1 + 2·Σρ_k, summed over pairs of lags while they are
// positive (Geyer 1992, initial positive sequence) and never beyond half the series. Between 1 and n:
// negative dependence is not counted in anybody's favour.
double effective_sample_size(std::span<const double> series);
double effective_sample_size(const BitSeries& series);

// The mean block length for the stationary bootstrap of a mean (Politis and White 2004, corrected by Patton,
// Politis and White 2009); at least 1, at most ⌈min(3√n, n/3)⌉.
double bootstrap_block_length(std::span<const double> series);

}  // namespace assay
