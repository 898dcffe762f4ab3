// The choice of the next token: the likeliest. Deterministic, and cheap beside a decoding step, so that what
// is measured is the model.
#pragma once

#include <cstdint>
#include <span>

namespace assay {

// The index of the largest finite value; 0 if there is none, and then `is_finite` is false.
struct GreedyChoice {
  int32_t token = 0;
  bool is_finite = true;
};
GreedyChoice greedy(std::span<const float> logits);

}  // namespace assay
