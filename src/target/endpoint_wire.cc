// Requests written into one string; see endpoint_wire.h.
#include "target/endpoint_wire.h"

#include <fmt/format.h>

#include <vector>

namespace assay {
namespace {

constexpr size_t kHeadBytes = 512;  // room for a head, so that it is written without growing

}  // namespace

std::string EndpointWire::get(std::string_view path, RequestId id) const {
  return write("GET", path, id, "application/json", "");
}

std::string EndpointWire::post(std::string_view path, RequestId id, std::string_view body) const {
  return write("POST", path, id, "text/event-stream, application/json", body);
}

std::string EndpointWire::write(std::string_view method, std::string_view path, RequestId id,
                                std::string_view accept, std::string_view body) const {
  const std::string target = url_.path + std::string(path);
  const std::string host = url_.authority();
  const std::string request_id = fmt::format("assay-{}", id);
  const std::string bearer = "Bearer " + api_key_;
  std::vector<HttpField> fields = {{"User-Agent", "assay"}, {"X-Request-Id", request_id}, {"Accept", accept}};
  if (method == "POST") fields.push_back({"Content-Type", "application/json"});
  if (has_key()) fields.push_back({"Authorization", bearer});
  std::string wire;
  wire.reserve(body.size() + kHeadBytes);
  append_request({.method = method, .target = target, .host = host, .fields = fields, .body = body}, wire);
  return wire;
}

}  // namespace assay
