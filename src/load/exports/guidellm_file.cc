// Writing GuideLLM's report; see guidellm_file.h.
#include "load/exports/guidellm_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "load/exports/export_trial.h"
#include "load/exports/guidellm_metrics.h"
#include "os/os.h"

namespace assay {
namespace {

// A local version (PEP 440): readers that compare versions see 0.8.1.
constexpr const char* kGuidellmForm = "0.8.1+assay.";
constexpr double kUnknown = -1;  // what GuideLLM writes for an average without values
constexpr size_t kGuidellmFlushBytes = 1 << 20;

using Status = GuidellmRequest::Status;

// On the wall clock.
GuidellmRequest request_of(const ExportTrial& trial, const ExportRequest& request) {
  const auto at = [&](int64_t at_ns) {
    return at_ns == 0 ? std::nullopt : std::optional(trial.wall_s(at_ns));
  };
  return {
      .status = request.ok               ? Status::kSuccessful
                : request.is_cancelled() ? Status::kIncomplete
                                         : Status::kErrored,
      .targeted_s = at(request.scheduled_ns),
      .resolve_s = trial.wall_s(request.dispatched_ns == 0 ? request.scheduled_ns : request.dispatched_ns),
      .sent_s = at(request.sent_ns),
      .first_s = at(request.first_ns),
      .first_output_s = at(request.first_output_ns),
      .last_s = at(request.last_ns),
      .end_s = trial.wall_s(request.end_ns),
      .prompt_tokens = request.prompt_tokens,
      .output_tokens = request.output_tokens,
      .chunks = static_cast<int64_t>(request.chunk_ns.size()),
      .turn = request.turn};
}

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

// Of the counts that GuideLLM has, text tokens are known.
Json usage_of(int64_t tokens) {
  Json usage = Json::object().set("text_tokens", tokens);
  for (const char* name : {"cached_tokens", "text_words", "text_characters", "image_tokens", "image_count",
                           "image_pixels", "image_bytes", "video_tokens", "video_frames", "video_seconds",
                           "video_bytes", "audio_tokens", "audio_samples", "audio_seconds", "audio_bytes",
                           "tool_call_tokens", "mixed_content_tool_tokens", "tool_call_count"})
    usage.append_member(name, nullptr);
  usage.append_member("total_tokens", tokens);
  return usage;
}

Json timings_of(const GuidellmRequest& request) {
  return Json::object()
      .set("targeted_start", number_or_null(request.targeted_s))
      .set("predecessor_completed", nullptr)
      .set("resolve_start", request.resolve_s)
      .set("request_start", number_or_null(request.sent_s))
      .set("first_request_iteration", nullptr)
      .set("first_token_iteration", number_or_null(request.first_s))
      .set("first_output_token_iteration", number_or_null(request.first_output_s))
      .set("last_token_iteration", number_or_null(request.last_s))
      .set("last_request_iteration", nullptr)
      .set("token_iterations", request.chunks)
      .set("last_request_sent", nullptr)
      .set("request_end", request.end_s)
      .set("resolve_end", request.end_s);
}

Json info_of(const ExportTrial& trial, const ExportRequest& from, const GuidellmRequest& request) {
  constexpr const char* kNames[] = {"completed", "cancelled", "errored"};
  return Json::object()
      .set("request_id", fmt::format("assay-{}", from.id))
      .set("conversation_id", from.session == 0 ? Json() : Json(fmt::format("assay-{}", from.session)))
      .set("history_len", from.turn)
      .set("turn_index", from.turn)
      .set("status", kNames[static_cast<size_t>(request.status)])
      .set("scheduler_node_id", 0)
      .set("scheduler_process_id", 0)
      .set("scheduler_start_time", trial.wall_s(0))
      .set("timings", timings_of(request))
      .set("error", request.status == Status::kErrored ? Json(from.outcome) : Json())
      .set("traceback", nullptr)
      .set("started_at", request.start_s())
      .set("completed_at", request.end_s);
}

Json json_of(const ExportTrial& trial, const ExportRequest& from) {
  const GuidellmRequest request = request_of(trial, from);
  const std::optional<double> latency_s = request.latency_s();
  const auto per_second = [&](int64_t tokens) {
    return latency_s && *latency_s > 0 ? Json(static_cast<double>(tokens) / *latency_s) : Json();
  };
  const Json delay = number_or_null(request.dispatch_delay_s());
  const bool has_chunks = request.chunks > 0;
  const int64_t total = request.prompt_tokens + request.output_tokens;
  return Json::object()
      .set("type_", "generative_request_stats")
      .set("request_id", fmt::format("assay-{}", from.id))
      .set("response_id", nullptr)
      .set("request_args", nullptr)
      .set("output", nullptr)
      .set("reasoning_output", nullptr)
      .set("tool_calls", nullptr)
      .set("info", info_of(trial, from, request))
      .set("input_metrics", usage_of(request.prompt_tokens))
      .set("response_metrics", nullptr)
      .set("output_metrics", usage_of(request.output_tokens))
      .set("request_start_time", request.start_s())
      .set("request_end_time", request.end_s)
      .set("request_latency", number_or_null(latency_s))
      .set("request_dispatch_delay", delay)
      .set("turn_predecessor_delay", delay.is_null() ? Json() : Json(0.0))
      .set("turn_scheduling_delay", delay)
      .set("request_scheduled_latency", number_or_null(request.scheduled_latency_s()))
      .set("prompt_tokens", request.prompt_tokens)
      .set("cached_tokens", nullptr)
      .set("output_tokens", request.output_tokens)
      .set("total_tokens", total)
      .set("time_to_first_token_ms", number_or_null(request.ttft_ms()))
      .set("time_to_last_round_trip_ms", nullptr)
      .set("avg_round_trip_time_ms", nullptr)
      .set("time_per_output_token_ms", number_or_null(request.time_per_output_token_ms()))
      .set("inter_token_latency_ms", number_or_null(request.inter_token_latency_ms()))
      .set("tokens_per_second", per_second(total))
      .set("output_tokens_per_second", per_second(request.output_tokens))
      .set("time_to_first_output_token_ms", number_or_null(request.ttfo_ms()))
      .set("iter_tokens_per_iteration", number_or_null(request.later_tokens_per_chunk()))
      .set("output_tokens_per_iteration",
           has_chunks ? Json(static_cast<double>(request.output_tokens) / static_cast<double>(request.chunks))
                      : Json());
}

// What was offered, in GuideLLM's kinds. Arrivals that it has no kind for are instants from a list: a trace.
struct Offered {
  std::string kind;
  Json strategy, profile;
  bool is_scheduled = true;
};

Offered offered_of(const ExportTrial& trial) {
  const ExportOffer& offer = trial.offer;
  Offered offered;
  Json profile = Json::object(), strategy = Json::object();
  if (offer.arrivals == "closed") {
    offered.kind = "concurrent";
    strategy.set("streams", offer.users).set("max_concurrency", offer.users);
    profile.set("streams", Json::array().push(offer.users));
    offered.is_scheduled = false;
  } else if (offer.arrivals == "burst") {
    offered.kind = "throughput";
    strategy.set("max_concurrency", offer.max_connections);
    profile.set("max_concurrency", offer.max_connections);
    offered.is_scheduled = false;
  } else if ((offer.arrivals == "poisson" || offer.arrivals == "constant") && offer.rate_per_s) {
    offered.kind = offer.arrivals;
    strategy.set("rate", *offer.rate_per_s).set("max_concurrency", offer.max_connections);
    profile.set("rate", Json::array().push(*offer.rate_per_s)).set("max_concurrency", offer.max_connections);
  } else {
    offered.kind = "trace";
    strategy.set("time_scale", 1.0);
  }
  if (offered.kind == "poisson") strategy.set("random_seed", static_cast<int64_t>(trial.content.run.seed));
  offered.strategy = strategy.set("type_", offered.kind);
  offered.profile = profile.set("kind", offered.kind == "trace" ? "replay" : offered.kind);
  return offered;
}

Json backend_of(const ExportOffer& offer) {
  return Json::object()
      .set("kind", "openai_http")
      .set("target", join(offer.urls, ", "))
      .set("model", offer.model)
      .set("request_format", "/v1/" + (offer.api == "chat" ? std::string("chat/completions") : offer.api))
      .set("stream", offer.streams);
}

Json slo_of(const ExportOffer& offer) {
  if (!offer.has_slo) return {};
  return Json::object()
      .set("ttft_ms", number_or_null(offer.slo.ttft_ms))
      .set("tpot_ms", number_or_null(offer.slo.tpot_ms))
      .set("e2el_ms", number_or_null(offer.slo.e2e_ms));
}

// GuideLLM wants a data set named: the lengths of what was sent and came back.
Json data_of(const ExportTrial& trial) {
  Json data = Json::object().set("kind", "synthetic_text");
  const auto describe = [&](const std::string& name, const ExportLengths& lengths) {
    const int64_t deviation = std::llround(lengths.deviation);
    data.set(name, int64_t{std::llround(lengths.mean)});
    data.set(name + "_stdev", deviation == 0 ? Json() : Json(deviation));  // it knows none of 0
    data.set(name + "_min", lengths.least).set(name + "_max", lengths.most);
  };
  describe("prompt_tokens", lengths_of(trial, &ExportRequest::prompt_tokens));
  describe("output_tokens", lengths_of(trial, &ExportRequest::output_tokens));
  return Json::array().push(std::move(data));
}

Json config_of(const ExportTrial& trial, const Offered& offered) {
  Json labels = Json::object()
                    .set("written_by", "assay " + trial.content.run.assay_version)
                    .set("dossier", trial.content.run.id);
  Json count =
      Json::object().set("kind", "max_requests").set("count", static_cast<int64_t>(trial.requests.size()));
  Json spec = Json::object()
                  .set("backend", backend_of(trial.offer))
                  .set("profile", offered.profile)
                  .set("constraints", Json::array().push(std::move(count)))
                  .set("data", data_of(trial));
  return Json::object()
      .set("metadata", Json::object().set("labels", std::move(labels)))
      .set("spec", std::move(spec))
      .set("benchmarks", Json::array().push(nullptr));
}

Json benchmark_config(const ExportTrial& trial, const Offered& offered) {
  return Json::object()
      .set("id_", trial.content.run.id)
      .set("run_id", trial.content.run.id)
      .set("run_index", 0)
      .set("strategy", offered.strategy)
      .set("constraints", Json::object())
      .set("sample_size", nullptr)
      .set("prefer_response_metrics", true)
      .set("slo", slo_of(trial.offer))
      .set("confidence", nullptr)
      .set("warnings", Json::array())
      .set("profile", offered.profile)
      .set("requests", Json::object())
      .set("backend", backend_of(trial.offer))
      .set("environment", Json::object());
}

Json scheduler_state(const std::vector<GuidellmRequest>& requests, double start_s, const TimeWindow& window) {
  const Json totals = guidellm_request_totals(requests);
  const auto count = static_cast<int64_t>(requests.size());
  return Json::object()
      .set("node_id", 0)
      .set("num_processes", 1)
      .set("start_time", start_s)
      .set("end_time", window.end_s)
      .set("start_requests_time", window.start_s)
      .set("end_requests_time", window.end_s)
      .set("end_queuing_time", nullptr)
      .set("end_queuing_constraints", Json::object())
      .set("end_processing_time", nullptr)
      .set("end_processing_constraints", Json::object())
      .set("scheduler_constraints", Json::object())
      .set("created_requests", count)
      .set("queued_requests", 0)
      .set("pending_requests", 0)
      .set("processing_requests", 0)
      .set("processed_requests", count)
      .set("successful_requests", totals["successful"])
      .set("errored_requests", totals["errored"])
      .set("cancelled_requests", totals["incomplete"]);
}

template <class Get>
double mean_over(const std::vector<GuidellmRequest>& requests, Get get) {
  double sum = 0;
  size_t count = 0;
  for (const GuidellmRequest& request : requests) {
    const std::optional<double> value = get(request);
    if (!value) continue;
    sum += *value;
    ++count;
  }
  return count == 0 ? kUnknown : sum / static_cast<double>(count);
}

Json scheduler_metrics(const std::vector<GuidellmRequest>& requests, double start_s, const TimeWindow& window,
                       const std::string& kind) {
  using R = GuidellmRequest;
  const auto after_target = [](const R& r) {
    return r.targeted_s ? std::optional(r.resolve_s - *r.targeted_s) : std::nullopt;
  };
  const auto send = [](const R& r) {
    return r.sent_s ? std::optional(*r.sent_s - r.resolve_s) : std::nullopt;
  };
  return Json::object()
      .set("start_time", start_s)
      .set("request_start_time", window.start_s)
      .set("measure_start_time", window.start_s)
      .set("measure_end_time", window.end_s)
      .set("request_end_time", window.end_s)
      .set("end_time", window.end_s)
      .set("requests_made", guidellm_request_totals(requests))
      .set("generation_delay", guidellm_distribution(std::vector<WeightedValue>()))
      .set("queued_time_avg", kUnknown)
      .set("resolve_start_delay_avg", kUnknown)
      .set("resolve_targeted_start_delay_avg", mean_over(requests, after_target))
      .set("request_start_delay_avg", mean_over(requests, send))
      .set("request_targeted_start_delay_avg",
           mean_over(requests, [](const R& r) { return r.dispatch_delay_s(); }))
      .set("request_time_avg", mean_over(requests, [](const R& r) { return r.latency_s(); }))
      .set("resolve_end_delay_avg", kUnknown)
      .set("resolve_time_avg",
           mean_over(requests, [](const R& r) { return std::optional(r.end_s - r.resolve_s); }))
      .set("finalized_delay_avg", kUnknown)
      .set("processed_delay_avg", kUnknown)
      .set("strategy_type", kind);
}

Json benchmark_of(const ExportTrial& trial, const Offered& offered) {
  std::vector<GuidellmRequest> requests;
  requests.reserve(trial.requests.size());
  for (const ExportRequest& each : trial.requests) requests.push_back(request_of(trial, each));
  const double start_s = trial.wall_s(0);
  TimeWindow window{start_s, start_s};
  if (!requests.empty()) {
    window.start_s = std::ranges::min(requests, {}, &GuidellmRequest::start_s).start_s();
    window.end_s = std::ranges::max(requests, {}, &GuidellmRequest::end_s).end_s;
  }
  const GuidellmMetricsOptions options{
      .window = window,
      .defines_arrival_schedule = offered.is_scheduled,
      .slo = trial.offer.has_slo ? std::optional(trial.offer.slo) : std::nullopt};
  return Json::object()
      .set("type_", "generative_benchmark")
      .set("config", benchmark_config(trial, offered))
      .set("scheduler_state", scheduler_state(requests, start_s, window))
      .set("scheduler_metrics", scheduler_metrics(requests, start_s, window, offered.kind))
      .set("metrics", guidellm_metrics(requests, options))
      .set("warnings", Json::array())
      .set("start_time", window.start_s)
      .set("end_time", window.end_s)
      .set("duration", window.end_s - window.start_s)
      .set("warmup_duration", 0.0)
      .set("cooldown_duration", 0.0);
}

Json report_of(const ExportTrial& trial, const Offered& offered) {
  return Json::object()
      .set("assay",
           export_mark(
               trial,
               "Written by assay in the form of GuideLLM 0.8 and with its definitions: times count from the "
               "send; the dossier holds latencies from the due instant, with intervals."))
      .set("metadata", Json::object()
                           .set("version", 2)
                           .set("guidellm_version", kGuidellmForm + trial.content.run.assay_version))
      .set("config", config_of(trial, offered))
      .set("conclusions", Json::array());
}

// An object's text without the brace that closes it, so that a member can follow.
std::string open_object(const Json& object) {
  std::string text = object.dump();
  text.pop_back();
  return text;
}

// Requests go out one by one: as one document they would take a hundred times their samples' memory.
Result<void> append_requests(const ExportTrial& trial, FileWriter& file, std::string text) {
  const auto flush = [&]() -> Result<void> {
    RETURN_IF_ERROR(file.append(std::as_bytes(std::span(text))));
    text.clear();
    return {};
  };
  const std::pair<const char*, Status> lists[] = {{"successful", Status::kSuccessful},
                                                  {"errored", Status::kErrored},
                                                  {"incomplete", Status::kIncomplete}};
  text += ",\"requests\":{";
  for (const auto& [name, status] : lists) {
    text += fmt::format("\"{}\":[", name);
    const char* separator = "";
    for (const ExportRequest& request : trial.requests) {
      if (request_of(trial, request).status != status) continue;
      text += separator + json_of(trial, request).dump();
      separator = ",";
      if (text.size() >= kGuidellmFlushBytes) RETURN_IF_ERROR(flush());
    }
    text += "],";
  }
  text += "\"total\":null}}]}\n";
  return flush();
}

}  // namespace

Result<void> write_guidellm_file(const ExportTrial& trial, const std::string& path) {
  const Offered offered = offered_of(trial);
  ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
  std::string head = open_object(report_of(trial, offered)) + ",\"benchmarks\":[" +
                     open_object(benchmark_of(trial, offered));
  RETURN_IF_ERROR(append_requests(trial, file, std::move(head)));
  return file.commit();
}

}  // namespace assay
