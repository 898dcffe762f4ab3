// What a request's prompt is made of, and words for what can go wrong with it.
#include "workload/request.h"

#include <algorithm>
#include <array>

namespace assay {

std::vector<PromptPart> prompt_parts(const Request& request) {
  std::vector<PromptPart> parts = request.prefix_parts;
  const uint32_t shared = std::min(request.prefix_tokens, request.prompt_tokens);
  if (parts.empty() && shared > 0) parts.push_back({request.prefix_seed, shared});
  if (shared < request.prompt_tokens) parts.push_back({request.prompt_seed, request.prompt_tokens - shared});
  return parts;
}

std::string_view name_of(FailureCause cause) {
  constexpr std::array<std::string_view, 15> kNames = {
      "none",      "refused",      "connection-lost", "timeout",           "http-status",
      "malformed", "truncated",    "too-long",        "cancelled",         "target-lost",
      "tls",       "server-error", "check-failed",    "cancelled-by-plan", "overloaded"};
  static_assert(kNames.size() == static_cast<size_t>(kLastFailureCause) + 1);
  const auto index = static_cast<size_t>(cause);
  return index < kNames.size() ? kNames[index] : "unknown";
}

// RFC 6585 §4 and RFC 9110 §15.6.4.
FailureCause cause_of_status(int status) {
  return status == 429 || status == 503 ? FailureCause::kOverloaded : FailureCause::kHttpStatus;
}

}  // namespace assay
