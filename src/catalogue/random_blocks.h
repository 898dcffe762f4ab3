// Random quantised blocks: bytes that any ggml kernel reads as values of mean 0 and a wanted standard
// deviation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/base.h"

namespace assay {

// IEEE half precision, rounded to nearest even; overflow gives infinity.
uint16_t half_from_float(float value);

// Whether random blocks of this type (enum ggml_type) can be made: the float types and the common block
// types.
bool can_make_random_blocks(uint32_t type);

// `blocks` blocks of `type`. Codes are uniform, scales lognormal, so that the values' mean is about 0 and
// their standard deviation `deviation`. CHECKs the type.
std::vector<std::byte> make_random_blocks(uint32_t type, size_t blocks, double deviation, Random random);

}  // namespace assay
