// The Prometheus text exposition format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats):
// what servers answer to GET /metrics. The bytes are a stranger's; everything is bounded. Pure and
// thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

struct PrometheusLimits {
  size_t bytes = size_t{8} << 20;
  size_t line_bytes = size_t{64} << 10;
  size_t labels = 64;  // of one sample
  size_t samples = 200'000;
};

struct PrometheusLabel {
  std::string_view name;
  std::string_view value;  // as it stands between the quotes: \\, \" and \n still escaped
};

// One line that carries a value. Views into the text, and into the parser; they last until the next sample.
struct PrometheusSample {
  std::string_view name;
  std::span<const PrometheusLabel> labels;
  double value = 0;  // may be infinite or NaN
};

// Calls `on_sample` for each sample, in order. Comments (# HELP, # TYPE, # EOF) are passed over, as are time
// stamps and OpenMetrics' exemplars. Fails at the first line that is none of these or breaks a limit; the
// error says which: "WHERE:LINE". What came before it has been handed out by then.
Result<void> parse_prometheus_text(std::string_view text, std::string_view where,
                                   const std::function<void(const PrometheusSample&)>& on_sample,
                                   const PrometheusLimits& limits = {});

}  // namespace assay
