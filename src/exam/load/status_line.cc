// One line of a load; see status_line.h.
#include "exam/load/status_line.h"

#include <fmt/format.h>

#include <vector>

namespace assay {

std::string status_line(const LoadProgress& progress) {
  if (progress.is_stopping)
    return fmt::format("stopping: {} outstanding; Ctrl-C again ends at once",
                       counted(static_cast<int64_t>(progress.in_flight), "answer"));
  const auto duration = [](const std::optional<double>& ms) {
    return ms ? format_duration(*ms / 1e3) : std::string("—");
  };
  // By how much they matter.
  const std::string parts[] = {fmt::format("{}/s", format_number(progress.rate_per_s)),
                               fmt::format("{} in flight", progress.in_flight),
                               fmt::format("{} failed", progress.failed),
                               fmt::format("TTFT {}", duration(progress.ttft_ms_now)),
                               fmt::format("TPOT {}", duration(progress.tpot_ms_now)),
                               fmt::format("worst lag {}", duration(progress.dispatch_lag_ms_max))};
  std::string line;
  for (const std::string& part : parts) {
    const std::string longer = line.empty() ? part : line + "  " + part;
    if (display_width(longer) > kStatusColumns) break;
    line = longer;
  }
  return line;
}

}  // namespace assay
