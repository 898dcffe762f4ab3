// Records of series whose means, differences and energies are known by hand.
#include "exam/load/side_evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace assay::side_evidence_test {

using enum ServerQuantity;

constexpr Nanos kStart = nanos_from_seconds(1000);

// A trial of ten seconds whose window is [2 s, 8 s].
SideContext ten_seconds() {
  SideContext context;
  context.start = kStart;
  context.duration = nanos_from_seconds(10);
  context.window.start = nanos_from_seconds(2);
  context.window.rates_end = nanos_from_seconds(8);
  context.conditions = Json::object().set("model", "m");
  context.output_tokens_per_s = 50;
  return context;
}

void set(ServerReading& reading, ServerQuantity quantity, double value) {
  reading.values[static_cast<size_t>(quantity)] = value;
}

// At second i: i running, 2i waiting, totals that grow by 100 (tokens), 10 and 4 (queries and hits) a second.
SideSeries series_of_server() {
  SideSeries series;
  for (int i = 0; i <= 10; ++i) {
    ServerPoint point{.at = kStart + nanos_from_seconds(i), .took = Nanos(1000), .reading = {}};
    set(point.reading, kRunning, i);
    set(point.reading, kWaiting, 2 * i);
    set(point.reading, kKvUsage, 0.5);
    set(point.reading, kOutputTokens, 1000 + 100 * i);
    set(point.reading, kPrefixQueries, 10 * i);
    set(point.reading, kPrefixHits, 4 * i);
    set(point.reading, kPreemptions, i >= 5 ? 3 : 1);
    set(point.reading, kQueueTimeS, 0.5 * i);
    set(point.reading, kQueueTimeRequests, 2 * i);
    series.server.push_back(point);
  }
  series.cpu_time = nanos_from_ms(20);
  return series;
}

TrialOutcome evidence_of(const SideSeries& series, const SideContext& context = ten_seconds()) {
  TrialOutcome outcome;
  add_side_evidence(series, context, outcome);
  return outcome;
}

double value(const TrialOutcome& outcome, std::string_view metric) {
  for (const Record& record : outcome.records) {
    if (record.metric == metric) return record.value.value_or(std::nan(""));
  }
  return std::nan("");
}

const Finding* finding(const TrialOutcome& outcome, std::string_view code) {
  for (const Finding& finding : outcome.findings) {
    if (finding.code == code) return &finding;
  }
  return nullptr;
}

TEST(SideEvidence, OfTheServerIsThatOfTheWindow) {
  const TrialOutcome outcome = evidence_of(series_of_server());
  EXPECT_DOUBLE_EQ(value(outcome, "server_running_mean"), 5);
  EXPECT_DOUBLE_EQ(value(outcome, "server_running_max"), 8);
  EXPECT_DOUBLE_EQ(value(outcome, "server_waiting_mean"), 10);
  EXPECT_DOUBLE_EQ(value(outcome, "server_waiting_max"), 16);
  EXPECT_DOUBLE_EQ(value(outcome, "server_kv_usage_mean"), 0.5);
  EXPECT_DOUBLE_EQ(value(outcome, "server_output_tokens_per_s"), 100);
  EXPECT_DOUBLE_EQ(value(outcome, "server_prefix_hit_rate"), 0.4);
  EXPECT_DOUBLE_EQ(value(outcome, "server_preemptions"), 2);
  EXPECT_DOUBLE_EQ(value(outcome, "server_queue_time_ms_mean"), 250);
  EXPECT_DOUBLE_EQ(value(outcome, "sampler_cpu_utilisation"), 0.002);
  EXPECT_TRUE(std::isnan(value(outcome, "server_prompt_tokens_per_s")));
  EXPECT_TRUE(outcome.findings.empty());
  for (const Record& record : outcome.records) {
    EXPECT_EQ(record.conditions["traffic_class"].as_string(), "all");
    EXPECT_EQ(record.conditions["model"].as_string(), "m");
    EXPECT_EQ(record.validity, Validity::kValid);
  }
}

TEST(SideEvidence, SamplesAreOnTheTrialsOwnAxis) {
  const TrialOutcome outcome = evidence_of(series_of_server());
  ASSERT_EQ(outcome.samples.size(), 1U);
  const Columns& columns = outcome.samples[0].columns;
  EXPECT_EQ(outcome.samples[0].name, "server");
  EXPECT_EQ(columns.integers("at_ns")->at(3), 3'000'000'000);
  EXPECT_EQ(columns.doubles("running")->at(3), 3);
  EXPECT_EQ(columns.doubles("prompt_tokens"), nullptr);  // never told
}

TEST(SideEvidence, RatesThatAServerTellsItselfStandInForTotals) {
  SideSeries series;
  for (int i = 0; i <= 10; ++i) {
    ServerPoint point{.at = kStart + nanos_from_seconds(i), .took = {}, .reading = {}};
    set(point.reading, kOutputTokensPerS, 80);
    set(point.reading, kPrefixHitRate, 0.25);
    series.server.push_back(point);
  }
  const TrialOutcome outcome = evidence_of(series);
  EXPECT_DOUBLE_EQ(value(outcome, "server_output_tokens_per_s"), 80);
  EXPECT_DOUBLE_EQ(value(outcome, "server_prefix_hit_rate"), 0.25);
}

TEST(SideEvidence, ATotalThatFellIsADoubtAndNoNumber) {
  SideSeries series = series_of_server();
  set(series.server[5].reading, kOutputTokens, 3);
  const TrialOutcome outcome = evidence_of(series);
  EXPECT_TRUE(std::isnan(value(outcome, "server_output_tokens_per_s")));
  EXPECT_DOUBLE_EQ(value(outcome, "server_preemptions"), 2);
  ASSERT_NE(finding(outcome, "metrics.reset"), nullptr);
  EXPECT_EQ(finding(outcome, "metrics.reset")->severity, Severity::kDoubtful);
}

TEST(SideEvidence, UnansweredQuestionsAreCounted) {
  SideSeries series = series_of_server();
  series.unanswered = 3;
  series.first_error = {"HTTP 503", "http://h/metrics", ""};
  const TrialOutcome outcome = evidence_of(series);
  ASSERT_NE(finding(outcome, "metrics.gaps"), nullptr);
  EXPECT_THAT(finding(outcome, "metrics.gaps")->text, testing::HasSubstr("3 of 14 questions"));
  EXPECT_THAT(finding(outcome, "metrics.gaps")->text, testing::HasSubstr("HTTP 503"));
}

TEST(SideEvidence, OfAVoidTrialIsVoid) {
  SideContext context = ten_seconds();
  context.validity = Validity::kVoid;
  const TrialOutcome outcome = evidence_of(series_of_server(), context);
  ASSERT_FALSE(outcome.records.empty());
  for (const Record& record : outcome.records) EXPECT_EQ(record.validity, Validity::kVoid) << record.metric;
}

// A package of 100 W, its memory of 20 W; between 4 and 6 s the package takes 160 W.
SideSeries series_of_power() {
  SideSeries series;
  series.sensors = {{.kind = "rapl",
                     .name = "intel-rapl:0",
                     .domain = "package-0",
                     .file = "f",
                     .resolution = 1e-6,
                     .counts_energy = true,
                     .group = "rapl"},
                    {.kind = "rapl",
                     .name = "intel-rapl:0:1",
                     .domain = "dram of package-0",
                     .file = "g",
                     .resolution = 1e-6,
                     .counts_energy = true,
                     .group = "rapl"},
                    {.kind = "hwmon",
                     .name = "hwmon1/power1",
                     .domain = "amdgpu PPT",
                     .file = "h",
                     .resolution = 1e-6,
                     .counts_energy = false,
                     .group = "hwmon1/power1"}};
  double package = 0;
  // The samples do not fall on the ends of the window.
  for (double at = -0.5; at < 11; at += 1) {
    series.power.push_back(
        {.at = kStart + nanos_from_seconds(at), .energy_j = {package, 20 * (at + 0.5), 7 * (at + 0.5)}});
    package += at >= 3.5 && at < 5.5 ? 160 : 100;
  }
  return series;
}

TEST(SideEvidence, EnergyIsThatOfTheWindowAndItsSensors) {
  const TrialOutcome outcome = evidence_of(series_of_power());
  // 6 s of 120 W, and 2 s of 60 W more.
  EXPECT_NEAR(value(outcome, "energy_j"), 840, 1e-6);
  EXPECT_NEAR(value(outcome, "power_w_mean"), 140, 1e-6);
  EXPECT_NEAR(value(outcome, "power_w_max"), 180, 1e-6);
  EXPECT_NEAR(value(outcome, "energy_per_output_token_j"), 2.8, 1e-9);
  const auto energies = std::ranges::count_if(
      outcome.records, [](const Record& record) { return record.metric == "energy_j"; });
  EXPECT_EQ(energies, 2);  // what may overlap is not added
  const Record& first = outcome.records.front();
  EXPECT_EQ(first.conditions["sensor"].as_string(), "intel-rapl:0, intel-rapl:0:1");
  EXPECT_EQ(first.conditions["sensor_domain"].as_string(), "package-0, dram of package-0");
  EXPECT_EQ(first.conditions["sensor_resolution_j"].as_number(), 1e-6);
  EXPECT_TRUE(first.conditions["includes_client"].as_bool());
  ASSERT_NE(finding(outcome, "power.includes-client"), nullptr);
  EXPECT_EQ(finding(outcome, "power.includes-client")->severity, Severity::kNote);
  ASSERT_EQ(outcome.samples.size(), 1U);
  EXPECT_EQ(outcome.samples[0].columns.columns.size(), 5U);
  EXPECT_NE(outcome.samples[0].columns.doubles("intel-rapl:0:1 energy_j"), nullptr);
}

TEST(SideEvidence, ASensorThatFailedOnceIsInterpolatedAndOneThatStoppedIsNotUsed) {
  SideSeries series = series_of_power();
  series.power[5].energy_j[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NEAR(value(evidence_of(series), "energy_j"), 840, 1e-6);
  for (size_t i = 6; i < series.power.size(); ++i)
    series.power[i].energy_j[0] = std::numeric_limits<double>::quiet_NaN();
  // Only the wattmeter is left.
  EXPECT_NEAR(value(evidence_of(series), "energy_j"), 42, 1e-6);
}

TEST(SideEvidence, NothingSampledIsNoEvidence) {
  const TrialOutcome outcome = evidence_of(SideSeries());
  EXPECT_TRUE(outcome.records.empty() && outcome.samples.empty() && outcome.findings.empty());
}

}  // namespace assay::side_evidence_test
