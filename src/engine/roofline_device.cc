// Opening a device for kernels; see roofline_device.h.
#include "engine/roofline_device.h"

#include <fmt/format.h>
#include <ggml-cpu.h>

#include <algorithm>

#include "engine/backends.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr int64_t kGuessedCacheBytes = 64 << 20;

template <class Function>
Function procedure(ggml_backend_dev_t device, const char* name) {
  return reinterpret_cast<Function>(
      ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), name));
}

// "32768K" of sysfs.
int64_t cache_bytes_from(std::string_view text) {
  text = trim(text);
  if (!text.ends_with('K')) return 0;
  return parse_integer(text.substr(0, text.size() - 1)).value_or(0) * 1024;
}

int64_t cpu_cache_bytes() {
  int64_t largest = 0;
  for (int index = 0; index < 8; ++index) {
    const auto size = read_file(fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/size", index), 64);
    if (size) largest = std::max(largest, cache_bytes_from(*size));
  }
  return largest > 0 ? largest : kGuessedCacheBytes;
}

}  // namespace

Result<std::unique_ptr<RooflineDevice>> RooflineDevice::open(std::string_view name, int threads) {
  std::unique_ptr<RooflineDevice> opened(new RooflineDevice);
  ASSIGN_OR_RETURN(opened->device_, find_device(name));
  opened->threads_ = threads > 0 ? threads : default_threads();
  opened->backend_.reset(ggml_backend_dev_init(opened->device_, nullptr));
  if (opened->backend_ == nullptr) {
    return fail(fmt::format("the device '{}' could not be opened", printable(name)), "job",
                "Is another program holding it, or its driver out of date?");
  }
  opened->last_cache_bytes_ = opened->is_cpu() ? cpu_cache_bytes() : kGuessedCacheBytes;
  opened->set_threads();
  using ExtraBufferTypes = ggml_backend_dev_get_extra_bufts_t;
  if (const auto extra = procedure<ExtraBufferTypes>(opened->device_, "ggml_backend_dev_get_extra_bufts")) {
    for (ggml_backend_buffer_type_t* type = extra(opened->device_); type != nullptr && *type != nullptr;
         ++type) {
      opened->weight_buffer_types_.push_back(*type);
    }
  }
  opened->weight_buffer_types_.push_back(ggml_backend_dev_buffer_type(opened->device_));
  return opened;
}

// A pool whose threads wait for work by polling, as llama.cpp's own tools have it; without one, every graph
// starts threads.
void RooflineDevice::set_threads() {
  assay::set_threads(backend_.get(), device_, threads_);
  if (!is_cpu()) return;
  const auto create = procedure<decltype(ggml_threadpool_new)*>(device_, "ggml_threadpool_new");
  const auto use =
      procedure<decltype(ggml_backend_cpu_set_threadpool)*>(device_, "ggml_backend_cpu_set_threadpool");
  free_pool_ = procedure<decltype(ggml_threadpool_free)*>(device_, "ggml_threadpool_free");
  if (create == nullptr || use == nullptr || free_pool_ == nullptr) return;
  ggml_threadpool_params parameters = ggml_threadpool_params_default(threads_);
  pool_ = create(&parameters);
  if (pool_ != nullptr) use(backend_.get(), pool_);
}

RooflineDevice::~RooflineDevice() {
  backend_.reset();
  if (pool_ != nullptr) free_pool_(pool_);
}

int64_t RooflineDevice::free_bytes() const {
  size_t free = 0, total = 0;
  ggml_backend_dev_memory(device_, &free, &total);
  return static_cast<int64_t>(free > 0 ? free : total);
}

}  // namespace assay
