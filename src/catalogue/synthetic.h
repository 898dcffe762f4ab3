// Synthetic models: GGUF files with the exact shape and quantisation of a known architecture and random
// weights that stay numerically tame, so that speed can be measured where no weights may be brought in. They
// speak nonsense.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "catalogue/shapes.h"

namespace assay {

// Part of every cache key: raised whenever the same shape and type would give other bytes.
inline constexpr int kSyntheticWriterVersion = 2;

// A mix of tensor types under the name that people use for it. Matrices are of `weights`, the output matrix
// (or the tied embedding) of `output`; where rows are no whole number of blocks, the next larger small-block
// type stands in, as llama.cpp's own quantiser chooses it. Norms, biases and routers are f32.
struct SyntheticType {
  const char* name;  // "q4_k"
  uint32_t weights;  // enum ggml_type
  uint32_t output;
  uint32_t file_type;       // enum llama_ftype
  const char* description;  // what is written
};
std::span<const SyntheticType> synthetic_types();
// In any case; the error names the nearest one.
Result<const SyntheticType*> find_synthetic_type(std::string_view name);

struct SyntheticTensor {
  enum class Fill { kMatrix, kOutput, kRouter, kOnes, kZeros, kRopeFactors };
  std::string name;
  Fill fill = Fill::kMatrix;
  std::array<uint64_t, 4> shape{1, 1, 1, 1};
  int64_t elements() const { return static_cast<int64_t>(shape[0] * shape[1] * shape[2] * shape[3]); }
};
// All tensors of a model of this shape, in the order of the file.
std::vector<SyntheticTensor> synthetic_tensors(const ModelShape& shape);

// The size that the file will have, exactly.
int64_t synthetic_file_bytes(const ModelShape& shape, const SyntheticType& type);

// Told the share that is written, now and then.
using WriteProgress = std::function<void(double fraction)>;

// Writes the model to `path`: whole, or not at all. The bytes are a function of shape, type and seed. The
// tokenizer has a token for every byte and fills up with tokens that no text gives. Fails before writing if
// the disk has no room.
Result<void> write_synthetic_model(const ModelShape& shape, const SyntheticType& type, uint64_t seed,
                                   const std::string& path, const WriteProgress& progress);

}  // namespace assay
