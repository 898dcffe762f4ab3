// The response parser's states; see response.h. Sections are those of RFC 9112 unless another is named.
#include "http/response.h"

#include <algorithm>

#include "base/base.h"

namespace assay {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && starts_with_ignoring_case(a, b);
}

// True if one of the comma-separated words of `value` is `word`; `last` is set to the last word.
bool lists(std::string_view value, std::string_view word, std::string_view* last = nullptr) {
  bool found = false;
  while (true) {
    const size_t comma = value.find(',');
    const std::string_view item = trim_blanks(value.substr(0, comma));
    if (equal_ignoring_case(item, word)) found = true;
    if (last != nullptr && !item.empty()) *last = item;
    if (comma == std::string_view::npos) return found;
    value.remove_prefix(comma + 1);
  }
}

std::optional<uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;  // 18 digits always fit
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Where the head ends in `text` (behind its empty line), looking from `from` on; npos if it does not end yet.
size_t head_end(std::string_view text, size_t from) {
  for (size_t at = text.find('\n', from); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    const std::string_view before = text.substr(0, at);
    if (before.empty() || before == "\r" || before.ends_with('\n') || before.ends_with("\n\r")) return at + 1;
  }
  return std::string_view::npos;
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
  framing_ = Framing::kNone;
  head_.clear();
  fields_.clear();
  reason_ = body_ = {};
  status_ = interim_ = 0;
  keep_alive_ = started_ = false;
  remaining_ = body_total_ = side_bytes_ = 0;
}

std::optional<std::string_view> ResponseParser::field(std::string_view name) const {
  for (const HttpField& field : fields_) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
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
    case State::kAtEnd:
    case State::kUntilCloseBody:
      state_ = State::kEnded;
      keep_alive_ = false;
      return Step::kEnd;
    case State::kHead:
      return fail(started_ ? "the connection ended within the head of the response"
                           : "the connection ended before any response");
    default:
      return fail("the connection ended within the body of the response");
  }
}

ResponseParser::Step ResponseParser::advance_head(std::string_view& input) {
  // The empty line may lie across two inputs: its first characters are then at the end of head_.
  const size_t known = head_.size();
  const size_t room = limits_.head_bytes - known;
  head_ += input.substr(0, room);
  const size_t end = head_end(head_, known < 2 ? 0 : known - 2);
  if (end == std::string_view::npos) {
    if (input.size() >= room) return fail("the head of the response is larger than is allowed here");
    input = {};
    return Step::kNeedMore;
  }
  input.remove_prefix(end - known);
  head_.resize(end);
  if (!parse_head()) return Step::kError;
  if (status_ >= 200) {
    if (!choose_framing()) return Step::kError;
    return Step::kHead;
  }
  // RFC 9110 §15.2: interim responses precede the one that counts. 101 answers an Upgrade, which is never
  // asked for.
  if (status_ == 101) return fail("the server switched protocols without being asked");
  if (++interim_ > limits_.interim_responses) return fail("too many interim responses");
  head_.clear();
  fields_.clear();
  reason_ = {};
  return input.empty() ? Step::kNeedMore : advance_head(input);
}

bool ResponseParser::parse_head() {
  // §5.2: a folded line continues the one before; blanks in place of the line end join them in place.
  const size_t status_line_end = head_.find('\n');
  for (size_t at = head_.find('\n', status_line_end + 1); at != std::string::npos && at + 1 < head_.size();
       at = head_.find('\n', at + 1)) {
    if (!is_blank(head_[at + 1])) continue;
    if (at > 0 && head_[at - 1] == '\r') head_[at - 1] = ' ';
    head_[at] = ' ';
  }
  std::string_view rest = head_;
  bool first = true;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos) {
      fail("a bare CR or NUL in the head of the response");
      return false;
    }
    if (first ? !parse_status_line(line) : !line.empty() && !parse_field_line(line)) return false;
    first = false;
  }
  return true;
}

// §4: HTTP-version SP 3DIGIT SP [reason]. The blank before an absent reason is often missing.
bool ResponseParser::parse_status_line(std::string_view line) {
  const auto digit = [&](size_t i) { return line[i] >= '0' && line[i] <= '9'; };
  const bool is_http = line.size() >= 12 && line.starts_with("HTTP/1.") && digit(7) && line[8] == ' ' &&
                       digit(9) && digit(10) && digit(11) && (line.size() == 12 || line[12] == ' ');
  if (!is_http) {
    fail(line.starts_with("HTTP/") ? "a status line that is not HTTP/1.1"
                                   : "what came is not an HTTP response");
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

bool ResponseParser::parse_field_line(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    fail("a line in the head of the response that is no field");
    return false;
  }
  if (fields_.size() == limits_.fields) {
    fail("more fields in the head of the response than are allowed here");
    return false;
  }
  fields_.push_back({line.substr(0, colon), trim_blanks(line.substr(colon + 1))});
  return true;
}

// §6.3, in its order.
bool ResponseParser::choose_framing() {
  std::optional<uint64_t> length;
  bool has_transfer_encoding = false, says_close = false, says_keep_alive = false;
  std::string_view last_coding;
  for (const HttpField& field : fields_) {
    if (equal_ignoring_case(field.name, "Content-Length")) {
      // A list of equal values is what a careless intermediary makes of repeated fields.
      for (const std::string_view item : split(field.value, ',')) {
        const std::optional<uint64_t> value = parse_length(trim_blanks(item));
        if (!value || (length && *length != *value)) {
          fail("a Content-Length that is no number, or two that differ");
          return false;
        }
        length = value;
      }
    } else if (equal_ignoring_case(field.name, "Transfer-Encoding")) {
      has_transfer_encoding = true;
      lists(field.value, "chunked", &last_coding);
    } else if (equal_ignoring_case(field.name, "Connection")) {
      says_close |= lists(field.value, "close");
      says_keep_alive |= lists(field.value, "keep-alive");
    }
  }
  // §9.3. A response with both framings, or a transfer coding in HTTP/1.0, may be an attack: it is the last
  // one.
  keep_alive_ = !says_close && (minor_version_ >= 1 || says_keep_alive) &&
                !(has_transfer_encoding && (length || minor_version_ == 0));
  if (status_ == 204 || status_ == 304) {
    framing_ = Framing::kNone;
    state_ = State::kAtEnd;
  } else if (has_transfer_encoding) {
    framing_ = equal_ignoring_case(last_coding, "chunked") ? Framing::kChunked : Framing::kUntilClose;
    state_ = framing_ == Framing::kChunked ? State::kChunkSize : State::kUntilCloseBody;
    chunk_has_digits_ = false;
    remaining_ = 0;
  } else if (length) {
    framing_ = Framing::kLength;
    remaining_ = *length;
    state_ = remaining_ == 0 ? State::kAtEnd : State::kLengthBody;
    if (remaining_ > limits_.body_bytes) {
      fail("the body of the response is larger than is allowed here");
      return false;
    }
  } else {
    framing_ = Framing::kUntilClose;
    state_ = State::kUntilCloseBody;
  }
  if (framing_ == Framing::kUntilClose) keep_alive_ = false;
  return true;
}

ResponseParser::Step ResponseParser::advance_body(std::string_view& input) {
  while (true) {
    switch (state_) {
      case State::kAtEnd:
        state_ = State::kEnded;
        return Step::kEnd;
      case State::kLengthBody:
      case State::kChunkData:
      case State::kUntilCloseBody: {
        if (input.empty()) return Step::kNeedMore;
        const bool until_close = state_ == State::kUntilCloseBody;
        const size_t n =
            until_close ? input.size() : static_cast<size_t>(std::min<uint64_t>(remaining_, input.size()));
        body_total_ += n;
        if (body_total_ > limits_.body_bytes)
          return fail("the body of the response is larger than is allowed here");
        body_ = input.substr(0, n);
        input.remove_prefix(n);
        if (until_close) return Step::kBody;
        remaining_ -= n;
        if (remaining_ == 0) state_ = state_ == State::kChunkData ? State::kChunkDataEnd : State::kAtEnd;
        return Step::kBody;
      }
      case State::kTrailer:
        return advance_trailer(input);
      default:
        if (input.empty()) return Step::kNeedMore;
        if (!advance_chunk_line(input)) return Step::kError;
    }
  }
}

// One character of what stands around chunks (§7.1): size, extensions, and the line end after the data.
bool ResponseParser::advance_chunk_line(std::string_view& input) {
  const char c = input.front();
  input.remove_prefix(1);
  switch (state_) {
    case State::kChunkSize: {
      const int digit = hex_digit(c);
      if (digit >= 0) {
        if (remaining_ >> 56 != 0) return fail("a chunk size that overflows"), false;
        remaining_ = remaining_ * 16 + static_cast<uint64_t>(digit);
        chunk_has_digits_ = true;
        return true;
      }
      if (!chunk_has_digits_) return fail("a chunk size without digits"), false;
      if (c == '\n') return end_chunk_size();
      if (c != '\r' && c != ';' && !is_blank(c)) return fail("a chunk size that is no number"), false;
      state_ = c == '\r' ? State::kChunkSizeLineFeed : State::kChunkExtension;
      return true;
    }
    case State::kChunkExtension:
      if (++side_bytes_ > limits_.head_bytes)
        return fail("chunk extensions larger than are allowed here"), false;
      if (c == '\n') return end_chunk_size();
      if (c == '\r') state_ = State::kChunkSizeLineFeed;
      return true;
    case State::kChunkSizeLineFeed:
      if (c != '\n') return fail("a bare CR after a chunk size"), false;
      return end_chunk_size();
    case State::kChunkDataEnd:
      if (c == '\r') {
        state_ = State::kChunkDataLineFeed;
        return true;
      }
      [[fallthrough]];
    case State::kChunkDataLineFeed:
      if (c != '\n') return fail("a chunk that is longer than its size says"), false;
      state_ = State::kChunkSize;
      chunk_has_digits_ = false;
      remaining_ = 0;
      return true;
    default:
      CHECK(false);
  }
  return false;
}

bool ResponseParser::end_chunk_size() {
  if (remaining_ > limits_.body_bytes)
    return fail("the body of the response is larger than is allowed here"), false;
  state_ = remaining_ == 0 ? State::kTrailer : State::kChunkData;
  line_is_empty_ = true;
  return true;
}

// §7.1.2: trailer fields are read and thrown away.
ResponseParser::Step ResponseParser::advance_trailer(std::string_view& input) {
  while (!input.empty()) {
    const char c = input.front();
    input.remove_prefix(1);
    if (++side_bytes_ > limits_.head_bytes) return fail("trailers larger than are allowed here");
    if (c == '\n' && line_is_empty_) {
      state_ = State::kEnded;
      return Step::kEnd;
    }
    if (c == '\n') {
      line_is_empty_ = true;
    } else if (c != '\r') {
      line_is_empty_ = false;
    }
  }
  return Step::kNeedMore;
}

}  // namespace assay
