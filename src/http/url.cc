// Parsing of URLs; see url.h.
#include "http/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/base.h"

namespace assay {
namespace {

constexpr size_t kMaxUrlBytes = 2048;
constexpr std::string_view kExample = "Write it like http://127.0.0.1:8000/v1 or https://host.example/v1.";

std::unexpected<Error> refuse(std::string_view text, std::string what) {
  // A URL may hold a password, which must not come back in a message.
  const bool may_hold_secret = text.find('@') != std::string_view::npos;
  return fail(std::move(what), may_hold_secret ? "URL" : printable(text), std::string(kExample));
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && host.front() != '-' && host.front() != '.' &&
         std::all_of(host.begin(), host.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; });
}

bool is_address(int family, const std::string& host) {
  in6_addr address;  // the larger of the two
  return ::inet_pton(family, host.c_str(), &address) == 1;
}

std::optional<uint16_t> parse_port(std::string_view text) {
  const std::optional<int64_t> port = parse_integer(text);
  if (!port || *port < 1 || *port > 65535 || text.front() == '+') return std::nullopt;
  return static_cast<uint16_t>(*port);
}

// Splits "host:port", "[v6]:port" or either without port; the port part keeps no colon.
struct Authority {
  std::string_view host, port;
  bool bracketed = false, has_port = false, ok = true;
};

Authority split_authority(std::string_view text) {
  Authority result;
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return {.ok = false};
    result.bracketed = true;
    result.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    result.host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  result.has_port = rest.starts_with(':');
  result.ok = rest.empty() || result.has_port;
  if (result.has_port) result.port = rest.substr(1);
  return result;
}

}  // namespace

std::string Url::authority() const {
  const std::string name = ipv6_literal ? "[" + host + "]" : host;
  return port == (https ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

std::string Url::text() const {
  return fmt::format("{}://{}{}", https ? "https" : "http", authority(), path);
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes)
    return refuse(text, fmt::format("a URL of more than {} bytes", kMaxUrlBytes));
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      return refuse(text, "a URL has no blanks, control characters or letters beyond ASCII");
    }
  }
  Url url;
  std::string_view rest = text;
  if (starts_with_ignoring_case(rest, "http://")) {
    rest.remove_prefix(7);
  } else if (starts_with_ignoring_case(rest, "https://")) {
    rest.remove_prefix(8);
    url.https = true;
  } else {
    return refuse(text, "the URL does not begin with http:// or https://");
  }
  const size_t path_at = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority_text = rest.substr(0, path_at);
  std::string_view path = rest.substr(path_at);
  if (authority_text.find('@') != std::string_view::npos) {
    return refuse(text,
                  "a URL here has no user name or password (a key goes into api_key_env or api_key_file)");
  }
  if (path.find_first_of("?#") != std::string_view::npos)
    return refuse(text, "a URL here has no ? or # part");

  const Authority authority = split_authority(authority_text);
  if (!authority.ok) return refuse(text, "what follows the host is not a port");
  url.host = lower(authority.host);
  url.ipv6_literal = authority.bracketed;
  if (url.ipv6_literal) {
    if (!is_address(AF_INET6, url.host)) return refuse(text, "what stands in [ ] is not an IPv6 address");
  } else if (!is_host_name(url.host)) {
    return refuse(text, "the URL has no valid host");
  }
  url.ip_literal = url.ipv6_literal || is_address(AF_INET, url.host);
  url.port = url.https ? 443 : 80;
  if (authority.has_port) {
    const std::optional<uint16_t> port = authority.port.empty() ? std::nullopt : parse_port(authority.port);
    if (!port) return refuse(text, "the port is not a number from 1 to 65535");
    url.port = *port;
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  url.path = std::string(path);
  return url;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          c == '-' || c == '_' || c == '.' || c == '~';
    if (is_plain) {
      out += c;
    } else {
      append_format(out, "%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

}  // namespace assay
