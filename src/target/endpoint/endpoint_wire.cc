// Requests written into one string; see endpoint_wire.h.
#include "target/endpoint/endpoint_wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace assay {
namespace {

constexpr size_t kHeadBytes = 512;  // room for a head, so that it is written without growing
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kStreamOrJson = "text/event-stream, application/json";

}  // namespace

std::string EndpointWire::get(std::string_view path, RequestId id) const {
  return get_target(url_.path + std::string(path), id);
}

std::string EndpointWire::get_target(std::string_view target, RequestId id) const {
  return write("GET", target, id, kJson, "");
}

std::string EndpointWire::post(std::string_view path, RequestId id, std::string_view body) const {
  return write("POST", url_.path + std::string(path), id, kStreamOrJson, body);
}

std::string EndpointWire::call(const EndpointCall& call, RequestId id) const {
  const bool is_document = call.rule.form == EndpointForm::kDocument;
  return write(call.method, call.target, id, is_document ? kJson : kStreamOrJson, call.body,
               call.headers == nullptr ? std::span<const std::pair<std::string, std::string>>()
                                       : std::span(*call.headers));
}

std::string EndpointWire::write(std::string_view method, std::string_view target, RequestId id,
                                std::string_view accept, std::string_view body,
                                std::span<const std::pair<std::string, std::string>> headers) const {
  const std::string host = url_.authority();
  const std::string request_id = endpoint_request_id(id);
  const std::string bearer = "Bearer " + api_key_;
  std::vector<HttpField> fields;
  const auto add = [&](std::string_view name, std::string_view value) {
    const bool is_given =
        std::ranges::any_of(headers, [&](const auto& header) { return lower(header.first) == lower(name); });
    if (!is_given) fields.push_back({name, value});
  };
  add("User-Agent", "assay");
  fields.push_back({"X-Request-Id", request_id});
  add("Accept", accept);
  if (!body.empty() || method == "POST") add("Content-Type", kJson);
  for (const auto& [name, value] : headers) fields.push_back({name, value});
  if (has_key()) fields.push_back({"Authorization", bearer});
  std::string wire;
  wire.reserve(body.size() + kHeadBytes);
  append_request({.method = method, .target = target, .host = host, .fields = fields, .body = body}, wire);
  return wire;
}

}  // namespace assay
