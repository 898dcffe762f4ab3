// The endpoint target against servers that do everything right, and against servers that do not. Real sockets
// on the loopback address; where time must pass, a fake clock passes it.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <semaphore>

#include "target/endpoint_test_server.h"
#include "target/target.h"

namespace assay {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_server::Identity;
using testing_server::Peer;
using testing_server::Server;
using testing_server::Signal;

constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nServer: scripted\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
std::string chunk(std::string_view data) {
  return fmt::format("{:x}\r\n{}\r\n", data.size(), data);
}

// An event cut into two chunks, as servers are free to do.
const std::string kContent =
    chunk("data: {\"choices\":[{\"") + chunk("delta\":{\"content\":\"word \"}}]}\n\n");
const std::string kUsage =
    chunk("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n");
const std::string kDone = chunk("data: [DONE]\n\n") + chunk("");

std::string plain(int status, const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string good_answer() {
  std::string text(kStreamHead);
  for (int i = 0; i < 3; ++i) text += kContent;
  return text + kUsage + kDone;
}

const std::string kModels =
    R"({"object":"list","data":[{"id":"tiny","object":"model","owned_by":"tests","max_model_len":2048,)"
    R"("meta":{"n_params":135}}]})";

// Answers open()'s questions well and leaves every other request to `rest`, which says whether the connection
// goes on.
Server::Script after_opening(std::function<bool(Peer&, const std::string&)> rest) {
  return [rest = std::move(rest)](Peer& peer) {
    while (true) {
      const std::string request = peer.read_request();
      if (request.empty()) return;
      if (request.starts_with("GET ")) {
        peer.send(plain(200, kModels));
      } else if (request.find("X-Request-Id: assay-0\r\n") != std::string::npos) {
        peer.send(good_answer());
      } else if (!rest(peer, request)) {
        return;
      }
    }
  };
}

Server::Script well_behaved() {
  return after_opening([](Peer& peer, const std::string&) { return peer.send(good_answer()), true; });
}

// Answers with `text` and closes.
Server::Script answering(std::string text) {
  return after_opening(
      [text = std::move(text)](Peer& peer, const std::string&) { return peer.send(text), false; });
}

Request request(RequestId id) {
  return {.id = id, .corpus = "prose", .prompt_seed = id, .prompt_tokens = 20, .output_tokens = 3};
}

std::string words(const StreamEvent& event) {
  switch (event.kind) {
    case StreamEventKind::kSent:
      return "sent";
    case StreamEventKind::kContent:
      return "content";
    case StreamEventKind::kReasoning:
      return "reasoning";
    case StreamEventKind::kDone:
      return "done " + std::to_string(event.prompt_tokens) + " " + std::to_string(event.output_tokens);
    case StreamEventKind::kFailed:
      return "failed " + std::string(name_of(event.cause));
    case StreamEventKind::kAdmitted:
      return "admitted";
  }
  return "";
}

// A target and what has come from it.
class Client {
 public:
  explicit Client(EndpointTargetOptions options) {
    options.name = "server";
    target_ = make_endpoint_target(std::move(options), clock_);
  }
  explicit Client(const Server& server) : Client(EndpointTargetOptions{.url = server.url()}) {}

  Result<TargetInfo> open() { return target_->open(); }
  Client& opened() {
    const Result<TargetInfo> info = open();
    EXPECT_TRUE(info) << info.error().message();
    return *this;
  }
  void submit(const Request& r) { EXPECT_TRUE(target_->submit(r)); }
  void poll(Nanos until) { EXPECT_TRUE(target_->poll(until, events_)); }
  // Polls until the request has ended. The clock stands still meanwhile, so no time limit can end it.
  void finish(RequestId id) {
    SystemClock real;
    const Nanos patience = real.now() + nanos_from_seconds(20);
    while (!ended(id) && real.now() < patience) poll(clock_.now());
    EXPECT_TRUE(ended(id)) << "request " << id << " never ended";
  }
  void wait_for(const std::function<bool()>& condition) {
    SystemClock real;
    const Nanos patience = real.now() + nanos_from_seconds(20);
    while (!condition() && real.now() < patience) poll(clock_.now());
    EXPECT_TRUE(condition());
  }
  std::vector<std::string> run(const Request& r) {
    submit(r);
    finish(r.id);
    return of(r.id);
  }
  bool ended(RequestId id) const {
    return std::any_of(events_.begin(), events_.end(), [&](const StreamEvent& e) {
      return e.request == id && (e.kind == StreamEventKind::kDone || e.kind == StreamEventKind::kFailed);
    });
  }
  std::vector<std::string> of(RequestId id) const {
    std::vector<std::string> result;
    for (const StreamEvent& e : events_) {
      if (e.request == id) result.push_back(words(e));
    }
    return result;
  }
  std::string detail() const { return events_.empty() ? "" : events_.back().detail; }

  FakeClock clock_;
  std::unique_ptr<Target> target_;
  std::vector<StreamEvent> events_;
};

std::vector<std::string> outcome(const Server& server, std::string* detail = nullptr) {
  Client client(server);
  const std::vector<std::string> told = client.opened().run(request(1));
  if (detail != nullptr) *detail = client.detail();
  return told;
}

std::string open_error(EndpointTargetOptions options) {
  const Result<TargetInfo> info = Client(std::move(options)).open();
  EXPECT_FALSE(info);
  return info ? "" : info.error().message();
}

TEST(Endpoint, OpensAndTellsWhatItFound) {
  const Server server(well_behaved());
  Client client(server);
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->model, "tiny");
  EXPECT_EQ(info->context_tokens, 2048U);
  EXPECT_EQ(info->subject.kind, "endpoint");
  EXPECT_EQ(info->subject.details["server"].as_string(), "scripted");
  EXPECT_EQ(info->subject.details["model_owned_by"].as_string(), "tests");
  EXPECT_EQ(info->subject.details["model_n_params"].as_integer(), 135);
  EXPECT_TRUE(info->conditions["streams"].as_bool());
  EXPECT_TRUE(info->conditions["usage_from_server"].as_bool());
  EXPECT_TRUE(info->conditions["ignore_eos"].as_bool());
  EXPECT_EQ(info->conditions["receive_stamps"].as_string(), "kernel");
  EXPECT_EQ(server.connections(), 1);
}

TEST(Endpoint, StreamsTokensAndKeepsTheConnection) {
  const Server server(well_behaved());
  Client client(server);
  client.opened();
  for (RequestId id = 1; id <= 5; ++id) {
    EXPECT_THAT(client.run(request(id)), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(Endpoint, SendsWhatTheRequestSays) {
  std::string seen;
  const Server server(after_opening([&](Peer& peer, const std::string& text) {
    seen = text;
    peer.send(good_answer());
    return true;
  }));
  Client client({.url = server.url(), .api = "completions", .api_key = "s3cret"});
  client.opened().run(request(42));
  EXPECT_THAT(
      seen, AllOf(HasSubstr("POST /v1/completions HTTP/1.1\r\n"), HasSubstr("\r\nX-Request-Id: assay-42\r\n"),
                  HasSubstr("\r\nAuthorization: Bearer s3cret\r\n"), HasSubstr("\"max_tokens\":3")));
}

TEST(Endpoint, RequestsBeyondTheConnectionsWait) {
  Signal go;
  const Server server(after_opening([&](Peer& peer, const std::string& text) {
    if (text.find("assay-1\r\n") != std::string::npos) go.wait();
    peer.send(good_answer());
    return true;
  }));
  Client client({.url = server.url(), .max_connections = 1});
  client.opened();
  client.submit(request(1));
  client.submit(request(2));
  client.poll(client.clock_.now());
  EXPECT_THAT(client.of(1), ElementsAre("sent"));
  EXPECT_TRUE(client.of(2).empty());
  go.give();
  client.finish(2);
  EXPECT_THAT(client.of(2), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(Endpoint, ManyRequestsAtOnceAllEnd) {
  const Server server(well_behaved());
  Client client({.url = server.url(), .max_connections = 7});
  client.opened();
  for (RequestId id = 1; id <= 60; ++id) client.submit(request(id));
  for (RequestId id = 1; id <= 60; ++id) {
    client.finish(id);
    EXPECT_EQ(client.of(id).size(), 5U);
  }
  EXPECT_LE(server.connections(), 7);
}

TEST(Endpoint, TurnsOfASessionCarryWhatWasSaid) {
  std::string seen;
  const Server server(after_opening([&](Peer& peer, const std::string& text) {
    seen = text;
    peer.send(good_answer());
    return true;
  }));
  Client client(server);
  client.opened();
  Request turn = request(1);
  turn.session = 1;
  turn.last_turn = false;
  client.run(turn);
  EXPECT_THAT(seen, Not(HasSubstr("assistant")));
  turn = request(2);
  turn.session = 1;
  turn.turn = 1;
  client.run(turn);
  EXPECT_THAT(seen, HasSubstr(R"({"role":"assistant","content":"word word word "})"));
}

TEST(Endpoint, AnAnswerOutlivesAConnectionThatTheServerDrops) {
  // The server closes after each answer without saying so: each request must still be answered.
  const Server server(
      after_opening([](Peer& peer, const std::string&) { return peer.send(good_answer()), false; }));
  Client client(server);
  client.opened();
  for (RequestId id = 1; id <= 5; ++id) {
    EXPECT_THAT(client.run(request(id)), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  }
}

TEST(Endpoint, ASlowHeadIsJustSlow) {
  const Server server(after_opening([](Peer& peer, const std::string&) {
    for (const char c : good_answer()) peer.send({&c, 1});
    return true;
  }));
  EXPECT_THAT(outcome(server), ElementsAre("sent", "content", "content", "content", "done 9 3"));
}

TEST(Endpoint, SpeaksToIpv6) {
  if (!listen_on_loopback(true)) GTEST_SKIP() << "no IPv6 on this machine";
  const Server server(well_behaved(), nullptr, true);
  EXPECT_THAT(outcome(server), ElementsAre("sent", "content", "content", "content", "done 9 3"));
}

// ---- stamps ----

TEST(Endpoint, AnEventIsStampedWhenItArrivedNotWhenItWasRead) {
  SystemClock clock;
  std::counting_semaphore sent(0);
  const Server server(after_opening([&](Peer& peer, const std::string&) {
    peer.send(good_answer());
    sent.release();
    return true;
  }));
  const std::unique_ptr<Target> target = make_endpoint_target({.name = "server", .url = server.url()}, clock);
  const Result<TargetInfo> info = target->open();
  ASSERT_TRUE(info) << info.error().message();
  if (info->conditions["receive_stamps"].as_string() != "kernel") GTEST_SKIP() << "no kernel stamps here";
  // The kernel begins to stamp a little after it was asked to, so the first answers may be stamped when they
  // are read.
  for (RequestId id = 1; id <= 10'000; ++id) {
    const Nanos submitted = clock.now();
    ASSERT_TRUE(target->submit(request(id)));
    ASSERT_TRUE(sent.try_acquire_for(std::chrono::seconds(20)));
    const Nanos late = clock.now();  // all has arrived, nothing has been read
    std::vector<StreamEvent> events;
    while (events.empty() || events.back().kind != StreamEventKind::kDone)
      ASSERT_TRUE(target->poll(kNever, events));
    for (const StreamEvent& event : events) EXPECT_GE(event.at, submitted);
    if (events.back().at < late) return;
  }
  FAIL() << "no event was ever stamped before it was read";
}

// ---- failures ----

TEST(EndpointFailure, NobodyListensAnyMore) {
  auto server = std::make_unique<Server>(well_behaved());
  Client client(*server);
  client.opened();
  server.reset();
  EXPECT_THAT(client.run(request(1)).back(), "failed refused");
  EXPECT_THAT(client.detail(), HasSubstr("Connection refused"));
}

TEST(EndpointFailure, AHangingServerTimesOut) {
  Signal received;
  const Server server(after_opening([&](Peer& peer, const std::string&) {
    received.give();
    peer.wait_for_end();
    return false;
  }));
  Client client({.url = server.url(), .timeout_s = 30});
  client.opened().submit(request(1));
  received.wait();
  client.poll(client.clock_.now());
  client.clock_.advance_to(client.clock_.now() + nanos_from_seconds(29));
  client.poll(client.clock_.now());
  EXPECT_THAT(client.of(1), ElementsAre("sent"));
  client.clock_.advance_to(client.clock_.now() + nanos_from_seconds(2));
  client.finish(1);
  EXPECT_THAT(client.of(1), ElementsAre("sent", "failed timeout"));
  EXPECT_EQ(client.detail(), "no answer within 30.0 s");
}

TEST(EndpointFailure, AServerThatStopsInTheMiddleTimesOut) {
  const Server server(after_opening([&](Peer& peer, const std::string&) {
    peer.send(std::string(kStreamHead) + kContent);
    peer.wait_for_end();
    return false;
  }));
  Client client(server);
  client.opened().submit(request(1));
  client.wait_for([&] { return client.of(1).size() == 2; });
  client.clock_.advance_to(client.clock_.now() + nanos_from_seconds(301));
  client.finish(1);
  EXPECT_THAT(client.of(1), ElementsAre("sent", "content", "failed timeout"));
}

TEST(EndpointFailure, HalfAStreamIsTruncated) {
  const Server server(answering(std::string(kStreamHead) + kContent));
  EXPECT_THAT(outcome(server), ElementsAre("sent", "content", "failed truncated"));
}

TEST(EndpointFailure, AResetIsALostConnection) {
  const Server server(after_opening([](Peer& peer, const std::string&) {
    peer.send(std::string(kStreamHead) + kContent);
    peer.reset();
    return false;
  }));
  const std::vector<std::string> told = outcome(server);
  EXPECT_EQ(told.back(), "failed connection-lost");
}

TEST(EndpointFailure, AServerThatClosesEveryConnectionUnanswered) {
  const Server server(after_opening([](Peer&, const std::string&) { return false; }));
  std::string detail;
  EXPECT_THAT(outcome(server, &detail), ElementsAre("sent", "failed connection-lost"));
  EXPECT_THAT(detail, HasSubstr("before any response"));
}

TEST(EndpointFailure, GarbageIsMalformed) {
  for (const std::string& answer :
       {std::string("220 mail.example ESMTP\r\n\r\n"), std::string(kStreamHead) + "xyz\r\n",
        std::string(kStreamHead) + "3\r\ndata: {}\n\n\r\n", std::string(kStreamHead) + chunk("data: {\n\n"),
        "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'h') + "\r\n\r\n",
        plain(200, "<html>", "Content-Type: text/html\r\n")}) {
    const Server server(answering(answer));
    EXPECT_EQ(outcome(server).back(), "failed malformed") << answer.substr(0, 60);
  }
}

TEST(EndpointFailure, AnErrorStatusBringsTheServersWords) {
  const Server server(after_opening([](Peer& peer, const std::string&) {
    peer.send(plain(500, R"({"error":{"message":"the GPU fell off the bus"}})"));
    return true;
  }));
  Client client(server);
  EXPECT_THAT(client.opened().run(request(1)), ElementsAre("sent", "failed http-status"));
  EXPECT_EQ(client.detail(), "HTTP 500: the GPU fell off the bus");
  client.run(request(2));
  EXPECT_EQ(server.connections(), 1) << "an error is no reason to leave the connection";
}

TEST(EndpointFailure, CancellingClosesTheConnection) {
  Signal received, gone;
  const Server server(after_opening([&](Peer& peer, const std::string&) {
    received.give();
    peer.wait_for_end();
    gone.give();
    return false;
  }));
  Client client({.url = server.url(), .max_connections = 1});
  client.opened().submit(request(1));
  client.submit(request(2));
  client.poll(client.clock_.now());
  received.wait();
  client.target_->cancel(2);  // still waiting
  client.target_->cancel(1);
  client.target_->cancel(1);   // gone already
  client.target_->cancel(99);  // never there
  gone.wait();
  client.finish(1);
  EXPECT_THAT(client.of(1), ElementsAre("sent", "failed cancelled"));
  EXPECT_THAT(client.of(2), ElementsAre("failed cancelled"));
}

// ---- opening ----

TEST(EndpointOpen, DropsFieldsThatTheServerRefuses) {
  std::string last;
  const Server server([&](Peer& peer) {
    for (std::string text = peer.read_request(); !text.empty(); text = peer.read_request()) {
      last = text;
      const auto has = [&](const char* word) { return text.find(word) != std::string::npos; };
      if (has("GET ")) {
        peer.send(plain(200, kModels));
      } else if (has("\"ignore_eos\"")) {
        peer.send(
            plain(400, R"({"error":{"message":"Unrecognized request argument supplied: ignore_eos"}})"));
      } else if (has("\"stream_options\"")) {
        peer.send(plain(
            422, R"({"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]})"));
      } else {
        peer.send(good_answer());
      }
    }
  });
  Client client(server);
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_FALSE(info->conditions["ignore_eos"].as_bool(true));
  client.run(request(1));
  EXPECT_THAT(
      last, AllOf(Not(HasSubstr("ignore_eos")), Not(HasSubstr("stream_options")), HasSubstr("temperature")));
}

TEST(EndpointOpen, NeedsNoListOfModelsWhereOneIsNamed) {
  const auto script = [](Peer& peer) {
    for (std::string text = peer.read_request(); !text.empty(); text = peer.read_request()) {
      peer.send(text.starts_with("GET ") ? plain(404, "not here") : good_answer());
    }
  };
  const Server server(script);
  Client client({.url = server.url(), .model = "mine"});
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->model, "mine");
  EXPECT_THAT(open_error({.url = server.url()}),
              AllOf(HasSubstr("does not list its models"), HasSubstr("Name one with model")));
}

TEST(EndpointOpen, SuggestsAModelThatThereIs) {
  const Server server([](Peer& peer) {
    for (std::string text = peer.read_request(); !text.empty(); text = peer.read_request()) {
      peer.send(text.starts_with("GET ") ? plain(200, kModels)
                                         : plain(404, R"({"error":{"message":"no such model"}})"));
    }
  });
  EXPECT_THAT(open_error({.url = server.url(), .model = "tinny"}),
              AllOf(HasSubstr("no such model"), HasSubstr("Did you mean 'tiny'?")));
}

TEST(EndpointOpen, SaysThatAKeyIsWantedAndNeverRepeatsIt) {
  const Server server([](Peer& peer) {
    while (!peer.read_request().empty()) peer.send(plain(401, R"({"error":{"message":"bad key"}})"));
  });
  EXPECT_THAT(open_error({.url = server.url()}), HasSubstr("Give a key"));
  EXPECT_THAT(open_error({.url = server.url(), .api_key = "hunter2"}),
              AllOf(HasSubstr("Check the key"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(open_error({.url = server.url(), .api_key = "hunter2\n"}),
              AllOf(HasSubstr("control characters"), Not(HasSubstr("hunter2"))));
}

TEST(EndpointOpen, SaysThatNobodyIsThere) {
  std::string url;
  {
    const Result<Listener> listener = listen_on_loopback();
    ASSERT_TRUE(listener);
    url = "http://" + listener->address.text() + "/v1";
  }
  EXPECT_THAT(open_error({.url = url}), AllOf(HasSubstr("Connection refused"), HasSubstr(url),
                                              HasSubstr("Check that the server is up")));
}

TEST(EndpointOpen, SaysThatTheServerHangs) {
  const Server server([](Peer& peer) { peer.wait_for_end(); });
  EXPECT_THAT(open_error({.url = server.url(), .timeout_s = 0.02}), HasSubstr("no answer within 20.0 ms"));
}

TEST(EndpointOpen, RefusesImpossibleOptions) {
  EXPECT_THAT(open_error({.url = "ftp://x"}), HasSubstr("does not begin with http"));
  EXPECT_THAT(open_error({.url = "http://x", .api = "chats"}), HasSubstr("unknown api"));
  EXPECT_THAT(open_error({.url = "http://x", .max_connections = 0}), HasSubstr("max_connections"));
  EXPECT_THAT(open_error({.url = "http://x", .timeout_s = 0}), HasSubstr("timeout_s"));
}

TEST(EndpointOpen, TakesOneDocumentForAStream) {
  const std::string json = R"({"choices":[{"message":{"content":"all at once"}}],)"
                           R"("usage":{"prompt_tokens":9,"completion_tokens":3}})";
  const Server server([&](Peer& peer) {
    for (std::string text = peer.read_request(); !text.empty(); text = peer.read_request()) {
      peer.send(plain(200, text.starts_with("GET ") ? kModels : json, "Content-Type: application/json\r\n"));
    }
  });
  Client client(server);
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_FALSE(info->conditions["streams"].as_bool(true));
  EXPECT_THAT(client.run(request(1)), ElementsAre("sent", "content", "done 9 3"));
}

// ---- TLS ----

class EndpointTls : public ::testing::Test {
 protected:
  EndpointTls() {
    char name[] = "/tmp/assay-tls-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~EndpointTls() override {
    remove_file(directory_ + "/ca.pem");
    ::rmdir(directory_.c_str());
  }
  std::string ca_file(const Identity& identity) {
    const std::string path = directory_ + "/ca.pem";
    EXPECT_TRUE(write_file_atomically(path, identity.pem()));
    return path;
  }
  std::string directory_;
};

TEST_F(EndpointTls, StreamsOverATrustedCertificate) {
  const Identity identity("IP:127.0.0.1");
  const Server server(well_behaved(), &identity);
  Client client({.url = server.url(), .ca_file = ca_file(identity)});
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_THAT(info->subject.details["tls"].as_string(), HasSubstr("TLSv1.3"));
  for (RequestId id = 1; id <= 3; ++id) {
    EXPECT_THAT(client.run(request(id)), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(EndpointTls, LargeAnswersCrossManyRecords) {
  std::string answer(kStreamHead);
  for (int i = 0; i < 5000; ++i) answer += kContent;
  answer += kDone;
  const Identity identity("IP:127.0.0.1");
  const Server server(after_opening([&](Peer& peer, const std::string&) { return peer.send(answer), true; }),
                      &identity);
  Client client({.url = server.url(), .ca_file = ca_file(identity)});
  EXPECT_EQ(client.opened().run(request(1)).size(), 5002U);
}

TEST_F(EndpointTls, SaysWhichFileASelfSignedServerNeeds) {
  const Identity identity("IP:127.0.0.1");
  const Server server(well_behaved(), &identity);
  EXPECT_THAT(open_error({.url = server.url()}),
              AllOf(HasSubstr("self-signed"), HasSubstr("Set ca_file to a PEM file")));
}

TEST_F(EndpointTls, RefusesACertificateForAnotherHost) {
  const Identity identity("DNS:other.example,IP:127.0.0.2");
  const Server server(well_behaved(), &identity);
  EXPECT_THAT(open_error({.url = server.url(), .ca_file = ca_file(identity)}),
              HasSubstr("is for another host"));
}

TEST_F(EndpointTls, RefusesCertificatesOutOfTheirTime) {
  {
    const Identity expired("IP:127.0.0.1", -7200, -3600);
    const Server server(well_behaved(), &expired);
    EXPECT_THAT(open_error({.url = server.url(), .ca_file = ca_file(expired)}), HasSubstr("has expired"));
  }
  const Identity early("IP:127.0.0.1", 3600, 7200);
  const Server server(well_behaved(), &early);
  EXPECT_THAT(open_error({.url = server.url(), .ca_file = ca_file(early)}), HasSubstr("not valid yet"));
}

TEST_F(EndpointTls, SaysThatTheServerSpeaksPlainHttp) {
  const Server server([](Peer& peer) {
    peer.send(plain(400, "plain"));
    peer.wait_for_end();
  });
  const std::string url = "https" + server.url().substr(4);
  EXPECT_THAT(open_error({.url = url}), HasSubstr("try http:// instead of https://"));
}

TEST_F(EndpointTls, SaysThatTheFileIsNone) {
  EXPECT_THAT(open_error({.url = "https://127.0.0.1:1/v1", .ca_file = directory_ + "/none.pem"}),
              HasSubstr("none.pem"));
}

}  // namespace
}  // namespace assay
