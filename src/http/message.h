// What requests and responses have in common (RFC 9112 §5 and §6): the head's lines and fields, and what they
// say about the body. Private to http.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"

namespace assay {

bool is_http_blank(char c);
bool is_http_token(std::string_view text);  // RFC 9110 §5.6.2
bool equal_ignoring_case(std::string_view a, std::string_view b);
std::optional<std::string_view> find_field(const std::vector<HttpField>& fields, std::string_view name);

// Moves bytes from `input` to `head` until the head is whole (its empty line included).
enum class HeadPart { kMore, kTooLarge, kWhole };
HeadPart take_head(std::string_view& input, size_t max_bytes, std::string& head);

// Splits a whole head into its first line and its fields, which refer into it; folded lines are joined in
// place. Null, or what is wrong, as static text.
const char* parse_head_lines(std::string& head, size_t max_fields, std::string_view& first_line,
                             std::vector<HttpField>& fields);

// What the fields say about the body and the connection.
struct FramingFields {
  std::optional<uint64_t> length;
  bool has_transfer_encoding = false;
  bool chunked_last = false;  // the last transfer coding is chunked
  bool says_close = false, says_keep_alive = false;
};
// Null, or what is wrong, as static text.
const char* read_framing(const std::vector<HttpField>& fields, FramingFields& framing);

}  // namespace assay
