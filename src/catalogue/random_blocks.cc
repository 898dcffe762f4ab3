// How each block type is filled; layouts follow ggml-common.h. The codes are random bytes, then the scales
// are put in.
#include "catalogue/random_blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "catalogue/tensor_types.h"

namespace assay {
namespace {

void put_half(std::byte* at, double value) {
  const uint16_t bits = half_from_float(static_cast<float>(value));
  std::memcpy(at, &bits, sizeof bits);
}

// The standard deviation of the integers 0 … n − 1, each as likely as the others.
double deviation_of_codes(double n) {
  return std::sqrt((n * n - 1) / 12);
}

// d·(q − centre), q of n codes: d alone.
void put_scale(std::byte* block, size_t at, double deviation, double codes) {
  put_half(block + at, deviation / deviation_of_codes(codes));
}

// d·q + m: both, d first.
void put_scale_and_minimum(std::byte* block, double deviation, double codes) {
  const double d = deviation / deviation_of_codes(codes);
  put_half(block, d);
  put_half(block + 2, -d * (codes - 1) / 2);
}

// q4_K and q5_K: d·s·q − dmin·m with 6-bit s and m for 8 groups, all 16 here.
void put_super_scales(std::byte* block, double deviation, double codes) {
  constexpr double kScale = 16;
  const double d = deviation / deviation_of_codes(codes) / kScale;
  put_half(block, d);
  put_half(block + 2, d * (codes - 1) / 2);
  std::memset(block + 4, 0x50, 8);   // low six bits: 16; the upper two: the high bits of a later group's 16
  std::memset(block + 12, 0x00, 4);  // the low four bits of the later groups' 16
}

void put_q2_K(std::byte* block, double deviation) {
  constexpr double kScale = 8;
  const double d = deviation / deviation_of_codes(4) / kScale;
  std::memset(block, 0x88, 16);
  put_half(block + 80, d);
  put_half(block + 82, d * 1.5);
}

void put_q3_K(std::byte* block, double deviation) {
  constexpr double kScale = 16;  // stored as 48 = 32 + 16: low four bits 0, high two bits 3
  std::memset(block + 96, 0x00, 8);
  std::memset(block + 104, 0xff, 4);
  put_half(block + 108, deviation / deviation_of_codes(8) / kScale);
}

void put_q6_K(std::byte* block, double deviation) {
  constexpr int kScale = 8;
  std::memset(block + 192, kScale, 16);
  put_half(block + 208, deviation / deviation_of_codes(64) / kScale);
}

// The root mean square of iq4_nl's 16 values (−127, −104, … 113).
constexpr double kIq4Deviation = 67.44;

// Codes of types without a minimum are not centred on 0 (−8 … 7): a sign a block, from one of its random
// bytes, takes the mean away. Else it would grow from layer to layer, and every text would end in the same
// token and the same experts.
double with_random_sign(const std::byte* block, double deviation) {
  return std::to_integer<int>(block[16]) & 1 ? -deviation : deviation;
}

void put_scales(uint32_t type, std::byte* block, double deviation) {
  const double either = with_random_sign(block, deviation);
  switch (type) {
    case 2:
      return put_scale(block, 0, either, 16);
    case 3:
      return put_scale_and_minimum(block, deviation, 16);
    case 6:
      return put_scale(block, 0, either, 32);
    case 7:
      return put_scale_and_minimum(block, deviation, 32);
    case 8:
      return put_scale(block, 0, either, 256);
    case 10:
      return put_q2_K(block, deviation);
    case 11:
      return put_q3_K(block, either);
    case 12:
      return put_super_scales(block, deviation, 16);
    case 13:
      return put_super_scales(block, deviation, 32);
    case 14:
      return put_q6_K(block, either);
    case 20:
      return put_half(block, either / kIq4Deviation);
    default:
      CHECK(false);
  }
}

// Uniform in ±√3·deviation.
float random_float(Random& random, double deviation) {
  return static_cast<float>((random.uniform() * 2 - 1) * std::sqrt(3.0) * deviation);
}

void fill_floats(uint32_t type, std::vector<std::byte>& bytes, double deviation, Random& random) {
  const size_t width = type == 0 ? 4 : 2;
  for (size_t at = 0; at + width <= bytes.size(); at += width) {
    const float value = random_float(random, deviation);
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    if (type == 0) std::memcpy(&bytes[at], &value, 4);
    if (type == 1) put_half(&bytes[at], value);
    if (type == 30) {
      const auto upper = static_cast<uint16_t>(bits >> 16);
      std::memcpy(&bytes[at], &upper, 2);
    }
  }
}

// Scales must differ as those of real models do, where a matrix has thousands: kernels look half-precision
// scales up in a table of 256 KiB, and with two scales in all decoding was measured 1.5 times as fast as with
// a real model's. Lognormal, with a mean square of 1.
double scale_factor(Random& random) {
  constexpr double kSpread = 0.3;
  return std::exp(kSpread * random.normal() - kSpread * kSpread);
}

bool is_float(uint32_t type) {
  return type == 0 || type == 1 || type == 30;
}

}  // namespace

uint16_t half_from_float(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (magnitude >= 65520.0f) return sign | 0x7c00;
  if (magnitude < 6.103515625e-5f) {  // below the smallest normal half: a multiple of 2⁻²⁴
    return sign | static_cast<uint16_t>(std::nearbyint(magnitude * 16777216.0f));
  }
  const uint32_t rounded = (bits & 0x7fffffff) + 0xfff + ((bits >> 13) & 1);
  return sign | static_cast<uint16_t>((rounded - (112u << 23)) >> 13);
}

bool can_make_random_blocks(uint32_t type) {
  constexpr uint32_t kKnown[] = {0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 20, 30};
  for (const uint32_t known : kKnown) {
    if (type == known) return true;
  }
  return false;
}

std::vector<std::byte> make_random_blocks(uint32_t type, size_t blocks, double deviation, Random random) {
  CHECK(can_make_random_blocks(type));
  const TensorType& layout = *tensor_type(type);
  std::vector<std::byte> bytes(blocks * layout.block_bytes);
  if (is_float(type)) {
    fill_floats(type, bytes, deviation, random);
    return bytes;
  }
  for (size_t at = 0; at < bytes.size(); at += sizeof(uint64_t)) {
    const uint64_t word = random.next();
    std::memcpy(&bytes[at], &word, std::min(sizeof word, bytes.size() - at));
  }
  for (size_t i = 0; i < blocks; ++i) {
    put_scales(type, &bytes[i * layout.block_bytes], deviation * scale_factor(random));
  }
  return bytes;
}

}  // namespace assay
