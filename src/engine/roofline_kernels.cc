// The graphs of the kernels; see roofline_kernels.h.
#include "engine/roofline_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace assay {
namespace {

constexpr size_t kMaxKernelTensors = 4096;
constexpr int64_t kRow = 1024;                 // values a row of the bandwidth kernels' tensors
constexpr int64_t kMaxTensorBytes = 64 << 20;  // some drivers bind no larger buffer
constexpr int64_t kPatternRows = 8;            // quantised once and repeated

ggml_tensor* rows_of(ggml_context* context, int64_t values) {
  return ggml_new_tensor_2d(context, GGML_TYPE_F32, std::min(kRow, values),
                            std::max<int64_t>(1, values / kRow));
}

// How a working set of `size_bytes` in `tensors_each` tensors is cut into pieces.
struct Pieces {
  int64_t count = 1;
  int64_t values = kRow;
};

Pieces cut(int64_t size_bytes, int64_t tensors_each) {
  const int64_t each = size_bytes / tensors_each;
  Pieces pieces;
  pieces.count = (each + kMaxTensorBytes - 1) / kMaxTensorBytes;
  pieces.values = std::max<int64_t>(1, each / pieces.count / 4 / kRow) * kRow;
  return pieces;
}

// Uniform in ±1.
std::vector<float> random_floats(size_t count) {
  Random random(1, random_stream("roofline/values"), count);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform() * 2 - 1);
  return values;
}

// The bytes of a tensor of any type: a few random rows, quantised, again and again.
std::vector<uint8_t> random_bytes(const ggml_tensor* tensor) {
  const int64_t columns = tensor->ne[0];
  const int64_t rows = std::min(kPatternRows, ggml_nrows(tensor));
  const std::vector<float> values = random_floats(static_cast<size_t>(columns * rows));
  std::vector<uint8_t> pattern(ggml_row_size(tensor->type, columns) * static_cast<size_t>(rows));
  const std::vector<float> importance(static_cast<size_t>(columns), 1.0F);  // some types cannot do without
  ggml_quantize_chunk(tensor->type, values.data(), pattern.data(), 0, rows, columns, importance.data());
  std::vector<uint8_t> bytes(ggml_nbytes(tensor));
  for (size_t at = 0; at < bytes.size(); at += pattern.size()) {
    std::memcpy(&bytes[at], pattern.data(), std::min(pattern.size(), bytes.size() - at));
  }
  return bytes;
}

bool is_input(const ggml_tensor* tensor) {
  return tensor->op == GGML_OP_NONE && tensor->view_src == nullptr;
}

void fill_randomly(ggml_context* context) {
  for (ggml_tensor* tensor = ggml_get_first_tensor(context); tensor != nullptr;
       tensor = ggml_get_next_tensor(context, tensor)) {
    if (!is_input(tensor)) continue;
    const std::vector<uint8_t> bytes = random_bytes(tensor);
    ggml_backend_tensor_set(tensor, bytes.data(), 0,
                            bytes.size());  // whole: buffers that repack take nothing else
  }
}

// The operation of `node` once more, on the same inputs and into the same result: instances with tensors of
// their own would be a larger working set than the one that is to be measured.
ggml_tensor* again(ggml_context* context, ggml_tensor* node) {
  ggml_tensor* copy = ggml_view_tensor(context, node);
  copy->op = node->op;
  copy->flags = node->flags;
  std::memcpy(copy->op_params, node->op_params, sizeof copy->op_params);
  std::ranges::copy(node->src, copy->src);
  return copy;
}

double product(int64_t a, int64_t b, int64_t c = 1, int64_t d = 1) {
  return static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c) * static_cast<double>(d);
}

}  // namespace

Kernel copy_kernel(int64_t size_bytes) {
  const Pieces pieces = cut(size_bytes, 2);
  Kernel kernel{.metric = "memory_bandwidth_gb_per_s", .is_random = false};
  kernel.method = "ggml_cpy of f32 values; 8 bytes moved a value (one read, one write)";
  kernel.bytes = product(pieces.count, pieces.values, 8);
  kernel.conditions.set("kernel", "copy").set("size_bytes", static_cast<int64_t>(kernel.bytes));
  kernel.build = [pieces](KernelBuilder& builder) {
    for (int64_t i = 0; i < pieces.count; ++i) {
      ggml_tensor* from = rows_of(builder.tensors, pieces.values);
      ggml_tensor* to = rows_of(builder.tensors, pieces.values);
      builder.nodes.push_back(ggml_cpy(builder.tensors, from, to));
    }
  };
  return kernel;
}

Kernel triad_kernel(int64_t size_bytes) {
  const Pieces pieces = cut(size_bytes, 4);
  Kernel kernel{.metric = "memory_bandwidth_gb_per_s", .is_random = false};
  kernel.method =
      "a + s·b of f32 values as ggml_scale, then ggml_add, since ggml has no fused triad; 20 bytes moved "
      "(three reads, two writes) and 2 FLOP a value";
  kernel.bytes = product(pieces.count, pieces.values, 20);
  kernel.flop = product(pieces.count, pieces.values, 2);
  kernel.conditions.set("kernel", "triad").set("size_bytes", pieces.count * pieces.values * 16);
  kernel.build = [pieces](KernelBuilder& builder) {
    for (int64_t i = 0; i < pieces.count; ++i) {
      ggml_tensor* a = rows_of(builder.tensors, pieces.values);
      ggml_tensor* b = rows_of(builder.tensors, pieces.values);
      ggml_tensor* scaled = ggml_scale(builder.tensors, b, 3.0F);
      builder.nodes.push_back(scaled);
      builder.nodes.push_back(ggml_add(builder.tensors, a, scaled));
    }
  };
  return kernel;
}

Kernel matmul_kernel(ggml_type type, int64_t m, int64_t n, int64_t k, int matrices) {
  Kernel kernel{.metric = "matmul_tflop_per_s"};
  const auto weight_bytes = static_cast<double>(ggml_row_size(type, k)) * static_cast<double>(m);
  kernel.method = "2·m·n·k / time of ggml_mul_mat, weights in the stated type, activations and result f32";
  kernel.flop = 2 * product(m, n, k, matrices);
  kernel.bytes = (weight_bytes + 4 * (product(n, k) + product(m, n))) * matrices;
  kernel.conditions.set("kernel", n == 1 ? "matrix-vector" : "matmul").set("dtype", ggml_type_name(type));
  kernel.conditions.set("m", m).set("n", n).set("k", k);
  kernel.build = [=](KernelBuilder& builder) {
    ggml_tensor* activations = ggml_new_tensor_2d(builder.tensors, GGML_TYPE_F32, k, n);
    for (int i = 0; i < matrices; ++i) {
      ggml_tensor* weights = ggml_new_tensor_2d(builder.weights, type, k, m);
      builder.nodes.push_back(ggml_mul_mat(builder.tensors, weights, activations));
    }
  };
  return kernel;
}

Kernel attention_kernel(int64_t heads, int64_t kv_heads, int64_t head_size, int64_t queries, int64_t keys) {
  Kernel kernel{.metric = "attention_tflop_per_s"};
  kernel.method =
      "4·heads·head size·queries·keys / time of ggml_flash_attn_ext, keys and values f16, no mask";
  kernel.flop = 4 * product(heads, head_size, queries, keys);
  kernel.bytes = 8 * product(heads, head_size, queries) + 4 * product(kv_heads, head_size, keys);
  kernel.conditions.set("kernel", "attention")
      .set("dtype", "f16")
      .set("heads", heads)
      .set("kv_heads", kv_heads);
  kernel.conditions.set("head_size", head_size).set("queries", queries).set("keys", keys);
  kernel.build = [=](KernelBuilder& builder) {
    ggml_context* context = builder.tensors;
    ggml_tensor* q = ggml_new_tensor_3d(context, GGML_TYPE_F32, head_size, queries, heads);
    ggml_tensor* k = ggml_new_tensor_3d(context, GGML_TYPE_F16, head_size, keys, kv_heads);
    ggml_tensor* v = ggml_new_tensor_3d(context, GGML_TYPE_F16, head_size, keys, kv_heads);
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_size));
    builder.nodes.push_back(ggml_flash_attn_ext(context, q, k, v, nullptr, scale, 0, 0));
  };
  return kernel;
}

Kernel trivial_kernel() {
  Kernel kernel{.metric = "launch_overhead_us", .is_random = false};
  kernel.method = "time of a graph with one ggml_scale of 32 values, from call to completion";
  kernel.conditions.set("kernel", "launch");
  kernel.build = [](KernelBuilder& builder) {
    ggml_tensor* a = ggml_new_tensor_1d(builder.tensors, GGML_TYPE_F32, 32);
    builder.nodes.push_back(ggml_scale(builder.tensors, a, 2.0F));
  };
  return kernel;
}

std::optional<KernelRun> KernelRun::make(const RooflineDevice& device, const Kernel& kernel, int instances,
                                         Problem& problem) {
  problem = Problem::kUnsupported;
  for (ggml_backend_buffer_type_t type : device.weight_buffer_types()) {
    if (auto run = make_in(device, kernel, instances, type, problem)) return run;
    if (problem == Problem::kNoMemory) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<KernelRun> KernelRun::make_in(const RooflineDevice& device, const Kernel& kernel, int instances,
                                            ggml_backend_buffer_type_t weights_type, Problem& problem) {
  KernelRun run;
  run.backend_ = device.backend();
  const ggml_init_params parameters{
      ggml_tensor_overhead() * kMaxKernelTensors + ggml_graph_overhead_custom(kMaxKernelTensors, false),
      nullptr, true};
  run.weights_.reset(ggml_init(parameters));
  run.tensors_.reset(ggml_init(parameters));
  KernelBuilder builder{run.weights_.get(), run.tensors_.get(), {}};
  kernel.build(builder);
  const size_t once = builder.nodes.size();
  for (size_t i = once; i < once * static_cast<size_t>(instances); ++i) {
    builder.nodes.push_back(again(builder.tensors, builder.nodes[i - once]));
  }
  problem = Problem::kNoMemory;
  if (ggml_get_first_tensor(run.weights_.get()) != nullptr) {
    run.weights_memory_.reset(ggml_backend_alloc_ctx_tensors_from_buft(run.weights_.get(), weights_type));
    if (run.weights_memory_ == nullptr) return std::nullopt;
    ggml_backend_buffer_set_usage(run.weights_memory_.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    run.weights_buffer_ = ggml_backend_buft_name(weights_type);
  }
  for (ggml_tensor* node : builder.nodes) {
    if (ggml_backend_dev_supports_op(device.device(), node)) continue;
    problem = Problem::kUnsupported;
    return std::nullopt;
  }
  run.tensors_memory_.reset(ggml_backend_alloc_ctx_tensors(run.tensors_.get(), run.backend_));
  if (run.tensors_memory_ == nullptr) return std::nullopt;
  run.graph_ = ggml_new_graph_custom(run.tensors_.get(), kMaxKernelTensors, false);
  for (ggml_tensor* node : builder.nodes) ggml_build_forward_expand(run.graph_, node);
  run.fill(kernel);
  problem = Problem::kNone;
  return run;
}

// Every page is written once, so that none is found missing while the clock runs.
void KernelRun::fill(const Kernel& kernel) {
  ggml_backend_buffer_clear(tensors_memory_.get(), 0);
  if (!kernel.is_random) return;
  fill_randomly(tensors_.get());
  fill_randomly(weights_.get());
}

bool KernelRun::compute() {
  return ggml_backend_graph_compute(backend_, graph_) == GGML_STATUS_SUCCESS;
}

}  // namespace assay
