// Standing of a value to a limit; see standing.h.
#include "exam/verdicts/standing.h"

#include <fmt/format.h>

#include <cmath>

namespace assay {

Standing standing(const Record& record, bool is_floor, double limit) {
  const double value = *record.value;
  const bool is_end = is_floor ? limit == 1 && value <= 1 : limit == 0 && value >= 0;
  if (is_end || (!record.ci_low && !record.ci_high))
    return (is_floor ? value >= limit : value <= limit) ? Standing::kShown : Standing::kRefuted;
  const bool is_above = record.ci_low && *record.ci_low >= limit;
  const bool is_below = record.ci_high && *record.ci_high <= limit;
  if (is_above == is_below) return is_above ? Standing::kShown : Standing::kOpen;
  return is_above == is_floor ? Standing::kShown : Standing::kRefuted;
}

std::string samples_that_tell(const Record& record, double limit) {
  constexpr double kWithinReason = 1e6;
  const std::optional<double>& edge = *record.value >= limit ? record.ci_low : record.ci_high;
  const double distance = std::abs(*record.value - limit);
  if (!edge || distance <= 0 || record.n <= 0) return "";
  const double factor = std::pow((*record.value - *edge) / distance, 2);
  const double samples = std::ceil(static_cast<double>(record.n) * factor);
  if (factor <= 1 || samples > kWithinReason) return "";
  const double step = std::pow(10, std::floor(std::log10(samples)) - 1);  // two digits
  return fmt::format(" (about {:.0f})", std::ceil(samples / step) * step);
}

}  // namespace assay
