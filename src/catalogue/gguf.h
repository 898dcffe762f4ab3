// GGUF: a model file as it describes itself, read before any engine sees it. ggml and llama.cpp abort or
// throw on some malformed files; this reader refuses all of those with a path, a byte offset and a remedy.
// The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/base.h"

namespace assay {

// An array of metadata stays where it is: its place in the file, checked to lie within it.
struct GgufArray {
  uint32_t element_type = 0;  // enum gguf_type
  uint64_t count = 0;
  uint64_t offset = 0;  // of the first element, in bytes from the start of the file
};

struct GgufEntry {
  std::string key;
  std::variant<int64_t, double, bool, std::string, GgufArray> value;
};

struct GgufTensor {
  std::string name;
  uint32_t type = 0;                          // enum ggml_type; always one of tensor_types()
  std::array<uint64_t, 4> shape{1, 1, 1, 1};  // innermost first; none is 0
  uint64_t offset = 0;                        // in bytes from the start of the file
  uint64_t bytes = 0;
  uint64_t elements() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
};

struct GgufFile {
  uint32_t version = 0;
  uint64_t alignment = 32;
  uint64_t file_bytes = 0;
  std::vector<GgufEntry> metadata;  // keys are unique
  std::vector<GgufTensor> tensors;  // names are unique; in the order of the file, without gaps or overlaps

  const GgufEntry* find(std::string_view key) const;
  // A value of another kind, or none, reads as the default.
  int64_t integer(std::string_view key, int64_t otherwise = 0) const;
  std::string text(std::string_view key) const;
};

// Parses the header of a file whose bytes are all there. `where` is its path, for errors. Time and memory are
// bounded by the header's size; the tensors' data is not touched.
Result<GgufFile> parse_gguf(std::span<const std::byte> bytes, const std::string& where);

// What a model costs and needs, from its file alone.
struct GgufModel {
  std::string architecture;  // "llama"
  std::string name;          // general.name, or the file's name; printable
  std::string type_name;     // the type that holds most of the weights: "q4_K"
  int64_t parameters = 0;
  int64_t layers = 0, embedding = 0, heads = 0, kv_heads = 0, head_size = 0, feed_forward = 0;
  int64_t experts = 0, experts_used = 0;
  int64_t context_tokens = 0, vocabulary = 0;
  bool has_tokenizer = false;
  int64_t file_bytes = 0;    // of all parts
  int64_t weight_bytes = 0;  // of all tensors
  // One decoded token of one sequence: weights read (of the experts that are used) and matrix-multiplication
  // FLOP (2 a weight). Attention over the context comes on top.
  int64_t weight_bytes_per_token = 0;
  int64_t flop_per_token = 0;
};

// The model of a file that parse_gguf has taken. Refuses what llama.cpp cannot serve without harm: no
// architecture or sizes, no tokenizer, tokens that occur twice.
Result<GgufModel> describe_gguf(std::span<const std::byte> bytes, const GgufFile& file,
                                const std::string& where);

// Reads `path` and, where the model is split ("…-00001-of-00004.gguf"), its other parts.
Result<GgufModel> read_gguf_model(const std::string& path);

}  // namespace assay
