// How long things are: distributions of lengths and counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/base.h"

namespace assay {

// How many tokens. Draws are clamped to [minimum, maximum] and at least 1.
struct LengthDistribution {
  enum class Kind { kFixed, kUniform, kLognormal, kEmpirical };
  Kind kind = Kind::kFixed;
  double a = 1;  // fixed: the value; uniform: low; lognormal: median
  double b = 0;  // uniform: high (inclusive); lognormal: sigma of the logarithm
  int64_t minimum = 1, maximum = 1'000'000;
  std::vector<uint32_t> values;  // empirical: drawn with equal weight

  uint32_t draw(Random& random) const;
  uint32_t least() const;  // no draw is smaller
  double mean() const;     // of the clamped distribution (closed forms; lognormal by quadrature)
  // What is impossible about the parameters ("sigma must lie between 0 and 4"), or "". The others assume "".
  std::string problem() const;
  bool operator==(const LengthDistribution&) const = default;
};

// No length is larger, wherever it comes from.
inline constexpr int64_t kMaxTokens = 1'000'000;

}  // namespace assay
