// The scenarios that come with the program: each is valid, the built-in one fits its time, and quick is
// small.
#include <gtest/gtest.h>

#include "os/os.h"
#include "scenario/scenario.h"

namespace assay::examples_test {

const std::vector<std::string> kExams = {"probe", "roofline", "load"};
const std::string kFolder = std::string(ASSAY_SOURCE_DIR) + "/examples";

Scenario example(const std::string& name) {
  const std::string path = kFolder + "/" + name;
  const Result<std::string> text = read_file(path, 1 << 20);
  EXPECT_TRUE(text) << path;
  const Result<Scenario> scenario = text ? parse_scenario(*text, path, kExams) : fail("unread");
  EXPECT_TRUE(scenario) << scenario.error().message();
  return scenario ? *scenario : Scenario();
}

// Seconds of work in one request of each class together, for SmolLM2 135M on two slow cores (2.4 GHz, without
// AVX-512): 190 tokens/s of prefill and 150 of batched decode.
double work_s(const Scenario& scenario) {
  double sum = 0;
  for (const TrafficClass& c : scenario.load.classes)
    sum += c.prompt_tokens.mean() / 190 + c.output_tokens.mean() / 150;
  return sum;
}

TEST(Examples, EveryOneIsValidAndSoIsItsQuickForm) {
  const Result<std::vector<std::string>> names = list_directory(kFolder);
  ASSERT_TRUE(names);
  int count = 0;
  for (const std::string& name : *names) {
    if (!name.ends_with(".toml")) continue;
    const Scenario scenario = example(name);
    const Scenario small = quick(scenario);
    EXPECT_TRUE(small.is_quick);
    EXPECT_LE(small.load.max_duration_s, 4) << name;
    EXPECT_LE(small.roofline.max_duration_s, 2) << name;
    EXPECT_LE(small.load.requests_per_class, 4U);
    EXPECT_FALSE(small.load.alone);
    EXPECT_EQ(small.targets.size(), scenario.targets.size());
    EXPECT_FALSE(small.roofline.types.empty());
    ++count;
  }
  EXPECT_GE(count, 6);
}

TEST(Examples, QuickPutsATinyModelInTheLargeSyntheticOnesPlace) {
  Scenario scenario = example("synthetic-8b.toml");
  EXPECT_EQ(quick(scenario).targets[0].model, "synthetic:tiny:q4_k");
  scenario.targets[0].model = "synthetic:mixtral-8x7b:f16";
  EXPECT_EQ(quick(scenario).targets[0].model, "synthetic:tiny-moe:f16");
  for (const char* model : {"auto", "smollm2-135m", "/models/a.gguf"}) {
    scenario.targets[0].model = model;
    EXPECT_EQ(quick(scenario).targets[0].model, model);
  }
}

TEST(Examples, TheBuiltInScenarioIsTheFile) {
  EXPECT_EQ(read_file(kFolder + "/this-machine.toml", 1 << 20).value(), built_in_scenario_text());
  const Result<Scenario> scenario = parse_scenario(built_in_scenario_text(), "built-in", kExams);
  ASSERT_TRUE(scenario) << scenario.error().message();
  EXPECT_EQ(scenario->name, "this machine");
  EXPECT_EQ(scenario->exams, kExams);
}

TEST(Examples, TheBuiltInScenarioFitsItsTimeOnTwoCores) {
  const Scenario scenario = *parse_scenario(built_in_scenario_text(), "built-in", kExams);
  std::string names;
  for (const TrafficClass& c : scenario.load.classes) names += c.name + " ";
  EXPECT_EQ(names, "chat rag code summarise agent batch ");
  EXPECT_GE(scenario.load.requests_per_class, 64U);
  const double mix_s = work_s(scenario) * scenario.load.requests_per_class / scenario.load.utilisation;
  EXPECT_LT(mix_s, 95);
  EXPECT_GT(mix_s, 40);
  // The mix, all classes alone, and the kernels of two devices, with a minute for the slow device and all
  // starts.
  EXPECT_LT(2 * mix_s + 2 * scenario.roofline.max_duration_s + 60, 300);
}

TEST(Examples, TheClassesKeepTheirCharacter) {
  const Scenario scenario = *parse_scenario(built_in_scenario_text(), "built-in", kExams);
  const auto ratio = [](const TrafficClass& c) { return c.prompt_tokens.mean() / c.output_tokens.mean(); };
  const std::vector<TrafficClass>& classes = scenario.load.classes;
  EXPECT_GT(ratio(classes[1]), 1.8 * ratio(classes[0]));  // rag against chat
  EXPECT_GT(ratio(classes[3]), 1.8 * ratio(classes[0]));  // summarise
  EXPECT_EQ(classes[2].corpus, "code");
  EXPECT_GT(classes[4].turns.mean(), 1);
  for (const TrafficClass& c : classes) EXPECT_TRUE(c.slo.ttft_ms || c.slo.e2e_ms) << c.name;
}

TEST(Examples, TheTraceExampleReplaysTwoHundredRowsInAMinute) {
  const Scenario scenario = example("azure-conversation.toml");
  EXPECT_EQ(scenario.load.arrivals.kind, Arrivals::Kind::kTrace);
  const auto trace = load_trace(scenario.load.trace);
  ASSERT_TRUE(trace);
  const std::vector<TraceEntry>& entries = trace->entries;
  EXPECT_EQ(entries.size(), 200U);
  EXPECT_LT(seconds(entries.back().offset), 55);
  double work = 0;
  for (const TraceEntry& entry : entries) work += entry.prompt_tokens / 450.0 + entry.output_tokens / 350.0;
  EXPECT_LT(work, 0.75 * seconds(entries.back().offset));
}

}  // namespace assay::examples_test
