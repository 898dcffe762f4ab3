// The load exam from plan to outcome, on the fake target and a clock that only the exam moves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "evidence/dossier_test_support.h"
#include "exam/load/calibration.h"
#include "exam/load/traffic.h"
#include "exam/rows.h"

namespace assay::load_test {

class Silence final : public Progress {
 public:
  void update(double fraction, const std::string& status) override {
    fraction_ = fraction;
    status_ = status;
  }
  void finding(const Finding&) override {}
  double fraction_ = 0;
  std::string status_;
};

TrafficClass traffic_class(const std::string& name, double prompt, double output) {
  TrafficClass traffic;
  traffic.name = name;
  traffic.prompt_tokens.a = prompt;
  traffic.output_tokens.a = output;
  traffic.slo.ttft_ms = 500;
  return traffic;
}

Scenario two_classes() {
  Scenario scenario;
  scenario.path = "built-in";
  scenario.load.classes = {traffic_class("chat", 100, 10), traffic_class("rag", 400, 5)};
  TargetSpec target;
  target.name = "fake";
  target.kind = TargetKind::kFake;
  target.sequences = 4;
  target.prefill_us_per_token = 100;
  target.tpot_ms = 5;
  scenario.targets.push_back(target);
  return scenario;
}

struct Ran {
  std::vector<Trial> trials;
  std::vector<TrialOutcome> outcomes;
};

Ran run(const Scenario& scenario, std::function<bool()> interrupted = [] { return false; }) {
  FakeClock clock;
  Silence progress;
  ExamContext context{.scenario = scenario,
                      .clock = clock,
                      .progress = progress,
                      .interrupted = std::move(interrupted),
                      .secret = [](const std::string&) { return std::string(); }};
  const Exam exam = load_exam();
  Ran ran;
  ran.trials = exam.plan(scenario, scenario.targets[0], Json());
  for (const Trial& trial : ran.trials) {
    Result<TrialOutcome> outcome = exam.run(context, trial, scenario.targets[0]);
    if (!outcome) {
      EXPECT_EQ(outcome.error().what, "interrupted");
      break;
    }
    ran.outcomes.push_back(std::move(*outcome));
  }
  return ran;
}

const Record* record(const TrialOutcome& outcome, std::string_view metric, std::string_view traffic_class) {
  for (const Record& record : outcome.records) {
    if (record.metric == metric && record.conditions["traffic_class"].as_string() == traffic_class)
      return &record;
  }
  return nullptr;
}

bool has_finding(const TrialOutcome& outcome, std::string_view code) {
  return std::ranges::any_of(outcome.findings, [&](const Finding& f) { return f.code == code; });
}

TEST(LoadExam, PlansTheMixAndEachClassAlone) {
  const Scenario scenario = two_classes();
  const auto trials = load_exam().plan(scenario, scenario.targets[0], Json());
  ASSERT_EQ(trials.size(), 3U);
  EXPECT_EQ(trials[0].name, "load mix on fake");
  EXPECT_EQ(trials[0].parameters["classes"].items().size(), 2U);
  EXPECT_EQ(trials[2].name, "load rag alone on fake");
  EXPECT_EQ(trials[2].parameters["traffic_class"].as_string(), "rag");
  EXPECT_EQ(trials[2].parameters["classes"].items().size(), 1U);
}

TEST(LoadExam, OneClassOrATraceHasNoTrialsOfClassesAlone) {
  Scenario scenario = two_classes();
  scenario.load.arrivals.kind = Arrivals::Kind::kTrace;
  EXPECT_EQ(load_exam().plan(scenario, scenario.targets[0], Json()).size(), 1U);
  scenario = two_classes();
  scenario.load.classes.pop_back();
  EXPECT_EQ(load_exam().plan(scenario, scenario.targets[0], Json()).size(), 1U);
}

TEST(LoadExam, PutsTheSizedModelIntoTheTrial) {
  Scenario scenario = two_classes();
  scenario.targets[0].kind = TargetKind::kDevice;
  scenario.targets[0].device = "Vulkan0";
  scenario.load.max_duration_s = 10;
  const Json device = Json::object().set("matmul_gflop_per_s", 2.0);
  const auto trials = load_exam().plan(scenario, scenario.targets[0], device);
  EXPECT_EQ(trials[0].parameters["model"].as_string(), "synthetic:tiny:f16");
  EXPECT_EQ(trials[0].parameters["device"].as_string(), "Vulkan0");
}

TEST(LoadExam, PlansATrialAtEachPointOfASweepAndOneForTheSearch) {
  Scenario scenario = two_classes();
  scenario.load.mix = false;
  scenario.load.sweep = {.rates_per_s = {5, 20}, .users = {3}};
  scenario.load.capacity.emplace();
  const auto trials = load_exam().plan(scenario, scenario.targets[0], Json());
  ASSERT_EQ(trials.size(), 4U);
  EXPECT_EQ(trials[0].name, "load at 5 arrivals/s on fake");
  EXPECT_EQ(trials[1].parameters["sweep_rate_per_s"].as_number(), 20);
  EXPECT_EQ(trials[2].name, "load with 3 users on fake");
  EXPECT_EQ(trials[3].parameters["phase"].as_string(), "capacity");
}

TEST(LoadExam, ASweepMeasuresEachPointAtItsOwnRate) {
  Scenario scenario = two_classes();
  scenario.load.mix = false;
  scenario.load.rate_per_s = 40;
  scenario.load.sweep = {.rates_per_s = {5, 20}, .users = {3}};
  const Ran ran = run(scenario);
  ASSERT_EQ(ran.outcomes.size(), 3U);
  for (size_t i = 0; i < 2; ++i) {
    const Record* offered = record(ran.outcomes[i], "offered_rate_per_s", "all");
    ASSERT_NE(offered, nullptr);
    const double rate = scenario.load.sweep.rates_per_s[i];
    EXPECT_NEAR(*offered->value, rate, 0.25 * rate);
    EXPECT_EQ(offered->conditions["sweep_rate_per_s"].as_number(), rate);
    EXPECT_EQ(offered->conditions["phase"].as_string(), "sweep");
  }
  const Record* closed = record(ran.outcomes[2], "offered_rate_per_s", "all");
  ASSERT_NE(closed, nullptr);
  EXPECT_EQ(closed->conditions["users"].as_integer(), 3);
  EXPECT_EQ(closed->conditions["arrivals"].as_string(), "closed");
}

// At most 64 requests/s: four sequences, 60 and 65 ms a request. Under 100 ms to the first token, near to
// that.
TEST(LoadExam, TheSearchForCapacityFindsWhatTheFakeCanDo) {
  Scenario scenario = two_classes();
  for (TrafficClass& each : scenario.load.classes) each.slo = {.ttft_ms = 100, .tpot_ms = {}, .e2e_ms = {}};
  scenario.load.mix = false;
  scenario.load.capacity = CapacitySpec{.resolution = 0.15, .tiers = {}};
  Slo relaxed;
  relaxed.ttft_ms = 400;
  scenario.load.capacity->tiers.push_back({.name = "relaxed", .slo = relaxed});
  const Ran ran = run(scenario);
  ASSERT_EQ(ran.outcomes.size(), 1U);
  const TrialOutcome& outcome = ran.outcomes[0];
  EXPECT_EQ(outcome.state, TrialState::kDone);
  std::map<std::string, const Record*> capacities;
  size_t probes = 0, attainments = 0;
  for (const Record& each : outcome.records) {
    EXPECT_EQ(each.conditions["phase"].as_string(), "capacity");
    if (each.metric == "capacity_per_s") capacities[each.conditions["tier"].as_string()] = &each;
    probes += each.metric == "offered_rate_per_s" ? 1 : 0;
    attainments += each.metric == "slo_attainment" ? 1 : 0;
  }
  ASSERT_EQ(capacities.size(), 2U);
  for (const auto& [tier, capacity] : capacities) {
    ASSERT_TRUE(capacity->ci_low && capacity->ci_high && capacity->value) << tier;
    EXPECT_GT(*capacity->ci_low, 35) << tier;
    EXPECT_LE(*capacity->ci_low, 64) << tier;
    EXPECT_LE(*capacity->ci_high, 80) << tier;
    EXPECT_EQ(capacity->confidence, 0.95);
    EXPECT_EQ(capacity->conditions["probes"].as_integer(), static_cast<int64_t>(probes));
  }
  EXPECT_GE(*capacities["relaxed"]->value, *capacities["slo"]->value);
  EXPECT_EQ(attainments, 4 * probes);
}

TEST(LoadExam, ASearchThatDecidesNothingFallsShort) {
  Scenario scenario = two_classes();
  for (TrafficClass& each : scenario.load.classes) each.slo = {.ttft_ms = 100, .tpot_ms = {}, .e2e_ms = {}};
  scenario.load.mix = false;
  for (const double limit_s : {0.1, 60.0}) {
    scenario.load.capacity = CapacitySpec{.max_duration_s = limit_s, .tiers = {}};
    const TrialOutcome outcome = run(scenario).outcomes.at(0);
    const auto budget = std::ranges::find(outcome.findings, "load.capacity-budget", &Finding::code);
    ASSERT_NE(budget, outcome.findings.end());
    EXPECT_EQ(budget->evidence[kFallsShort].as_bool(), limit_s < 1);
  }
}

TEST(LoadExam, ASearchThatIsInterruptedLeavesNothing) {
  Scenario scenario = two_classes();
  scenario.load.mix = false;
  scenario.load.capacity.emplace();
  int asked = 0;
  const Ran ran = run(scenario, [&] { return ++asked > 20; });
  EXPECT_TRUE(ran.outcomes.empty());
}

TEST(LoadExam, ALostTargetEndsTheSearch) {
  Scenario scenario = two_classes();
  scenario.load.mix = false;
  scenario.load.capacity.emplace();
  scenario.targets[0].lost_after = 60;
  const Ran ran = run(scenario);
  ASSERT_EQ(ran.outcomes.size(), 1U);
  EXPECT_EQ(ran.outcomes[0].state, TrialState::kFailed);
  EXPECT_TRUE(has_finding(ran.outcomes[0], "load.target-lost"));
}

// Four sequences; a chat takes 10 + 50 ms and a rag 40 + 25 ms: 64 requests/s at most.
TEST(LoadExam, TakesItsRateFromABurst) {
  const Ran ran = run(two_classes());
  ASSERT_EQ(ran.outcomes.size(), 3U);
  const TrialOutcome& mix = ran.outcomes[0];
  EXPECT_EQ(mix.state, TrialState::kDone);
  EXPECT_EQ(mix.subject->kind, "fake");
  const Record* offered = record(mix, "offered_rate_per_s", "all");
  ASSERT_NE(offered, nullptr);
  EXPECT_EQ(offered->conditions["rate_chosen_by"].as_string(), "burst");
  EXPECT_EQ(offered->conditions["arrivals"].as_string(), "poisson");
  EXPECT_EQ(offered->conditions["burst_requests"].as_integer(), 8);
  const double capacity = offered->conditions["burst_rate_per_s"].as_number();
  EXPECT_GT(capacity, 45);
  EXPECT_LE(capacity, 65);
  EXPECT_NEAR(*offered->value, 0.6 * capacity, 0.2 * capacity);
  EXPECT_EQ(mix.samples[0].columns.rows(), 128U);
  for (const char* name : {"chat", "rag"}) {
    ASSERT_NE(record(mix, "ttft_ms_p90", name), nullptr);
    EXPECT_TRUE(record(mix, "ttft_ms_p90", name)->value.has_value()) << name;
    EXPECT_EQ(record(mix, "ttft_ms_p90", name)->conditions["phase"].as_string(), "mix");
    EXPECT_EQ(record(mix, "ttft_ms_p90", name)->conditions["model"].as_string(), "fake");
  }
  EXPECT_EQ(ran.outcomes[2].samples[0].columns.rows(), 64U);
  EXPECT_NE(record(ran.outcomes[2], "ttft_ms_p90", "rag"), nullptr);
  EXPECT_EQ(record(ran.outcomes[2], "ttft_ms_p90", "chat"), nullptr);
}

TEST(LoadExam, TheScenariosRateIsSharedOutByWeightWhenAClassIsAlone) {
  Scenario scenario = two_classes();
  scenario.load.rate_per_s = 20;
  scenario.load.classes[0].weight = 3;
  const Ran ran = run(scenario);
  ASSERT_EQ(ran.outcomes.size(), 3U);
  EXPECT_EQ(ran.outcomes[0].samples[0].columns.rows(), 256U);  // 64 of the rarer class
  const Record* chat = record(ran.outcomes[1], "offered_rate_per_s", "chat");
  EXPECT_EQ(chat->conditions["rate_chosen_by"].as_string(), "scenario");
  EXPECT_NEAR(*chat->value, 15, 4);
}

TEST(LoadExam, AClassAloneComesAsItCameInTheMixThatABurstHasChosen) {
  Scenario scenario = two_classes();
  scenario.load.classes[0].weight = 3;
  scenario.load.classes[1].turns = LengthDistribution{.a = 2};
  scenario.load.alone_requests = 16;
  const testing_dossier::TemporaryFolder folder;
  std::vector<Trial> trials = load_exam().plan(scenario, scenario.targets[0], Json());
  ASSERT_EQ(trials.size(), 3U);
  for (size_t i = 0; i < trials.size(); ++i) trials[i].id = static_cast<int64_t>(i) + 1;
  Dossier dossier =
      std::move(*Dossier::create(folder.file("a.assay"), testing_dossier::some_run(), trials, {}));
  FakeClock clock;
  Silence progress;
  ExamContext context{.scenario = scenario,
                      .clock = clock,
                      .progress = progress,
                      .interrupted = [] { return false; },
                      .dossier = &dossier,
                      .secret = [](const std::string&) { return std::string(); }};
  std::vector<TrialOutcome> outcomes;
  for (const Trial& trial : trials) {
    outcomes.push_back(*load_exam().run(context, trial, scenario.targets[0]));
    ASSERT_TRUE(dossier.begin_trial(trial.id, clock.wall_time()));
    ASSERT_TRUE(dossier.commit_trial(trial.id, outcomes.back()));
  }
  const Record* mix = record(outcomes[0], "offered_rate_per_s", "all");
  EXPECT_EQ(mix->conditions["rate_chosen_by"].as_string(), "burst");
  const double sessions_per_s = mix->conditions["arrival_rate_per_s"].as_number();
  // Of 3 requests and 1 request in sessions of 2, 3 and half a session are the classes'.
  for (const auto& [trial, share] : {std::pair{1, 3 / 3.5}, {2, 0.5 / 3.5}}) {
    const Record* alone = record(outcomes[static_cast<size_t>(trial)], "offered_rate_per_s", "all");
    EXPECT_EQ(alone->conditions["rate_chosen_by"].as_string(), "mix");
    EXPECT_NEAR(alone->conditions["arrival_rate_per_s"].as_number(), sessions_per_s * share, 1e-9);
    EXPECT_EQ(outcomes[static_cast<size_t>(trial)].samples[0].columns.rows(), 16U);
  }
}

TEST(LoadTraffic, EachTrialHasTextsOfItsOwnButTheMixThoseOfTheSeed) {
  Scenario scenario = two_classes();
  scenario.load.sweep = {.rates_per_s = {5, 20}, .users = {5}};
  std::set<uint64_t> seeds;
  const std::vector<Trial> trials = load_exam().plan(scenario, scenario.targets[0], Json());
  for (const Trial& trial : trials) seeds.insert(text_seed_of(trial));
  EXPECT_EQ(seeds.size(), trials.size());
  EXPECT_EQ(text_seed_of(trials[0]), 0U);
}

TEST(LoadExam, SendsFewerRequestsThanWantedWhenTheyWouldTakeTooLong) {
  Scenario scenario = two_classes();
  scenario.load.alone = false;
  scenario.load.rate_per_s = 2;
  scenario.load.max_duration_s = 20;
  const Ran ran = run(scenario);
  const TrialOutcome& mix = ran.outcomes[0];
  EXPECT_EQ(mix.state, TrialState::kDone);
  EXPECT_TRUE(has_finding(mix, "load.shortened"));
  EXPECT_LT(mix.samples[0].columns.rows(), 50U);
  EXPECT_GT(mix.samples[0].columns.rows(), 20U);
  EXPECT_LE(mix.samples[0].columns.integers("scheduled_ns")->back(), 18'100'000'000);
}

TEST(LoadExam, ALostTargetFailsTheTrialAndVoidsItsNumbers) {
  Scenario scenario = two_classes();
  scenario.load.alone = false;
  scenario.targets[0].lost_after = 60;
  const TrialOutcome mix = run(scenario).outcomes[0];
  EXPECT_EQ(mix.state, TrialState::kFailed);
  EXPECT_TRUE(has_finding(mix, "load.target-lost"));
  EXPECT_THAT(mix.end_text, testing::HasSubstr("lost after 60 requests"));
  ASSERT_NE(record(mix, "ttft_ms_p50", "chat"), nullptr);
  for (const Record& record : mix.records) {
    EXPECT_THAT(record.validity, testing::AnyOf(Validity::kVoid, Validity::kInsufficient)) << record.metric;
  }
}

TEST(LoadExam, ATargetLostInTheBurstLeavesNoNumbers) {
  Scenario scenario = two_classes();
  scenario.load.alone = false;
  scenario.targets[0].lost_after = 3;
  const TrialOutcome mix = run(scenario).outcomes[0];
  EXPECT_EQ(mix.state, TrialState::kFailed);
  EXPECT_TRUE(mix.records.empty());
  EXPECT_TRUE(has_finding(mix, "load.target-lost"));
}

TEST(LoadExam, ATargetThatFailsEveryRequestIsNotMeasured) {
  Scenario scenario = two_classes();
  scenario.load.alone = false;
  scenario.targets[0].fail_every = 1;
  const TrialOutcome mix = run(scenario).outcomes[0];
  EXPECT_EQ(mix.state, TrialState::kFailed);
  EXPECT_THAT(mix.end_text, testing::HasSubstr("the fake target fails this one"));
}

TEST(LoadExam, AnInterruptedTrialLeavesNothing) {
  int asked = 0;
  EXPECT_TRUE(run(two_classes(), [&] { return ++asked > 5; }).outcomes.empty());
}

TEST(LoadExam, SameSeedSameEvidence) {
  const Ran a = run(two_classes()), b = run(two_classes());
  ASSERT_EQ(a.outcomes.size(), b.outcomes.size());
  for (size_t i = 0; i < a.outcomes.size(); ++i) {
    ASSERT_EQ(a.outcomes[i].records.size(), b.outcomes[i].records.size());
    for (size_t k = 0; k < a.outcomes[i].records.size(); ++k) {
      EXPECT_EQ(a.outcomes[i].records[k].value, b.outcomes[i].records[k].value);
      EXPECT_EQ(a.outcomes[i].records[k].ci_high, b.outcomes[i].records[k].ci_high);
    }
  }
}

TEST(LoadExam, ReplaysATraceAtItsOwnInstants) {
  char directory[] = "/tmp/assay_load_test_XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/trace.csv";
  std::string text = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  for (int i = 0; i < 30; ++i) {
    text += "2023-11-16 18:15:" + std::to_string(10 + i) + ".0000000," + std::to_string(100 + i) + ",4\n";
  }
  ASSERT_TRUE(write_file_atomically(path, text));
  Scenario scenario = two_classes();
  scenario.load.arrivals.kind = Arrivals::Kind::kTrace;
  scenario.load.trace.path = path;
  const Ran ran = run(scenario);
  remove_file(path);
  rmdir(directory);
  ASSERT_EQ(ran.outcomes.size(), 1U);
  const Columns& requests = ran.outcomes[0].samples[0].columns;
  ASSERT_EQ(requests.rows(), 30U);
  const auto& scheduled = *requests.integers("scheduled_ns");
  for (size_t i = 1; i < 30; ++i) EXPECT_EQ(scheduled[i] - scheduled[i - 1], 1'000'000'000);
  EXPECT_EQ((*requests.integers("prompt_tokens"))[7], 107);
  EXPECT_EQ(record(ran.outcomes[0], "offered_rate_per_s", "all")->conditions["rate_chosen_by"].as_string(),
            "trace");
}

// A trace in a file of its own, which goes when it does.
class TraceFile {
 public:
  explicit TraceFile(const std::string& text) {
    char name[] = "/tmp/assay_load_test_XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    EXPECT_TRUE(write_file_atomically(path(), text));
  }
  ~TraceFile() {
    remove_file(path());
    rmdir(directory_.c_str());
  }
  std::string path() const { return directory_ + "/trace"; }

 private:
  std::string directory_;
};

std::string text_of_finding(const TrialOutcome& outcome, const std::string& code) {
  for (const Finding& finding : outcome.findings) {
    if (finding.code == code) return finding.text;
  }
  return "";
}

TEST(LoadExam, ATraceWithoutInstantsIsOfferedAtTheRateThatABurstSuggests) {
  std::string text = "[";
  for (int i = 0; i < 20; ++i) {
    text += std::string(i > 0 ? "," : "") + "{\"conversations\":[";
    for (int turn = 0; turn < 2; ++turn)
      text += std::string(turn > 0 ? "," : "") + "{\"from\":\"human\",\"value\":\"" + std::string(210, 'q') +
              "\"},{\"from\":\"gpt\",\"value\":\"" + std::string(21, 'a') + "\"}";
    text += "]}";
  }
  const TraceFile file(text + ",{\"conversations\":[]}]");
  Scenario scenario = two_classes();
  scenario.load.trace = {.path = file.path()};
  const Ran ran = run(scenario);
  ASSERT_EQ(ran.outcomes.size(), 1U);
  const TrialOutcome& outcome = ran.outcomes[0];
  const Columns& requests = outcome.samples[0].columns;
  ASSERT_EQ(requests.rows(), 40U);
  for (size_t i = 0; i < 40; ++i) {
    EXPECT_EQ((*requests.integers("prompt_tokens"))[i], 50);
    EXPECT_EQ((*requests.integers("output_tokens"))[i], 5);
    EXPECT_NE((*requests.integers("session"))[i], 0);
  }
  EXPECT_EQ(record(outcome, "offered_rate_per_s", "all")->conditions["rate_chosen_by"].as_string(), "burst");
  EXPECT_THAT(text_of_finding(outcome, "load.trace"), testing::HasSubstr("Sessions of several turns: 20."));
  EXPECT_THAT(text_of_finding(outcome, "load.trace"), testing::HasSubstr("4.2 bytes a token"));
}

TEST(LoadExam, ATraceIsCutToTheTimeWithWholeSessions) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    const std::string id = std::to_string(i);
    text += "{\"session_id\":" + id + ",\"timestamp\":" + std::to_string(1000 * i) +
            ",\"input_length\":10,\"output_length\":2}\n{\"session_id\":" + id +
            ",\"delay\":10,\"input_length\":10,\"output_length\":2}\n";
  }
  const TraceFile file(text);
  Scenario scenario = two_classes();
  scenario.load.arrivals.kind = Arrivals::Kind::kTrace;
  scenario.load.max_duration_s = 22;
  scenario.load.trace = {.path = file.path()};
  const TrialOutcome outcome = run(scenario).outcomes[0];
  const size_t rows = outcome.samples[0].columns.rows();
  EXPECT_GT(rows, 30U);
  EXPECT_LT(rows, 45U);
  EXPECT_EQ(rows % 2, 0U);
  EXPECT_TRUE(has_finding(outcome, "load.shortened"));
}

TEST(LoadTraffic, TheBurstOfATraceSharesItsPrefixesInOtherWords) {
  const TraceFile file(
      "{\"timestamp\":0,\"input_length\":1000,\"output_length\":2,\"hash_ids\":[1,2]}\n"
      "{\"timestamp\":9,\"input_length\":1000,\"output_length\":2,\"hash_ids\":[1,3]}\n");
  Scenario scenario = two_classes();
  scenario.load.arrivals.kind = Arrivals::Kind::kTrace;
  scenario.load.trace = {.path = file.path()};
  const TrialTraffic traffic = *trial_traffic(scenario, scenario.targets[0], "");
  const auto first_part = [](const PlannedRequest& planned) {
    return prompt_parts(complete_request(planned))[0];
  };
  const std::vector<PlannedRequest> burst = burst_plan(traffic, 2);
  std::vector<PlannedRequest> main;
  const std::unique_ptr<PlanSource> source = main_plan(traffic, 1, 100, 3);
  while (source->next(0, main)) {
  }
  ASSERT_EQ(burst.size(), 2U);
  ASSERT_EQ(main.size(), 2U);
  EXPECT_EQ(first_part(main[0]), first_part(main[1]));
  EXPECT_EQ(first_part(main[0]).tokens, 512U);
  EXPECT_EQ(first_part(burst[0]), first_part(burst[1]));
  EXPECT_NE(first_part(burst[0]).seed, first_part(main[0]).seed);
  EXPECT_EQ(burst[1].offset, kBetweenAtOnce);
}

TEST(LoadTraffic, EachClassAloneComesWithPausesOfItsOwn) {
  const Scenario scenario = two_classes();
  const auto offsets = [&](const std::string& traffic_class) {
    std::vector<PlannedRequest> planned;
    const TrialTraffic traffic = *trial_traffic(scenario, scenario.targets[0], traffic_class);
    const std::unique_ptr<PlanSource> source = main_plan(traffic, 1, 1e6, 1);
    while (source->next(0, planned)) {
    }
    std::vector<int64_t> offsets_ns;
    for (const PlannedRequest& each : planned) offsets_ns.push_back(each.offset.count);
    return offsets_ns;
  };
  ASSERT_EQ(scenario.load.arrivals.kind, Arrivals::Kind::kPoisson);
  const std::vector<int64_t> chat = offsets("chat"), rag = offsets("rag");
  ASSERT_EQ(chat.size(), rag.size());
  EXPECT_EQ(chat, offsets("chat"));
  size_t alike = 0;
  for (size_t i = 0; i < chat.size(); ++i) alike += chat[i] == rag[i] ? 1 : 0;
  EXPECT_EQ(alike, 0U);
}

TEST(LoadTraffic, AClassAloneHasItsShareOfTheUsersOnce) {
  Scenario scenario = two_classes();
  scenario.load.arrivals = {.kind = Arrivals::Kind::kClosed, .users = 8};
  const TrialTraffic alone = *trial_traffic(scenario, scenario.targets[0], "chat");
  EXPECT_THAT(loop_users({.classes = alone.classes, .arrivals = alone.arrivals, .requests = alone.requests}),
              testing::ElementsAre(4));
}

TEST(LoadExam, ATraceThatIsNotThereFailsTheTrialOnly) {
  Scenario scenario = two_classes();
  scenario.load.arrivals.kind = Arrivals::Kind::kTrace;
  scenario.load.trace.path = "/nonexistent/trace.csv";
  const TrialOutcome mix = run(scenario).outcomes[0];
  EXPECT_EQ(mix.state, TrialState::kFailed);
  EXPECT_TRUE(has_finding(mix, "exam.failed"));
  EXPECT_THAT(mix.end_text, testing::HasSubstr("/nonexistent/trace.csv"));
}

TEST(LoadTraffic, ContextHoldsTheLongestSessionAndTheLongestOnesTogether) {
  Scenario scenario = two_classes();
  scenario.load.classes[0].turns.a = 3;
  const TrialTraffic traffic = *trial_traffic(scenario, scenario.targets[0], "");
  const ContextNeed need = context_need(traffic, 4);
  EXPECT_EQ(need.longest, 405U);  // rag 400 + 5; chat 3 × 110
  EXPECT_EQ(need.together, 4 * 405U);
  EXPECT_NEAR(sessions_per_request(traffic), (1.0 / 3 + 1) / 2, 1e-9);
}

TEST(Calibration, LeavesTheTailOfABurstOut) {
  LoadResult burst;
  for (int i = 1; i <= 10; ++i) {
    RequestRow row;
    row.scheduled = nanos_from_seconds(1);
    row.end = nanos_from_seconds(i < 10 ? 1 + i : 100);
    burst.rows.push_back(row);
  }
  const Calibration calibration = calibration_of(burst);
  EXPECT_EQ(calibration.ended_well, 10U);
  EXPECT_DOUBLE_EQ(calibration.rate_per_s, 1);
  for (RequestRow& row : burst.rows) row.failure = FailureCause::kTimeout;
  EXPECT_EQ(calibration_of(burst).rate_per_s, 0);
}

}  // namespace assay::load_test
