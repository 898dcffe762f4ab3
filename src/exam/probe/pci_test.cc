// Accelerators in small trees that look like a machine's /sys. Whole hosts of many vendors, and broken ones,
// are told of in tests/probe.
#include "exam/probe/pci.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "exam/probe/pci_paths.h"
#include "os/os.h"

namespace assay::pci_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PciTest : public testing::Test {
 protected:
  PciTest() {
    char name[] = "/tmp/assay-pci-XXXXXX";
    root_ = ::mkdtemp(name);
    write("sys/devices/system/node/node0/cpulist", "0\n");
    write("ids", "10de  NVIDIA Corporation\n\t20b0  GA100\n");
    Chip chip;
    chip.id = "acme-x1";
    chip.name = "Acme X1";
    chip.vendor = "acme";
    chip.pci_ids = {{.vendor = 0x10de, .device = 0x20b0, .source = "a test"}};
    for (const ChipField& field : chip_fields()) {
      ChipClaim claim;
      claim.field = &field;
      claim.value = field.name == std::string_view("pcie_lanes") ? 16 : 32;
      if (field.name == std::string_view("pcie_lanes") ||
          field.name == std::string_view("pcie_speed_gt_per_s"))
        chip.claims.push_back(claim);
    }
    chips_ = ChipCatalogue::make({chip}).value();
    VendorProfile profile;
    profile.id = "acme";
    profile.name = "Acme Stack";
    profile.pci_vendors = {0x10de};
    profile.drivers = {"acme"};
    profiles_ = ProfileCatalogue::make({profile}).value();
  }
  ~PciTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, std::string_view text) {
    const std::string file = root_ + "/" + path;
    ASSERT_TRUE(make_directories(parent_directory(file)).has_value());
    ASSERT_TRUE(write_file_atomically(file, text).has_value());
  }
  void link(const std::string& path, const std::string& target) {
    ASSERT_TRUE(make_directories(parent_directory(root_ + "/" + path)).has_value());
    std::filesystem::create_symlink(target, root_ + "/" + path);
  }
  // A function at the end of `way`, below sys/devices.
  void add(const std::string& way, std::string_view vendor, std::string_view device,
           std::string_view class_code) {
    const std::string folder = "sys/devices/" + way;
    write(folder + "/vendor", vendor);
    write(folder + "/device", device);
    write(folder + "/class", class_code);
    link("sys/bus/pci/devices/" + file_name(way), "../../../devices/" + way);
  }
  void set_link(const std::string& way, std::string_view speed, std::string_view lanes,
                std::string_view most_speed, std::string_view most_lanes) {
    const std::string folder = "sys/devices/" + way;
    write(folder + "/current_link_speed", speed);
    write(folder + "/current_link_width", lanes);
    write(folder + "/max_link_speed", most_speed);
    write(folder + "/max_link_width", most_lanes);
  }
  PciHost look() {
    PciHost host = find_accelerators(
        {.roots = HostRoots::of(root_), .pci_ids = root_ + "/ids", .chips = &chips_, .profiles = &profiles_});
    add_pci_findings(host);
    return host;
  }
  static std::vector<std::string> codes(const PciHost& host) {
    std::vector<std::string> all;
    for (const Finding& finding : host.findings) all.push_back(finding.code);
    return all;
  }

  std::string root_;
  ChipCatalogue chips_ = ChipCatalogue::make({}).value();
  ProfileCatalogue profiles_ = ProfileCatalogue::make({}).value();
};

constexpr const char* kCard = "pci0000:3a/0000:3a:00.0/0000:3b:00.0";

TEST_F(PciTest, AMachineWithoutPciHasNone) {
  const PciHost host = look();
  EXPECT_THAT(host.accelerators, IsEmpty());
  EXPECT_THAT(host.findings, IsEmpty());
}

TEST_F(PciTest, ACardIsNamedAndPlacedByWhatIsKnown) {
  add("pci0000:3a/0000:3a:00.0", "0x8086\n", "0x347a\n", "0x060400\n");
  add(kCard, "0x10de\n", "0x20b0\n", "0x030200\n");
  write(std::string("sys/devices/") + kCard + "/resource",
        "0x0000000000001000 0x0000000000001fff 0x0000000000040200\n"
        "0x0000001000000000 0x00000017ffffffff 0x000000000014220c\n");
  const PciHost host = look();
  ASSERT_EQ(host.accelerators.size(), 1U) << "a bridge is none";
  const PciAccelerator& card = host.accelerators[0];
  EXPECT_EQ(card.vendor, "NVIDIA Corporation");
  EXPECT_EQ(card.device, "GA100");
  EXPECT_EQ(card.profile->id, "acme");
  EXPECT_EQ(card.chips.at(0)->id, "acme-x1");
  EXPECT_EQ(card.root_complex, "pci0000:3a");
  EXPECT_THAT(card.bridges, ElementsAre("0000:3a:00.0"));
  EXPECT_EQ(card.memory_bar_bytes, 32LL << 30);
  EXPECT_THAT(codes(host), ElementsAre("probe.no-driver"));
}

TEST_F(PciTest, GraphicsCountOnlyOfAVendorWithAStack) {
  add("pci0000:00/0000:00:01.0", "0x1a03\n", "0x2000\n", "0x030000\n");
  add("pci0000:00/0000:00:02.0", "0x10de\n", "0x2684\n", "0x030000\n");
  add("pci0000:00/0000:00:03.0", "0x4242\n", "0x0001\n", "0x120000\n");
  const PciHost host = look();
  ASSERT_EQ(host.accelerators.size(), 2U);
  EXPECT_EQ(host.accelerators[0].address, "0000:00:02.0");
  EXPECT_EQ(host.accelerators[1].vendor, "") << "an accelerator of nobody known is one all the same";
}

TEST_F(PciTest, LanesThatAreMissingAreADoubtAndASlowLinkANote) {
  add("pci0000:3a/0000:3a:00.0", "0x8086\n", "0x347a\n", "0x060400\n");
  set_link("pci0000:3a/0000:3a:00.0", "16.0 GT/s PCIe\n", "8\n", "16.0 GT/s PCIe\n", "16\n");
  add(kCard, "0x10de\n", "0x20b0\n", "0x030200\n");
  set_link(kCard, "2.5 GT/s PCIe\n", "8\n", "32.0 GT/s PCIe\n", "16\n");
  link(std::string("sys/devices/") + kCard + "/driver", "../../../../bus/pci/drivers/acme");
  const PciHost host = look();
  EXPECT_THAT(codes(host), ElementsAre("probe.link-narrow", "probe.link-slow", "probe.slot-slow"));
  EXPECT_EQ(host.findings[0].severity, Severity::kDoubtful);
  EXPECT_EQ(host.findings[1].severity, Severity::kNote);
  const Json link = pci_json(host.accelerators[0])["link"];
  EXPECT_EQ(link["most_speed_gt_per_s"].as_number(), 16) << "what card and slot can";
  EXPECT_EQ(link["claimed_speed_gt_per_s"].as_number(), 32);
  EXPECT_EQ(link["claimed_lanes"].as_integer(), 16);
}

TEST_F(PciTest, ACardBelowWhatIsClaimedOfItsChipIsADoubt) {
  add(kCard, "0x10de\n", "0x20b0\n", "0x030200\n");
  set_link(kCard, "16.0 GT/s PCIe\n", "8\n", "16.0 GT/s PCIe\n", "8\n");
  EXPECT_THAT(codes(look()),
              ElementsAre("probe.no-driver", "probe.link-below-claim", "probe.link-below-claim"));
}

TEST_F(PciTest, ALinkThatSleepsIsUnknownAndNotBroken) {
  add(kCard, "0x10de\n", "0x20b0\n", "0x030200\n");
  set_link(kCard, "Unknown\n", "63\n", "Unknown speed\n", "255\n");
  const PciHost host = look();
  EXPECT_THAT(codes(host), ElementsAre("probe.no-driver"));
  EXPECT_EQ(pci_json(host.accelerators[0]).find("link")->find("lanes"), nullptr);
}

TEST_F(PciTest, TheSameOfSeveralCardsIsSaidOnce) {
  for (const char* way : {"pci0000:00/0000:00:01.0", "pci0000:00/0000:00:02.0", "pci0000:00/0000:00:03.0"})
    add(way, "0x10de\n", "0x20b0\n", "0x030200\n");
  const PciHost host = look();
  ASSERT_THAT(codes(host), ElementsAre("probe.no-driver"));
  EXPECT_THAT(host.findings[0].text, testing::StartsWith("0000:00:01.0 and 2 more: no driver"));
}

TEST_F(PciTest, AVirtualFunctionHasNeitherLinkNorChipToAnswerFor) {
  add("pci0000:00/0000:00:01.0", "0x10de\n", "0x20b0\n", "0x030200\n");
  add("pci0000:00/0000:00:01.1", "0x10de\n", "0x9999\n", "0x030200\n");
  link("sys/devices/pci0000:00/0000:00:01.1/physfn", "../0000:00:01.0");
  write("sys/devices/pci0000:00/0000:00:01.1/config", std::string(64, '\xff'));
  const PciHost host = look();
  ASSERT_EQ(host.accelerators.size(), 2U);
  EXPECT_EQ(host.accelerators[1].physical_function, "0000:00:01.0");
  EXPECT_THAT(codes(host), ElementsAre("probe.no-driver"));
  EXPECT_THAT(card_paths(host), IsEmpty());
}

TEST_F(PciTest, WhatIsNoNumberNamesItsFile) {
  add(kCard, "0x10de\n", "0x20b0\n", "0x030200\n");
  write(std::string("sys/devices/") + kCard + "/numa_node", "a\x01\xff\n");
  const PciHost host = look();
  ASSERT_EQ(codes(host).front(), "probe.corrupt-sysfs");
  EXPECT_THAT(host.findings[0].text, HasSubstr("0000:3b:00.0/numa_node"));
}

TEST_F(PciTest, AListOfNamesThatIsNoFileIsSaidAndNotWaitedFor) {
  add("pci0000:00/0000:01:00.0", "0x10de", "0x20b0", "0x030200");
  std::filesystem::remove(root_ + "/ids");
  ASSERT_EQ(::mkfifo((root_ + "/ids").c_str(), 0600), 0);
  const PciHost host = look();
  ASSERT_EQ(host.accelerators.size(), 1u);
  EXPECT_EQ(host.accelerators[0].device, "");
  EXPECT_TRUE(
      std::ranges::any_of(host.findings, [](const Finding& f) { return f.code == "probe.no-names"; }));
}

TEST_F(PciTest, AFindingNamesTheHostsOwnFile) {
  add("pci0000:00/0000:01:00.0", "0x10de", "nonsense", "0x030200");
  for (const Finding& finding : look().findings)
    EXPECT_EQ(finding.text.find(root_), std::string::npos) << finding.text;
  ASSERT_FALSE(look().findings.empty());
}

TEST(PciAddress, IsDomainBusDeviceAndFunction) {
  for (const char* right : {"0000:3b:00.0", "10000:e1:1f.7"}) EXPECT_TRUE(is_pci_address(right)) << right;
  for (const char* wrong : {"", "3b:00.0", "0000:3b:00", "0000:3b:00.8", "0000:3B:00.0", "000g:3b:00.0",
                            "0000:3b:00.0 ", "123456789:3b:00.0"})
    EXPECT_FALSE(is_pci_address(wrong)) << wrong;
}

PciAccelerator card_at(std::string root, std::vector<std::string> bridges, std::optional<int> node = 0) {
  PciAccelerator card;
  card.root_complex = std::move(root);
  card.bridges = std::move(bridges);
  card.numa_node = node;
  return card;
}

TEST(PciPaths, AreNamedByWhatLiesBetween) {
  const PciAccelerator a = card_at("pci0000:3a", {"port", "up", "down-0"});
  const auto to = [&](const PciAccelerator& b, int nodes = 2) {
    const auto kind = path_between(a, b, nodes);
    return kind ? std::string(name_of(*kind)) : "unknown";
  };
  EXPECT_EQ(to(card_at("pci0000:3a", {"port", "up", "down-1"})), "PIX") << "two slots of one switch";
  EXPECT_EQ(to(card_at("pci0000:3a", {"port", "up", "down-1", "up-2", "down-2"})), "PXB");
  EXPECT_EQ(to(card_at("pci0000:3a", {"port-2"})), "PHB");
  EXPECT_EQ(to(card_at("pci0000:80", {"port"}, 0)), "NODE");
  EXPECT_EQ(to(card_at("pci0000:80", {"port"}, 1)), "SYS");
  EXPECT_EQ(to(card_at("pci0000:80", {"port"}, std::nullopt)), "unknown");
  EXPECT_EQ(to(card_at("pci0000:80", {"port"}, std::nullopt), 1), "NODE") << "there is only one node";
  EXPECT_EQ(to(card_at("", {})), "unknown");
}

TEST_F(PciTest, TheKernelsTopologyTellsWhichCardsOfAmdReachEachOther) {
  const std::string nodes = "sys/class/kfd/kfd/topology/nodes/";
  write(nodes + "0/properties", "cpu_cores_count 64\nlocation_id 0\n");
  write(nodes + "1/properties", "location_id 1280\ndomain 0\n");
  write(nodes + "2/properties", "location_id 9472\ndomain 0\n");
  write(nodes + "1/io_links/0/properties", "type 2\nnode_from 1\nnode_to 0\n");
  write(nodes + "1/io_links/1/properties", "type 11\nnode_from 1\nnode_to 2\n");
  write(nodes + "2/p2p_links/0/properties", "garbage\nnode_to -7\nnode_to\n");
  EXPECT_THAT(kfd_peer_access(root_ + "/sys"),
              ElementsAre(std::pair<std::string, std::string>("0000:05:00.0", "0000:25:00.0")));
}

}  // namespace assay::pci_test
