// The four renderings as stories: complete, escaped, and the same on every run.
#include "report/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "evidence/dossier_test_support.h"
#include "os/os.h"
#include "report/html_parts.h"
#include "report/values.h"

namespace assay::report_test {

constexpr const char* kHostile = "</script><script>alert(1)</script><img src=x>|`**\"'\x1b[31m\xff";

// A dossier on disk whose every name is hostile.
class Rendering : public testing::Test {
 protected:
  void SetUp() override {
    RunInfo run{.id = "0123456789abcdef0123456789abcdef",
                .assay_version = "0.1.0",
                .created_at = "2026-01-02T03:04:05Z",
                .scenario_name = kHostile,
                .scenario_path = "built-in",
                .scenario_text = kHostile};
    Trial trial{.id = 1, .exam = "load", .target = kHostile, .name = kHostile};
    trial.parameters.set("phase", "mix").set("classes", Json(Json::Array{Json(kHostile)}));
    Result<Dossier> dossier = Dossier::create(folder_.file("x.dossier"), run, {trial}, {});
    ASSERT_TRUE(dossier) << dossier.error().message();
    dossier_.emplace(std::move(*dossier));
    TrialOutcome outcome;
    outcome.subject = Subject{.name = kHostile, .kind = "device"};
    Json conditions;
    conditions.set("phase", "mix").set("traffic_class", kHostile).set(kHostile, kHostile);
    outcome.records = {{.metric = "ttft_ms_p50",
                        .value = 12.5,
                        .unit = "ms",
                        .ci_low = 12,
                        .ci_high = 13,
                        .n = 70,
                        .method = kHostile,
                        .conditions = conditions,
                        .source = kHostile},
                       {.metric = "e2e_ms_p50",
                        .value = 77.7,
                        .unit = "ms",
                        .n = 70,
                        .conditions = conditions,
                        .validity = Validity::kVoid},
                       {.metric = "ttft_ms_p99",
                        .unit = "ms",
                        .n = 70,
                        .conditions = conditions,
                        .validity = Validity::kInsufficient}};
    outcome.findings = {{.severity = Severity::kDoubtful, .code = "load.rate-not-held", .text = kHostile}};
    Columns columns;
    for (const char* name : {"class", "failure"}) columns.add(name, std::vector<int64_t>{0, 0});
    for (const char* name : {"in_window", "good"}) columns.add(name, std::vector<int64_t>{1, 1});
    columns.add("scheduled_ns", std::vector<int64_t>{0, 1'000'000});
    columns.add("first_ns", std::vector<int64_t>{5'000'000, 9'000'000});
    columns.add("last_ns", std::vector<int64_t>{15'000'000, 19'000'000});
    columns.add("end_ns", std::vector<int64_t>{15'000'000, 19'000'000});
    columns.add("output_tokens", std::vector<int64_t>{5, 5});
    outcome.samples = {{.name = "requests", .columns = columns}};
    ASSERT_TRUE(dossier_->commit_trial(1, outcome));
    ASSERT_TRUE(dossier_->commit_conclusions(
        {{.question = 2, .answer = Answer::kNo, .reason = kHostile, .exam = "load", .record_ids = {1}},
         {.question = 3, .reason = "the probe failed", .command = "assay run --only probe"}},
        {}, {}, "2026-01-02T03:05:05Z"));
  }

  std::optional<Dossier> dossier_;
  testing_dossier::TemporaryFolder folder_;
};

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++found;
  return found;
}

TEST_F(Rendering, TheDataBlockCannotBeClosedByAName) {
  const std::string page = *render_html(*dossier_);
  // Two data blocks and the program: nothing else opens or closes a script element.
  EXPECT_EQ(count(page, "</script"), 3u);
  EXPECT_EQ(count(page, "<img"), 0u);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST_F(Rendering, VoidIsStruckThroughAndUnknownIsNamed) {
  const std::string page = *render_html(*dossier_);
  EXPECT_NE(page.find("<s>77.7</s>"), std::string::npos);
  EXPECT_NE(page.find("insufficient"), std::string::npos);
  EXPECT_NE(page.find("—&nbsp;unknown"), std::string::npos);
}

TEST_F(Rendering, MarkdownHoldsNoMarkupOfNames) {
  const std::string text = *render_markdown(*dossier_);
  EXPECT_EQ(text.find("<script"), std::string::npos);
  EXPECT_EQ(text.find("<img"), std::string::npos);
  EXPECT_NE(text.find("Is it fast enough under our mix?"), std::string::npos);
}

TEST_F(Rendering, MarkdownSaysWhyAQuestionIsOpenAndWhatWouldTell) {
  const std::string text = *render_markdown(*dossier_);
  EXPECT_NE(text.find("| the probe failed: `assay run --only probe` |"), std::string::npos);
  EXPECT_NE(text.find("| `assay run --only load` |"), std::string::npos);
}

TEST(MarkdownTables, ADerivedNumberHasADashForItsSamples) {
  const testing_dossier::TemporaryFolder folder;
  const Trial trial{.id = 1, .exam = "roofline", .target = "CPU", .name = "kernels"};
  Result<Dossier> dossier =
      Dossier::create(folder.file("x.assay"), {.id = std::string(32, '0')}, {trial}, {});
  ASSERT_TRUE(dossier) << dossier.error().message();
  TrialOutcome outcome;
  outcome.subject = Subject{.name = "CPU", .kind = "device"};
  outcome.records = {
      {.evidence_class = EvidenceClass::kDerived, .metric = "roofline_efficiency", .value = 0.5},
      {.metric = "launch_overhead_us", .value = 5, .unit = "µs", .n = 9}};
  ASSERT_TRUE(dossier->commit_trial(1, outcome));
  const std::string text = *render_markdown(*dossier);
  EXPECT_NE(text.find("| share of the bound | 50.0 *derived* | % | — |"), std::string::npos) << text;
  EXPECT_NE(text.find("| launch overhead | 5.00 | µs | 9 |"), std::string::npos) << text;
}

// Where charts are not drawn, tables are all there is.
TEST(Tables, HoldTheMemoryBandwidthOfEachSize) {
  const testing_dossier::TemporaryFolder folder;
  const Trial trial{.id = 1, .exam = "roofline", .target = "CPU", .name = "kernels"};
  Result<Dossier> dossier =
      Dossier::create(folder.file("x.assay"), {.id = std::string(32, '0')}, {trial}, {});
  ASSERT_TRUE(dossier) << dossier.error().message();
  TrialOutcome outcome;
  outcome.subject = Subject{.name = "CPU", .kind = "device"};
  for (const auto& [bytes, memory, value] : {std::tuple{1 << 20, "cache", 90.0}, {1 << 28, "ram", 20.0}}) {
    Record record{.metric = "memory_bandwidth_gb_per_s", .value = value, .unit = "GB/s", .n = 9};
    record.ci_low = value - 1;
    record.ci_high = value + 1;
    record.conditions = Json::object().set("kernel", "copy").set("size_bytes", bytes).set("memory", memory);
    outcome.records.push_back(std::move(record));
  }
  ASSERT_TRUE(dossier->commit_trial(1, outcome));
  const std::string text = *render_markdown(*dossier);
  EXPECT_NE(text.find("| copy | 1.00 MiB | cache | 90.0 (89.0–91.0) | 9 |"), std::string::npos) << text;
  EXPECT_NE(text.find("| copy | 256 MiB | ram | 20.0 (19.0–21.0) | 9 |"), std::string::npos) << text;
  const std::string page = *render_html(*dossier);
  EXPECT_NE(page.find("Memory bandwidth of CPU"), std::string::npos);
  EXPECT_NE(page.find("256 MiB"), std::string::npos);
}

TEST(HtmlProse, WhatStandsBetweenBackticksIsCode) {
  EXPECT_EQ(prose_html("run `assay <x>` or `y`."), "run <code>assay &lt;x&gt;</code> or <code>y</code>.");
  EXPECT_EQ(prose_html("one ` alone & no code"), "one ` alone &amp; no code");
  EXPECT_EQ(prose_html(""), "");
}

TEST_F(Rendering, EveryReportSaysThatTheInstrumentIsNotCalibrated) {
  EXPECT_NE(render_html(*dossier_)->find("Not calibrated on this machine: <code>assay load --calibrate"),
            std::string::npos);
  EXPECT_NE(render_markdown(*dossier_)->find("Not calibrated on this machine: `assay load --calibrate`"),
            std::string::npos);
  const Result<Json> json = Json::parse(*render_json(*dossier_), "report.json");
  ASSERT_TRUE(json);
  EXPECT_FALSE((*json)["calibration"]["is_calibrated"].as_bool(true));
}

TEST_F(Rendering, EveryReportCarriesTheCalibration) {
  InstrumentCalibration calibration{.measured_at = "2026-01-01T00:00:00Z",
                                    .conditions = {"0.1.0", kHostile, "a CPU", 8},
                                    .shape_s = 4,
                                    .shapes = {{.name = kHostile, .void_because = kHostile}}};
  calibration.shapes.push_back({.name = "open loop, fast"});
  calibration.shapes[0].events_per_s = 31'400;
  calibration.shapes[1].events_per_s = 20'500;
  calibration.shapes[1].arrival_error_us_p99 = 7.09;
  RunInfo run{.id = std::string(32, '0')};
  run.host.set("calibration", calibration.to_json());
  const Trial trial{.id = 1, .exam = "load", .target = "t", .name = "load"};
  Result<Dossier> dossier = Dossier::create(folder_.file("calibrated.dossier"), run, {trial}, {});
  ASSERT_TRUE(dossier) << dossier.error().message();
  const std::string page = *render_html(*dossier), text = *render_markdown(*dossier);
  for (const std::string& report : {page, text}) {
    EXPECT_NE(report.find("Calibrated 2026-01-01T00:00:00Z with assay 0.1.0"), std::string::npos);
    EXPECT_NE(report.find("20,500"), std::string::npos);
    EXPECT_NE(report.find("7.09"), std::string::npos);
    EXPECT_EQ(report.find("<img"), std::string::npos);
  }
  EXPECT_NE(page.find("<s>31,400</s>"), std::string::npos);
  EXPECT_NE(text.find("~~31,400~~"), std::string::npos);
  const Result<Json> json = Json::parse(*render_json(*dossier), "report.json");
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["calibration"]["reach_events_per_s"].as_number(), 20'500);
}

TEST_F(Rendering, JsonReadsBackWithEveryPartAndTheRawSamples) {
  const std::string text = *render_json(*dossier_);
  const Result<Json> json = Json::parse(text, "report.json");
  ASSERT_TRUE(json) << json.error().message();
  for (const char* part : {"answers", "waterfall", "roofline", "load", "findings", "provenance", "samples"})
    EXPECT_NE(json->find(part), nullptr) << part;
  EXPECT_EQ((*json)["answers"].items().size(), 8u);
  EXPECT_EQ((*json)["provenance"]["records"].items().size(), 3u);
  EXPECT_EQ((*json)["samples"]["1"]["requests"]["first_ns"].items()[1].as_integer(), 9'000'000);
}

TEST_F(Rendering, TheTerminalKeepsItsWidthAndSaysAllInWords) {
  const DossierContent content = *dossier_->read();
  for (const size_t width : {40u, 80u, 100u, 132u}) {
    const std::string text = render_terminal_summary(content, {.width = width,
                                                               .dossier_path = "x.dossier",
                                                               .report_path = "x.html",
                                                               .next_command = "assay report x.dossier"});
    EXPECT_EQ(text.find('\x1b'), std::string::npos)
        << "colour was not asked for, and a name must not bring its own";
    for (const std::string_view line : split(text, '\n'))
      EXPECT_LE(display_width(line), std::max<size_t>(width, 80)) << line;
    EXPECT_EQ(count(text, "not examined"), 7u);
    EXPECT_NE(text.find("x.html"), std::string::npos);
  }
}

TEST_F(Rendering, ColourAddsNothingToTheWords) {
  const DossierContent content = *dossier_->read();
  std::string coloured = render_terminal_summary(content, {.colour = true}),
              plain = render_terminal_summary(content, {});
  EXPECT_NE(coloured, plain);
  for (size_t at = 0; (at = coloured.find('\x1b')) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) - at + 1);
  EXPECT_EQ(coloured, plain);
}

}  // namespace assay::report_test
