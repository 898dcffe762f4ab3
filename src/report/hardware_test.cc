// Stories about hardware and tooling in the report: four states in words, clones named as such, unknown never
// a blank, and nothing where nobody looked.
#include "report/hardware.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace assay::hardware_test {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

Json host_of(const char* text) {
  const auto host = Json::parse(text, "host");
  EXPECT_TRUE(host.has_value());
  return host.value_or(Json());
}

const HostTable* table_of(const HardwareReport& report, std::string_view title) {
  for (const HostTable& table : report.tables) {
    if (table.title == title) return &table;
  }
  return nullptr;
}

constexpr const char* kHost = R"({
  "cpu": {"model": "x"},
  "accelerators": [{"address": "0000:3b:00.0", "vendor_id": "10de", "device_id": "20b0", "vendor": "NVIDIA Corporation",
    "device": "GA100", "profile": "nvidia", "driver": "nvidia", "driver_version": "550.54",
    "link": {"speed_gt_per_s": 16, "lanes": 8, "most_speed_gt_per_s": 16, "most_lanes": 16}},
    {"address": "0000:5e:00.0", "vendor_id": "1234", "device_id": "0001"}],
  "runtimes": [{"library": "libcudart.so", "path": "/usr/local/corex/lib64/libcudart.so.10.2.89", "version": "10.2.89",
    "profile": "iluvatar", "role": "CUDA run-time", "clone_of": "NVIDIA CUDA", "clone_of_profile": "nvidia",
    "claims_version": "10.2", "because": "lies in /usr/local/corex", "machine": "x86-64"},
    {"library": "libOpenCL.so", "path": "/usr/lib/libOpenCL.so.1"}],
  "stacks": [{"profile": "iluvatar", "name": "Iluvatar CoreX", "path": "/usr/local/corex", "version": "4.2.0"}],
  "tooling": [{"profile": "iluvatar", "name": "Iluvatar CoreX", "because": "a card on PCI", "capabilities": [
    {"capability": "compiler", "state": "present", "what": "clang++ at /usr/local/corex/bin/clang++"},
    {"capability": "profiler", "state": "not here", "what": "ixsys", "source": "https://example.org/", "date": "2026-11-30"},
    {"capability": "debugger", "state": "none", "what": "no debugger is sold", "source": "https://example.org/faq", "date": "2026-11"},
    {"capability": "collectives", "state": "unknown"}]}],
  "python": [{"interpreter": "/usr/bin/python3", "version": "3.10", "packages": [{"name": "torch", "version": "2.1.0+corex.4.0", "profile": "iluvatar"}]}],
  "management": [{"library": "libixml.so", "path": "/usr/local/corex/lib64/libixml.so", "devices": [{"name": "Iluvatar BI-V150",
    "memory_bytes": 34359738368, "power_w": 60, "throttle_reasons": []}]}, {"library": "libnvidia-ml.so.1", "path": "/usr/lib/x", "error": "it crashed"}],
  "probe_findings": [{"severity": "note", "code": "probe.clone", "text": "a clone"},
    {"severity": "doubtful", "code": "probe.link-narrow", "text": "a narrow link"}]})";

TEST(Hardware, TheFourStatesStandInShapesAndWords) {
  const HardwareReport report = make_hardware_report(host_of(kHost));
  const HostTable* tooling = table_of(report, "Tooling of Iluvatar CoreX");
  ASSERT_NE(tooling, nullptr);
  EXPECT_EQ(tooling->rows[0][1], "● present");
  EXPECT_EQ(tooling->rows[1][1], "○ not installed here");
  EXPECT_EQ(tooling->rows[1][2], "the vendor has ixsys");
  EXPECT_EQ(tooling->rows[2][1], "✕ the vendor has none");
  EXPECT_EQ(tooling->rows[2][3], "https://example.org/faq, read 2026-11");
  EXPECT_EQ(tooling->rows[3][1], "— unknown");
  EXPECT_THAT(tooling->sentence, HasSubstr("1 not installed here though the vendor has them"));
}

TEST(Hardware, ACloneIsNamedAsOneAndWhyItIsTakenForOne) {
  const HardwareReport report = make_hardware_report(host_of(kHost));
  const HostTable* runtimes = table_of(report, "Run-time libraries");
  ASSERT_NE(runtimes, nullptr);
  EXPECT_EQ(runtimes->rows[0][2], "Iluvatar CoreX");
  EXPECT_EQ(runtimes->rows[0][3],
            "CUDA run-time; a clone of NVIDIA CUDA that claims 10.2 (lies in /usr/local/corex)");
  EXPECT_THAT(runtimes->sentence, HasSubstr("Iluvatar CoreX 4.2.0 in /usr/local/corex"));
  EXPECT_THAT(report.lead, HasSubstr("a clone of NVIDIA CUDA by Iluvatar CoreX"));
}

TEST(Hardware, WhatIsUnknownSaysSoAndNoCellIsBlank) {
  const HardwareReport report = make_hardware_report(host_of(kHost));
  for (const HostTable& table : report.tables) {
    for (const std::vector<std::string>& row : table.rows) {
      ASSERT_EQ(row.size(), table.columns.size()) << table.title;
      EXPECT_THAT(row, Not(Contains(""))) << table.title;
    }
  }
  const HostTable* cards = table_of(report, "Accelerators");
  EXPECT_EQ(cards->rows[0][4], "16 GT/s × 8 of 16 GT/s × 16 possible");
  EXPECT_EQ(cards->rows[1][1], "1234:0001");
  EXPECT_EQ(cards->rows[1][2], "— not in the catalogue");
  EXPECT_EQ(cards->rows[1][3], "none bound");
  EXPECT_EQ(table_of(report, "Python environments")->rows[0][3], "— not asked");
}

TEST(Hardware, ManagementReadingsAndTheirFailuresStandThere) {
  const HardwareReport report = make_hardware_report(host_of(kHost));
  const HostTable* readings = table_of(report, "Readings of the management libraries");
  ASSERT_NE(readings, nullptr);
  EXPECT_THAT(readings->sentence, HasSubstr("libnvidia-ml.so.1 (/usr/lib/x): it crashed"));
  EXPECT_EQ(readings->rows[0][2], "60.0 W");
  EXPECT_EQ(readings->rows[0][3], "— unknown");
  EXPECT_EQ(readings->rows[0][6], "none");
}

TEST(Hardware, TheGravestFindingComesFirst) {
  const HardwareReport report = make_hardware_report(host_of(kHost));
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].code, "probe.link-narrow");
}

TEST(Hardware, WhereNobodyLookedThereIsNoSection) {
  EXPECT_TRUE(make_hardware_report(host_of(R"({"cpu": {}, "devices": []})")).is_empty());
  EXPECT_TRUE(make_hardware_report(Json()).is_empty());
  EXPECT_TRUE(is_in_hardware_report("tooling"));
  EXPECT_FALSE(is_in_hardware_report("cpu"));
}

}  // namespace assay::hardware_test
