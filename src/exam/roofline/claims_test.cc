// Stories about claims that become records: each with what was said of it, and a card's share for its
// devices.
#include "exam/roofline/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::roofline_claims_test {

using ::testing::HasSubstr;

const Chip& chip_named(const char* id) {
  const Chip* chip = ChipCatalogue::built_in().find(id);
  CHECK(chip != nullptr);
  return *chip;
}

std::vector<Record> of_metric(const std::vector<Record>& records, std::string_view metric,
                              std::string_view dtype = "") {
  std::vector<Record> found;
  for (const Record& record : records) {
    if (record.metric == metric && record.conditions["dtype"].as_string() == dtype) found.push_back(record);
  }
  return found;
}

TEST(ClaimRecords, EveryClaimOfAMetricIsOneWithAllThatIsSaidOfIt) {
  const std::vector<Record> records = claim_records(chip_named("nvidia-a100-40gb-sxm"), "CUDA0");
  const std::vector<Record> f16 = of_metric(records, "matmul_tflop_per_s", "f16");
  ASSERT_EQ(f16.size(), 3u) << "the peak by two sources, and the sparse one";
  EXPECT_EQ(f16[0].evidence_class, EvidenceClass::kClaimed);
  EXPECT_EQ(f16[0].value, 312);
  EXPECT_EQ(f16[0].unit, "TFLOP/s");
  EXPECT_EQ(f16[0].conditions["chip"].as_string(), "nvidia-a100-40gb-sxm");
  EXPECT_EQ(f16[0].conditions["device"].as_string(), "CUDA0");
  EXPECT_EQ(f16[0].conditions.find("sparsity"), nullptr) << "its source does not say";
  EXPECT_EQ(f16[1].conditions["sparsity"].as_string(), "dense");
  EXPECT_EQ(f16[0].conditions["grade"].as_string(), "A");
  EXPECT_EQ(f16[0].conditions["basis"].as_string(), "device");
  EXPECT_FALSE(f16[0].conditions["date"].as_string().empty());
  EXPECT_THAT(f16[0].source, HasSubstr("FlagPerf"));
  EXPECT_THAT(f16[0].method, HasSubstr("data/chips/nvidia-a100-40gb-sxm.toml:"));
  EXPECT_EQ(f16[2].conditions["sparsity"].as_string(), "sparse");
  EXPECT_EQ(of_metric(records, "device_memory_bytes").front().value, int64_t{40} << 30);
  for (const Record& record : records) {
    const auto name = parse_metric_name(record.metric);
    ASSERT_TRUE(name.has_value()) << record.metric;
    EXPECT_EQ(record.unit, name->metric->unit);
    EXPECT_NE(record.evidence_class, EvidenceClass::kMeasured);
  }
}

TEST(ClaimRecords, ContradictingClaimsOfACardAllBecomeRecordsAndSharesOfADevice) {
  const std::vector<Record> all = claim_records(chip_named("iluvatar-bi-v150"), "CUDA1");
  const std::vector<Record> bandwidths = of_metric(all, "memory_bandwidth_gb_per_s");
  ASSERT_EQ(bandwidths.size(), 6u) << "three claims, each with its share";
  EXPECT_EQ(bandwidths[0].evidence_class, EvidenceClass::kClaimed);
  EXPECT_EQ(bandwidths[0].conditions["basis"].as_string(), "card");
  EXPECT_EQ(bandwidths[0].conditions["devices_per_card"].as_integer(), 2);
  EXPECT_EQ(bandwidths[1].evidence_class, EvidenceClass::kDerived);
  EXPECT_EQ(bandwidths[1].value, *bandwidths[0].value / 2);
  EXPECT_EQ(bandwidths[1].conditions["basis"].as_string(), "device");
  EXPECT_EQ(bandwidths[1].conditions["bound"].as_string(), "claimed");
  EXPECT_THAT(bandwidths[1].method, HasSubstr("1600 GB/s claimed of a card (grade C) ÷ 2 devices of a card"));
}

TEST(ClaimRecords, OfACardWhoseDevicesNobodyCountsThereIsNoShare) {
  Chip chip = chip_named("iluvatar-bi-v150");
  chip.devices_per_card = 0;
  for (const Record& record : claim_records(chip, "CUDA1"))
    EXPECT_EQ(record.evidence_class, EvidenceClass::kClaimed);
  EXPECT_TRUE(claim_records(chip_named("biren-br106"), "SUPA0").empty()) << "no claim of it is of a metric";
}

Json host(const char* description, double memory_bytes) {
  return Json::object().set("devices", Json::array().push(Json::object()
                                                              .set("name", "CUDA0")
                                                              .set("description", description)
                                                              .set("memory_bytes", memory_bytes)));
}

TEST(AddClaims, AKnownChipLeavesRecordsAndASliceOfOneANote) {
  const ChipCatalogue& catalogue = ChipCatalogue::built_in();
  TrialOutcome outcome;
  add_claims(catalogue, host("a fake device", 1e9), "CUDA0", Json(), outcome);
  add_claims(catalogue, host("NVIDIA H20", 96e9), "CUDA1", Json(), outcome);
  EXPECT_TRUE(outcome.records.empty() && outcome.findings.empty());
  add_claims(catalogue, host("NVIDIA H20", 96e9), "CUDA0", Json(), outcome);
  EXPECT_EQ(of_metric(outcome.records, "memory_bandwidth_gb_per_s").size(), 2u);
  EXPECT_TRUE(outcome.findings.empty());
  add_claims(catalogue, host("NVIDIA H20 MIG 1c.2g.24gb", 24e9), "CUDA0", Json(), outcome);
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].code, "roofline.no-claims");
  EXPECT_EQ(outcome.findings[0].severity, Severity::kNote);
  EXPECT_THAT(outcome.findings[0].text, HasSubstr("No claim is held against CUDA0: it calls itself"));
}

TEST(AddClaims, OfADeviceThatNoEngineSeesItsOwnWordsTellWhichChipItIs) {
  const ChipCatalogue& catalogue = ChipCatalogue::built_in();
  const Json told = Json::object().set("description", "Iluvatar BI-V150").set("memory_bytes", 34e9);
  TrialOutcome outcome;
  add_claims(catalogue, Json(), "native", told, outcome);
  EXPECT_EQ(of_metric(outcome.records, "memory_bandwidth_gb_per_s").size(), 6u);
  EXPECT_EQ(outcome.records[0].conditions["device"].as_string(), "native");
  TrialOutcome known;
  add_claims(catalogue, host("NVIDIA H20", 96e9), "CUDA0", told, known);
  EXPECT_EQ(known.records.at(0).conditions["chip"].as_string(), "nvidia-h20") << "the host knows better";
}

Record measured(const char* metric, double value, const char* dtype, const char* memory = "") {
  Record record;
  record.subject_id = 1;
  record.metric = metric;
  record.value = value;
  record.unit = parse_metric_name(metric)->metric->unit;
  record.conditions = Json::object().set("dtype", dtype).set("memory", memory);
  return record;
}

DossierContent with_claims_of(const char* chip, std::vector<Record> measured_ones) {
  DossierContent content;
  content.records = claim_records(chip_named(chip), "CUDA0");
  for (Record& record : content.records) record.subject_id = 1;
  for (Record& record : measured_ones) content.records.push_back(std::move(record));
  return content;
}

TEST(AboveClaim, AKernelAboveEveryClaimIsADoubtAndOneBelowIsNone) {
  const DossierContent content =
      with_claims_of("nvidia-a100-40gb-sxm", {measured("matmul_tflop_per_s", 251.5, "f16"),
                                              measured("matmul_tflop_per_s", 350, "bf16"),
                                              measured("matmul_tflop_per_s", 340, "bf16")});
  const std::vector<Finding> findings = above_claim_findings(content);
  ASSERT_EQ(findings.size(), 1u) << "the sparse peak is no limit, and the highest of a type is told once";
  EXPECT_EQ(findings[0].code, "roofline.above-claim");
  EXPECT_EQ(findings[0].severity, Severity::kDoubtful);
  EXPECT_EQ(findings[0].subject_id, 1);
  EXPECT_THAT(findings[0].text, HasSubstr("in bf16 that was measured, 350 TFLOP/s"));
  EXPECT_THAT(findings[0].text, HasSubstr("312 TFLOP/s at most"));
}

TEST(AboveClaim, OfACardWithTwoDevicesTheShareOfOneIsTheLimit) {
  const auto found = [](double gb_per_s, const char* memory) {
    return above_claim_findings(with_claims_of("iluvatar-bi-v150",
                                               {measured("memory_bandwidth_gb_per_s", gb_per_s, "", memory)}))
        .size();
  };
  EXPECT_EQ(found(890, "ram"), 0u) << "half of the highest of three claims of a card";
  EXPECT_EQ(found(1000, "ram"), 1u) << "the card's own bandwidth does not excuse a device";
  EXPECT_EQ(found(5000, "cache"), 0u) << "nobody claims anything of caches";
}

TEST(AboveClaim, AnIntervalThatReachesTheClaimIsNoise) {
  Record record = measured("matmul_tflop_per_s", 330, "f16");
  record.ci_low = 300;
  record.ci_high = 360;
  EXPECT_TRUE(above_claim_findings(with_claims_of("nvidia-a100-40gb-sxm", {record})).empty());
}

}  // namespace assay::roofline_claims_test
