// AIPerf's metrics; see aiperf_metrics.h.
#include "load/exports/aiperf_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace assay {
namespace {

using Value = std::optional<double>;

Value latency_ms(const ExportRequest& r) {
  return r.last_ns > 0 && r.dispatched_ns > 0 ? Value(ms_between(r.dispatched_ns, r.last_ns)) : Value();
}
Value ttft_ms(const ExportRequest& r) {
  return r.first_ns > 0 && r.dispatched_ns > 0 ? Value(ms_between(r.dispatched_ns, r.first_ns)) : Value();
}
Value ttfo_ms(const ExportRequest& r) {
  return r.first_output_ns > 0 && r.dispatched_ns > 0 ? Value(ms_between(r.dispatched_ns, r.first_output_ns))
                                                      : Value();
}
Value second_token_ms(const ExportRequest& r) {
  return r.chunk_ns.size() > 1 ? Value(ms_between(r.chunk_ns[0], r.chunk_ns[1])) : Value();
}
Value decode_ms(const ExportRequest& r) {
  const Value latency = latency_ms(r), ttft = ttft_ms(r);
  return latency && ttft ? Value(*latency - *ttft) : Value();
}
Value inter_token_ms(const ExportRequest& r) {
  const Value decode = decode_ms(r);
  return decode && r.output_tokens > 1 ? Value(*decode / static_cast<double>(r.output_tokens - 1)) : Value();
}
Value input_tokens(const ExportRequest& r) {
  return static_cast<double>(r.prompt_tokens);
}
Value output_tokens(const ExportRequest& r) {
  return static_cast<double>(r.output_tokens);
}
// AIPerf's count leaves reasoning out; how much of an answer was reasoning is known only if none was.
Value spoken_tokens(const ExportRequest& r) {
  return r.first_output_ns == r.first_ns ? output_tokens(r) : Value();
}
Value per_second(const Value& count, const Value& ms) {
  return count && ms && *ms > 0 ? Value(*count * 1000 / *ms) : Value();
}
Value user_rate(const ExportRequest& r) {
  return per_second(1, inter_token_ms(r));
}
Value whole_rate(const ExportRequest& r) {
  return per_second(output_tokens(r), latency_ms(r));
}
Value prefill_rate(const ExportRequest& r) {
  return per_second(input_tokens(r), ttft_ms(r));
}
Value credit_to_start_ms(const ExportRequest& r) {
  return r.dispatched_ns > 0 ? Value(ms_between(r.scheduled_ns, r.dispatched_ns)) : Value();
}
Value effective_ms(const ExportRequest& r) {
  return r.last_ns > 0 ? Value(ms_between(r.scheduled_ns, r.last_ns)) : Value();
}

struct RecordMetric {
  const char* name;
  const char* unit;
  Value (*of)(const ExportRequest& request);
  bool is_count = false;
  bool in_records = true;
};
constexpr RecordMetric kMetrics[] = {
    {"request_latency", "ms", latency_ms},
    {"time_to_first_token", "ms", ttft_ms},
    {"time_to_first_output_token", "ms", ttfo_ms},
    {"time_to_second_token", "ms", second_token_ms},
    {"inter_token_latency", "ms", inter_token_ms},
    {"output_token_throughput_per_user", "tokens/sec/user", user_rate},
    {"e2e_output_token_throughput", "tokens/sec/user", whole_rate},
    {"prefill_throughput_per_user", "tokens/sec/user", prefill_rate},
    {"decode_duration", "ms", decode_ms},
    {"input_sequence_length", "tokens", input_tokens, true},
    {"output_sequence_length", "tokens", output_tokens, true},
    {"output_token_count", "tokens", spoken_tokens, true},
    {"credit_to_start_latency", "ms", credit_to_start_ms, false, false},
    {"effective_latency", "ms", effective_ms, false, false},
};

Json value_with_unit(Json value, const char* unit) {
  return Json::object().set("value", std::move(value)).set("unit", unit);
}

// A figure of the run as a whole.
void set_scalar(Json& json, const char* name, const char* unit, double value) {
  json.set(name, Json::object().set("unit", unit).set("avg", value));
}

// Percentiles are linear between ranks, the deviation is the population's. Nothing of no values.
void set_distribution(Json& json, const char* name, const char* unit, std::vector<double> values) {
  if (values.empty()) return;
  std::ranges::sort(values);
  Json metric = Json::object().set("unit", unit).set("avg", mean_of(values));
  for (const int p : {1, 5, 10, 25, 50, 75, 90, 95, 99})
    metric.set(fmt::format("p{}", p), linear_percentile(values, p / 100.0));
  metric.set("min", values.front()).set("max", values.back()).set("std", deviation_of(values));
  metric.set("count", static_cast<int64_t>(values.size()));
  metric.set("sum", std::accumulate(values.begin(), values.end(), 0.0));
  json.set(name, std::move(metric));
}

// A request that lacks what a limit is held against is not good.
bool is_good(const ExportRequest& request, const Slo& slo) {
  const auto keeps = [&](const std::optional<double>& limit, const Value& value) {
    return !limit || (value && *value <= *limit);
  };
  return keeps(slo.ttft_ms, ttft_ms(request)) && keeps(slo.tpot_ms, inter_token_ms(request)) &&
         keeps(slo.e2e_ms, latency_ms(request));
}

// Sums, counts and rates.
void set_totals(std::span<const ExportRequest> requests, double observed_s, const std::optional<Slo>& slo,
                Json& json) {
  int64_t succeeded = 0, good = 0, first_ns = 0, last_ns = 0;
  double inputs = 0, outputs = 0, spoken = 0, lost_inputs = 0;
  bool knows_spoken = true;
  for (const ExportRequest& request : requests) {
    if (!request.ok) {
      lost_inputs += static_cast<double>(request.prompt_tokens);
      continue;
    }
    ++succeeded;
    good += slo && is_good(request, *slo) ? 1 : 0;
    inputs += static_cast<double>(request.prompt_tokens);
    outputs += static_cast<double>(request.output_tokens);
    const Value words = spoken_tokens(request);
    knows_spoken = knows_spoken && words;
    spoken += words.value_or(0);
    if (first_ns == 0 || request.dispatched_ns < first_ns) first_ns = request.dispatched_ns;
    last_ns = std::max(last_ns, request.last_ns);
  }
  const auto attempted = static_cast<double>(requests.size());
  const double failed = attempted - static_cast<double>(succeeded);
  set_scalar(json, "completed_request_count", "requests", attempted);
  if (attempted > 0) set_scalar(json, "request_error_rate", "%", 100 * failed / attempted);
  if (failed > 0) {
    set_scalar(json, "error_request_count", "requests", failed);
    set_scalar(json, "total_error_isl", "tokens", lost_inputs);
  }
  if (succeeded == 0 || last_ns <= first_ns || observed_s <= 0) return;
  // From the first request to the last response: shorter than what the rates are over.
  set_scalar(json, "benchmark_duration", "sec", static_cast<double>(last_ns - first_ns) * 1e-9);
  set_scalar(json, "request_count", "requests", static_cast<double>(succeeded));
  set_scalar(json, "request_throughput", "requests/sec", static_cast<double>(succeeded) / observed_s);
  set_scalar(json, "total_isl", "tokens", inputs);
  set_scalar(json, "total_osl", "tokens", outputs);
  if (knows_spoken) set_scalar(json, "total_output_tokens", "tokens", spoken);
  set_scalar(json, "input_token_throughput", "tokens/sec", inputs / observed_s);
  set_scalar(json, "output_token_throughput", "tokens/sec", outputs / observed_s);
  set_scalar(json, "total_token_throughput", "tokens/sec", (inputs + outputs) / observed_s);
  if (!slo) return;
  set_scalar(json, "good_request_count", "requests", static_cast<double>(good));
  set_scalar(json, "goodput", "requests/sec", static_cast<double>(good) / observed_s);
  set_scalar(json, "good_request_fraction", "ratio", static_cast<double>(good) / attempted);
}

}  // namespace

Json aiperf_record_metrics(const ExportRequest& request) {
  Json metrics = Json::object();
  if (!request.ok) return metrics.set("error_isl", value_with_unit(request.prompt_tokens, "tokens"));
  for (const RecordMetric& metric : kMetrics) {
    const Value value = metric.in_records ? metric.of(request) : Value();
    if (!value) continue;
    metrics.set(
        metric.name,
        value_with_unit(metric.is_count ? Json(static_cast<int64_t>(*value)) : Json(*value), metric.unit));
  }
  if (request.chunk_ns.size() < 2) return metrics;
  Json gaps = Json::array();
  for (size_t i = 1; i < request.chunk_ns.size(); ++i)
    gaps.push(ms_between(request.chunk_ns[i - 1], request.chunk_ns[i]));
  return metrics.set("inter_chunk_latency", value_with_unit(std::move(gaps), "ms"));
}

Json aiperf_metrics(std::span<const ExportRequest> requests, double observed_s,
                    const std::optional<Slo>& slo) {
  Json json = Json::object();
  std::vector<double> values;
  for (const RecordMetric& metric : kMetrics) {
    values.clear();
    for (const ExportRequest& request : requests) {
      if (const Value value = request.ok ? metric.of(request) : Value()) values.push_back(*value);
    }
    set_distribution(json, metric.name, metric.unit, values);
  }
  values.clear();
  std::vector<double> lost_inputs;
  for (const ExportRequest& request : requests) {
    if (!request.ok) lost_inputs.push_back(static_cast<double>(request.prompt_tokens));
    for (size_t i = 1; request.ok && i < request.chunk_ns.size(); ++i)
      values.push_back(ms_between(request.chunk_ns[i - 1], request.chunk_ns[i]));
  }
  set_distribution(json, "inter_chunk_latency", "ms", std::move(values));
  set_distribution(json, "error_isl", "tokens", std::move(lost_inputs));
  set_totals(requests, observed_s, slo, json);
  return json;
}

}  // namespace assay
