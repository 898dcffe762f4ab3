// The job "serve": loads a model, says that it is ready, and serves until it is told to stop.
#include "engine/job.h"
#include "engine/serve_options.h"
#include "engine/server.h"

namespace assay {
namespace {

constexpr int kSocket = 3;
// A part of a sequence can be shared only where the cache keeps every position.
bool can_share_prefixes(const llama_model* model) {
  return !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model) && llama_model_n_swa(model) == 0;
}

Json ready_info(const LoadedModel& model, const SchedulerLimits& limits, double load_s) {
  Json info = model.describe();
  info.set("context_tokens", limits.context_tokens).set("sequences", limits.running);
  info.set("kv_tokens", limits.kv_tokens).set("prefix_cache", limits.prefixes > 0).set("load_s", load_s);
  return info;
}

Result<void> serve(const JobContext& context, ServingChannel& channel) {
  ASSIGN_OR_RETURN(ServeOptions options, read_serve_options(context));
  ASSIGN_OR_RETURN(const std::unique_ptr<LoadedModel> model, LoadedModel::load(options.model));
  if (!can_share_prefixes(model->model())) options.limits.prefixes = 0;
  RETURN_IF_ERROR(model->warm_up());
  Server server(*model, options.limits, channel, context.clock);
  channel.send_ready(ready_info(*model, options.limits, seconds(context.clock.now() - context.start)));
  return server.run();
}

}  // namespace

Result<void> run_serve_job(JobContext& context) {
  ServingChannel channel(kSocket);
  Result<void> result = serve(context, channel);
  if (!result) channel.send_fatal(result.error());
  return result;
}

}  // namespace assay
