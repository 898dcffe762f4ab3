// Writing HTTP/1.1 requests (RFC 9112 §3).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace assay {

struct HttpField {
  std::string_view name, value;
};

struct HttpRequest {
  std::string_view method;            // "GET", "POST"
  std::string_view target;            // "/v1/models"
  std::string_view host;              // Url::authority()
  std::span<const HttpField> fields;  // Host, Content-Length are written by itself
  std::string_view body;              // Content-Length is written where it is not empty or the method is POST
};

// True if `value` may stand in a field or a target: no control characters, which could start a field of their
// own.
bool is_field_value(std::string_view value);

// Appends head and body. CHECKs that everything in the head is_field_value: foreign text is checked where it
// comes in.
void append_request(const HttpRequest& request, std::string& out);

}  // namespace assay
