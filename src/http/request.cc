// Serialising of requests; see request.h.
#include "http/request.h"

#include <algorithm>
#include <charconv>

#include "base/base.h"

namespace assay {
namespace {

void append_field(std::string_view name, std::string_view value, std::string& out) {
  CHECK(!name.empty() && is_field_value(name) && is_field_value(value));
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

}  // namespace

bool is_field_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

void append_request(const HttpRequest& request, std::string& out) {
  CHECK(is_field_value(request.method) && is_field_value(request.target));
  CHECK(request.target.find(' ') == std::string_view::npos);
  out += request.method;
  out += ' ';
  out += request.target.empty() ? "/" : request.target;
  out += " HTTP/1.1\r\n";
  append_field("Host", request.host, out);
  for (const HttpField& field : request.fields) append_field(field.name, field.value, out);
  if (!request.body.empty() || request.method == "POST") {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, request.body.size()).ptr;
    append_field("Content-Length", {digits, static_cast<size_t>(end - digits)}, out);
  }
  out += "\r\n";
  out += request.body;
}

}  // namespace assay
