// Other work beside a trial, by how much of the machine it took.
#include "exam/host_doubt.h"

#include <gtest/gtest.h>

namespace assay::host_doubt_test {

TrialOutcome outcome() {
  TrialOutcome outcome;
  outcome.records.push_back({.metric = "decode_tokens_per_s", .value = 20});
  outcome.records.push_back({.metric = "prefill_tokens_per_s", .value = 90, .validity = Validity::kVoid});
  outcome.records.push_back({.metric = "decode_tokens_per_s", .value = 200});
  outcome.records.back().evidence_class = EvidenceClass::kDerived;
  return outcome;
}

TEST(HostDoubt, WhatWasMeasuredBesideOtherWorkIsDoubtful) {
  TrialOutcome busy = outcome();
  doubt_beside_other_work({.cpus = 0.96, .share = 0.48, .in_use = 0.99}, busy);
  EXPECT_EQ(busy.records[0].validity, Validity::kDoubtful);
  EXPECT_EQ(busy.records[1].validity, Validity::kVoid);
  EXPECT_EQ(busy.records[2].validity, Validity::kValid) << "a bound is no measurement";
  ASSERT_EQ(busy.findings.size(), 1U);
  EXPECT_EQ(busy.findings[0].code, "host.busy");
  EXPECT_EQ(busy.findings[0].severity, Severity::kDoubtful);
  EXPECT_NE(busy.findings[0].text.find("Other work took 48 % of the CPUs that assay may use"),
            std::string::npos);
}

TEST(HostDoubt, LittleWorkOrRoomEnoughDoubtsNothing) {
  for (const OtherWork other : {OtherWork{.cpus = 0.1, .share = 0.05, .in_use = 0.99},
                                OtherWork{.cpus = 20, .share = 0.3, .in_use = 0.6}}) {
    TrialOutcome quiet = outcome();
    doubt_beside_other_work(other, quiet);
    EXPECT_EQ(quiet.records[0].validity, Validity::kValid);
    EXPECT_TRUE(quiet.findings.empty());
  }
}

TEST(HostDoubt, NothingThatCouldBeDoubtedNeedsNoFinding) {
  TrialOutcome empty;
  doubt_beside_other_work({.cpus = 0.96, .share = 0.48, .in_use = 0.99}, empty);
  EXPECT_TRUE(empty.findings.empty());
}

}  // namespace assay::host_doubt_test
