// EndpointWire: the bytes of requests to one server, as they go out: path, fields, the key, the body.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "http/http.h"
#include "target/endpoint/endpoint_body.h"
#include "workload/workload.h"

namespace assay {

// Immutable, so any thread may use it.
class EndpointWire {
 public:
  // `api_key`: empty for none; CHECKed to be is_field_value when a request is written.
  EndpointWire(Url url, std::string api_key) : url_(std::move(url)), api_key_(std::move(api_key)) {}

  const Url& url() const { return url_; }
  bool has_key() const { return !api_key_.empty(); }

  // `path` follows the URL's own: "/models". The server is told the id ("assay-7"), so that its log can be
  // held against ours.
  std::string get(std::string_view path, RequestId id) const;
  // The answer to a post may be a stream of events or one JSON document.
  std::string post(std::string_view path, RequestId id, std::string_view body) const;
  // Its target stands from the host's root. Its own headers stand in the place of ours of that name.
  std::string call(const EndpointCall& call, RequestId id) const;
  // As get(), from the host's root.
  std::string get_target(std::string_view target, RequestId id) const;

 private:
  std::string write(std::string_view method, std::string_view target, RequestId id, std::string_view accept,
                    std::string_view body,
                    std::span<const std::pair<std::string, std::string>> headers = {}) const;

  Url url_;
  std::string api_key_;
};

}  // namespace assay
