// What each kind of request looks like, and what is taken for an answer to it.
#include "target/endpoint/endpoint_kinds.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "target/endpoint/endpoint_body.h"
#include "target/endpoint/json_walk.h"

namespace assay::endpoint_kinds_test {

const PromptCutter kCutter(4.2);

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Request request(uint64_t seed = 3) {
  return {.id = 7, .corpus = "prose", .prompt_seed = seed, .prompt_tokens = 10, .output_tokens = 5};
}

Json body_of(RequestOptions options, const Request& of = request()) {
  EndpointBodies bodies(RequestKind::kChat, kCutter, "/v1", {std::move(options)});
  bodies.set_model("m");
  std::string said;
  const std::string body = bodies.call_for(of, said).body;
  Result<Json> json = Json::parse(body, "body");
  EXPECT_TRUE(json) << body;
  return json ? *json : Json();
}

// "" for a good answer with `tokens`, else cause and words.
std::string read(RequestKind kind, std::string body, uint32_t items = 1, RequestOptions options = {},
                 int status = 200) {
  EndpointVerdict verdict;
  const size_t size = body.size();
  body.append(JsonWalk::kPadding, ' ');
  endpoint_kind(kind).read(
      {.status = status, .body = std::string_view(body).substr(0, size), .options = options, .items = items},
      verdict);
  EXPECT_LE(verdict.problem.size(), 160U) << verdict.problem;
  if (verdict.cause == FailureCause::kNone)
    return verdict.prompt_tokens == 0 ? "good" : "good " + std::to_string(verdict.prompt_tokens);
  return std::string(name_of(verdict.cause)) + ": " + verdict.problem;
}

// ---- options of generated text ----

TEST(EndpointKinds, ParametersStandInPlaceOfOurOwn) {
  RequestOptions options;
  options.parameters.set("temperature", 0.7).set("top_k", 40).set("ignore_eos", false);
  Json thinking = Json::object();
  options.parameters.set("chat_template_kwargs", thinking.set("enable_thinking", false));
  EndpointBodies bodies(RequestKind::kChat, kCutter, "/v1", {options});
  std::string said;
  const std::string body = bodies.call_for(request(), said).body;
  EXPECT_THAT(body, AllOf(HasSubstr(R"("temperature":0.7,"top_k":40,"ignore_eos":false)"),
                          HasSubstr(R"("chat_template_kwargs":{"enable_thinking": false}})")));
  EXPECT_EQ(body.find("temperature"), body.rfind("temperature"));
  EXPECT_EQ(body.find("ignore_eos"), body.rfind("ignore_eos"));
}

TEST(EndpointKinds, EachRequestDrawsOneOfTheModels) {
  std::map<std::string, int> drawn;
  for (uint64_t seed = 0; seed < 400; ++seed)
    ++drawn[body_of({.models = {"base", "adapter"}}, request(seed))["model"].as_string()];
  EXPECT_EQ(drawn.size(), 2U);
  EXPECT_NEAR(drawn["base"], 200, 60);
}

TEST(EndpointKinds, AResponseIsAskedForAsMessages) {
  const Json body = body_of({.kind = RequestKind::kResponses});
  EXPECT_EQ(body["input"].items()[0]["role"].as_string(), "user");
  EXPECT_EQ(body["input"].items()[0]["content"].as_string(), prompt_text("prose", 3, 10, 4.2));
  EXPECT_EQ(body["max_output_tokens"].as_integer(), 5);
  EXPECT_TRUE(body["stream"].as_bool());
  EXPECT_FALSE(body["store"].as_bool(true));
}

// ---- embeddings ----

TEST(EndpointKinds, EmbeddingsOfOneTextOrMany) {
  EXPECT_EQ(body_of({.kind = RequestKind::kEmbeddings})["input"].as_string(),
            prompt_text("prose", 3, 10, 4.2));
  const Json many = body_of({.kind = RequestKind::kEmbeddings, .inputs = {.a = 3}});
  ASSERT_EQ(many["input"].items().size(), 3U);
  EXPECT_NE(many["input"].items()[0], many["input"].items()[1]);
  EXPECT_EQ(embedded_texts(request(), {.inputs = {.a = 3}}), 3U);
}

TEST(EndpointKinds, EmbeddingsAreChecked) {
  const auto answer = [](std::string data) {
    return R"({"object":"list","data":[)" + data + R"(],"usage":{"prompt_tokens":12,"total_tokens":12}})";
  };
  const auto read_of = [&](const std::string& data, uint32_t items = 1) {
    return read(RequestKind::kEmbeddings, answer(data), items);
  };
  EXPECT_EQ(read_of(R"({"index":0,"embedding":[0.5,-1e-3,2]})"), "good 12");
  EXPECT_EQ(read_of(R"({"embedding":"AAAAAAAAgD8="})"), "good 12");
  EXPECT_EQ(read_of(R"({"embedding":[1,2]},{"embedding":[3,4]})", 2), "good 12");
  EXPECT_EQ(read_of(R"({"embedding":[]})"), "check-failed: an embedding is empty");
  EXPECT_EQ(read_of(R"({"index":0})"), "check-failed: an item of data has no embedding");
  EXPECT_EQ(read_of("7"), "check-failed: an item of data has no embedding");
  for (const char* bad :
       {R"([1,"2"])", R"([1,null])", R"({"0":1})", R"("AAA=")", R"("!!!!")", "[1e999]", "3"})
    EXPECT_THAT(read_of(std::string(R"({"embedding":)") + bad + "}"), HasSubstr("neither an array")) << bad;
  EXPECT_EQ(read_of(R"({"embedding":[1,2]},{"embedding":[3]})", 2),
            "check-failed: embeddings of different lengths: 2 and 1");
  EXPECT_EQ(read_of(R"({"embedding":[1]})", 2), "check-failed: 1 embeddings for 2 texts");
  EXPECT_EQ(read(RequestKind::kEmbeddings, "{}"), "check-failed: the answer has no data");
  EXPECT_EQ(read(RequestKind::kEmbeddings, R"({"data":3})"), "check-failed: the answer has no data");
}

TEST(EndpointKinds, WhatIsNoDocumentIsMalformed) {
  for (const RequestKind kind : {RequestKind::kEmbeddings, RequestKind::kRerank, RequestKind::kKserve}) {
    for (const char* bad : {"", "[]", "oops", R"({"data":[)", "{} {}", R"({"results":[1,)", "\xff\xfe"})
      EXPECT_THAT(read(kind, bad), HasSubstr("malformed")) << name_of(kind) << bad;
  }
  EXPECT_THAT(read(RequestKind::kKserve, R"({"outputs":[{"data":[1 2]}]})"), HasSubstr("malformed"));
  EXPECT_THAT(read(RequestKind::kEmbeddings, "<html>\x1b[2J" + std::string(5000, 'x')),
              AllOf(HasSubstr("no JSON document"), Not(HasSubstr("\x1b"))));
}

TEST(EndpointKinds, DeepNestingIsRefused) {
  std::string deep =
      R"({"data":[{"embedding":)" + std::string(200, '[') + "1" + std::string(200, ']') + "}]}";
  EXPECT_THAT(read(RequestKind::kEmbeddings, deep), HasSubstr("check-failed"));
  deep = R"({"data":[{"embedding":)" + std::string(20'000, '[');
  EXPECT_THAT(read(RequestKind::kEmbeddings, deep), HasSubstr("malformed"));
}

// ---- rerank ----

TEST(EndpointKinds, ARerankHasAQueryAndDocuments) {
  const Json body =
      body_of({.kind = RequestKind::kRerank, .documents = {.a = 4}, .document_tokens = {.a = 20}});
  EXPECT_EQ(body["query"].as_string(), prompt_text("prose", 3, 10, 4.2));
  ASSERT_EQ(body["documents"].items().size(), 4U);
  EXPECT_GE(body["documents"].items()[0].as_string().size(), 84U);
  EXPECT_NE(body["documents"].items()[0], body["documents"].items()[1]);
}

TEST(EndpointKinds, RanksAreChecked) {
  const auto read_of = [&](const std::string& results, RequestOptions options = {}) {
    return read(RequestKind::kRerank, R"({"results":[)" + results + R"(],"usage":{"total_tokens":9}})", 2,
                std::move(options));
  };
  const std::string good = R"({"index":1,"relevance_score":0.9,"document":{"text":"x"}},)"
                           R"({"index":0,"relevance_score":-3})";
  EXPECT_EQ(read_of(good), "good 9");
  EXPECT_EQ(read_of(R"({"index":1,"relevance_score":0.9})"), "check-failed: 1 results for 2 documents");
  RequestOptions top_one;
  top_one.parameters.set("top_n", 1);
  EXPECT_EQ(read_of(R"({"index":1,"relevance_score":0.9})", top_one), "good 9");
  EXPECT_EQ(read_of(R"({"index":1,"relevance_score":1},{"index":1,"relevance_score":1})"),
            "check-failed: two results for document 1");
  EXPECT_EQ(read_of(R"({"index":2,"relevance_score":1})"), "check-failed: the index 2 of 2 documents");
  EXPECT_EQ(read_of(R"({"index":-1,"relevance_score":1})"), "check-failed: the index -1 of 2 documents");
  EXPECT_EQ(read_of(R"({"relevance_score":1})"), "check-failed: a result has no index");
  EXPECT_EQ(read_of(R"({"index":0.5,"relevance_score":1})"), "check-failed: a result has no index");
  EXPECT_EQ(read_of(R"({"index":0,"relevance_score":"1"})"),
            "check-failed: a result has no finite relevance_score");
  EXPECT_EQ(read(RequestKind::kRerank, R"({"data":[]})"), "check-failed: the answer has no results");
}

// ---- tensors ----

TEST(EndpointKinds, TensorsHaveAsMuchDataAsTheirShape) {
  RequestOptions options{.kind = RequestKind::kKserve, .models = {"net"}, .inputs = {.a = 2}};
  options.tensors = {
      {"x", "FP32", {-1, 3}}, {"ids", "INT64", {1, -1}}, {"b", "BOOL", {2}}, {"s", "BYTES", {1}}};
  const Json body = body_of(options);
  EXPECT_EQ(body["id"].as_string(), "assay-7");
  const std::vector<Json>& inputs = body["inputs"].items();
  ASSERT_EQ(inputs.size(), 4U);
  EXPECT_EQ(inputs[0]["shape"].dump(), "[2, 3]");
  EXPECT_EQ(inputs[0]["data"].items().size(), 6U);
  EXPECT_EQ(inputs[1]["shape"].dump(), "[1, 10]");  // prompt_tokens
  EXPECT_EQ(inputs[1]["data"].items().size(), 10U);
  EXPECT_TRUE(inputs[1]["data"].items()[0].is_integer());
  EXPECT_TRUE(inputs[2]["data"].items()[0].is_bool());
  EXPECT_TRUE(inputs[3]["data"].items()[0].is_string());
}

TEST(EndpointKinds, OutputsAreChecked) {
  const auto read_of = [&](const std::string& output) {
    return read(RequestKind::kKserve, R"({"model_name":"net","outputs":[)" + output + "]}");
  };
  EXPECT_EQ(read_of(R"({"name":"y","datatype":"FP32","shape":[2,2],"data":[1,2,3,4.5]})"), "good");
  EXPECT_EQ(read_of(R"({"data":[[1,2],[3,4]],"shape":[2,2],"datatype":"INT64","name":"y"})"), "good");
  EXPECT_EQ(read_of(R"({"data":["a"],"shape":[1],"datatype":"BYTES","name":"y"})"), "good");
  EXPECT_EQ(read_of(R"({"name":"y","datatype":"BOOL","shape":[0],"data":[]})"), "good");
  EXPECT_EQ(read_of(R"({"name":"y","datatype":"FP32","shape":[2,2],"data":[1,2,3]})"),
            "check-failed: an output has 3 elements, and its shape says 4");
  EXPECT_EQ(read_of(R"({"name":"y","datatype":"FP32","shape":[1],"data":["a"]})"),
            "check-failed: the data of an output are not all FP32");
  EXPECT_EQ(read_of(R"({"name":"y","datatype":"FP33","shape":[1],"data":[1]})"),
            "check-failed: an output of datatype 'FP33'");
  for (const char* shape : {"[-1]", "[1.5]", "7", "[9999999999,9999999999,9999999999]", R"(["1"])"})
    EXPECT_EQ(read_of(std::string(R"({"name":"y","datatype":"FP32","data":[1],"shape":)") + shape + "}"),
              "check-failed: an output has no shape of whole numbers")
        << shape;
  EXPECT_EQ(read_of(R"({"name":"y","datatype":"FP32","shape":[1]})"), "check-failed: an output has no data");
  EXPECT_EQ(read_of(R"({"datatype":"FP32","shape":[1],"data":[1]})"), "check-failed: an output has no name");
  EXPECT_EQ(read_of(""), "check-failed: the answer has no outputs");
  EXPECT_EQ(read(RequestKind::kKserve, R"({"error":"no such model"})"),
            "server-error: the server says: no such model");
}

// ---- templates ----

TEST(EndpointKinds, TemplatesAreFilled) {
  RequestOptions options{.kind = RequestKind::kJson};
  options.body = *RequestTemplate::parse(R"({"q":"{{prompt}}","id":"{{request_id}}","n":{{integer 1 3}}})");
  const Json body = body_of(options);
  EXPECT_EQ(body["q"].as_string(), prompt_text("prose", 3, 10, 4.2));
  EXPECT_EQ(body["id"].as_string(), "assay-7");
  EXPECT_THAT(body["n"].as_integer(), AllOf(::testing::Ge(1), ::testing::Le(3)));
}

TEST(EndpointKinds, AnswersToTemplatesAreHeldAgainstWhatIsExpected) {
  RequestOptions options{.kind = RequestKind::kJson};
  EXPECT_EQ(read(RequestKind::kJson, "anything", 1, options), "good");
  EXPECT_EQ(read(RequestKind::kJson, "gone\x1b", 1, options, 404),
            "http-status: HTTP 404 in place of 200: gone\\x1b");
  options.expect.status = 404;
  EXPECT_EQ(read(RequestKind::kJson, "gone", 1, options, 404), "good");
  options.expect = {.status = 200, .conditions = {{.pointer = "/score", .minimum = 0, .maximum = 1}}};
  EXPECT_EQ(read(RequestKind::kJson, R"({"score":0.5})", 1, options), "good");
  EXPECT_EQ(read(RequestKind::kJson, R"({"score":2})", 1, options),
            "check-failed: the answer is wrong: /score is 2, above 1");
  EXPECT_THAT(read(RequestKind::kJson, "nothing", 1, options), HasSubstr("malformed"));
}

// ---- lengths of prompts, by a tokenizer ----

// A simple one: words with the blank before them, in pieces of four bytes at most; what other blanks stand
// together are one token.
std::vector<uint32_t> piece_ends(std::string_view text) {
  std::vector<uint32_t> ends;
  size_t at = 0;
  while (at < text.size()) {
    size_t end = at + 1;
    const auto is_blank = [&](size_t i) { return std::isspace(static_cast<unsigned char>(text[i])) != 0; };
    const auto begins_word = [&](size_t i) {
      return !is_blank(i) || (text[i] == ' ' && i + 1 < text.size() && !is_blank(i + 1));
    };
    if (begins_word(at)) {
      while (end < text.size() && end < at + 4 && !is_blank(end)) ++end;
    } else {
      while (end < text.size() && !begins_word(end)) ++end;
    }
    at = end;
    ends.push_back(static_cast<uint32_t>(at));
  }
  return ends;
}

int64_t pieces_of(std::string_view text) {
  return static_cast<int64_t>(piece_ends(text).size());
}

PromptCutter cutter_of_pieces() {
  PromptCutter cutter;
  for (const std::string& corpus : corpus_names()) {
    std::map<std::string_view, WordTokens> words;
    for (const std::string_view word : words_of_corpus(corpus_text(corpus)))
      words[word] = {.alone = pieces_of(word), .behind_blank = pieces_of(" " + std::string(word))};
    auto tokens = CorpusTokens::create(corpus_text(corpus), piece_ends(corpus_text(corpus)), words);
    CHECK(tokens);
    cutter.set_tokens(corpus, std::move(*tokens));
  }
  return cutter;
}

struct Lengths {
  int64_t texts = 0, exact = 0, sum = 0, largest = 0;

  void add(std::string_view text, int64_t asked) {
    const int64_t error = pieces_of(text) - asked;
    ++texts;
    exact += error == 0 ? 1 : 0;
    sum += error;
    largest = std::max(largest, std::abs(error));
  }
};

Request drawn_request(uint64_t number) {
  Random random(3, random_stream("lengths"), number);
  Request request{.id = number + 1, .corpus = number % 2 == 0 ? "prose" : "code", .output_tokens = 4};
  request.prompt_seed = random.next();
  request.prompt_tokens = static_cast<uint32_t>(200 + random.below(400));
  const uint64_t prefix = random.below(3);
  if (prefix == 1) {
    request.prefix_tokens = 120;
    request.prefix_seed = random.below(5);
  }
  if (prefix == 2) {
    request.prefix_tokens = 150;
    request.prefix_parts = {{1, 50}, {2 + random.below(2), 60}, {4 + random.below(4), 40}};
  }
  return request;
}

TEST(EndpointKinds, PromptsOfEveryKindHaveTheTokensThatAreAskedFor) {
  const PromptCutter cutter = cutter_of_pieces();
  RequestOptions texts{.kind = RequestKind::kEmbeddings, .inputs = {.a = 3}};
  RequestOptions rerank{.kind = RequestKind::kRerank, .documents = {.a = 5}, .document_tokens = {.a = 90}};
  RequestOptions tensors{.kind = RequestKind::kKserve, .models = {"m"}};
  tensors.tensors = {{.name = "text", .datatype = "BYTES", .shape = {20}}};
  RequestOptions templated{.kind = RequestKind::kJson};
  templated.body = *RequestTemplate::parse(R"({"q":"{{prompt}}"})");
  const std::vector<RequestOptions> classes = {RequestOptions{.kind = RequestKind::kChat},
                                               RequestOptions{.kind = RequestKind::kCompletions},
                                               RequestOptions{.kind = RequestKind::kResponses},
                                               texts,
                                               rerank,
                                               tensors,
                                               templated};
  EndpointBodies bodies(RequestKind::kChat, cutter, "/v1", classes);
  bodies.set_model("m");
  std::map<RequestKind, Lengths> lengths;
  for (uint64_t i = 0; i < 60; ++i) {
    for (uint32_t c = 0; c < classes.size(); ++c) {
      Request request = drawn_request(i);
      request.class_index = c;
      std::string said;
      const auto body = Json::parse(bodies.call_for(request, said).body, "body");
      ASSERT_TRUE(body);
      Lengths& of_kind = lengths[*classes[c].kind];
      const int64_t asked = request.prompt_tokens;
      switch (*classes[c].kind) {
        case RequestKind::kChat:
          of_kind.add((*body)["messages"].items()[0]["content"].as_string(), asked);
          break;
        case RequestKind::kCompletions:
          of_kind.add((*body)["prompt"].as_string(), asked);
          break;
        case RequestKind::kResponses:
          of_kind.add((*body)["input"].items()[0]["content"].as_string(), asked);
          break;
        case RequestKind::kEmbeddings:
          for (const Json& text : (*body)["input"].items()) of_kind.add(text.as_string(), asked);
          break;
        case RequestKind::kRerank:
          of_kind.add((*body)["query"].as_string(), asked);
          for (const Json& document : (*body)["documents"].items()) of_kind.add(document.as_string(), 90);
          break;
        case RequestKind::kKserve:
          for (const Json& text : (*body)["inputs"].items()[0]["data"].items())
            of_kind.add(text.as_string(), 8);
          break;
        case RequestKind::kJson:
          of_kind.add((*body)["q"].as_string(), asked);
          break;
      }
    }
  }
  EXPECT_EQ(lengths.size(), kRequestKinds);
  for (const auto& [kind, found] : lengths) {
    SCOPED_TRACE(fmt::format("{}: {} of {} exact, sum {}, largest {}", name_of(kind), found.exact,
                             found.texts, found.sum, found.largest));
    EXPECT_GE(found.texts, 60);
    EXPECT_GE(found.exact, found.texts * 8 / 10) << "the others would end in blanks";
    EXPECT_LE(std::abs(found.sum), found.texts / 10);
    EXPECT_LE(found.largest, 1);
  }
}

TEST(EndpointKinds, TurnsAreCutByTheTokenizerToo) {
  const PromptCutter cutter = cutter_of_pieces();
  EndpointBodies bodies(RequestKind::kChat, cutter);
  Lengths lengths;
  for (uint64_t session = 1; session <= 40; ++session) {
    for (uint32_t turn = 0; turn < 3; ++turn) {
      Request request = drawn_request(10 * session + turn);
      request.session = session;
      request.turn = turn;
      request.last_turn = turn == 2;
      std::string said;
      const auto body = Json::parse(bodies.call_for(request, said).body, "body");
      ASSERT_TRUE(body);
      lengths.add((*body)["messages"].items().back()["content"].as_string(), request.prompt_tokens);
      bodies.answered(request, said, "yes");
    }
  }
  EXPECT_EQ(lengths.texts, 120);
  EXPECT_GE(lengths.exact, 96);
  EXPECT_LE(lengths.largest, 1);
}

// What is the request's own makes up for where its prefix could not be cut.
TEST(EndpointKinds, PrefixesThatAreSharedAreTheSameToTheByte) {
  const PromptCutter cutter = cutter_of_pieces();
  std::map<uint64_t, std::string> shared;
  Lengths of_prefixes_that_are_off;
  for (uint64_t i = 0; i < 300; ++i) {
    Request request = drawn_request(i);
    request.corpus = "code";
    if (request.prefix_tokens == 0) continue;
    const std::string prompt = endpoint_prompt(request, cutter);
    EXPECT_EQ(prompt, endpoint_prompt(request, cutter));
    const uint32_t asked = std::exchange(request.prompt_tokens, request.prefix_tokens);
    const std::string prefix = endpoint_prompt(request, cutter);
    if (pieces_of(prefix) != request.prefix_tokens) of_prefixes_that_are_off.add(prompt, asked);
    EXPECT_TRUE(prompt.starts_with(prefix + " ")) << i;
    uint64_t key = request.prefix_seed;
    for (const PromptPart& part : request.prefix_parts) key = key * 16 + part.seed;
    EXPECT_EQ(shared.emplace(key, prefix).first->second, prefix);
    // One that goes less far begins alike.
    if (request.prefix_parts.empty()) continue;
    request.prefix_parts.back().tokens -= 7;
    request.prefix_tokens = request.prompt_tokens -= 7;
    EXPECT_TRUE(prompt.starts_with(endpoint_prompt(request, cutter))) << i;
  }
  EXPECT_GE(shared.size(), 10U);
  EXPECT_GE(of_prefixes_that_are_off.texts, 10);
  EXPECT_GE(of_prefixes_that_are_off.exact, of_prefixes_that_are_off.texts * 8 / 10);
}

}  // namespace assay::endpoint_kinds_test
