// The frames between assay and its engine worker, over a stream socket. Same machine, same build: native byte
// order, but every length is checked, since a worker is foreign code that may have lost its mind.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "workload/request.h"

namespace assay {

enum class FrameKind : uint8_t {
  kRequest = 1,  // to the worker: a Request
  kCancel = 2,   // to the worker: a RequestId
  kStop = 3,     // to the worker: end in order
  kReady = 16,   // from the worker: JSON text that describes the loaded model and device
  kEvents = 17,  // from the worker: StreamEvents of one engine step
  kFatal = 18,   // from the worker: an Error as JSON {"what", "where", "remedy"}; it ends after it
};

// At most this many payload bytes a frame; a larger length means that the stream is broken.
inline constexpr uint32_t kMaxFrameBytes = 1 << 24;

void append_request_frame(const Request& request, std::string& out);
void append_cancel_frame(RequestId id, std::string& out);
void append_stop_frame(std::string& out);
void append_ready_frame(const Json& info, std::string& out);
void append_events_frame(std::span<const StreamEvent> events, std::string& out);
void append_fatal_frame(const Error& error, std::string& out);

// A frame as it lies in the buffer; `payload` refers into it.
struct Frame {
  FrameKind kind;
  std::string_view payload;
  size_t total_bytes;  // header and payload: what to consume
};

// The first whole frame in `buffer`; total_bytes 0 if more bytes are needed; an error if it cannot be a
// frame.
Result<Frame> next_frame(std::string_view buffer);
Result<Request> parse_request(std::string_view payload);
Result<RequestId> parse_cancel(std::string_view payload);
Result<Json> parse_ready(std::string_view payload);
// Appends to `events`.
Result<void> parse_events(std::string_view payload, std::vector<StreamEvent>& events);
Error parse_fatal(std::string_view payload);

}  // namespace assay
