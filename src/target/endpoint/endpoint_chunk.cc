// Decoding of chunks over simdjson's on-demand interface; see endpoint_chunk.h.
#include "target/endpoint/endpoint_chunk.h"

#include <simdjson.h>

#include <algorithm>

namespace assay {

namespace ondemand = simdjson::ondemand;

struct EndpointChunkDecoder::State {
  ondemand::parser parser;
};

EndpointChunkDecoder::EndpointChunkDecoder() : state_(std::make_unique<State>()) {}
EndpointChunkDecoder::~EndpointChunkDecoder() = default;

namespace {

static_assert(EndpointChunkDecoder::kPadding >= simdjson::SIMDJSON_PADDING);

bool is_text(ondemand::value& value) {
  // A string's token begins with its quote; an empty one ends with the next character.
  const std::string_view token = value.raw_json_token();
  return token.size() > 2 && token[0] == '"' && token[1] != '"';
}

bool has_item(ondemand::value& value) {
  if (value.type() != ondemand::json_type::array) return false;
  for (ondemand::value item : value.get_array()) {
    (void)item;
    return true;
  }
  return false;
}

uint32_t count_of(ondemand::value value) {
  uint64_t count = 0;
  if (value.get(count) != simdjson::SUCCESS) return 0;
  return static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX));
}

// What stands between the quotes of a string, or nothing if there is an escape in it.
std::string_view raw_text(ondemand::value& value) {
  std::string_view token = value.raw_json_token();  // to the beginning of the next one
  token.remove_prefix(1);
  const size_t end = token.find('"');
  const std::string_view text = token.substr(0, end);
  return end == std::string_view::npos || text.find('\\') != std::string_view::npos ? std::string_view()
                                                                                    : text;
}

void take_content(ondemand::value value, bool wants_text, EndpointChunk& chunk) {
  if (!is_text(value)) return;
  chunk.has_more_text |= chunk.content;
  chunk.content = true;
  chunk.raw_text = raw_text(value);
  std::string_view text;
  // Half of a surrogate pair is no text, but was a chunk all the same.
  if (wants_text && value.get(text) == simdjson::SUCCESS) chunk.text = text;
}

// "delta" of a chat chunk, or "message" of a whole answer.
void take_delta(ondemand::value delta, bool wants_text, EndpointChunk& chunk) {
  if (delta.type() != ondemand::json_type::object) return;
  for (ondemand::field field : delta.get_object()) {
    const ondemand::raw_json_string key = field.key();
    ondemand::value value = field.value();
    if (key == "content") {
      take_content(value, wants_text, chunk);
    } else if (key == "reasoning_content" || key == "reasoning") {
      if (!is_text(value)) continue;
      chunk.reasoning = true;
      chunk.raw_text = raw_text(value);
      std::string_view text;
      if (wants_text && value.get(text) == simdjson::SUCCESS) chunk.reasoning_text = text;
    } else if (key == "tool_calls") {
      chunk.tool_call |= has_item(value);
    }
  }
}

void take_choice(ondemand::value choice, bool wants_text, EndpointChunk& chunk) {
  for (ondemand::field field : choice.get_object()) {
    const ondemand::raw_json_string key = field.key();
    ondemand::value value = field.value();
    if (key == "delta" || key == "message") {
      take_delta(value, wants_text, chunk);
    } else if (key == "text") {
      take_content(value, wants_text, chunk);
    } else if (key == "finish_reason") {
      chunk.finished |= is_text(value);
    }
  }
}

void take_usage(ondemand::value usage, EndpointChunk& chunk) {
  if (usage.type() != ondemand::json_type::object) return;  // null in all chunks but the last
  for (ondemand::field field : usage.get_object()) {
    const ondemand::raw_json_string key = field.key();
    if (key == "prompt_tokens" || key == "input_tokens") {
      chunk.prompt_tokens = count_of(field.value());
      chunk.has_usage = true;
    } else if (key == "completion_tokens" || key == "output_tokens") {
      chunk.output_tokens = count_of(field.value());
      chunk.has_usage = true;
    }
  }
}

// A duration that a server may tell: more than a day is no answer's, and what is no number says nothing.
double told_ms(ondemand::value value) {
  constexpr double kMostMs = 86'400'000;
  double ms = 0;
  return value.get(ms) == simdjson::SUCCESS && ms > 0 && ms <= kMostMs ? ms : 0;
}

// llama.cpp's server (and its kin), in the last chunk, or with timings_per_token in each. `prompt_ms` ends
// with the first token, `predicted_ms` goes from there to the last of `predicted_n` tokens; its own
// `predicted_per_token_ms` divides by the tokens in some versions and by the gaps between them in others.
void take_timings(ondemand::value timings, EndpointChunk& chunk) {
  if (timings.type() != ondemand::json_type::object) return;
  double prompt_ms = 0, predicted_ms = 0;
  uint32_t tokens = 0;
  for (ondemand::field field : timings.get_object()) {
    const ondemand::raw_json_string key = field.key();
    if (key == "prompt_ms") {
      prompt_ms = told_ms(field.value());
    } else if (key == "predicted_ms") {
      predicted_ms = told_ms(field.value());
    } else if (key == "predicted_n") {
      tokens = count_of(field.value());
    }
  }
  chunk.server_prompt = nanos_from_ms(prompt_ms);
  if (tokens > 1) chunk.server_tpot = nanos_from_ms(predicted_ms / (tokens - 1));
}

void take_error(ondemand::value error, EndpointChunk& chunk) {
  if (error.type() == ondemand::json_type::null) return;
  chunk.has_error = true;
  std::string_view words;
  if (error.type() == ondemand::json_type::string) {
    if (error.get(words) == simdjson::SUCCESS) chunk.error = words;
    return;
  }
  if (error.type() != ondemand::json_type::object) return;
  for (ondemand::field field : error.get_object()) {
    if (field.key() == "message" && field.value().get(words) == simdjson::SUCCESS) chunk.error = words;
  }
}

// ---- responses ----

// What the type of an event says of it.
enum class ResponseEvent { kOther, kText, kReasoning, kTool, kEnd, kFailure };

ResponseEvent event_of(std::string_view type) {
  constexpr std::pair<std::string_view, ResponseEvent> kEvents[] = {
      {"response.output_text.delta", ResponseEvent::kText},
      {"response.refusal.delta", ResponseEvent::kText},
      {"response.reasoning_text.delta", ResponseEvent::kReasoning},
      {"response.reasoning_summary_text.delta", ResponseEvent::kReasoning},
      {"response.function_call_arguments.delta", ResponseEvent::kTool},
      {"response.completed", ResponseEvent::kEnd},
      {"response.incomplete", ResponseEvent::kEnd},  // max_output_tokens has been reached
      {"response.failed", ResponseEvent::kFailure},
      {"error", ResponseEvent::kFailure},
  };
  for (const auto& [name, event] : kEvents) {
    if (type == name) return event;
  }
  return ResponseEvent::kOther;
}

// An item of a whole response's "output": a message with parts of text, or reasoning, or a call.
void take_output_item(ondemand::value item, bool wants_text, EndpointChunk& chunk) {
  if (item.type() != ondemand::json_type::object) return;
  std::string_view type;
  for (ondemand::field field : item.get_object()) {
    const ondemand::raw_json_string key = field.key();
    ondemand::value value = field.value();
    if (key == "type") {
      if (value.get(type) != simdjson::SUCCESS) type = {};
      chunk.tool_call |= type == "function_call";
      chunk.reasoning |= type == "reasoning";
    } else if (key == "content" && type != "reasoning" && value.type() == ondemand::json_type::array) {
      for (ondemand::value part : value.get_array()) {
        if (part.type() != ondemand::json_type::object) continue;
        for (ondemand::field of_part : part.get_object()) {
          if (of_part.key() == "text") take_content(of_part.value(), wants_text, chunk);
        }
      }
    }
  }
}

// "response" of an event, or a whole response.
void take_response_field(const ondemand::raw_json_string& key, ondemand::value value, bool wants_text,
                         EndpointChunk& chunk) {
  if (key == "usage") {
    take_usage(value, chunk);
  } else if (key == "timings") {
    take_timings(value, chunk);
  } else if (key == "error") {
    take_error(value, chunk);
  } else if (key == "output" && value.type() == ondemand::json_type::array) {
    for (ondemand::value item : value.get_array()) take_output_item(item, wants_text, chunk);
  }
}

// What an event's type makes of its delta and of what its response holds.
void settle(ResponseEvent event, bool has_delta, EndpointChunk& chunk) {
  // The whole text stands in the last event once more: that is no output.
  chunk.content = event == ResponseEvent::kText && has_delta;
  chunk.reasoning = event == ResponseEvent::kReasoning && has_delta;
  chunk.tool_call = event == ResponseEvent::kTool && has_delta;
  chunk.finished = event == ResponseEvent::kEnd;
  chunk.has_usage = chunk.has_usage && chunk.finished;
  if (!chunk.content) chunk.text = chunk.raw_text = {};
  chunk.has_error |= event == ResponseEvent::kFailure;
}

}  // namespace

bool EndpointChunkDecoder::decode_response(std::string_view json, bool wants_text, EndpointChunk& chunk) {
  chunk = {};
  try {
    ondemand::document document = state_->parser.iterate(json.data(), json.size(), json.size() + kPadding);
    std::string_view type, delta;
    bool is_event = false, has_delta = false;
    for (ondemand::field field : document.get_object()) {
      const ondemand::raw_json_string key = field.key();
      ondemand::value value = field.value();
      if (key == "type") {
        is_event = value.get(type) == simdjson::SUCCESS;
      } else if (key == "delta") {
        has_delta = is_text(value);
        if (has_delta && wants_text && value.get(delta) != simdjson::SUCCESS) delta = {};
      } else if (key == "message") {  // of an event that is an error
        std::string_view words;
        if (value.get(words) == simdjson::SUCCESS) chunk.error = words;
      } else if (key == "response" && value.type() == ondemand::json_type::object) {
        for (ondemand::field inner : value.get_object()) {
          const ondemand::raw_json_string inner_key = inner.key();
          take_response_field(inner_key, inner.value(), false, chunk);
        }
      } else {
        take_response_field(key, value, wants_text, chunk);
      }
    }
    if (is_event) {
      settle(event_of(type), has_delta, chunk);
      if (chunk.content) chunk.text = delta;
      if (chunk.reasoning) chunk.reasoning_text = delta;
    }
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  } catch (const simdjson::simdjson_error&) {
    return false;
  }
}

bool EndpointChunkDecoder::decode(std::string_view json, bool wants_text, EndpointChunk& chunk) {
  chunk = {};
  try {
    ondemand::document document = state_->parser.iterate(json.data(), json.size(), json.size() + kPadding);
    for (ondemand::field field : document.get_object()) {
      const ondemand::raw_json_string key = field.key();
      if (key == "choices") {
        for (ondemand::value choice : field.value().get_array()) take_choice(choice, wants_text, chunk);
      } else if (key == "usage") {
        take_usage(field.value(), chunk);
      } else if (key == "timings") {
        take_timings(field.value(), chunk);
      } else if (key == "error") {
        take_error(field.value(), chunk);
      }
    }
    // Nothing may follow the object: the place behind the last token is out of bounds.
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  } catch (const simdjson::simdjson_error&) {
    return false;
  }
}

}  // namespace assay
