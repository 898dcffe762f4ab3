// The keys of [[traffic]] that say how requests are written: what they become, and what is refused.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario/scenario.h"

namespace assay::request_keys_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kExams = {"load"};
const std::string kEndpoint = "[[target]]\nkind = 'endpoint'\nurl = 'http://x'\n";
const std::string kText = "prompt_tokens = 10\noutput_tokens = 5\n";

Result<Scenario> scenario_of(const std::string& keys, const std::string& target = kEndpoint) {
  return parse_scenario(target + "[[traffic]]\nname = 'c'\n" + keys, "s.toml", kExams);
}

TrafficClass read(const std::string& keys) {
  const Result<Scenario> scenario = scenario_of(keys);
  EXPECT_TRUE(scenario) << keys << (scenario ? "" : scenario.error().message());
  return scenario ? scenario->load.classes[0] : TrafficClass();
}

std::string refused(const std::string& keys, const std::string& target = kEndpoint) {
  const Result<Scenario> scenario = scenario_of(keys, target);
  EXPECT_FALSE(scenario) << keys;
  return scenario ? "" : scenario.error().message();
}

TEST(RequestKeys, WithoutAnyARequestIsAsItWas) {
  EXPECT_EQ(read(kText).request, RequestOptions());
}

TEST(RequestKeys, EveryKindHasItsOwn) {
  EXPECT_EQ(read("kind = 'responses'\n" + kText).request.kind, RequestKind::kResponses);
  const RequestOptions vectors = read("kind = 'embeddings'\nprompt_tokens = 9\ninputs = 4\n").request;
  EXPECT_EQ(vectors.inputs, LengthDistribution{.a = 4});
  const RequestOptions ranks = read(
                                   "kind = 'rerank'\nprompt_tokens = 9\ndocuments = 7\ndocument_tokens = 50\n"
                                   "path = '/v2/rerank'\n")
                                   .request;
  EXPECT_EQ(ranks.documents, LengthDistribution{.a = 7});
  EXPECT_EQ(ranks.document_tokens, LengthDistribution{.a = 50});
  EXPECT_EQ(ranks.path, "/v2/rerank");
  const RequestOptions net =
      read("kind = 'kserve'\nmodel = 'net'\ntensors = [{ name = 'x', datatype = 'FP32', shape = [-1, 3] }]\n")
          .request;
  EXPECT_THAT(net.models, testing::ElementsAre("net"));
  ASSERT_EQ(net.tensors.size(), 1U);
  EXPECT_EQ(net.tensors[0], (TensorSpec{"x", "FP32", {-1, 3}}));
}

TEST(RequestKeys, ATemplateIsReadWithWhatItsAnswerMustBe) {
  const RequestOptions request = read(
                                     "kind = 'json'\nmethod = 'PUT'\npath = '/u/{{integer 1 9}}'\n"
                                     "body = '''\n{ \"q\": \"{{prompt}}\" }\n'''\n"
                                     "expect = { status = 201, values = [{ pointer = '/ok', equals = true }, "
                                     "{ pointer = '/s', min = 0, max = 1 }] }\n")
                                     .request;
  EXPECT_EQ(request.method, "PUT");
  EXPECT_FALSE(request.target.empty());
  EXPECT_EQ(request.path, "");
  EXPECT_TRUE(request.body.has_prompt());
  EXPECT_EQ(request.expect.status, 201);
  ASSERT_EQ(request.expect.conditions.size(), 2U);
  EXPECT_EQ(request.expect.conditions[0].equals, Json(true));
  EXPECT_EQ(request.expect.conditions[1].maximum, 1);
}

TEST(RequestKeys, ParametersGoIntoTheBody) {
  const TrafficClass c =
      read(kText +
           "model = ['a', 'b']\nsampling = { temperature = 0.7, top_k = 40 }\nextra_body = { min_tokens = "
           "8, nested = { on = [1, 2.5, 'x', false] } }\nheaders = { 'X-Tenant' = 'a' }\n");
  EXPECT_EQ(c.request.parameters.dump(),
            R"({"temperature": 0.7, "top_k": 40, "min_tokens": 8, "nested": {"on": [1, 2.5, "x", false]}})");
  EXPECT_THAT(c.request.models, testing::ElementsAre("a", "b"));
  EXPECT_THAT(c.request.headers, testing::ElementsAre(testing::Pair("X-Tenant", "a")));
}

TEST(RequestKeys, SecretsAreRefusedAndNotRepeated) {
  for (const char* header : {"Authorization = 'Bearer s3cret'", "'X-Api-Key' = 's3cret'", "Cookie = 's3cret'",
                             "'X-Auth-Token' = 's3cret'", "'X-Other' = 'sk-s3cret'"}) {
    EXPECT_THAT(refused(kText + "headers = { " + header + " }\n"),
                AllOf(HasSubstr("api_key_env or api_key_file"), Not(HasSubstr("s3cret"))))
        << header;
  }
  EXPECT_THAT(refused(kText + "headers = { Host = 'x' }\n"), HasSubstr("written by assay itself"));
  EXPECT_THAT(refused(kText + "headers = { 'a b' = 'x' }\n"), HasSubstr("no name of a header"));
  EXPECT_THAT(refused(kText + "headers = { a = \"x\\r\\nEvil: y\" }\n"), HasSubstr("one line"));
}

TEST(RequestKeys, WhatCannotApplyIsAnError) {
  const std::string vectors = "kind = 'embeddings'\nprompt_tokens = 9\n";
  EXPECT_THAT(
      refused(vectors + "slo = { ttft_ms = 9 }\n"),
      HasSubstr("ttft_ms does not apply to kind = \"embeddings\": its answers come at once; use e2e_ms"));
  EXPECT_THAT(refused(vectors + "slo = { tpot_ms = 9 }\n"), HasSubstr("tpot_ms does not apply"));
  EXPECT_EQ(read(vectors + "slo = { e2e_ms = 9 }\n").slo.e2e_ms, 9);
  EXPECT_THAT(refused(vectors + "output_tokens = 9\n"), HasSubstr("output_tokens does not apply"));
  EXPECT_THAT(refused(vectors + "turns = 2\n"), HasSubstr("no sessions"));
  EXPECT_THAT(refused(vectors + "sampling = { temperature = 1 }\n"),
              HasSubstr("sampling is a key of requests of"));
  EXPECT_THAT(refused(vectors + "documents = 3\n"),
              HasSubstr("documents is a key of requests of kind rerank"));
  EXPECT_THAT(refused(kText + "inputs = 3\n"), HasSubstr("this class has kind = \"chat\""));
  EXPECT_THAT(refused("kind = 'embeddings'\n"), HasSubstr("needs a value for prompt_tokens"));
  EXPECT_THAT(refused("prompt_tokens = 3\n"), HasSubstr("needs a value for output_tokens"));
  EXPECT_THAT(
      refused(vectors + "\n[[requirement]]\nmetric = 'ttft_ms_p90'\nat_most = 9\ntraffic_class = 'c'\n"),
      HasSubstr("ttft_ms_p90 is none of the class 'c'"));
  EXPECT_THAT(refused("kind = 'chats'\n" + kText), HasSubstr("Did you mean 'chat'?"));
}

TEST(RequestKeys, MembersThatAreTheClasssOwnAreRefused) {
  EXPECT_THAT(refused(kText + "extra_body = { max_tokens = 3 }\n"), HasSubstr("use output_tokens"));
  EXPECT_THAT(refused(kText + "extra_body = { stream = false }\n"), HasSubstr("the class's own"));
  EXPECT_THAT(refused(kText + "sampling = { seed = 1 }\nextra_body = { seed = 2 }\n"),
              HasSubstr("stands in sampling and in extra_body"));
  EXPECT_THAT(refused(kText + "sampling = { top_p = 2 }\n"), HasSubstr("between 0 and 1"));
}

TEST(RequestKeys, TemplatesAndTensorsAreCheckedBeforeAnythingIsSent) {
  const std::string json = "kind = 'json'\npath = '/x'\n";
  EXPECT_THAT(refused(json + "body = '{{promt}}'\n"), HasSubstr("Did you mean 'prompt'?"));
  EXPECT_THAT(refused(json + "body = '{ \"q\": {{prompt}} }'\n"), HasSubstr("no JSON when its placeholders"));
  EXPECT_THAT(refused("kind = 'json'\n"), HasSubstr("needs a value for path"));
  EXPECT_THAT(refused("kind = 'json'\npath = 'x'\n"), HasSubstr("must begin with /"));
  EXPECT_THAT(refused(json + "method = 'GET'\nbody = '{}'\n"), HasSubstr("a GET has no body"));
  EXPECT_THAT(refused(json + "model = 'x'\n"), HasSubstr("model is a part of the body"));
  EXPECT_THAT(refused(json + "expect = { values = [{ pointer = 'a' }] }\n"), HasSubstr("must begin with /"));
  EXPECT_THAT(refused(json + "expect = { values = [{ equals = 1 }] }\n"),
              HasSubstr("needs a value for pointer"));
  EXPECT_THAT(refused(kText + "path = '/v1/{{integer 1 2}}'\n"),
              HasSubstr("which only kind = \"json\" may have"));
  const auto tensor = [](const char* text) {
    return "kind = 'kserve'\ntensors = [" + std::string(text) + "]\n";
  };
  EXPECT_THAT(refused(tensor("{ name = 'x', datatype = 'FP31', shape = [1] }")),
              HasSubstr("Did you mean 'FP32'?"));
  EXPECT_THAT(refused(tensor("{ name = 'x', datatype = 'FP32', shape = [1024, 1025] }")),
              HasSubstr("more than"));
  EXPECT_THAT(refused(tensor("{ name = 'x', datatype = 'FP32', shape = [0] }")), HasSubstr("0 is no extent"));
  EXPECT_THAT(refused(tensor("{ name = 'x', datatype = 'FP32' }")), HasSubstr("needs a value for shape"));
}

TEST(RequestKeys, PrefixesAndCancellationsGoTogetherWithWhatTheyNeed) {
  const TrafficClass c = read(
      "prompt_tokens = 100\noutput_tokens = 50\nprefix_tokens = 40\nprefix_share = 0.5\n"
      "prefixes = 9\nprefix_zipf = 1.1\nprefix_depth = 2\ncancel_share = 0.1\ncancel_after_chunks = 5\n"
      "cancel_after_ms = { min = 10, max = 20 }\n");
  EXPECT_EQ(c.prefix_pool, (PrefixPool{.share = 0.5, .count = 9, .zipf = 1.1, .depth = 2}));
  EXPECT_EQ(c.cancel.share, 0.1);
  EXPECT_EQ(c.cancel.after_chunks, LengthDistribution{.a = 5});
  ASSERT_TRUE(c.cancel.after_ms);
  EXPECT_EQ(c.cancel.after_ms->b, 20);
  EXPECT_THAT(refused(kText + "prefixes = 3\n"), HasSubstr("prefixes needs prefix_tokens"));
  EXPECT_THAT(refused(kText + "prefix_tokens = 3\nprefix_zipf = 1\n"), HasSubstr("needs several prefixes"));
  EXPECT_THAT(refused(kText + "prefix_tokens = 3\nprefix_depth = 2\n"), HasSubstr("needs several prefixes"));
  EXPECT_THAT(refused(kText + "cancel_share = 0.1\n"), HasSubstr("cancel_share needs"));
  EXPECT_THAT(refused(kText + "cancel_after_ms = 10\n"), HasSubstr("only where cancel_share"));
  EXPECT_THAT(refused("kind = 'rerank'\nprompt_tokens = 9\ncancel_share = 1\ncancel_after_chunks = 3\n"),
              HasSubstr("use cancel_after_ms"));
}

TEST(RequestKeys, ADeviceOnlyGeneratesText) {
  const std::string device = "[[target]]\nkind = 'device'\ndevice = 'CPU'\n";
  EXPECT_THAT(refused("kind = 'embeddings'\nprompt_tokens = 9\n", device), HasSubstr("only generates text"));
  EXPECT_THAT(refused(kText + "model = 'x'\n", device), HasSubstr("no target is an endpoint"));
  EXPECT_TRUE(scenario_of(kText + "cancel_share = 0.5\ncancel_after_chunks = 3\n", device));
  EXPECT_TRUE(scenario_of(kText + "model = 'x'\n", device + kEndpoint));
  EXPECT_TRUE(scenario_of("kind = 'embeddings'\nprompt_tokens = 9\n", "[[target]]\nkind = 'fake'\n"));
}

// Each key with a default, written out for a kind that has it, must change nothing.
TEST(RequestKeys, TheReferenceStatesTheTrueDefaultsOfEveryKind) {
  for (const RequestKindRow& kind : request_kinds()) {
    std::string least = fmt::format("kind = '{}'\n", kind.name);
    if (kind.streams) least += kText;
    if (!kind.streams && kind.counts_prompt) least += "prompt_tokens = 10\n";
    if (kind.kind == RequestKind::kJson) least += "path = '/x'\n";
    std::string stated;
    for (const ScenarioKey& key : scenario_keys()) {
      const bool is_of_kind = std::string_view(key.of_kind).find(kind.name) != std::string_view::npos;
      if (std::string_view(key.table) == "traffic" && *key.default_text != '\0' && is_of_kind)
        stated += fmt::format("{} = {}\n", key.key, key.default_text);
    }
    EXPECT_EQ(read(least + stated), read(least)) << kind.name << stated;
  }
}

}  // namespace assay::request_keys_test
