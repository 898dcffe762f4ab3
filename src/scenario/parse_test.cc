// Scenarios: what a file says, what it leaves to the defaults, and every way in which it can be wrong.
#include <gtest/gtest.h>

#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <set>

#include "os/os.h"
#include "scenario/scenario.h"

namespace assay::parse_test {

const std::vector<std::string> kExams = {"probe", "roofline", "load"};
const std::string kChat = "[[traffic]]\nname = \"chat\"\nprompt_tokens = 10\noutput_tokens = 5\n";

Scenario parsed(const std::string& text, const std::string& path = "s.toml") {
  Result<Scenario> scenario = parse_scenario(text, path, kExams);
  EXPECT_TRUE(scenario) << text << "\n" << (scenario ? "" : scenario.error().message());
  return scenario ? std::move(*scenario) : Scenario();
}

// The message, whole, as a user sees it.
std::string message_of(const std::string& text) {
  const Result<Scenario> scenario = parse_scenario(text, "s.toml", kExams);
  EXPECT_FALSE(scenario) << text;
  return scenario ? "" : scenario.error().message();
}

void expect_message(const std::string& text, const std::string& part) {
  const std::string message = message_of(text);
  EXPECT_NE(message.find(part), std::string::npos) << text << "\nsays\n" << message << "\nwithout\n" << part;
}

TEST(Scenario, AFileMaySayVeryLittle) {
  const Scenario scenario = parsed(kChat, "folder/mine.toml");
  EXPECT_EQ(scenario.name, "mine");
  EXPECT_EQ(scenario.seed, 1U);
  EXPECT_EQ(scenario.exams, kExams);
  ASSERT_EQ(scenario.targets.size(), 1U);
  EXPECT_EQ(scenario.targets[0].kind, TargetKind::kDevice);
  EXPECT_EQ(scenario.targets[0].device, "*");
  EXPECT_EQ(scenario.targets[0].name, "*");
  ASSERT_EQ(scenario.load.classes.size(), 1U);
  EXPECT_EQ(scenario.load.classes[0].prompt_tokens,
            (LengthDistribution{LengthDistribution::Kind::kFixed, 10}));
  EXPECT_EQ(scenario.load.rate_per_s, std::nullopt);
  EXPECT_FALSE(scenario.is_quick);
}

TEST(Scenario, ReadsWhatAFileSays) {
  const Scenario scenario = parsed(R"(
name = "office"
seed = 7
exams = ["load", "probe"]
[[target]]
kind = "endpoint"
url = "http://127.0.0.1:8000/v1"
api = "completions"
api_key_env = "KEY"
timeout_s = 20
[[target]]
name = "cpu"
device = "CPU"
model = "synthetic:tiny:f16"
threads = 2
[[traffic]]
name = "agent"
weight = 2.5
corpus = "code"
prompt_tokens = { median = 60, sigma = 0.5, min = 4, max = 200 }
output_tokens = { min = 5, max = 9 }
turns = 3
think_time_s = 1.5
prefix_tokens = 20
slo = { ttft_ms = 500, e2e_ms = 3000, share = 0.95 }
[load]
arrivals = "constant"
rate_per_s = 4
alone = false
[roofline]
types = ["F16", "q4_K"]
[[requirement]]
metric = "ttft_ms_p90"
at_most = 400
traffic_class = "agent"
target = "cpu"
)");
  EXPECT_EQ(scenario.name, "office");
  EXPECT_EQ(scenario.exams, (std::vector<std::string>{"probe", "load"}));
  EXPECT_EQ(scenario.targets[0].name, "127.0.0.1:8000");
  EXPECT_EQ(scenario.targets[0].where, "s.toml:5:1");
  EXPECT_EQ(scenario.targets[0].api, "completions");
  EXPECT_EQ(scenario.targets[0].api_key_env, "KEY");
  EXPECT_EQ(scenario.targets[0].timeout_s, 20);
  EXPECT_EQ(scenario.targets[1].name, "cpu");
  EXPECT_EQ(scenario.targets[1].threads, 2U);
  const TrafficClass& agent = scenario.load.classes[0];
  EXPECT_EQ(agent.weight, 2.5);
  EXPECT_EQ(agent.corpus, "code");
  EXPECT_EQ(agent.prompt_tokens.kind, LengthDistribution::Kind::kLognormal);
  EXPECT_EQ(agent.prompt_tokens.maximum, 200);
  EXPECT_EQ(agent.output_tokens.kind, LengthDistribution::Kind::kUniform);
  EXPECT_EQ(agent.turns.a, 3);
  EXPECT_EQ(agent.prefix_tokens, 20U);
  EXPECT_EQ(agent.slo.ttft_ms, 500);
  EXPECT_EQ(agent.slo.tpot_ms, std::nullopt);
  EXPECT_EQ(agent.slo.required_share, 0.95);
  EXPECT_EQ(scenario.load.arrivals.kind, Arrivals::Kind::kConstant);
  EXPECT_EQ(scenario.load.rate_per_s, 4);
  EXPECT_FALSE(scenario.load.alone);
  EXPECT_EQ(scenario.roofline.types, (std::vector<std::string>{"f16", "q4_K"}));
  ASSERT_EQ(scenario.requirements.size(), 1U);
  const Requirement& requirement = scenario.requirements[0];
  EXPECT_EQ(requirement.text, "p90 of time to first token of agent ≤ 400 ms on cpu");
  EXPECT_EQ(requirement.comparison, "<=");
  EXPECT_EQ(requirement.scope.dump(), R"({"phase": "mix", "traffic_class": "agent", "subject": "cpu"})");
  EXPECT_EQ(requirement.source, "s.toml:32:1");
}

TEST(Scenario, ArrivalsOfTheMixAndOfAClass) {
  const Scenario scenario =
      parsed("[load]\narrivals = 'gamma'\ncv = 2\nrate_curve = [[0, 1], [60, 4]]\n" + kChat +
             "[[traffic]]\nname = 'batch'\nprompt_tokens = 10\noutput_tokens = 5\n"
             "arrivals = 'closed'\nusers = 4\npause_s = 0.5\n");
  EXPECT_EQ(scenario.load.arrivals,
            (Arrivals{.kind = Arrivals::Kind::kGamma, .cv = 2, .curve = {{0, 1}, {60, 4}}}));
  EXPECT_EQ(scenario.load.classes[0].arrivals, std::nullopt);
  EXPECT_EQ(scenario.load.classes[1].arrivals,
            (Arrivals{.kind = Arrivals::Kind::kClosed, .users = 4, .pause_s = 0.5}));
}

TEST(Scenario, ArrivalsThatContradictThemselves) {
  expect_message("[load]\ncv = 2\n" + kChat,
                 "s.toml:2:6: cv goes with arrivals = \"gamma\", not with \"poisson\"");
  expect_message("[load]\narrivals = 'closed'\nrate_per_s = 2\n" + kChat,
                 "in a closed loop the answers make the rate");
  expect_message("[load]\nrate_curve = [[0, 1], [2]]\n" + kChat, "rate_curve is a list of points");
  expect_message("[load]\nrate_curve = [[0, 1], [2, -1]]\n" + kChat,
                 "this rate_curve cannot be: a rate is negative");
  expect_message(kChat + "arrivals = 'trace'\n", "a trace is for all classes");
  expect_message(kChat + "users = 3\n", "users goes with arrivals = \"closed\"");
  expect_message("[load]\narrivals = 'gama'\n" + kChat, "gamma");
}

TEST(Scenario, RequirementsOnKernelsNameNoTraffic) {
  const Scenario scenario =
      parsed(kChat +
             "[[requirement]]\nmetric = 'decode_tokens_per_s'\nat_least = 50\n[[requirement]]\n"
             "metric = 'goodput_per_s'\nat_least = 10\n[[requirement]]\n"
             "metric = 'interference'\nat_most = 2\ntraffic_class = 'chat'\n");
  EXPECT_EQ(scenario.requirements[0].text, "decode speed ≥ 50.0 tokens/s");
  EXPECT_EQ(scenario.requirements[0].scope.dump(), "{}");
  EXPECT_EQ(scenario.requirements[1].text, "goodput ≥ 10.0 requests/s");
  EXPECT_EQ(scenario.requirements[1].scope.dump(), R"({"phase": "mix", "traffic_class": "all"})");
  EXPECT_EQ(scenario.requirements[2].scope.dump(), R"({"phase": "mix", "traffic_class": "chat"})");
}

TEST(Scenario, ErrorsPointToTheirPlaceAndSuggest) {
  EXPECT_EQ(message_of(kChat + "wieght = 2\n"),
            "s.toml:5:1: unknown key 'wieght' in [traffic]. Did you mean 'weight'?\n"
            "  docs/scenario.md describes every key of a scenario.");
  expect_message("[[trafic]]\n" + kChat, "s.toml:1:3: unknown key 'trafic'. Did you mean 'traffic'?");
  expect_message(kChat + "slo = { tfft_ms = 3 }\n",
                 "unknown key 'tfft_ms' in [traffic.slo]. Did you mean 'ttft_ms'?");
  expect_message("exams = [\"probe\", \"laod\"]\n" + kChat,
                 "s.toml:1:19: unknown exam 'laod'; there are probe, roofline, load. Did you mean 'load'?");
  expect_message("[[target]]\nkind = \"devise\"\n" + kChat,
                 "unknown kind 'devise'; it is one of device, endpoint, kit, fake. Did you mean 'device'?");
  expect_message("[[target]]\nkind = 'endpoint'\nurl = 'http://x'\napi = 'caht'\n" + kChat,
                 "s.toml:4:7: unknown api 'caht'");
  expect_message(kChat + "corpus = 'poems'\n", "unknown corpus 'poems'; it is one of prose, code");
  expect_message(kChat + "[roofline]\ntypes = ['f32', 'q4_k', 'q4_X']\n",
                 "s.toml:6:25: unknown type 'q4_X'.");
}

TEST(Scenario, ImpossibleValuesAreRefused) {
  const std::string load = kChat + "[load]\n";
  expect_message(load + "rate_per_s = -1\n", "s.toml:6:14: rate_per_s must lie between");
  expect_message(load + "rate_per_s = nan\n", "rate_per_s must lie between");
  expect_message(
      load + "requests_per_class = 1000000\n[[traffic]]\nname='a'\nprompt_tokens=1\noutput_tokens=1\n",
      "lower requests_per_class");
  expect_message("[[target]]\nsequences = 1000\n", "the engine works on 240 at once at most");
  expect_message("[[target]]\ncontext_tokens = 4\n", "the engine needs 8 at least");
  expect_message(load + "max_duration_s = 0\n", "max_duration_s must be above 0, but is 0");
  expect_message(load + "requests_per_class = 0\n",
                 "requests_per_class must lie between 1 and 1000000, but is 0");
  expect_message(load + "requests_per_class = 2.5\n",
                 "requests_per_class must be a whole number, not a number");
  expect_message(load + "alone = 1\n", "alone must be true or false, not an integer");
  expect_message(kChat + "slo = { share = 1.5 }\n", "share must lie between 0 and 1, but is 1.5");
  expect_message(kChat + "slo = 3\n", "slo must be a table, not an integer");
  expect_message(kChat + "weight = 0\n", "weight must be above 0");
  expect_message(kChat + "prefix_tokens = 10\n",
                 "s.toml:5:17: prefix_tokens must be below the mean of prompt_tokens");
  expect_message(kChat + "turns = 100000\n", "turns must lie between 1 and 1000");
  expect_message("seed = -1\n" + kChat, "seed must lie between 0");
  expect_message("name = \"\"\n" + kChat, "name is empty");
  expect_message("name = 3\n" + kChat, "s.toml:1:8: name must be a string, not an integer");
  expect_message("exams = []\n" + kChat, "exams is empty");
  expect_message("exams = ['load', 'load']\n" + kChat, "'load' stands in exams twice");
  expect_message("target = 3\n" + kChat, "target must be written as [[target]] tables");
}

TEST(Scenario, ImpossibleLengthsAreRefused) {
  const auto with = [](const std::string& lengths) {
    return "[[traffic]]\nname = 'chat'\noutput_tokens = 5\nprompt_tokens = " + lengths + "\n";
  };
  expect_message(with("0"), "s.toml:4:17: prompt_tokens must lie between 1 and 1000000, but is 0");
  expect_message(
      with("'many'"),
      "prompt_tokens must be a whole number or a table like { min = 10, max = 100 }, not a string");
  expect_message(with("{ median = 5 }"), "prompt_tokens must be a number, { median, sigma, min, max }");
  expect_message(with("{ min = 9, max = 3 }"), "prompt_tokens: min (9) is above max (3)");
  expect_message(with("{ median = 9, sigma = -1 }"), "sigma must lie between 0 and 4, but is -1");
  expect_message(with("{ median = 9, sigma = 1, column = 'ContextTokens' }"),
                 "prompt_tokens must be a number");
  expect_message(with("{ medain = 9, sigma = 1 }"),
                 "unknown key 'medain' in a length. Did you mean 'median'?");
  expect_message(with("{ trace = 'absent.csv' }"), "s.toml:4:17: absent.csv: cannot open");
}

TEST(Scenario, TargetsAreCheckedByTheirKind) {
  expect_message("[[target]]\nkind = 'endpoint'\n" + kChat, "s.toml:1:1: [[target]] needs a value for url");
  expect_message("[[target]]\nurl = 'http://x/v1'\n" + kChat,
                 "s.toml:2:1: url is a key of endpoint targets, and this one has kind = \"device\"");
  expect_message("[[target]]\nkind = 'fake'\nthreads = 3\n" + kChat, "threads is a key of device targets");
  parsed("[[target]]\nkind = 'fake'\nsequences = 3\n" + kChat);
  expect_message("[[target]]\nkind = 'endpoint'\nurl = 'ftp://x'\n" + kChat, "s.toml:3:7: ");
  expect_message("[[target]]\nmodel = 'synthetic:no-such-shape:f16'\n" + kChat, "s.toml:2:9: ");
  expect_message("[[target]]\n[[target]]\n" + kChat,
                 "s.toml:2:1: the target at s.toml:1:1 is called '*' too");
  expect_message(kChat + kChat, "s.toml:5:1: there is a traffic class 'chat' already");
  expect_message("[[traffic]]\nname = 'all'\nprompt_tokens = 1\noutput_tokens = 1\n",
                 "cannot be called 'all'");
}

TEST(Scenario, SecretsAreRefusedAndNeverRepeated) {
  const std::string in_key =
      message_of("[[target]]\nkind = 'endpoint'\nurl = 'http://x/v1'\napi_key = 'sk-hunter2'\n" + kChat);
  EXPECT_NE(in_key.find("s.toml:4:1: a secret does not belong in a scenario"), std::string::npos) << in_key;
  EXPECT_NE(in_key.find("api_key_env"), std::string::npos);
  EXPECT_EQ(in_key.find("hunter2"), std::string::npos) << in_key;
  const std::string in_url =
      message_of("[[target]]\nkind = 'endpoint'\nurl = 'http://me:hunter2@x/v1'\n" + kChat);
  EXPECT_EQ(in_url.find("hunter2"), std::string::npos) << in_url;
  expect_message(
      "[[target]]\nkind = 'endpoint'\nurl = 'http://x'\napi_key_env = 'A'\napi_key_file = 'b'\n" + kChat,
      "give api_key_env or api_key_file, not both");
}

TEST(Scenario, WhatKeysOfLoadSayOfEachOther) {
  expect_message(kChat + "[load]\nrate_per_s = 1\nutilisation = 0.5\n",
                 "s.toml:7:15: give rate_per_s or utilisation, not both");
  expect_message(kChat + "[load]\narrivals = 'trace'\n", "arrivals = \"trace\" needs a [load.trace]");
  expect_message(kChat + "[load.trace]\nlimit = 3\n", "[load.trace] needs a path");
  expect_message("exams = ['load']\n", "s.toml: the load exam needs traffic");
  EXPECT_TRUE(parsed("exams = ['probe']\n").load.classes.empty());
}

TEST(Scenario, SweepsAndTheSearchForCapacity) {
  const Scenario scenario = parsed(kChat + R"(slo = { ttft_ms = 500 }
[load]
mix = false
[load.sweep]
rate_per_s = [1, 2.5]
users = [4]
[load.capacity]
resolution = 0.1
[[load.capacity.tier]]
name = "relaxed"
ttft_ms = 2000
share = 0.95
[[requirement]]
metric = "capacity_per_s"
tier = "relaxed"
at_least = 3
)");
  EXPECT_FALSE(scenario.load.mix);
  EXPECT_EQ(scenario.load.sweep.rates_per_s, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(scenario.load.sweep.users, (std::vector<uint32_t>{4}));
  ASSERT_TRUE(scenario.load.capacity);
  EXPECT_EQ(scenario.load.capacity->resolution, 0.1);
  EXPECT_EQ(scenario.load.capacity->max_duration_s, 1800);
  ASSERT_EQ(scenario.load.capacity->tiers.size(), 1U);
  EXPECT_EQ(scenario.load.capacity->tiers[0].slo.required_share, 0.95);
  ASSERT_EQ(scenario.requirements.size(), 1U);
  EXPECT_EQ(scenario.requirements[0].scope["tier"].as_string(), "relaxed");
  EXPECT_EQ(scenario.requirements[0].scope.find("phase"), nullptr);
  const Scenario small = quick(scenario);
  EXPECT_LE(small.load.capacity->max_duration_s, 10);
}

TEST(Scenario, SweepsAndSearchesThatCannotBe) {
  const std::string limited = kChat + "slo = { ttft_ms = 500 }\n";
  expect_message(kChat + "[load.capacity]\n", "capacity is that under limits");
  expect_message(limited + "[load]\narrivals = \"closed\"\n[load.capacity]\n", "changes the rate");
  expect_message(limited + "arrivals = \"burst\"\n[load.capacity]\n", "changes the rate");
  expect_message(kChat + "slo = { ttft_ms = 5, share = 1 }\n[load.capacity]\n", "below 1");
  expect_message(limited + "[load.capacity]\n[[load.capacity.tier]]\nname = \"slo\"\nttft_ms = 3\n",
                 "cannot be called 'slo'");
  expect_message(limited + "[load.capacity]\n[[load.capacity.tier]]\nname = \"a\"\n", "needs a limit");
  expect_message(limited + "[load.capacity]\nresolution = 3\n", "resolution");
  expect_message(kChat + "[load]\nmix = false\n", "nothing to run");
  expect_message(kChat + "[load.sweep]\n", "needs rate_per_s or users");
  expect_message(kChat + "[load.sweep]\nrate_per_s = [1, 1]\n", "none twice");
  expect_message(kChat + "[load.sweep]\nusers = [1.5]\n", "whole numbers");
  expect_message(kChat + "arrivals = \"closed\"\n[load.sweep]\nusers = [1]\n", "makes the arrivals");
  expect_message(kChat + "[load]\narrivals = \"burst\"\n[load.sweep]\nrate_per_s = [1]\n", "at a rate");
  expect_message(kChat + "[[requirement]]\nmetric = \"capacity_per_s\"\nat_least = 1\n",
                 "only with a [load.capacity]");
  expect_message(
      limited + "[load.capacity]\n[[requirement]]\nmetric = \"capacity_per_s\"\nat_least = 1\ntier = \"x\"\n",
      "unknown tier 'x'");
  expect_message(kChat + "[[requirement]]\nmetric = \"goodput_per_s\"\nat_least = 1\ntier = \"x\"\n",
                 "tier goes with capacity_per_s");
}

TEST(Scenario, RequirementsAreHeldAgainstTheMetricTable) {
  const auto with = [](const std::string& keys) { return kChat + "[[requirement]]\n" + keys; };
  expect_message(with("at_least = 1\n"), "s.toml:5:1: [[requirement]] needs a value for metric");
  expect_message(with("metric = 'ttft_ms_p9'\nat_most = 1\n"), "s.toml:6:10: ");
  expect_message(with("metric = 'ttft_ms_p90'\n"), "needs at_least or at_most");
  expect_message(with("metric = 'ttft_ms_p90'\nat_most = 1\nat_least = 1\n"), "needs at_least or at_most");
  expect_message(with("metric = 'ttft_ms_p90'\nat_least = 1\n"),
                 "s.toml:7:12: ttft_ms_p90 is better when it is lower: require at_most");
  expect_message(with("metric = 'goodput_per_s'\nat_most = 1\n"), "better when it is higher");
  expect_message(with("metric = 'goodput_per_s'\nat_least = -1\n"), "at_least must lie between");
  expect_message(with("metric = 'goodput_per_s'\nat_least = 1\ntraffic_class = 'chta'\n"),
                 "s.toml:8:17: unknown traffic class 'chta'. Did you mean 'chat'?");
  expect_message(with("metric = 'decode_tokens_per_s'\nat_least = 1\nphase = 'mix'\n"),
                 "does not come from traffic");
  expect_message(with("metric = 'power_w_max'\nat_most = 1\ntraffic_class = 'chat'\n"),
                 "s.toml:6:10: power_w_max is of all classes together: leave traffic_class out");
  expect_message(with("metric = 'cold_start_s'\nat_most = 1\nphase = 'mix'\n"),
                 "is of the target as a whole");
  expect_message(with("metric = 'tpot_interference'\nat_most = 2\ntraffic_class = 'all'\n"),
                 "is of each class by itself");
  expect_message(with("metric = 'interference'\nat_most = 2\nphase = 'alone'\n"), "leave phase out");
  EXPECT_EQ(parsed(with("metric = 'interference'\nat_most = 2\n")).requirements[0].scope["traffic_class"],
            Json());
  EXPECT_EQ(parsed(with("metric = 'effective_ttft_ms_p90'\nat_most = 2\ntraffic_class = 'chat'\n"))
                .requirements[0]
                .scope["traffic_class"]
                .as_string(),
            "chat");
  // What another exam measures may be required: --only chooses anew what is run.
  parsed("exams = ['load']\n" + with("metric = 'decode_tokens_per_s'\nat_least = 1\n"));
  expect_message(
      "[[target]]\ndevice = 'CPU'\n" + with("metric = 'goodput_per_s'\nat_least = 1\ntarget = 'CPV'\n"),
      "unknown target 'CPV'. Did you mean 'CPU'?");
  // Which devices "*" will find is not known yet.
  parsed(with("metric = 'goodput_per_s'\nat_least = 1\ntarget = 'Vulkan0'\n"));
}

TEST(Scenario, AContextThatNoRequestFitsIsRefused) {
  const std::string target = "[[target]]\ndevice = 'CPU'\ncontext_tokens = 16\n";
  const auto with = [&](const std::string& prompt) {
    return target + "[[traffic]]\nname = 'chat'\noutput_tokens = 5\nprompt_tokens = " + prompt + "\n";
  };
  expect_message(with("50"),
                 "s.toml:3:18: context_tokens is 16, and the shortest request of the class 'chat' takes 55");
  expect_message(with("{ min = 12, max = 40 }"), "takes 17 (prompt_tokens and output_tokens)");
  expect_message(with("{ median = 40, sigma = 1, min = 20 }"), "takes 25");
  parsed(with("11"));
  parsed(with("{ min = 4, max = 40 }"));
  parsed(with("{ median = 40, sigma = 1 }"));
  parsed("exams = ['roofline']\n" + with("50"));
  parsed("[[traffic]]\nname = 'chat'\noutput_tokens = 5\nprompt_tokens = 50\n[[target]]\nname = 'all'\n");
}

TEST(Scenario, AllErrorsAreReportedInTheirOrder) {
  const std::string message = message_of("name = 3\nsede = 1\n" + kChat + "weight = -1\n");
  EXPECT_EQ(message,
            "s.toml:1:8: name must be a string, not an integer\n"
            "s.toml:2:1: unknown key 'sede'. Did you mean 'seed'?\n"
            "s.toml:7:10: weight must be above 0, but is -1\n"
            "  docs/scenario.md describes every key of a scenario.");
  std::string many;
  for (int i = 0; i < 50; ++i) many += "key" + std::to_string(i) + " = 1\n";
  const std::string bounded = message_of(many + kChat);
  EXPECT_NE(bounded.find("\nand 30 more"), std::string::npos) << bounded;
  EXPECT_EQ(std::count(bounded.begin(), bounded.end(), '\n'), 21);
}

TEST(Scenario, MalformedTomlSaysWhere) {
  expect_message("name = \n", "s.toml:1:");
}

TEST(Scenario, TracesAreReadFromBesideTheScenario) {
  std::string folder = std::string(::testing::TempDir()) + "assay-scenario-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ASSERT_TRUE(write_file_atomically(folder + "/t.csv",
                                    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00,100,3\n"
                                    "2023-11-16 18:00:04,300,4\n"));
  const std::string text = kChat +
                           "[[traffic]]\nname = 'x'\nprompt_tokens = { trace = 't.csv' }\noutput_tokens = { "
                           "trace = 't.csv', max = 3 }\n"
                           "[load.trace]\npath = 't.csv'\nrate_scale = 2\nlength_scale = 0.1\n";
  const Scenario scenario = parsed(text, folder + "/s.toml");
  EXPECT_EQ(scenario.load.arrivals.kind, Arrivals::Kind::kTrace);
  EXPECT_EQ(scenario.load.trace.path, folder + "/t.csv");
  EXPECT_EQ(scenario.load.classes[1].prompt_tokens.values, (std::vector<uint32_t>{100, 300}));
  EXPECT_EQ(scenario.load.classes[1].output_tokens.values, (std::vector<uint32_t>{3, 4}));
  const auto trace = load_trace(scenario.load.trace);
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->entries[1].offset, nanos_from_seconds(2));
  EXPECT_EQ(trace->entries[1].prompt_tokens, 30U);

  const auto refused = [&](const std::string& more) {
    const Result<Scenario> result = parse_scenario(text + more, folder + "/s.toml", kExams);
    return result ? std::string() : result.error().message();
  };
  EXPECT_NE(refused("[load]\nrate_per_s = 3\n").find("scale it by rate_scale"), std::string::npos);
  ASSERT_TRUE(write_file_atomically(folder + "/t.csv", "nonsense\n"));
  EXPECT_NE(refused("").find(folder + "/t.csv:1: a trace of no known format"), std::string::npos)
      << refused("");
  remove_file(folder + "/t.csv");
  ASSERT_EQ(::rmdir(folder.c_str()), 0);
}

// A folder with a trace that has instants and one that has none.
class TraceKeys : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/assay_trace_keys_XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    ASSERT_TRUE(write_file_atomically(
        folder_ + "/m.jsonl",
        "{\"timestamp\":0,\"input_length\":64,\"output_length\":2,\"hash_ids\":[1,2,3,4]}\n"
        "{\"timestamp\":1000,\"input_length\":64,\"output_length\":2,\"hash_ids\":[1,2,3,5]}\n"));
    ASSERT_TRUE(write_file_atomically(
        folder_ + "/s.json",
        "[{\"conversations\":[{\"from\":\"human\",\"value\":\"four\"},{\"from\":\"gpt\",\"value\":\"12345678\"}]}]"));
  }
  void TearDown() override {
    remove_file(folder_ + "/m.jsonl");
    remove_file(folder_ + "/s.json");
    ::rmdir(folder_.c_str());
  }

  Result<Scenario> parse(const std::string& load) const {
    return parse_scenario(kChat + load, folder_ + "/s.toml", kExams);
  }
  std::string refused(const std::string& load) const {
    const Result<Scenario> scenario = parse(load);
    return scenario ? "" : scenario.error().message();
  }

  std::string folder_;
};

TEST_F(TraceKeys, APathAloneIsEnough) {
  const Result<Scenario> scenario = parse("[load.trace]\npath = 'm.jsonl'\nblock_tokens = 16\n");
  ASSERT_TRUE(scenario) << scenario.error().message();
  EXPECT_EQ(scenario->load.arrivals.kind, Arrivals::Kind::kTrace);
  EXPECT_EQ(scenario->load.trace.block_tokens, 16U);
  const Result<Trace> trace = load_trace(scenario->load.trace);
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->format, "mooncake");
  EXPECT_EQ(trace->prefixes->tokens(trace->entries[0].prefix), 48U);
  const Result<Scenario> brief = parse("[load]\ntrace = 's.json'\ntrace_format = 'sharegpt'\n");
  ASSERT_TRUE(brief) << brief.error().message();
  EXPECT_EQ(brief->load.trace.path, folder_ + "/s.json");
  EXPECT_EQ(brief->load.trace.format, "sharegpt");
}

TEST_F(TraceKeys, ATraceWithoutInstantsComesAsAnyClassDoes) {
  EXPECT_EQ(parse("[load]\ntrace = 's.json'\n")->load.arrivals.kind, Arrivals::Kind::kPoisson);
  const Result<Scenario> rate = parse("[load]\ntrace = 's.json'\nrate_per_s = 3\n");
  ASSERT_TRUE(rate) << rate.error().message();
  EXPECT_EQ(rate->load.rate_per_s, 3);
  EXPECT_NE(refused("[load]\ntrace = 's.json'\narrivals = 'trace'\n").find("the trace has no instants"),
            std::string::npos);
  const Result<Scenario> bytes = parse("[load.trace]\npath = 's.json'\nbytes_per_token = 2\n");
  ASSERT_TRUE(bytes) << bytes.error().message();
  EXPECT_EQ(load_trace(bytes->load.trace)->entries[0].output_tokens, 4U);
}

TEST_F(TraceKeys, OtherArrivalsTakeThePlaceOfATracesInstants) {
  const std::string trace = "[load.trace]\npath = 'm.jsonl'\nblock_tokens = 16\n";
  const Result<Scenario> scenario = parse("[load]\narrivals = 'poisson'\nrate_per_s = 3\n" + trace);
  ASSERT_TRUE(scenario) << scenario.error().message();
  EXPECT_EQ(scenario->load.arrivals.kind, Arrivals::Kind::kPoisson);
  EXPECT_NE(refused("[load]\nrate_per_s = 3\n" + trace).find("or give other arrivals"), std::string::npos);
}

TEST_F(TraceKeys, WhatIsWrongIsSaidWhereItStands) {
  EXPECT_NE(refused("[load]\ntrace = 'm.jsonl'\n").find("m.jsonl:1: 4 hash ids"), std::string::npos);
  EXPECT_NE(refused("[load]\ntrace = 's.json'\ntrace_format = 'mooncake'\n").find("s.json:1: no object"),
            std::string::npos);
  EXPECT_NE(refused("[load]\ntrace_format = 'moon'\n").find("unknown trace_format 'moon'"),
            std::string::npos);
  EXPECT_NE(refused("[load]\ntrace_format = 'weka'\ntrace = { path = 's.json', format = 'sharegpt' }\n")
                .find("stands in [load.trace] already"),
            std::string::npos);
  EXPECT_NE(refused("[load]\ntrace = 3\n"), "");
  EXPECT_NE(refused("[load.trace]\npath = 'm.jsonl'\nblock_tokens = 0\n").find("block_tokens"),
            std::string::npos);
}

TEST(Scenario, TheReferenceStatesTheTrueDefaults) {
  // Each key with a plain default, written out, must change nothing.
  const Scenario otherwise = parsed(kChat +
                                    "[[target]]\nkind = 'device'\n[[target]]\nkind = "
                                    "'fake'\n[[target]]\nkind = 'endpoint'\nurl = 'http://x'\n");
  std::string top, device, fake, endpoint, traffic, load, roofline;
  for (const ScenarioKey& key : scenario_keys()) {
    const std::string table = key.table, line = std::string(key.key) + " = " + key.default_text + "\n",
                      kind = key.of_kind;
    if (*key.default_text == '\0') continue;
    if (table.empty()) top += line;
    if (table == "target" && std::string(key.key) != "kind") {
      if (kind.find("device") != std::string::npos) device += line;
      if (kind.find("fake") != std::string::npos) fake += line;
      if (kind == "endpoint") endpoint += line;
    }
    if (table == "traffic" && (kind.empty() || kind.starts_with("chat"))) traffic += line;
    if (table == "load") load += line;
    if (table == "roofline") roofline += line;
  }
  const Scenario stated =
      parsed(top + kChat + traffic + "[[target]]\nkind = 'device'\n" + device +
             "[[target]]\nkind = 'fake'\n" + fake + "[[target]]\nkind = 'endpoint'\nurl = 'http://x'\n" +
             endpoint + "[load]\n" + load + "[roofline]\n" + roofline);
  EXPECT_EQ(stated.seed, otherwise.seed);
  ASSERT_EQ(stated.targets.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    TargetSpec target = stated.targets[i];
    target.where = otherwise.targets[i].where;
    target.device_where = otherwise.targets[i].device_where;
    EXPECT_EQ(target, otherwise.targets[i]) << i;
  }
  EXPECT_EQ(stated.load, otherwise.load);
  EXPECT_EQ(stated.roofline, otherwise.roofline);
}

TEST(Scenario, TheReferenceHasEveryKeyOnce) {
  const std::string markdown = scenario_reference_markdown();
  std::set<std::pair<std::string, std::string>> seen;
  for (const ScenarioKey& key : scenario_keys()) {
    EXPECT_TRUE(seen.insert({key.table, key.key}).second) << key.table << "." << key.key;
    EXPECT_NE(markdown.find(std::string("| `") + key.key + "` | " + key.type), std::string::npos) << key.key;
    EXPECT_TRUE(std::string(key.definition).ends_with('.')) << key.key;
  }
  EXPECT_EQ(markdown.find("api_key`"), std::string::npos);
  EXPECT_EQ(std::count(markdown.begin(), markdown.end(), '#'), 18 * 2 + 1);
}

// Each of these has one fault, and one message: others would only follow from it.
TEST(Scenario, WhatOnlyFollowsFromAnErrorIsNotSaid) {
  const std::string endpoint = "[[target]]\nkind = \"endpoint\"\nurl = \"http://x\"\n";
  const std::pair<std::string, std::string> faults[] = {
      {"[[target]]\nkind = \"fakee\"\ntpot_ms = 5\n" + kChat, "unknown kind 'fakee'"},
      {"[[target]]\nkind = \"fakee\"\n[[target]]\n" + kChat +
           "[[requirement]]\nmetric = \"ttft_ms_p90\"\nat_most = 5\ntarget = \"fake\"\n",
       "unknown kind 'fakee'"},
      {endpoint + "[[traffic]]\nname = \"e\"\nkind = \"embedings\"\nprompt_tokens = 5\ninputs = 3\n",
       "unknown kind 'embedings'"},
      {kChat + "[load]\narrivals = \"closd\"\nusers = 3\n", "unknown arrivals 'closd'"},
      {"[[traffic]]\nname = 5\nprompt_tokens = 10\noutput_tokens = 5\n"
       "[[requirement]]\nmetric = \"ttft_ms_p90\"\nat_most = 5\ntraffic_class = \"chat\"\n",
       "name must be a string"},
      {kChat + "[load.capacity]\n[[load.capacity.tier]]\nname = \"a\"\nttft_ms = -1\n", "ttft_ms must lie"},
      {"traffic = 5\n", "traffic must be written as [[traffic]] tables"},
      {"[[target]]\nknd = \"fake\"\ntpot_ms = 5\n" + kChat, "unknown key 'knd'"},
      {"[[target]]\nkind = \"endpoint\"\nurll = \"http://x\"\n" + kChat, "unknown key 'urll'"},
      {"[[traffic]]\nnmae = \"chat\"\nprompt_tokens = 10\noutput_tokens = 5\n", "unknown key 'nmae'"},
      {"[[traffic]]\nname = \"a\"\nprompt_tokens = 10\noutput_tokens = 5\nprefixes = 2\nprefix_tokens = \"x\"\n",
       "prefix_tokens must be"},
      {kChat + "cancel_share = \"x\"\ncancel_after_ms = 5\n", "cancel_share must be"},
      {"[[trafic]]\nname = \"chat\"\n", "unknown key 'trafic'"},
      {endpoint + "[target.stack]\nlanch = [\"a\"]\nenv = { A = true }\n" + kChat, "unknown key 'lanch'"},
      {kChat + "[load]\ncapacity = 5\n[[requirement]]\nmetric = \"capacity_per_s\"\nat_least = 5\n",
       "capacity must be a table"},
  };
  for (const auto& [text, said] : faults) {
    const std::string message = message_of(text);
    EXPECT_NE(message.find(said), std::string::npos) << message;
    EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 1) << message;  // the remedy
  }
}

}  // namespace assay::parse_test
