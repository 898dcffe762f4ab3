// The event-stream parser; see sse.h.
#include "http/sse.h"

#include <algorithm>
#include <cstring>

#include "base/base.h"

namespace assay {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// The first CR or LF of `text`, or npos. LF is by far the usual one, and memchr by far the fastest way to
// find it.
size_t find_line_end(std::string_view text) {
  const void* feed = std::memchr(text.data(), '\n', text.size());
  const size_t end =
      feed == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(feed) - text.data());
  const void* carriage = end == 0 ? nullptr : std::memchr(text.data(), '\r', end);
  if (carriage != nullptr) return static_cast<size_t>(static_cast<const char*>(carriage) - text.data());
  return feed == nullptr ? std::string_view::npos : end;
}

}  // namespace

void SseParser::restart() {
  mark_bytes_ = 0;
  skip_line_feed_ = dispatched_ = too_long_ = false;
  data_in_ = DataIn::kNowhere;
  buffer_.clear();
  line_.clear();
  type_.clear();
  id_.clear();
  event_ = {};
}

// False while it cannot be known yet whether the stream begins with one.
bool SseParser::skip_byte_order_mark(std::string_view& input) {
  while (mark_bytes_ < kByteOrderMark.size()) {
    if (input.empty()) return false;
    if (input.front() != kByteOrderMark[mark_bytes_]) {
      line_ = kByteOrderMark.substr(0, mark_bytes_);  // no mark: these bytes belong to the first line
      break;
    }
    input.remove_prefix(1);
    ++mark_bytes_;
  }
  mark_bytes_ = kNoMark;
  return true;
}

SseParser::Step SseParser::advance(std::string_view& input) {
  if (too_long_) return Step::kTooLong;
  if (dispatched_) {
    dispatched_ = false;
    type_.clear();
    buffer_.clear();
  }
  if (mark_bytes_ != kNoMark && !skip_byte_order_mark(input)) return Step::kNeedMore;
  while (!input.empty()) {
    if (skip_line_feed_) {
      skip_line_feed_ = false;
      if (input.front() == '\n') {
        input.remove_prefix(1);
        continue;
      }
    }
    const size_t end = find_line_end(input);
    if (end == std::string_view::npos) {
      if (!keep(input)) break;
      input = {};
      return Step::kNeedMore;
    }
    const std::string_view rest = input.substr(0, end);
    const bool in_input = line_.empty();
    skip_line_feed_ = input[end] == '\r';
    if (!fits(rest.size())) break;
    input.remove_prefix(end + 1);
    if (!in_input) line_ += rest;
    const bool dispatched = take_line(in_input ? rest : std::string_view(line_), in_input);
    line_.clear();
    if (dispatched) return Step::kEvent;
  }
  if (input.empty() && keep({})) return Step::kNeedMore;
  too_long_ = true;
  return Step::kTooLong;
}

bool SseParser::fits(size_t more) const {
  const size_t data = data_in_ == DataIn::kInput ? data_.size() : buffer_.size();
  return line_.size() + more + data <= max_event_bytes_;
}

// The input ends with `rest`: what refers into it is copied.
bool SseParser::keep(std::string_view rest) {
  if (!fits(rest.size())) return false;
  if (data_in_ == DataIn::kInput) {
    buffer_ = data_;
    data_in_ = DataIn::kBuffer;
  }
  line_ += rest;
  return true;
}

// True if the line ended an event that has data: it then stands in event_.
bool SseParser::take_line(std::string_view line, bool in_input) {
  if (!line.empty()) {
    if (line.front() == ':') return false;  // a comment
    const size_t colon = std::min(line.find(':'), line.size());
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    take_field(line.substr(0, colon), value, in_input);
    return false;
  }
  const bool has_data = data_in_ != DataIn::kNowhere;
  if (has_data) {
    if (data_in_ == DataIn::kBuffer) {
      buffer_.reserve(buffer_.size() + kPadding);
      data_ = buffer_;
    }
    event_ = {.type = type_, .data = data_, .id = id_};
    dispatched_ = true;
  } else {
    type_.clear();
  }
  data_in_ = DataIn::kNowhere;
  return has_data;
}

void SseParser::take_field(std::string_view name, std::string_view value, bool in_input) {
  if (name == "data") {
    take_data(value, in_input);
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  }
}

void SseParser::take_data(std::string_view value, bool in_input) {
  switch (data_in_) {
    case DataIn::kNowhere:
      if (in_input) {
        data_ = value;
        data_in_ = DataIn::kInput;
      } else {
        buffer_ = value;
        data_in_ = DataIn::kBuffer;
      }
      return;
    case DataIn::kInput:
      buffer_ = data_;
      data_in_ = DataIn::kBuffer;
      [[fallthrough]];
    case DataIn::kBuffer:
      buffer_ += '\n';
      buffer_ += value;
  }
}

}  // namespace assay
