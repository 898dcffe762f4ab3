// Reading of JSON front to back; see json_cursor.h. The grammar is RFC 8259's, but what is passed over as a
// key or string may hold bytes that are no UTF-8: nobody shows them.
#include "workload/trace/json_cursor.h"

#include <algorithm>
#include <charconv>

namespace assay {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// FNV-1a, 64 bits.
uint64_t hash_of(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

// Whether an odd number of backslashes stands before the quote at `quote`, in the text that starts at
// `begin`. A run of them reaches back to the quote before at most, so that all of them together cost one
// pass.
bool is_escaped(std::string_view text, size_t begin, size_t quote) {
  size_t at = quote;
  while (at > begin && text[at - 1] == '\\') --at;
  return (quote - at) % 2 == 1;
}

bool has_control(std::string_view raw) {
  bool found = false;
  for (const char c : raw) found |= static_cast<unsigned char>(c) < 0x20;  // without a branch: vectors
  return found;
}

// Digits from `at` on; moves past them.
size_t count_digits(std::string_view text, size_t& at) {
  const size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return at - begin;
}

}  // namespace

bool JsonCursor::fail(std::string_view problem) {
  if (problem_.empty()) problem_ = problem;
  return false;
}

size_t JsonCursor::line() const {
  return 1 + static_cast<size_t>(std::ranges::count(text_.substr(0, at_), '\n'));
}

char JsonCursor::peek() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return is_good() ? c : '\0';
    ++at_;
  }
  return '\0';
}

bool JsonCursor::begin(char bracket, std::string_view kind) {
  if (peek() != bracket)
    return fail(kind == "an object" ? "no object where one should begin" : "no array where one should begin");
  if (depth_ == kMaxDepth) return fail("nested deeper than 64 levels");
  ++at_;
  is_first_[++depth_] = true;
  return true;
}

// Goes on to the next thing in the innermost bracket; takes its end.
bool JsonCursor::next(char end) {
  if (!is_good() || depth_ == 0) return fail("read beyond the end of a value");
  const char c = peek();
  if (c == end) {
    ++at_;
    --depth_;
    return false;
  }
  const bool is_first = is_first_[depth_];
  is_first_[depth_] = false;
  if (c == '\0') return fail("cut off");
  if (is_first) return true;
  if (c != ',') return fail("no comma between values");
  ++at_;
  if (peek() == end) return fail("a comma with nothing behind it");
  return true;
}

bool JsonCursor::next_member(std::string_view& key) {
  if (!next('}')) return false;
  if (!read_string(key)) return false;
  if (peek() != ':') return fail("no colon behind a name");
  ++at_;
  return true;
}

bool JsonCursor::next_item() {
  return next(']');
}

// Texts are most of a file: the quote is looked for in strides, then the text is gone over as a whole.
bool JsonCursor::read_string(std::string_view& raw) {
  if (peek() != '"') return fail("no text where one should begin");
  const size_t begin = at_ + 1;
  size_t end = begin;
  do {
    end = text_.find('"', end);
    if (end == std::string_view::npos) {
      at_ = text_.size();
      return fail("a text that does not end");
    }
  } while (is_escaped(text_, begin, end++));
  raw = text_.substr(begin, end - 1 - begin);
  at_ = end;
  return has_control(raw) ? fail("a control character inside a text") : true;
}

// A number as it stands; empty, and wrong, if there is none.
std::string_view JsonCursor::take_number() {
  constexpr std::string_view kProblem = "no number where one should stand";
  peek();
  const size_t begin = at_;
  size_t at = at_;
  if (at < text_.size() && text_[at] == '-') ++at;
  const bool leads_with_zero = at < text_.size() && text_[at] == '0';
  const size_t whole = count_digits(text_, at);
  bool good = is_good() && whole > 0 && !(leads_with_zero && whole > 1);
  if (good && at < text_.size() && text_[at] == '.') good = count_digits(text_, ++at) > 0;
  if (good && at < text_.size() && (text_[at] == 'e' || text_[at] == 'E')) {
    ++at;
    if (at < text_.size() && (text_[at] == '+' || text_[at] == '-')) ++at;
    good = count_digits(text_, at) > 0;
  }
  if (!good) return fail(kProblem), std::string_view();
  at_ = at;
  return text_.substr(begin, at - begin);
}

bool JsonCursor::read_number(double& value) {
  const std::string_view number = take_number();
  if (number.empty()) return false;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc()) return fail("a number beyond all bounds");
  return true;
}

bool JsonCursor::read_id(uint64_t& id) {
  if (peek() == '"') {
    std::string_view raw;
    if (!read_string(raw)) return false;
    id = hash_of(raw);
    return true;
  }
  // Nearly all of them are short whole numbers.
  size_t at = at_;
  uint64_t digits = 0;
  while (at < text_.size() && is_digit(text_[at]) && at - at_ < 18)
    digits = 10 * digits + static_cast<uint64_t>(text_[at++] - '0');
  const bool is_short =
      at > at_ && text_[at_] != '0' && at < text_.size() && (text_[at] == ',' || text_[at] == ']');
  if (is_short && is_good()) {
    at_ = at;
    id = digits;
    return true;
  }
  const std::string_view number = take_number();
  if (number.empty()) return false;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  const bool is_whole = error == std::errc() && end == number.data() + number.size();
  id = is_whole ? static_cast<uint64_t>(value) : hash_of(number);
  return true;
}

bool JsonCursor::skip() {
  std::string_view raw;
  switch (peek()) {
    case '{':
      if (!begin_object()) return false;
      while (next_member(raw)) {
        if (!skip()) return false;
      }
      return is_good();
    case '[':
      if (!begin_array()) return false;
      while (next_item()) {
        if (!skip()) return false;
      }
      return is_good();
    case '"':
      return read_string(raw);
    default:
      for (const std::string_view word : {"true", "false", "null"}) {
        if (!is_good() || !text_.substr(at_).starts_with(word)) continue;
        at_ += word.size();
        return true;
      }
      return !take_number().empty();
  }
}

size_t decoded_bytes(std::string_view raw) {
  const size_t plain = std::min(raw.find('\\'), raw.size());
  size_t bytes = plain;
  raw.remove_prefix(plain);
  for (size_t i = 0; i < raw.size(); ++i, ++bytes) {
    if (raw[i] != '\\' || i + 1 >= raw.size()) continue;
    if (raw[++i] != 'u') continue;
    uint32_t code = 0;
    for (size_t k = 0; k < 4 && i + 1 < raw.size(); ++k) {
      const char c = raw[++i];
      code = code * 16 + static_cast<uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    // Half of a pair is two of the four bytes that both make.
    const bool is_half = (code & 0xf800) == 0xd800;
    bytes += code < 0x80 ? 0 : code < 0x800 || is_half ? 1 : 2;
  }
  return bytes;
}

}  // namespace assay
