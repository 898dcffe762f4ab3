// A ggml device opened for kernels alone: its backend with the threads that it is to use, and the buffer
// types in which it wants its weights.
#pragma once

#include <ggml-backend.h>
#include <ggml-cpp.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

class RooflineDevice {
 public:
  // `threads` 0: as many as cores. They matter to CPU backends only.
  static Result<std::unique_ptr<RooflineDevice>> open(std::string_view name, int threads);
  RooflineDevice(const RooflineDevice&) = delete;
  ~RooflineDevice();

  ggml_backend_dev_t device() const { return device_; }
  ggml_backend_t backend() const { return backend_.get(); }
  bool is_cpu() const { return ggml_backend_dev_type(device_) == GGML_BACKEND_DEVICE_TYPE_CPU; }
  int threads() const { return threads_; }
  // Where weights may lie, the best first: what llama.cpp would try, in its order.
  const std::vector<ggml_backend_buffer_type_t>& weight_buffer_types() const { return weight_buffer_types_; }
  int64_t free_bytes() const;
  // Of the last cache level, for a CPU as the kernel shows it; for others a guess that none exceeds by far.
  int64_t last_cache_bytes() const { return last_cache_bytes_; }

 private:
  RooflineDevice() = default;
  void set_threads();

  ggml_backend_dev_t device_ = nullptr;
  ggml_backend_ptr backend_;
  ggml_threadpool* pool_ = nullptr;
  void (*free_pool_)(ggml_threadpool*) = nullptr;
  int threads_ = 1;
  int64_t last_cache_bytes_ = 0;
  std::vector<ggml_backend_buffer_type_t> weight_buffer_types_;
};

}  // namespace assay
