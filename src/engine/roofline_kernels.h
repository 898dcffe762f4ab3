// The kernels of the roofline as ggml graphs: copy, triad, matrix multiplication, attention and an operation
// that does nothing worth mentioning. Each can be built for any device, allocated, filled and computed again
// and again.
#pragma once

#include <ggml-cpp.h>
#include <ggml.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "engine/roofline_device.h"

namespace assay {

// Where a kernel's builder puts its tensors and operations.
struct KernelBuilder {
  ggml_context* weights;            // tensors that a device may want in a buffer type of its own
  ggml_context* tensors;            // all others, results included
  std::vector<ggml_tensor*> nodes;  // what is computed, in order
};

// A kernel before it meets a device: what it computes and how much work that is.
struct Kernel {
  std::string metric;
  std::string method;
  Json conditions = Json::object();
  double flop = 0;        // of one instance
  double bytes = 0;       // read and written by one instance, each tensor once
  bool is_random = true;  // filled with random values: what a chip draws depends on its data
  std::function<void(KernelBuilder&)> build;  // adds one instance
};

Kernel copy_kernel(int64_t size_bytes);
Kernel triad_kernel(int64_t size_bytes);
// `matrices` different weights are multiplied one after the other, so that no cache holds them.
Kernel matmul_kernel(ggml_type type, int64_t m, int64_t n, int64_t k, int matrices = 1);
Kernel attention_kernel(int64_t heads, int64_t kv_heads, int64_t head_size, int64_t queries, int64_t keys);
Kernel trivial_kernel();

// A kernel on a device: graph and buffers. One thread only.
class KernelRun {
 public:
  enum class Problem { kNone, kUnsupported, kNoMemory };
  // The kernel `instances` times in one graph, on the same tensors.
  static std::optional<KernelRun> make(const RooflineDevice& device, const Kernel& kernel, int instances,
                                       Problem& problem);
  KernelRun(KernelRun&&) noexcept = default;
  KernelRun& operator=(KernelRun&&) noexcept = default;

  // False if the backend reports a failure.
  bool compute();
  std::string weights_buffer() const { return weights_buffer_; }

 private:
  KernelRun() = default;
  static std::optional<KernelRun> make_in(const RooflineDevice& device, const Kernel& kernel, int instances,
                                          ggml_backend_buffer_type_t weights_type, Problem& problem);
  void fill(const Kernel& kernel);

  ggml_backend_t backend_ = nullptr;
  ggml_context_ptr weights_, tensors_;
  ggml_backend_buffer_ptr weights_memory_, tensors_memory_;
  ggml_cgraph* graph_ = nullptr;
  std::string weights_buffer_;
};

}  // namespace assay
