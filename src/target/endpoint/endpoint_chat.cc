// Chat completions, completions and responses: bodies written by hand into one string. What a session said so
// far stands before what the turn says.

#include "target/endpoint/endpoint_kinds.h"

#include "base/base.h"

namespace assay {
namespace {

void append_message(const EndpointParts& parts, std::string& said) {
  said += R"({"role":"user","content":")";
  append_json_text(endpoint_prompt(parts.request, parts.cutter), said);
  said += R"("})";
}

void append_history_and(const EndpointParts& parts, std::string_view between, std::string_view said,
                        std::string& body) {
  body += parts.history;
  if (!parts.history.empty()) body += between;
  body += said;
}

// From the length on: what chat and completions have in common.
void append_options(const EndpointParts& parts, std::string& body) {
  const EndpointFields& fields = parts.fields;
  append_format(body, R"(,"{}":{})", fields.max_completion_tokens ? "max_completion_tokens" : "max_tokens",
                parts.request.output_tokens);
  if (fields.temperature && parts.is_free("temperature")) body += R"(,"temperature":0)";
  body += R"(,"stream":true)";
  if (fields.stream_options && parts.is_free("stream_options"))
    body += R"(,"stream_options":{"include_usage":true})";
  if (fields.ignore_eos && parts.is_free("ignore_eos")) body += R"(,"ignore_eos":true)";
  body += parts.parameters;
  body += '}';
}

void begin_body(const EndpointParts& parts, const std::string& said, std::string& body) {
  body.reserve(body.size() + parts.history.size() + said.size() + parts.model.size() +
               parts.parameters.size() + 256);
  body += R"({"model":")";
  body += parts.model;
}

}  // namespace

void write_chat(const EndpointParts& parts, std::string& said, std::string& body) {
  append_message(parts, said);
  begin_body(parts, said, body);
  body += R"(","messages":[)";
  append_history_and(parts, ",", said, body);
  body += ']';
  append_options(parts, body);
}

void write_completion(const EndpointParts& parts, std::string& said, std::string& body) {
  append_json_text(endpoint_prompt(parts.request, parts.cutter), said);
  begin_body(parts, said, body);
  body += R"(","prompt":")";
  append_history_and(parts, " ", said, body);
  body += '"';
  append_options(parts, body);
}

// The history of a response is messages as those of a chat; the server is asked to keep nothing.
void write_response(const EndpointParts& parts, std::string& said, std::string& body) {
  append_message(parts, said);
  begin_body(parts, said, body);
  body += R"(","input":[)";
  append_history_and(parts, ",", said, body);
  append_format(body, R"(],"max_output_tokens":{})", parts.request.output_tokens);
  if (parts.fields.temperature && parts.is_free("temperature")) body += R"(,"temperature":0)";
  if (parts.is_free("store")) body += R"(,"store":false)";
  body += R"(,"stream":true)";
  if (parts.fields.ignore_eos && parts.is_free("ignore_eos")) body += R"(,"ignore_eos":true)";
  body += parts.parameters;
  body += '}';
}

}  // namespace assay
