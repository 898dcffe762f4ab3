// The job "devices": what ggml devices there are and, on request, about how fast each multiplies matrices, so
// that work can be sized to it. One info line for the engine, one a device.
#include <fmt/format.h>
#include <ggml-alloc.h>
#include <ggml-cpp.h>
#include <ggml.h>
#include <llama.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/backends.h"
#include "engine/job.h"

namespace assay {
namespace {

constexpr Nanos kMeasureTime = nanos_from_ms(400);
constexpr Nanos kShortRun = nanos_from_ms(10);
constexpr int64_t kLargest = 4096;

// One product of an f16 matrix and an f32 one on a backend, ready to be computed again and again.
class MatmulRun {
 public:
  MatmulRun(ggml_backend_t backend, int64_t size) : backend_(backend) {
    const ggml_init_params parameters{ggml_tensor_overhead() * 8 + ggml_graph_overhead(), nullptr, true};
    context_.reset(ggml_init(parameters));
    ggml_tensor* a = ggml_new_tensor_2d(context_.get(), GGML_TYPE_F16, size, size);
    ggml_tensor* b = ggml_new_tensor_2d(context_.get(), GGML_TYPE_F32, size, size);
    ggml_tensor* product = ggml_mul_mat(context_.get(), a, b);
    if (!ggml_backend_supports_op(backend, product)) return;
    graph_ = ggml_new_graph(context_.get());
    ggml_build_forward_expand(graph_, product);
    buffer_.reset(ggml_backend_alloc_ctx_tensors(context_.get(), backend));
    if (buffer_ != nullptr) ggml_backend_buffer_clear(buffer_.get(), 0);
  }
  bool valid() const { return buffer_ != nullptr; }
  bool compute() { return ggml_backend_graph_compute(backend_, graph_) == GGML_STATUS_SUCCESS; }

 private:
  ggml_backend_t backend_;
  ggml_context_ptr context_;
  ggml_backend_buffer_ptr buffer_;
  ggml_cgraph* graph_ = nullptr;
};

// The best rate of repeated products, at the size from which on one takes long enough to be timed. Nothing if
// the device cannot do it.
std::optional<double> matmul_gflop_per_s(ggml_backend_dev_t device, Clock& clock) {
  const ggml_backend_ptr backend(ggml_backend_dev_init(device, nullptr));
  if (backend == nullptr) return std::nullopt;
  set_threads(backend.get(), device, default_threads());
  const Nanos end = clock.now() + kMeasureTime;
  std::optional<double> best;
  for (int64_t size = 256; size <= kLargest;) {
    MatmulRun run(backend.get(), size);
    if (!run.valid() || !run.compute()) return best;  // the first run compiles kernels
    Nanos took{};
    do {
      const Nanos begin = clock.now();
      if (!run.compute()) return best;
      took = clock.now() - begin;
      const double cube = static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(size);
      best = std::max(best.value_or(0), 2 * cube / static_cast<double>(std::max<int64_t>(1, took.count)));
    } while (took > kShortRun && clock.now() < end);
    if (clock.now() >= end) return best;
    size *= 2;
  }
  return best;
}

Json describe(ggml_backend_dev_t device) {
  const DeviceMemory memory = device_memory(device);
  Json json = Json::object();
  json.set("name", ggml_backend_dev_name(device));
  json.set("description", printable(ggml_backend_dev_description(device)));
  json.set("type", type_name(ggml_backend_dev_type(device))).set("backend", backend_name(device));
  json.set("memory_bytes", memory.total).set("memory_free_bytes", memory.free);
  ggml_backend_dev_props props{};
  ggml_backend_dev_get_props(device, &props);
  if (props.device_id != nullptr) json.set("pci_address", printable(props.device_id, 20));
  return json;
}

}  // namespace

Result<void> run_devices_job(JobContext& context) {
  Json engine = Json::object();
  engine.set("version", llama_version()).set("ggml_version", ggml_version()).set("library", library_folder());
  engine.set("system_info", printable(llama_print_system_info(), 1000));
  context.out.info(Json::object().set("engine", std::move(engine)));
  const std::string& only = context.parameters["only"].as_string();
  for (ggml_backend_dev_t device : all_devices()) {
    if (!only.empty() && only != ggml_backend_dev_name(device)) continue;
    Json json = describe(device);
    if (context.parameters["measure_speed"].as_bool()) {
      if (const auto rate = matmul_gflop_per_s(device, context.clock)) json.set("matmul_gflop_per_s", *rate);
      json.set("matmul_dtype", "f16");
    }
    context.out.info(Json::object().set("device", std::move(json)));
  }
  if (all_devices().empty())
    return fail("no ggml backend could be loaded", library_folder(), "Run `make setup` again.");
  return {};
}

}  // namespace assay
