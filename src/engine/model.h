// A model loaded on a device: llama.cpp's model, context and threads with the lives that they need, and the
// facts about them that go into evidence.
#pragma once

#include <llama.h>

#include <memory>
#include <string>
#include <vector>

#include "base/base.h"
#include "engine/backends.h"
#include "engine/job.h"
#include "engine/memory_report.h"

namespace assay {

// How a model is to be loaded; read from a job's parameters and validated.
struct ModelOptions {
  std::string path;
  std::string device_name;
  int threads = 1;
  uint32_t kv_tokens = 0;  // cells of the KV cache
  uint32_t sequences = 1;  // told apart in it; so many tokens of one decode may yield logits
  uint32_t batch_tokens = 512;
  uint32_t ubatch_tokens = 512;
  llama_flash_attn_type flash_attention = LLAMA_FLASH_ATTN_TYPE_AUTO;
  ggml_type kv_type = GGML_TYPE_F16;
  bool no_alloc = false;  // only work out what memory it would take
};

// The members path, device_name, threads, batch_tokens, ubatch_tokens, flash_attention and kv_type, from the
// job.
Result<ModelOptions> read_model_options(const JobContext& context);

class LoadedModel {
 public:
  // The error names the file and gives the engine's own words.
  static Result<std::unique_ptr<LoadedModel>> load(const ModelOptions& options);
  LoadedModel(const LoadedModel&) = delete;
  ~LoadedModel();

  llama_context* context() const { return context_; }
  const llama_model* model() const { return model_; }
  const llama_vocab* vocab() const { return llama_model_get_vocab(model_); }
  uint32_t vocabulary() const { return vocabulary_; }
  const ModelOptions& options() const { return options_; }
  const MemoryReport& memory() const { return memory_; }

  // Works on batches of several sizes, so that weights are paged in and kernels compiled before anything is
  // measured. The sizes, in tokens.
  Result<std::vector<uint32_t>> warm_up();
  // llama_decode with its errors as words.
  Result<void> decode(const llama_batch& batch);
  // What is known of model and device, flat: model, quantisation, parameters, device, threads, memory …
  Json describe() const;
  // The conditions that every record on it carries.
  Json conditions() const;

 private:
  LoadedModel() = default;
  Result<void> create(const ModelOptions& options);
  Result<void> create_context();
  void create_threads();

  ModelOptions options_;
  ggml_backend_dev_t device_ = nullptr;
  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
  ggml_threadpool* threads_ = nullptr;
  void (*free_threads_)(ggml_threadpool*) = nullptr;
  uint32_t vocabulary_ = 0;
  MemoryReport memory_;
};

}  // namespace assay
