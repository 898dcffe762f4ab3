// From flags to scenarios: every flag lands in its key, and the text is one that the parser takes.
#include "cli/load_flags.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario/scenario.h"

namespace assay::load_flags_test {

using testing::HasSubstr;

ParsedOptions typed(std::initializer_list<std::pair<const char*, const char*>> flags) {
  ParsedOptions options;
  for (const auto& [name, value] : flags) options.set(name, value);
  return options;
}

Scenario scenario_of(std::initializer_list<std::pair<const char*, const char*>> flags,
                     const std::string& url = "127.0.0.1:8000") {
  const Result<LoadChoice> choice = scenario_of_flags({url}, typed(flags));
  EXPECT_TRUE(choice) << (choice ? "" : choice.error().message());
  if (!choice) return {};
  const std::vector<std::string> exams = {"load"};
  Result<Scenario> scenario = parse_scenario(choice->scenario_text, "s.toml", exams);
  EXPECT_TRUE(scenario) << choice->scenario_text << (scenario ? "" : scenario.error().message());
  return scenario ? std::move(*scenario) : Scenario();
}

std::string message_of(std::initializer_list<std::pair<const char*, const char*>> flags) {
  const Result<LoadChoice> choice = scenario_of_flags({"127.0.0.1:8000"}, typed(flags));
  EXPECT_FALSE(choice);
  return choice ? "" : choice.error().message();
}

TEST(LoadFlags, WithoutAnyThereIsATrialWorthRunning) {
  const Scenario scenario = scenario_of({});
  ASSERT_EQ(scenario.targets.size(), 1U);
  EXPECT_EQ(scenario.targets[0].url(), "http://127.0.0.1:8000/v1");
  EXPECT_EQ(scenario.targets[0].api, "chat");
  EXPECT_EQ(scenario.load.requests_per_class, 200U);
  EXPECT_EQ(scenario.load.arrivals.kind, Arrivals::Kind::kPoisson);
  EXPECT_EQ(scenario.load.rate_per_s, std::nullopt);
  EXPECT_FALSE(scenario.load.alone);
}

TEST(LoadFlags, UrlsAreCompletedWhereSomethingIsMissing) {
  EXPECT_EQ(scenario_of({}, "https://llm.example/base/v2").targets[0].url(), "https://llm.example/base/v2");
  EXPECT_EQ(scenario_of({}, "http://[::1]:9").targets[0].url(), "http://[::1]:9/v1");
  EXPECT_FALSE(scenario_of_flags({"ftp://x"}, ParsedOptions()));
}

TEST(LoadFlags, SeveralUrlsShareTheRequests) {
  const Result<LoadChoice> choice = scenario_of_flags({"10.0.0.1:8000", "https://b.example/v1"}, {});
  ASSERT_TRUE(choice) << choice.error().message();
  EXPECT_THAT(choice->words, HasSubstr("to http://10.0.0.1:8000/v1 and 1 more in turn"));
  const std::vector<std::string> exams = {"load"};
  const Result<Scenario> scenario = parse_scenario(choice->scenario_text, "s.toml", exams);
  ASSERT_TRUE(scenario) << choice->scenario_text << scenario.error().message();
  EXPECT_THAT(scenario->targets[0].urls,
              testing::ElementsAre("http://10.0.0.1:8000/v1", "https://b.example/v1"));
  EXPECT_EQ(scenario->name, "load 10.0.0.1:8000 and 1 more");

  const Result<LoadChoice> twice = scenario_of_flags({"h:1", "http://H:1/v1"}, {});
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message(), HasSubstr("http://h:1/v1 is given twice"));
  EXPECT_FALSE(scenario_of_flags(std::vector<std::string>(65, "h:1"), {}));
  ParsedOptions launching;
  launching.set_rest({"serve"});
  const Result<LoadChoice> launched = scenario_of_flags({"h:1", "h:2"}, launching);
  ASSERT_FALSE(launched);
  EXPECT_THAT(launched.error().message(), HasSubstr("a command starts one server"));
}

TEST(LoadFlags, AStackIsDeclaredByKeys) {
  const StackSpec stack =
      scenario_of({{"--stack", "engine=vllm,version=0.11.0,flags=--a=1,--b,c,tuned_for_h=2.5,notes=x = y"}})
          .targets[0]
          .stack;
  EXPECT_TRUE(stack.is_declared);
  EXPECT_EQ(stack.engine, "vllm");
  EXPECT_EQ(stack.version, "0.11.0");
  EXPECT_EQ(stack.flags, "--a=1,--b,c");
  EXPECT_EQ(stack.tuned_for_h, 2.5);
  EXPECT_EQ(stack.notes, "x = y");
  EXPECT_FALSE(scenario_of({}).targets[0].stack.is_declared);
  EXPECT_THAT(message_of({{"--stack", "enginee=vllm"}}), HasSubstr("Did you mean 'engine'?"));
  EXPECT_THAT(message_of({{"--stack", "engine=a,engine=b"}}), HasSubstr("engine stands there twice"));
  EXPECT_THAT(message_of({{"--stack", "tuned_for_h=long"}}), HasSubstr("'long' is no number"));
}

TEST(LoadFlags, WhatStandsBehindTheDashesIsLaunchedHere) {
  ParsedOptions options = typed({{"--launch-env", "HF_TOKEN, OTHER"}});
  options.set_rest({"vllm", "serve", "a \"b\"", "--port", "8000", ""});
  const Result<LoadChoice> choice = scenario_of_flags({"127.0.0.1:8000"}, options);
  ASSERT_TRUE(choice) << choice.error().message();
  const std::vector<std::string> exams = {"load"};
  const Result<Scenario> scenario = parse_scenario(choice->scenario_text, "elsewhere/s.toml", exams);
  ASSERT_TRUE(scenario) << choice->scenario_text << scenario.error().message();
  const StackSpec& stack = scenario->targets[0].stack;
  EXPECT_EQ(stack.launch, options.rest());
  ASSERT_EQ(stack.variables.size(), 2U);
  EXPECT_EQ(stack.variables[1].name, "OTHER");
  EXPECT_TRUE(stack.variables[1].passes_on);
  EXPECT_TRUE(stack.directory.starts_with('/')) << stack.directory;
  EXPECT_THAT(message_of({{"--launch-env", "HF_TOKEN"}}), HasSubstr("there is no command to launch"));
}

TEST(LoadFlags, EachIsAKeyOfTheScenario) {
  const Scenario scenario = scenario_of({{"--model", "a \"model\""},
                                         {"--api", "completions"},
                                         {"--request-rate", "12.5"},
                                         {"--num-prompts", "500"},
                                         {"--input-len", "1024"},
                                         {"--output-len", "10:20"},
                                         {"--prefix-len", "100"},
                                         {"--goodput", "ttft:500,tpot:50,e2el:9000"},
                                         {"--duration", "60"},
                                         {"--timeout", "20"},
                                         {"--api-key-env", "KEY"},
                                         {"--seed", "7"}});
  const TargetSpec& target = scenario.targets[0];
  EXPECT_EQ(target.endpoint_model, "a \"model\"");
  EXPECT_EQ(target.api, "completions");
  EXPECT_EQ(target.api_key_env, "KEY");
  EXPECT_EQ(target.timeout_s, 20);
  EXPECT_EQ(scenario.seed, 7U);
  EXPECT_EQ(scenario.load.rate_per_s, 12.5);
  EXPECT_EQ(scenario.load.requests_per_class, 500U);
  EXPECT_EQ(scenario.load.max_duration_s, 60);
  const TrafficClass& traffic = scenario.load.classes[0];
  EXPECT_EQ(traffic.prompt_tokens, (LengthDistribution{LengthDistribution::Kind::kFixed, 1024}));
  EXPECT_EQ(traffic.output_tokens.kind, LengthDistribution::Kind::kUniform);
  EXPECT_EQ(traffic.prefix_tokens, 100U);
  EXPECT_EQ(traffic.slo.ttft_ms, 500);
  EXPECT_EQ(traffic.slo.tpot_ms, 50);
  EXPECT_EQ(traffic.slo.e2e_ms, 9000);
}

// As vLLM's benchmark: the shape of the gamma distribution is the reciprocal of its squared variation.
TEST(LoadFlags, ATokenizerIsAFileOfThisMachine) {
  const char* file = ASSAY_SOURCE_DIR "/fuzz/corpus/gguf/good.gguf";
  EXPECT_EQ(scenario_of({{"--tokenizer", file}}).targets[0].tokenizer, file);
  EXPECT_EQ(scenario_of({}).targets[0].tokenizer, "");
}

TEST(LoadFlags, BurstinessIsTheShapeOfTheGaps) {
  const Scenario scenario = scenario_of({{"--request-rate", "4"}, {"--burstiness", "0.25"}});
  EXPECT_EQ(scenario.load.arrivals.kind, Arrivals::Kind::kGamma);
  EXPECT_EQ(scenario.load.arrivals.cv, 2);
}

TEST(LoadFlags, ConcurrencyWithoutARateIsAClosedLoop) {
  const Scenario closed = scenario_of({{"--max-concurrency", "32"}});
  EXPECT_EQ(closed.load.arrivals.kind, Arrivals::Kind::kClosed);
  EXPECT_EQ(closed.load.arrivals.users, 32U);
  const Scenario capped = scenario_of({{"--max-concurrency", "32"}, {"--request-rate", "5"}});
  EXPECT_EQ(capped.load.arrivals.kind, Arrivals::Kind::kPoisson);
  EXPECT_EQ(capped.targets[0].max_connections, 32U);
  EXPECT_EQ(scenario_of({{"--max-concurrency", "32"}, {"--request-rate", "inf"}}).load.arrivals.kind,
            Arrivals::Kind::kClosed);
}

TEST(LoadFlags, AnInfiniteRateIsABurst) {
  const Scenario scenario = scenario_of({{"--request-rate", "inf"}, {"--num-prompts", "1000"}});
  EXPECT_EQ(scenario.load.arrivals.kind, Arrivals::Kind::kBurst);
  EXPECT_EQ(scenario.targets[0].max_connections, std::nullopt);
}

TEST(LoadFlags, ASweepIsATrialAtEachPointAndNothingElse) {
  const Scenario rates = scenario_of({{"--sweep", "rate=1,2.5,4"}, {"--num-prompts", "50"}});
  EXPECT_EQ(rates.load.sweep.rates_per_s, (std::vector<double>{1, 2.5, 4}));
  EXPECT_FALSE(rates.load.mix);
  EXPECT_EQ(rates.load.requests_per_class, 50U);
  const Scenario users = scenario_of({{"--sweep", "concurrency=1,8,5000"}});
  EXPECT_EQ(users.load.sweep.users, (std::vector<uint32_t>{1, 8, 5000}));
}

TEST(LoadFlags, CapacityIsSearchedUnderTheLimitsAndTiers) {
  const Scenario scenario = scenario_of({{"--capacity", ""},
                                         {"--goodput", "ttft:500,tpot:50"},
                                         {"--tiers", "relaxed.ttft:2000,fast.e2el:100,relaxed.tpot:100"},
                                         {"--duration", "600"},
                                         {"--burstiness", "0.25"}});
  ASSERT_TRUE(scenario.load.capacity);
  EXPECT_FALSE(scenario.load.mix);
  EXPECT_EQ(scenario.load.capacity->max_duration_s, 600);
  ASSERT_EQ(scenario.load.capacity->tiers.size(), 2U);
  EXPECT_EQ(scenario.load.capacity->tiers[0].name, "relaxed");
  EXPECT_EQ(scenario.load.capacity->tiers[0].slo.ttft_ms, 2000);
  EXPECT_EQ(scenario.load.capacity->tiers[0].slo.tpot_ms, 100);
  EXPECT_EQ(scenario.load.capacity->tiers[1].slo.e2e_ms, 100);
  EXPECT_EQ(scenario.load.classes[0].slo.ttft_ms, 500);
  EXPECT_EQ(scenario.load.arrivals.cv, 2);
}

TEST(LoadFlags, SearchesThatCannotBeSaySo) {
  EXPECT_THAT(message_of({{"--capacity", ""}}), HasSubstr("--goodput ttft:500"));
  EXPECT_THAT(message_of({{"--tiers", "a.ttft:5"}}), HasSubstr("Add --capacity"));
  EXPECT_THAT(message_of({{"--capacity", ""}, {"--tiers", "ttft:5"}}), HasSubstr("NAME.KEY:MS"));
  EXPECT_THAT(message_of({{"--capacity", ""}, {"--tiers", "a\"b.ttft:5"}}), HasSubstr("name of a tier"));
  EXPECT_THAT(message_of({{"--capacity", ""}, {"--goodput", "ttft:5"}, {"--request-rate", "3"}}),
              HasSubstr("--request-rate"));
  EXPECT_THAT(message_of({{"--capacity", ""}, {"--goodput", "ttft:5"}, {"--num-prompts", "3"}}),
              HasSubstr("--num-prompts"));
  for (const char* sweep : {"rate", "speed=1", "rate=1,x", "rate=0", "concurrency=1.5", "rate="})
    EXPECT_THAT(message_of({{"--sweep", sweep}}), HasSubstr("rate=1,2,4,8")) << sweep;
  EXPECT_THAT(message_of({{"--sweep", "concurrency=2"}, {"--burstiness", "2"}}), HasSubstr("--burstiness"));
}

TEST(LoadFlags, WhatCannotBeIsSaidWithItsFlag) {
  EXPECT_THAT(message_of({{"--request-rate", "fast"}}), HasSubstr("--request-rate"));
  EXPECT_THAT(message_of({{"--num-prompts", "0"}}), HasSubstr("--num-prompts"));
  EXPECT_THAT(message_of({{"--input-len", "9:3"}}), HasSubstr("MIN:MAX"));
  EXPECT_THAT(message_of({{"--goodput", "speed:3"}}), HasSubstr("ttft, tpot or e2el"));
  EXPECT_THAT(message_of({{"--goodput", "itl:4"}}), HasSubstr("Use tpot"));
  EXPECT_THAT(message_of({{"--goodput", "e2e:4,e2el:5"}}), HasSubstr("second limit"));
  EXPECT_THAT(message_of({{"--dataset-name", "sonnet"}}),
              HasSubstr("random, auto, azure, burstgpt, mooncake, sharegpt, weka, timed_trace"));
  EXPECT_THAT(message_of({{"--dataset-name", "azure"}}), HasSubstr("--dataset-path"));
  EXPECT_THAT(message_of({{"--dataset-name", "azure"}, {"--dataset-path", "x"}, {"--input-len", "3"}}),
              HasSubstr("--input-len"));
  EXPECT_THAT(message_of({{"--burstiness", "2"}, {"--max-concurrency", "3"}}), HasSubstr("closed loop"));
  EXPECT_THAT(message_of({{"--api", "soap"}}), HasSubstr("--api"));
  EXPECT_THAT(message_of({{"--seed", "-1"}}), HasSubstr("--seed"));
}

// ---- how requests are written ----

TEST(LoadFlags, BackendsHaveVllmsNames) {
  EXPECT_EQ(scenario_of({{"--backend", "openai"}}).targets[0].api, "completions");
  EXPECT_EQ(scenario_of({{"--endpoint-type", "openai-chat"}}).targets[0].api, "chat");
  EXPECT_EQ(scenario_of({{"--api", "responses"}}).targets[0].api, "responses");
  const TrafficClass vectors =
      scenario_of({{"--backend", "openai-embeddings"}, {"--random-batch-size", "8"}}).load.classes[0];
  EXPECT_EQ(vectors.request.kind, RequestKind::kEmbeddings);
  EXPECT_EQ(vectors.request.inputs, LengthDistribution{.a = 8});
  const TrafficClass ranks = scenario_of({{"--backend", "vllm-rerank"},
                                          {"--endpoint", "/v2/rerank"},
                                          {"--random-batch-size", "20"},
                                          {"--goodput", "e2el:500"}})
                                 .load.classes[0];
  EXPECT_EQ(ranks.request.kind, RequestKind::kRerank);
  EXPECT_EQ(ranks.request.path, "/v2/rerank");
  EXPECT_EQ(ranks.request.documents, LengthDistribution{.a = 20});
  EXPECT_EQ(ranks.slo.e2e_ms, 500);
  EXPECT_EQ(scenario_of({{"--api", "kserve"}, {"--model", "net"}}).load.classes[0].request.kind,
            RequestKind::kKserve);
}

TEST(LoadFlags, ParametersHeadersAndAdaptersAreCarried) {
  const TrafficClass c =
      scenario_of({{"--temperature", "0.7"},
                   {"--top-p", "0.9"},
                   {"--top-k", "40"},
                   {"--extra-body", R"({"min_p": 0.1, "a \"b\"": {"c": [1, "x", true, {}]}})"},
                   {"--header", "X-Tenant=a=b"},
                   {"--lora-modules", "one, two"},
                   {"--random-prefix-len", "64"},
                   {"--input-len", "128"}})
          .load.classes[0];
  EXPECT_EQ(
      c.request.parameters.dump(),
      R"({"temperature": 0.7, "top_p": 0.9, "top_k": 40, "min_p": 0.1, "a \"b\"": {"c": [1, "x", true, {}]}})");
  EXPECT_THAT(c.request.headers, testing::ElementsAre(testing::Pair("X-Tenant", "a=b")));
  EXPECT_THAT(c.request.models, testing::ElementsAre("one", "two"));
  EXPECT_EQ(c.prefix_tokens, 64U);
}

TEST(LoadFlags, TopKOfAllTokensIsMinusOne) {
  EXPECT_EQ(scenario_of({{"--top-k", "-1"}}).load.classes[0].request.parameters.dump(), R"({"top_k": -1})");
  for (const char* wrong : {"-2", "0", "1.5"})
    EXPECT_THAT(message_of({{"--top-k", wrong}}), HasSubstr("-1 stands for all tokens")) << wrong;
}

TEST(LoadFlags, WhatDoesNotGoTogetherIsSaid) {
  EXPECT_THAT(message_of({{"--backend", "openai-chats"}}), HasSubstr("Did you mean 'openai-chat'?"));
  EXPECT_THAT(message_of({{"--backend", "openai"}, {"--api", "chat"}}), HasSubstr("says the same"));
  EXPECT_THAT(message_of({{"--api", "json"}}), HasSubstr("a scenario's"));
  EXPECT_THAT(message_of({{"--api", "embeddings"}, {"--output-len", "3"}}), HasSubstr("have no tokens"));
  EXPECT_THAT(message_of({{"--api", "embeddings"}, {"--temperature", "1"}}), HasSubstr("sample nothing"));
  EXPECT_THAT(message_of({{"--api", "embeddings"}, {"--top-k", "1"}}), HasSubstr("sample nothing"));
  EXPECT_THAT(message_of({{"--random-batch-size", "3"}}), HasSubstr("one prompt each"));
  EXPECT_THAT(message_of({{"--extra-body", "[1]"}}), HasSubstr("no JSON object"));
  EXPECT_THAT(message_of({{"--extra-body", "{"}}), HasSubstr("--extra-body"));
  EXPECT_THAT(message_of({{"--extra-body", R"({"a":null})"}}), HasSubstr("null has no place"));
  EXPECT_THAT(message_of({{"--header", "X-Tenant"}}), HasSubstr("KEY=VALUE"));
}

// What the flags say of a trace that need not be there: the text is not parsed.
std::string text_of(std::initializer_list<std::pair<const char*, const char*>> flags) {
  const Result<LoadChoice> choice = scenario_of_flags({"127.0.0.1:8000"}, typed(flags));
  EXPECT_TRUE(choice) << (choice ? "" : choice.error().message());
  return choice ? choice->scenario_text : "";
}

TEST(LoadFlags, TracesGoByTheNamesThatTheFieldGivesThem) {
  for (const char* name : {"azure", "burstgpt", "mooncake", "sharegpt", "weka"}) {
    EXPECT_THAT(text_of({{"--dataset-name", name}, {"--dataset-path", "/t"}, {"--num-prompts", "7"}}),
                HasSubstr(std::string("path = \"/t\"\nformat = \"") + name + "\"\nlimit = 7\n"));
  }
  EXPECT_THAT(text_of({{"--dataset-name", "timed_trace"}, {"--dataset-path", "/t"}}),
              HasSubstr("format = \"mooncake\"\nlimit = 200\nblock_tokens = 16\n"));
  EXPECT_THAT(text_of({{"--dataset-path", "/t"}}), HasSubstr("format = \"auto\""));
  EXPECT_THAT(message_of({{"--dataset-name", "random"}, {"--dataset-path", "/t"}}),
              HasSubstr("come from no file"));
  EXPECT_THAT(message_of({{"--dataset-name", "sharegtp"}, {"--dataset-path", "/t"}}),
              HasSubstr("Did you mean 'sharegpt'?"));
}

TEST(LoadFlags, ATraceKeepsItsInstantsUnlessAFlagSaysHowRequestsCome) {
  EXPECT_THAT(text_of({{"--dataset-name", "mooncake"}, {"--dataset-path", "/t"}}),
              testing::Not(HasSubstr("arrivals")));
  EXPECT_THAT(text_of({{"--dataset-name", "burstgpt"}, {"--dataset-path", "/t"}, {"--request-rate", "5"}}),
              HasSubstr("arrivals = \"poisson\"\nrate_per_s = 5\n"));
  EXPECT_THAT(text_of({{"--dataset-name", "azure"}, {"--dataset-path", "/t"}, {"--max-concurrency", "8"}}),
              HasSubstr("arrivals = \"closed\"\nusers = 8\n"));
  EXPECT_THAT(text_of({{"--dataset-name", "weka"}, {"--dataset-path", "/t"}, {"--request-rate", "inf"}}),
              HasSubstr("arrivals = \"burst\"\n"));
  EXPECT_THAT(text_of({{"--dataset-name", "sharegpt"}, {"--dataset-path", "/t"}}),
              HasSubstr("arrivals = \"poisson\"\n"));
}

// What the program prints for flags of which only the scenario that they make shows that they are wrong.
std::string scenario_message_of(std::initializer_list<std::pair<const char*, const char*>> flags) {
  const Result<LoadChoice> choice = scenario_of_flags({"127.0.0.1:8000"}, typed(flags));
  if (!choice) return choice.error().message();
  const std::vector<std::string> exams = {"load"};
  const Result<Scenario> scenario =
      parse_scenario(choice->scenario_text, "the flags", exams, choice->tell_error);
  EXPECT_FALSE(scenario) << choice->scenario_text;
  return scenario ? "" : scenario.error().message();
}

TEST(LoadFlags, WhatOnlyTheScenarioShowsIsToldOfTheFlagThatWasTyped) {
  const std::string seen = "\n  See `assay help load`.";
  EXPECT_EQ(scenario_message_of({{"--prefix-len", "5000"}}),
            "--prefix-len 5000: must be below the mean of --input-len, which include them" + seen);
  EXPECT_EQ(scenario_message_of({{"--model", ""}}), "--model '': is empty" + seen);
  EXPECT_EQ(scenario_message_of({{"--goodput", "tpot:5,ttft:1e12"}}),
            "--goodput ttft:1e12: must lie between 0.001 and 86400000, but is 1000000000000" + seen);
  EXPECT_EQ(
      scenario_message_of({{"--api", "embeddings"}, {"--goodput", "ttft:3"}}),
      "--goodput ttft:3: does not apply to kind = \"embeddings\": its answers come at once; use e2el" + seen);
  EXPECT_EQ(scenario_message_of({{"--endpoint", "/a b"}}),
            "--endpoint '/a b': has placeholders or blanks, which only kind = \"json\" may have" + seen);
  EXPECT_EQ(scenario_message_of({{"--stack", "engine=é,tuned_for_h=-1"}}),
            "--stack tuned_for_h=-1: must lie between 0 and 1000000, but is -1" + seen);
  EXPECT_EQ(scenario_message_of({{"--extra-body", "{\"model\": 1}"}}),
            "--extra-body '{\"model\": 1}': model is the class's own: use --model" + seen);
  EXPECT_EQ(
      scenario_message_of({{"--capacity", ""}, {"--tiers", "a.ttft:5,slo.tpot:5"}}),
      "--tiers slo.tpot:5: a tier cannot be called 'slo': results use that word for the limits of the classes "
      "themselves" +
          seen);
  // Of no flag alone.
  EXPECT_EQ(scenario_message_of({{"--api-key-env", "A"}, {"--api-key-file", "b"}}),
            "give --api-key-env or --api-key-file, not both" + seen);
  // Each by itself where there are several.
  EXPECT_EQ(
      scenario_message_of({{"--metrics-url", "x"}, {"--metrics-interval", "0.01"}}),
      "--metrics-url x: the URL does not begin with http:// or https://. Write it like http://127.0.0.1:8000/v1 or "
      "https://host.example/v1.\n--metrics-interval 0.01: is 0.01: give 0, or 0.1 at least, so that the samples do "
      "not become a load of their own" +
          seen);
}

TEST(LoadFlags, TwoHeadersOnOneLineAreToldApartBehindLettersOfSeveralBytes) {
  ParsedOptions options;
  options.set("--header", std::string("A=éé\0Host=q", 13));
  const Result<LoadChoice> choice = scenario_of_flags({"h:1"}, options);
  ASSERT_TRUE(choice) << choice.error().message();
  const std::vector<std::string> exams = {"load"};
  const Result<Scenario> scenario = parse_scenario(choice->scenario_text, "s", exams, choice->tell_error);
  ASSERT_FALSE(scenario);
  EXPECT_EQ(scenario.error().where, "--header Host");
  EXPECT_EQ(scenario.error().message().find("q"), std::string::npos) << "the value may be a secret";
}

// A key that a message could name must have a name on the command line.
TEST(LoadFlags, NoKeyOfTheScenarioIsLeftInWhatIsSaid) {
  const Result<LoadChoice> choice =
      scenario_of_flags({"127.0.0.1:8000"}, typed({{"--goodput", "ttft:1,tpot:2,e2el:3"},
                                                   {"--model", "m"},
                                                   {"--api-key-env", "A"},
                                                   {"--api-key-file", "b"},
                                                   {"--ca-file", "c"},
                                                   {"--timeout", "1"},
                                                   {"--metrics-url", "u"},
                                                   {"--metrics-interval", "1"},
                                                   {"--input-len", "5"},
                                                   {"--output-len", "5"},
                                                   {"--prefix-len", "1"},
                                                   {"--request-rate", "1"},
                                                   {"--extra-body", "{}"},
                                                   {"--num-prompts", "1"},
                                                   {"--duration", "1"},
                                                   {"--max-concurrency", "1"}}));
  ASSERT_TRUE(choice) << choice.error().message();
  size_t keys = 0;
  for (const std::string_view line : split(choice->scenario_text, '\n')) {
    for (const std::string_view part : split(line, ' ')) {
      const bool is_key =
          part.find('_') != std::string_view::npos && part.find('"') == std::string_view::npos;
      if (!is_key) continue;
      ++keys;
      const Error told = choice->tell_error({}, fmt::format("x {} y", part));
      EXPECT_EQ(told.what.find('_'), std::string::npos) << told.what;
    }
  }
  EXPECT_GT(keys, 10U);
}

TEST(LoadFlags, AZeroThatHelpNamesAsTheDefaultIsTaken) {
  EXPECT_EQ(scenario_of({{"--prefix-len", "0"}}).load.classes[0].prefix_tokens, 0U);
}

TEST(LoadFlags, WhatWasGivenTwiceIsRefusedAndNotChosenFrom) {
  EXPECT_THAT(message_of({{"--prefix-len", "1"}, {"--random-prefix-len", "2"}}),
              HasSubstr("--random-prefix-len: --prefix-len says the same"));
  EXPECT_THAT(message_of({{"--goodput", "ttft:5,ttft:6"}}), HasSubstr("'ttft:6' is a second limit of ttft"));
  EXPECT_THAT(message_of({{"--lora-modules", "a,a"}}), HasSubstr("is named twice"));
  EXPECT_THAT(message_of({{"--sweep", "rate=1,2,1"}}), HasSubstr("1 stands there twice"));
}

}  // namespace assay::load_flags_test
