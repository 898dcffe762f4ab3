// Whole answers of an endpoint from hostile bytes: exactly one end for every request, however the bytes are
// cut, details that fit, and chunks that two JSON parsers agree on.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "target/endpoint/endpoint_reply.h"

namespace {

using assay::EndpointReply;
using assay::StreamEventKind;

std::string story_of(std::string_view bytes, size_t step, assay::EndpointForm form,
                     assay::EndpointChunkDecoder& decoder) {
  EndpointReply reply(decoder);
  reply.begin(1, assay::kMaxAnswerBytes, {.form = form});
  std::vector<assay::StreamEvent> events;
  EndpointReply::State state = EndpointReply::State::kComing;
  while (!bytes.empty() && state != EndpointReply::State::kOver) {
    std::string piece(bytes.substr(0, step));
    bytes.remove_prefix(piece.size());
    const size_t size = piece.size();
    piece.append(assay::EndpointChunkDecoder::kPadding, '\0');
    state = reply.receive(std::string_view(piece).substr(0, size), assay::Nanos(1), events);
  }
  if (state != EndpointReply::State::kOver) reply.end_of_input(assay::Nanos(1), events);
  CHECK(reply.answered());
  std::string story;
  for (size_t i = 0; i < events.size(); ++i) {
    const bool end = events[i].kind == StreamEventKind::kDone || events[i].kind == StreamEventKind::kFailed;
    CHECK(end == (i + 1 == events.size()));
    CHECK(events[i].detail.size() <= 200);
    for (const assay::Nanos told : {events[i].server_prompt, events[i].server_tpot})
      CHECK(told >= assay::Nanos() && told <= assay::nanos_from_seconds(86'400));
    const std::string one = std::to_string(static_cast<int>(events[i].kind)) + ":" +
                            std::to_string(static_cast<int>(events[i].cause)) + ":" +
                            std::to_string(events[i].tokens) + ":" + std::to_string(events[i].output_tokens) +
                            ":" + std::to_string(events[i].server_prompt.count) + ":" +
                            std::to_string(events[i].server_tpot.count) + events[i].detail + "\n";
    for (uint32_t k = 0; k < events[i].chunks; ++k) story += one;
  }
  const assay::EndpointText text = reply.take_answer();
  return story + text.content + text.reasoning + (text.is_whole ? "" : "…");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 1 << 15) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  assay::EndpointChunkDecoder decoder;
  for (const assay::EndpointForm form : {assay::EndpointForm::kChunks, assay::EndpointForm::kEvents}) {
    const std::string whole = story_of(bytes, bytes.size(), form, decoder);
    CHECK(story_of(bytes, 1, form, decoder) == whole);
    CHECK(story_of(bytes, 11, form, decoder) == whole);
  }

  // What the chunk decoder takes for an empty object or a chunk, the other parser must not find to be
  // something else.
  std::string padded(bytes);
  padded.append(assay::EndpointChunkDecoder::kPadding, '\0');
  assay::EndpointChunk chunk;
  if (decoder.decode(std::string_view(padded).substr(0, size), true, chunk)) {
    const assay::Result<assay::Json> json = assay::Json::parse(bytes, "fuzz");
    if (json) CHECK(json->is_object());
  }
  if (decoder.decode_response(std::string_view(padded).substr(0, size), true, chunk)) {
    const assay::Result<assay::Json> json = assay::Json::parse(bytes, "fuzz");
    if (json) CHECK(json->is_object());
  }
  return 0;
}
