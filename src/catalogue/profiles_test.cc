// Stories about vendors' profiles: each file is good, errors point into it, and what several vendors say fits
// together.
#include "catalogue/profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <string>

#include "os/os.h"

namespace assay::profiles_test {

using ::testing::HasSubstr;

constexpr const char* kSources = "[[sources]]\nsource = \"https://example.org/\"\ndate = 2026-11-30\n";

std::string error_of(const std::string& text, const char* file = "data/profiles/made-up.toml") {
  const auto profile = ProfileCatalogue::parse(text, file);
  return profile ? "" : profile.error().message();
}

TEST(Profiles, EveryFileOfTheSourcesIsGoodAndBuiltIn) {
  const std::string folder = std::string(ASSAY_SOURCE_DIR) + "/data/profiles";
  const auto names = list_directory(folder);
  ASSERT_TRUE(names.has_value()) << names.error().message();
  std::vector<VendorProfile> profiles;
  for (const std::string& name : *names) {
    const auto text = read_file(folder + "/" + name, 1 << 20);
    ASSERT_TRUE(text.has_value());
    auto profile = ProfileCatalogue::parse(*text, "data/profiles/" + name);
    ASSERT_TRUE(profile.has_value()) << profile.error().message();
    profiles.push_back(std::move(*profile));
  }
  const size_t files = profiles.size();
  const auto catalogue = ProfileCatalogue::make(std::move(profiles));
  ASSERT_TRUE(catalogue.has_value()) << catalogue.error().message();
  EXPECT_EQ(ProfileCatalogue::built_in().profiles().size(), files);
}

TEST(Profiles, TheVendorsThatAreTestedAreThere) {
  const ProfileCatalogue& catalogue = ProfileCatalogue::built_in();
  for (const char* id : {"nvidia", "amd", "intel", "iluvatar", "biren", "mthreads", "metax", "hygon",
                         "cambricon", "ascend", "kunlun", "enflame", "habana", "neutral"})
    EXPECT_NE(catalogue.find(id), nullptr) << id;
  ASSERT_NE(catalogue.by_pci_vendor(0x1e3e), nullptr);
  EXPECT_EQ(catalogue.by_pci_vendor(0x1e3e)->id, "iluvatar");
  EXPECT_EQ(catalogue.by_pci_vendor(0xffff), nullptr);
  EXPECT_EQ(catalogue.find("nobody"), nullptr);
}

TEST(Profiles, WhatAVendorIsNotKnownToHaveIsUnknownAndNotNone) {
  const VendorProfile* biren = ProfileCatalogue::built_in().find("biren");
  ASSERT_NE(biren, nullptr);
  EXPECT_EQ(biren->find(Capability::kProfiler), nullptr);
  ASSERT_NE(biren->find(Capability::kCompiler), nullptr);
  EXPECT_TRUE(biren->find(Capability::kCompiler)->exists);
}

TEST(Profiles, ACapabilityNeedsItsSourceAlsoWhereTheVendorHasNone) {
  const std::string head = "name = \"Made up\"\n" + std::string(kSources);
  EXPECT_EQ(error_of(head), "");
  const std::string none =
      head + "[[capabilities]]\ncapability = \"profiler\"\nexists = false\nwhat = \"none is sold\"\n";
  EXPECT_THAT(error_of(none), HasSubstr("made-up.toml:5:1: [[capabilities]] lacks source"));
  EXPECT_THAT(error_of(none), HasSubstr("[[capabilities]] lacks date"));
  EXPECT_EQ(error_of(none + "source = \"https://example.org/faq\"\ndate = \"2026-11\"\n"), "");
}

TEST(Profiles, SlipsGetTheNearestNameAndTheirPlace) {
  const std::string text =
      "name = \"Made up\"\nroot = [\"/opt/x\"]\nlibraries = [{ name = \"libx.so\", rol = \"x\" }]\n" +
      std::string(kSources) + "[[capabilities]]\ncapability = \"profilers\"\n";
  const std::string error = error_of(text);
  EXPECT_THAT(error, HasSubstr("made-up.toml:2:1: unknown key 'root' in a profile. Did you mean 'roots'?"));
  EXPECT_THAT(error, HasSubstr("unknown key 'rol' in [[libraries]]. Did you mean 'role'?"));
  EXPECT_THAT(error, HasSubstr("[[libraries]] lacks role"));
  EXPECT_THAT(error, HasSubstr("unknown capability 'profilers'"));
  EXPECT_THAT(error, HasSubstr("Did you mean 'profiler'?"));
  EXPECT_THAT(error, HasSubstr("docs/formats/profiles.md"));
}

TEST(Profiles, ValuesOfTheWrongKindAreRefused) {
  EXPECT_THAT(error_of("name = 3\n" + std::string(kSources)), HasSubstr("name must be a string"));
  EXPECT_THAT(error_of("name = \"\"\n" + std::string(kSources)), HasSubstr("lacks name"));
  EXPECT_THAT(error_of("name = \"x\"\npci_vendors = [\"10DE\"]\n" + std::string(kSources)),
              HasSubstr("no PCI vendor id"));
  EXPECT_THAT(error_of("name = \"x\"\nroots = [\"opt/x\"]\n" + std::string(kSources)),
              HasSubstr("must be an absolute path"));
  EXPECT_THAT(error_of("name = \"x\"\nmarks = [\"ix\"]\n" + std::string(kSources)),
              HasSubstr("shorter than"));
  EXPECT_THAT(error_of("name = \"x\"\nlibraries = [{ name = \"libx.so.2\", role = \"x\" }]\n" +
                       std::string(kSources)),
              HasSubstr("without its version"));
  EXPECT_THAT(error_of("name = \"x\"\nlibraries = 3\n" + std::string(kSources)),
              HasSubstr("array of tables"));
  EXPECT_THAT(error_of("name = \"x\"\n"), HasSubstr("lacks sources"));
  EXPECT_THAT(error_of("name = \"x\"\nneutral = true\npci_vendors = [\"10de\"]\n" + std::string(kSources)),
              HasSubstr("neutral"));
  EXPECT_THAT(error_of("name = \"x\"\n" + std::string(kSources), "data/profiles/Made Up.toml"),
              HasSubstr("is no id"));
}

TEST(Profiles, AtMostTwentyErrorsAreShown) {
  std::string text = "name = \"x\"\n";
  for (int i = 0; i < 30; ++i) text += fmt::format("key{} = 1\n", i);
  const std::string error = error_of(text + kSources);
  EXPECT_THAT(error, HasSubstr("key19"));
  EXPECT_THAT(error, HasSubstr("and 10 more"));
}

VendorProfile made_up(const std::string& id, const std::string& rest) {
  auto profile = ProfileCatalogue::parse("name = \"" + id + "\"\n" + rest + "\n" + kSources, id + ".toml");
  EXPECT_TRUE(profile.has_value()) << profile.error().message();
  return profile.value_or(VendorProfile{});
}

TEST(Profiles, TwoVendorsDoNotShareAPciIdAndACloneHasAnOriginal) {
  const auto shared = ProfileCatalogue::make(
      {made_up("a", "pci_vendors = [\"1234\"]"), made_up("b", "pci_vendors = [\"1234\"]")});
  ASSERT_FALSE(shared.has_value());
  EXPECT_THAT(shared.error().message(), HasSubstr("b.toml: PCI vendor 1234 is a's, too"));
  const auto orphan = ProfileCatalogue::make(
      {made_up("a", ""),
       made_up("b", "libraries = [{ name = \"libx.so\", role = \"x\", clone_of = \"a\" }]")});
  ASSERT_FALSE(orphan.has_value());
  EXPECT_THAT(orphan.error().message(), HasSubstr("libx.so is said to be a clone of a's"));
  const auto good = ProfileCatalogue::make(
      {made_up("b", "libraries = [{ name = \"libx.so\", role = \"x\", clone_of = \"a\" }]"),
       made_up("a", "libraries = [{ name = \"libx.so\", role = \"x\" }]")});
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->profiles().front().id, "a");
}

TEST(Profiles, CapabilitiesHaveNames) {
  for (size_t i = 0; i < kCapabilities; ++i) {
    const auto capability = static_cast<Capability>(i);
    EXPECT_EQ(capability_named(name_of(capability)), capability);
  }
  EXPECT_FALSE(capability_named("magic"));
}

}  // namespace assay::profiles_test
