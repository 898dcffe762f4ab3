// Checks of foreign lines; see record_lines.h.
#include "exam/record_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "exam/findings.h"

namespace assay {
namespace {

constexpr size_t kMaxConditions = 64;
constexpr size_t kMaxSamples = 100'000;
constexpr double kWide = 0.1;  // as a share of the value to either side

}  // namespace

Json flat_members(const Json& object) {
  Json result = Json::object();
  for (const auto& [name, value] : object.members()) {
    if (result.members().size() >= kMaxConditions) break;
    if (value.is_string()) result.set(printable(name, 60), printable(value.as_string(), 200));
    if (value.is_bool() || value.is_number()) result.set(printable(name, 60), value);
  }
  return result;
}

std::vector<double> finite_samples(const Json& line) {
  std::vector<double> samples;
  for (const Json& item : line["samples"].items()) {
    if (!item.is_number() || !std::isfinite(item.as_number()) || samples.size() >= kMaxSamples) return {};
    samples.push_back(item.as_number());
  }
  return samples;
}

bool is_wide(const Record& record) {
  if (!record.ci_low || !record.ci_high)
    return record.conditions.find("kernel") != nullptr || record.unit == "tokens/s";
  const double widest = std::max(*record.ci_high - *record.value, *record.value - *record.ci_low);
  return widest > kWide * std::abs(*record.value);
}

Finding noisy_finding(int64_t wide, int64_t records) {
  return make_finding(
      Severity::kDoubtful, "roofline.noisy",
      fmt::format(
          "{} of {} did not settle to within ±10 %: the machine was busy, or the time was short. What did "
          "not is marked doubtful.",
          wide, counted(records, "measurement")),
      Json::object().set("wide", wide));
}

}  // namespace assay
