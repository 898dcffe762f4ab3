// Stories about files of chips: a good one is read whole, a wrong one says what is wrong and where, and the
// built-in ones are found by every name that a machine gives them.
#include "catalogue/chips.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace assay::chips_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHead = R"(id = "acme-x1"
name = "Acme X1"
vendor = "acme"
aliases = ["Acme X1-PCIE-8GB"]
)";

constexpr const char* kClaim = R"([[claim]]
field = "memory_bandwidth_gb_per_s"
value = 1000
unit = "GB/s"
basis = "card"
source = "data sheet, page 3"
date = "2026-10"
grade = "A"
)";

constexpr const char* kPeak = R"([[claim]]
field = "matmul_tflop_per_s"
value = 99.5
unit = "TFLOP/s"
basis = "device"
dtype = "f16"
sparsity = "dense"
accumulator = "f32"
source = "data sheet, page 3"
date = 2026-10-31
grade = "B"
note = "measured at noon"
)";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

Result<Chip> parse(const std::string& text) {
  return ChipCatalogue::parse(text, "data/chips/acme-x1.toml");
}

std::string fault_of(const std::string& text) {
  const Result<Chip> chip = parse(text);
  return chip ? "" : chip.error().message();
}

// Of a file whose only claim has `from` replaced.
std::string fault_of_claim(std::string_view from, std::string_view to) {
  return fault_of(kHead + replaced(kClaim, from, to));
}

TEST(ChipFile, EveryClaimKeepsWhatIsSaidOfIt) {
  const Result<Chip> chip = parse(std::string(kHead) + kClaim + kPeak);
  ASSERT_TRUE(chip.has_value()) << chip.error().message();
  EXPECT_EQ(chip->name, "Acme X1");
  EXPECT_THAT(chip->aliases, ElementsAre("Acme X1-PCIE-8GB"));
  EXPECT_EQ(chip->file, "data/chips/acme-x1.toml");
  ASSERT_EQ(chip->claims.size(), 2u);
  const ChipClaim& claim = chip->claims[1];
  EXPECT_STREQ(claim.field->metric, "matmul_tflop_per_s");
  EXPECT_DOUBLE_EQ(claim.value, 99.5);
  EXPECT_EQ(claim.basis, Basis::kDevice);
  EXPECT_EQ(claim.grade, Grade::kB);
  EXPECT_EQ(claim.source, "data sheet, page 3");
  EXPECT_EQ(claim.date, "2026-10-31") << "also without quotes";
  EXPECT_EQ(claim.note, "measured at noon");
  EXPECT_EQ(claim.where, "data/chips/acme-x1.toml:13:1");
  EXPECT_EQ(value_text(claim), "99.5 TFLOP/s");
  EXPECT_EQ(kind_text(claim), "f16, dense, accumulated in f32");
  EXPECT_EQ(kind_text(chip->claims[0]), "");
}

TEST(ChipFile, ContradictingClaimsStandSideBySide) {
  const Result<Chip> chip =
      parse(std::string(kHead) + kClaim + replaced(replaced(kClaim, "1000", "896"), "\"A\"", "\"C\""));
  ASSERT_TRUE(chip.has_value()) << chip.error().message();
  const std::vector<const ChipClaim*> claims = chip->claims_of("memory_bandwidth_gb_per_s");
  ASSERT_EQ(claims.size(), 2u);
  EXPECT_DOUBLE_EQ(claims[0]->value, 1000);
  EXPECT_DOUBLE_EQ(claims[1]->value, 896);
  EXPECT_THAT(chip->claims_of("tdp_w"), IsEmpty());
  EXPECT_EQ(chip->unknown_fields().size(), chip_fields().size() - 1);
}

TEST(ChipFile, ANumberWithoutOneOfItsWordsIsRefusedWithItsPlace) {
  for (const char* line : {"unit = \"GB/s\"\n", "basis = \"card\"\n", "source = \"data sheet, page 3\"\n",
                           "date = \"2026-10\"\n", "grade = \"A\"\n", "value = 1000\n",
                           "field = \"memory_bandwidth_gb_per_s\"\n"}) {
    const std::string key(line, std::string_view(line).find(' '));
    EXPECT_THAT(fault_of_claim(line, ""),
                StartsWith("data/chips/acme-x1.toml:5:1: this claim has no " + key + "\n"));
  }
}

TEST(ChipFile, AMultiplicationNeedsItsTypeAndABandwidthHasNone) {
  EXPECT_THAT(fault_of(kHead + replaced(kPeak, "dtype = \"f16\"\n", "")),
              HasSubstr("acme-x1.toml:5:1: this claim of matmul_tflop_per_s has no dtype"));
  EXPECT_THAT(fault_of_claim("grade", "dtype = \"f16\"\ngrade"),
              HasSubstr("acme-x1.toml:12:9: memory_bandwidth_gb_per_s has no dtype"));
  EXPECT_THAT(fault_of(kHead + replaced(kPeak, "\"f16\"", "\"fp16\"")),
              HasSubstr("acme-x1.toml:10:9: unknown dtype 'fp16'"));
  EXPECT_THAT(fault_of(kHead + replaced(kPeak, "\"dense\"", "\"dens\"")), HasSubstr("Did you mean 'dense'?"));
}

TEST(ChipFile, UnknownKeysAndFieldsGetTheNearestSuggestion) {
  EXPECT_THAT(
      fault_of_claim("source =", "sourse ="),
      StartsWith("data/chips/acme-x1.toml:10:1: unknown key 'sourse' in [[claim]]. Did you mean 'source'?\n"))
      << "and that the source is missing is no second fault";
  EXPECT_THAT(fault_of_claim("memory_bandwidth_gb_per_s", "memory_bandwith_gb_per_s"),
              HasSubstr("acme-x1.toml:6:9: unknown field 'memory_bandwith_gb_per_s'"));
  EXPECT_THAT(fault_of_claim("memory_bandwidth_gb_per_s", "memory_bandwith_gb_per_s"),
              HasSubstr("Did you mean 'memory_bandwidth_gb_per_s'?"));
  EXPECT_THAT(fault_of(replaced(kHead, "aliases", "alias")),
              HasSubstr("acme-x1.toml:4:1: unknown key 'alias'. Did you mean 'aliases'?"));
  EXPECT_THAT(fault_of(std::string(kHead) + "[[pci]]\nvendor = 1\ndevise = 2\nsource = \"s\"\n"),
              HasSubstr("acme-x1.toml:7:1: unknown key 'devise' in [[pci]]. Did you mean 'device'?"));
}

TEST(ChipFile, AnotherUnitIsRefusedSinceNobodyConvertsIt) {
  EXPECT_THAT(fault_of_claim("\"GB/s\"", "\"TB/s\""),
              HasSubstr("acme-x1.toml:8:8: the unit of memory_bandwidth_gb_per_s is GB/s, not 'TB/s'"));
}

TEST(ChipFile, ImpossibleValuesAreRefused) {
  for (const char* value : {"nan", "inf", "-1000", "0", "1e300"}) {
    EXPECT_THAT(fault_of_claim("1000", value), HasSubstr("acme-x1.toml:7:9: value must be above 0")) << value;
  }
  EXPECT_THAT(fault_of_claim("1000", "\"1000\""), HasSubstr("acme-x1.toml:7:9: value must be a number"));
  std::string lanes = replaced(kClaim, "memory_bandwidth_gb_per_s", "pcie_lanes");
  lanes = replaced(replaced(lanes, "GB/s", "lanes"), "1000", "15.5");
  EXPECT_THAT(fault_of(kHead + lanes), HasSubstr("acme-x1.toml:7:9: pcie_lanes must be a whole number"));
}

TEST(ChipFile, DatesGradesAndBasesHaveTheirForms) {
  for (const char* date : {"\"last year\"", "\"2026-13\"", "\"26\"", "\"\"", "2026"}) {
    EXPECT_THAT(fault_of_claim("\"2026-10\"", date), HasSubstr("acme-x1.toml:11:8: date must be")) << date;
  }
  EXPECT_THAT(fault_of_claim("\"A\"", "\"D\""), HasSubstr("acme-x1.toml:12:9: unknown grade 'D'"));
  EXPECT_THAT(fault_of_claim("\"card\"", "\"board\""), HasSubstr("acme-x1.toml:9:9: unknown basis 'board'"));
}

TEST(ChipFile, TheIdIsTheNameOfTheFile) {
  EXPECT_THAT(fault_of(replaced(kHead, "acme-x1", "acme-x2")),
              HasSubstr("acme-x1.toml:1:6: the id is 'acme-x2', but the file is not acme-x2.toml"));
  EXPECT_THAT(fault_of(replaced(kHead, "acme-x1", "../etc/Passwd")), HasSubstr("small letters, digits"));
  EXPECT_THAT(fault_of(replaced(kHead, "vendor = \"acme\"\n", "")),
              HasSubstr("acme-x1.toml:1:1: the file has no vendor"));
}

TEST(ChipFile, WhatStandsTwiceIsASlip) {
  EXPECT_THAT(fault_of(std::string(kHead) + kClaim + kClaim),
              HasSubstr("acme-x1.toml:13:1: this claim stands here twice"));
  EXPECT_THAT(fault_of(replaced(kHead, "[\"Acme X1-PCIE-8GB\"]", "[\"X1 a\", \"x1 A\"]")),
              HasSubstr("acme-x1.toml:4:20: 'x1 A' stands in aliases twice"));
  const std::string pci = "[[pci]]\nvendor = 0x10de\ndevice = 0x2329\nsource = \"pci.ids\"\n";
  EXPECT_THAT(fault_of(kHead + pci + pci), HasSubstr("the PCI id 10de:2329 stands here twice"));
}

TEST(ChipFile, APciIdIsSixteenBitsAndHasASource) {
  const auto fault = [](const char* vendor, const char* source) {
    return fault_of(fmt::format("{}[[pci]]\nvendor = {}\ndevice = 0x2329\n{}", kHead, vendor, source));
  };
  EXPECT_EQ(fault("0x10de", "source = \"pci.ids\"\n"), "");
  EXPECT_THAT(fault("0x10de", ""), HasSubstr("acme-x1.toml:5:1: this PCI id has no source"));
  for (const char* vendor : {"0", "-1", "0x10000", "\"10de\"", "1.5"})
    EXPECT_THAT(fault(vendor, "source = \"s\"\n"), HasSubstr("acme-x1.toml:6:10: vendor must be a PCI id"))
        << vendor;
}

TEST(ChipFile, AllThatIsWrongIsToldAtOnceInTheOrderOfTheFile) {
  std::string text = kHead;
  for (int i = 0; i < 30; ++i) text += "[[claim]]\n";
  const std::string fault = fault_of(text);
  EXPECT_THAT(fault, StartsWith("data/chips/acme-x1.toml:5:1: "));
  EXPECT_THAT(fault, HasSubstr("\nand 190 more\n"));
  EXPECT_THAT(fault, HasSubstr("docs/formats/chips.md"));
  EXPECT_THAT(fault_of("id = \"unclosed"), HasSubstr("acme-x1.toml:1:6: not TOML"));
  EXPECT_THAT(fault_of("claim = 3\npci = [1]\n" + std::string(kHead)),
              HasSubstr("acme-x1.toml:1:1: claim must be written as [[claim]] tables"));
  EXPECT_THAT(fault_of(replaced(kHead, "Acme X1\"", "Acme\\u001b[2J\"")), HasSubstr("name must be one line"));
}

TEST(ChipFile, DevicesOfACardAreKnownWhereAllClaimsAgree) {
  const auto claim = [](const char* value, const char* source) {
    std::string text =
        replaced(replaced(kClaim, "memory_bandwidth_gb_per_s", "devices_per_card"), "GB/s", "devices");
    return replaced(replaced(text, "1000", value), "data sheet", source);
  };
  EXPECT_EQ(parse(kHead)->devices_per_card, 0u);
  EXPECT_EQ(value_text(parse(kHead + claim("1", "a"))->claims[0]), "1 device");
  EXPECT_EQ(parse(kHead + claim("2", "a") + claim("2", "b"))->devices_per_card, 2u);
  EXPECT_EQ(parse(kHead + claim("2", "a") + claim("1", "b"))->devices_per_card, 0u);
}

Chip named(std::string id, std::vector<std::string> aliases, std::vector<PciId> pci_ids = {}) {
  Chip chip;
  chip.id = chip.name = std::move(id);
  chip.file = "data/chips/" + chip.id + ".toml";
  chip.aliases = std::move(aliases);
  chip.pci_ids = std::move(pci_ids);
  return chip;
}

TEST(ChipCatalogue, TwoChipsCannotShareAName) {
  const auto twice = ChipCatalogue::make({named("a", {"Same"}), named("b", {"same"})});
  ASSERT_FALSE(twice.has_value());
  EXPECT_THAT(twice.error().message(),
              StartsWith("data/chips/b.toml: 'same' is also a name of the chip in data/chips/a.toml"));
  EXPECT_FALSE(ChipCatalogue::make({named("a", {}), named("b", {"A"})}).has_value());
  EXPECT_FALSE(ChipCatalogue::make({named("a", {}), named("a", {})}).has_value());
}

TEST(ChipCatalogue, TwoChipsMayShareAPciId) {
  const PciId id{.vendor = 0x10de, .device = 0x20b2};
  const auto catalogue = ChipCatalogue::make({named("b", {}, {id}), named("a", {}, {id}), named("c", {})});
  ASSERT_TRUE(catalogue.has_value());
  const std::vector<const Chip*> found = catalogue->by_pci(0x10de, 0x20b2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0]->id, "a");
  EXPECT_THAT(catalogue->by_pci(0x10de, 1), IsEmpty());
  EXPECT_EQ(catalogue->find("c")->id, "c");
  EXPECT_EQ(catalogue->find("d"), nullptr);
}

TEST(ChipCatalogue, ADeviceIsFoundByItsOwnWordsAndTheLongestMatchWins) {
  const auto catalogue =
      ChipCatalogue::make({named("acme-x1", {"Acme X1"}), named("acme-x1-plus", {"Acme X1 Plus"})});
  ASSERT_TRUE(catalogue.has_value());
  const auto found = [&](const char* description) -> std::string {
    const Chip* chip = catalogue->by_device_name(description);
    return chip == nullptr ? "" : chip->id;
  };
  EXPECT_EQ(found("ACME X1"), "acme-x1");
  EXPECT_EQ(found("acme x1 (8 GB)"), "acme-x1");
  EXPECT_EQ(found("Acme X1 Plus"), "acme-x1-plus");
  EXPECT_EQ(found("Acme X12"), "") << "another product";
  EXPECT_EQ(found("Acme X1-3e"), "") << "another product";
  EXPECT_EQ(found("MegaAcme X1"), "");
  EXPECT_EQ(found(""), "");
}

TEST(ChipCatalogue, TheBuiltInFilesAreGoodAndKnowTheirDevices) {
  const ChipCatalogue& catalogue = ChipCatalogue::built_in();
  EXPECT_GE(catalogue.chips().size(), 12u);
  for (const auto& [description, id] : {std::pair{"NVIDIA A100-SXM4-40GB", "nvidia-a100-40gb-sxm"},
                                        {"NVIDIA A100-SXM4-80GB", "nvidia-a100-80gb-sxm"},
                                        {"NVIDIA A100 80GB PCIe", "nvidia-a100-80gb-pcie"},
                                        {"NVIDIA H100 80GB HBM3", "nvidia-h100-sxm"},
                                        {"NVIDIA H20", "nvidia-h20"},
                                        {"AMD Instinct MI300X", "amd-mi300x"},
                                        {"Iluvatar BI-V150", "iluvatar-bi-v150"},
                                        {"MXC500", "metax-c500"},
                                        {"MTT S4000", "mthreads-mtt-s4000"},
                                        {"Ascend910B2", "ascend-910b"}}) {
    const Chip* chip = catalogue.by_device_name(description);
    ASSERT_NE(chip, nullptr) << description;
    EXPECT_EQ(chip->id, id);
  }
  EXPECT_EQ(catalogue.by_device_name("NVIDIA H20-3e"), nullptr);
  EXPECT_EQ(catalogue.by_device_name("llvmpipe (LLVM 15.0.6, 256 bits)"), nullptr);
  EXPECT_EQ(catalogue.by_pci(0x1ed5, 0x0327).front()->id, "mthreads-mtt-s4000");
  const Chip* bi_v150 = catalogue.find("iluvatar-bi-v150");
  ASSERT_NE(bi_v150, nullptr);
  EXPECT_EQ(bi_v150->devices_per_card, 2u);
  EXPECT_EQ(bi_v150->claims_of("memory_bandwidth_gb_per_s").size(), 3u);
}

TEST(ChipCatalogue, TheReferenceShowsEveryClaimAndWhatIsUnknown) {
  const std::string page = chip_reference_markdown(ChipCatalogue::built_in());
  EXPECT_THAT(page, HasSubstr("| memory bandwidth | 896 GB/s | card | C |"));
  EXPECT_THAT(page, HasSubstr("| memory bandwidth | — unknown |"));
  EXPECT_THAT(page, HasSubstr("`10de:20b0`"));
  EXPECT_THAT(page, Not(HasSubstr("\n\n\n")));
}

TEST(ClaimedDtypes, WeightsAreHeldAgainstTheTypesThatTheyMayBeMultipliedIn) {
  EXPECT_THAT(claimed_dtypes("f16"), ElementsAre("f16"));
  EXPECT_THAT(claimed_dtypes("BF16"), ElementsAre("bf16"));
  EXPECT_THAT(claimed_dtypes("f32"), ElementsAre("tf32", "f32"));
  EXPECT_THAT(claimed_dtypes("q4_K"), ElementsAre("int8", "f16"));
  EXPECT_THAT(claimed_dtypes("Q8_0"), ElementsAre("int8", "f16"));
  EXPECT_THAT(claimed_dtypes("mxfp4"), ElementsAre("fp4", "int8", "f16"));
  EXPECT_THAT(claimed_dtypes("tf32"), ElementsAre("tf32"));
  EXPECT_THAT(claimed_dtypes("i32"), IsEmpty());
  EXPECT_THAT(claimed_dtypes(""), IsEmpty());
}

}  // namespace assay::chips_test
