// Words for what can go wrong with a request.
#include "workload/request.h"

#include <array>

namespace assay {

std::string_view name_of(FailureCause cause) {
  constexpr std::array<std::string_view, 12> kNames = {
      "none",      "refused",  "connection-lost", "timeout",     "http-status", "malformed",
      "truncated", "too-long", "cancelled",       "target-lost", "tls",         "server-error"};
  const auto index = static_cast<size_t>(cause);
  return index < kNames.size() ? kNames[index] : "unknown";
}

}  // namespace assay
