// Stories about which chip a device is: by its words, by its place on PCI, and when neither is to be
// believed.
#include "exam/chip_of_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::chip_of_device_test {

using ::testing::HasSubstr;

constexpr double kGib = 1 << 30;

Json device(const char* description, double memory_bytes, const char* address = "") {
  return Json::object()
      .set("name", "CUDA0")
      .set("description", description)
      .set("memory_bytes", memory_bytes)
      .set("pci_address", address);
}

Json host_with(const char* address, std::initializer_list<const char*> chips) {
  Json ids = Json::array();
  for (const char* chip : chips) ids.push(chip);
  Json accelerator = Json::object().set("address", address).set("vendor_id", "10de").set("device_id", "20b2");
  accelerator.set("chips", std::move(ids));
  return Json::object().set("accelerators", Json::array().push(std::move(accelerator)));
}

ChipMatch match(const Json& host, const Json& device) {
  return chip_of_device(ChipCatalogue::built_in(), host, device);
}

std::string id_of(const ChipMatch& match) {
  return match.chip == nullptr ? "" : match.chip->id;
}

TEST(ChipOfDevice, IsWhatItCallsItself) {
  const ChipMatch found = match(Json::object(), device("NVIDIA A100-SXM4-40GB", 39.4 * kGib));
  EXPECT_EQ(id_of(found), "nvidia-a100-40gb-sxm");
  EXPECT_EQ(found.because, "it calls itself NVIDIA A100-SXM4-40GB");
  EXPECT_EQ(id_of(match(Json::object(), device("a fake device", kGib))), "");
  EXPECT_EQ(match(Json::object(), device("a fake device", kGib)).because, "") << "nothing was found to deny";
  EXPECT_EQ(id_of(match(Json(), Json())), "");
}

TEST(ChipOfDevice, WithoutANameItsPlaceOnPciTells) {
  const Json host = host_with("0000:3B:00.0", {"nvidia-a100-80gb-sxm"});
  const ChipMatch found = match(host, device("a GPU", 79 * kGib, "3b:00.0"));
  EXPECT_EQ(id_of(found), "nvidia-a100-80gb-sxm");
  EXPECT_EQ(found.because, "its PCI id is 10de:20b2");
  EXPECT_EQ(id_of(match(host, device("a GPU", 79 * kGib, "0000:86:00.0"))), "") << "another place";
  EXPECT_EQ(id_of(match(host, device("a GPU", 79 * kGib))), "") << "nobody says where it is";
  EXPECT_EQ(id_of(match(host_with("0000:3b:00.0", {"no-such-chip"}), device("a GPU", 0, "3b:00.0"))), "");
}

TEST(ChipOfDevice, OfChipsWithOnePciIdMemoryTellsWhichOrNothingDoes) {
  const Json host = host_with("0000:3b:00.0", {"nvidia-a100-40gb-sxm", "nvidia-a100-80gb-sxm"});
  EXPECT_EQ(id_of(match(host, device("a GPU", 79 * kGib, "0000:3b:00.0"))), "nvidia-a100-80gb-sxm");
  EXPECT_EQ(id_of(match(host, device("a GPU", 39 * kGib, "0000:3b:00.0"))), "nvidia-a100-40gb-sxm");
  const ChipMatch unknown = match(host, device("a GPU", 10 * kGib, "0000:3b:00.0"));
  EXPECT_EQ(unknown.chip, nullptr);
  EXPECT_THAT(unknown.because, HasSubstr("several chips have its PCI id"));
}

TEST(ChipOfDevice, ASliceOfAChipIsNotTheChip) {
  const ChipMatch slice = match(Json::object(), device("NVIDIA A100-SXM4-40GB MIG 1g.5gb", 4.75 * kGib));
  EXPECT_EQ(slice.chip, nullptr);
  EXPECT_THAT(slice.because, HasSubstr("it is a part of one, and no claim is of that"));
  EXPECT_EQ(id_of(match(Json::object(), device("NVIDIA A100-SXM4-40GB", 0))), "nvidia-a100-40gb-sxm")
      << "of memory that is not known nothing follows";
}

TEST(ChipOfDevice, OneDeviceOfACardWithTwoHasHalfOfItsMemory) {
  EXPECT_DOUBLE_EQ(claimed_device_memory_bytes(*ChipCatalogue::built_in().find("iluvatar-bi-v150")),
                   32 * kGib);
  EXPECT_EQ(id_of(match(Json::object(), device("Iluvatar BI-V150", 31.8 * kGib))), "iluvatar-bi-v150");
}

TEST(ChipOfDevice, ThatClaimsToBeAnotherThanItsPciIdSaysIsNeither) {
  const Json host = host_with("0000:3b:00.0", {"metax-c500"});
  const ChipMatch found = match(host, device("NVIDIA A100-SXM4-80GB", 64 * kGib, "0000:3b:00.0"));
  EXPECT_EQ(found.chip, nullptr);
  EXPECT_EQ(found.because,
            "it calls itself NVIDIA A100-SXM4-80GB, but what is at 0000:3b:00.0 on PCI is MetaX C500");
}

}  // namespace assay::chip_of_device_test
