// The job "fit": what memory a model would take on a device, worked out by llama.cpp itself without allocating any of it.
#include <algorithm>

#include "engine/job.h"
#include "engine/model.h"

namespace assay {
namespace {

// MemAvailable, and what the cgroup leaves, in bytes; 0 if neither can be read.
int64_t available_host_memory() {
  int64_t available = 0;
  if (const auto text = read_file("/proc/meminfo", 1 << 16)) {
    for (const std::string_view line : split(*text, '\n')) {
      if (!line.starts_with("MemAvailable:")) continue;
      const std::string_view number = trim(line.substr(13, line.rfind("kB") - 13));
      available = parse_integer(number).value_or(0) * 1024;
    }
  }
  const auto limit = read_file("/sys/fs/cgroup/memory.max", 64);
  const auto used = read_file("/sys/fs/cgroup/memory.current", 64);
  if (limit && used) {
    const auto most = parse_integer(trim(*limit));   // "max" where there is no limit
    const auto now = parse_integer(trim(*used));
    if (most && now) available = std::min(available, std::max<int64_t>(0, *most - *now));
  }
  return available;
}

struct DeviceMemory {
  int64_t free = 0, total = 0;
};

DeviceMemory device_memory(ggml_backend_dev_t device) {
  size_t free = 0, total = 0;
  ggml_backend_dev_memory(device, &free, &total);
  if (ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU) {
    return {available_host_memory(), static_cast<int64_t>(total)};
  }
  return {static_cast<int64_t>(free), static_cast<int64_t>(total)};
}

}  // namespace

Result<void> run_fit_job(JobContext& context) {
  ASSIGN_OR_RETURN(ModelOptions options, read_model_options(context));
  ASSIGN_OR_RETURN(const int64_t sequences, context.integer("sequences", 16, 1, 240));
  ASSIGN_OR_RETURN(const int64_t context_tokens, context.integer("context_tokens", 2048, 8, 1 << 24));
  const int64_t all = std::min<int64_t>(sequences * context_tokens, INT32_MAX / 2);
  ASSIGN_OR_RETURN(const int64_t kv_tokens, context.integer("kv_tokens", all, 8, INT32_MAX / 2));
  options.kv_tokens = static_cast<uint32_t>(kv_tokens);
  options.sequences = static_cast<uint32_t>(std::min<int64_t>(2 * sequences + 16, 256));
  options.outputs = static_cast<uint32_t>(sequences);
  options.no_alloc = true;
  ASSIGN_OR_RETURN(const std::unique_ptr<LoadedModel> model, LoadedModel::load(options));
  ASSIGN_OR_RETURN(ggml_backend_dev_t device, find_device(options.device_name));
  const DeviceMemory memory = device_memory(device);
  Json info = model->describe();
  info.set("device_free_bytes", memory.free).set("device_total_bytes", memory.total);
  // A device that does not tell its memory is given the benefit of the doubt.
  info.set("fits", memory.free == 0 || model->memory().total() <= memory.free);
  context.out.info(Json::object().set("fit", std::move(info)));
  return {};
}

}  // namespace assay
