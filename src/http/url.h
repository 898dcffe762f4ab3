// Url: the http and https URLs that a scenario may name (RFC 3986), as far as a client of one server needs
// them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

struct Url {
  bool https = false;
  std::string host;  // lower case; an IPv6 literal without its brackets
  uint16_t port = 80;
  std::string path;  // as it stood, without slashes at the end: "/v1", or "" for the root
  bool ipv6_literal = false;
  bool ip_literal = false;  // IPv4 or IPv6 digits: certificates then must name the address

  // What the Host field says (RFC 9112 §3.2): "example:8000", "[::1]", without the scheme's own port.
  std::string authority() const;
  std::string text() const;  // "http://example:8000/v1"
};

// Errors name the text and say what a URL looks like. User names and passwords, queries and fragments are
// refused: secrets do not belong into a scenario, and the others mean nothing in a base URL.
Result<Url> parse_url(std::string_view text);

// Text as one segment of a path: all but the unreserved characters (§2.3) become %XX.
std::string percent_encoded(std::string_view text);

}  // namespace assay
