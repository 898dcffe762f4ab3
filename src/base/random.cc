// SplitMix64 as a counter-based generator, and the distributions drawn from it.
#include "base/random.h"

#include <cmath>
#include <numbers>

#include "base/check.h"

namespace assay {
namespace {

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ULL;

uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

Random::Random(uint64_t seed, uint64_t stream, uint64_t index)
    : key_(mix(mix(mix(seed + kGolden) ^ stream) + kGolden * (index + 1))) {}

uint64_t Random::next() {
  return mix(key_ + kGolden * ++counter_);
}

double Random::uniform() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

uint64_t Random::below(uint64_t n) {
  CHECK(n > 0);
  const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
  uint64_t x = next();
  while (x >= limit) x = next();
  return x % n;
}

double Random::exponential() {
  return -std::log1p(-uniform());
}

double Random::normal() {
  const double radius = std::sqrt(2.0 * exponential());
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

uint64_t random_stream(const char* name) {
  uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  for (; *name != '\0'; ++name) hash = (hash ^ static_cast<unsigned char>(*name)) * 0x100000001b3ULL;
  return hash;
}

}  // namespace assay
