// The job "fit": what memory a model would take on a device, worked out by llama.cpp itself without
// allocating any of it.
#include <algorithm>

#include "engine/job.h"
#include "engine/model.h"
#include "engine/serve_options.h"

namespace assay {
namespace {

// A job for "speed" as one for "serve": the largest of its numbers of sequences, and a cache for the longest
// of its runs.
Json as_serving(const Json& job) {
  if (!job["sequences"].is_array()) return job;
  int64_t most = 1;
  for (const Json& n : job["sequences"].items()) most = std::clamp<int64_t>(n.as_integer(), most, 240);
  const int64_t output = std::clamp<int64_t>(job["output_tokens"].as_integer(64), 0, 1 << 16) + 1;
  const int64_t longest = std::clamp<int64_t>(job["prompt_tokens"].as_integer(512), output, 1 << 20);
  Json serving = job;
  serving.set("sequences", most).set("context_tokens", std::max<int64_t>(longest, 8));
  serving.set("kv_tokens", std::max<int64_t>({longest, most * output, 8}));
  return serving;
}

}  // namespace

Result<void> run_fit_job(JobContext& context) {
  const Json job = as_serving(context.parameters);
  ASSIGN_OR_RETURN(ServeOptions serving,
                   read_serve_options({job, context.out, context.clock, context.start}));
  ModelOptions& options = serving.model;
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
