// The table that ends `assay load`, on narrow and on wide terminals.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "report/report.h"

namespace assay::load_table_test {

using testing::HasSubstr;
using testing::Not;

// A mix of two classes, in one of which every number is `factor` times as large as in the other.
DossierContent mix(double factor) {
  DossierContent content;
  content.subjects = {{.id = 1, .name = "server", .kind = "endpoint"}};
  content.trials = {
      {.id = 1, .exam = "load", .target = "server", .subject_id = 1, .state = TrialState::kDone}};
  content.trials[0].parameters.set("phase", "mix");
  const auto add = [&](const std::string& metric, const char* unit, const char* name, double value) {
    Record record{.id = static_cast<int64_t>(content.records.size()) + 1, .trial_id = 1, .subject_id = 1};
    record.metric = metric;
    record.unit = unit;
    record.value = value;
    record.ci_low = 0.8 * value;
    record.ci_high = 1.3 * value;
    record.n = 89;
    record.conditions.set("phase", "mix").set("traffic_class", name);
    if (metric == "ttft_ms_p90") record.validity = Validity::kDoubtful;
    content.records.push_back(std::move(record));
  };
  for (const auto& [name, scale] : {std::pair{"chat", 1.0}, {"rag", factor}, {"all", 1.0}}) {
    for (const char* statistic : {"mean", "p50", "p90", "p99"}) {
      add(fmt::format("ttft_ms_{}", statistic), "ms", name, 12.3 * scale);
      add(fmt::format("effective_ttft_ms_{}", statistic), "ms", name, 45.6 * scale);
    }
    for (const char* metric : {"offered_rate_per_s", "request_throughput_per_s", "goodput_per_s"})
      add(metric, "requests/s", name, 12'345.6);
    add("output_throughput_tokens_per_s", "tokens/s", name, 1'234'567);
    add("error_rate", "", name, 0.0112);
  }
  return content;
}

std::vector<std::string_view> lines_with(std::string_view text, std::string_view part) {
  std::vector<std::string_view> found;
  for (const std::string_view line : split(text, '\n')) {
    if (line.find(part) != std::string_view::npos) found.push_back(line);
  }
  return found;
}

// Columns before the last character of `part`, as a terminal counts them.
size_t column_of(std::string_view line, std::string_view part) {
  return display_width(line.substr(0, line.find(part)));
}

TEST(LoadTable, NoLineIsWiderThanTheTerminal) {
  for (const double factor : {1.0, 100.0, 1000.0, 1e6}) {
    for (const size_t width : {40u, 80u, 100u, 120u}) {
      const std::string table = render_load_table(mix(factor), width);
      for (const std::string_view line : split(table, '\n'))
        EXPECT_LT(display_width(line), std::max<size_t>(width, 80)) << line;
      EXPECT_THAT(table, HasSubstr("Instrument:"));
    }
  }
}

TEST(LoadTable, ValuesStandUnderTheirHeadsHoweverWideTheyAre) {
  const std::string table = render_load_table(mix(1000), 120);
  const auto heads = lines_with(table, "p90"), values = lines_with(table, "TTFT ms  ");
  ASSERT_EQ(heads.size(), 3U);
  ASSERT_EQ(values.size(), 3U);
  EXPECT_EQ(heads[0], heads[1]);
  EXPECT_EQ(heads[0], heads[2]);
  for (const std::string_view line : values) EXPECT_GT(column_of(line, " !"), column_of(heads[0], "p90"));
  EXPECT_EQ(column_of(values[1], "12,300"), column_of(heads[1], "mean"));
  EXPECT_THAT(table, HasSubstr("12,300 (9840–16,000) !"));
}

TEST(LoadTable, WhereThereIsNoRoomIntervalsStandBelowOrInTheReport) {
  const std::string below = render_load_table(mix(100), 80);
  EXPECT_THAT(below, Not(HasSubstr("1230 (")));
  const auto intervals = lines_with(below, "  (984–1600)");
  ASSERT_EQ(intervals.size(), 1U);
  EXPECT_EQ(column_of(intervals[0], "(984"), column_of(lines_with(below, " 1230")[0], "1230"));
  EXPECT_THAT(below, Not(HasSubstr("Intervals have no room")));
  EXPECT_THAT(render_load_table(mix(1e6), 80), HasSubstr("Intervals have no room here"));
}

TEST(LoadTable, SaysWhatTheShareOfFailuresIsOf) {
  const std::string table = render_load_table(mix(1), 80);
  EXPECT_THAT(table, HasSubstr("1.12 % (0.896–1.46) of 89 requests"));
}

// A mix of one class on one endpoint: what was offered, what kept its limits, and which share did.
struct Evidence {
  Evidence() {
    content.subjects.push_back({.id = 1, .name = "h:1", .kind = "endpoint"});
    content.trials.push_back(
        {.id = 1, .exam = "load", .target = "h:1", .subject_id = 1, .state = TrialState::kDone});
    content.trials[0].parameters.set("phase", "mix");
    add("offered_rate_per_s", 12, "all");
    add("goodput_per_s", 10, "all");
    add("slo_attainment", 0.85, "chat");
  }
  void add(const char* metric, double value, const char* traffic_class) {
    Record record{.id = static_cast<int64_t>(content.records.size()) + 1, .trial_id = 1, .subject_id = 1};
    record.metric = metric;
    record.value = value;
    record.conditions.set("phase", "mix").set("traffic_class", traffic_class);
    content.records.push_back(std::move(record));
  }

  DossierContent content;
};

TEST(LoadTable, SpeaksOfLimitsOnlyWhereThereAreAny) {
  Evidence evidence;
  EXPECT_THAT(render_load_table(evidence.content, 120), Not(HasSubstr("limit")));
  evidence.content.records[2].conditions.set("slo_ttft_ms", 500);
  EXPECT_THAT(render_load_table(evidence.content, 120),
              HasSubstr("offered 12.0, served —, within every limit 10.0\n"));
}

TEST(LoadTable, TellsTheRateThatABurstChose) {
  Evidence evidence;
  EXPECT_THAT(render_load_table(evidence.content, 120), Not(HasSubstr("rate chosen")));
  evidence.content.records[0]
      .conditions.set("rate_chosen_by", "burst")
      .set("utilisation", 0.6)
      .set("burst_requests", 32)
      .set("burst_rate_per_s", 20)
      .set("arrival_rate_per_s", 12);
  EXPECT_THAT(
      render_load_table(evidence.content, 120),
      HasSubstr(
          "rate chosen         12.0 arrivals/s, 60 % of the 20.0 requests/s that a burst of 32 showed\n"));
}

// A median takes eleven of them.
TEST(LoadTable, OfFewConnectionsTellsTheLargestRoundTrip) {
  Evidence evidence;
  evidence.add("round_trip_ms_max", 5.2, "all");
  evidence.content.records.back().unit = "ms";
  evidence.content.records.back().n = 8;
  const std::string few = render_load_table(evidence.content, 120);
  EXPECT_THAT(few, HasSubstr("network round trip  largest 5.20 ms of 8 connections, within the latencies\n"));
  EXPECT_THAT(few, HasSubstr("Instrument: network round trip at most 5.20 ms (8 connections), 0 of 1 "));
  evidence.add("round_trip_ms_p50", 4.1, "all");
  evidence.content.records.back().unit = "ms";
  const std::string many = render_load_table(evidence.content, 120);
  EXPECT_THAT(many, HasSubstr("network round trip  p50 4.10 ms, largest 5.20 ms, within the latencies\n"));
  EXPECT_THAT(many, HasSubstr("Instrument: network round trip p50 4.10 ms, 0 of 1 "));
}

TEST(LoadTable, ASweepSaysWhereItsIntervalsAre) {
  Evidence evidence;
  evidence.content.records.clear();
  evidence.add("request_throughput_per_s", 19.8, "all");
  Record& served = evidence.content.records.back();
  served.conditions.set("phase", "sweep").set("sweep_rate_per_s", 20);
  EXPECT_THAT(render_load_table(evidence.content, 120), Not(HasSubstr("Intervals")));
  served.ci_low = 18;
  served.ci_high = 21;
  EXPECT_THAT(render_load_table(evidence.content, 120),
              HasSubstr("\nIntervals have no room here: they are in the report.\n"));
}

// Who comes back to a dossier by `assay report` sees the numbers that `assay load` showed.
TEST(LoadTable, StandsAboveTheAnswersOfARunOfLoadsAlone) {
  Evidence evidence;
  evidence.add("ttft_ms_p90", 12.3, "all");
  const std::string table = render_load_table(evidence.content, 80);
  const std::string tables = table.substr(0, table.find("\nInstrument:"));
  const std::string summary = render_terminal_summary(evidence.content, {.width = 80});
  EXPECT_THAT(tables, HasSubstr("TTFT ms"));
  EXPECT_THAT(summary, testing::StartsWith(tables + "\nassay  ·  h:1"));
  EXPECT_EQ(lines_with(summary, "stack undeclared").size(), 1U);
  EXPECT_EQ(lines_with(summary, "Instrument:").size(), 1U);

  evidence.content.trials.push_back({.id = 2, .exam = "probe", .state = TrialState::kDone});
  const std::string mixed = render_terminal_summary(evidence.content, {.width = 80});
  EXPECT_THAT(mixed, testing::StartsWith("assay  ·  h:1"));
  EXPECT_THAT(mixed, HasSubstr("h:1: stack undeclared"));
}

TEST(LoadTable, ShowsPercentilesAndEndsThatFailuresMakeInfinite) {
  Evidence evidence;
  for (const char* metric : {"effective_ttft_ms_p50", "effective_ttft_ms_p90"}) {
    evidence.add(metric, 12.3, "all");
    evidence.content.records.back().ci_low = 10.2;
    evidence.content.records.back().conditions.set(kHighInfinite, true);
  }
  evidence.content.records.back().value.reset();
  evidence.content.records.back().conditions.set(kInfinite, true);
  EXPECT_THAT(render_load_table(evidence.content, 120), HasSubstr("12.3 (10.2–∞)  ∞ (10.2–∞)"));
}

}  // namespace assay::load_table_test
