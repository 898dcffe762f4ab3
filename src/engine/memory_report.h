// What memory the engine says a model takes. llama.cpp has no stable call for it; its log lines have been the
// same for years, and a line that is not understood counts for nothing rather than for something wrong.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay {

struct MemoryReport {
  int64_t weights_bytes = 0;
  int64_t kv_bytes = 0;       // KV cache, or the state of recurrent models
  int64_t compute_bytes = 0;  // graphs and outputs
  int64_t total() const { return weights_bytes + kv_bytes + compute_bytes; }
};

// `log`: what the libraries wrote while loading. KV and compute only; weights come from the model itself.
MemoryReport read_memory_lines(std::string_view log);

}  // namespace assay
