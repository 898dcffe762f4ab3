// The body parser's states; see body.h. Sections are those of RFC 9112.
#include "http/body.h"

#include <algorithm>

#include "base/base.h"
#include "http/message.h"

namespace assay {
namespace {

constexpr const char* kTooLarge = "the body is larger than is allowed here";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool BodyParser::fail(const char* words) {
  error_ = words;
  state_ = State::kError;
  return false;
}

bool BodyParser::begin(Framing framing, uint64_t length) {
  framing_ = framing;
  remaining_ = framing == Framing::kLength ? length : 0;
  body_total_ = side_bytes_ = 0;
  chunk_has_digits_ = false;
  body_ = {};
  error_ = "";
  switch (framing) {
    case Framing::kNone:
      state_ = State::kEnded;
      return true;
    case Framing::kLength:
      state_ = length == 0 ? State::kEnded : State::kLengthBody;
      return length <= max_body_bytes_ || fail(kTooLarge);
    case Framing::kChunked:
      state_ = State::kChunkSize;
      return true;
    case Framing::kUntilClose:
      state_ = State::kUntilCloseBody;
      return true;
  }
  return true;
}

bool BodyParser::end_of_input() {
  if (state_ == State::kUntilCloseBody) state_ = State::kEnded;
  return state_ == State::kEnded;
}

BodyParser::Step BodyParser::advance(std::string_view& input) {
  while (true) {
    switch (state_) {
      case State::kEnded:
        return Step::kEnd;
      case State::kError:
        return Step::kError;
      case State::kLengthBody:
      case State::kChunkData:
      case State::kUntilCloseBody:
        return take_body(input);
      case State::kTrailer:
        return take_trailer(input);
      default:
        if (input.empty()) return Step::kNeedMore;
        if (!take_around_chunk(input)) return Step::kError;
    }
  }
}

BodyParser::Step BodyParser::take_body(std::string_view& input) {
  if (input.empty()) return Step::kNeedMore;
  const bool until_close = state_ == State::kUntilCloseBody;
  const size_t n =
      until_close ? input.size() : static_cast<size_t>(std::min<uint64_t>(remaining_, input.size()));
  body_total_ += n;
  if (body_total_ > max_body_bytes_) return fail(kTooLarge), Step::kError;
  body_ = input.substr(0, n);
  input.remove_prefix(n);
  if (until_close) return Step::kBody;
  remaining_ -= n;
  if (remaining_ == 0) state_ = state_ == State::kChunkData ? State::kChunkDataEnd : State::kEnded;
  return Step::kBody;
}

// One character of what stands around chunks (§7.1): size, extensions, and the line end after the data.
bool BodyParser::take_around_chunk(std::string_view& input) {
  const char c = input.front();
  input.remove_prefix(1);
  switch (state_) {
    case State::kChunkSize: {
      const int digit = hex_digit(c);
      if (digit >= 0) {
        if (remaining_ >> 56 != 0) return fail("a chunk size that overflows");
        remaining_ = remaining_ * 16 + static_cast<uint64_t>(digit);
        chunk_has_digits_ = true;
        return true;
      }
      if (!chunk_has_digits_) return fail("a chunk size without digits");
      if (c == '\n') return end_chunk_size();
      if (c != '\r' && c != ';' && !is_http_blank(c)) return fail("a chunk size that is no number");
      state_ = c == '\r' ? State::kChunkSizeLineFeed : State::kChunkExtension;
      return true;
    }
    case State::kChunkExtension:
      if (++side_bytes_ > max_side_bytes_) return fail("chunk extensions larger than are allowed here");
      if (c == '\n') return end_chunk_size();
      if (c == '\r') state_ = State::kChunkSizeLineFeed;
      return true;
    case State::kChunkSizeLineFeed:
      if (c != '\n') return fail("a bare CR after a chunk size");
      return end_chunk_size();
    case State::kChunkDataEnd:
      if (c == '\r') {
        state_ = State::kChunkDataLineFeed;
        return true;
      }
      [[fallthrough]];
    case State::kChunkDataLineFeed:
      if (c != '\n') return fail("a chunk that is longer than its size says");
      state_ = State::kChunkSize;
      chunk_has_digits_ = false;
      remaining_ = 0;
      return true;
    default:
      CHECK(false);
  }
  return false;
}

bool BodyParser::end_chunk_size() {
  if (remaining_ > max_body_bytes_) return fail(kTooLarge);
  state_ = remaining_ == 0 ? State::kTrailer : State::kChunkData;
  line_is_empty_ = true;
  return true;
}

// §7.1.2: trailer fields are read and thrown away.
BodyParser::Step BodyParser::take_trailer(std::string_view& input) {
  while (!input.empty()) {
    const char c = input.front();
    input.remove_prefix(1);
    if (++side_bytes_ > max_side_bytes_) return fail("trailers larger than are allowed here"), Step::kError;
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
