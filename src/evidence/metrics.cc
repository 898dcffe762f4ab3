// The metric table. A new metric is a new row.
#include "evidence/metrics.h"

#include <fmt/format.h>

#include <utility>

namespace assay {
namespace {

constexpr Better kHigher = Better::kHigher;
constexpr Better kLower = Better::kLower;
constexpr Better kNeither = Better::kNeither;

constexpr Metric kMetrics[] = {
    // Serving: load trials.
    {"ttft_ms", Scope::kClass, "ms", kLower, true, "time to first token",
     "First non-empty content, reasoning or tool-call delta minus the scheduled instant of the request. "
     "Role-only chunks do not count.",
     "assay metric definitions"},
    {"ttfo_ms", Scope::kClass, "ms", kLower, true, "time to first output",
     "First delta that is not reasoning minus the scheduled instant, over all answers of a class in which any "
     "reasoned. In other classes it is TTFT, and there is no record.",
     "assay metric definitions"},
    {"tpot_ms", Scope::kClass, "ms", kLower, true, "time per output token",
     "(last token − first token) / (n − 1) of a request; undefined for n < 2.", "assay metric definitions"},
    {"chunk_gap_ms", Scope::kClass, "ms", kLower, true, "chunk gap",
     "Time between consecutive content chunks of a request; a chunk may hold several tokens.",
     "assay metric definitions"},
    {"e2e_ms", Scope::kClass, "ms", kLower, true, "end-to-end latency",
     "Last content chunk minus the scheduled instant. Closing usage and end-of-stream are not part of it.",
     "assay metric definitions"},
    {"queue_ms", Scope::kClass, "ms", kLower, true, "queue time",
     "When the engine began to work on a request, minus its scheduled instant; of targets that tell.",
     "assay metric definitions"},
    {"session_lateness_ms", Scope::kClass, "ms", kLower, true, "lateness of a session's turn",
     "How long the answers before it had taken, from their scheduled instants to their ends, when a later turn of a session was "
     "due: it came by so much later than if they had taken no time. Its own latencies begin when it was due.",
     "assay metric definitions"},
    {"effective_ttft_ms", Scope::kClass, "ms", kLower, true, "time to first token, failures as infinite",
     "ttft_ms of all attempted requests, where one that failed took for ever. Without failures there is no such record: it "
     "would be ttft_ms.",
     "assay metric definitions; adj_* of AIPerf"},
    {"effective_e2e_ms", Scope::kClass, "ms", kLower, true, "end-to-end latency, failures as infinite",
     "e2e_ms of all attempted requests, where one that failed took for ever. Without failures there is no such record: it "
     "would be e2e_ms.",
     "assay metric definitions; adj_* of AIPerf"},
    {"dispatch_lag_ms", Scope::kTrial, "ms", kLower, true, "dispatch lag",
     "When the load generator turned to a request, minus the scheduled instant: its own lateness. A trial whose p99.9 "
     "exceeds its budget is void.",
     "assay metric definitions"},
    {"send_lag_ms", Scope::kTrial, "ms", kLower, true, "send lag",
     "When a request's last byte was given to the kernel, minus the scheduled instant: dispatch lag, waiting for a "
     "connection, connecting, TLS.",
     "assay metric definitions"},
    {"late_send_share", Scope::kTrial, "", kLower, false, "share of late sends",
     "Share of sent requests whose send lag exceeds the budget of the dispatch lag (load.dispatch_lag_budget_ms), whoever is "
     "to blame: the load generator, a connection that was not free, TLS.",
     "assay metric definitions"},
    {"unsent_requests", Scope::kTrial, "requests", kLower, false, "requests that were never sent",
     "Requests of the plan that have no row: the trial's end came before them, also while they waited for a connection; or a "
     "request that failed, or was broken off, had ended their session.",
     "assay metric definitions"},
    {"receive_lag_ms", Scope::kTrial, "ms", kLower, true, "receive lag",
     "When a chunk was read, minus the kernel's stamp of its arrival: how late the load generator was. Latencies count "
     "from the stamp, so that it does not reach them.",
     "assay metric definitions"},
    {"coalesced_share", Scope::kTrial, "", kLower, false, "share of coalesced chunks",
     "Chunks that were read together with a later one of the same stream: the kernel's stamp is that of the last, so that "
     "their own arrival is known to an interval only.",
     "assay metric definitions"},
    {"coalesced_interval_ms", Scope::kTrial, "ms", kLower, true, "interval of coalesced chunks",
     "Of chunks that were read together with a later one: the longest that they can have come before its stamp.",
     "assay metric definitions"},
    {"connect_ms", Scope::kTrial, "ms", kLower, true, "connection set-up",
     "From the first packet to a connection that carries requests, TLS included.",
     "assay metric definitions"},
    {"round_trip_ms", Scope::kTrial, "ms", kLower, true, "network round trip",
     "The least that TCP saw on a connection, its handshake included; its smoothed mean would contain what the server waits "
     "with acknowledgements. Shown beside latencies, never subtracted from them.",
     "tcpi_min_rtt of tcp(7)"},
    {"tcp_retransmits", Scope::kTrial, "", kLower, false, "TCP retransmissions",
     "Segments that this side had to send again, over all connections.", "tcpi_total_retrans of tcp(7)"},
    {"offered_rate_per_s", Scope::kClass, "requests/s", kNeither, false, "offered rate",
     "Requests scheduled per second of the steady window.", "assay metric definitions"},
    {"request_throughput_per_s", Scope::kClass, "requests/s", kHigher, false, "request throughput",
     "Requests that ended well, per second of the steady window.", "assay metric definitions"},
    {"output_throughput_tokens_per_s", Scope::kClass, "tokens/s", kHigher, false, "output throughput",
     "Output tokens received per second of the steady window.", "assay metric definitions"},
    {"input_throughput_tokens_per_s", Scope::kClass, "tokens/s", kHigher, false, "input throughput",
     "Prompt tokens of requests whose first token fell into the steady window, per second.",
     "assay metric definitions"},
    {"goodput_per_s", Scope::kClass, "requests/s", kHigher, false, "goodput",
     "Requests per second that ended within the window and met every SLO of their class; errors and time-outs are failures. A part of request_throughput_per_s.",
     "DistServe (OSDI 2024); assay metric definitions"},
    {"capacity_per_s", Scope::kTarget, "requests/s", kHigher, false, "capacity under SLO",
     "Largest total rate of the mix at which every traffic class keeps its SLO at its required share (joint goodput). Its "
     "interval lies between the highest rate that was shown to hold and the lowest that was shown to fail.",
     "assay metric definitions; DistServe (OSDI 2024)"},
    {"slo_attainment", Scope::kClass, "", kHigher, false, "SLO attainment",
     "Share of attempted requests that met every SLO of their class; requests broken off by plan are left out.",
     "DistServe (OSDI 2024)"},
    {"error_rate", Scope::kClass, "", kLower, false, "error rate",
     "Share of attempted requests that failed, timed out or were cut off; requests broken off by plan are left out.",
     "assay metric definitions"},
    {"interference", Scope::kEachClass, "", kLower, false, "interference",
     "Median TTFT of a class in the mix divided by its median TTFT alone at the same device; E2E where answers come at once.",
     "assay metric definitions"},
    {"tpot_interference", Scope::kEachClass, "", kLower, false, "interference, time per token",
     "Median TPOT of a class in the mix divided by its median TPOT alone at the same device.",
     "assay metric definitions"},
    {"cold_start_s", Scope::kTarget, "s", kLower, false, "cold start",
     "Of a server that assay launched: from the start of its process to the arrival of the first answer that says it is "
     "ready. The question is put every 20 ms, so that it may be late by as much and an answer's time.",
     "assay metric definitions"},
    {"cold_start_first_token_s", Scope::kTarget, "s", kLower, false, "cold start to first token",
     "Of a server that assay launched: from the start of its process to the first token of a small request, sent as soon as "
     "it is ready.",
     "assay metric definitions"},
    {"client_cpu_utilisation", Scope::kTrial, "", kLower, false, "client CPU utilisation",
     "CPU time of the load generator's own process divided by the trial's duration.",
     "CLOCK_PROCESS_CPUTIME_ID of clock_gettime(2)"},
    // After the requests: token counts against a tokenizer.
    {"usage_output_ratio", Scope::kClass, "", kNeither, false, "output tokens, told ÷ counted",
     "Output tokens by the server's usage (or by chunks, where it tells none) ÷ those that the model's tokenizer counts in the "
     "texts, sums over a sample of answers.",
     "assay metric definitions"},
    {"usage_prompt_ratio", Scope::kEachClass, "", kNeither, false, "prompt tokens, told ÷ counted",
     "Prompt tokens by the server's usage for each that the model's tokenizer counts, as prompts grow: 1 + the median slope of "
     "the difference. What is added to every prompt alike is not in it.",
     "Theil (1950), Sen (1968)"},
    {"usage_prompt_offset_tokens", Scope::kEachClass, "tokens", kNeither, false,
     "tokens added to each prompt",
     "Prompt tokens by the server's usage less those that the model's tokenizer counts in the prompt's own text, in the "
     "median: what a chat template adds.",
     "assay metric definitions"},
    {"clock_offset_ms", Scope::kTrial, "ms", kNeither, false, "clock offset of a rank",
     "CLOCK_MONOTONIC of one of several load generators less that of rank 0, at the start; its interval is that of the "
     "shortest round trip. What the clocks drift afterwards comes on top.",
     "F. Cristian, Probabilistic clock synchronization, Distributed Computing 3 (1989)"},
    // Beside the requests: what the server tells of itself, and power sensors.
    {"server_running", Scope::kTrial, "requests", kNeither, true, "requests running, as the server tells",
     "Requests that the server worked on, sampled from its metrics in the steady window.",
     "the server's Prometheus metrics"},
    {"server_waiting", Scope::kTrial, "requests", kLower, true, "requests waiting, as the server tells",
     "Requests that the server had taken and did not work on yet, sampled from its metrics in the steady window.",
     "the server's Prometheus metrics"},
    {"server_kv_usage", Scope::kTrial, "", kNeither, true, "KV cache in use, as the server tells",
     "Share of the KV cache in use, sampled from the server's metrics in the steady window; the mean over its engines.",
     "the server's Prometheus metrics"},
    {"server_prefix_hit_rate", Scope::kTrial, "", kHigher, false, "prefix cache hits, as the server tells",
     "Prompt tokens found in the server's prefix cache ÷ those looked for in it, by its own totals over the steady window; the "
     "mean of its own rate where it tells no totals.",
     "the server's Prometheus metrics"},
    {"server_preemptions", Scope::kTrial, "", kLower, false, "preemptions, as the server tells",
     "Requests that lost their place in the KV cache to others within the steady window.",
     "the server's Prometheus metrics"},
    {"server_queue_time_ms", Scope::kTrial, "ms", kLower, true, "queue time, as the server tells",
     "Time from a request's arrival at the server to the beginning of work on it; the mean over the requests that the server "
     "counted within the steady window.",
     "the server's Prometheus metrics"},
    {"server_prompt_tokens_per_s", Scope::kTrial, "tokens/s", kHigher, false,
     "prompt tokens, as the server tells",
     "Tokens of prompts worked on per second of the steady window, by the server's own total.",
     "the server's Prometheus metrics"},
    {"server_output_tokens_per_s", Scope::kTrial, "tokens/s", kHigher, false,
     "output tokens, as the server tells",
     "Tokens generated per second of the steady window, by the server's own total; the mean of its own rate where it tells no "
     "total.",
     "the server's Prometheus metrics"},
    {"server_prompt_ms", Scope::kClass, "ms", kLower, true, "prompt processing, as the server tells",
     "From the beginning of work on a request's prompt to its first token, by the server's own timing in the answer: "
     "without network, HTTP and the wait for a place.",
     "timings.prompt_ms of llama.cpp's server"},
    {"ttft_server_difference_ms", Scope::kClass, "ms", kLower, true, "TTFT beyond the server's own timing",
     "ttft_ms less server_prompt_ms, request by request: send lag, the network both ways, and what the server does before "
     "its own timing begins and after it ends.",
     "assay metric definitions"},
    {"server_tpot_ms", Scope::kClass, "ms", kLower, true, "time per output token, as the server tells",
     "From a request's first token to its last ÷ (n − 1), by the server's own timing in the answer.",
     "timings.predicted_ms ÷ (timings.predicted_n − 1) of llama.cpp's server"},
    {"tpot_server_difference_ms", Scope::kClass, "ms", kNeither, true, "TPOT less the server's own timing",
     "tpot_ms less server_tpot_ms, request by request: how far two clocks disagree.",
     "assay metric definitions"},
    {"sampler_cpu_utilisation", Scope::kTrial, "", kLower, false, "CPU utilisation of the sampling",
     "CPU time of the thread that samples metrics and sensors, divided by the trial's duration; not part of "
     "client_cpu_utilisation.",
     "CLOCK_THREAD_CPUTIME_ID of clock_gettime(2)"},
    {"energy_j", Scope::kTrial, "J", kLower, false, "energy",
     "Energy of the named power sensors of this machine over the steady window, whoever used it: server, load generator and "
     "whatever else ran.",
     "powercap and hwmon of the Linux kernel"},
    {"power_w", Scope::kTrial, "W", kLower, true, "power",
     "Mean power of the named sensors over the steady window; the maximum is the largest mean between two samples.",
     "powercap and hwmon of the Linux kernel"},
    {"energy_per_output_token_j", Scope::kTrial, "J", kLower, false, "energy per output token",
     "Energy of the named power sensors over the steady window ÷ output tokens received within it.",
     "powercap and hwmon of the Linux kernel"},
    // Engine: what llama.cpp reaches on a device.
    {"prefill_tokens_per_s", Scope::kDevice, "tokens/s", kHigher, false, "prefill speed",
     "Prompt tokens evaluated per second for one sequence, as llama-bench's pp test.", "llama-bench"},
    {"decode_tokens_per_s", Scope::kDevice, "tokens/s", kHigher, false, "decode speed",
     "Tokens generated per second for one sequence, as llama-bench's tg test.", "llama-bench"},
    {"batched_decode_tokens_per_s", Scope::kDevice, "tokens/s", kHigher, false, "batched decode speed",
     "Tokens generated per second in all when several sequences decode in one batch.", "llama-batched-bench"},
    {"model_load_s", Scope::kDevice, "s", kLower, false, "model load time",
     "From the start of the worker to its being ready for work: backends loaded, the model read, one step of each "
     "kind of batch done.",
     "assay metric definitions"},
    {"model_memory_bytes", Scope::kDevice, "bytes", kLower, false, "model memory",
     "Weights, KV cache and compute buffers together, on the device.", "assay metric definitions"},
    {"worker_peak_memory_bytes", Scope::kTrial, "bytes", kLower, false, "worker's peak memory",
     "Peak resident set of the worker process.", "VmHWM of proc(5)"},
    // Roofline: what kernels get out of the silicon.
    {"memory_bandwidth_gb_per_s", Scope::kDevice, "GB/s", kHigher, false, "memory bandwidth",
     "Bytes read and written per second by a copy or triad kernel, 10⁹ bytes a GB.",
     "McCalpin, STREAM (1995)"},
    {"matmul_tflop_per_s", Scope::kDevice, "TFLOP/s", kHigher, false, "matrix multiplication",
     "2·m·n·k operations per second of C[m,n] = A[m,k]·B[k,n] with the weights in the stated type.",
     "Williams et al., Roofline (2009)"},
    {"attention_tflop_per_s", Scope::kDevice, "TFLOP/s", kHigher, false, "attention",
     "4·heads·head size·queries·keys operations per second of flash attention.",
     "Dao et al., FlashAttention (2022)"},
    {"launch_overhead_us", Scope::kDevice, "µs", kLower, false, "launch overhead",
     "Time of a graph with one trivial operation, start to finish.", "assay metric definitions"},
    {"host_to_device_gb_per_s", Scope::kDevice, "GB/s", kHigher, false, "host to device transfer",
     "Bytes per second from host memory into the device's buffer.", "assay metric definitions"},
    {"device_to_host_gb_per_s", Scope::kDevice, "GB/s", kHigher, false, "device to host transfer",
     "Bytes per second from the device's buffer into host memory.", "assay metric definitions"},
    {"all_reduce_gb_per_s", Scope::kDevice, "GB/s", kHigher, false, "all-reduce bus bandwidth",
     "2·(n − 1)/n · bytes ÷ time of an all-reduce over n devices: what each must send and receive at the least, whatever the "
     "algorithm. Told by kits.",
     "nccl-tests, PERFORMANCE.md"},
    {"roofline_efficiency", Scope::kDevice, "", kHigher, false, "share of the bound",
     "Best measured rate divided by the theoretical bound.", "Williams et al., Roofline (2009)"},
    {"engine_efficiency", Scope::kDevice, "", kHigher, false, "engine efficiency",
     "Decode speed times the bytes read per token, divided by the measured memory bandwidth; or prefill "
     "speed times the operations per token, divided by the best measured matrix multiplication with weights of the model's type.",
     "assay metric definitions"},
    // Probe: what is there.
    {"device_memory_bytes", Scope::kHost, "bytes", kHigher, false, "device memory",
     "Memory of the device, as its backend reports it.", "ggml_backend_dev_memory"},
    {"cpu_cores", Scope::kHost, "", kHigher, false, "CPU cores", "Physical cores that this process may use.",
     "hwloc"},
};

constexpr std::string_view kStatistics[] = {"mean", "max", "p50", "p90", "p95", "p99", "p99_9"};

const Metric* find_metric(std::string_view name) {
  for (const Metric& metric : kMetrics) {
    if (name == metric.name) return &metric;
  }
  return nullptr;
}

// As records and requirements name them; with a statistic, only the distributions, with that one.
std::vector<std::string> names_with(std::string_view wanted_statistic) {
  std::vector<std::string> names;
  for (const Metric& metric : kMetrics) {
    if (!metric.is_distribution && wanted_statistic.empty()) names.emplace_back(metric.name);
    for (const std::string_view statistic : kStatistics) {
      const bool is_wanted = wanted_statistic.empty() || statistic == wanted_statistic;
      if (metric.is_distribution && is_wanted) names.push_back(fmt::format("{}_{}", metric.name, statistic));
    }
  }
  return names;
}

// What may have been meant by a name that is none.
std::string hint_for(std::string_view name) {
  if (find_metric(name) != nullptr)
    return fmt::format(" It is a distribution: say which statistic, for example {}_p90.", name);
  std::string hint = suggestion(name, names_with(""));
  for (const std::string_view statistic : kStatistics) {
    const bool has_statistic = name.ends_with(statistic) && name.size() > statistic.size() + 1;
    if (hint.empty() && has_statistic)
      hint = suggestion(name.substr(0, name.size() - statistic.size() - 1), names_with(statistic));
  }
  return hint;
}

std::string_view direction(Better better) {
  switch (better) {
    case Better::kHigher:
      return "higher is better";
    case Better::kLower:
      return "lower is better";
    case Better::kNeither:
      return "neither is better";
  }
  std::unreachable();
}

}  // namespace

std::span<const Metric> metrics() {
  return kMetrics;
}

const char* exam_of(Scope scope) {
  switch (scope) {
    case Scope::kClass:
    case Scope::kEachClass:
    case Scope::kTrial:
    case Scope::kTarget:
      return "load";
    case Scope::kDevice:
      return "roofline";
    case Scope::kHost:
      return "probe";
  }
  std::unreachable();
}

Result<MetricName> parse_metric_name(std::string_view name) {
  if (const Metric* metric = find_metric(name); metric != nullptr && !metric->is_distribution) {
    return MetricName{metric, ""};
  }
  for (const std::string_view statistic : kStatistics) {
    if (!name.ends_with(statistic) || name.size() <= statistic.size() + 1) continue;
    const Metric* metric = find_metric(name.substr(0, name.size() - statistic.size() - 1));
    if (metric != nullptr && metric->is_distribution) return MetricName{metric, std::string(statistic)};
  }
  return fail(fmt::format("unknown metric '{}'.{}", printable(name), hint_for(name)), "",
              "`assay list metrics` shows them all.");
}

std::string metric_reference_markdown() {
  std::string out =
      "# Metrics\n\n"
      "Every quantity that a record can carry. A distribution is recorded by its statistics: the name followed by\n"
      "`_mean`, `_max`, `_p50`, `_p90`, `_p95`, `_p99` or `_p99_9`. How means, percentiles and intervals are computed\n"
      "stands in [statistics.md](statistics.md).\n\n"
      "| metric | exam | unit | better | definition | source |\n|---|---|---|---|---|---|\n";
  for (const Metric& metric : kMetrics) {
    const std::string unit = *metric.unit != '\0' ? metric.unit : "none (a ratio or a count)";
    out += fmt::format("| `{}`{}<br>{} | {} | {} | {} | {} | {} |\n", metric.name,
                       metric.is_distribution ? " (distribution)" : "", metric.title, exam_of(metric.scope),
                       unit, direction(metric.better), metric.definition, metric.source);
  }
  return out;
}

}  // namespace assay
