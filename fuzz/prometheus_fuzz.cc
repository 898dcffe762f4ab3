// Metrics from hostile bytes: bounds hold, what is handed out lies within the text, and a sample written down
// again reads as it did.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "measure/measure.h"

namespace {

void append_written(const assay::PrometheusSample& sample, std::string& out) {
  out += sample.name;
  out += '{';
  for (const assay::PrometheusLabel& label : sample.labels)
    out += std::string(label.name) + "=\"" + std::string(label.value) + "\",";
  out += "} ";
  char number[64];
  const int length = std::snprintf(number, sizeof number, "%.17g", sample.value);
  out.append(number, static_cast<size_t>(length));
  out += '\n';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  // A copy of its own size, so that a read behind it is one outside the allocation.
  const std::string text(reinterpret_cast<const char*>(data), size);
  const assay::PrometheusLimits limits{.bytes = 1 << 15, .line_bytes = 1 << 10, .labels = 8, .samples = 100};
  const auto is_inside = [&](std::string_view view) {
    return view.data() >= text.data() && view.data() + view.size() <= text.data() + text.size();
  };
  std::string written, again;
  size_t samples = 0;
  const auto parsed = assay::parse_prometheus_text(
      text, "fuzz",
      [&](const assay::PrometheusSample& sample) {
        CHECK(++samples <= limits.samples);
        CHECK(sample.labels.size() <= limits.labels);
        CHECK(is_inside(sample.name) && !sample.name.empty());
        for (const assay::PrometheusLabel& label : sample.labels)
          CHECK(is_inside(label.name) && is_inside(label.value) && !label.name.empty());
        append_written(sample, written);
      },
      limits);
  if (!parsed) CHECK(parsed.error().where.starts_with("fuzz") && assay::is_valid_utf8(parsed.error().what));
  const auto reparsed = assay::parse_prometheus_text(
      written, "again", [&](const assay::PrometheusSample& sample) { append_written(sample, again); });
  CHECK(reparsed.has_value() && again == written);

  const auto reading = assay::read_server_metrics(text, "fuzz");
  if (!reading) return 0;
  for (const auto& value : reading->values) CHECK(!value || (std::isfinite(*value) && *value >= 0));
  return 0;
}
