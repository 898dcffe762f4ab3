// Prepares models; see model_setup.h.
#include "exam/model_setup.h"

#include <fmt/format.h>

#include "exam/findings.h"

namespace assay {

Result<ResolvedModel> prepare_model(ExamContext& context, const std::string& wanted) {
  context.progress.update(0, "preparing " + wanted);
  const ModelPlaces places{.bundled_directory = context.bundled_model_directory,
                           .cache_directory = context.model_cache_directory,
                           .cache_limit_bytes = context.model_cache_limit_bytes};
  return resolve_model(wanted, places, [&](double share) {
    context.progress.update(0, fmt::format("writing {}: {:.0f} %", wanted, share * 100));
  });
}

Json predicted_fit(ExamContext& context, Json job) {
  job.set("job", "fit");
  Json fit;
  const auto on_line = [&](const Json& line) {
    if (line["fit"].is_object()) fit = line["fit"];
  };
  const Nanos limit = nanos_from_seconds(60);
  const WorkerJobEnd ended = run_worker_job(context.worker, job, context.clock, context.clock.now() + limit,
                                            limit, on_line, context.interrupted);
  return ended.done() ? fit : Json();
}

std::optional<Finding> room_finding(const Json& fit, const std::string& model, const std::string& device) {
  if (fit["fits"].as_bool(true)) return std::nullopt;
  const int64_t needed = fit["model_memory_bytes"].as_integer(), free = fit["device_free_bytes"].as_integer();
  return make_finding(
      Severity::kBlocker, "model.does-not-fit",
      fmt::format(
          "{} needs {} on {} ({} of it KV cache), which has {} free. Take a smaller model or type, fewer "
          "sequences or a shorter context.",
          model, format_bytes(needed), device, format_bytes(fit["kv_bytes"].as_integer()),
          format_bytes(free)),
      Json::object().set("memory_bytes", needed).set("device_free_bytes", free));
}

}  // namespace assay
