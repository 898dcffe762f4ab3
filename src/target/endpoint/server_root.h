// Where a server keeps what is no part of its OpenAI-compatible API: beside it.
#pragma once

#include "http/http.h"

namespace assay {

// The base URL without the version that its path ends with: ".../v1" → "...". /health, /version and their
// like lie below it.
inline Url server_root(Url url) {
  const size_t slash = url.path.rfind('/');
  if (slash == std::string::npos) return url;
  const std::string_view last = std::string_view(url.path).substr(slash + 1);
  const bool is_version =
      last.size() >= 2 && last[0] == 'v' && last.find_first_not_of("0123456789", 1) == std::string_view::npos;
  if (is_version) url.path.resize(slash);
  return url;
}

}  // namespace assay
