// Stories about what becomes of kernel measurements: checked lines, bounds with their arithmetic, and
// efficiencies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exam/roofline/bounds.h"
#include "exam/roofline/collect.h"
#include "exam/roofline/peak.h"
#include "exam/rows.h"

namespace assay::roofline_test {

using ::testing::HasSubstr;

CpuInfo cpu_with(std::string vendor, int64_t family, std::vector<std::string> flags) {
  CpuInfo cpu;
  cpu.vendor = std::move(vendor);
  cpu.family = family;
  cpu.flags = std::move(flags);
  return cpu;
}

Json record_line() {
  const auto line = Json::parse(
      R"({"type": "record", "metric": "matmul_tflop_per_s", "value": 1.5, "unit": "TFLOP/s", "n": 3,
          "method": "m", "conditions": {"dtype": "f16", "nested": {"a": 1}, "m": 256}, "samples": [1.4, 1.5, 1.6],
          "ci_low": 1.4, "ci_high": 1.6, "confidence": 0.95})",
      "test");
  return *line;
}

Record measured(std::string metric, double value, Json conditions, int64_t subject = 1) {
  Record record;
  record.subject_id = subject;
  record.metric = std::move(metric);
  record.value = value;
  record.conditions = std::move(conditions);
  return record;
}

TEST(RecordLine, KeepsWhatIsWellFormedAndDropsNestedConditions) {
  const auto record = read_record_line(record_line(), 1);
  ASSERT_TRUE(record.has_value()) << record.error().message();
  EXPECT_EQ(record->value, 1.5);
  EXPECT_EQ(record->ci_low, 1.4);
  EXPECT_EQ(record->n, 3);
  EXPECT_EQ(record->conditions["m"].as_integer(), 256);
  EXPECT_EQ(record->conditions.find("nested"), nullptr);
}

TEST(RecordLine, WithoutAnIntervalOneComesFromTheRepetitions) {
  Json line = record_line();
  line.set("ci_low", nullptr);
  Json samples = Json::array();
  for (int i = 0; i < 20; ++i) samples.push(1.4 + 0.01 * i);
  line.set("samples", std::move(samples));
  const auto record = read_record_line(line, 1);
  ASSERT_TRUE(record.has_value());
  ASSERT_TRUE(record->ci_low.has_value());
  EXPECT_LT(*record->ci_low, *record->ci_high);
  EXPECT_EQ(record->confidence, 0.95);
}

TEST(RecordLine, UnknownMetricsWrongUnitsAndImpossibleValuesAreRefused) {
  Json line = record_line();
  line.set("metric", "matmul_tflops");
  EXPECT_THAT(read_record_line(line, 1).error().what, HasSubstr("unknown metric"));
  line = record_line();
  line.set("unit", "GFLOP/s");
  EXPECT_THAT(read_record_line(line, 1).error().what, HasSubstr("'GFLOP/s' instead of 'TFLOP/s'"));
  for (const Json& value : {Json(-1.0), Json(nullptr), Json("1.5")}) {
    line = record_line();
    line.set("value", value);
    EXPECT_THAT(read_record_line(line, 1).error().what, HasSubstr("no finite number"));
  }
}

TEST(CyclePeak, Zen4RunsAvx512InTwoPasses) {
  const CpuInfo zen4 = cpu_with("AuthenticAMD", 25, {"avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni"});
  EXPECT_DOUBLE_EQ(cycle_peak(zen4, "f32")->flop_per_cycle, 32);
  EXPECT_DOUBLE_EQ(cycle_peak(zen4, "f16")->flop_per_cycle, 32);
  EXPECT_DOUBLE_EQ(cycle_peak(zen4, "bf16")->flop_per_cycle, 64);
  EXPECT_DOUBLE_EQ(cycle_peak(zen4, "q4_0")->flop_per_cycle, 128);
  EXPECT_THAT(cycle_peak(zen4, "f32")->words, HasSubstr("Zen 4"));
}

TEST(CyclePeak, OtherProcessorsHaveTheirOwnUnits) {
  EXPECT_DOUBLE_EQ(cycle_peak(cpu_with("GenuineIntel", 6, {"avx512f"}), "f32")->flop_per_cycle, 64);
  EXPECT_DOUBLE_EQ(cycle_peak(cpu_with("GenuineIntel", 6, {"avx512f", "amx_int8"}), "q8_0")->flop_per_cycle,
                   2048);
  EXPECT_DOUBLE_EQ(cycle_peak(cpu_with("GenuineIntel", 6, {"avx2", "fma"}), "q8_0")->flop_per_cycle, 64);
  EXPECT_DOUBLE_EQ(cycle_peak(cpu_with("HiSilicon", 0, {"asimd", "asimdhp"}), "f16")->flop_per_cycle, 64);
  EXPECT_FALSE(cycle_peak(cpu_with("unknown", 0, {}), "f32").has_value());
}

TEST(CyclePeak, TheClockOfThisHostIsPlausible) {
  SystemClock clock;
  const double ghz = measured_clock_ghz(clock);
  EXPECT_GT(ghz, 0.1);
  EXPECT_LT(ghz, 10);
}

TEST(Bounds, TheBestOfEachTypeAndOfMemoryIsMarked) {
  std::vector<Record> records = {
      measured("matmul_tflop_per_s", 1, Json::object().set("dtype", "f16")),
      measured("matmul_tflop_per_s", 2, Json::object().set("dtype", "f16")),
      measured("matmul_tflop_per_s", 1, Json::object().set("dtype", "f32")),
      measured("memory_bandwidth_gb_per_s", 300, Json::object().set("memory", "cache")),
      measured("memory_bandwidth_gb_per_s", 40, Json::object().set("memory", "ram")),
  };
  mark_best(records);
  std::vector<bool> best;
  for (const Record& record : records) best.push_back(record.conditions["best"].as_bool());
  EXPECT_EQ(best, (std::vector<bool>{false, true, true, false, true}));
}

TEST(Bounds, EfficiencyIsMeasuredOverBoundAndAnExcessIsAFinding) {
  const CpuInfo zen4 = cpu_with("AuthenticAMD", 25, {"avx512f", "avx512_vnni"});
  TrialOutcome outcome;
  outcome.records = {measured("matmul_tflop_per_s", 0.096, Json::object().set("dtype", "f32")),
                     measured("matmul_tflop_per_s", 1, Json::object().set("dtype", "q4_0"))};
  add_cpu_bounds(zen4, 2, 3, outcome);
  ASSERT_EQ(outcome.records.size(), 6u);
  EXPECT_DOUBLE_EQ(*outcome.records[2].value, 2 * 32 * 3 / 1000.0);
  EXPECT_EQ(outcome.records[2].evidence_class, EvidenceClass::kDerived);
  EXPECT_THAT(outcome.records[2].method, HasSubstr("2 cores × 32 FLOP a cycle × 3.00 GHz"));
  EXPECT_DOUBLE_EQ(*outcome.records[3].value, 0.5);
  ASSERT_EQ(outcome.findings.size(), 1u) << "q4_0 at 1 TFLOP/s exceeds 2 · 128 · 3 GFLOP/s";
  EXPECT_EQ(outcome.findings[0].code, "roofline.above-bound");
  EXPECT_EQ(outcome.records[5].validity, Validity::kDoubtful);
}

TEST(Bounds, EngineEfficiencyComparesAnEngineWithTheKernelsOfItsOwnDevice) {
  DossierContent content;
  const Json costs = Json::object()
                         .set("weight_bytes_per_token", 1e8)
                         .set("flop_per_token", 2e8)
                         .set("weights_type", "Q4_K");
  content.records = {
      measured("memory_bandwidth_gb_per_s", 20, Json::object().set("best", true).set("kernel", "copy")),
      measured("memory_bandwidth_gb_per_s", 900, Json::object().set("best", true), 2),
      measured("matmul_tflop_per_s", 0.9, Json::object().set("best", true).set("dtype", "f16")),
      measured("matmul_tflop_per_s", 0.5, Json::object().set("best", true).set("dtype", "q4_K")),
      measured("decode_tokens_per_s", 100, costs),
      measured("prefill_tokens_per_s", 1000, costs)};
  const std::vector<Record> records = engine_efficiency_records(content);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_DOUBLE_EQ(*records[0].value, 0.5);
  EXPECT_EQ(records[0].conditions["of"].as_string(), "decode");
  EXPECT_DOUBLE_EQ(*records[1].value, 0.4);
  EXPECT_EQ(records[1].subject_id, 1);
  EXPECT_EQ(records[0].method.find("by kernels of"), std::string::npos);
  content.records.push_back(measured(
      "memory_bandwidth_gb_per_s", 40,
      Json::object().set("best", true).set("kernel", "triad").set("library", "cuBLAS").set("kit", "x")));
  const Record against_kit = engine_efficiency_records(content).at(0);
  EXPECT_DOUBLE_EQ(*against_kit.value, 0.25);
  EXPECT_NE(against_kit.method.find("(triad, by kernels of cuBLAS)"), std::string::npos)
      << against_kit.method;
  for (Record& record : content.records) {
    if (record.metric == "prefill_tokens_per_s") record.conditions.set("weights_type", "q4_1");
  }
  EXPECT_EQ(engine_efficiency_records(content).size(), 1u) << "no kernel of that type was measured";
}

TEST(RooflinePlan, ADeviceGetsKernelsAndEngineAndAnEndpointNothing) {
  Scenario scenario;
  TargetSpec target;
  target.kind = TargetKind::kDevice;
  target.name = target.device = "CPU";
  target.model = "smollm2-135m";
  const std::vector<Trial> trials = roofline_exam().plan(scenario, target, Json::object().set("type", "cpu"));
  ASSERT_EQ(trials.size(), 2u);
  EXPECT_EQ(trials[0].parameters["part"].as_string(), "kernels");
  EXPECT_EQ(trials[1].parameters["part"].as_string(), "engine");
  EXPECT_EQ(trials[1].parameters["model"].as_string(), "smollm2-135m");
  target.kind = TargetKind::kEndpoint;
  EXPECT_TRUE(roofline_exam().plan(scenario, target, Json()).empty());
}

// Workers that are no engine: a shell says the lines and ends as it is told to.
class NoProgress final : public Progress {
 public:
  void update(double, const std::string&) override {}
  void finding(const Finding&) override {}
};

TrialOutcome run_shell(const std::string& script) {
  const Scenario scenario;
  SystemClock clock;
  NoProgress progress;
  ExamContext context{.scenario = scenario, .clock = clock, .progress = progress};
  context.worker.command = {"/bin/sh", "-c", script};
  TrialOutcome outcome;
  EXPECT_TRUE(run_evidence_job(context, Json::object().set("job", "roofline"), 5, outcome).has_value());
  return outcome;
}

TEST(Worker, ThatDiesLeavesItsRecordsAndABlocker) {
  const TrialOutcome outcome = run_shell("echo '" + record_line().dump() + "'; kill -6 $$");
  EXPECT_EQ(outcome.state, TrialState::kFailed);
  EXPECT_EQ(outcome.records.size(), 1u);
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].code, "engine.worker-died");
  EXPECT_EQ(outcome.findings[0].severity, Severity::kBlocker);
  EXPECT_THAT(outcome.end_text, HasSubstr("signal 6"));
}

TEST(Worker, ThatCannotBeReadIsNotCalledHung) {
  const TrialOutcome outcome = run_shell("echo hello");
  EXPECT_EQ(outcome.state, TrialState::kFailed);
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].code, "engine.worker-nonsense");
  EXPECT_THAT(outcome.end_text, HasSubstr("no JSON object: hello"));
}

TEST(Worker, ThatTalksNonsenseIsRefused) {
  const TrialOutcome outcome = run_shell(R"(echo '{"type": "record", "metric": "happiness", "value": 1}')");
  EXPECT_EQ(outcome.state, TrialState::kDone);
  EXPECT_TRUE(outcome.records.empty());
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_THAT(outcome.findings[0].text, HasSubstr("unknown metric 'happiness'"));
}

TEST(Worker, ThatSaysWhyItFailsIsQuoted) {
  const TrialOutcome outcome = run_shell(
      R"(echo '{"type": "error", "what": "no such device", "where": "job", "remedy": "Buy one."}'; exit 1)");
  EXPECT_EQ(outcome.state, TrialState::kFailed);
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].code, "engine.refused");
  EXPECT_THAT(outcome.end_text, HasSubstr("no such device"));
  EXPECT_THAT(outcome.end_text, HasSubstr("Buy one."));
}

}  // namespace assay::roofline_test
