// Sweeps over rates and the search for capacity, as the model holds them.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "report/model.h"
#include "report/values.h"

namespace assay {
namespace {

MetricMap& class_map(SweepPoint& point, const std::string& name) {
  for (auto& [known, metrics] : point.classes) {
    if (known == name) return metrics;
  }
  return point.classes.emplace_back(name, MetricMap()).second;
}

SweepPoint& point_of(Serving& serving, bool is_users, double at) {
  for (SweepPoint& point : serving.sweep) {
    if (point.is_users == is_users && point.at == at) return point;
  }
  return serving.sweep.emplace_back(SweepPoint{.is_users = is_users, .at = at});
}

CapacityRow& capacity_of(Serving& serving, const std::string& tier) {
  for (CapacityRow& capacity : serving.capacities) {
    if (capacity.tier == tier) return capacity;
  }
  return serving.capacities.emplace_back(CapacityRow{.tier = tier});
}

// Of several trials at one rate the one that counted the most.
void add_attained(const Record& record, const std::string& traffic_class, CapacityRow& capacity) {
  auto found = std::ranges::find(capacity.attained, traffic_class,
                                 &std::pair<std::string, std::vector<const Record*>>::first);
  if (found == capacity.attained.end())
    found = capacity.attained.emplace(found, traffic_class, std::vector<const Record*>());
  for (const Record*& known : found->second) {
    if (probe_rate(*known) != probe_rate(record)) continue;
    if (record.n > known->n) known = &record;
    return;
  }
  found->second.push_back(&record);
}

bool is_sweep_under_limits(const Serving& serving) {
  return std::ranges::any_of(serving.sweep, [](const SweepPoint& point) {
    return std::ranges::any_of(point.classes, [](const auto& named) {
      const Record* attained = named.second.find("slo_attainment");
      if (attained == nullptr) return false;
      return std::ranges::any_of(
          std::initializer_list<const char*>{"slo_ttft_ms", "slo_tpot_ms", "slo_e2e_ms"},
          [&](const char* key) { return attained->conditions.find(key) != nullptr; });
    });
  });
}

}  // namespace

double probe_rate(const Record& attained) {
  return attained.conditions["probe_rate_per_s"].as_number();
}

bool add_rate_record(const Record& record, const std::string& traffic_class, Serving& serving) {
  const std::string phase = condition(record, "phase");
  if (phase == "sweep") {
    const bool is_users = record.conditions.find("sweep_users") != nullptr;
    const Json& at = record.conditions[is_users ? "sweep_users" : "sweep_rate_per_s"];
    if (!at.is_number()) return true;
    SweepPoint& point = point_of(serving, is_users, at.as_number());
    MetricMap& metrics = traffic_class == "all" ? point.all : class_map(point, traffic_class);
    metrics.records.emplace(record.metric, &record);
    return true;
  }
  if (phase != "capacity") return false;
  const std::string tier = condition(record, "tier");
  if (record.metric == "capacity_per_s" && !tier.empty()) capacity_of(serving, tier).record = &record;
  if (record.metric == "slo_attainment" && record.value && !tier.empty() && probe_rate(record) > 0)
    add_attained(record, traffic_class, capacity_of(serving, tier));
  return true;
}

void sort_rates(Serving& serving) {
  std::ranges::stable_sort(serving.sweep, [](const SweepPoint& a, const SweepPoint& b) {
    return a.is_users != b.is_users ? b.is_users : a.at < b.at;
  });
  std::erase_if(serving.capacities, [](const CapacityRow& capacity) { return capacity.record == nullptr; });
  for (CapacityRow& capacity : serving.capacities) {
    for (auto& [name, records] : capacity.attained)
      std::ranges::stable_sort(records, {}, [](const Record* record) { return probe_rate(*record); });
  }
}

std::vector<SweepColumn> sweep_columns(const Model& model) {
  static constexpr SweepColumn kColumns[] = {
      {"offered", "requests/s", "offered_rate_per_s", nullptr},
      {"served", "requests/s", "request_throughput_per_s", "served/s"},
      {"goodput", "requests/s", "goodput_per_s", "goodput/s"},
      {"TTFT p50", "ms", "ttft_ms_p50", "TTFT p50 ms"},
      {"TTFT p90", "ms", "ttft_ms_p90", "TTFT p90 ms"},
      {"TPOT p50", "ms", "tpot_ms_p50", "TPOT p50 ms"},
      {"TPOT p90", "ms", "tpot_ms_p90", "TPOT p90 ms"},
      {"E2E p90", "ms", "e2e_ms_p90", nullptr},
      {"output", "tokens/s", "output_throughput_tokens_per_s", "out tok/s"},
      {"failed", "%", "error_rate", "failed %"},
  };
  std::vector<SweepColumn> columns(std::begin(kColumns), std::end(kColumns));
  if (!std::ranges::any_of(model.servings, is_sweep_under_limits))
    std::erase_if(columns,
                  [](const SweepColumn& c) { return std::string_view(c.metric) == "goodput_per_s"; });
  return columns;
}

std::string point_text(const SweepPoint& point) {
  return fmt::format("{:g} {}{}", point.at, point.is_users ? "user" : "arrivals/s",
                     point.is_users && point.at != 1 ? "s" : "");
}

std::string capacity_phrase(const CapacityRow& capacity) {
  const Record& record = *capacity.record;
  const std::string within =
      capacity.tier == "slo" ? "within every limit" : fmt::format("within those of tier {}", capacity.tier);
  if (!record.value) return "an unknown rate " + within;
  const ValueText text = value_text(record);
  const bool is_open = record.ci_low && !record.ci_high;
  const bool is_none_shown = *record.value <= 0 && record.ci_high;  // the search ended before one held
  // What lies between is interpolated from attainments, which fall steeply where a queue begins: of a wide
  // interval it is hardly more than a guess.
  const bool is_wide = record.ci_low && record.ci_high && *record.ci_high > 2 * *record.ci_low;
  std::string out = is_none_shown ? "less than " + format_number(*record.ci_high)
                    : is_wide     ? fmt::format("between {} and {}", format_number(*record.ci_low),
                                                format_number(*record.ci_high))
                                  : fmt::format("{}{}", is_open ? "at least " : "", text.value);
  if (!is_none_shown && !is_wide && !text.interval.empty()) out += fmt::format(" ({})", text.interval);
  out += " requests/s";
  if (record.validity == Validity::kDoubtful || record.validity == Validity::kVoid)
    out += fmt::format(", {}", name_of(record.validity));
  return out + " " + within;
}

std::string capacity_basis(const CapacityRow& capacity) {
  const Record& record = *capacity.record;
  // What was not shown is not sure either.
  std::string out =
      record.value ? fmt::format("{:g} % sure", record.confidence * 100) : std::string("no rate was decided");
  if (const std::string by = condition(record, "limited_by"); !by.empty())
    out += fmt::format("; limited by {}", by);
  if (record.conditions.find("probes") != nullptr)
    out += fmt::format("; {} in {}", counted(record.conditions["probes"].as_integer(), "trial"),
                       format_duration(record.conditions["search_s"].as_number()));
  const std::string ended = condition(record, "ended");
  return ended.empty() || ended == "resolved" ? out : fmt::format("{}; {}", out, ended);
}

}  // namespace assay
