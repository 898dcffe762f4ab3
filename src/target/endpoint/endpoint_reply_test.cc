// Answers from bytes to events, without a socket: every way in which a server may end one.
#include "target/endpoint/endpoint_reply.h"

#include <gmock/gmock.h>

#include <cstdio>

#include "target/endpoint/endpoint_kinds.h"

namespace assay::endpoint_reply_test {

using ::testing::HasSubstr;
using State = EndpointReply::State;

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk(std::string_view data) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + std::string(data) + "\r\n";
}
std::string event(std::string_view json) {
  return chunk("data: " + std::string(json) + "\n\n");
}
std::string content(std::string_view text) {
  return event(R"({"choices":[{"delta":{"content":")" + std::string(text) + R"("}}]})");
}

// The events as one text: "content content done(3,2) over keep", or "… failed(truncated: …)".
class Answers : public ::testing::Test {
 protected:
  std::string told(const std::vector<std::string>& pieces, bool closes = false, bool fetch = false) {
    EndpointReply reply(decoder_);
    if (fetch) rule_ = {.form = EndpointForm::kFetched};
    reply.begin(7, kMaxAnswerBytes, rule_);
    std::vector<StreamEvent> events;
    State state = State::kComing;
    Nanos at{};
    for (std::string piece : pieces) {
      const size_t size = piece.size();
      piece.append(EndpointChunkDecoder::kPadding, 'x');
      at += Nanos(1);
      state = reply.receive(std::string_view(piece).substr(0, size), at, events);
      if (state == State::kOver) break;
    }
    if (closes && state != State::kOver) state = reply.end_of_input(at, events);
    std::string text;
    for (const StreamEvent& e : events) text += words(e);
    const EndpointText kept = reply.take_answer();
    answer_ = kept.content;
    reasoning_ = kept.reasoning;
    is_whole_ = kept.is_whole;
    body_ = reply.body();
    if (state == State::kOver) text += reply.keep_alive() ? "over, keep" : "over, close";
    if (state == State::kAnswered) text += "answered";
    if (state == State::kComing) text += "coming";
    return text;
  }
  std::string every_split(const std::string& bytes, bool closes = false) {
    const std::string whole = told({bytes}, closes);
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      EXPECT_EQ(told({bytes.substr(0, cut), bytes.substr(cut)}, closes), whole) << "cut at " << cut;
    }
    std::vector<std::string> single;
    for (const char c : bytes) single.emplace_back(1, c);
    EXPECT_EQ(told(single, closes), whole) << "byte by byte";
    return whole;
  }
  static std::string repeated(const std::string& word, uint32_t times) {
    std::string text;
    for (uint32_t i = 0; i < times; ++i) text += word;
    return text;
  }
  std::string words(const StreamEvent& e) {
    EXPECT_EQ(e.request, 7U);
    EXPECT_LE(e.detail.size(), 200U);
    switch (e.kind) {
      case StreamEventKind::kContent:
        return repeated(e.tokens == 1 ? "content " : "content*" + std::to_string(e.tokens) + " ", e.chunks);
      case StreamEventKind::kReasoning:
        return repeated("reasoning ", e.chunks);
      case StreamEventKind::kDone:
        server_prompt_ = e.server_prompt;
        server_tpot_ = e.server_tpot;
        return "done(" + std::to_string(e.prompt_tokens) + "," + std::to_string(e.output_tokens) + ") ";
      case StreamEventKind::kFailed:
        return "failed(" + std::string(name_of(e.cause)) + ": " + e.detail + ") ";
      default:
        return "? ";
    }
  }

  EndpointChunkDecoder decoder_;
  EndpointRule rule_;  // of all answers from now on
  std::string answer_, reasoning_, body_;
  bool is_whole_ = true;
  Nanos server_prompt_, server_tpot_;
};

std::string timed(std::string_view text, std::string_view timings) {
  return event(R"({"choices":[{"delta":{"content":")" + std::string(text) + R"("}}],"timings":)" +
               std::string(timings) + "}");
}

// With timings_per_token each chunk has them, and the last is the one that counts.
TEST_F(Answers, TheServersLastTimingsGoWithTheEnd) {
  const std::string end = event(R"({"choices":[{"delta":{},"finish_reason":"length"}]})");
  const std::string once =
      event(R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3},"timings":)"
            R"({"prompt_ms":20.5,"predicted_ms":30,"predicted_n":4}})");
  every_split(std::string(kHead) + content("a") + content("b") + end + once + event("[DONE]") + chunk(""));
  EXPECT_EQ(server_prompt_, nanos_from_ms(20.5));
  EXPECT_EQ(server_tpot_, nanos_from_ms(10));
  EXPECT_EQ(every_split(std::string(kHead) +
                        timed("a", R"({"prompt_ms":20,"predicted_ms":0.001,"predicted_n":1})") +
                        timed("b", R"({"prompt_ms":20,"predicted_ms":7,"predicted_n":2})") +
                        timed("c", R"({"prompt_ms":20,"predicted_ms":16,"predicted_n":3})") + end +
                        event("[DONE]") + chunk("")),
            "content content content done(0,0) over, keep");
  EXPECT_EQ(server_prompt_, nanos_from_ms(20));
  EXPECT_EQ(server_tpot_, nanos_from_ms(8));
  every_split(std::string(kHead) + content("a") + end + event("[DONE]") + chunk(""));
  EXPECT_EQ(server_prompt_, Nanos()) << "nothing is left of the answer before";
  EXPECT_EQ(server_tpot_, Nanos());
}

TEST_F(Answers, AStreamIsItsChunksAndTheirUsage) {
  const std::string bytes = std::string(kHead) +
                            event(R"({"choices":[{"delta":{"role":"assistant","content":null}}]})") +
                            content("one") + content("") + content(" two") +
                            event(R"({"choices":[{"delta":{},"finish_reason":"length"}]})") +
                            event(R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}})") +
                            event("[DONE]") + chunk("");
  EXPECT_EQ(every_split(bytes), "content content done(5,2) over, keep");
  EXPECT_EQ(answer_, "one two");
}

TEST_F(Answers, ReasoningAndToolCallsCount) {
  const std::string bytes =
      std::string(kHead) + event(R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})") +
      event(R"({"choices":[{"delta":{"tool_calls":[{"index":0}]}}]})") + event("[DONE]") + chunk("");
  EXPECT_EQ(every_split(bytes), "reasoning content done(0,0) over, keep");
  EXPECT_EQ(reasoning_, "hm");
  EXPECT_FALSE(is_whole_) << "a call has no text";
}

TEST_F(Answers, DoneComesBeforeTheEndOfTheBody) {
  EXPECT_EQ(told({std::string(kHead) + content("a") + event("[DONE]")}), "content done(0,0) answered");
}

TEST_F(Answers, WithoutDoneAFinishReasonAndAProperEndAreEnough) {
  const std::string finish = event(R"({"choices":[{"text":"b","finish_reason":"stop"}]})");
  EXPECT_EQ(every_split(std::string(kHead) + content("a") + finish + chunk("")),
            "content content done(0,0) over, keep");
  EXPECT_THAT(every_split(std::string(kHead) + content("a") + finish, true),
              HasSubstr("content content failed(truncated"));
  EXPECT_EQ(every_split("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: "
                        "{\"choices\":[{\"text\":\"b\",\"finish_reason\":\"stop\"}]}\n\n",
                        true),
            "content done(0,0) over, close");
}

TEST_F(Answers, HalfAStreamIsTruncated) {
  EXPECT_THAT(every_split(std::string(kHead) + content("a") + "5\r\nda", true),
              HasSubstr("failed(truncated"));
  EXPECT_THAT(every_split(std::string(kHead) + content("a") + chunk("")),
              HasSubstr("middle of the answer) over, keep"));
  EXPECT_THAT(every_split(std::string(kHead) + chunk("")), HasSubstr("without any output"));
  EXPECT_THAT(every_split(std::string(kHead) + event("[DONE]") + chunk("")),
              HasSubstr("without any output) over, keep"));
  EXPECT_THAT(every_split("HTTP/1.1 200 OK\r\nConte", true), HasSubstr("failed(truncated"));
  EXPECT_THAT(told({}, true), HasSubstr("failed(connection-lost"));
}

TEST_F(Answers, AnErrorStatusHasTheServersWords) {
  const std::string json = R"({"error":{"message":"model \u001b[31m not found"}})";
  const std::string length = std::to_string(json.size());
  EXPECT_EQ(every_split("HTTP/1.1 404 Not Found\r\nContent-Length: " + length + "\r\n\r\n" + json),
            "failed(http-status: HTTP 404: model \\x1b[31m not found) over, keep");
  EXPECT_EQ(every_split("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
            "failed(overloaded: HTTP 503: ) over, keep");
  EXPECT_THAT(told({"HTTP/1.1 500 X\r\n\r\n" + std::string(100'000, 'y')}, true),
              HasSubstr("HTTP 500: yyyy"));
  EXPECT_THAT(told({"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"}), HasSubstr("HTTP 302"));
}

TEST_F(Answers, AnErrorInTheStreamIsTheServers) {
  EXPECT_EQ(
      every_split(std::string(kHead) + content("a") + event(R"({"error":{"message":"CUDA out of memory"}})")),
      "content failed(server-error: the server says: CUDA out of memory) over, close");
}

TEST_F(Answers, GarbageIsMalformed) {
  EXPECT_THAT(every_split("SSH-2.0-OpenSSH\r\n\r\n"),
              HasSubstr("failed(malformed: what came is not an HTTP response) over, close"));
  EXPECT_THAT(every_split(std::string(kHead) + "zz\r\n"), HasSubstr("failed(malformed: a chunk size"));
  EXPECT_THAT(every_split(std::string(kHead) + content("a") + event("{broken")),
              HasSubstr("content failed(malformed"));
  EXPECT_THAT(told({"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx"}),
              HasSubstr("type text/html"));
  EXPECT_THAT(told({"HTTP/1.1 200 OK\r\n\r\ndata: " + std::string(2 << 20, 'x')}),
              HasSubstr("larger than 1 MiB"));
}

TEST_F(Answers, OneDocumentInsteadOfAStreamIsOneEvent) {
  const std::string json = R"({"choices":[{"message":{"content":"hello there"},"finish_reason":"stop"}],)"
                           R"("usage":{"prompt_tokens":4,"completion_tokens":2}})";
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(json.size()) +
      "\r\n\r\n";
  EXPECT_EQ(every_split(head + json), "content*2 done(4,2) over, keep");
  EXPECT_EQ(answer_, "hello there");
  EXPECT_THAT(told({"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"}),
              HasSubstr("without any output"));
  EXPECT_THAT(told({"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"}),
              HasSubstr("malformed"));
}

TEST_F(Answers, BytesBehindTheAnswerEndTheConnection) {
  EXPECT_EQ(told({"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}),
            "failed(http-status: HTTP 400: ) over, close");
  EXPECT_EQ(told({std::string(kHead) + content("a") + event("[DONE]") + chunk(std::string(2 << 20, 'x'))}),
            "content done(0,0) over, close");
}

TEST_F(Answers, AFetchTakesAnyBody) {
  EXPECT_EQ(told({"HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc"}, false, true), "done(0,0) over, keep");
  EXPECT_EQ(body_, "abc");
}

TEST(EndpointErrorWords, AreFoundInEveryServersForm) {
  EXPECT_EQ(endpoint_error_words(R"({"error":{"message":"a"}})"), "a");
  EXPECT_EQ(endpoint_error_words(R"({"error":"b"})"), "b");
  EXPECT_EQ(endpoint_error_words(R"({"object":"error","message":"c"})"), "c");
  EXPECT_EQ(endpoint_error_words(R"({"detail":[{"loc":["body","ignore_eos"]}]})"),
            R"([{"loc": ["body", "ignore_eos"]}])");
  EXPECT_EQ(endpoint_error_words("<html>no\n"), "<html>no");
  EXPECT_LE(endpoint_error_words(std::string(1000, 'x')).size(), 200U);
}

TEST(Hide, LeavesNothingOfASecret) {
  const auto hidden = [](std::string text) {
    hide("sk-12345678", text);
    return text;
  };
  EXPECT_EQ(hidden("bad key sk-12345678, and sk-12345678"), "bad key ***, and ***");
  EXPECT_EQ(hidden("bad key sk-12345"), "bad key ***");
  EXPECT_EQ(hidden("bad key sk-12345…"), "bad key ***…");
  EXPECT_EQ(hidden("ask"), "ask");
  std::string untouched = "no key";
  hide("", untouched);
  EXPECT_EQ(untouched, "no key");
}

// Events are read by comparing bytes with those before, where they lie whole in a read: the outcome has to be
// the same as with every event cut in two.
TEST_F(Answers, EventsThatResembleThoseBeforeReadTheSame) {
  for (const std::string_view text :
       {"b", "", "\\n", "a\\\"b", "\\u00e9", "é", "\xc3", "\x01", "]}", "}", "\\\\", "\\ud83d", "\t"}) {
    const std::string bytes = std::string(kHead) + content("a") + content("aa") + content(text) +
                              content("z") + event(R"({"choices":[{"delta":{},"finish_reason":"stop"}]})") +
                              event("[DONE]") + "0\r\n\r\n";
    every_split(bytes);
    const std::string whole = answer_;
    std::vector<std::string> single;
    for (const char c : bytes) single.emplace_back(1, c);
    told(single);
    EXPECT_EQ(answer_, whole) << printable(text);
  }
}

TEST_F(Answers, WhatDiffersFromTheChunksBeforeIsReadInFull) {
  const std::string start = std::string(kHead) + content("a") + content("b");
  const std::string end = event("[DONE]") + "0\r\n\r\n";
  EXPECT_EQ(
      every_split(start + event(R"({"choices":[{"delta":{"content":"c"},"finish_reason":"stop"}]})") + end),
      "content content content done(0,0) over, keep");
  EXPECT_EQ(
      every_split(
          start +
          event(
              R"({"choices":[{"delta":{"content":"c"}}],"usage":{"prompt_tokens":3,"completion_tokens":9}})") +
          end),
      "content content content done(3,9) over, keep");
  EXPECT_EQ(every_split(start + event(R"({"choices":[{"delta":{"reasoning":"c"}}]})") +
                        event(R"({"choices":[{"delta":{"reasoning":"d"}}]})") + content("e") + end),
            "content content reasoning reasoning content done(0,0) over, keep");
  EXPECT_EQ(reasoning_, "cd");
  EXPECT_TRUE(is_whole_);
  EXPECT_THAT(every_split(start + event(R"({"choices":[{"delta":{"content":"c"}}]} x)") + end),
              HasSubstr("failed(malformed"));
  // The data of one event in two lines, and an event of another type, are none of the pattern's.
  EXPECT_EQ(
      every_split(start + chunk("data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"c\"}}]}\n\n") + end),
      "content content content done(0,0) over, keep");
}

// ---- responses ----

std::string response_event(std::string_view type, std::string_view rest) {
  return chunk("event: " + std::string(type) + "\ndata: {\"type\":\"" + std::string(type) + "\"" +
               std::string(rest) + "}\n\n");
}
std::string delta(std::string_view text) {
  return response_event("response.output_text.delta",
                        R"(,"item_id":"msg_1","output_index":0,"content_index":0,"delta":")" +
                            std::string(text) + R"(","sequence_number":7)");
}

TEST_F(Answers, AResponseEndsWhenItIsCompleted) {
  rule_.form = EndpointForm::kEvents;
  const std::string bytes =
      std::string(kHead) +
      response_event("response.created", R"(,"response":{"id":"r","status":"in_progress","usage":null})") +
      response_event("response.reasoning_text.delta", R"(,"delta":"hm")") + delta("one") + delta("") +
      delta(" t\\u0077o") + response_event("response.output_text.done", R"(,"text":"one two")") +
      response_event("response.completed",
                     R"(,"response":{"status":"completed","output":[{"type":"message","content":)"
                     R"([{"type":"output_text","text":"one two"}]}],)"
                     R"("usage":{"input_tokens":5,"output_tokens":3,"total_tokens":8}},)"
                     R"("timings":{"prompt_ms":4,"predicted_ms":6,"predicted_n":3})") +
      chunk("");
  EXPECT_EQ(every_split(bytes), "reasoning content content done(5,3) over, keep");
  EXPECT_EQ(answer_, "one two");
  EXPECT_EQ(reasoning_, "hm");
  EXPECT_TRUE(is_whole_);
  EXPECT_EQ(server_prompt_, nanos_from_ms(4));
  EXPECT_EQ(server_tpot_, nanos_from_ms(3));
}

TEST_F(Answers, AResponseThatReachedItsLengthIsWhole) {
  rule_.form = EndpointForm::kEvents;
  EXPECT_EQ(
      every_split(std::string(kHead) + delta("a") +
                  response_event("response.incomplete", R"(,"response":{"status":"incomplete","error":null,)"
                                                        R"("usage":{"input_tokens":1,"output_tokens":1}})") +
                  chunk("")),
      "content done(1,1) over, keep");
}

TEST_F(Answers, AResponseThatFailsSaysWhy) {
  rule_.form = EndpointForm::kEvents;
  EXPECT_EQ(told({std::string(kHead) + delta("a") +
                  response_event("response.failed", R"(,"response":{"error":{"message":"no memory"}})")}),
            "content failed(server-error: the server says: no memory) over, close");
  EXPECT_EQ(told({std::string(kHead) + response_event("error", R"(,"message":"slow down")")}),
            "failed(server-error: the server says: slow down) over, close");
  EXPECT_THAT(every_split(std::string(kHead) + delta("a") + chunk("")), HasSubstr("failed(truncated"));
  EXPECT_THAT(told({std::string(kHead) + event("[1]")}), HasSubstr("failed(malformed"));
}

TEST_F(Answers, AResponseMayComeWhole) {
  rule_.form = EndpointForm::kEvents;
  const std::string json =
      R"({"id":"r","object":"response","status":"completed","error":null,"output":[{"type":"reasoning",)"
      R"("content":[{"type":"reasoning_text","text":"hm"}]},{"type":"message","content":)"
      R"([{"type":"output_text","text":"all"}]}],"usage":{"input_tokens":4,"output_tokens":2}})";
  EXPECT_EQ(every_split("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                        std::to_string(json.size()) + "\r\n\r\n" + json),
            "content*2 done(4,2) over, keep");
  EXPECT_EQ(answer_, "all");
}

// ---- documents that are checked ----

class Documents : public Answers {
 protected:
  Documents() {
    options_.kind = RequestKind::kEmbeddings;
    rule_ = {.form = EndpointForm::kDocument,
             .read = endpoint_kind(RequestKind::kEmbeddings).read,
             .options = &options_};
  }
  static std::string answer(int status, const std::string& json) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(json.size()) +
           "\r\n\r\n" + json;
  }
  RequestOptions options_;
};

TEST_F(Documents, AreOneEventWithoutTokens) {
  EXPECT_EQ(every_split(answer(200, R"({"data":[{"embedding":[1]}],"usage":{"prompt_tokens":6}})")),
            "content*0 done(6,0) over, keep");
}

TEST_F(Documents, ThatAreWrongHaveFailedAndKeepTheConnection) {
  EXPECT_EQ(every_split(answer(200, R"({"data":[{"embedding":[]}]})")),
            "failed(check-failed: an embedding is empty) over, keep");
  EXPECT_EQ(every_split(answer(429, R"({"error":{"message":"slow down"}})")),
            "failed(overloaded: HTTP 429: slow down) over, keep");
  EXPECT_THAT(every_split("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"data", true),
              HasSubstr("failed(truncated"));
}

TEST_F(Documents, MayHaveAnyStatusWhereTheReaderJudgesIt) {
  options_ = {.kind = RequestKind::kJson};
  options_.expect.status = 404;
  rule_ = {.form = EndpointForm::kDocument,
           .read = endpoint_kind(RequestKind::kJson).read,
           .options = &options_,
           .any_status = true};
  EXPECT_EQ(every_split(answer(404, "gone")), "content*0 done(0,0) over, keep");
  EXPECT_EQ(every_split(answer(200, "here")),
            "failed(http-status: HTTP 200 in place of 404: here) over, keep");
}

}  // namespace assay::endpoint_reply_test
