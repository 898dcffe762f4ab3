// The request parser; see request_parser.h. Sections are those of RFC 9112 unless another is named.
#include "http/request_parser.h"

#include <algorithm>

#include "base/base.h"
#include "http/message.h"

namespace assay {

RequestParser::Step RequestParser::fail(int status, const char* words) {
  error_ = words;
  error_status_ = status;
  state_ = State::kError;
  keep_alive_ = false;
  return Step::kError;
}

void RequestParser::restart() {
  CHECK(state_ == State::kEnded || (state_ == State::kHead && !started_));
  reset();
}

void RequestParser::reset() {
  state_ = State::kHead;
  body_.begin(BodyParser::Framing::kNone);
  head_.clear();
  fields_.clear();
  method_ = path_ = {};
  keep_alive_ = expects_continue_ = started_ = false;
}

std::optional<std::string_view> RequestParser::field(std::string_view name) const {
  return find_field(fields_, name);
}

RequestParser::Step RequestParser::advance(std::string_view& input) {
  switch (state_) {
    case State::kError:
      return Step::kError;
    case State::kEnded:
      return Step::kEnd;
    case State::kHead:
      return advance_head(input);
    case State::kBody:
      return advance_body(input);
  }
  return Step::kError;
}

RequestParser::Step RequestParser::advance_head(std::string_view& input) {
  // §2.2: empty lines before a request are passed over, since old clients sent one too many after a body.
  while (head_.empty() && !input.empty() && (input.front() == '\r' || input.front() == '\n'))
    input.remove_prefix(1);
  if (!input.empty()) started_ = true;
  switch (take_head(input, limits_.head_bytes, head_)) {
    case HeadPart::kMore:
      return Step::kNeedMore;
    case HeadPart::kTooLarge:
      return fail(431, "the head of the request is larger than is allowed here");
    case HeadPart::kWhole:
      break;
  }
  std::string_view request_line;
  const char* wrong = parse_head_lines(head_, limits_.fields, request_line, fields_);
  // What is no HTTP at all is told as that.
  if (!parse_request_line(request_line)) return Step::kError;
  if (wrong != nullptr) return fail(fields_.size() == limits_.fields ? 431 : 400, wrong);
  return choose_framing() ? Step::kHead : Step::kError;
}

// §3: method SP request-target SP HTTP-version. The target is in origin form ("/path?query"), in absolute
// form (as to proxies), or "*".
bool RequestParser::parse_request_line(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !is_http_token(line.substr(0, first)))
    return fail(400, "what came is not an HTTP request"), false;
  method_ = line.substr(0, first);
  std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version.size() != 8 || !version.starts_with("HTTP/"))
    return fail(400, "what came is not an HTTP request"), false;
  if (!version.starts_with("HTTP/1.") || version[7] < '0' || version[7] > '9')
    return fail(505, "a request that is not HTTP/1.1"), false;
  minor_version_ = version[7] - '0';
  if (target.find(' ') != std::string_view::npos || !is_field_value(target))
    return fail(400, "a blank or a control character in the target of the request"), false;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_ignoring_case(target, scheme)) continue;
    const size_t slash = target.find('/', scheme.size());
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  if (!target.starts_with('/') && target != "*")
    return fail(400, "a target of the request that is no path"), false;
  path_ = target.substr(0, target.find('?'));
  return true;
}

// §6.3, as far as it speaks of requests: without either field there is no body.
bool RequestParser::choose_framing() {
  FramingFields framing;
  if (const char* wrong = read_framing(fields_, framing)) return fail(400, wrong), false;
  if (framing.has_transfer_encoding && (framing.length || minor_version_ == 0))
    return fail(400, "a body with two framings"), false;
  if (framing.has_transfer_encoding && !framing.chunked_last)
    return fail(501, "a transfer coding other than chunked"), false;
  keep_alive_ = !framing.says_close && (minor_version_ >= 1 || framing.says_keep_alive);
  if (const auto expect = field("Expect")) {
    if (!equal_ignoring_case(*expect, "100-continue"))
      return fail(417, "an expectation other than 100-continue"), false;
    expects_continue_ = minor_version_ >= 1;
  }
  using Framing = BodyParser::Framing;
  const Framing chosen = framing.has_transfer_encoding ? Framing::kChunked
                         : framing.length              ? Framing::kLength
                                                       : Framing::kNone;
  state_ = State::kBody;
  if (!body_.begin(chosen, framing.length.value_or(0))) return fail(413, body_.error()), false;
  return true;
}

RequestParser::Step RequestParser::advance_body(std::string_view& input) {
  switch (body_.advance(input)) {
    case BodyParser::Step::kNeedMore:
      return Step::kNeedMore;
    case BodyParser::Step::kBody:
      return Step::kBody;
    case BodyParser::Step::kEnd:
      state_ = State::kEnded;
      return Step::kEnd;
    case BodyParser::Step::kError:
      break;
  }
  const std::string_view words = body_.error();
  return fail(words.find("larger") == std::string_view::npos ? 400 : 413, body_.error());
}

}  // namespace assay
