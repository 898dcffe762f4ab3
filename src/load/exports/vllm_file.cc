// Writing vLLM's result file; see vllm_file.h.
#include "load/exports/vllm_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "load/exports/export_trial.h"
#include "os/os.h"

namespace assay {
namespace {

void add_statistics(Json& json, const std::string& name, std::vector<double> seconds) {
  std::ranges::sort(seconds);
  for (double& value : seconds) value *= 1000;
  json.set(fmt::format("mean_{}_ms", name), mean_of(seconds));
  json.set(fmt::format("median_{}_ms", name), linear_percentile(seconds, 0.5));
  json.set(fmt::format("std_{}_ms", name), deviation_of(seconds));
  json.set(fmt::format("p99_{}_ms", name), linear_percentile(seconds, 0.99));
}

Json list_of(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push(value);
  return list;
}

// "20261124-030032" of "2026-11-24T03:00:32Z".
std::string date_of(const std::string& created_at) {
  std::string date;
  for (const char c : created_at.substr(0, 19)) {
    if (c >= '0' && c <= '9') date += c;
    if (c == 'T') date += '-';
  }
  return date;
}

// The names of vLLM's request functions; where it has none of a kind, one after their pattern.
std::string backend_of(const std::string& api) {
  return api == "completions" ? "openai" : api == "rerank" ? "vllm-rerank" : "openai-" + api;
}

// Held against vLLM's own values: from the send, and a TPOT of 0 where there is one token.
bool keeps_limits(const ExportRequest& request, const Slo& slo) {
  const double ttft_ms = ms_between(request.sent_ns, request.first_ns);
  const double e2e_ms = ms_between(request.sent_ns, request.last_ns);
  const double tpot_ms =
      request.output_tokens > 1 ? (e2e_ms - ttft_ms) / static_cast<double>(request.output_tokens - 1) : 0;
  const auto keeps = [](const std::optional<double>& limit, double value) {
    return !limit || value <= *limit;
  };
  return keeps(slo.ttft_ms, ttft_ms) && keeps(slo.tpot_ms, tpot_ms) && keeps(slo.e2e_ms, e2e_ms);
}

// What vLLM keeps of each request, in its order and its units (seconds).
struct VllmRequests {
  std::vector<double> ttft, e2e, start, queue;
  std::vector<double> tpot, pooled_gaps;  // of those that tell
  Json prompt_tokens = Json::array(), output_tokens = Json::array(), gaps = Json::array(),
       errors = Json::array();
  int64_t completed = 0, failed = 0, good = 0, prompt_total = 0, output_total = 0;
  int64_t first_sent_ns = 0, last_end_ns = 0;
};

VllmRequests collect(const ExportTrial& trial) {
  VllmRequests all;
  for (const ExportRequest& request : trial.requests) {
    if (request.is_cancelled_by_plan()) continue;  // vLLM has none, and they are no failures
    ++(request.ok ? all.completed : all.failed);
    const int64_t sent = request.sent_ns;
    if (sent > 0 && (all.first_sent_ns == 0 || sent < all.first_sent_ns)) all.first_sent_ns = sent;
    all.last_end_ns = std::max(all.last_end_ns, request.end_ns);
    Json gaps = Json::array();
    for (size_t i = 1; i < request.chunk_ns.size(); ++i) {
      const double gap_s = static_cast<double>(request.chunk_ns[i] - request.chunk_ns[i - 1]) * 1e-9;
      gaps.push(gap_s);
      if (request.ok) all.pooled_gaps.push_back(gap_s);
    }
    all.gaps.push(std::move(gaps));
    const auto seconds_after_send = [&](int64_t at_ns) {
      return request.ok ? static_cast<double>(at_ns - sent) * 1e-9 : 0;
    };
    all.ttft.push_back(seconds_after_send(request.first_ns));
    all.e2e.push_back(seconds_after_send(request.last_ns));
    all.start.push_back(static_cast<double>(trial.start_ns + sent) * 1e-9);
    all.queue.push_back(static_cast<double>(sent - request.scheduled_ns) * 1e-9);
    all.prompt_tokens.push(request.prompt_tokens);
    all.output_tokens.push(request.ok ? request.output_tokens : 0);
    all.errors.push(request.ok ? std::string() : request.outcome);
    if (!request.ok) continue;
    all.good += keeps_limits(request, trial.offer.slo) ? 1 : 0;
    all.prompt_total += request.prompt_tokens;
    all.output_total += request.output_tokens;
    if (request.output_tokens > 1) {
      all.tpot.push_back((all.e2e.back() - all.ttft.back()) / static_cast<double>(request.output_tokens - 1));
    }
  }
  return all;
}

// Of those that ended well.
std::vector<double> completed_only(const std::vector<double>& values, const Json& errors) {
  std::vector<double> kept;
  for (size_t i = 0; i < values.size(); ++i) {
    if (errors.items()[i].as_string().empty()) kept.push_back(values[i]);
  }
  return kept;
}

Json file_of(const ExportTrial& trial, const VllmRequests& all) {
  const ExportOffer& offer = trial.offer;
  const double duration_s = std::max(1e-9, static_cast<double>(all.last_end_ns - all.first_sent_ns) * 1e-9);
  Json json = Json::object();
  json.set(
      "assay",
      export_mark(trial,
                  "Written by assay in the form of vllm bench serve and with its definitions: ttft and e2el "
                  "count from the send; the dossier holds latencies from the due instant, with intervals."));
  const std::string backend = backend_of(offer.api);
  json.set("date", date_of(trial.content.run.created_at)).set("endpoint_type", backend);
  json.set("backend", backend).set("label", Json());
  json.set("model_id", offer.model).set("tokenizer_id", offer.model);
  json.set("num_prompts", static_cast<int64_t>(all.ttft.size()));
  const bool is_at_once = offer.arrivals == "burst" || offer.arrivals == "closed";
  json.set("request_rate", is_at_once || !offer.rate_per_s ? Json("inf") : Json(*offer.rate_per_s));
  json.set("burstiness", 1 / (offer.cv * offer.cv));
  json.set("max_concurrency", offer.users);  // null in an open loop, as there without --max-concurrency
  json.set("duration", duration_s).set("completed", all.completed).set("failed", all.failed);
  json.set("total_input_tokens", all.prompt_total).set("total_output_tokens", all.output_total);
  const auto per_second = [&](int64_t count) { return static_cast<double>(count) / duration_s; };
  json.set("request_throughput", per_second(all.completed))
      .set("request_goodput", offer.has_slo ? Json(per_second(all.good)) : Json());
  // Of answers that come at once vLLM writes nothing of tokens, either.
  if (offer.streams) json.set("output_throughput", per_second(all.output_total));
  json.set("total_token_throughput", per_second(all.prompt_total + all.output_total));
  json.set("input_lens", all.prompt_tokens);
  if (offer.streams)
    json.set("output_lens", all.output_tokens).set("ttfts", list_of(all.ttft)).set("itls", all.gaps);
  json.set("latencies", list_of(all.e2e));
  json.set("start_times", list_of(all.start))
      .set("queue_times", list_of(all.queue))
      .set("errors", all.errors);
  if (offer.streams) {
    add_statistics(json, "ttft", completed_only(all.ttft, all.errors));
    add_statistics(json, "tpot", all.tpot);
    add_statistics(json, "itl", all.pooled_gaps);
  }
  add_statistics(json, "e2el", completed_only(all.e2e, all.errors));
  return json;
}

}  // namespace

Result<void> write_vllm_file(const ExportTrial& trial, const std::string& path) {
  return write_file_atomically(path, file_of(trial, collect(trial)).dump() + "\n");
}

}  // namespace assay
