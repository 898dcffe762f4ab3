// Interference from records laid out by hand.
#include "exam/load/interference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::interference_test {

class Interference : public testing::Test {
 protected:
  Interference() {
    for (const char* phase : {"mix", "alone"}) {
      Trial trial{.id = static_cast<int64_t>(content_.trials.size()) + 1, .exam = "load", .target = "CPU"};
      trial.parameters.set("phase", phase);
      if (trial.id == 2) trial.parameters.set("traffic_class", "chat");
      content_.trials.push_back(trial);
    }
  }

  Record& add(int64_t trial, const char* metric, const char* traffic_class, double value) {
    Record record{.trial_id = trial, .subject_id = 1, .metric = metric, .value = value};
    record.conditions.set("phase", trial == 2 ? "alone" : "mix").set("traffic_class", traffic_class);
    content_.records.push_back(record);
    return content_.records.back();
  }

  void set_interval(Record& record, double low, double high) {
    record.ci_low = low, record.ci_high = high, record.confidence = 0.95;
  }

  DossierContent content_;
};

TEST_F(Interference, IsTheMedianInTheMixOverThatAlone) {
  set_interval(add(1, "ttft_ms_p50", "chat", 300), 240, 330);
  set_interval(add(2, "ttft_ms_p50", "chat", 100), 80, 120);
  add(1, "offered_rate_per_s", "all", 20);
  add(2, "offered_rate_per_s", "chat", 30);
  const std::vector<Record> records = interference_records(content_);
  ASSERT_EQ(records.size(), 1U);
  const Record& record = records[0];
  EXPECT_EQ(record.metric, "interference");
  EXPECT_EQ(record.evidence_class, EvidenceClass::kDerived);
  EXPECT_DOUBLE_EQ(*record.value, 3);
  EXPECT_DOUBLE_EQ(*record.ci_low, 2);
  EXPECT_DOUBLE_EQ(*record.ci_high, 330.0 / 80);
  EXPECT_NEAR(record.confidence, 0.9, 1e-12);
  EXPECT_THAT(record.method, testing::HasSubstr("300 ms in the mix (all classes at 20.0 requests/s)"));
  EXPECT_EQ(record.conditions["traffic_class"].as_string(), "chat");
  EXPECT_EQ(record.conditions["target"].as_string(), "CPU");
}

TEST_F(Interference, IsAsDoubtfulAsTheWorseOfTheTwo) {
  add(1, "ttft_ms_p50", "chat", 300).validity = Validity::kVoid;
  add(2, "ttft_ms_p50", "chat", 100).validity = Validity::kDoubtful;
  ASSERT_EQ(interference_records(content_).size(), 1U);
  EXPECT_EQ(interference_records(content_)[0].validity, Validity::kVoid);
}

TEST_F(Interference, OfTokensIsARecordOfItsOwn) {
  add(1, "ttft_ms_p50", "chat", 300), add(2, "ttft_ms_p50", "chat", 100);
  add(1, "tpot_ms_p50", "chat", 30), add(2, "tpot_ms_p50", "chat", 20);
  const std::vector<Record> records = interference_records(content_);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[1].metric, "tpot_interference");
  EXPECT_DOUBLE_EQ(*records[1].value, 1.5);
  EXPECT_THAT(records[1].method, testing::HasSubstr("median TPOT of chat: 30.0 ms in the mix"));
}

TEST_F(Interference, NeedsTheSameRateInBothPhases) {
  add(1, "ttft_ms_p50", "chat", 300), add(2, "ttft_ms_p50", "chat", 100);
  add(2, "offered_rate_per_s", "chat", 30).conditions.set("rate_chosen_by", "mix");
  EXPECT_EQ(interference_records(content_).size(), 1U);
  content_.records.back().conditions.set("rate_chosen_by", "burst");
  EXPECT_TRUE(interference_records(content_).empty());
}

TEST_F(Interference, OfTooFewRequestsIsInsufficient) {
  add(1, "ttft_ms_p50", "chat", 300).n = 70;
  Record& few = add(2, "ttft_ms_p50", "chat", 0);
  few.value.reset();
  few.validity = Validity::kInsufficient;
  few.n = 3;
  few.method = "insufficient: 3 samples where p50 needs 11";
  const std::vector<Record> records = interference_records(content_);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].validity, Validity::kInsufficient);
  EXPECT_FALSE(records[0].value);
  EXPECT_EQ(records[0].n, 3);
  EXPECT_EQ(records[0].method, "median TTFT of chat alone: insufficient: 3 samples where p50 needs 11");
}

TEST_F(Interference, NeedsBothPhases) {
  add(1, "ttft_ms_p50", "chat", 300);
  EXPECT_TRUE(interference_records(content_).empty());
  add(2, "ttft_ms_p50", "rag", 100);
  EXPECT_TRUE(interference_records(content_).empty());
}

}  // namespace assay::interference_test
