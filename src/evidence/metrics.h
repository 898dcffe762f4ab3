// The metric table: every quantity that a record can carry, defined once. Help, validation and docs come from
// it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

enum class Better { kHigher, kLower, kNeither };

// What a record of the metric is about, and so which exam makes it.
enum class Scope {
  kClass,      // the traffic classes of a load trial, one by one and all together
  kEachClass,  // the same, one by one only
  kTrial,      // a load trial, all its classes together
  kTarget,     // a target under load, once
  kDevice,     // roofline
  kHost,       // probe
};
const char* exam_of(Scope scope);  // "load"

struct Metric {
  const char* name;  // "ttft_ms"
  Scope scope;
  const char* unit;  // "ms"; "" for ratios and counts
  Better better;
  bool is_distribution;    // then records name a statistic: ttft_ms_mean, ttft_ms_p50 … ttft_ms_p99_9,
                           // ttft_ms_max
  const char* title;       // "time to first token"
  const char* definition;  // one or two sentences
  const char* source;      // standard, paper or section the definition follows
};

std::span<const Metric> metrics();

// A metric name of a record taken apart: "ttft_ms_p90" is ttft_ms and "p90"; "launch_overhead_us" has no
// statistic.
struct MetricName {
  const Metric* metric;
  std::string statistic;  // "", "mean", "max", "p50", "p90", "p95", "p99", "p99_9"
};
// The error names the nearest metric, with the statistic that was asked for.
Result<MetricName> parse_metric_name(std::string_view name);

// docs/metrics.md, whole: every metric with its unit, direction, definition and source.
std::string metric_reference_markdown();

}  // namespace assay
