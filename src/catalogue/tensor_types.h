// The tensor types of ggml: their numbers in a GGUF file, names and block layouts. The one table of them on
// this side of the process boundary; the engine's tests hold it against ggml's own.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace assay {

struct TensorType {
  uint32_t id;            // enum ggml_type
  const char* name;       // as ggml spells it: "q4_K"
  uint32_t block_values;  // values a block
  uint32_t block_bytes;   // bytes a block
};

std::span<const TensorType> tensor_types();
// Null for a number that is not, or no longer, a type.
const TensorType* tensor_type(uint32_t id);
// By name, in any case; null if there is none.
const TensorType* tensor_type_named(std::string_view name);

}  // namespace assay
