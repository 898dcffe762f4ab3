// What one JSON document of an OpenAI-compatible answer says: a chunk of a stream, or a whole answer.
// simdjson does the reading, and only endpoint_chunk.cc sees it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/base.h"

namespace assay {

// Views live until the decoder's next call.
struct EndpointChunk {
  bool content = false;    // output text that is not empty
  bool reasoning = false;  // the same of reasoning (reasoning_content, or reasoning)
  bool tool_call = false;  // at least one tool call's piece
  bool finished = false;   // a finish_reason
  bool has_usage = false;
  uint32_t prompt_tokens = 0, output_tokens = 0;
  Nanos server_prompt{}, server_tpot{};   // as StreamEvent has them, up to this chunk; 0: it does not tell
  std::string_view text, reasoning_text;  // unescaped, if they were asked for and can be
  bool has_more_text = false;             // several choices or parts: `text` is the last of them
  std::string_view
      raw_text;            // content or reasoning between its quotes, within `json`; empty if it has escapes
  bool has_error = false;  // the server reports an error in place of an answer
  std::string_view error;  // its message, unescaped; may be empty
};

// Keeps its buffers: no allocation per document once they are large enough. One thread only.
class EndpointChunkDecoder {
 public:
  static constexpr size_t kPadding = 64;

  EndpointChunkDecoder();
  ~EndpointChunkDecoder();

  // False if `json` is not a JSON object of that kind. kPadding bytes behind its end must be readable.
  bool decode(std::string_view json, bool wants_text, EndpointChunk& chunk);
  // The same of OpenAI's responses: one event of a stream, or a whole response.
  bool decode_response(std::string_view json, bool wants_text, EndpointChunk& chunk);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
