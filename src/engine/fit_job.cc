// The job "fit": what memory a model would take on a device, worked out by llama.cpp itself without
// allocating any of it.
#include "engine/job.h"
#include "engine/model.h"
#include "engine/serve_options.h"

namespace assay {

Result<void> run_fit_job(JobContext& context) {
  ASSIGN_OR_RETURN(ServeOptions serving, read_serve_options(context));
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
