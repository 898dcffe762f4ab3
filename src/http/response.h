// ResponseParser: HTTP/1.1 responses from bytes as they come (RFC 9112). The body is handed out as views into
// the caller's own bytes, so that nothing is copied or allocated between a segment and its events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/body.h"
#include "http/request.h"

namespace assay {

struct HttpLimits {
  size_t head_bytes = 64 * 1024;  // of status line and fields; trailers and chunk extensions the same, each
  size_t fields = 128;
  uint64_t body_bytes = uint64_t{1} << 30;
  int interim_responses = 16;  // 1xx before the real one
};

// Parses one response after another on one connection. Use:
//
//   while (true) switch (parser.advance(input)) {
//     case kNeedMore: return;               // input is used up
//     case kHead:     … status(), field() …
//     case kBody:     … body() …            // a view into `input` as it was; never empty
//     case kEnd:      … keep_alive() …      // restart() before the next one; input may hold more
//     case kError:    … error() …           // for good
//   }
//
// Tolerated, as RFC 9112 allows: bare LF as line end, folded fields. Refused: a bare CR, blanks before a
// colon, lengths that contradict each other or overflow, chunk sizes without digits.
class ResponseParser {
 public:
  enum class Step { kNeedMore, kHead, kBody, kEnd, kError };

  explicit ResponseParser(HttpLimits limits = {}) : limits_(limits) {}
  ResponseParser(const ResponseParser&) = delete;  // it holds views into itself
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Takes what it needs from the front of `input`.
  Step advance(std::string_view& input);
  // At any time: if a body goes on in `input` with a whole chunk as servers usually write it, takes it and
  // gives its data, a view into `input`. Else empty, nothing is taken, and advance() sees to it.
  std::string_view take_chunk(std::string_view& input) { return body_.take_chunk(input); }
  // The connection has ended: kEnd if that was the end of the body, kError if something is missing.
  Step end_of_input();
  // Ready for the next response of the connection.
  void restart();

  // From kHead until restart().
  int status() const { return status_; }
  std::string_view reason() const { return reason_; }
  // The value of a field (its first line), by name in any case; nothing if absent.
  std::optional<std::string_view> field(std::string_view name) const;
  const std::vector<HttpField>& fields() const { return fields_; }

  std::string_view body() const { return body_.body(); }  // of the last kBody
  bool keep_alive() const { return keep_alive_; }    // the connection may carry another request after kEnd
  bool started() const { return started_; }          // a byte of the response has come
  std::string_view error() const { return error_; }  // what was wrong, in words; static text

 private:
  enum class State { kHead, kBody, kEnded, kError };

  Step fail(const char* words);
  Step advance_head(std::string_view& input);
  Step advance_body(std::string_view& input);
  bool parse_status_line(std::string_view line);
  bool choose_framing();

  HttpLimits limits_;
  State state_ = State::kHead;
  std::string head_;  // the head's own bytes; fields_ and reason_ refer into it
  std::vector<HttpField> fields_;
  std::string_view reason_;
  BodyParser body_{limits_.body_bytes, limits_.head_bytes};
  const char* error_ = "";
  int status_ = 0, minor_version_ = 1, interim_ = 0;
  bool keep_alive_ = false, started_ = false;
};

}  // namespace assay
