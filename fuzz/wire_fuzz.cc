// Frames between assay and its worker from hostile bytes. Oracles: cutting the bytes differently gives the
// same frames, nothing is handed out that lies outside the input, and what is read and written again is the
// same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "workload/workload.h"

namespace {

using assay::FrameKind;

// A request is written as it was read, but for the one byte of which any value but 0 means true.
void check_request(std::string_view payload) {
  const assay::Result<assay::Request> request = assay::parse_request(payload);
  if (!request) {
    CHECK(!request.error().what.empty());
    return;
  }
  CHECK(request->id != 0 && request->prefix_tokens <= request->prompt_tokens);
  CHECK(request->prompt_tokens >= 1 && request->prompt_tokens <= assay::kMaxTokens);
  CHECK(request->output_tokens >= 1 && request->output_tokens <= assay::kMaxTokens);
  std::string written, again;
  assay::append_request_frame(*request, written);
  const assay::Result<assay::Frame> frame = assay::next_frame(written);
  CHECK(frame && frame->payload.size() == payload.size());
  const assay::Result<assay::Request> reread = assay::parse_request(frame->payload);
  CHECK(reread);
  assay::append_request_frame(*reread, again);
  CHECK(again == written);
}

void check_events(std::string_view payload) {
  std::vector<assay::StreamEvent> events;
  const assay::Result<void> parsed = assay::parse_events(payload, events);
  if (!parsed) {
    CHECK(!parsed.error().what.empty());
    return;
  }
  std::string written;
  assay::append_events_frame(events, written);
  if (events.empty()) {
    CHECK(payload.empty() && written.empty());
    return;
  }
  const assay::Result<assay::Frame> frame = assay::next_frame(written);
  CHECK(frame && frame->total_bytes == written.size() && frame->payload == payload);
}

void check_cancel(std::string_view payload) {
  const assay::Result<assay::RequestId> id = assay::parse_cancel(payload);
  if (!id) {
    CHECK(!id.error().what.empty());
    return;
  }
  std::string written;
  assay::append_cancel_frame(*id, written);
  CHECK(assay::next_frame(written)->payload == payload);
}

void check(const assay::Frame& frame) {
  switch (frame.kind) {
    case FrameKind::kRequest:
      return check_request(frame.payload);
    case FrameKind::kCancel:
      return check_cancel(frame.payload);
    case FrameKind::kStop:
      return;
    case FrameKind::kReady:
      if (const auto ready = assay::parse_ready(frame.payload)) {
        CHECK(ready->is_object());
      }
      return;
    case FrameKind::kEvents:
      return check_events(frame.payload);
    case FrameKind::kFatal:
      CHECK(!assay::parse_fatal(frame.payload).what.empty());
      return;
  }
  CHECK(false);  // a kind that next_frame should have refused
}

// What a reader makes of `bytes` that come in pieces of `step`.
std::string story_of(std::string_view bytes, size_t step) {
  std::string buffer, story;
  while (!bytes.empty()) {
    buffer += bytes.substr(0, step);
    bytes.remove_prefix(std::min(step, bytes.size()));
    while (true) {
      const assay::Result<assay::Frame> frame = assay::next_frame(buffer);
      if (!frame) return story + frame.error().what;
      if (frame->total_bytes == 0) break;
      CHECK(frame->total_bytes <= buffer.size() && frame->payload.size() < frame->total_bytes);
      CHECK(frame->payload.data() + frame->payload.size() == buffer.data() + frame->total_bytes);
      story += std::to_string(static_cast<int>(frame->kind)) + ":" + std::string(frame->payload) + "\n";
      buffer.erase(0, frame->total_bytes);
    }
  }
  return story + std::to_string(buffer.size()) + " left";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 14) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = story_of(bytes, std::string_view::npos);
  CHECK(story_of(bytes, 1) == whole);
  CHECK(story_of(bytes, 13) == whole);

  std::string_view left = bytes;
  while (true) {
    const assay::Result<assay::Frame> frame = assay::next_frame(left);
    if (!frame || frame->total_bytes == 0) break;
    check(*frame);
    left.remove_prefix(frame->total_bytes);
  }
  return 0;
}
