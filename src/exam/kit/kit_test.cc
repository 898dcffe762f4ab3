// Stories about kits under examination: what of their words becomes evidence, and what becomes of the trial.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "exam/kit/kit_records.h"
#include "exam/kit/kit_trial.h"
#include "exam/rows.h"

namespace assay::kit_exam_test {

using ::testing::HasSubstr;
using ::testing::Not;

const KitVoice kVoice{
    .name = "my-kit", .version = "2.0", .library = "cuBLAS through PyTorch 2.1.0+corex", .exam = "roofline"};

Json record_line() {
  const auto line = Json::parse(
      R"({"type": "record", "metric": "matmul_tflop_per_s", "value": 1.5, "unit": "TFLOP/s",
          "samples": [1.4, 1.45, 1.5, 1.5, 1.5, 1.55, 1.6], "method": "m",
          "conditions": {"kernel": "matmul", "dtype": "f16", "best": true, "bound": "theoretical", "kit": "assay", "flop_per_byte": 341.3}})",
      "test");
  return *line;
}

std::string refusal(const Json& line, const KitVoice& voice = kVoice) {
  const Result<Record> record = read_kit_record(line, voice);
  return record ? "taken" : record.error().what;
}

TEST(KitRecord, CarriesWhoSaidItAndWhoseKernelsItIsOf) {
  const Result<Record> record = read_kit_record(record_line(), kVoice);
  ASSERT_TRUE(record) << record.error().message();
  EXPECT_EQ(record->value, 1.5);
  EXPECT_EQ(record->n, 7);
  EXPECT_EQ(record->evidence_class, EvidenceClass::kMeasured);
  EXPECT_EQ(record->source, "kit my-kit 2.0");
  EXPECT_EQ(record->conditions["kit"].as_string(), "my-kit");
  EXPECT_EQ(record->conditions["kit_version"].as_string(), "2.0");
  EXPECT_EQ(record->conditions["library"].as_string(), "cuBLAS through PyTorch 2.1.0+corex");
  EXPECT_EQ(record->conditions["dtype"].as_string(), "f16");
  EXPECT_EQ(record->conditions.find("best"), nullptr) << "assay says itself what is best";
  EXPECT_EQ(record->conditions.find("bound"), nullptr);
}

TEST(KitRecord, ItsIntervalComesFromItsSamplesAndNotFromItsWord) {
  Json line = record_line();
  line.set("ci_low", 1.4999).set("ci_high", 1.5001).set("confidence", 0.95);
  const Result<Record> record = read_kit_record(line, kVoice);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->ci_low, 1.4);
  EXPECT_EQ(record->ci_high, 1.6);
}

TEST(KitRecord, WithoutSamplesItsOwnIntervalStandsIfItHoldsTheValue) {
  Json line = record_line();
  line.set("samples", Json::array())
      .set("n", 3)
      .set("ci_low", 1.4)
      .set("ci_high", 1.6)
      .set("confidence", 0.9);
  EXPECT_EQ(read_kit_record(line, kVoice)->ci_low, 1.4);
  EXPECT_EQ(read_kit_record(line, kVoice)->n, 3);
  line.set("ci_low", 1.7).set("ci_high", 1.8);
  EXPECT_FALSE(read_kit_record(line, kVoice)->ci_low);
}

TEST(KitRecord, LiesAreRefusedAndSayWhy) {
  EXPECT_THAT(refusal(record_line().set("unit", "GFLOP/s")),
              HasSubstr("is in 'GFLOP/s' instead of 'TFLOP/s'"));
  EXPECT_THAT(refusal(record_line().set("metric", "matmul_tflops")), HasSubstr("unknown metric"));
  EXPECT_THAT(refusal(record_line().set("metric", "goodput_per_s")), HasSubstr("not for a kit to measure"));
  EXPECT_THAT(refusal(record_line().set("metric", "decode_tokens_per_s")),
              HasSubstr("not for a kit to measure"));
  EXPECT_THAT(refusal(record_line().set("metric", "device_memory_bytes")),
              HasSubstr("belongs to the exam probe"));
  for (const Json& value : {Json(-1.0), Json(0), Json(nullptr), Json("1.5"), Json(true)})
    EXPECT_THAT(refusal(record_line().set("value", value)), HasSubstr("no finite number above 0"));
  EXPECT_THAT(refusal(record_line().set("value", 1e300)), HasSubstr("more than any silicon does"));
  // 187 TFLOP/s told in MFLOP/s, 250 GB/s in kB/s, and 5 µs in seconds.
  const auto slip = [](const char* metric, const char* unit, double value) {
    return refusal(
        Json::object().set("type", "record").set("metric", metric).set("unit", unit).set("value", value));
  };
  EXPECT_EQ(slip("host_to_device_gb_per_s", "GB/s", 64), "taken");
  EXPECT_THAT(slip("matmul_tflop_per_s", "TFLOP/s", 187e6), HasSubstr("is it in another unit?"));
  EXPECT_THAT(slip("host_to_device_gb_per_s", "GB/s", 250e6), HasSubstr("more than any silicon does"));
  EXPECT_THAT(slip("launch_overhead_us", "µs", 5e-6), HasSubstr("less than any silicon does"));
  EXPECT_THAT(refusal(record_line().set("value", 99)),
              HasSubstr("lies outside its own samples, which are from 1.40 to 1.60"));
  EXPECT_THAT(refusal(record_line().set("samples", Json::array().push(1.5).push("x"))),
              HasSubstr("no list of"));
  EXPECT_THAT(refusal(record_line().set("samples", Json::array().push(1.5).push(-1))),
              HasSubstr("a sample of"));
  EXPECT_THAT(refusal(record_line().set("samples", "1.5")), HasSubstr("no list of"));
}

TEST(KitRecord, AnIntensityThatNoKernelHasIsDropped) {
  Json line = record_line();
  line.set("conditions", Json::object().set("flop_per_byte", 1e300));
  EXPECT_EQ(read_kit_record(line, kVoice)->conditions.find("flop_per_byte"), nullptr);
}

TEST(KitFinding, HasACodeOfTheKitsOwnAndSteersNothing) {
  const auto line = Json::parse(
      R"({"severity": "impossible", "code": "int8-missing", "text": "no int8", "evidence": {"voids_trial": true, "dtype": "int8"}})",
      "test");
  const Result<Finding> finding = read_kit_finding(*line, kVoice);
  ASSERT_TRUE(finding) << finding.error().message();
  EXPECT_EQ(finding->code, "kit.my-kit.int8-missing");
  EXPECT_EQ(finding->severity, Severity::kDoubtful);
  EXPECT_EQ(finding->evidence.find("voids_trial"), nullptr);
  EXPECT_EQ(finding->evidence["dtype"].as_string(), "int8");
  EXPECT_FALSE(read_kit_finding(Json::object().set("code", "Bad Code").set("text", "x"), kVoice));
  EXPECT_FALSE(read_kit_finding(Json::object().set("code", "x"), kVoice));
}

TEST(KitSubject, IsWhatTheScenarioCallsItOrTheKitOrTheTarget) {
  const Json line = Json::object()
                        .set("name", "BI-V150")
                        .set("library", "cuBLAS")
                        .set("details", Json::object().set("memory_bytes", 64));
  const Subject own = kit_subject(line, kVoice, "", "target");
  EXPECT_EQ(own.name, "BI-V150");
  EXPECT_EQ(own.kind, "device");
  EXPECT_EQ(own.details["memory_bytes"].as_integer(), 64);
  const Subject shared = kit_subject(line, kVoice, "CPU", "target");
  EXPECT_EQ(shared.name, "CPU");
  EXPECT_EQ(shared.details["my-kit memory_bytes"].as_integer(), 64);
  EXPECT_EQ(shared.details["my-kit device"].as_string(), "BI-V150");
  EXPECT_EQ(kit_subject(Json(), kVoice, "", "target").name, "target");
}

// ---- trials ----

class NoProgress final : public Progress {
 public:
  void update(double, const std::string&) override {}
  void finding(const Finding&) override {}
};

TargetSpec shell_target(const std::string& script) {
  TargetSpec target;
  target.kind = TargetKind::kKit;
  target.name = "shell";
  target.kit.kit = "/bin/sh";
  target.kit.arguments = {"-c", script};
  return target;
}

TrialOutcome run(const TargetSpec& target, bool is_quick = false) {
  Scenario scenario;
  scenario.is_quick = is_quick;
  SystemClock clock;
  NoProgress progress;
  ExamContext context{.scenario = scenario, .clock = clock, .progress = progress};
  context.server_environment = {{"PATH", "/usr/bin:/bin"}, {"ASSAY_CACHE_DIR", "/no/business/of/a/kit"}};
  context.secret = [](const std::string& name) { return name == "MY_TOKEN" ? "swordfish" : ""; };
  std::optional<Trial> trial = plan_kit_trial("roofline", target);
  EXPECT_TRUE(trial.has_value());
  const Result<TrialOutcome> outcome = run_kit_trial(context, *trial, target);
  EXPECT_TRUE(outcome) << outcome.error().message();
  return *outcome;
}

const std::string kHello =
    R"(echo '{"type": "hello", "protocol": "assay kit 1", "name": "my-kit", "version": "2.0"}'; )";
const std::string kDevice = R"(echo '{"type": "device", "name": "BI-V150", "library": "cuBLAS"}'; )";
const std::string kDone = R"(echo '{"type": "done"}'; )";

std::string say(const Json& line) {
  return "echo '" + line.dump() + "'; ";
}

int64_t measured(const TrialOutcome& outcome) {
  return std::ranges::count(outcome.records, EvidenceClass::kMeasured, &Record::evidence_class);
}

std::vector<std::string> codes(const TrialOutcome& outcome) {
  std::vector<std::string> all;
  for (const Finding& finding : outcome.findings) all.push_back(finding.code);
  return all;
}

TEST(KitTrial, AGoodKitLeavesRecordsOfItsDevice) {
  const TrialOutcome outcome = run(shell_target(kHello + kDevice + say(record_line()) + kDone));
  EXPECT_EQ(outcome.state, TrialState::kDone) << outcome.end_text;
  EXPECT_EQ(outcome.subject->name, "BI-V150");
  ASSERT_EQ(measured(outcome), 1);
  EXPECT_TRUE(outcome.records[0].conditions["best"].as_bool());
  EXPECT_THAT(outcome.records[0].source, HasSubstr("kit my-kit 2.0 through assay"));
  EXPECT_TRUE(outcome.findings.empty()) << codes(outcome).at(0);
  EXPECT_EQ(outcome.samples.size(), 1U);
}

TEST(KitTrial, WhatIsClaimedOfItsDevicesChipStandsBesideAsClaims) {
  const TrialOutcome outcome = run(shell_target(kHello + kDevice + say(record_line()) + kDone));
  size_t claims = 0;
  for (const Record& record : outcome.records) {
    if (record.evidence_class == EvidenceClass::kMeasured) continue;
    ++claims;
    EXPECT_EQ(record.conditions["chip"].as_string(), "iluvatar-bi-v150");
    EXPECT_EQ(record.conditions["device"].as_string(), "BI-V150");
    EXPECT_EQ(record.conditions.find("kit"), nullptr) << "no word of the kit's";
  }
  EXPECT_GT(claims, 5U);
  EXPECT_TRUE(run(shell_target(kHello + kDevice + kDone)).records.empty()) << "nothing to hold against them";
}

TEST(KitTrial, WhatIsRefusedIsAFindingAndTheRestStands) {
  const TrialOutcome outcome = run(shell_target(
      kHello + kDevice + say(record_line()) + say(record_line().set("unit", "GFLOP/s")) +
      R"(echo '{"type": "record", "metric": "matmul_tflop_per_s", "value": NaN}'; echo hello; )" + kDone));
  EXPECT_EQ(outcome.state, TrialState::kDone);
  EXPECT_EQ(measured(outcome), 1);
  EXPECT_EQ(codes(outcome),
            (std::vector<std::string>{"kit.record-refused", "kit.line-refused", "kit.other-output"}));
  EXPECT_THAT(outcome.findings[0].text, HasSubstr("'GFLOP/s' instead of 'TFLOP/s'"));
  EXPECT_THAT(outcome.findings[1].text, HasSubstr("NaN, which is no number in JSON"));
}

TEST(KitTrial, AnAbsentFrameworkIsSkippedAndNoFailure) {
  const TrialOutcome outcome =
      run(shell_target(kHello + R"(echo '{"type": "absent", "reason": "no torch"}'; )" + kDone));
  EXPECT_EQ(outcome.state, TrialState::kSkipped);
  EXPECT_EQ(outcome.end_text, "no torch");
  ASSERT_EQ(codes(outcome), (std::vector<std::string>{"kit.absent"}));
  EXPECT_EQ(outcome.findings[0].severity, Severity::kNote);
}

TEST(KitTrial, ACrashIsABlockerAndWhatWasToldBeforeStays) {
  const TrialOutcome outcome =
      run(shell_target(kHello + kDevice + say(record_line()) + "echo 'illegal access' >&2; kill -SEGV $$"));
  EXPECT_EQ(outcome.state, TrialState::kFailed);
  EXPECT_EQ(measured(outcome), 1);
  ASSERT_EQ(codes(outcome), (std::vector<std::string>{"kit.died"}));
  EXPECT_EQ(outcome.findings[0].severity, Severity::kBlocker);
  EXPECT_THAT(outcome.end_text, HasSubstr("illegal access"));
  ASSERT_EQ(outcome.artifacts.size(), 1U);
  EXPECT_EQ(outcome.artifacts[0].name, "kit.stderr");
}

TEST(KitTrial, AHangAndNonsenseFailToo) {
  TargetSpec hung = shell_target(kHello + "sleep 1000");
  hung.kit.silence_limit_s = 1;
  EXPECT_EQ(codes(run(hung)), (std::vector<std::string>{"kit.hung"}));
  const TrialOutcome nonsense = run(shell_target("echo '{\"type\": \"record\"}'"));
  EXPECT_EQ(nonsense.state, TrialState::kFailed);
  EXPECT_EQ(codes(nonsense), (std::vector<std::string>{"kit.nonsense"}));
}

TEST(KitTrial, WhatItLeavesBehindIsToldAndGone) {
  const TrialOutcome outcome =
      run(shell_target(kHello + kDevice + say(record_line()) +
                       "up=$(setsid sh -c 'sleep 1000 >/dev/null & echo up'); " + kDone));
  EXPECT_EQ(outcome.state, TrialState::kDone);
  ASSERT_EQ(codes(outcome), (std::vector<std::string>{"kit.left-behind"}));
  EXPECT_EQ(outcome.findings[0].severity, Severity::kDoubtful);
}

TEST(KitTrial, AKitThatIsNotThereSaysNothingOfTheStack) {
  TargetSpec target = shell_target("");
  target.kit.kit = "/nowhere/kit";
  EXPECT_EQ(codes(run(target)), (std::vector<std::string>{"exam.failed"}));
  target = shell_target("");
  target.kit.python = "/nowhere/python3";
  EXPECT_EQ(codes(run(target)), (std::vector<std::string>{"exam.failed"}));
}

TEST(KitTrial, IsToldItsJobInItsEnvironmentAndSeesNoSecret) {
  ::setenv("ASSAY_TEST_KIT_KEY", "hunter2", 1);
  TargetSpec target = shell_target(kHello + "env >&2; " + kDone);
  target.kit.parameters = {{"sizes", Json("1024 4096")}, {"fast", Json(true)}, {"share", Json(0.5)}};
  target.kit.variables = {{"MY_TOKEN", "", true}, {"NOT_SET", "", true}, {"MY_LOG", "0", false}};
  const TrialOutcome outcome = run(target, true);
  ::unsetenv("ASSAY_TEST_KIT_KEY");
  ASSERT_EQ(outcome.artifacts.size(), 1U);
  const std::string& env = outcome.artifacts[0].content;
  for (const char* line :
       {"ASSAY_KIT_PROTOCOL=1", "ASSAY_KIT_EXAM=roofline", "ASSAY_KIT_QUICK=1", "ASSAY_KIT_DURATION_S=40",
        "ASSAY_KIT_PARAMETER_SIZES=1024 4096", "ASSAY_KIT_PARAMETER_FAST=true",
        "ASSAY_KIT_PARAMETER_SHARE=0.5", "MY_LOG=0", "MY_TOKEN=***",
        R"("parameters": {"sizes": "1024 4096", "fast": true, "share": 0.5})"})
    EXPECT_THAT(env, HasSubstr(line));
  for (const char* absent : {"hunter2", "swordfish", "NOT_SET", "ASSAY_CACHE_DIR"})
    EXPECT_THAT(env, Not(HasSubstr(absent)));
}

// ---- plans ----

TEST(KitPlan, AKitOfAssaysOwnIsProbedToo) {
  Scenario scenario;
  TargetSpec target;
  target.kind = TargetKind::kKit;
  target.name = "native";
  target.device = "CPU";
  target.kit.kit = "torch-roofline";
  target.kit.python = "/opt/venv/bin/python3";
  const std::vector<Trial> roofline = roofline_exam().plan(scenario, target, Json());
  ASSERT_EQ(roofline.size(), 1U);
  EXPECT_EQ(roofline[0].name, "roofline by torch-roofline on native");
  EXPECT_EQ(roofline[0].parameters["part"].as_string(), "kit");
  const std::vector<Trial> probe = probe_exam().plan(scenario, target, Json());
  ASSERT_EQ(probe.size(), 1U);
  EXPECT_EQ(probe[0].parameters["kit"].as_string(), "torch-probe");
  EXPECT_TRUE(load_exam().plan(scenario, target, Json()).empty());
}

TEST(KitPlan, AFileOfTheUsersIsForTheRooflineOnly) {
  const TargetSpec target = shell_target("");
  EXPECT_FALSE(plan_kit_trial("probe", target));
  EXPECT_EQ(plan_kit_trial("roofline", target)->name, "roofline by sh on shell");
}

TEST(KitPlan, AFileNamedPyIsRunByPython) {
  const Scenario scenario;
  SystemClock clock;
  NoProgress progress;
  ExamContext context{
      .scenario = scenario, .clock = clock, .progress = progress, .kit_directory = ASSAY_SOURCE_DIR "/kits"};
  TargetSpec target;
  target.kind = TargetKind::kKit;
  target.kit.kit = "torch-roofline";
  const Result<KitCommand> command = kit_command(context, *plan_kit_trial("roofline", target), target);
  ASSERT_TRUE(command) << command.error().message();
  EXPECT_EQ(command->command[0], "python3");
  EXPECT_THAT(command->command[1], HasSubstr("/torch_roofline.py"));
}

}  // namespace assay::kit_exam_test
