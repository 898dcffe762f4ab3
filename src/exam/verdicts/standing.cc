// Standing of a value to a limit; see standing.h.
#include "exam/verdicts/standing.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string_view>

namespace assay {

namespace {

bool is_share(std::string_view metric) {
  return metric == "slo_attainment" || metric == "error_rate" || metric.ends_with("_share");
}

}  // namespace

Standing standing(const Record& record, bool is_floor, double limit) {
  const double value = *value_of(record);
  const std::optional<double> low = low_of(record), high = high_of(record);
  const bool is_end = is_share(record.metric) && limit == (is_floor ? 1 : 0);
  if (is_end || (!low && !high))
    return (is_floor ? value >= limit : value <= limit) ? Standing::kShown : Standing::kRefuted;
  const std::optional<double>& inner = is_floor ? low : high;
  const std::optional<double>& outer = is_floor ? high : low;
  if (inner && (is_floor ? *inner >= limit : *inner <= limit)) return Standing::kShown;
  if (outer && (is_floor ? *outer < limit : *outer > limit)) return Standing::kRefuted;
  return Standing::kOpen;
}

std::string samples_that_tell(const Record& record, double limit) {
  constexpr double kWithinReason = 100;
  if (!record.value) return "more";  // infinite
  const std::optional<double>& edge = *record.value >= limit ? record.ci_low : record.ci_high;
  const double distance = std::abs(*record.value - limit);
  if (!edge || distance <= 0) return "more";
  const double factor = std::pow((*record.value - *edge) / distance, 2);
  if (factor <= 1 || factor > kWithinReason) return "more";
  return fmt::format("about {} times as many", factor < 9.95
                                                   ? fmt::format("{:.1f}", std::ceil(factor * 10) / 10)
                                                   : fmt::format("{:.0f}", std::ceil(factor)));
}

}  // namespace assay
