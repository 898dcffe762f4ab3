// See trace_finding.h.
#include "exam/load/trace_finding.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

// Share of all prompt tokens that some other request begins with too.
double shared_share(const Trace& trace) {
  double all = 0, shared = 0;
  for (const TraceEntry& entry : trace.entries) {
    all += entry.prompt_tokens;
    if (trace.prefixes != nullptr)
      shared += std::min(trace.prefixes->tokens(entry.prefix), entry.prompt_tokens);
  }
  return shared / all;
}

}  // namespace

Finding trace_finding(const Trace& trace, const TraceSpec& spec) {
  const auto sessions = std::ranges::count(trace.entries, 1U, &TraceEntry::turn);
  const double share = shared_share(trace);
  Finding finding{.severity = Severity::kNote, .code = "load.trace"};
  finding.text =
      fmt::format("Replayed is {}, read as {}. Requests: {}.", spec.path, trace.format, trace.entries.size());
  if (sessions > 0) finding.text += fmt::format(" Sessions of several turns: {}.", sessions);
  if (share > 0) {
    finding.text += fmt::format(" Prefixes that requests share have {} % of the prompts' tokens.",
                                format_number(100 * share));
  }
  if (trace.is_estimated)
    finding.text +=
        fmt::format(" Lengths are estimated from texts at {} bytes a token.", spec.bytes_per_token);
  if (trace.skipped > 0)
    finding.text += fmt::format(" Left out, {}: {}.", trace.skipped_words, trace.skipped);
  finding.evidence = Json::object();
  finding.evidence.set("format", trace.format).set("requests", static_cast<int64_t>(trace.entries.size()));
  finding.evidence.set("sessions", static_cast<int64_t>(sessions)).set("shared_prefix_share", share);
  finding.evidence.set("skipped", trace.skipped).set("is_estimated", trace.is_estimated);
  return finding;
}

}  // namespace assay
