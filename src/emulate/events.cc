// Events of OpenAI's three streaming interfaces; see events.h.
#include "emulate/events.h"

#include <fmt/format.h>

#include <cstring>

#include "base/base.h"

namespace assay {
namespace {

constexpr std::string_view kWords[16] = {" that", " this", " with", " from", " have", " they",
                                         " will", " what", " when", " been", " more", " some",
                                         " time", " only", " your", " into"};
constexpr AnswerId kNoId = {'0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0'};

std::string_view text_of(const AnswerId& id) {
  return {id.data(), id.size()};
}

}  // namespace

AnswerId answer_id(uint64_t index) {
  uint64_t mixed = Random(0, random_stream("emulate id"), index).next();
  AnswerId id;
  for (char& c : id) {
    c = "0123456789abcdef"[mixed & 15];
    mixed >>= 4;
  }
  return id;
}

std::string_view token_word(uint64_t index) {
  return kWords[index & 15];
}

void EventTemplate::patch(const AnswerId& id, uint64_t token_index) {
  std::memcpy(bytes.data() + id_at, id.data(), id.size());
  std::memcpy(bytes.data() + word_at, token_word(token_index).data(), kTokenBytes);
}

void append_chunk(std::string_view text, std::string& out) {
  append_format(out, "{:x}\r\n", text.size());
  out += text;
  out += "\r\n";
}

std::string json_escaped(std::string_view text) {
  std::string quoted = Json(text).dump();
  return quoted.substr(1, quoted.size() - 2);
}

std::string answer_text(uint32_t tokens) {
  std::string text;
  text.reserve(tokens * kTokenBytes);
  for (uint32_t i = 0; i < tokens; ++i) text += token_word(i);
  return text;
}

std::string usage_json(const Usage& usage) {
  return fmt::format(R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}})",
                     usage.prompt_tokens, usage.completion_tokens,
                     uint64_t{usage.prompt_tokens} + usage.completion_tokens);
}

size_t StreamEvents::index_of(RouteKind kind) {
  return kind == RouteKind::kChat ? 0 : kind == RouteKind::kCompletions ? 1 : 2;
}

StreamEvents::StreamEvents(const std::string& model, int64_t created_s)
    : model_(json_escaped(model)), created_s_(created_s) {
  for (const RouteKind kind : {RouteKind::kChat, RouteKind::kCompletions, RouteKind::kResponses}) {
    EventTemplate& made = token(kind);
    append_chunk(token_event(kind, kNoId, "@WORD"), made.bytes);
    made.id_at = made.bytes.find(text_of(kNoId));
    made.word_at = made.bytes.rfind("@WORD");
    CHECK(made.id_at != std::string::npos && made.word_at != std::string::npos);
  }
}

// One event of chat or completions: `rest` stands behind the choices.
std::string StreamEvents::event(RouteKind kind, const AnswerId& id, std::string_view choices,
                                std::string_view rest) const {
  const bool chat = kind == RouteKind::kChat;
  return fmt::format(
      "data: {{\"id\":\"{}{}\",\"object\":\"{}\",\"created\":{},\"model\":\"{}\",\"choices\":[{}]{}}}\n\n",
      chat ? "chatcmpl-" : "cmpl-", text_of(id), chat ? "chat.completion.chunk" : "text_completion",
      created_s_, model_, choices, rest);
}

std::string StreamEvents::token_event(RouteKind kind, const AnswerId& id, std::string_view word) const {
  const std::string text = word.starts_with('@') ? std::string(word) : json_escaped(word);
  switch (kind) {
    case RouteKind::kChat:
      return event(kind, id,
                   fmt::format(R"({{"index":0,"delta":{{"content":"{}"}},"finish_reason":null}})", text), "");
    case RouteKind::kCompletions:
      return event(kind, id, fmt::format(R"({{"index":0,"text":"{}","finish_reason":null}})", text), "");
    default:
      return fmt::format(
          "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"item_id\":\"msg_{}\","
          "\"output_index\":0,\"content_index\":0,\"delta\":\"{}\"}}\n\n",
          text_of(id), text);
  }
}

void StreamEvents::append_opening(RouteKind kind, const AnswerId& id, std::string& out) const {
  if (kind == RouteKind::kChat) {
    append_chunk(
        event(kind, id, R"({"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null})", ""),
        out);
  } else if (kind == RouteKind::kResponses) {
    append_chunk(
        fmt::format(
            "event: response.created\ndata: {{\"type\":\"response.created\",\"response\":{{\"id\":\"resp_{}\","
            "\"object\":\"response\",\"created_at\":{},\"model\":\"{}\",\"status\":\"in_progress\"}}}}\n\n",
            text_of(id), created_s_, model_),
        out);
  }
}

void StreamEvents::append_closing(RouteKind kind, const AnswerId& id, const Closing& closing,
                                  std::string& out) const {
  const Usage& usage = closing.usage;
  if (kind == RouteKind::kResponses) {
    append_chunk(
        fmt::format(
            "event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{{\"id\":\"resp_{}\","
            "\"object\":\"response\",\"created_at\":{},\"model\":\"{}\",\"status\":\"completed\",\"usage\":{{"
            "\"input_tokens\":{},\"output_tokens\":{},\"total_tokens\":{}}}}}}}\n\n",
            text_of(id), created_s_, model_, usage.prompt_tokens, usage.completion_tokens,
            uint64_t{usage.prompt_tokens} + usage.completion_tokens),
        out);
  } else {
    const char* empty = kind == RouteKind::kChat ? R"("delta":{})" : R"("text":"")";
    append_chunk(
        event(kind, id, fmt::format(R"({{"index":0,{},"finish_reason":"{}"}})", empty, closing.finish_reason),
              ""),
        out);
    if (closing.include_usage) append_chunk(event(kind, id, "", ",\"usage\":" + usage_json(usage)), out);
    append_chunk("data: [DONE]\n\n", out);
  }
  out += "0\r\n\r\n";
}

}  // namespace assay
