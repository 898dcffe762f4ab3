// BodyParser: the body of a request or a response from bytes as they come (RFC 9112 §6 and §7), handed out as
// views into the caller's own bytes. Private to http.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace assay {

class BodyParser {
 public:
  enum class Framing { kNone, kLength, kChunked, kUntilClose };
  enum class Step { kNeedMore, kBody, kEnd, kError };

  // `max_side_bytes` bounds chunk extensions and trailers together.
  BodyParser(uint64_t max_body_bytes, size_t max_side_bytes)
      : max_body_bytes_(max_body_bytes), max_side_bytes_(max_side_bytes) {}

  // False: the length is larger than is allowed, and error() says so.
  bool begin(Framing framing, uint64_t length = 0);
  Step advance(std::string_view& input);  // takes what it needs from the front
  // The usual way from one chunk to the next, all at once: if `input` begins with a whole chunk, of a size
  // without extensions, takes it and gives its data. Else nothing is taken, and advance() sees to it.
  std::string_view take_chunk(std::string_view& input);
  // The connection has ended; true if that was the body's end.
  bool end_of_input();

  Framing framing() const { return framing_; }
  std::string_view body() const { return body_; }  // of the last kBody; never empty
  const char* error() const { return error_; }     // static text

 private:
  enum class State {
    kLengthBody,
    kUntilCloseBody,
    kChunkSize,
    kChunkExtension,
    kChunkSizeLineFeed,
    kChunkData,
    kChunkDataEnd,
    kChunkDataLineFeed,
    kTrailer,
    kEnded,
    kError
  };

  bool fail(const char* words);
  Step take_body(std::string_view& input);
  Step take_trailer(std::string_view& input);
  size_t usual_chunk_head(std::string_view input, uint64_t& size) const;
  bool take_around_chunk(std::string_view& input);
  bool end_chunk_size();

  uint64_t max_body_bytes_;
  size_t max_side_bytes_;
  State state_ = State::kEnded;
  Framing framing_ = Framing::kNone;
  std::string_view body_;
  const char* error_ = "";
  bool chunk_has_digits_ = false, line_is_empty_ = true;
  uint64_t remaining_ = 0;   // of the body (kLength) or the chunk
  uint64_t body_total_ = 0;  // all body bytes so far, for the limit
  size_t side_bytes_ = 0;    // of chunk extensions and trailers
};

}  // namespace assay
