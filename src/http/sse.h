// SseParser: server-sent events from bytes as they come (WHATWG HTML, "Server-sent events", §9.2.5 and
// §9.2.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay {

// Views that live until the next call of the parser, or as long as the input does if that ends sooner.
struct SseEvent {
  std::string_view type;  // "" is "message"
  std::string_view data;  // lines joined by LF
  std::string_view id;    // the last one that the stream gave
};

// An event that lies whole in one input is handed out as a view into it, and nothing is copied or allocated;
// one that is cut by the end of an input is put together in a buffer of the parser's, which it keeps.
class SseParser {
 public:
  enum class Step { kNeedMore, kEvent, kTooLong };

  // Behind data that lies in the parser's own buffer, so many bytes more may be read (not used), as SIMD
  // parsers do. Data in the caller's input has what the caller left there.
  static constexpr size_t kPadding = 64;

  explicit SseParser(size_t max_event_bytes = size_t{1} << 20) : max_event_bytes_(max_event_bytes) {}
  SseParser(const SseParser&) = delete;
  SseParser& operator=(const SseParser&) = delete;

  // Takes what it needs from the front of `input`; kTooLong is for good. Events without data are not
  // dispatched.
  Step advance(std::string_view& input);
  const SseEvent& event() const { return event_; }  // of the last kEvent
  // Something was begun and is not finished: at the end of a stream it is lost, as the standard wants.
  bool unfinished() const { return !line_.empty() || data_in_ != DataIn::kNowhere; }
  // The next byte is the first of an event that has no field yet.
  bool at_event_start() const {
    return mark_bytes_ == kNoMark && !skip_line_feed_ && !unfinished() && (dispatched_ || type_.empty());
  }

  void restart();  // for the next stream; keeps the buffers

 private:
  enum class DataIn { kNowhere, kInput, kBuffer };
  static constexpr size_t kNoMark = 4;  // of mark_bytes_: it is known whether there is one

  bool skip_byte_order_mark(std::string_view& input);
  bool take_line(std::string_view line, bool in_input);
  void take_field(std::string_view name, std::string_view value, bool in_input);
  void take_data(std::string_view value, bool in_input);
  bool keep(std::string_view rest);
  bool fits(size_t more) const;

  size_t max_event_bytes_;
  size_t mark_bytes_ = 0;        // of the byte order mark seen so far
  bool skip_line_feed_ = false;  // the last line ended with CR, and an LF may follow
  bool dispatched_ = false;      // the last call handed out an event: what it referred to may go
  bool too_long_ = false;
  DataIn data_in_ = DataIn::kNowhere;
  std::string_view data_;  // while data_in_ is kInput
  std::string buffer_;     // while data_in_ is kBuffer
  std::string line_;       // the beginning of a line that is not all there
  std::string type_, id_;
  SseEvent event_;
};

}  // namespace assay
