// GuideLLM 0.8's metrics object, from requests as GuideLLM keeps them. Definitions are GuideLLM's: times
// count from the send; time per output token includes the time to the first; latency ends with the stream;
// single token stamps are not kept but spread evenly. Private to load.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "load/exports/guidellm_statistics.h"
#include "workload/workload.h"

namespace assay {

// Instants in seconds of any one clock; nothing: it never happened.
struct GuidellmRequest {
  enum class Status { kSuccessful, kIncomplete, kErrored };
  Status status = Status::kSuccessful;
  std::optional<double> targeted_s;  // when it was due
  double resolve_s = 0;              // when it was turned to
  std::optional<double> sent_s;      // its own start
  std::optional<double> first_s, first_output_s, last_s;
  double end_s = 0;
  int64_t prompt_tokens = 0, output_tokens = 0;
  int64_t chunks = 0;  // of content: GuideLLM's token iterations
  int64_t turn = 0;

  double start_s() const { return sent_s.value_or(resolve_s); }
  // Nothing where GuideLLM's own property is None.
  std::optional<double> latency_s() const;
  std::optional<double> dispatch_delay_s() const;
  std::optional<double> scheduled_latency_s() const;
  std::optional<double> ttft_ms() const;
  std::optional<double> ttfo_ms() const;
  std::optional<double> time_per_output_token_ms() const;
  std::optional<double> inter_token_latency_ms() const;
  std::optional<double> later_tokens_per_chunk() const;
  std::vector<TimedEvent> output_token_events() const;
};

struct GuidellmMetricsOptions {
  TimeWindow window;
  bool defines_arrival_schedule = false;  // constant, Poisson, trace: delays against the schedule are told
  std::optional<Slo> slo;
};

Json guidellm_metrics(const std::vector<GuidellmRequest>& requests, const GuidellmMetricsOptions& options);

// Distribution over all requests, of those that tell.
Json guidellm_root_dispatch_delay(const std::vector<GuidellmRequest>& requests);
Json guidellm_request_totals(const std::vector<GuidellmRequest>& requests);

}  // namespace assay
