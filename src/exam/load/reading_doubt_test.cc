// When late reading throws doubt on latencies, and when not.
#include "exam/load/reading_doubt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace assay::reading_doubt_test {

Record record(const std::string& metric, double value) {
  return {
      .metric = metric, .value = value, .n = 100, .conditions = Json::object().set("traffic_class", "all")};
}

TrialOutcome outcome(double lag_ms, double share, double gap_ms) {
  TrialOutcome trial;
  trial.records = {record("receive_lag_ms_p99", lag_ms),
                   record("coalesced_share", share),
                   record("chunk_gap_ms_p50", gap_ms),
                   record("chunk_gap_ms_p99", 3 * gap_ms),
                   record("ttft_ms_p90", 20),
                   record("ttft_ms_p99", 2000),
                   record("e2e_ms_p50", 100)};
  return trial;
}

Validity validity(const TrialOutcome& trial, const std::string& metric) {
  return std::ranges::find(trial.records, metric, &Record::metric)->validity;
}

TEST(ReadingDoubt, AClientThatReadsAGapLateDoubtsWhatItCannotTell) {
  TrialOutcome trial = outcome(2.0, 0.167, 2.0);  // stopped for 6 ms in every 26
  doubt_late_reading(trial);
  ASSERT_EQ(trial.findings.size(), 1U);
  EXPECT_EQ(trial.findings[0].code, "load.read-late");
  EXPECT_NE(trial.findings[0].text.find("16.7 % of the chunks"), std::string::npos) << trial.findings[0].text;
  EXPECT_NE(trial.findings[0].text.find("as are times to the first token of up to 40.0 ms"),
            std::string::npos)
      << trial.findings[0].text;
  EXPECT_EQ(validity(trial, "chunk_gap_ms_p50"), Validity::kDoubtful);
  EXPECT_EQ(validity(trial, "chunk_gap_ms_p99"), Validity::kDoubtful);
  EXPECT_EQ(validity(trial, "ttft_ms_p90"), Validity::kDoubtful);
  EXPECT_EQ(validity(trial, "ttft_ms_p99"), Validity::kValid);  // 2 ms are nothing to 2 s
  EXPECT_EQ(validity(trial, "e2e_ms_p50"), Validity::kValid);   // the last chunk has the stamp
}

TEST(ReadingDoubt, FailuresAsInfiniteChangeNothingAboutTheOthers) {
  TrialOutcome trial = outcome(2.0, 0.167, 2.0);
  for (const char* statistic : {"p90", "p99"}) {
    trial.records.push_back(record(std::string("effective_ttft_ms_") + statistic, 20));
    trial.records.push_back(record(std::string("effective_e2e_ms_") + statistic, 20));
  }
  trial.records.push_back(record("effective_ttft_ms_p99_9", 2000));
  doubt_late_reading(trial);
  EXPECT_EQ(validity(trial, "effective_ttft_ms_p90"), Validity::kDoubtful);
  EXPECT_EQ(validity(trial, "effective_ttft_ms_p99"), Validity::kDoubtful);
  EXPECT_EQ(validity(trial, "effective_ttft_ms_p99_9"), Validity::kValid);
  EXPECT_EQ(validity(trial, "effective_e2e_ms_p90"), Validity::kValid);
}

TEST(ReadingDoubt, GapsAloneAreDoubtedWhereTtftIsLong) {
  TrialOutcome trial = outcome(2.0, 0.167, 2.0);
  std::erase_if(trial.records, [](const Record& record) { return record.metric == "ttft_ms_p90"; });
  doubt_late_reading(trial);
  ASSERT_EQ(trial.findings.size(), 1U);
  EXPECT_EQ(trial.findings[0].text.find("first token"), std::string::npos) << trial.findings[0].text;
  EXPECT_EQ(validity(trial, "chunk_gap_ms_p50"), Validity::kDoubtful);
  EXPECT_EQ(validity(trial, "ttft_ms_p99"), Validity::kValid);
}

TEST(ReadingDoubt, WhatAnotherFindingDoubtsIsNamedToo) {
  TrialOutcome trial = outcome(2.0, 0.167, 2.0);
  std::ranges::find(trial.records, "ttft_ms_p90", &Record::metric)->validity = Validity::kDoubtful;
  doubt_late_reading(trial);
  ASSERT_EQ(trial.findings.size(), 1U);
  EXPECT_NE(trial.findings[0].text.find("first token"), std::string::npos) << trial.findings[0].text;
}

TEST(ReadingDoubt, WhatIsReadAtOnceOrAloneRaisesNone) {
  for (TrialOutcome trial : {outcome(0.05, 0.9, 0),   // a server that writes several tokens at once
                             outcome(0.1, 0.05, 10),  // a client that is behind by a hundredth of a gap
                             outcome(5, 0.001, 10)}) {
    doubt_late_reading(trial);
    EXPECT_TRUE(trial.findings.empty());
    EXPECT_EQ(validity(trial, "chunk_gap_ms_p99"), Validity::kValid);
  }
  TrialOutcome none;
  doubt_late_reading(none);
  EXPECT_TRUE(none.findings.empty());
}

TEST(ReadingDoubt, ASearchIsDoubtedByWhatLatenessIsAgainstItsLimits) {
  const auto searched = [](double lag_ms, double limit_ms) {
    TrialOutcome trial;
    trial.records = {record("capacity_per_s", 100), record("slo_attainment", 0.9),
                     record("offered_rate_per_s", 100), record("receive_lag_ms_p99", lag_ms),
                     record("coalesced_share", 0.4)};
    doubt_late_reading(trial, {{.name = "slo", .by_class = {{}, {.ttft_ms = 1000}}},
                               {.name = "gold", .by_class = {{.ttft_ms = limit_ms}, {}}}});
    return trial;
  };
  const TrialOutcome late = searched(24, 50);
  ASSERT_EQ(late.findings.size(), 1U);
  EXPECT_NE(late.findings[0].text.find("beside a limit of 50.0 ms"), std::string::npos)
      << late.findings[0].text;
  EXPECT_EQ(validity(late, "capacity_per_s"), Validity::kDoubtful);
  EXPECT_EQ(validity(late, "slo_attainment"), Validity::kDoubtful);
  EXPECT_EQ(validity(late, "offered_rate_per_s"), Validity::kValid);
  EXPECT_TRUE(searched(24, 500).findings.empty()) << "a twentieth of the limit";
}

}  // namespace assay::reading_doubt_test
