// The table of shapes. A new shape is a new row.
#include "catalogue/shapes.h"

#include <fmt/format.h>

#include "catalogue/synthetic.h"

namespace assay {
namespace {

constexpr ModelShape kShapes[] = {
    // name, title, architecture, layers, embedding, heads, kv, head size, feed-forward, experts, used, vocabulary, context,
    // rope base, scaling, epsilon, tied, bias, norm, source
    {"tiny", "Tiny (a small Llama, for tests and slow devices)", "llama", 4, 256, 4, 2, 64, 768, 0, 0, 1024, 8192, 1e4, 0,
     1e-5, true, false, false, "made up for this program"},
    {"tiny-moe", "Tiny mixture of experts (for tests)", "qwen3moe", 2, 256, 4, 2, 64, 256, 8, 2, 1024, 8192, 1e4, 0, 1e-6,
     false, false, true, "made up for this program"},
    {"smollm2-135m", "SmolLM2 135M", "llama", 30, 576, 9, 3, 64, 1536, 0, 0, 49152, 8192, 1e5, 0, 1e-5, true, false, false,
     "HuggingFaceTB/SmolLM2-135M-Instruct config.json"},
    {"smollm2-1.7b", "SmolLM2 1.7B", "llama", 24, 2048, 32, 32, 64, 8192, 0, 0, 49152, 8192, 1.3e5, 0, 1e-5, true, false,
     false, "HuggingFaceTB/SmolLM2-1.7B-Instruct config.json"},
    {"qwen2.5-0.5b", "Qwen2.5 0.5B", "qwen2", 24, 896, 14, 2, 64, 4864, 0, 0, 151936, 32768, 1e6, 0, 1e-6, true, true,
     false, "Qwen/Qwen2.5-0.5B-Instruct config.json"},
    {"qwen2.5-7b", "Qwen2.5 7B", "qwen2", 28, 3584, 28, 4, 128, 18944, 0, 0, 152064, 32768, 1e6, 0, 1e-6, false, true,
     false, "Qwen/Qwen2.5-7B-Instruct config.json"},
    {"qwen3-0.6b", "Qwen3 0.6B", "qwen3", 28, 1024, 16, 8, 128, 3072, 0, 0, 151936, 40960, 1e6, 0, 1e-6, true, false, true,
     "Qwen/Qwen3-0.6B config.json"},
    {"qwen3-8b", "Qwen3 8B", "qwen3", 36, 4096, 32, 8, 128, 12288, 0, 0, 151936, 40960, 1e6, 0, 1e-6, false, false, true,
     "Qwen/Qwen3-8B config.json"},
    {"qwen3-32b", "Qwen3 32B", "qwen3", 64, 5120, 64, 8, 128, 25600, 0, 0, 151936, 40960, 1e6, 0, 1e-6, false, false, true,
     "Qwen/Qwen3-32B config.json"},
    {"qwen3-30b-a3b", "Qwen3 30B-A3B (mixture of experts)", "qwen3moe", 48, 2048, 32, 4, 128, 768, 128, 8, 151936, 40960,
     1e6, 0, 1e-6, false, false, true, "Qwen/Qwen3-30B-A3B config.json"},
    {"llama-3.2-1b", "Llama 3.2 1B", "llama", 16, 2048, 32, 8, 64, 8192, 0, 0, 128256, 131072, 5e5, 32, 1e-5, true, false,
     false, "meta-llama/Llama-3.2-1B-Instruct config.json"},
    {"llama-3.1-8b", "Llama 3.1 8B", "llama", 32, 4096, 32, 8, 128, 14336, 0, 0, 128256, 131072, 5e5, 8, 1e-5, false,
     false, false, "meta-llama/Llama-3.1-8B-Instruct config.json"},
    {"llama-3.1-70b", "Llama 3.1 70B", "llama", 80, 8192, 64, 8, 128, 28672, 0, 0, 128256, 131072, 5e5, 8, 1e-5, false,
     false, false, "meta-llama/Llama-3.1-70B-Instruct config.json"},
    {"mistral-7b", "Mistral 7B v0.3", "llama", 32, 4096, 32, 8, 128, 14336, 0, 0, 32768, 32768, 1e6, 0, 1e-5, false, false,
     false, "mistralai/Mistral-7B-Instruct-v0.3 config.json"},
    {"mixtral-8x7b", "Mixtral 8x7B (mixture of experts)", "llama", 32, 4096, 32, 8, 128, 14336, 8, 2, 32000, 32768, 1e6, 0,
     1e-5, false, false, false, "mistralai/Mixtral-8x7B-Instruct-v0.1 config.json"},
};

}  // namespace

int64_t ModelShape::parameters() const {
  int64_t sum = 0;
  for (const SyntheticTensor& tensor : synthetic_tensors(*this)) sum += tensor.elements();
  return sum;
}

std::span<const ModelShape> model_shapes() { return kShapes; }

Result<const ModelShape*> find_model_shape(std::string_view name) {
  std::vector<std::string> known;
  for (const ModelShape& shape : kShapes) {
    if (lower(name) == shape.name) return &shape;
    known.emplace_back(shape.name);
  }
  return fail(fmt::format("unknown model shape '{}'.{}", printable(name, 60), suggestion(name, known)), "",
              "`assay list shapes` shows them all.");
}

}  // namespace assay
