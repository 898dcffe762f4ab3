// The server over real sockets: what clients get, when it was due, and every fault. Raw clients, so that
// nothing of ours forgives anything.
#include <gmock/gmock.h>

#include <algorithm>

#include "emulate/emulate.h"
#include "emulate/server_test_support.h"
#include "http/http.h"

namespace assay::server_test {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kStream =
    R"({"messages":[{"role":"user","content":"12345678"}],"max_tokens":4,"stream":true,"stream_options":{"include_usage":true}})";
constexpr std::string_view kDocument =
    R"({"messages":[{"role":"user","content":"12345678"}],"max_tokens":4})";

EmulatorOptions quick_options(std::string_view faults = "") {
  EmulatorOptions options;
  options.timing.ttft = nanos_from_ms(2);
  options.timing.gap = nanos_from_ms(1);
  options.faults = *parse_faults(faults);
  return options;
}

std::string stream_with(std::string_view faults) {
  RunningServer server(quick_options(faults));
  Client client(server.port());
  client.post("/v1/chat/completions", kStream);
  return client.read_stream();
}

size_t count_of(std::string_view text, std::string_view what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(Emulator, StreamsChatAsRealServersDo) {
  const std::string answer = stream_with("");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(count_of(answer, R"("delta":{"role":"assistant")"), 1);
  EXPECT_EQ(count_of(answer, R"("delta":{"content":")"), 4);
  EXPECT_THAT(answer, HasSubstr(R"("finish_reason":"length")"));
  EXPECT_THAT(answer, HasSubstr(R"("usage":{"prompt_tokens":2,"completion_tokens":4,"total_tokens":6})"));
  EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n\r\n0\r\n\r\n"));
}

TEST(Emulator, AnswersRequestsOneAfterTheOtherAndPipelined) {
  RunningServer server(quick_options());
  Client client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.post("/v1/chat/completions", kStream);
    EXPECT_THAT(client.read_stream(), HasSubstr("[DONE]"));
  }
  client.send("GET /health HTTP/1.1\r\n\r\nGET /v1/models HTTP/1.1\r\n\r\n");
  EXPECT_EQ(count_of(client.read_until("]}"), "HTTP/1.1 200 OK"), 2);
  client.post("/v1/completions", R"({"prompt":"a","max_tokens":2,"stream":true})");
  client.post("/v1/completions", R"({"prompt":"a","max_tokens":2,"stream":true})");
  std::string both;
  while (count_of(both, "[DONE]") < 2 && !both.ends_with("<end>")) both += client.read_stream();
  EXPECT_EQ(server.stop().answered, 5);
}

TEST(Emulator, LengthsComeFromTheRequestOrTheServer) {
  EmulatorOptions options = quick_options();
  options.tokens = 3;
  RunningServer server(options);
  Client client(server.port());
  const auto usage = [&](std::string_view body) {
    const std::string answer = client.ask("/v1/completions", body);
    const size_t at = answer.find("completion_tokens\":") + 19;
    return answer.substr(at, answer.find(',', at) - at) +
           (answer.find("\"length\"") == std::string::npos ? " stop" : " length");
  };
  EXPECT_EQ(usage(R"({"prompt":"a"})"), "3 stop");
  EXPECT_EQ(usage(R"({"prompt":"a","max_tokens":2})"), "2 length");
  EXPECT_EQ(usage(R"({"prompt":"a","max_tokens":9})"), "3 stop");
  EXPECT_EQ(usage(R"({"prompt":"a","max_tokens":9,"ignore_eos":true})"), "9 length");
}

TEST(Emulator, RefusesWhatItCannotServe) {
  EmulatorOptions options = quick_options();
  options.max_body_bytes = 100;
  options.timing = {.model = "queue", .tpot = nanos_from_ms(1), .kv_tokens = 10};
  RunningServer server(options);
  EXPECT_THAT(Client(server.port()).ask("/v1/nothing", "{}"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Client(server.port()).ask("/health", "{}"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(Client(server.port()).ask("/v1/completions", "{"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Client(server.port()).ask("/v1/completions", R"({"prompt":"a","max_tokens":10})"),
              HasSubstr("KV cache"));
  EXPECT_THAT(Client(server.port()).ask("/v1/completions", std::string(101, ' ')),
              StartsWith("HTTP/1.1 413"));
  Client garbage(server.port());
  garbage.send("\x16\x03\x01 hello\r\n\r\n");
  EXPECT_THAT(garbage.read_until("never"), HasSubstr("400 Bad Request"));
  const EmulatorSummary& summary = server.stop();
  EXPECT_EQ(summary.requests, 2);
  EXPECT_EQ(summary.refused, 2) << "of the requests for inference";
  EXPECT_EQ(summary.refused_unread, 4) << "of all else";
}

TEST(Emulator, WhoAsksWhichEngineServesIsNoStranger) {
  RunningServer server(quick_options());
  Client client(server.port());
  for (const char* path : {"/version", "/props", "/get_server_info", "/server_info", "/get_model_info",
                           "/model_info", "/info"}) {
    client.send(std::string("GET ") + path + " HTTP/1.1\r\n\r\n");
    EXPECT_THAT(client.read_until("}}"), HasSubstr("HTTP/1.1 404")) << path;
  }
  EXPECT_THAT(Client(server.port()).ask("/props", "{}"), StartsWith("HTTP/1.1 405"));
  const EmulatorSummary& summary = server.stop();
  EXPECT_EQ(summary.refused_unread, 1) << "the POST";
}

TEST(Emulator, ARefusedRequestHasItsLineOfStamps) {
  EmulatorOptions options = quick_options();
  options.stamps_path = ::testing::TempDir() + "emulate-refused.jsonl";
  RunningServer server(options);
  Client client(server.port());
  client.post("/v1/completions", "{", "X-Request-Id: broken\r\n");
  EXPECT_THAT(client.read_until("}}"), StartsWith("HTTP/1.1 400"));
  client.post("/v1/chat/completions", kDocument);
  EXPECT_THAT(client.read_until("}}"), StartsWith("HTTP/1.1 200"));
  server.stop();
  const auto text = read_file(options.stamps_path, 1 << 20);
  remove_file(options.stamps_path);
  ASSERT_TRUE(text);
  const auto lines = split(*text, '\n');
  ASSERT_EQ(lines.size(), 5) << "a head, two requests, the summary, and nothing";
  const Json refused = *Json::parse(lines[1], "first"), served = *Json::parse(lines[2], "second");
  EXPECT_EQ(refused["index"].as_integer(), 0);
  EXPECT_EQ(refused["request_id"].as_string(), "broken");
  EXPECT_EQ(refused["outcome"].as_string(), "refused");
  EXPECT_TRUE(refused["token_due_ns"].items().empty());
  EXPECT_EQ(served["index"].as_integer(), 1);
  EXPECT_EQ(served["outcome"].as_string(), "done");
}

TEST(Emulator, StampsSayWhenEveryTokenWasDueAndSent) {
  const std::string path = ::testing::TempDir() + "emulate-stamps.jsonl";
  EmulatorOptions options = quick_options();
  options.stamps_path = path;
  RunningServer server(options);
  Client client(server.port());
  // The kernel begins to stamp a little after it was asked to.
  constexpr size_t kBefore = 20;
  for (size_t i = 0; i < kBefore; ++i) {
    client.post("/v1/chat/completions", kDocument);
    client.read_until("}}");
  }
  client.post("/v1/chat/completions", kStream, "X-Request-Id: mine\r\n");
  EXPECT_THAT(client.read_stream(), HasSubstr("X-Request-Id: mine\r\n"));
  server.stop();
  const auto text = read_file(path, 1 << 20);
  remove_file(path);
  ASSERT_TRUE(text);
  const auto lines = split(*text, '\n');
  ASSERT_EQ(lines.size(), kBefore + 4);
  EXPECT_EQ((*Json::parse(lines[0], "first"))["format"].as_string(), "assay emulate stamps");
  const Json request = *Json::parse(lines[kBefore + 1], "request");
  EXPECT_EQ(request["request_id"].as_string(), "mine");
  EXPECT_EQ(request["outcome"].as_string(), "done");
  const int64_t arrival = request["arrival_ns"].as_integer();
  const auto& due = request["token_due_ns"].items();
  const auto& sent = request["token_sent_ns"].items();
  ASSERT_EQ(due.size(), 4);
  ASSERT_EQ(sent.size(), 4);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(due[i].as_integer(), arrival + 2'000'000 + static_cast<int64_t>(i) * 1'000'000);
    EXPECT_GE(sent[i].as_integer(), due[i].as_integer());
  }
  EXPECT_TRUE((*Json::parse(lines[kBefore + 2], "last"))["end"].as_bool());
  if (server.stop().server_stamped == kBefore + 1) GTEST_SKIP() << "no kernel stamps here";
  EXPECT_EQ(request["arrival_by"].as_string(), "kernel");
}

TEST(Emulator, StampsThatFindNoRoomAreCounted) {
  EmulatorOptions options = quick_options();
  options.stamps_path = ::testing::TempDir() + "emulate-full.jsonl";
  options.stamps_events = 3;
  RunningServer server(options);
  Client client(server.port());
  client.post("/v1/chat/completions", kStream);
  client.read_stream();
  EXPECT_EQ(server.stop().lost_events, 1);
  remove_file(options.stamps_path);
}

TEST(Emulator, AQueueStartsTheNextWhereTheLastEnds) {
  const std::string path = ::testing::TempDir() + "emulate-queue.jsonl";
  EmulatorOptions options;
  options.timing = {.model = "queue", .sequences = 1, .tpot = nanos_from_ms(2)};
  options.stamps_path = path;
  RunningServer server(options);
  Client one(server.port()), two(server.port());
  one.post("/v1/chat/completions", kStream);
  two.post("/v1/chat/completions", kStream);
  one.read_stream();
  two.read_stream();
  server.stop();
  const auto text = read_file(path, 1 << 20);
  remove_file(path);
  ASSERT_TRUE(text);
  const auto lines = split(*text, '\n');
  const Json first = *Json::parse(lines[1], "first"), second = *Json::parse(lines[2], "second");
  EXPECT_EQ(first["end_due_ns"].as_integer() - first["start_ns"].as_integer(), 8'000'000);
  EXPECT_EQ(second["start_ns"].as_integer(),
            std::max(first["end_due_ns"].as_integer(), second["arrival_ns"].as_integer()));
}

TEST(Emulator, AClientThatGoesAwayIsCancelledAndFreesItsPlace) {
  EmulatorOptions options;
  options.timing = {.model = "queue", .sequences = 1, .tpot = nanos_from_ms(1)};
  RunningServer server(options);
  {
    Client leaving(server.port());
    leaving.post("/v1/completions", R"({"prompt":"a","max_tokens":1000000,"stream":true})");
    leaving.read_until("\n\n\r\n");
  }
  Client staying(server.port());
  staying.post("/v1/completions", R"({"prompt":"a","max_tokens":2,"stream":true})");
  EXPECT_THAT(staying.read_stream(), HasSubstr("[DONE]"));
  EXPECT_EQ(server.stop().cancelled, 1);
}

TEST(Emulator, AClientThatDoesNotReadHoldsUpOnlyItself) {
  EmulatorOptions options = quick_options("huge-line:at=1:tokens=1:bytes=16000000");
  RunningServer server(options);
  Client slow(server.port());
  slow.post("/v1/chat/completions", kStream);
  Client quick(server.port());
  quick.post("/v1/chat/completions", kStream);
  EXPECT_THAT(quick.read_stream(), HasSubstr("[DONE]"));
  const std::string answer = slow.read_stream();
  EXPECT_GT(answer.size(), 16'000'000);
  EXPECT_THAT(answer.substr(answer.size() - 100), HasSubstr("[DONE]"));
}

TEST(Emulator, ClosesWhatTakesTooLongToAsk) {
  EmulatorOptions options = quick_options();
  options.request_timeout = nanos_from_ms(5);
  RunningServer server(options);
  Client slow(server.port());
  slow.send("POST /v1/completions HTTP/1.1\r\nContent-Le");
  EXPECT_EQ(slow.read_until("never"), "<end>");
  EXPECT_EQ(server.stop().timed_out, 1);
}

TEST(EmulatorFaults, WithinStreams) {
  const std::string reset = stream_with("reset:tokens=2");
  EXPECT_EQ(count_of(reset, R"("delta":{"content":")"), 2);
  EXPECT_THAT(reset, EndsWith("<reset>"));
  const std::string half = stream_with("half-stream");
  EXPECT_EQ(count_of(half, R"("delta":{"content":")"), 2);
  EXPECT_THAT(half, EndsWith("<end>"));
  EXPECT_THAT(half, Not(HasSubstr("[DONE]")));
  const std::string malformed = stream_with("malformed-sse");
  EXPECT_THAT(malformed, HasSubstr("\"delta\":{\"content\":\n\n"));
  EXPECT_THAT(malformed, HasSubstr("[DONE]"));
  EXPECT_THAT(stream_with("wrong-usage"), HasSubstr("\"completion_tokens\":11"));
  const std::string empty = stream_with("empty-output");
  EXPECT_EQ(count_of(empty, R"("delta":{"content":")"), 0);
  EXPECT_THAT(empty, HasSubstr("\"completion_tokens\":0"));
  const std::string crlf = stream_with("crlf");
  EXPECT_EQ(count_of(crlf, "}]}\r\n\r\n\r\n"), 4);
  EXPECT_GT(stream_with("huge-line:bytes=300000").size(), 300'000);
  const std::string split = stream_with("split-utf8");
  EXPECT_EQ(count_of(split, " \xe6\r\n"), 4) << "chunks end within the character";
  EXPECT_THAT(stream_with("slow-headers:seconds=0.02"), HasSubstr("[DONE]"));
}

TEST(EmulatorFaults, InPlaceOfAnswers) {
  RunningServer server(quick_options("429:at=1:seconds=3,500:at=2"));
  Client client(server.port());
  EXPECT_THAT(client.ask("/v1/chat/completions", kStream), HasSubstr("429 Too Many Requests\r\n"));
  EXPECT_THAT(client.ask("/v1/chat/completions", kStream), StartsWith("HTTP/1.1 500"));
  EXPECT_EQ(server.stop().faulted, 2);
}

TEST(EmulatorFaults, OfDocuments) {
  RunningServer server(quick_options(
      "reset:at=1,half-stream:at=2,malformed-sse:at=3,wrong-usage:at=4,slow-headers:at=5:seconds=0.02"));
  for (const char* end : {"<reset>", "<end>"}) {
    Client client(server.port());
    client.post("/v1/chat/completions", kDocument);
    EXPECT_THAT(client.read_until("}}"), EndsWith(end));
  }
  Client third(server.port());
  third.post("/v1/chat/completions", std::string(kDocument), "Connection: close\r\n");
  const std::string malformed = third.read_until("never");
  EXPECT_THAT(malformed, HasSubstr("200 OK"));
  EXPECT_FALSE(Json::parse(malformed.substr(malformed.find("\r\n\r\n") + 4, malformed.rfind('<')), "x"));
  Client client(server.port());
  client.post("/v1/chat/completions", kDocument);
  EXPECT_THAT(client.read_until("}}"), HasSubstr("\"completion_tokens\":11"));
  client.post("/v1/chat/completions", kDocument);
  EXPECT_THAT(client.read_until("}}"), HasSubstr("\"completion_tokens\":4"));
}

TEST(EmulatorFaults, StallsShiftAndFreezesHoldBack) {
  const std::string path = ::testing::TempDir() + "emulate-stall.jsonl";
  EmulatorOptions options = quick_options("stall:at=1:seconds=0.03:tokens=2,freeze:at=2:seconds=0.05");
  options.stamps_path = path;
  RunningServer server(options);
  Client client(server.port());
  for (int i = 0; i < 2; ++i) {
    client.post("/v1/chat/completions", kStream);
    client.read_stream();
  }
  server.stop();
  const auto text = read_file(path, 1 << 20);
  remove_file(path);
  ASSERT_TRUE(text);
  const auto lines = split(*text, '\n');
  const Json stalled = *Json::parse(lines[1], "first"), frozen = *Json::parse(lines[2], "second");
  const auto gap = [](const Json& request, size_t i) {
    return request["token_due_ns"].items()[i].as_integer() -
           request["token_due_ns"].items()[i - 1].as_integer();
  };
  EXPECT_EQ(gap(stalled, 1), 1'000'000);
  EXPECT_EQ(gap(stalled, 2), 31'000'000);
  EXPECT_EQ(gap(stalled, 3), 1'000'000);
  for (const Json& due : frozen["token_due_ns"].items())
    EXPECT_EQ(due.as_integer(), frozen["arrival_ns"].as_integer() + 50'000'000);
}

TEST(EmulatorFaults, RefusesConnectionsForAWhile) {
  FakeClock clock;
  EmulatorOptions options = quick_options("refuse:at=1:seconds=30");
  options.real_time = false;
  const auto emulator = *Emulator::create(options, clock);
  const uint16_t port = port_of(emulator->url());
  std::optional<Client> first;
  std::string answer;
  const auto expect_connected = [&](bool connected) {
    return once([&, connected] { EXPECT_EQ(Client(port).connected(), connected); });
  };
  drive(*emulator, {once([&] {
                      first.emplace(port);
                      first->post("/v1/chat/completions", kStream);
                    }),
                    [&] {
                      answer += first->read_now();
                      return answer.ends_with("\r\n0\r\n\r\n");
                    },
                    expect_connected(false), pass(clock, 29), expect_connected(false), pass(clock, 2),
                    expect_connected(true)});
  EXPECT_THAT(answer, HasSubstr("[DONE]")) << "the first connection is served";
}

TEST(Emulator, EchoesRequestsOfAnyKind) {
  RunningServer server(quick_options());
  Client client(server.port());
  client.post("/echo", R"({"q":"hi","n":[1,2]})", "X-Request-Id: assay-9\r\n");
  EXPECT_THAT(
      client.read_until("}}"),
      HasSubstr(
          R"({"method": "POST", "path": "/echo", "request_id": "assay-9", "body": {"q": "hi", "n": [1, 2]}})"));
  client.send("GET /echo/users HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_until("null}"), HasSubstr(R"("method": "GET", "path": "/echo/users")"));
  client.post("/echo", "nonsense");
  EXPECT_THAT(client.read_until("}}"), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(server.stop().answered, 2);
}

TEST(Emulator, RanksNoMoreThanIsAskedFor) {
  RunningServer server(quick_options());
  Client client(server.port());
  client.post("/v1/rerank", R"({"query":"q","documents":["a","b","c"],"top_n":2})");
  const std::string answer = client.read_until("]}");
  EXPECT_EQ(count_of(answer, "relevance_score"), 2);
}

}  // namespace assay::server_test
