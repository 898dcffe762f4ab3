// Checks of what kits say; see kit_records.h.
#include "exam/kit/kit_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "exam/findings.h"
#include "exam/record_lines.h"
#include "measure/measure.h"

namespace assay {
namespace {

constexpr size_t kMaxKitTextBytes = 1000, kMaxLibraryBytes = 120, kMaxKitNameBytes = 100;
constexpr size_t kMaxCodeBytes = 60;

// A metric that kits measure, and what no single device comes near, so that a slip of a unit shows: a
// wafer-scale device multiplies at 0.13 EFLOP/s and reads its memory at 21 PB/s, links to hosts and between
// devices are below 10 TB/s, and nothing is launched within a tenth of a nanosecond.
struct KitMetric {
  const char* metric;
  const char* exam;
  double least, most;  // in the metric's unit
};
constexpr KitMetric kKitMetrics[] = {
    {"matmul_tflop_per_s", "roofline", 0, 1e6},      {"memory_bandwidth_gb_per_s", "roofline", 0, 1e8},
    {"attention_tflop_per_s", "roofline", 0, 1e6},   {"launch_overhead_us", "roofline", 1e-4, 1e9},
    {"host_to_device_gb_per_s", "roofline", 0, 1e5}, {"device_to_host_gb_per_s", "roofline", 0, 1e5},
    {"all_reduce_gb_per_s", "roofline", 0, 1e6},     {"device_memory_bytes", "probe", 0, 1e15},
};

// Conditions that assay sets itself.
constexpr const char* kOwnConditions[] = {"kit", "kit_version", "library", "best", "bound", "of"};
// Evidence of findings by which the program is steered.
constexpr const char* kOwnEvidence[] = {kVoidsTrial, kFallsShort, kWasReachedBefore};

template <size_t kSize>
Json without(const Json& object, const char* const (&names)[kSize]) {
  Json result = Json::object();
  for (const auto& [name, value] : object.members()) {
    if (std::ranges::find(names, name) == std::end(names)) result.set(name, value);
  }
  return result;
}

Result<const KitMetric*> kit_metric(const std::string& metric, const std::string& exam) {
  const auto* row = std::ranges::find(kKitMetrics, metric, &KitMetric::metric);
  if (row == std::end(kKitMetrics)) return fail(fmt::format("{} is not for a kit to measure", metric));
  if (row->exam != exam)
    return fail(fmt::format("{} belongs to the exam {}, and the kit runs for {}", metric, row->exam, exam));
  return row;
}

Result<void> check_value(double value, const char* what, const KitMetric& metric, std::string_view unit) {
  if (!std::isfinite(value) || value <= 0)
    return fail(fmt::format("{} of {} is no finite number above 0", what, metric.metric));
  if (value >= metric.least && value <= metric.most) return {};
  return fail(fmt::format("{} of {} is {:.3g} {}, {} than any silicon does: is it in another unit?", what,
                          metric.metric, value, unit, value < metric.least ? "less" : "more"));
}

// Those of the line, checked; none where it has none.
Result<std::vector<double>> samples_of(const Json& line, const KitMetric& metric, std::string_view unit) {
  std::vector<double> samples = finite_samples(line);
  const Json* given = line.find("samples");
  if (given == nullptr) return samples;
  if (!given->is_array() || samples.size() != given->items().size())
    return fail(
        fmt::format("the samples of {} are no list of 100,000 finite numbers at most", metric.metric));
  for (const double sample : samples) RETURN_IF_ERROR(check_value(sample, "a sample", metric, unit));
  return samples;
}

Result<void> check_against_samples(double value, const std::vector<double>& samples,
                                   const std::string& metric, std::string_view unit) {
  constexpr double kRounding = 1e-6;
  if (samples.empty()) return {};
  const auto [least, most] = std::ranges::minmax(samples);
  if (value >= least * (1 - kRounding) && value <= most * (1 + kRounding)) return {};
  return fail(fmt::format("the value of {}, {} {}, lies outside its own samples, which are from {} to {}",
                          metric, format_number(value), unit, format_number(least), format_number(most)));
}

void set_kit_interval(const Json& line, const std::vector<double>& samples, Record& record) {
  if (!samples.empty()) {
    Repetitions repetitions({});
    for (const double sample : samples) repetitions.add(sample);
    const Estimate median = repetitions.median();
    if (!median.low || !median.high) return;
    // The kit's own median may be rounded.
    record.ci_low = std::min(*median.low, *record.value);
    record.ci_high = std::max(*median.high, *record.value);
    record.confidence = median.confidence;
    return;
  }
  const double low = line["ci_low"].as_number(NAN), high = line["ci_high"].as_number(NAN);
  const double confidence = line["confidence"].as_number();
  const bool is_interval = std::isfinite(low) && std::isfinite(high) && low <= *record.value &&
                           *record.value <= high && confidence > 0 && confidence < 1;
  if (is_interval) record.ci_low = low, record.ci_high = high, record.confidence = confidence;
}

Json kit_conditions(const Json& line, const KitVoice& voice) {
  Json conditions = without(flat_members(line["conditions"]), kOwnConditions);
  // An axis of a chart: what lies beyond is a slip, and would leave no room for the rest.
  const double intensity = conditions["flop_per_byte"].as_number();
  if (!(intensity > 1e-6 && intensity < 1e9)) conditions = without(conditions, {"flop_per_byte"});
  const std::string own = printable(line["conditions"]["library"].as_string(), kMaxLibraryBytes);
  const std::string& library = own.empty() ? voice.library : own;
  conditions.set("library", library.empty() ? "not told by the kit" : library);
  return conditions.set("kit", voice.name).set("kit_version", voice.version);
}

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCodeBytes && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

Result<Record> read_kit_record(const Json& line, const KitVoice& voice) {
  Record record;
  record.metric = printable(line["metric"].as_string(), kMaxKitNameBytes);
  ASSIGN_OR_RETURN(const MetricName name, parse_metric_name(record.metric));
  const char* const unit = name.metric->unit;
  ASSIGN_OR_RETURN(const KitMetric* const metric, kit_metric(record.metric, voice.exam));
  if (line["unit"].as_string() != unit)
    return fail(fmt::format("{} is in '{}' instead of '{}'", record.metric,
                            printable(line["unit"].as_string(), 20), unit));
  const double value = line["value"].as_number(NAN);
  RETURN_IF_ERROR(check_value(value, "the value", *metric, unit));
  ASSIGN_OR_RETURN(const std::vector<double> samples, samples_of(line, *metric, unit));
  RETURN_IF_ERROR(check_against_samples(value, samples, record.metric, unit));
  record.value = value;
  record.unit = unit;
  record.n = samples.empty() ? std::clamp<int64_t>(line["n"].as_integer(), 0, 1'000'000'000)
                             : static_cast<int64_t>(samples.size());
  record.method = printable(line["method"].as_string(), kMaxKitTextBytes);
  record.conditions = kit_conditions(line, voice);
  record.source = fmt::format("kit {} {}", voice.name, voice.version);
  set_kit_interval(line, samples, record);
  return record;
}

Result<Finding> read_kit_finding(const Json& line, const KitVoice& voice) {
  const std::string& code = line["code"].as_string();
  if (!is_code(code))
    return fail(fmt::format("'{}' is no code of a finding: a-z, 0-9 and '-', {} at most", printable(code, 40),
                            kMaxCodeBytes));
  std::string text = printable(line["text"].as_string(), kMaxKitTextBytes);
  if (text.empty()) return fail(fmt::format("the finding {} has no text", code));
  Severity severity = severity_named(line["severity"].as_string()).value_or(Severity::kNote);
  if (severity == Severity::kImpossible) severity = Severity::kDoubtful;
  return make_finding(severity, fmt::format("kit.{}.{}", voice.name, code), std::move(text),
                      without(flat_members(line["evidence"]), kOwnEvidence));
}

Subject kit_subject(const Json& device_line, const KitVoice& voice, const std::string& wanted,
                    const std::string& otherwise) {
  Subject subject;
  subject.kind = "device";
  subject.details = Json::object();
  const std::string told = printable(device_line["name"].as_string(), kMaxKitNameBytes);
  subject.name = !wanted.empty() ? wanted : !told.empty() ? told : otherwise;
  const bool is_shared = !wanted.empty();
  const auto add = [&](const std::string& name, Json value) {
    subject.details.set(is_shared ? fmt::format("{} {}", voice.name, name) : name, std::move(value));
  };
  if (is_shared && !told.empty()) add("device", told);
  const std::string library = printable(device_line["library"].as_string(), kMaxLibraryBytes);
  if (!library.empty()) add("library", library);
  const Json details = flat_members(device_line["details"]);
  for (const auto& [name, value] : details.members()) add(name, value);
  return subject;
}

}  // namespace assay
