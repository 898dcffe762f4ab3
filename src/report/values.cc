// Values; see values.h.
#include "report/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace assay {
namespace {

constexpr int kDigits = 3;
constexpr int kMostDigits = 6;

bool is_share(std::string_view metric) {
  constexpr auto kShares = std::to_array<std::string_view>(
      {"slo_attainment", "error_rate", "roofline_efficiency", "engine_efficiency", "client_cpu_utilisation",
       "coalesced_share", "late_send_share", "server_prefix_hit_rate", "sampler_cpu_utilisation"});
  return std::find(kShares.begin(), kShares.end(), metric) != kShares.end() ||
         metric.starts_with("server_kv_usage_");
}

bool is_interference(std::string_view metric) {
  return metric.ends_with("interference");
}

// A claim has no interval to take digits from, nor has a device's share of a card's.
bool is_exact(const Record& record) {
  return record.evidence_class == EvidenceClass::kClaimed || condition(record, "bound") == "claimed";
}

std::string exact_text(double value) {
  return fmt::format("{:.7g}", value);
}

int supported_digits(double value, double low, double high) {
  const double half_width = (high - low) / 2;
  if (!(half_width > 0) || !std::isfinite(half_width) || value == 0) return kDigits;
  const double digits = std::floor(std::log10(std::fabs(value))) - std::floor(std::log10(half_width)) + 1;
  return static_cast<int>(std::clamp(digits, double{kDigits}, double{kMostDigits}));
}

}  // namespace

ValueText value_text(double value, std::optional<double> low, std::optional<double> high) {
  if (!low || !high || !std::isfinite(*low) || std::isnan(*high)) return {format_number(value, kDigits), ""};
  const int digits = supported_digits(value, *low, *high);
  return {format_number(value, digits),
          fmt::format("{}–{}", format_number(*low, digits), format_number(*high, digits))};
}

DisplayUnit display_unit(std::string_view metric, std::string_view unit) {
  if (is_share(metric)) return {"%", 100};
  if (is_interference(metric)) return {"×", 1};
  if (unit == "bytes") return {"GiB", 1.0 / (1 << 30)};
  return {std::string(unit), 1};
}

ValueText value_text(const Record& record) {
  const std::optional<double> value = value_of(record);
  if (!value) return {record.validity == Validity::kInsufficient ? "insufficient" : "— unknown", ""};
  const double factor = display_unit(record.metric, record.unit).factor;
  if (is_exact(record)) return {exact_text(*value * factor), ""};
  const auto scaled = [&](std::optional<double> x) { return x ? std::optional(*x * factor) : std::nullopt; };
  // What company costs is nothing below a hundredth, however surely it is known.
  if (is_interference(record.metric) && record.ci_low && record.ci_high)
    return {format_number(*value, kDigits), fmt::format("{}–{}", format_number(*record.ci_low, kDigits),
                                                        format_number(*record.ci_high, kDigits))};
  return value_text(*value * factor, scaled(low_of(record)), scaled(high_of(record)));
}

std::string amount(double value, std::string_view unit) {
  constexpr auto kSmaller =
      std::to_array<std::pair<std::string_view, std::string_view>>({{"TFLOP/s", "GFLOP/s"},
                                                                    {"GFLOP/s", "MFLOP/s"},
                                                                    {"GB/s", "MB/s"},
                                                                    {"MB/s", "kB/s"},
                                                                    {"s", "ms"},
                                                                    {"ms", "µs"},
                                                                    {"µs", "ns"}});
  constexpr double kLeast = 0.1;
  for (const auto& [larger, smaller] : kSmaller) {
    if (unit != larger || value == 0 || std::fabs(value) >= kLeast) continue;
    value *= 1000;
    unit = smaller;
  }
  return unit.empty() ? format_number(value, kDigits)
                      : fmt::format("{} {}", format_number(value, kDigits), unit);
}

std::string amount(const Record& record) {
  if (!is_exact(record)) return amount(record.value.value_or(0), record.unit);
  const std::string value = exact_text(record.value.value_or(0));
  return record.unit.empty() ? value : fmt::format("{} {}", value, record.unit);
}

std::string phrase(const Record& record) {
  const ValueText text = value_text(record);
  std::string out = text.value;
  const std::string unit = display_unit(record.metric, record.unit).text;
  if (value_of(record) && !unit.empty()) out += " " + unit;
  if (!text.interval.empty()) out += fmt::format(" ({})", text.interval);
  if (record.n > 0) out += fmt::format(", n = {}", record.n);
  if (record.evidence_class != EvidenceClass::kMeasured)
    out += fmt::format(", {}", name_of(record.evidence_class));
  if (record.validity == Validity::kDoubtful || record.validity == Validity::kVoid) {
    out += fmt::format(", {}", name_of(record.validity));
  }
  return out;
}

std::string metric_title(std::string_view metric) {
  const Result<MetricName> name = parse_metric_name(metric);
  if (!name) return std::string(metric);
  std::string statistic = name->statistic;
  std::replace(statistic.begin(), statistic.end(), '_', '.');
  return statistic.empty() ? name->metric->title : fmt::format("{}, {}", name->metric->title, statistic);
}

std::string scalar_text(const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_bool()) return value.as_bool() ? "yes" : "no";
  if (value.is_integer()) return std::to_string(value.as_integer());
  if (value.is_number()) return format_number(value.as_number(), 4);
  return value.is_null() ? "" : value.dump();
}

std::string condition(const Record& record, std::string_view key) {
  const Json* found = record.conditions.find(key);
  return found == nullptr ? "" : scalar_text(*found);
}

std::string short_conditions(const Json& conditions) {
  std::string out;
  for (const auto& [key, value] : conditions.members()) {
    if (!out.empty()) out += ", ";
    out += fmt::format("{} {}", key, scalar_text(value));
  }
  return out;
}

std::string clean_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_control = length == 1 && ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f);
    if (length == 0 || is_control) {
      out += "\xef\xbf\xbd";
      ++i;
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

}  // namespace assay
