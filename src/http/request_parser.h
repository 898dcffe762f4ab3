// RequestParser: HTTP/1.1 requests from bytes as they come (RFC 9112), for servers. The twin of
// ResponseParser: the body is handed out as views into the caller's own bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/body.h"
#include "http/response.h"

namespace assay {

// Parses one request after another on one connection, with the same loop as ResponseParser's. Stricter than
// that one where a request could be smuggled: both framings at once, and a transfer coding that does not end
// in chunked, are errors. HTTP/1.0 is taken; any other version is an error.
class RequestParser {
 public:
  using Step = ResponseParser::Step;

  explicit RequestParser(HttpLimits limits = {}) : limits_(limits) {}
  RequestParser(const RequestParser&) = delete;  // it holds views into itself
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes what it needs from the front of `input`. kError is for good.
  Step advance(std::string_view& input);
  // Ready for the next request of the connection.
  void restart();
  // Ready for another connection, whatever came before. Buffers are kept.
  void reset();

  // From kHead until restart().
  std::string_view method() const { return method_; }
  std::string_view path() const { return path_; }  // of the target, without its query; "*" for OPTIONS *
  int minor_version() const { return minor_version_; }
  std::optional<std::string_view> field(std::string_view name) const;
  const std::vector<HttpField>& fields() const { return fields_; }
  bool keep_alive() const { return keep_alive_; }
  // RFC 9110 §10.1.1: the client waits for "100 Continue" before it sends the body.
  bool expects_continue() const { return expects_continue_; }

  std::string_view body() const { return body_.body(); }  // of the last kBody
  bool started() const { return started_; }               // a byte of the request has come
  bool ended() const { return state_ == State::kEnded; }  // all of it has
  std::string_view error() const { return error_; }       // what was wrong, in words; static text
  int error_status() const {
    return error_status_;
  }  // the status that answers it: 400, 413, 417, 431, 501, 505

 private:
  enum class State { kHead, kBody, kEnded, kError };

  Step fail(int status, const char* words);
  Step advance_head(std::string_view& input);
  Step advance_body(std::string_view& input);
  bool parse_request_line(std::string_view line);
  bool choose_framing();

  HttpLimits limits_;
  State state_ = State::kHead;
  std::string head_;  // the head's own bytes; the views refer into it
  std::vector<HttpField> fields_;
  std::string_view method_, path_;
  BodyParser body_{limits_.body_bytes, limits_.head_bytes};
  const char* error_ = "";
  int error_status_ = 0, minor_version_ = 1;
  bool keep_alive_ = false, expects_continue_ = false, started_ = false;
};

}  // namespace assay
