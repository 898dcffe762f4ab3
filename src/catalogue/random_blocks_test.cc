// Random blocks read back as ggml's kernels read them: mean, deviation, and scales as different as a real
// model's.
#include "catalogue/random_blocks.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <set>

#include "catalogue/tensor_types.h"

namespace assay::random_blocks_test {

constexpr size_t kBlocks = 20'000;
constexpr double kDeviation = 0.04;

uint16_t half_bits(const std::byte* at) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return bits;
}

double half(const std::byte* at) {
  const uint16_t bits = half_bits(at);
  const double magnitude = (bits & 0x7c00) == 0 ? std::ldexp(bits & 0x3ff, -24)
                                                : std::ldexp(1024 + (bits & 0x3ff), ((bits >> 10) & 31) - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

// The values of one block, by the layouts of ggml-common.h.
std::vector<double> values_of(uint32_t type, const std::byte* block) {
  std::vector<double> values;
  const double d = half(block);
  if (type == 2 || type == 3) {  // q4_0: d·(q − 8); q4_1: d·q + m
    const std::byte* codes = block + (type == 2 ? 2 : 4);
    for (int i = 0; i < 32; ++i) {
      const int q = std::to_integer<int>(codes[i % 16]) >> (i < 16 ? 0 : 4) & 15;
      values.push_back(type == 2 ? d * (q - 8) : d * q + half(block + 2));
    }
  }
  if (type == 8) {  // q8_0: d·q
    for (int i = 0; i < 32; ++i) values.push_back(d * std::to_integer<int8_t>(block[2 + i]));
  }
  return values;
}

class RandomBlocks : public testing::TestWithParam<uint32_t> {};

TEST_P(RandomBlocks, HaveTheMeanAndDeviationThatWereAskedFor) {
  const std::vector<std::byte> bytes = make_random_blocks(GetParam(), kBlocks, kDeviation, Random(1, 2, 3));
  const size_t block_bytes = tensor_type(GetParam())->block_bytes;
  double sum = 0, squares = 0, n = 0;
  for (size_t at = 0; at < bytes.size(); at += block_bytes) {
    for (const double value : values_of(GetParam(), &bytes[at])) sum += value, squares += value * value, ++n;
  }
  ASSERT_EQ(n, 32 * kBlocks);
  EXPECT_NEAR(sum / n, 0, 0.02 * kDeviation);
  EXPECT_NEAR(std::sqrt(squares / n), kDeviation, 0.02 * kDeviation);
}

TEST_P(RandomBlocks, HaveScalesAsDifferentAsThoseOfARealModel) {
  const std::vector<std::byte> bytes = make_random_blocks(GetParam(), kBlocks, kDeviation, Random(1, 2, 3));
  std::set<uint16_t> scales;
  for (size_t at = 0; at < bytes.size(); at += tensor_type(GetParam())->block_bytes)
    scales.insert(half_bits(&bytes[at]) & 0x7fff);
  EXPECT_GT(scales.size(), 1000U);  // SmolLM2 135M Q4_1 has 2378
}

INSTANTIATE_TEST_SUITE_P(Types, RandomBlocks, testing::Values(2U, 3U, 8U));

}  // namespace assay::random_blocks_test
