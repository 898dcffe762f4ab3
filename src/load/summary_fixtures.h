// Load trials against the fake target whose records can be worked out by hand, and what is found in them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "load/load_fixtures.h"
#include "load/summary.h"

namespace assay::summary_test {

inline LoadResult drive(const FakeTargetOptions& target_options, const std::vector<PlannedRequest>& plan,
                        const LoadOptions& options = {}) {
  FakeClock clock;
  const auto target = make_fake_target(target_options, clock);
  return drive_load(*target, clock, *list_source(plan), options);
}

inline SummaryOptions one_class(Slo slo = {}) {
  SummaryOptions options;
  options.classes.push_back({.name = "chat", .slo = slo});
  options.conditions = Json::object();
  options.conditions.set("phase", "mix");
  return options;
}

inline const Record& record(const LoadSummary& summary, const std::string& metric,
                            const std::string& traffic_class = "chat") {
  for (const Record& record : summary.records) {
    if (record.metric == metric && record.conditions["traffic_class"].as_string() == traffic_class)
      return record;
  }
  ADD_FAILURE() << "no record " << metric << " of " << traffic_class;
  static const Record kNone;
  return kNone;
}

inline const Finding* finding(const LoadSummary& summary, std::string_view code) {
  for (const Finding& finding : summary.findings) {
    if (finding.code == code) return &finding;
  }
  return nullptr;
}

// Every 100 ms a request of 10 prompt tokens (10 ms) and 5 output tokens (2 ms each), on a target that is
// never busy.
inline std::vector<PlannedRequest> steady_plan(size_t count) {
  std::vector<PlannedRequest> plan;
  for (size_t i = 0; i < count; ++i) plan.push_back(planned(i + 1, 100.0 * static_cast<double>(i), 10, 5));
  return plan;
}
inline const FakeTargetOptions kQuick{.sequences = 64, .prefill_us_per_token = 1000, .tpot_ms = 2};

// A TTFT of 12 ms of which the server says 9 and a TPOT of 2 ms of which it says 1.9.
inline LoadResult with_server_timings() {
  LoadResult result = drive(kQuick, steady_plan(200));
  for (RequestRow& row : result.rows) {
    row.server_prompt = nanos_from_ms(9);
    row.server_tpot = nanos_from_ms(1.9);
  }
  return result;
}

}  // namespace assay::summary_test
