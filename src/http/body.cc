// The body parser's states; see body.h. Sections are those of RFC 9112.
#include "http/body.h"

#include <algorithm>
#include <array>

#include "base/base.h"
#include "http/message.h"

namespace assay {
namespace {

constexpr const char* kTooLarge = "the body is larger than is allowed here";

// Of every byte its value as a hexadecimal digit, or -1.
constexpr std::array<int8_t, 256> kHexDigits = [] {
  std::array<int8_t, 256> digits;
  digits.fill(-1);
  for (int i = 0; i < 10; ++i) digits['0' + i] = static_cast<int8_t>(i);
  for (int i = 0; i < 6; ++i) digits['a' + i] = digits['A' + i] = static_cast<int8_t>(10 + i);
  return digits;
}();
int hex_digit(char c) {
  return kHexDigits[static_cast<uint8_t>(c)];
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
      default: {
        if (input.empty()) return Step::kNeedMore;
        uint64_t size = 0;
        if (const size_t head = usual_chunk_head(input, size); head > 0) {
          input.remove_prefix(head);
          remaining_ = size;
          state_ = State::kChunkData;
        } else if (!take_around_chunk(input)) {
          return Step::kError;
        }
      }
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
  body_ = {input.data(), n};
  input.remove_prefix(n);
  if (until_close) return Step::kBody;
  remaining_ -= n;
  if (remaining_ == 0) state_ = state_ == State::kChunkData ? State::kChunkDataEnd : State::kEnded;
  return Step::kBody;
}

// The length of what stands before a chunk's data where it is as usual and all there: the line end behind the
// data before it, a size without extensions, and its line end. Else 0.
size_t BodyParser::usual_chunk_head(std::string_view input, uint64_t& size) const {
  const char* at = input.data();
  const char* const end = at + input.size();
  if (state_ == State::kChunkDataEnd) {
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n') return 0;
    at += 2;
  } else if (state_ != State::kChunkSize || chunk_has_digits_) {
    return 0;
  }
  constexpr int kMostDigits = 8;
  const char* const first = at;
  const char* const most = first + std::min<ptrdiff_t>(kMostDigits, end - first);
  size = 0;
  for (int digit; at < most && (digit = hex_digit(*at)) >= 0; ++at)
    size = size * 16 + static_cast<uint64_t>(digit);
  const bool is_usual =
      at > first && size > 0 && size <= max_body_bytes_ && end - at >= 2 && at[0] == '\r' && at[1] == '\n';
  return is_usual ? static_cast<size_t>(at + 2 - input.data()) : 0;
}

std::string_view BodyParser::take_chunk(std::string_view& input) {
  uint64_t size = 0;
  const size_t head = usual_chunk_head(input, size);
  if (head == 0 || size > input.size() - head || size > max_body_bytes_ - body_total_) return {};
  body_total_ += size;
  const std::string_view data(input.data() + head, static_cast<size_t>(size));
  input.remove_prefix(head + data.size());
  state_ = State::kChunkDataEnd;
  return data;
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
