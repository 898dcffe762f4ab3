// Radix selection: the values' most significant digits are counted, which tells the digit of each wanted
// rank; then the next digit of those values that have it, to the last. Three digits of 11 bits.
#include "measure/rank_select.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/base.h"

namespace assay {
namespace {

constexpr int kDigitBits = 11, kDigits = 3;
constexpr uint32_t kDigitValues = uint32_t{1} << kDigitBits;

// Unsigned numbers in the order of the floats: IEEE 754 has them as sign and magnitude.
uint32_t key_of(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000U;
}

float value_of(uint32_t key) {
  return std::bit_cast<float>(key >> 31 != 0 ? key & 0x7fffffffU : ~key);
}

uint32_t digit(uint32_t key, int place) {
  return key >> (place * kDigitBits) & (kDigitValues - 1);
}

// Of the values that begin with the same digits: how often each next digit occurs, and where those go on
// that begin so far as a wanted value does.
struct Branch {
  std::array<size_t, kDigitValues> counts{};
  std::array<uint32_t, kDigitValues> next{};  // 0: nobody wants it, as the root follows on nothing
};

// A wanted rank on its way to its value.
struct Search {
  size_t rank;  // among the values of its branch
  uint32_t branch = 0;
  uint32_t key = 0;  // the digits found
};

void take_digit(Search& search, const Branch& branch) {
  uint32_t value = 0;
  while (search.rank > branch.counts[value]) search.rank -= branch.counts[value++];
  search.key = search.key << kDigitBits | value;
}

}  // namespace

std::vector<float> values_at_ranks(std::span<const float> values, std::span<const size_t> ranks) {
  std::vector<Search> searches;
  for (const size_t rank : ranks) {
    CHECK(rank >= 1 && rank <= values.size());
    searches.push_back({.rank = rank});
  }
  if (searches.empty()) return {};
  std::vector<Branch> branches(1);
  for (int place = kDigits - 1;; --place) {
    for (const float value : values) {
      const uint32_t key = key_of(value);
      uint32_t at = 0;
      bool is_wanted = true;
      for (int above = kDigits - 1; above > place && is_wanted; --above) {
        at = branches[at].next[digit(key, above)];
        is_wanted = at != 0;
      }
      if (is_wanted) ++branches[at].counts[digit(key, place)];
    }
    for (Search& search : searches) take_digit(search, branches[search.branch]);
    if (place == 0) break;
    for (Search& search : searches) {
      const uint32_t value = search.key & (kDigitValues - 1);
      if (branches[search.branch].next[value] == 0) {
        branches[search.branch].next[value] = static_cast<uint32_t>(branches.size());
        branches.emplace_back();
      }
      search.branch = branches[search.branch].next[value];
    }
  }
  std::vector<float> found;
  for (const Search& search : searches) found.push_back(value_of(search.key));
  return found;
}

}  // namespace assay
