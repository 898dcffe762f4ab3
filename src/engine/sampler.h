// The choice of the next token: the likeliest. Deterministic, and cheap beside a decoding step, so that what
// is measured is the model.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace assay {

// The index of the largest value. None if it is not finite, or if several values are all equal: kernels with
// quantised weights turn activations that are not numbers into zeros, and what comes out prefers no token.
// NaNs are passed over.
std::optional<int32_t> greedy(std::span<const float> logits);

}  // namespace assay
