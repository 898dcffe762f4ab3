// The response parser; see response.h. Sections are those of RFC 9112 unless another is named.
#include "http/response.h"

#include "base/base.h"
#include "http/message.h"

namespace assay {
namespace {

constexpr std::string_view kHttp = "HTTP/";
constexpr const char* kNoHttp = "what came is not an HTTP response";

// Whether a response may begin with `beginning`, of which more is to come.
bool may_be_http(std::string_view beginning) {
  return beginning.substr(0, kHttp.size()) == kHttp.substr(0, beginning.size());
}

}  // namespace

ResponseParser::Step ResponseParser::fail(const char* words) {
  error_ = words;
  state_ = State::kError;
  keep_alive_ = false;
  return Step::kError;
}

void ResponseParser::restart() {
  CHECK(state_ == State::kEnded || (state_ == State::kHead && !started_));
  state_ = State::kHead;
  body_.begin(BodyParser::Framing::kNone);
  head_.clear();
  fields_.clear();
  reason_ = {};
  status_ = interim_ = 0;
  keep_alive_ = started_ = false;
}

std::optional<std::string_view> ResponseParser::field(std::string_view name) const {
  return find_field(fields_, name);
}

ResponseParser::Step ResponseParser::advance(std::string_view& input) {
  if (state_ == State::kError) return Step::kError;
  if (state_ == State::kEnded) return Step::kEnd;
  if (!input.empty()) started_ = true;
  return state_ == State::kHead ? advance_head(input) : advance_body(input);
}

ResponseParser::Step ResponseParser::end_of_input() {
  switch (state_) {
    case State::kError:
      return Step::kError;
    case State::kEnded:
      return Step::kEnd;
    case State::kHead:
      return fail(started_ ? "the connection ended within the head of the response"
                           : "the connection ended before any response");
    case State::kBody:
      break;
  }
  if (!body_.end_of_input()) return fail("the connection ended within the body of the response");
  state_ = State::kEnded;
  keep_alive_ = false;
  return Step::kEnd;
}

ResponseParser::Step ResponseParser::advance_head(std::string_view& input) {
  switch (take_head(input, limits_.head_bytes, head_)) {
    case HeadPart::kMore:
      // A server of another protocol that greets and waits never ends its head.
      return may_be_http(head_) ? Step::kNeedMore : fail(kNoHttp);
    case HeadPart::kTooLarge:
      return fail(may_be_http(head_) ? "the head of the response is larger than is allowed here" : kNoHttp);
    case HeadPart::kWhole:
      break;
  }
  std::string_view status_line;
  if (const char* wrong = parse_head_lines(head_, limits_.fields, status_line, fields_)) {
    // What is no HTTP at all is told as that.
    return parse_status_line(status_line) ? fail(wrong) : Step::kError;
  }
  if (!parse_status_line(status_line)) return Step::kError;
  if (status_ >= 200) return choose_framing() ? Step::kHead : Step::kError;
  // RFC 9110 §15.2: interim responses precede the one that counts. 101 answers an Upgrade, which is never
  // asked for.
  if (status_ == 101) return fail("the server switched protocols without being asked");
  if (++interim_ > limits_.interim_responses) return fail("too many interim responses");
  head_.clear();
  fields_.clear();
  reason_ = {};
  return input.empty() ? Step::kNeedMore : advance_head(input);
}

// §4: HTTP-version SP 3DIGIT SP [reason]. The blank before an absent reason is often missing.
bool ResponseParser::parse_status_line(std::string_view line) {
  const auto digit = [&](size_t i) { return line[i] >= '0' && line[i] <= '9'; };
  const bool is_http = line.size() >= 12 && line.starts_with("HTTP/1.") && digit(7) && line[8] == ' ' &&
                       digit(9) && digit(10) && digit(11) && (line.size() == 12 || line[12] == ' ');
  if (!is_http) {
    fail(line.starts_with(kHttp) ? "a status line that is not HTTP/1.1" : kNoHttp);
    return false;
  }
  minor_version_ = line[7] - '0';
  status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  reason_ = line.size() > 13 ? line.substr(13) : std::string_view();
  if (status_ < 100 || status_ > 599) {
    fail("a status code outside 100 to 599");
    return false;
  }
  return true;
}

// §6.3, in its order.
bool ResponseParser::choose_framing() {
  FramingFields framing;
  if (const char* wrong = read_framing(fields_, framing)) return fail(wrong), false;
  // §9.3. A response with both framings, or a transfer coding in HTTP/1.0, may be an attack: it is the last
  // one.
  keep_alive_ = !framing.says_close && (minor_version_ >= 1 || framing.says_keep_alive) &&
                !(framing.has_transfer_encoding && (framing.length || minor_version_ == 0));
  using Framing = BodyParser::Framing;
  Framing chosen = Framing::kUntilClose;
  if (status_ == 204 || status_ == 304) {
    chosen = Framing::kNone;
  } else if (framing.has_transfer_encoding) {
    if (framing.chunked_last) chosen = Framing::kChunked;
  } else if (framing.length) {
    chosen = Framing::kLength;
  }
  if (chosen == Framing::kUntilClose) keep_alive_ = false;
  state_ = State::kBody;
  return body_.begin(chosen, framing.length.value_or(0)) || (fail(body_.error()), false);
}

ResponseParser::Step ResponseParser::advance_body(std::string_view& input) {
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
  return fail(body_.error());
}

}  // namespace assay
