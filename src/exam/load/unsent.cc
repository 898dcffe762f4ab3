// Words for requests that were not sent; see unsent.h.
#include "exam/load/unsent.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "exam/findings.h"

namespace assay {

std::optional<Finding> unsent_finding(const LoadResult& result, uint32_t wanted, double max_duration_s) {
  const size_t sent = result.rows.size();
  if (result.lost || result.is_stopped || sent >= wanted || sent >= result.planned) return std::nullopt;
  const uint64_t known = result.turns_after_failure + result.turns_after_break_off + result.withdrawn;
  const uint64_t late = result.planned - sent - std::min<uint64_t>(known, result.planned - sent);
  std::vector<std::string> reasons;
  const auto give = [&](uint64_t n, const char* reason) {
    if (n > 0) reasons.push_back(fmt::format("{} {}", n, reason));
  };
  give(result.turns_after_failure, "were turns of sessions that a failed request had ended");
  give(result.turns_after_break_off, "were turns of sessions whose user had broken off, as planned");
  give(result.withdrawn, "still waited for a connection at the end");
  give(late, "waited for answers until the time was over");
  const std::string limit =
      late > 0 ? fmt::format(" A trial may take {} (max_duration_s).", format_duration(max_duration_s)) : "";
  return make_finding(
      Severity::kNote, "load.shortened",
      fmt::format("Of {} {} sent. Of the others {}.{}", counted(wanted, "request"),
                  counted(static_cast<int64_t>(sent), "was", "were"), join(reasons, ", "), limit),
      Json::object()
          .set("planned", static_cast<int64_t>(sent))
          .set("wanted", wanted)
          .set("turns_after_failure", static_cast<int64_t>(result.turns_after_failure))
          .set("turns_after_break_off", static_cast<int64_t>(result.turns_after_break_off))
          .set("waited_for_connection", static_cast<int64_t>(result.withdrawn))
          .set("waited_for_answers", static_cast<int64_t>(late)));
}

}  // namespace assay
