// Decoding of chunks over simdjson's on-demand interface; see endpoint_chunk.h.
#include "target/endpoint_chunk.h"

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
    if (key == "prompt_tokens") {
      chunk.prompt_tokens = count_of(field.value());
      chunk.has_usage = true;
    } else if (key == "completion_tokens") {
      chunk.output_tokens = count_of(field.value());
      chunk.has_usage = true;
    }
  }
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

}  // namespace

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
