// What an OpenAI-compatible server is asked: the JSON of a request, with the earlier turns of its session
// before it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "workload/workload.h"

namespace assay {

enum class EndpointApi { kChat, kCompletions };

// By its name in a scenario: "chat", "completions". Nothing for any other.
std::optional<EndpointApi> endpoint_api(std::string_view name);

// Fields that a server may not know and refuse; open() finds out which.
struct EndpointFields {
  bool ignore_eos = true;      // llama.cpp, vLLM, SGLang: go on to max_tokens
  bool stream_options = true;  // usage at the end of a stream
  bool temperature = true;
  bool max_completion_tokens = false;  // in place of max_tokens
};

// Appends `text` (UTF-8) as the inside of a JSON string, without the quotes.
void append_json_text(std::string_view text, std::string& out);

// The prompt of one turn: the shared prefix, then what is its own.
std::string endpoint_prompt(const Request& request, double bytes_per_token);

// Builds bodies and keeps what sessions have said so far: one JSON fragment each, so that a turn costs what
// it adds. One thread only.
class EndpointBodies {
 public:
  EndpointBodies(EndpointApi api, double bytes_per_token) : api_(api), bytes_per_token_(bytes_per_token) {}

  void set_model(std::string_view model);
  EndpointFields& fields() { return fields_; }
  std::string_view path() const;  // where bodies go, below the URL's own path: "/chat/completions"

  // `said` is what this turn adds to its session: to be given back to `answered`.
  std::string body_for(const Request& request, std::string& said) const;
  // The turn ended well with `answer`. The session is forgotten after its last turn.
  void answered(const Request& request, std::string_view said, std::string_view answer);
  // The turn ended badly: the session goes on without it, or is forgotten if it was the last.
  void failed(const Request& request);
  size_t sessions() const { return histories_.size(); }

 private:
  EndpointApi api_;
  double bytes_per_token_;
  std::string model_;  // as JSON text
  EndpointFields fields_;
  std::unordered_map<uint64_t, std::string>
      histories_;  // by session: messages (chat) or text (completions), as JSON
};

}  // namespace assay
