// Text helpers; see text.h.
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/format.h"

namespace assay {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char lower_char(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string with_thousands(std::string digits) {
  const size_t start = digits.starts_with('-') ? 1 : 0;
  const size_t point = std::min(digits.find('.'), digits.size());
  if (point - start <= 4) return digits;
  for (size_t i = point; i > start + 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

// Optimal string alignment distance, so that a swap of two letters counts as one slip.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = previous[j - 1] + (lower_char(a[i - 1]) == lower_char(b[j - 1]) ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
    before = previous;
    previous = current;
  }
  return previous[b.size()];
}

// The known names that hold `name` whole, beginning at one of their words; those that begin with it come
// first. Dashes before an option do not count.
std::vector<std::string> names_with(std::string_view name, std::span<const std::string> known) {
  constexpr size_t kLeastBytes = 3, kMostNames = 4;
  const std::string wanted = lower(name.substr(std::min(name.find_first_not_of('-'), name.size())));
  if (wanted.size() < kLeastBytes) return {};
  std::vector<std::string> first, later;
  for (const std::string& candidate : known) {
    const std::string text = lower(candidate);
    size_t at = text.find(wanted);
    while (at != std::string::npos && at > 0 &&
           std::string_view("_-./ ").find(text[at - 1]) == std::string_view::npos)
      at = text.find(wanted, at + 1);
    if (at != std::string::npos) (at == 0 ? first : later).push_back(candidate);
  }
  first.insert(first.end(), later.begin(), later.end());
  first.resize(std::min(first.size(), kMostNames));
  return first;
}

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Decodes one UTF-8 code point at `i` and moves past it; a broken byte reads as itself.
uint32_t next_code_point(std::string_view text, size_t& i) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(i);
  const size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  if (length == 1 || i + length > text.size()) return byte(i++);
  uint32_t code = first & (0xffU >> (length + 1));
  for (size_t k = 1; k < length; ++k) code = (code << 6) | (byte(i + k) & 0x3fU);
  i += length;
  return code;
}

// utf8_length, or 0 for a control character.
size_t printable_bytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t length = utf8_length(text);
  const bool is_control = (length == 1 && (byte(0) < 0x20 || byte(0) == 0x7f)) ||
                          (length == 2 && byte(0) == 0xc2 && byte(1) < 0xa0);  // U+0080 to U+009F
  return is_control ? 0 : length;
}

bool is_wide(uint32_t code) {
  return (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
         (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
         (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
         (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
}

bool is_zero_width(uint32_t code) {
  return (code >= 0x300 && code <= 0x36f) || code == 0x200d || code == 0xfe0f;
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  while (true) {
    const size_t end = text.find(separator, start);
    if (end == std::string_view::npos) {
      parts.push_back(text.substr(start));
      return parts;
    }
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [](char a, char b) { return lower_char(a) == lower_char(b); });
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower_char);
  return result;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string result;
  for (const std::string& part : parts) {
    if (&part != parts.data()) result += separator;
    result += part;
  }
  return result;
}

std::optional<int64_t> parse_integer(std::string_view text) {
  return parse_whole<int64_t>(text);
}

std::optional<double> parse_number(std::string_view text) {
  const std::optional<double> value = parse_whole<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::string format_number(double value, int digits) {
  if (value == 0) return "0";
  if (!std::isfinite(value)) return std::isnan(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  const double magnitude = std::floor(std::log10(std::fabs(value)));
  if (magnitude < -4 || magnitude >= 15) return fmt::format("{:.{}e}", value, digits - 1);
  const double scale = std::pow(10.0, digits - 1 - magnitude);
  const double rounded = std::round(value * scale) / scale;
  // Rounding may carry into the next power of ten (9.999 becomes 10.0), which then needs one decimal less.
  const double rounded_magnitude = std::floor(std::log10(std::fabs(rounded)) + 1e-12);
  const int decimals = std::max(0, digits - 1 - static_cast<int>(rounded_magnitude));
  return with_thousands(fmt::format("{:.{}f}", rounded, decimals));
}

std::string counted(int64_t count, std::string_view thing, std::string_view things) {
  if (count == 1) return fmt::format("1 {}", thing);
  return things.empty() ? fmt::format("{} {}s", count, thing) : fmt::format("{} {}", count, things);
}

std::string format_bytes(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (std::fabs(value) >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{} {}", format_number(value), kUnits[unit]);
}

std::string format_duration(double seconds) {
  if (seconds == 0) return "0 s";
  if (seconds < 0) return "−" + format_duration(-seconds);
  if (seconds < 1e-6) return format_number(seconds * 1e9) + " ns";
  if (seconds < 1e-3) return format_number(seconds * 1e6) + " µs";
  if (seconds < 1) return format_number(seconds * 1e3) + " ms";
  if (seconds < 60) return format_number(seconds) + " s";
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::optional<std::string> nearest(std::string_view name, std::span<const std::string> known) {
  // The dashes of an option are no slip of the fingers, however many they are.
  const size_t dashes = std::min(name.find_first_not_of('-'), name.size());
  const size_t limit = std::max<size_t>(1, (name.size() - dashes) / 3);
  size_t best = limit + 1;
  std::optional<std::string> found;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string suggestion(std::string_view name, std::span<const std::string> known) {
  std::vector<std::string> meant;
  if (const std::optional<std::string> near = nearest(name, known))
    meant.push_back(*near);
  else
    meant = names_with(name, known);
  if (meant.empty()) return "";
  std::string out = " Did you mean ";
  for (size_t i = 0; i < meant.size(); ++i)
    out += fmt::format("{}'{}'", i == 0 ? "" : i + 1 == meant.size() ? " or " : ", ", meant[i]);
  return out + "?";
}

std::string sentences(std::string_view first, std::string_view second) {
  if (second.empty()) return std::string(first);
  const bool has_end = first.ends_with('.') || first.ends_with('?') || first.ends_with('!');
  return fmt::format("{}{} {}", first, has_end ? "" : ".", second);
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    // A number and its per cent sign stay on one line.
    if (c == ' ' && i + 1 < text.size() && text[i + 1] == '%') {
      out += "&nbsp;";
      continue;
    }
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string printable(std::string_view text, size_t max_bytes) {
  std::string out;
  while (!text.empty()) {
    const size_t length = printable_bytes(text);
    const size_t written = length > 0 ? length : 4;
    if (out.size() + written > max_bytes) return out + "…";
    if (length > 0) {
      out += text.substr(0, length);
    } else {
      append_format(out, "\\x{:02x}", static_cast<unsigned char>(text.front()));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0);
  if (first < 0x80) return text.empty() ? 0 : 1;
  const size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                        : first >= 0xe0 && first <= 0xef ? 3
                        : first >= 0xf0 && first <= 0xf4 ? 4
                                                         : 0;
  // Of the second byte; narrower where a sequence would be overlong, a surrogate or beyond U+10FFFF.
  unsigned low = 0x80, high = 0xbf;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  for (size_t i = 1; i < length; ++i) {
    if (byte(i) < low || byte(i) > high) return 0;
    low = 0x80, high = 0xbf;
  }
  return length;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    out += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string cut(std::string_view text, size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t next = i;
    next_code_point(text, next);
    if (display_width(out) + display_width(text.substr(i, next - i)) + 1 > columns) break;
    out += text.substr(i, next - i);
    i = next;
  }
  return out + "…";
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size();) {
    const uint32_t code = next_code_point(text, i);
    width += is_zero_width(code) ? 0 : is_wide(code) ? 2 : 1;
  }
  return width;
}

std::string content_key(std::string_view bytes) {
  uint64_t a = 0xcbf29ce484222325ULL, b = 0x84222325cbf29ce4ULL;
  for (const char c : bytes) {
    a = (a ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    b = (b + static_cast<unsigned char>(c) + 1) * 0x9e3779b97f4a7c15ULL;
    b ^= b >> 29;
  }
  return fmt::format("{:016x}{:016x}", a, b);
}

}  // namespace assay
