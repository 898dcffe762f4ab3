// Frames as bytes. A frame is a header of eight bytes (payload length, kind, three bytes that mark the start
// of a frame) and the payload; numbers are in the machine's own order, field by field, without padding.
#include "workload/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "workload/traffic.h"

namespace assay {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr std::string_view kMark = "asy";
constexpr size_t kEventBytes = 32;  // without its detail
constexpr size_t kMaxDetailBytes = 200;

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Reads fields one after the other; reading past the end leaves zeros and is told by `good`.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T take() {
    T value{};
    const std::string_view field = take_bytes(sizeof value);
    if (field.size() == sizeof value) std::memcpy(&value, field.data(), sizeof value);
    return value;
  }

  std::string_view take_bytes(size_t count) {
    good_ = good_ && count <= bytes_.size();
    if (!good_) return {};
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

  bool good() const { return good_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

std::unexpected<Error> broken(const std::string& what) {
  return fail("the stream between assay and its worker is broken: " + what);
}

// Opens a frame and returns where it starts; `close_frame` fills in its length.
size_t open_frame(FrameKind kind, std::string& out) {
  const size_t start = out.size();
  append(out, uint32_t{0});
  append(out, kind);
  out += kMark;
  return start;
}

void close_frame(size_t start, std::string& out) {
  const size_t bytes = out.size() - start - kHeaderBytes;
  CHECK(bytes <= kMaxFrameBytes);
  const auto length = static_cast<uint32_t>(bytes);
  std::memcpy(out.data() + start, &length, sizeof length);
}

void append_text_frame(FrameKind kind, std::string_view text, std::string& out) {
  const size_t start = open_frame(kind, out);
  out += text;
  close_frame(start, out);
}

bool is_known(FrameKind kind) {
  switch (kind) {
    case FrameKind::kRequest:
    case FrameKind::kCancel:
    case FrameKind::kStop:
    case FrameKind::kReady:
    case FrameKind::kEvents:
    case FrameKind::kFatal:
      return true;
  }
  return false;
}

// An event as it travels, followed by its detail. One copy each way: there are millions of them.
struct EventFields {
  uint64_t request;
  int64_t at_ns;
  StreamEventKind kind;
  FailureCause cause;
  uint16_t detail_bytes;
  uint32_t tokens, prompt_tokens, output_tokens;
};
static_assert(sizeof(EventFields) == kEventBytes, "no padding");

void append_event(const StreamEvent& event, std::string& out) {
  const std::string_view detail = std::string_view(event.detail).substr(0, kMaxDetailBytes);
  append(out, EventFields{event.request, event.at.count, event.kind, event.cause,
                          static_cast<uint16_t>(detail.size()), event.tokens, event.prompt_tokens,
                          event.output_tokens});
  out += detail;
}

// The parts of a prefix; false if there are more of them than it has tokens, or they do not make it up.
bool take_parts(FieldReader& reader, Request& request) {
  const auto count = reader.take<uint32_t>();
  if (count == 0) return true;
  uint64_t tokens = 0;
  if (count > request.prefix_tokens) return false;
  for (uint32_t i = 0; i < count && reader.good(); ++i) {
    const PromptPart part{reader.take<uint64_t>(), reader.take<uint32_t>()};
    if (part.tokens == 0 && reader.good()) return false;
    tokens += part.tokens;
    request.prefix_parts.push_back(part);
  }
  return !reader.good() || tokens == request.prefix_tokens;
}

// The corpus as text that lives as long as the program; empty if there is none of the name.
std::string_view static_corpus_name(std::string_view name) {
  return name == "prose"  ? std::string_view("prose")
         : name == "code" ? std::string_view("code")
                          : std::string_view();
}

}  // namespace

void append_request_frame(const Request& request, std::string& out) {
  const size_t start = open_frame(FrameKind::kRequest, out);
  append(out, request.id);
  append(out, request.session);
  append(out, request.prompt_seed);
  append(out, request.prefix_seed);
  append(out, request.class_index);
  append(out, request.turn);
  append(out, request.prefix_tokens);
  append(out, request.prompt_tokens);
  append(out, request.output_tokens);
  append(out, static_cast<uint32_t>(request.prefix_parts.size()));
  for (const PromptPart& part : request.prefix_parts) {
    append(out, part.seed);
    append(out, part.tokens);
  }
  append(out, static_cast<uint8_t>(request.last_turn));
  CHECK(request.corpus.size() <= UINT8_MAX);
  append(out, static_cast<uint8_t>(request.corpus.size()));
  out += request.corpus;
  close_frame(start, out);
}

void append_cancel_frame(RequestId id, std::string& out) {
  const size_t start = open_frame(FrameKind::kCancel, out);
  append(out, id);
  close_frame(start, out);
}

void append_stop_frame(std::string& out) {
  close_frame(open_frame(FrameKind::kStop, out), out);
}

void append_ready_frame(const Json& info, std::string& out) {
  append_text_frame(FrameKind::kReady, info.dump(), out);
}

void append_events_frame(std::span<const StreamEvent> events, std::string& out) {
  constexpr size_t kPerFrame = kMaxFrameBytes / (kEventBytes + kMaxDetailBytes);
  while (!events.empty()) {
    const size_t start = open_frame(FrameKind::kEvents, out);
    const size_t count = std::min(events.size(), kPerFrame);
    for (const StreamEvent& event : events.first(count)) append_event(event, out);
    close_frame(start, out);
    events = events.subspan(count);
  }
}

void append_fatal_frame(const Error& error, std::string& out) {
  Json json = Json::object();
  json.set("what", error.what).set("where", error.where).set("remedy", error.remedy);
  append_text_frame(FrameKind::kFatal, json.dump(), out);
}

Result<Frame> next_frame(std::string_view buffer) {
  const Frame incomplete{FrameKind::kStop, {}, 0};
  if (buffer.size() < kHeaderBytes) return incomplete;
  FieldReader reader(buffer);
  const auto length = reader.take<uint32_t>();
  const auto kind = reader.take<FrameKind>();
  if (reader.take_bytes(kMark.size()) != kMark) return broken("no frame starts where one should");
  if (!is_known(kind)) return broken(fmt::format("a frame of the unknown kind {}", static_cast<int>(kind)));
  if (length > kMaxFrameBytes) return broken(fmt::format("a frame of {} bytes", length));
  if (buffer.size() < kHeaderBytes + length) return incomplete;
  return Frame{kind, buffer.substr(kHeaderBytes, length), kHeaderBytes + length};
}

Result<Request> parse_request(std::string_view payload) {
  FieldReader reader(payload);
  Request request;
  request.id = reader.take<uint64_t>();
  request.session = reader.take<uint64_t>();
  request.prompt_seed = reader.take<uint64_t>();
  request.prefix_seed = reader.take<uint64_t>();
  request.class_index = reader.take<uint32_t>();
  request.turn = reader.take<uint32_t>();
  request.prefix_tokens = reader.take<uint32_t>();
  request.prompt_tokens = reader.take<uint32_t>();
  request.output_tokens = reader.take<uint32_t>();
  const bool parts_good = take_parts(reader, request);
  request.last_turn = reader.take<uint8_t>() != 0;
  const std::string_view corpus = reader.take_bytes(reader.take<uint8_t>());
  request.corpus = static_corpus_name(corpus);
  if (!parts_good) return broken(fmt::format("request {} has a prefix that is not its parts", request.id));
  if (!reader.good() || !reader.at_end()) return broken("a request of the wrong length");
  if (request.corpus.empty()) return broken(fmt::format("no corpus '{}'", printable(corpus, 40)));
  const bool lengths_good = request.prompt_tokens > 0 && request.prompt_tokens <= kMaxTokens &&
                            request.output_tokens > 0 && request.output_tokens <= kMaxTokens &&
                            request.prefix_tokens <= request.prompt_tokens;
  if (request.id == 0 || !lengths_good)
    return broken(fmt::format("request {} has impossible lengths", request.id));
  return request;
}

Result<RequestId> parse_cancel(std::string_view payload) {
  FieldReader reader(payload);
  const auto id = reader.take<RequestId>();
  if (!reader.good() || !reader.at_end()) return broken("a cancellation of the wrong length");
  return id;
}

Result<Json> parse_ready(std::string_view payload) {
  ASSIGN_OR_RETURN(Json info, Json::parse(payload, "the worker's description"));
  if (!info.is_object()) return broken("the worker's description is not an object");
  return info;
}

Result<void> parse_events(std::string_view payload, std::vector<StreamEvent>& events) {
  FieldReader reader(payload);
  while (!reader.at_end()) {
    const auto fields = reader.take<EventFields>();
    if (fields.detail_bytes > kMaxDetailBytes) return broken("an event with too long a text");
    const std::string_view detail = reader.take_bytes(fields.detail_bytes);
    if (!reader.good()) return broken("an event that is cut off");
    if (fields.kind > StreamEventKind::kFailed || fields.cause > FailureCause::kServerError) {
      return broken("an event of an unknown kind");
    }
    events.push_back({.request = fields.request,
                      .kind = fields.kind,
                      .cause = fields.cause,
                      .at = Nanos(fields.at_ns),
                      .tokens = fields.tokens,
                      .prompt_tokens = fields.prompt_tokens,
                      .output_tokens = fields.output_tokens,
                      .detail = std::string(detail)});
  }
  return {};
}

Error parse_fatal(std::string_view payload) {
  const Result<Json> json = Json::parse(payload, "the worker's last words");
  if (!json || (*json)["what"].as_string().empty())
    return {"the worker gave up and its last words cannot be read", "", ""};
  return {printable((*json)["what"].as_string(), 2000), printable((*json)["where"].as_string(), 1000),
          printable((*json)["remedy"].as_string(), 2000)};
}

}  // namespace assay
