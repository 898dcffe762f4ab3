// Request bodies written by hand into one string; see endpoint_body.h.
#include "target/endpoint_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace assay {

std::optional<EndpointApi> endpoint_api(std::string_view name) {
  if (name == "chat") return EndpointApi::kChat;
  if (name == "completions") return EndpointApi::kCompletions;
  return std::nullopt;
}

void append_json_text(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(byte));
    } else {
      out += c;
    }
  }
}

std::string endpoint_prompt(const Request& request, double bytes_per_token) {
  const uint32_t shared = std::min(request.prefix_tokens, request.prompt_tokens);
  const uint32_t own = request.prompt_tokens - shared;
  std::string text;
  if (shared > 0) text = prompt_text(request.corpus, request.prefix_seed, shared, bytes_per_token);
  if (own > 0) {
    if (!text.empty()) text += ' ';
    text += prompt_text(request.corpus, request.prompt_seed, own, bytes_per_token);
  }
  return text;
}

void EndpointBodies::set_model(std::string_view model) {
  model_.clear();
  append_json_text(model, model_);
}

std::string_view EndpointBodies::path() const {
  return api_ == EndpointApi::kChat ? "/chat/completions" : "/completions";
}

std::string EndpointBodies::body_for(const Request& request, std::string& said) const {
  const bool chat = api_ == EndpointApi::kChat;
  const auto found = request.session == 0 ? histories_.end() : histories_.find(request.session);
  const std::string_view history = found == histories_.end() ? std::string_view() : found->second;
  said.clear();
  if (chat) said += R"({"role":"user","content":")";
  append_json_text(endpoint_prompt(request, bytes_per_token_), said);
  if (chat) said += R"("})";

  std::string body;
  body.reserve(history.size() + said.size() + model_.size() + 256);
  body += R"({"model":")";
  body += model_;
  body += chat ? R"(","messages":[)" : R"(","prompt":")";
  body += history;
  if (!history.empty()) body += chat ? "," : " ";
  body += said;
  body += chat ? "]" : "\"";
  fmt::format_to(std::back_inserter(body), R"(,"{}":{})",
                 fields_.max_completion_tokens ? "max_completion_tokens" : "max_tokens",
                 request.output_tokens);
  if (fields_.temperature) body += R"(,"temperature":0)";
  body += R"(,"stream":true)";
  if (fields_.stream_options) body += R"(,"stream_options":{"include_usage":true})";
  if (fields_.ignore_eos) body += R"(,"ignore_eos":true)";
  body += '}';
  return body;
}

void EndpointBodies::answered(const Request& request, std::string_view said, std::string_view answer) {
  if (request.session == 0) return;
  if (request.last_turn) {
    histories_.erase(request.session);
    return;
  }
  const bool chat = api_ == EndpointApi::kChat;
  std::string& history = histories_[request.session];
  if (!history.empty()) history += chat ? "," : " ";
  history += said;
  if (chat) history += R"(,{"role":"assistant","content":")";
  append_json_text(answer, history);
  if (chat) history += R"("})";
}

void EndpointBodies::failed(const Request& request) {
  if (request.last_turn) histories_.erase(request.session);
}

}  // namespace assay
