// Heads and fields; see message.h. Sections are those of RFC 9112 unless another is named.
#include "http/message.h"

#include <algorithm>

#include "base/base.h"

namespace assay {
namespace {

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_http_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_http_blank(text.back())) text.remove_suffix(1);
  return text;
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

// Where the head ends in `text` (behind its empty line), looking from `from` on; npos if it does not end yet.
size_t head_end(std::string_view text, size_t from) {
  for (size_t at = text.find('\n', from); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    const std::string_view before = text.substr(0, at);
    if (before.empty() || before == "\r" || before.ends_with('\n') || before.ends_with("\n\r")) return at + 1;
  }
  return std::string_view::npos;
}

// §5.2: a folded line continues the one before; blanks in place of the line end join them in place.
void unfold(std::string& head) {
  const size_t first_line_end = head.find('\n');
  for (size_t at = head.find('\n', first_line_end + 1); at != std::string::npos && at + 1 < head.size();
       at = head.find('\n', at + 1)) {
    if (!is_http_blank(head[at + 1])) continue;
    if (at > 0 && head[at - 1] == '\r') head[at - 1] = ' ';
    head[at] = ' ';
  }
}

}  // namespace

bool is_http_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_http_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && starts_with_ignoring_case(a, b);
}

std::optional<std::string_view> find_field(const std::vector<HttpField>& fields, std::string_view name) {
  for (const HttpField& field : fields) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

HeadPart take_head(std::string_view& input, size_t max_bytes, std::string& head) {
  constexpr size_t kPieceBytes = 1024;  // a whole answer may stand behind the head: it is not copied with it
  while (true) {
    // The empty line may lie across two pieces: its first characters are then at the end of head.
    const size_t known = head.size();
    const size_t room = max_bytes - known;
    const std::string_view piece = input.substr(0, std::min(room, kPieceBytes));
    head += piece;
    const size_t end = head_end(head, known < 2 ? 0 : known - 2);
    if (end != std::string_view::npos) {
      input.remove_prefix(end - known);
      head.resize(end);
      return HeadPart::kWhole;
    }
    if (piece.size() == room) return HeadPart::kTooLarge;
    input.remove_prefix(piece.size());
    if (input.empty()) return HeadPart::kMore;
  }
}

const char* parse_head_lines(std::string& head, size_t max_fields, std::string_view& first_line,
                             std::vector<HttpField>& fields) {
  unfold(head);
  std::string_view rest = head;
  bool first = true;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos)
      return "a bare CR or NUL in the head";
    if (first) {
      first_line = line;
    } else if (!line.empty()) {
      const size_t colon = line.find(':');
      if (colon == std::string_view::npos || !is_http_token(line.substr(0, colon)))
        return "a line in the head that is no field";
      if (fields.size() == max_fields) return "more fields in the head than are allowed here";
      fields.push_back({line.substr(0, colon), trim_blanks(line.substr(colon + 1))});
    }
    first = false;
  }
  return nullptr;
}

const char* read_framing(const std::vector<HttpField>& fields, FramingFields& framing) {
  std::string_view last_coding;
  for (const HttpField& field : fields) {
    if (equal_ignoring_case(field.name, "Content-Length")) {
      // A list of equal values is what a careless intermediary makes of repeated fields.
      for (const std::string_view item : split(field.value, ',')) {
        const std::optional<uint64_t> value = parse_length(trim_blanks(item));
        if (!value || (framing.length && *framing.length != *value))
          return "a Content-Length that is no number, or two that differ";
        framing.length = value;
      }
    } else if (equal_ignoring_case(field.name, "Transfer-Encoding")) {
      framing.has_transfer_encoding = true;
      lists(field.value, "chunked", &last_coding);
    } else if (equal_ignoring_case(field.name, "Connection")) {
      framing.says_close |= lists(field.value, "close");
      framing.says_keep_alive |= lists(field.value, "keep-alive");
    }
  }
  framing.chunked_last = equal_ignoring_case(last_coding, "chunked");
  return nullptr;
}

}  // namespace assay
