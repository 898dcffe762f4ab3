// Shapes: the exact dimensions of known architectures, as their makers' configurations state them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

struct ModelShape {
  const char* name;          // "llama-3.1-8b"
  const char* title;         // "Llama 3.1 8B"
  const char* architecture;  // as llama.cpp names it: llama, qwen2, qwen3, qwen3moe
  uint32_t layers;
  uint32_t embedding;
  uint32_t heads, kv_heads, head_size;
  uint32_t feed_forward;           // of an expert, where there are experts
  uint32_t experts, experts_used;  // 0: dense
  uint32_t vocabulary;
  uint32_t context_tokens;
  double rope_base;
  double rope_scaling_factor;  // of Llama 3's frequency scaling; 0: none
  double norm_epsilon;
  bool tied_embeddings;  // the output matrix is the embedding
  bool qkv_bias;         // queries, keys and values have biases
  bool qk_norm;          // queries and keys are normed by head
  const char* source;    // where the numbers come from

  int64_t parameters() const;  // of all tensors
};

std::span<const ModelShape> model_shapes();
// The error names the nearest one.
Result<const ModelShape*> find_model_shape(std::string_view name);

}  // namespace assay
