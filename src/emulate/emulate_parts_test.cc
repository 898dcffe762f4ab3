// The small parts: the queue of due instants, schedules of faults, paths, bodies, and the bytes of events.
#include <gmock/gmock.h>

#include <algorithm>

#include "emulate/documents.h"
#include "emulate/due_queue.h"
#include "emulate/events.h"
#include "emulate/faults.h"
#include "emulate/request_body.h"
#include "emulate/routes.h"
#include "http/http.h"

namespace assay::emulate_parts_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(DueQueue, GivesInstantsInTheirOrder) {
  DueQueue queue;
  std::vector<int64_t> wanted, got;
  for (uint64_t i = 0; i < 1000; ++i) {
    const auto due = static_cast<int64_t>(Random(1, 1, i).below(10'000));
    wanted.push_back(due);
    queue.push({Nanos(due), static_cast<uint32_t>(i), 0});
  }
  // Half of them come again later, as streams do.
  for (int i = 0; i < 500; ++i) {
    const DueQueue::Entry top = queue.top();
    got.push_back(top.due.count);
    const Nanos again =
        top.due + Nanos(static_cast<int64_t>(Random(2, 1, static_cast<uint64_t>(i)).below(5'000)));
    wanted.push_back(again.count);
    queue.replace_top({again, top.slot, 0});
  }
  while (!queue.empty()) {
    got.push_back(queue.top().due.count);
    queue.pop();
  }
  EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(got, wanted);
}

TEST(Faults, MeetTheRequestsOfTheirSchedule) {
  const auto faults = parse_faults("reset:every=10:tokens=5, 429:at=3:seconds=7 ,refuse:at=3");
  ASSERT_TRUE(faults) << faults.error().message();
  EXPECT_EQ(fault_for(*faults, false, 1), nullptr);
  const Fault* third = fault_for(*faults, false, 3);
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(third->kind(), FaultKind::kTooManyRequests);
  EXPECT_EQ(third->seconds, 7);
  EXPECT_EQ(fault_for(*faults, true, 3)->kind(), FaultKind::kRefuse);
  EXPECT_EQ(fault_for(*faults, false, 20)->tokens, 5);
  EXPECT_TRUE(parse_faults("")->empty());
  EXPECT_EQ(parse_faults("crlf")->front().every, 1) << "without a schedule: always";
}

TEST(Faults, NonsenseIsAnError) {
  const auto error = [](std::string_view text) { return parse_faults(text).error().message(); };
  EXPECT_THAT(error("rest"), HasSubstr("Did you mean 'reset'?"));
  EXPECT_THAT(error("reset:every"), HasSubstr("no KEY=NUMBER"));
  EXPECT_THAT(error("reset:every=x"), HasSubstr("'x' is no number"));
  EXPECT_THAT(error("reset:every=0"), HasSubstr("means nothing for reset"));
  EXPECT_THAT(error("500:tokens=3"), HasSubstr("'tokens=3' means nothing for 500"));
  EXPECT_THAT(error("reset,"), HasSubstr("unknown fault ''"));
}

TEST(Routes, KnowPathsWithNames) {
  bool other = false;
  EXPECT_EQ(find_route("POST", "/v2/models/resnet/infer", other)->kind, RouteKind::kInfer);
  EXPECT_EQ(find_route("GET", "/v2/models/resnet", other)->kind, RouteKind::kModelInfo);
  EXPECT_EQ(find_route("GET", "/v2/models/resnet/ready", other)->kind, RouteKind::kHealth);
  EXPECT_EQ(find_route("GET", "/v2/models/a/b", other), nullptr);
  EXPECT_EQ(find_route("GET", "/v2/models/", other), nullptr);
  EXPECT_FALSE(other);
  EXPECT_EQ(find_route("GET", "/v1/chat/completions", other), nullptr);
  EXPECT_TRUE(other);
}

Result<RequestBody> body_of(RouteKind kind, std::string text) {
  return RequestBodyParser().parse(kind, text);
}

TEST(RequestBody, TellsWhatIsAskedFor) {
  const auto body =
      body_of(RouteKind::kChat,
              R"({"model":"m","messages":[{"role":"system","content":"12345"},{"role":"user","content":[)"
              R"({"type":"text","text":"1\n3"}]}],"max_tokens":9,"max_completion_tokens":7,"stream":true,)"
              R"("stream_options":{"include_usage":true},"ignore_eos":true,"other":{"content":"no"}})");
  ASSERT_TRUE(body) << body.error().message();
  EXPECT_TRUE(body->stream && body->include_usage && body->ignore_eos);
  EXPECT_EQ(body->max_tokens, 7) << "the smaller one";
  EXPECT_EQ(body->prompt_tokens, 2) << "8 bytes ÷ 4";
}

TEST(RequestBody, CountsPromptsByTheStatedRule) {
  EXPECT_EQ(body_of(RouteKind::kCompletions, R"({"prompt":"123456789"})")->prompt_tokens, 3);
  EXPECT_EQ(body_of(RouteKind::kCompletions, R"({"prompt":[11,12,13]})")->prompt_tokens, 3);
  EXPECT_EQ(body_of(RouteKind::kCompletions, R"({"prompt":""})")->prompt_tokens, 1);
  EXPECT_EQ(body_of(RouteKind::kCompletions, R"({"prompt":"x","x_prompt_tokens":500})")->prompt_tokens, 500);
  EXPECT_EQ(body_of(RouteKind::kResponses,
                    R"({"input":[{"role":"user","content":[{"type":"input_text","text":"12345"}]}]})")
                ->prompt_tokens,
            2);
}

TEST(RequestBody, CountsItems) {
  EXPECT_EQ(body_of(RouteKind::kEmbeddings, R"({"input":["a","b","c"]})")->items, 3);
  EXPECT_EQ(body_of(RouteKind::kEmbeddings, R"({"input":"a"})")->items, 1);
  EXPECT_EQ(body_of(RouteKind::kRerank, R"({"query":"q","documents":["a",{"text":"b"}]})")->items, 2);
  EXPECT_EQ(body_of(RouteKind::kInfer, R"({"inputs":[{"name":"x","shape":[5,2],"data":[1,2]}]})")->items, 5);
}

TEST(RequestBody, AnswersThatWouldFillTheMemoryAreRefused) {
  const auto with = [](RouteKind kind, size_t items, std::string_view rest) {
    std::string text = R"({"input":["a")";
    for (size_t i = 1; i < items; ++i) text += ",\"a\"";
    return body_of(kind, text + "]" + std::string(rest) + "}");
  };
  EXPECT_EQ(with(RouteKind::kEmbeddings, 500, R"(,"dimensions":8000)")->items, 500);
  EXPECT_EQ(with(RouteKind::kEmbeddings, 62'500, "")->items, 62'500)
      << "64 dimensions where none are asked for";
  const auto many = with(RouteKind::kEmbeddings, 501, R"(,"dimensions":8000)");
  ASSERT_FALSE(many);
  EXPECT_THAT(many.error().what, HasSubstr("501 inputs of 8000 dimensions"));
  EXPECT_FALSE(with(RouteKind::kEmbeddings, 62'501, ""));
  EXPECT_TRUE(with(RouteKind::kResponses, 62'501, "")) << "no embeddings are asked for";
}

TEST(RequestBody, WhatIsNoObjectIsAnError) {
  for (const char* text : {"", "[]", "{", "{\"a\":", "nonsense", "{\"messages\":[{]}"})
    EXPECT_FALSE(body_of(RouteKind::kChat, text)) << text;
  EXPECT_TRUE(body_of(RouteKind::kChat, R"({"messages":7,"stream":"yes","max_tokens":-1})"));
}

// The data of all events in a stream of HTTP chunks.
std::vector<std::string> data_of(std::string_view chunks) {
  const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
  ResponseParser parser;
  SseParser events;
  std::vector<std::string> data;
  std::string_view input = text;
  while (true) {
    switch (parser.advance(input)) {
      case ResponseParser::Step::kHead:
        continue;
      case ResponseParser::Step::kBody: {
        std::string_view body = parser.body();
        while (events.advance(body) == SseParser::Step::kEvent) data.emplace_back(events.event().data);
        continue;
      }
      default:
        EXPECT_NE(parser.started() && !parser.error().empty(), true) << parser.error();
        return data;
    }
  }
}

TEST(Events, ATemplateSaysWhatTheEventSays) {
  StreamEvents events("m\"x", 1'700'000'000);
  for (const RouteKind kind : {RouteKind::kChat, RouteKind::kCompletions, RouteKind::kResponses}) {
    EventTemplate& token = events.token(kind);
    for (const uint64_t index : {0, 1, 17}) {
      token.patch(answer_id(index), index);
      std::string whole;
      append_chunk(events.token_event(kind, answer_id(index), token_word(index)), whole);
      EXPECT_EQ(token.bytes, whole);
    }
    EXPECT_TRUE(Json::parse(data_of(token.bytes).at(0), "event"));
  }
  EXPECT_EQ(answer_text(3), " that this with");
}

TEST(Events, AStreamEndsWithFinishUsageAndDone) {
  const StreamEvents events("m", 1'700'000'000);
  std::string out;
  events.append_opening(RouteKind::kChat, answer_id(1), out);
  events.append_closing(RouteKind::kChat, answer_id(1),
                        {.finish_reason = "length", .usage = {3, 4}, .include_usage = true}, out);
  const std::vector<std::string> data = data_of(out);
  ASSERT_EQ(data.size(), 4);
  EXPECT_THAT(data[0], HasSubstr(R"("delta":{"role":"assistant")"));
  EXPECT_THAT(data[1], HasSubstr(R"("finish_reason":"length")"));
  EXPECT_THAT(
      data[2],
      HasSubstr(R"("choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7})"));
  EXPECT_EQ(data[3], "[DONE]");
  EXPECT_TRUE(out.ends_with("0\r\n\r\n"));
}

TEST(Documents, AreJson) {
  const StreamEvents events("m", 1'700'000'000);
  for (const RouteKind kind :
       {RouteKind::kChat, RouteKind::kCompletions, RouteKind::kResponses, RouteKind::kEmbeddings,
        RouteKind::kRerank, RouteKind::kInfer, RouteKind::kEcho}) {
    const auto json = Json::parse(
        answer_document(events,
                        {.kind = kind, .id = answer_id(1), .usage = {3, 2}, .items = 2, .dimensions = 3}),
        "doc");
    ASSERT_TRUE(json) << json.error().message();
  }
  EXPECT_TRUE(Json::parse(models_document(events), "doc"));
  EXPECT_TRUE(Json::parse(model_info_document(events, "/v2/models/a\"b"), "doc"));
  EXPECT_TRUE(Json::parse(error_document(429, "no \"more\""), "doc"));
  EXPECT_THAT(metrics_text(events, {.running = 2, .waiting = 1, .kv_tokens = 50}, 100, {.prompt_tokens = 7}),
              HasSubstr("vllm:kv_cache_usage_perc{model_name=\"m\"} 0.500000\n"));
}

TEST(Documents, EmbeddingsComeAsBase64WhereThatIsAskedFor) {
  const StreamEvents events("m", 1'700'000'000);
  const auto document = [&](bool base64) {
    return *Json::parse(
        answer_document(events,
                        {.kind = RouteKind::kEmbeddings, .items = 1, .dimensions = 2, .base64 = base64}),
        "doc");
  };
  // −0.99 and −0.82 as floats of four bytes, the lowest first.
  EXPECT_EQ(document(true)["data"].items()[0]["embedding"].as_string(), "pHB9v4XrUb8=");
  EXPECT_EQ(document(false)["data"].items()[0]["embedding"].dump(), "[-0.99, -0.82]");
}

TEST(Documents, SoManyAreRankedAsAreWanted) {
  const StreamEvents events("m", 1'700'000'000);
  const Json ranks = *Json::parse(
      answer_document(events, {.kind = RouteKind::kRerank, .id = answer_id(1), .items = 5, .results = 2}),
      "doc");
  EXPECT_EQ(ranks["results"].items().size(), 2U);
}

TEST(Documents, AnEchoRepeatsWhatWasAsked) {
  const StreamEvents events("m", 1'700'000'000);
  const auto echo = [&](std::string_view body) {
    return answer_document(
        events,
        {.kind = RouteKind::kEcho, .method = "POST", .path = "/echo/7", .request_id = "a\"b", .body = body});
  };
  EXPECT_EQ(echo(R"({"x": 1})"),
            R"({"method": "POST", "path": "/echo/7", "request_id": "a\"b", "body": {"x": 1}})");
  EXPECT_THAT(echo("nonsense"), HasSubstr(R"("body": null)"));
}

}  // namespace assay::emulate_parts_test
