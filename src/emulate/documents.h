// Answers that are one JSON document or one text: whole completions, embeddings, ranks, tensors, models,
// metrics and errors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "emulate/events.h"
#include "emulate/timing.h"

namespace assay {

struct DocumentRequest {
  RouteKind kind{};
  AnswerId id{};
  Usage usage;
  const char* finish_reason = "stop";
  uint32_t items = 1;
  uint32_t dimensions = 64;
  bool base64 = false;
  uint32_t results = 1;                             // of the items, so many are ranked
  std::string_view method, path, request_id, body;  // what an echo repeats
};
// The JSON that answers a request for inference as a whole.
std::string answer_document(const StreamEvents& events, const DocumentRequest& request);

std::string models_document(const StreamEvents& events);
std::string model_info_document(const StreamEvents& events, std::string_view path);
std::string server_info_document();
// {"error":{"message":…,"type":…,"code":…}}
std::string error_document(int status, std::string_view message);

struct MetricCounters {
  uint64_t prompt_tokens = 0, generation_tokens = 0, requests = 0;
};
// Prometheus text with vLLM's names.
std::string metrics_text(const StreamEvents& events, const ServingState& state, uint64_t kv_capacity_tokens,
                         const MetricCounters& counters);

// A whole HTTP response. `extra_fields` are lines that each end with CRLF.
std::string http_response(int status, std::string_view content_type, std::string_view extra_fields,
                          std::string_view body, bool keep_alive);

}  // namespace assay
