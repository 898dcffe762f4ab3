// Argmax in sixteen lanes, which the compiler turns into vector instructions.
#include "engine/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace assay {
namespace {

constexpr size_t kLanes = 16;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

// A NaN compares false and is passed over.
float maximum(std::span<const float> values) {
  std::array<float, kLanes> lanes;
  lanes.fill(kLowest);
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = values[i + lane] > lanes[lane] ? values[i + lane] : lanes[lane];
    }
  }
  float best = *std::max_element(lanes.begin(), lanes.end());
  for (; i < values.size(); ++i) best = values[i] > best ? values[i] : best;
  return best;
}

}  // namespace

std::optional<int32_t> greedy(std::span<const float> logits) {
  const float best = maximum(logits);
  if (!std::isfinite(best)) return std::nullopt;
  const bool are_equal = std::ranges::all_of(logits, [best](float value) { return value == best; });
  if (are_equal && logits.size() > 1) return std::nullopt;
  return static_cast<int32_t>(std::find(logits.begin(), logits.end(), best) - logits.begin());
}

}  // namespace assay
