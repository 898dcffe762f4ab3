// Documents; see documents.h.
#include "emulate/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/base.h"

namespace assay {
namespace {

std::string completion_document(const StreamEvents& events, const DocumentRequest& request,
                                std::string_view id) {
  const std::string text = answer_text(request.usage.completion_tokens);
  const bool chat = request.kind == RouteKind::kChat;
  const std::string content = chat ? fmt::format(R"("message":{{"role":"assistant","content":"{}"}})", text)
                                   : fmt::format(R"("text":"{}")", text);
  return fmt::format(
      R"({{"id":"{}{}","object":"{}","created":{},"model":"{}","choices":[{{"index":0,{},"finish_reason":"{}"}}],"usage":{}}})",
      chat ? "chatcmpl-" : "cmpl-", id, chat ? "chat.completion" : "text_completion", events.created_s(),
      events.model(), content, request.finish_reason, usage_json(request.usage));
}

std::string response_document(const StreamEvents& events, const DocumentRequest& request,
                              std::string_view id) {
  return fmt::format(
      R"({{"id":"resp_{}","object":"response","created_at":{},"model":"{}","status":"completed","output":[{{"type":"message","id":"msg_{}","role":"assistant","status":"completed","content":[{{"type":"output_text","text":"{}","annotations":[]}}]}}],"usage":{{"input_tokens":{},"output_tokens":{},"total_tokens":{}}}}})",
      id, events.created_s(), events.model(), id, answer_text(request.usage.completion_tokens),
      request.usage.prompt_tokens, request.usage.completion_tokens,
      uint64_t{request.usage.prompt_tokens} + request.usage.completion_tokens);
}

// Numbers that are a function of their place, so that a client can check them: −0.99 … 0.99.
double number_at(uint32_t item, uint32_t place) {
  return (static_cast<double>((item * 31 + place * 17) % 199) - 99) / 100;
}

// Floats as OpenAI sends them with encoding_format "base64": four bytes each, the lowest first (RFC 4648 §4).
std::string base64_numbers(uint32_t item, uint32_t count) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  for (uint32_t place = 0; place < count; ++place) {
    const auto bits = std::bit_cast<uint32_t>(static_cast<float>(number_at(item, place)));
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 255);
  }
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t rest = std::min<size_t>(3, bytes.size() - at);
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < rest ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (size_t i = 0; i < 4; ++i) out += i <= rest ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

std::string embeddings_document(const StreamEvents& events, const DocumentRequest& request) {
  std::string out = R"({"object":"list","data":[)";
  for (uint32_t item = 0; item < request.items; ++item) {
    out += item == 0 ? "" : ",";
    append_format(out, R"({{"object":"embedding","index":{},"embedding":)", item);
    if (request.base64) {
      out += '"' + base64_numbers(item, request.dimensions) + "\"}";
      continue;
    }
    out += '[';
    for (uint32_t place = 0; place < request.dimensions; ++place)
      append_format(out, "{}{:.2f}", place == 0 ? "" : ",", number_at(item, place));
    out += "]}";
  }
  append_format(out, R"(],"model":"{}","usage":{{"prompt_tokens":{},"total_tokens":{}}}}})", events.model(),
                request.usage.prompt_tokens, request.usage.prompt_tokens);
  return out;
}

// The documents in their order, each less relevant than the one before.
std::string rerank_document(const StreamEvents& events, const DocumentRequest& request, std::string_view id) {
  std::string out =
      fmt::format(R"({{"id":"rerank-{}","model":"{}","usage":{{"total_tokens":{}}},"results":[)", id,
                  events.model(), request.usage.prompt_tokens);
  for (uint32_t item = 0; item < request.results; ++item)
    append_format(out, R"({}{{"index":{},"relevance_score":{:.6f}}})", item == 0 ? "" : ",", item,
                  1.0 / (item + 1));
  return out + "]}";
}

std::string infer_document(const StreamEvents& events, const DocumentRequest& request, std::string_view id) {
  std::string out = fmt::format(
      R"({{"model_name":"{}","model_version":"1","id":"{}","outputs":[{{"name":"output","datatype":"FP32","shape":[{},1],"data":[)",
      events.model(), id, request.items);
  for (uint32_t item = 0; item < request.items; ++item)
    append_format(out, "{}{:.2f}", item == 0 ? "" : ",", number_at(item, 0));
  return out + "]}]}";
}

std::string echo_document(const DocumentRequest& request) {
  const Result<Json> body = Json::parse(request.body, "body");
  Json echo = Json::object();
  echo.set("method", request.method)
      .set("path", printable(request.path))
      .set("request_id", request.request_id);
  return echo.set("body", body ? *body : Json()).dump();
}

const char* reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    default:
      return status < 500 ? "Refused" : "Not Supported";
  }
}

}  // namespace

std::string answer_document(const StreamEvents& events, const DocumentRequest& request) {
  const std::string_view id(request.id.data(), request.id.size());
  switch (request.kind) {
    case RouteKind::kResponses:
      return response_document(events, request, id);
    case RouteKind::kEmbeddings:
      return embeddings_document(events, request);
    case RouteKind::kRerank:
      return rerank_document(events, request, id);
    case RouteKind::kInfer:
      return infer_document(events, request, id);
    case RouteKind::kEcho:
      return echo_document(request);
    default:
      return completion_document(events, request, id);
  }
}

std::string models_document(const StreamEvents& events) {
  return fmt::format(
      R"({{"object":"list","data":[{{"id":"{}","object":"model","created":{},"owned_by":"assay","max_model_len":1000000}}]}})",
      events.model(), events.created_s());
}

std::string model_info_document(const StreamEvents& events, std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return fmt::format(
      R"({{"name":"{}","versions":["1"],"platform":"assay_emulate","served_model":"{}","inputs":[{{"name":"input","datatype":"FP32","shape":[-1,-1]}}],"outputs":[{{"name":"output","datatype":"FP32","shape":[-1,1]}}]}})",
      json_escaped(name), events.model());
}

std::string server_info_document() {
  return R"({"name":"assay emulate","version":"1","extensions":[]})";
}

std::string error_document(int status, std::string_view message) {
  const char* type = status == 429   ? "rate_limit_error"
                     : status >= 500 ? "server_error"
                                     : "invalid_request_error";
  return fmt::format(R"({{"error":{{"message":"{}","type":"{}","code":{}}}}})", json_escaped(message), type,
                     status);
}

std::string metrics_text(const StreamEvents& events, const ServingState& state, uint64_t kv_capacity_tokens,
                         const MetricCounters& counters) {
  const double kv_share = kv_capacity_tokens == 0 ? 0
                                                  : static_cast<double>(state.kv_tokens) /
                                                        static_cast<double>(kv_capacity_tokens);
  std::string out;
  const auto metric = [&](const char* name, const char* type, const char* help, const std::string& value) {
    append_format(out, "# HELP {} {}\n# TYPE {} {}\n{}{{model_name=\"{}\"}} {}\n", name, help, name, type,
                  name, events.model(), value);
  };
  metric("vllm:num_requests_running", "gauge", "Number of requests being served.",
         fmt::format("{}", state.running));
  metric("vllm:num_requests_waiting", "gauge", "Number of requests waiting to be served.",
         fmt::format("{}", state.waiting));
  metric("vllm:kv_cache_usage_perc", "gauge", "KV cache usage; 1 means full.",
         fmt::format("{:.6f}", kv_share));
  metric("vllm:prompt_tokens_total", "counter", "Number of prefill tokens processed.",
         fmt::format("{}", counters.prompt_tokens));
  metric("vllm:generation_tokens_total", "counter", "Number of generation tokens produced.",
         fmt::format("{}", counters.generation_tokens));
  metric("vllm:request_success_total", "counter", "Number of requests answered whole.",
         fmt::format("{}", counters.requests));
  return out;
}

std::string http_response(int status, std::string_view content_type, std::string_view extra_fields,
                          std::string_view body, bool keep_alive) {
  return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\n{}{}Content-Length: {}\r\n\r\n{}", status,
                     reason_of(status), content_type, extra_fields, keep_alive ? "" : "Connection: close\r\n",
                     body.size(), body);
}

}  // namespace assay
