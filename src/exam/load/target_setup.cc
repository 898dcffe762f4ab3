// Makes targets for load trials; see target_setup.h.
#include "exam/load/target_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "exam/findings.h"
#include "exam/load/launch.h"
#include "exam/load/token_check.h"
#include "exam/model_setup.h"
#include "exam/sizing.h"

namespace assay {
namespace {

constexpr int64_t kMaxSecretBytes = 1 << 16;
constexpr int64_t kMemorySlackBytes = int64_t{2}
                                      << 30;  // a worker that takes so much more than predicted leaks
constexpr uint32_t kContextStep = 64;         // contexts are rounded up to it

uint64_t rounded_up(uint64_t tokens) {
  return (tokens + kContextStep - 1) / kContextStep * kContextStep;
}

Result<std::string> api_key(ExamContext& context, const TargetSpec& spec) {
  if (!spec.api_key_env.empty()) {
    std::string key = context.secret(spec.api_key_env);
    if (!key.empty()) return key;
    return fail(fmt::format("the environment variable {} is not set", spec.api_key_env), spec.where,
                "Set it to the endpoint's key.");
  }
  if (spec.api_key_file.empty()) return std::string();
  ASSIGN_OR_RETURN(const std::string text, read_file(spec.api_key_file, kMaxSecretBytes));
  return std::string(trim(text));
}

// Of several load generators each has its part of the connections, and one at least.
uint32_t connections_of_share(uint32_t all, const PlanShare& share) {
  return std::max(1U, all / share.ranks + (share.rank < all % share.ranks ? 1 : 0));
}

// `urls`: of the servers that the trial goes to.
SideOptions side_options(const ExamContext& context, const TargetSpec& spec,
                         const std::vector<std::string>& urls, const std::string& api_key) {
  SideOptions side{.interval_s = spec.metrics_interval_s,
                   .base_urls = urls,
                   .metrics = {},
                   .reads_power = spec.power,
                   .power = context.power};
  const auto add = [&](std::string url) {
    side.metrics.push_back({.url = std::move(url), .api_key = api_key, .ca_file = spec.ca_file});
  };
  if (!spec.metrics_url.empty()) return add(spec.metrics_url), side;
  for (const std::string& url : urls) add(usual_metrics_url(url));
  return side;
}

std::expected<TargetSetup, Finding> device_setup(ExamContext& context, const Trial& trial,
                                                 const TargetSpec& spec, const TrialTraffic& traffic) {
  Result<ResolvedModel> model = prepare_model(context, trial.parameters["model"].as_string());
  if (!model) return std::unexpected(failed_exam_finding(model.error()));

  const bool is_slow = is_sized_down(trial);
  const uint32_t sequences = is_slow ? std::min(spec.sequences, kSlowSequences) : spec.sequences;
  const ContextNeed need = context_need(traffic, sequences);
  const uint64_t longest = spec.context_tokens > 0 ? spec.context_tokens : rounded_up(need.longest + 1);
  uint64_t prefixes = 0;
  for (const TrafficClass& each : traffic.classes)
    prefixes += uint64_t{each.prefix_tokens} * each.prefix_pool.count;
  // Room for the longest sessions at once and as much again for those that rest between turns; never more
  // than every sequence at its longest.
  const uint64_t kv =
      std::clamp<uint64_t>(rounded_up(2 * need.together + prefixes), longest, sequences * longest);

  Json job = Json::object();
  job.set("job", "serve").set("device", spec.device).set("model", model->path).set("threads", spec.threads);
  job.set("context_tokens", longest).set("kv_tokens", kv).set("sequences", sequences);
  job.set("batch_tokens", is_slow ? std::min(spec.batch_tokens, kSlowBatchTokens) : spec.batch_tokens);
  const Json fit = predicted_fit(context, job);
  if (auto finding = room_finding(fit, model->name, spec.device)) return std::unexpected(std::move(*finding));

  DeviceTargetOptions options;
  options.name = spec.device;
  options.worker = context.worker;
  options.job = std::move(job);
  options.interrupted = context.interrupted;
  if (fit.is_object())
    options.memory_limit_bytes = 2 * fit["model_memory_bytes"].as_integer() + kMemorySlackBytes;
  TargetSetup setup;
  setup.target = make_device_target(std::move(options), context.clock);
  setup.model_in_use = model->in_use;
  setup.sequences = sequences;
  setup.side = side_options(context, spec, {}, "");
  setup.conditions.set("device", spec.device).set("model", model->name);
  return setup;
}

std::expected<TargetSetup, Finding> endpoint_setup(ExamContext& context, const TargetSpec& spec,
                                                   const TrialTraffic& traffic, PromptCutter cutter) {
  Result<std::string> key = api_key(context, spec);
  if (!key) return std::unexpected(failed_exam_finding(key.error()));
  raise_open_files_limit();  // a connection a request that is out
  EndpointTargetOptions options;
  options.name = spec.name;
  options.servers = server_options(traffic.routes, spec);
  options.api = spec.api;
  for (const TrafficClass& each : traffic.classes) options.classes.push_back(each.request);
  options.api_key = *key;
  options.ca_file = spec.ca_file;
  options.max_connections = spec.max_connections ? connections_of_share(*spec.max_connections, traffic.share)
                                                 : std::max(1U, most_connections(options.servers.size()));
  options.timeout_s = spec.timeout_s;
  options.interrupted = context.interrupted;
  options.cutter = std::move(cutter);
  options.kept_texts = spec.tokenizer.empty() ? 0 : kSampledAnswers;
  options.seed = context.scenario.seed;
  TargetSetup setup;
  if (!spec.stack.launch.empty()) {
    Result<Launch> launch = launch_server(context, spec, options.api_key);
    // A program that is not there, or a port that is taken, says nothing of the server.
    const bool was_started = context.server != nullptr && context.server->started_at() != Nanos();
    if (!launch)
      return std::unexpected(was_started ? failed_launch_finding(launch.error())
                                         : failed_exam_finding(launch.error()));
    setup.was_launched = launch->is_new;
    if (launch->finding) setup.findings.push_back(std::move(*launch->finding));
  }
  setup.target = make_endpoint_target(std::move(options), context.clock);
  if (context.server != nullptr)
    setup.target = make_launched_target(std::move(setup.target), *context.server);
  setup.side = side_options(context, spec, traffic.routes.urls, *key);
  setup.conditions.set("url", join(traffic.routes.urls, ", ")).set("api", spec.api);
  const Json stack = stack_conditions(spec.stack);
  for (const auto& [name, value] : stack.members()) setup.conditions.set(name, value);
  return setup;
}

TargetSetup fake_setup(ExamContext& context, const TargetSpec& spec) {
  TargetSetup setup;
  setup.target = make_fake_target({.name = spec.name,
                                   .sequences = spec.sequences,
                                   .prefill_us_per_token = spec.prefill_us_per_token,
                                   .tpot_ms = spec.tpot_ms,
                                   .fail_every = spec.fail_every,
                                   .lost_after = spec.lost_after},
                                  context.clock);
  setup.sequences = spec.sequences;
  setup.conditions.set("target", spec.name);
  return setup;
}

}  // namespace

std::expected<TargetSetup, Finding> set_up_target(ExamContext& context, const Trial& trial,
                                                  const TargetSpec& spec, const TrialTraffic& traffic,
                                                  PromptCutter cutter) {
  switch (spec.kind) {
    case TargetKind::kDevice:
      return device_setup(context, trial, spec, traffic);
    case TargetKind::kEndpoint:
      return endpoint_setup(context, spec, traffic, std::move(cutter));
    case TargetKind::kFake:
      return fake_setup(context, spec);
    case TargetKind::kKit:  // has no load trials
      break;
  }
  std::unreachable();
}

}  // namespace assay
