// The instrument's own error in reports: with a calibration, without one, and beyond its reach.
#include "report/instrument.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "report/model.h"
#include "report/report.h"

namespace assay::instrument_test {

InstrumentCalibration calibration() {
  CalibrationShape slow{.name = "open loop, 1,000 events/s", .events = 4000, .requests = 100};
  slow.events_per_s = 1000;
  slow.arrival_error_us_p50 = 2.5;
  slow.arrival_error_us_p99 = 6;
  slow.arrival_error_us_max = 203;
  slow.ttft_error_percent = 0.02;
  slow.dispatch_lag_us_max = 326;
  slow.emulator_late_us_p99_9 = 442;
  slow.emulator_late_us_max = 951;
  slow.client_cpu_percent = 2;
  CalibrationShape late = slow;
  late.name = "open loop, 20,000 events/s";
  late.events_per_s = 20'000;
  late.void_because = "the emulator was late: 80 of 4000 events by more than 10.0 ms";
  return {.measured_at = "2026-01-02T03:04:05Z",
          .conditions = {"0.1.0", "6.1.0", "a CPU", 8},
          .shape_s = 4,
          .shapes = {slow, late, {.name = "open loop, 100,000 events/s", .skipped = "one core"}}};
}

DossierContent run(std::optional<InstrumentCalibration> calibration, double tokens_per_s = 500) {
  DossierContent content;
  content.run.id = std::string(32, '0');
  content.run.finished_at = "2026-01-02T04:00:00Z";
  if (calibration) content.run.host.set("calibration", calibration->to_json());
  content.trials = {{.id = 1, .exam = "load", .target = "t", .name = "load mix on t"}};
  content.records = {{.id = 1,
                      .trial_id = 1,
                      .metric = "output_throughput_tokens_per_s",
                      .value = tokens_per_s,
                      .unit = "tokens/s"}};
  return content;
}

// As it was before it was broken into lines.
std::string on_one_line(const std::string& text) {
  std::string out;
  for (const std::string_view line : split(text, '\n'))
    out += fmt::format("{}{}", out.empty() ? "" : " ", trim(line));
  return out;
}

TEST(InstrumentCheck, WithoutLoadTrialsNothingIsSaid) {
  DossierContent content = run(std::nullopt);
  content.trials[0].exam = "roofline";
  const InstrumentCheck check = instrument_check(content);
  EXPECT_FALSE(check.applies);
  EXPECT_EQ(check.phrase, "");
}

TEST(InstrumentCheck, WithoutACalibrationItSaysHowToMakeOne) {
  const InstrumentCheck check = instrument_check(run(std::nullopt));
  EXPECT_EQ(check.phrase, "not calibrated on this machine: `assay load --calibrate`");
  EXPECT_EQ(check.beyond, "");
  EXPECT_NE(on_one_line(render_load_table(run(std::nullopt))).find(check.phrase), std::string::npos);
}

TEST(InstrumentCheck, TheWorstOfTheValidShapesSpeaks) {
  InstrumentCalibration several = calibration();
  const InstrumentCheck check = instrument_check(run(several));
  EXPECT_EQ(
      check.phrase,
      "calibrated 2026-01-02: up to 1000 events/s arrivals p99 6.00 µs late, mean TTFT off by 0.0200 % at most");
  CalibrationShape slower = several.shapes[0];
  slower.events_per_s = 10;
  slower.arrival_error_us_p99 = 46;
  slower.ttft_error_percent = -0.5;
  several.shapes.push_back(slower);
  slower.void_because = "late";
  slower.arrival_error_us_p99 = 1000;
  several.shapes.push_back(slower);
  EXPECT_EQ(
      instrument_check(run(several)).phrase,
      "calibrated 2026-01-02: up to 1000 events/s arrivals p99 46.0 µs late, mean TTFT off by 0.500 % at most");
  EXPECT_EQ(check.beyond, "");
}

TEST(InstrumentCheck, ATrialBeyondTheReachIsTold) {
  const DossierContent content = run(calibration(), 5000);
  const InstrumentCheck check = instrument_check(content);
  EXPECT_NE(check.beyond.find("does not reach so far: a trial had 5000 tokens/s"), std::string::npos)
      << check.beyond;
  EXPECT_NE(on_one_line(render_load_table(content)).find(check.beyond), std::string::npos);
}

// Of a merged dossier each load generator has its share; a rank's own dossier has its part alone.
TEST(InstrumentCheck, OfSeveralRanksEachHasItsShare) {
  DossierContent content = run(calibration(), 3000);
  EXPECT_NE(instrument_check(content).beyond, "");
  content.run.plan.set("ranks", 4);
  EXPECT_EQ(instrument_check(content).beyond, "");
  content.records[0].conditions.set("ranks_merged", 2);
  EXPECT_NE(instrument_check(content).beyond.find("a trial had 1500 tokens/s for each load generator"),
            std::string::npos);
  content.run.plan.set("rank", 3);
  EXPECT_NE(instrument_check(content).beyond.find("a trial had 3000 tokens/s,"), std::string::npos);
}

TEST(InstrumentCheck, AVoidCalibrationReachesNowhere) {
  InstrumentCalibration none = calibration();
  none.shapes[0].void_because = "late";
  const InstrumentCheck check = instrument_check(run(none));
  EXPECT_NE(check.phrase.find("no shape of single events is valid"), std::string::npos);
  EXPECT_NE(check.beyond, "");
}

TEST(InstrumentCheck, ABrokenCalibrationCountsAsNone) {
  DossierContent content = run(std::nullopt);
  content.run.host.set("calibration", Json::array());
  EXPECT_FALSE(instrument_check(content).calibration);
}

TEST(RenderCalibration, ReadsAsATable) {
  EXPECT_EQ(
      render_calibration(calibration()),
      R"(Calibrated 2026-01-02T03:04:05Z with assay 0.1.0 on a CPU, 8 processors, kernel 6.1.0; 4.00 s a shape.
Arrival error: the stamp of a chunk less the server's own send stamp. TTFT error: of the mean, against the server's first send. Lag and lateness: p99.9, or the largest (max) of too few for one.

                                                 arrival error, µs       TTFT      dispatch lag  emulator late  client
traffic                                events/s  p50   p99   p99.9  max  error, %  p99.9, µs     p99.9, µs      CPU, %
open loop, 1,000 events/s              1000      2.50  6.00  —      203  0.0200    326 max       442            2.00
open loop, 20,000 events/s (void)      20,000    2.50  6.00  —      203  0.0200    326 max       442            2.00
open loop, 100,000 events/s (skipped)  —         —     —     —      —    —         —             —              —
⚠ open loop, 20,000 events/s: void and no error of the instrument, the emulator was late: 80 of 4000 events by more than 10.0 ms
⚠ open loop, 100,000 events/s: skipped, one core
)");
}

}  // namespace assay::instrument_test
