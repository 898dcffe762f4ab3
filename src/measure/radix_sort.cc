// From the least significant digit to the most (Knuth, TAOCP 3, §5.2.5, algorithm R), three digits of 11
// bits.
#include "measure/radix_sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace assay {
namespace {

constexpr int kDigitBits = 11;
constexpr size_t kDigits = 3, kValues = size_t{1} << kDigitBits;
constexpr size_t kFewValues = 4096;  // whose comparison costs less than three times the digits' counts

// Unsigned numbers in the order of the floats: IEEE 754 has them as sign and magnitude.
uint32_t key_of(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000U;
}

size_t digit(uint32_t key, size_t place) {
  return key >> (place * kDigitBits) & (kValues - 1);
}

}  // namespace

std::vector<float> sorted_copy(std::span<const float> values) {
  std::vector<float> sorted(values.begin(), values.end());
  if (values.size() < kFewValues) {
    std::ranges::sort(sorted);
    return sorted;
  }
  std::array<std::array<size_t, kValues>, kDigits> counts{};
  for (const float value : values) {
    const uint32_t key = key_of(value);
    for (size_t place = 0; place < kDigits; ++place) ++counts[place][digit(key, place)];
  }
  std::vector<float> other(values.size());
  for (size_t place = 0; place < kDigits; ++place) {
    std::array<size_t, kValues>& count = counts[place];
    if (count[digit(key_of(values.front()), place)] == values.size()) continue;  // all have the same digit
    size_t begin = 0;
    for (size_t& each : count) begin += std::exchange(each, begin);
    for (const float value : sorted) other[count[digit(key_of(value), place)]++] = value;
    sorted.swap(other);
  }
  return sorted;
}

}  // namespace assay
