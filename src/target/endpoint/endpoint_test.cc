// The endpoint target's contract: what it tells when it is open, requests, sessions, cancelling, and its end.
// The connections below it are tried in endpoint_pool_test, what open() asks in endpoint_opening_test.
#include <gmock/gmock.h>

#include "target/endpoint/endpoint_body.h"
#include "target/endpoint/endpoint_test_client.h"
#include "target/endpoint/endpoint_test_script.h"
#include "target/endpoint/endpoint_test_server.h"
#include "target/target.h"

namespace assay::endpoint_test {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_server::after_opening;
using testing_server::Client;
using testing_server::good_answer;
using testing_server::is_request;
using testing_server::open_error;
using testing_server::Peer;
using testing_server::plain;
using testing_server::request;
using testing_server::Server;
using testing_server::Signal;
using testing_server::well_behaved;

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

TEST(Endpoint, RequestsThatWaitAreWithdrawnAndCounted) {
  Signal go;
  const Server server(after_opening([&](Peer& peer, const std::string& text) {
    if (text.find("assay-1\r\n") != std::string::npos) go.wait();
    peer.send(good_answer());
    return true;
  }));
  Client client({.url = server.url(), .max_connections = 1});
  client.opened();
  client.submit(request(1));
  Request turn = request(2);
  turn.session = 7;
  client.submit(turn);
  EXPECT_THAT(client.target_->withdraw_waiting(), ElementsAre(2));
  EXPECT_THAT(client.target_->withdraw_waiting(), ElementsAre());
  go.give();
  client.finish(1);
  EXPECT_TRUE(client.of(2).empty());
  EXPECT_EQ(client.target_->close().waited_for_connection, 1U);
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

TEST(Endpoint, ATurnThatFailedIsLeftOutOfItsSession) {
  std::string seen;
  const Server server(after_opening([&](Peer& peer, const std::string& text) {
    seen = text;
    peer.send(is_request(text, 2) ? plain(503, "busy") : good_answer());
    return true;
  }));
  const auto turn = [](RequestId id) {
    Request turn = request(id);
    turn.prompt_seed = id * 100'000;  // other words for each
    turn.session = 1;
    turn.turn = static_cast<uint32_t>(id - 1);
    turn.last_turn = id == 3;
    return turn;
  };
  const auto asks = [&](RequestId id) {
    std::string text;
    append_json_text(endpoint_prompt(turn(id), EndpointTargetOptions().cutter), text);
    return HasSubstr(text);
  };
  Client client(server);
  client.opened();
  for (RequestId id = 1; id <= 3; ++id) client.run(turn(id));
  EXPECT_THAT(client.of(2), ElementsAre("sent", "failed overloaded"));
  EXPECT_THAT(seen, AllOf(asks(1), Not(asks(2)), asks(3)));
}

TEST(Endpoint, TellsAtItsEndWhatWasSentAgain) {
  const Server server(after_opening([](Peer& peer, const std::string&) {
    if (peer.number() == 0) return false;
    return peer.send(good_answer()), true;
  }));
  Client client(server);
  EXPECT_EQ(client.opened().run(request(1)).back(), "done 9 3");
  const TargetEnd end = client.target_->close();
  EXPECT_TRUE(end.clean);
  EXPECT_EQ(end.words, "closed");
  EXPECT_THAT(end.diagnostics, HasSubstr("1 request was sent again"));
}

TEST(Endpoint, AHangingServerTimesOut) {
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
  client.pass(29);
  client.poll(client.clock_.now());
  EXPECT_THAT(client.of(1), ElementsAre("sent"));
  client.pass(2);
  client.finish(1);
  EXPECT_THAT(client.of(1), ElementsAre("sent", "failed timeout"));
  EXPECT_EQ(client.detail(), "no answer within 30.0 s");
}

TEST(Endpoint, AnErrorStatusBringsTheServersWords) {
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

TEST(Endpoint, CancellingClosesTheConnection) {
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

TEST(Endpoint, RefusesImpossibleOptions) {
  EXPECT_THAT(open_error({.url = "ftp://x"}), HasSubstr("does not begin with http"));
  EXPECT_THAT(open_error({.url = "http://x", .api = "chats"}), HasSubstr("unknown api"));
  EXPECT_THAT(open_error({.url = "http://x", .max_connections = 0}), HasSubstr("max_connections"));
  EXPECT_THAT(open_error({.url = "http://x", .timeout_s = 0}), HasSubstr("timeout_s"));
}

}  // namespace assay::endpoint_test
