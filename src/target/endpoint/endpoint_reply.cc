// Reading of answers; see endpoint_reply.h for the rules.
#include "target/endpoint/endpoint_reply.h"

#include <fmt/format.h>

#include <algorithm>

#include "target/endpoint/json_walk.h"

namespace assay {
namespace {

constexpr size_t kMaxDocumentBytes = kMaxAnswerBytes;
constexpr size_t kMaxErrorBytes = 8 * 1024;
constexpr uint64_t kMaxIgnoredBytes = 1 << 20;  // behind an answer, before the connection is given up
constexpr size_t kReplyDetailBytes = 160;       // so that with the words around it stays below 200

}  // namespace

std::string endpoint_error_words(std::string_view body) {
  if (const Result<Json> json = Json::parse(body, "reply")) {
    const Json* error = json->find("error");
    const Json& from = error != nullptr && error->is_object() ? *error : *json;
    for (const char* key : {"message", "detail", "error"}) {
      const Json& words = from[key];
      if (words.is_string()) return printable(words.as_string(), kReplyDetailBytes);
      if (!words.is_null()) return printable(words.dump(), kReplyDetailBytes);
    }
  }
  return printable(trim(body), kReplyDetailBytes);
}

void hide(std::string_view secret, std::string& text) {
  constexpr size_t kTelling = 4;  // fewer characters of a key than these tell nothing
  if (secret.empty()) return;
  for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3)) {
    text.replace(at, secret.size(), "***");
  }
  const std::string_view cut = "…";
  const size_t end = text.ends_with(cut) ? text.size() - cut.size() : text.size();
  for (size_t n = std::min(end, secret.size() - 1); n >= kTelling; --n) {
    if (std::string_view(text).substr(0, end).ends_with(secret.substr(0, n))) {
      text.replace(end - n, n, "***");
      return;
    }
  }
}

void EndpointReply::begin(RequestId id, size_t kept_bytes, const EndpointRule& rule) {
  parser_.restart();
  sse_.restart();
  pattern_.forget();
  id_ = id;
  kind_ = Kind::kUnknown;
  rule_ = rule;
  kept_bytes_ = kept_bytes;
  wants_text_ = kept_bytes > 0;
  answered_ = broken_ = has_content_ = finished_ = has_usage_ = false;
  status_ = 0;
  prompt_tokens_ = output_tokens_ = 0;
  server_prompt_ = server_tpot_ = {};
  ignored_bytes_ = chunks_ = 0;
  answer_.content.clear();
  answer_.reasoning.clear();
  answer_.is_whole = true;
  body_.clear();
}

EndpointReply::State EndpointReply::receive(std::string_view bytes, Nanos at,
                                            std::vector<StreamEvent>& events) {
  while (true) {
    if (kind_ == Kind::kStream) {
      take_http_chunks(bytes, at, events);
      if (broken_) return State::kOver;
    }
    const ResponseParser::Step next = parser_.advance(bytes);
    const State state = step(next, at, events);
    if (next == ResponseParser::Step::kNeedMore || state == State::kOver) {
      if (state == State::kOver && !bytes.empty()) broken_ = true;  // bytes that nobody asked for
      return state;
    }
  }
}

EndpointReply::State EndpointReply::end_of_input(Nanos at, std::vector<StreamEvent>& events) {
  if (parser_.end_of_input() == ResponseParser::Step::kEnd) {
    end_body(at, events);
  } else if (!answered_) {
    const bool lost = !parser_.started();
    failed(lost ? FailureCause::kConnectionLost : FailureCause::kTruncated, std::string(parser_.error()), at,
           events);
  }
  broken_ = true;
  return State::kOver;
}

EndpointReply::State EndpointReply::step(ResponseParser::Step step, Nanos at,
                                         std::vector<StreamEvent>& events) {
  switch (step) {
    case ResponseParser::Step::kNeedMore:
      break;
    case ResponseParser::Step::kHead:
      take_head(at, events);
      break;
    case ResponseParser::Step::kBody:
      take_body(parser_.body(), at, events);
      break;
    case ResponseParser::Step::kEnd:
      end_body(at, events);
      return State::kOver;
    case ResponseParser::Step::kError:
      broken_ = true;
      if (!answered_) failed(FailureCause::kMalformed, std::string(parser_.error()), at, events);
      return State::kOver;
  }
  if (broken_) return State::kOver;
  return answered_ ? State::kAnswered : State::kComing;
}

void EndpointReply::take_head(Nanos at, std::vector<StreamEvent>& events) {
  status_ = parser_.status();
  server_ = printable(parser_.field("Server").value_or(""), 100);
  const std::string_view type = parser_.field("Content-Type").value_or("text/event-stream");
  if (rule_.form == EndpointForm::kFetched) {
    kind_ = Kind::kFetch;
  } else if (rule_.any_status) {
    kind_ = Kind::kChecked;
  } else if (status_ < 200 || status_ > 299) {
    kind_ = Kind::kError;
  } else if (rule_.form == EndpointForm::kDocument) {
    kind_ = Kind::kChecked;
  } else if (starts_with_ignoring_case(type, "text/event-stream")) {
    kind_ = Kind::kStream;
  } else if (starts_with_ignoring_case(type, "application/json")) {
    kind_ = Kind::kDocument;
  } else {
    broken_ = true;
    failed(FailureCause::kMalformed, fmt::format("an answer of type {}", printable(type, 80)), at, events);
  }
}

void EndpointReply::take_body(std::string_view bytes, Nanos at, std::vector<StreamEvent>& events) {
  if (answered_) {
    ignored_bytes_ += bytes.size();
    if (ignored_bytes_ > kMaxIgnoredBytes) broken_ = true;
    return;
  }
  switch (kind_) {
    case Kind::kStream:
      take_stream(bytes, at, events);
      break;
    case Kind::kError:
      ignored_bytes_ += bytes.size();
      if (ignored_bytes_ > kMaxIgnoredBytes) {
        broken_ = true;
        end_body(at, events);
        break;
      }
      if (body_.size() < kMaxErrorBytes) body_ += bytes.substr(0, kMaxErrorBytes - body_.size());
      break;
    case Kind::kDocument:
    case Kind::kChecked:
    case Kind::kFetch:
      if (body_.size() + bytes.size() > kMaxDocumentBytes) {
        broken_ = true;
        failed(FailureCause::kMalformed, "an answer larger than 16 MiB", at, events);
        break;
      }
      body_ += bytes;
      break;
    case Kind::kUnknown:
      CHECK(false);
  }
}

// What is by far the most of a stream: whole HTTP chunks, one after another.
void EndpointReply::take_http_chunks(std::string_view& bytes, Nanos at, std::vector<StreamEvent>& events) {
  while (!answered_) {
    const std::string_view chunk = parser_.take_chunk(bytes);
    if (chunk.empty()) return;
    take_stream(chunk, at, events);
  }
}

void EndpointReply::take_stream(std::string_view bytes, Nanos at, std::vector<StreamEvent>& events) {
  while (!answered_) {
    if (sse_.at_event_start()) {
      while (!bytes.empty()) {
        const std::string_view text = pattern_.take(bytes);
        if (text.empty()) break;
        add_content(pattern_.kind(), 1, at, events);
        if (wants_text_)
          keep_text(text, pattern_.kind() == StreamEventKind::kContent ? answer_.content : answer_.reasoning);
      }
      if (bytes.empty()) return;
    }
    switch (sse_.advance(bytes)) {
      case SseParser::Step::kNeedMore:
        return;
      case SseParser::Step::kTooLong:
        broken_ = true;
        failed(FailureCause::kMalformed, "an event of the stream is larger than 1 MiB", at, events);
        return;
      case SseParser::Step::kEvent:
        take_chunk(sse_.event().data, at, events);
    }
  }
}

void EndpointReply::take_chunk(std::string_view json, Nanos at, std::vector<StreamEvent>& events) {
  if (json == "[DONE]") {
    if (has_content_ || finished_ || has_usage_) {
      done(at, events);
    } else {
      failed(FailureCause::kTruncated, "the stream ended without any output", at, events);
    }
    return;
  }
  const bool is_typed = rule_.form == EndpointForm::kEvents;
  const bool is_read = is_typed ? decoder_.decode_response(json, wants_text_, chunk_)
                                : decoder_.decode(json, wants_text_, chunk_);
  if (!is_read) {
    broken_ = true;
    failed(FailureCause::kMalformed, "an event that is no chunk: " + printable(json, 100), at, events);
    return;
  }
  if (chunk_.has_error) {
    broken_ = true;
    failed(FailureCause::kServerError, "the server says: " + printable(chunk_.error, kReplyDetailBytes), at,
           events);
    return;
  }
  // A chunk with both reads as output: it is what the reader waits for.
  if (chunk_.content || chunk_.tool_call) {
    add_content(StreamEventKind::kContent, 1, at, events);
  } else if (chunk_.reasoning) {
    add_content(StreamEventKind::kReasoning, 1, at, events);
  }
  if (wants_text_) keep_chunk();
  // Events of a response carry their number: no two are alike around the text.
  if (!is_typed) pattern_.learn(json, chunk_);
  finished_ |= chunk_.finished;
  if (chunk_.has_usage) {
    has_usage_ = true;
    prompt_tokens_ = chunk_.prompt_tokens;
    output_tokens_ = chunk_.output_tokens;
  }
  if (chunk_.server_prompt.count != 0) server_prompt_ = chunk_.server_prompt;
  if (chunk_.server_tpot.count != 0) server_tpot_ = chunk_.server_tpot;
  if (is_typed && finished_) done(at, events);  // response.completed is the last that is said
}

void EndpointReply::end_body(Nanos at, std::vector<StreamEvent>& events) {
  if (answered_) return;
  switch (kind_) {
    case Kind::kStream:
      if (finished_ || has_usage_) {
        done(at, events);
      } else {
        failed(FailureCause::kTruncated,
               has_content_ ? "the stream ended in the middle of the answer"
                            : "the stream ended without any output",
               at, events);
      }
      break;
    case Kind::kDocument:
      take_document(at, events);
      break;
    case Kind::kChecked:
      check_document(at, events);
      break;
    case Kind::kError:
      failed(cause_of_status(status_), fmt::format("HTTP {}: {}", status_, endpoint_error_words(body_)), at,
             events);
      break;
    case Kind::kFetch:
      done(at, events);
      break;
    case Kind::kUnknown:
      CHECK(false);
  }
}

void EndpointReply::take_document(Nanos at, std::vector<StreamEvent>& events) {
  body_.reserve(body_.size() + EndpointChunkDecoder::kPadding);
  const bool is_read = rule_.form == EndpointForm::kEvents
                           ? decoder_.decode_response(body_, wants_text_, chunk_)
                           : decoder_.decode(body_, wants_text_, chunk_);
  if (!is_read) {
    failed(FailureCause::kMalformed, "an answer that is no JSON document of a completion", at, events);
    return;
  }
  if (chunk_.has_error) {
    failed(FailureCause::kServerError, "the server says: " + printable(chunk_.error, kReplyDetailBytes), at,
           events);
    return;
  }
  if (!chunk_.content && !chunk_.tool_call && !chunk_.reasoning) {
    failed(FailureCause::kMalformed, "an answer without any output", at, events);
    return;
  }
  has_usage_ = chunk_.has_usage;
  prompt_tokens_ = chunk_.prompt_tokens;
  output_tokens_ = chunk_.output_tokens;
  const bool output = chunk_.content || chunk_.tool_call;
  add_content(output ? StreamEventKind::kContent : StreamEventKind::kReasoning, std::max(1U, output_tokens_),
              at, events);
  if (wants_text_) keep_chunk();
  done(at, events);
}

// The answer has come, right or wrong: that is when the request ended.
void EndpointReply::check_document(Nanos at, std::vector<StreamEvent>& events) {
  body_.reserve(body_.size() + JsonWalk::kPadding);
  EndpointVerdict verdict;
  rule_.read({.status = status_, .body = body_, .options = *rule_.options, .items = rule_.items}, verdict);
  if (verdict.cause != FailureCause::kNone)
    return failed(verdict.cause, std::move(verdict.problem), at, events);
  has_usage_ = verdict.prompt_tokens > 0;
  prompt_tokens_ = verdict.prompt_tokens;
  add_content(StreamEventKind::kContent, 0, at, events);
  done(at, events);
}

void EndpointReply::keep_text(std::string_view text, std::string& where) {
  if (where.size() + text.size() > kept_bytes_) {
    answer_.is_whole = false;
  } else {
    where += text;
  }
}

void EndpointReply::keep_chunk() {
  const bool has_all =
      chunk_.content == !chunk_.text.empty() && chunk_.reasoning == !chunk_.reasoning_text.empty();
  if (!has_all || chunk_.tool_call || chunk_.has_more_text) answer_.is_whole = false;
  keep_text(chunk_.text, answer_.content);
  keep_text(chunk_.reasoning_text, answer_.reasoning);
}

void EndpointReply::add_content(StreamEventKind kind, uint32_t tokens, Nanos at,
                                std::vector<StreamEvent>& events) {
  has_content_ = true;
  ++chunks_;
  if (!events.empty()) {
    // Chunks of one read share its stamp: one event for all of them.
    StreamEvent& last = events.back();
    if (last.request == id_ && last.kind == kind && last.at == at && last.tokens == tokens) {
      ++last.chunks;
      return;
    }
  }
  StreamEvent& event = events.emplace_back();
  event.request = id_;
  event.kind = kind;
  event.at = at;
  event.tokens = tokens;
}

void EndpointReply::done(Nanos at, std::vector<StreamEvent>& events) {
  answered_ = true;
  StreamEvent& event = events.emplace_back();
  event.request = id_;
  event.kind = StreamEventKind::kDone;
  event.at = at;
  event.prompt_tokens = prompt_tokens_;
  event.output_tokens = output_tokens_;
  event.server_prompt = server_prompt_;
  event.server_tpot = server_tpot_;
}

void EndpointReply::failed(FailureCause cause, std::string detail, Nanos at,
                           std::vector<StreamEvent>& events) {
  answered_ = true;
  StreamEvent& event = events.emplace_back();
  event.request = id_;
  event.kind = StreamEventKind::kFailed;
  event.cause = cause;
  event.at = at;
  hide(secret_, detail);
  event.detail = std::move(detail);
}

}  // namespace assay
