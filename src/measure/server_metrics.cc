// The tables, and the joining of series; see server_metrics.h.
#include "measure/server_metrics.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace assay {
namespace {

using enum ServerQuantity;

constexpr ServerQuantityRow kQuantities[] = {
    {kRunning, "running", SeriesJoin::kSum},
    {kWaiting, "waiting", SeriesJoin::kSum},
    {kKvUsage, "kv_usage", SeriesJoin::kMean},
    {kPrefixHits, "prefix_hits", SeriesJoin::kSum},
    {kPrefixQueries, "prefix_queries", SeriesJoin::kSum},
    {kPrefixHitRate, "prefix_hit_rate", SeriesJoin::kMean},
    {kPreemptions, "preemptions", SeriesJoin::kSum},
    {kPromptTokens, "prompt_tokens", SeriesJoin::kSum},
    {kOutputTokens, "output_tokens", SeriesJoin::kSum},
    {kOutputTokensPerS, "output_tokens_per_s", SeriesJoin::kSum},
    {kQueueTimeS, "queue_time_s", SeriesJoin::kSum},
    {kQueueTimeRequests, "queue_time_requests", SeriesJoin::kSum},
};

// A server's name for something is a row here.
constexpr KnownServerMetric kMetrics[] = {
    {"vllm:num_requests_running", "vllm", kRunning},
    {"vllm:num_requests_waiting", "vllm", kWaiting},
    {"vllm:kv_cache_usage_perc", "vllm", kKvUsage},
    {"vllm:gpu_cache_usage_perc", "vllm", kKvUsage},  // before 0.10
    {"vllm:prefix_cache_hits_total", "vllm", kPrefixHits},
    {"vllm:gpu_prefix_cache_hits_total", "vllm", kPrefixHits},  // before 0.10
    {"vllm:prefix_cache_queries_total", "vllm", kPrefixQueries},
    {"vllm:gpu_prefix_cache_queries_total", "vllm", kPrefixQueries},
    {"vllm:gpu_prefix_cache_hit_rate", "vllm", kPrefixHitRate},  // of the V0 engine
    {"vllm:num_preemptions_total", "vllm", kPreemptions},
    {"vllm:prompt_tokens_total", "vllm", kPromptTokens},
    {"vllm:generation_tokens_total", "vllm", kOutputTokens},
    {"vllm:request_queue_time_seconds_sum", "vllm", kQueueTimeS},
    {"vllm:request_queue_time_seconds_count", "vllm", kQueueTimeRequests},
    {"sglang:num_running_reqs", "sglang", kRunning},
    {"sglang:num_queue_reqs", "sglang", kWaiting},
    {"sglang:token_usage", "sglang", kKvUsage},
    {"sglang:cache_hit_rate", "sglang", kPrefixHitRate},
    {"sglang:prompt_tokens_total", "sglang", kPromptTokens},
    {"sglang:generation_tokens_total", "sglang", kOutputTokens},
    {"sglang:gen_throughput", "sglang", kOutputTokensPerS},
    {"sglang:queue_time_seconds_sum", "sglang", kQueueTimeS},
    {"sglang:queue_time_seconds_count", "sglang", kQueueTimeRequests},
    {"llamacpp:requests_processing", "llama.cpp", kRunning},
    {"llamacpp:requests_deferred", "llama.cpp", kWaiting},
    {"llamacpp:kv_cache_usage_ratio", "llama.cpp", kKvUsage},
    {"llamacpp:prompt_tokens_total", "llama.cpp", kPromptTokens},
    {"llamacpp:tokens_predicted_total", "llama.cpp", kOutputTokens},
    {"tgi_batch_current_size", "tgi", kRunning},
    {"tgi_queue_size", "tgi", kWaiting},
    {"tgi_request_queue_duration_sum", "tgi", kQueueTimeS},
    {"tgi_request_queue_duration_count", "tgi", kQueueTimeRequests},
};

bool counts(const PrometheusSample& sample) {
  if (!std::isfinite(sample.value) || sample.value < 0) return false;
  return std::ranges::none_of(sample.labels, [](const PrometheusLabel& label) {
    const bool is_rank = label.name == "tp_rank" || label.name == "pp_rank";
    const bool is_other_rank = is_rank && label.value != "0" && !label.value.empty();
    return is_other_rank || (label.name == "priority" && !label.value.empty());
  });
}

}  // namespace

std::span<const ServerQuantityRow> server_quantities() {
  return kQuantities;
}

const ServerQuantityRow& row_of(ServerQuantity quantity) {
  const ServerQuantityRow& row = kQuantities[static_cast<size_t>(quantity)];
  CHECK(row.quantity == quantity);
  return row;
}

std::span<const KnownServerMetric> known_server_metrics() {
  return kMetrics;
}

bool ServerReading::empty() const {
  return std::ranges::none_of(values, [](const auto& value) { return value.has_value(); });
}

ServerReading joined_reading(std::span<const ServerReading> readings) {
  ServerReading joined = readings.front();
  for (const ServerQuantityRow& row : kQuantities) {
    std::optional<double>& value = joined.values[static_cast<size_t>(row.quantity)];
    for (const ServerReading& reading : readings.subspan(1)) {
      const auto other = reading[row.quantity];
      if (value && other) {
        *value += *other;
      } else {
        value.reset();
      }
    }
    if (value && row.join == SeriesJoin::kMean) *value /= static_cast<double>(readings.size());
  }
  return joined;
}

Result<ServerReading> read_server_metrics(std::string_view text, std::string_view where) {
  struct Joined {
    double sum = 0;
    size_t series = 0;
  };
  std::array<Joined, std::size(kMetrics)> joined;
  RETURN_IF_ERROR(parse_prometheus_text(text, where, [&](const PrometheusSample& sample) {
    const auto* known =
        std::ranges::find_if(kMetrics, [&](const auto& row) { return sample.name == row.name; });
    if (known == std::end(kMetrics) || !counts(sample)) return;
    Joined& one = joined[static_cast<size_t>(known - std::begin(kMetrics))];
    one.sum += sample.value;
    ++one.series;
  }));
  ServerReading reading;
  for (size_t i = 0; i < joined.size(); ++i) {
    std::optional<double>& value = reading.values[static_cast<size_t>(kMetrics[i].quantity)];
    if (value || joined[i].series == 0) continue;
    const bool is_mean = row_of(kMetrics[i].quantity).join == SeriesJoin::kMean;
    value = joined[i].sum / (is_mean ? static_cast<double>(joined[i].series) : 1);
    if (!std::isfinite(*value)) value.reset();
  }
  return reading;
}

}  // namespace assay
