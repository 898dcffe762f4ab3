// Words for what can go wrong with a request.
#include "workload/request.h"

#include <array>

namespace assay {

std::string_view name_of(FailureCause cause) {
  constexpr std::array<std::string_view, 14> kNames = {
      "none",      "refused",      "connection-lost", "timeout",          "http-status",
      "malformed", "truncated",    "too-long",        "cancelled",        "target-lost",
      "tls",       "server-error", "check-failed",    "cancelled-by-plan"};
  static_assert(kNames.size() == static_cast<size_t>(kLastFailureCause) + 1);
  const auto index = static_cast<size_t>(cause);
  return index < kNames.size() ? kNames[index] : "unknown";
}

}  // namespace assay
