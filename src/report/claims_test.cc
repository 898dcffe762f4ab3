// Stories about claims: which one counts, what stands beside it, and where there is none to hold a device
// against.
#include "report/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace assay::claims_test {

using ::testing::HasSubstr;

struct Claim {
  const char* metric;
  double value;
  const char* grade;
  const char* basis = "device";
  const char* dtype = "";
  const char* sparsity = "";
  int devices_per_card = 0;
};
constexpr const char* kBandwidth = "memory_bandwidth_gb_per_s";
constexpr const char* kMatmul = "matmul_tflop_per_s";

Record& add(DossierContent& content, const char* metric, double value, Json conditions,
            EvidenceClass evidence_class) {
  content.records.push_back({.id = static_cast<int64_t>(content.records.size()) + 1,
                             .trial_id = 1,
                             .subject_id = 2,
                             .evidence_class = evidence_class,
                             .metric = metric,
                             .value = value,
                             .unit = metric == std::string(kBandwidth) ? "GB/s" : "TFLOP/s",
                             .conditions = std::move(conditions)});
  return content.records.back();
}

Record& add(DossierContent& content, const Claim& claim) {
  Json conditions = Json::object().set("basis", claim.basis).set("grade", claim.grade).set("date", "2026");
  if (*claim.dtype != '\0') conditions.set("dtype", claim.dtype);
  if (*claim.sparsity != '\0') conditions.set("sparsity", claim.sparsity);
  if (claim.devices_per_card > 0) conditions.set("devices_per_card", claim.devices_per_card);
  Record& record = add(content, claim.metric, claim.value, std::move(conditions), EvidenceClass::kClaimed);
  record.source = "a data sheet";
  return record;
}

// What the exam derives of a card's claim.
void add_share(DossierContent& content, const Claim& claim) {
  Record& record = add(content, claim);
  record.evidence_class = EvidenceClass::kDerived;
  record.value = claim.value / claim.devices_per_card;
  record.method = "1600 GB/s claimed of a card (grade C) ÷ 2 devices of a card, all alike; x.toml:3:1";
  record.conditions.set("basis", "device").set("bound", "claimed");
}

// A device on which a copy, an f16 and a q4_K kernel and an engine were measured.
DossierContent device_content() {
  DossierContent content;
  content.run.scenario_name = "test";
  content.subjects = {{.id = 1, .name = "host", .kind = "host"},
                      {.id = 2, .name = "CUDA0", .kind = "device"}};
  content.trials = {{.id = 1,
                     .exam = "roofline",
                     .target = "CUDA0",
                     .subject_id = 2,
                     .name = "kernels",
                     .state = TrialState::kDone}};
  content.records.reserve(64);
  const auto measured = [&](const char* metric, double value, Json conditions) {
    add(content, metric, value, std::move(conditions), EvidenceClass::kMeasured);
  };
  measured(
      kBandwidth, 1300,
      Json::object().set("memory", "ram").set("best", true).set("kernel", "triad").set("flop_per_byte", 0.2));
  for (const char* dtype : {"f16", "q4_K"})
    measured(kMatmul, 250, Json::object().set("dtype", dtype).set("best", true).set("flop_per_byte", 300));
  measured("decode_tokens_per_s", 100, Json::object().set("weight_bytes_per_token", 1e9));
  measured("prefill_tokens_per_s", 1000,
           Json::object().set("flop_per_token", 1e11).set("weights_type", "q4_K"));
  return content;
}

ClaimedPeak peak(const DossierContent& content, const char* metric, std::vector<std::string> dtypes = {}) {
  const Model model = *make_model(content, nullptr);
  return claimed_peak(model, content.subjects[1], metric, dtypes);
}

TEST(ClaimedPeak, TheBestGradeCountsThenDenseThenTheLowest) {
  DossierContent content = device_content();
  add(content, {kBandwidth, 2000, "B"});
  add(content, {kBandwidth, 1000, "C"});
  EXPECT_EQ(peak(content, kBandwidth).record->value, 2000) << "a better grade";
  add(content, {kBandwidth, 1800, "B"});
  EXPECT_EQ(peak(content, kBandwidth).record->value, 1800) << "the lower of two";
  add(content, {kMatmul, 300, "A", "device", "f16"});
  add(content, {kMatmul, 312, "A", "device", "f16", "dense"});
  EXPECT_EQ(peak(content, kMatmul, {"f16"}).record->value, 312) << "called dense, though higher";
}

TEST(ClaimedPeak, TheOthersAreNamedBesideIt) {
  DossierContent content = device_content();
  add(content, {kBandwidth, 4000, "B"});
  add(content, {kBandwidth, 4022, "C"});
  add(content, {kBandwidth, 4000, "C"});
  const ClaimedPeak found = peak(content, kBandwidth);
  EXPECT_EQ(found.others.size(), 1u) << "one that agrees is no other";
  EXPECT_EQ(found.words, "grade B, a data sheet, 2026; also claimed: 4022 GB/s (grade C)");
}

TEST(ClaimedPeak, ASparsePeakIsNeverACeiling) {
  DossierContent content = device_content();
  add(content, {kMatmul, 624, "A", "device", "f16", "sparse"});
  const ClaimedPeak none = peak(content, kMatmul, {"f16"});
  EXPECT_EQ(none.record, nullptr);
  EXPECT_EQ(none.words, "nothing is claimed of the device itself, only 624 TFLOP/s (grade A, sparse)");
  add(content, {kMatmul, 312, "C", "device", "f16", "dense"});
  EXPECT_EQ(peak(content, kMatmul, {"f16"}).record->value, 312);
}

TEST(ClaimedPeak, OfACardCountsOnlyWhereItsDevicesAreKnown) {
  DossierContent content = device_content();
  add(content, {kBandwidth, 1600, "C", "card"});
  EXPECT_EQ(peak(content, kBandwidth).record, nullptr);
  EXPECT_THAT(peak(content, kBandwidth).words, HasSubstr("only 1600 GB/s (grade C, of a card)"));
  add(content, {kBandwidth, 700, "C", "die"});
  EXPECT_EQ(peak(content, kBandwidth).record, nullptr);
  add(content, {kBandwidth, 1555, "C", "card", "", "", 1});
  EXPECT_EQ(peak(content, kBandwidth).record->value, 1555) << "a card with one device is that device";
}

TEST(ClaimedPeak, AShareOfACardSaysThatItIsOne) {
  DossierContent content = device_content();
  const Claim card = {kBandwidth, 1600, "C", "card", "", "", 2};
  add(content, card);
  add_share(content, card);
  const ClaimedPeak found = peak(content, kBandwidth);
  EXPECT_EQ(found.record->value, 800);
  EXPECT_EQ(
      found.words,
      "grade C, 1600 GB/s claimed of a card (grade C) ÷ 2 devices of a card, all alike, a data sheet, 2026");
}

TEST(ClaimedPeak, TheFirstTypeThatAnythingIsClaimedInCounts) {
  DossierContent content = device_content();
  add(content, {kMatmul, 312, "A", "device", "f16", "dense"});
  EXPECT_EQ(peak(content, kMatmul, {"int8", "f16"}).record->value, 312);
  add(content, {kMatmul, 1248, "A", "device", "int8", "sparse"});
  EXPECT_EQ(peak(content, kMatmul, {"int8", "f16"}).record->value, 312) << "not in a sparse one";
  add(content, {kMatmul, 624, "B", "device", "int8", "dense"});
  EXPECT_EQ(peak(content, kMatmul, {"int8", "f16"}).record->value, 624);
  EXPECT_EQ(peak(content, kMatmul, {"tf32", "f32"}).record, nullptr);
  EXPECT_EQ(peak(content, kMatmul, {"tf32"}).words, "no claim about it is in this dossier");
}

const WaterfallStep& claimed_step(const Model& model, size_t lane) {
  return model.waterfalls.at(0).lanes.at(lane).steps.at(0);
}

TEST(ClaimsInTheReport, TheWaterfallBeginsWithWhatIsClaimedOfTheModelsType) {
  DossierContent content = device_content();
  add(content, {kBandwidth, 1555, "A"});
  add(content, {kMatmul, 312, "A", "device", "f16", "dense"});
  add(content, {kMatmul, 624, "B", "device", "int8", "dense"});
  const Model model = *make_model(content, nullptr);
  EXPECT_DOUBLE_EQ(*claimed_step(model, 0).value, 1555);
  EXPECT_EQ(claimed_step(model, 0).evidence_class, EvidenceClass::kClaimed);
  EXPECT_EQ(claimed_step(model, 0).basis,
            "1555 GB/s of memory bandwidth ÷ 1000 MB a token; grade A, a data sheet, 2026");
  EXPECT_DOUBLE_EQ(*claimed_step(model, 1).value, 6240);
  EXPECT_THAT(claimed_step(model, 1).basis, HasSubstr("624 TFLOP/s of matrix multiplication in int8 ÷"));
}

TEST(ClaimsInTheReport, ADevicesShareOfACardIsDrawnAsThePromiseThatItIs) {
  DossierContent content = device_content();
  const Claim card = {kBandwidth, 1600, "C", "card", "", "", 2};
  add(content, card);
  add_share(content, card);
  const Model model = *make_model(content, nullptr);
  EXPECT_DOUBLE_EQ(*claimed_step(model, 0).value, 800);
  EXPECT_EQ(claimed_step(model, 0).evidence_class, EvidenceClass::kClaimed);
  EXPECT_THAT(claimed_step(model, 0).basis, HasSubstr("÷ 2 devices of a card"));
}

TEST(ClaimsInTheReport, CeilingsAreTheClaimsThatCountAndNoOthers) {
  DossierContent content = device_content();
  add(content, {kBandwidth, 1555, "A"});
  add(content, {kBandwidth, 1800, "C"});
  add(content, {kMatmul, 312, "A", "device", "f16", "dense"});
  add(content, {kMatmul, 624, "A", "device", "f16", "sparse"});
  add(content, {kMatmul, 19.5, "A", "device", "f64", "dense"});
  const Model model = *make_model(content, nullptr);
  ASSERT_EQ(model.rooflines.size(), 1u);
  std::vector<std::string> names;
  for (const RooflineCeiling& ceiling : model.rooflines[0].ceilings) {
    if (ceiling.record->evidence_class == EvidenceClass::kClaimed) names.push_back(ceiling.name);
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("memory claimed (grade A) 1555 GB/s",
                                                   "compute f16 claimed (grade A) 312 TFLOP/s"));
}

TEST(ClaimsInTheReport, AKernelBetweenTwoClaimsContradictsTheLowerOneAlone) {
  DossierContent content = device_content();  // an f16 kernel of 250 TFLOP/s
  for (Record& record : content.records) record.conditions.set("best", false);
  add(content, {kBandwidth, 1555, "A"});
  add(content, {kMatmul, 200, "A", "device", "f16", "dense"});
  add(content, {kMatmul, 300, "C", "device", "f16", "dense"});
  std::string above = (*make_model(content, nullptr)).rooflines.at(0).above;
  EXPECT_THAT(above, HasSubstr("above the claim that counts, and below a higher one"));
  EXPECT_THAT(above, testing::Not(HasSubstr("wrong")));
  content.records.back().value = 240;
  above = (*make_model(content, nullptr)).rooflines.at(0).above;
  EXPECT_THAT(above, HasSubstr("lie above every roof, which no claim and no bound allows"));
  content.records.back().value = 600;
  content.records.back().conditions.set("sparsity", "sparse");
  above = (*make_model(content, nullptr)).rooflines.at(0).above;
  EXPECT_THAT(above, HasSubstr("which no claim and no bound allows")) << "a sparse peak excuses nothing";
}

TEST(ClaimsInTheReport, EveryClaimStandsInATableAndThoseThatCountAreMarked) {
  DossierContent content = device_content();
  add(content, {kBandwidth, 1555, "A"});
  add(content, {kMatmul, 312, "A", "device", "f16", "dense"});
  add(content, {kMatmul, 624, "A", "device", "f16", "sparse"});
  const Model model = *make_model(content, nullptr);
  const std::vector<ClaimRow> rows = claim_rows(model, content.subjects[1]);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].use, "counts");
  EXPECT_EQ(rows[1].of, "matrix multiplication, f16, dense");
  EXPECT_EQ(rows[1].use, "counts");
  EXPECT_EQ(rows[2].use, "—");
  ASSERT_EQ(model.devices.size(), 1u);
  EXPECT_TRUE(model.devices[0].has_claims);
  EXPECT_FALSE((*make_model(device_content(), nullptr)).devices.at(0).has_claims);
}

}  // namespace assay::claims_test
