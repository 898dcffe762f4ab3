// How requests fail in the pool: servers that refuse, hang, break off or talk nonsense, time limits, and
// cancelling. Where time must pass, a fake clock passes it.
#include <gmock/gmock.h>

#include "target/endpoint/endpoint_pool.h"
#include "target/endpoint/endpoint_test_client.h"
#include "target/endpoint/endpoint_test_script.h"
#include "target/endpoint/endpoint_test_server.h"

namespace assay::endpoint_pool_failure_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_server::answering;
using testing_server::chunk;
using testing_server::good_answer;
using testing_server::is_request;
using testing_server::kContent;
using testing_server::kStreamHead;
using testing_server::Peer;
using testing_server::plain;
using testing_server::PoolClient;
using testing_server::replying;
using testing_server::Server;
using testing_server::Signal;
using testing_server::well_behaved;

TEST(EndpointPoolFailure, NobodyListensAnyMore) {
  auto server = std::make_unique<Server>(well_behaved());
  PoolClient client(*server);
  client.run(1);
  server.reset();
  EXPECT_THAT(client.run(2).back(), "failed refused");
  EXPECT_THAT(client.detail(), HasSubstr("Connection refused"));
}

TEST(EndpointPoolFailure, HalfAStreamIsTruncated) {
  const Server server(answering(std::string(kStreamHead) + kContent));
  EXPECT_THAT(PoolClient(server).run(1), ElementsAre("sent", "content", "failed truncated"));
}

TEST(EndpointPoolFailure, AResetIsALostConnection) {
  const Server server(replying([](Peer& peer, const std::string&) {
    peer.send(std::string(kStreamHead) + kContent);
    peer.reset();
    return false;
  }));
  EXPECT_EQ(PoolClient(server).run(1).back(), "failed connection-lost");
}

TEST(EndpointPoolFailure, AServerThatClosesEveryConnectionUnanswered) {
  const Server server(replying([](Peer& peer, const std::string& text) {
    if (is_request(text, 1)) return peer.send(good_answer()), true;
    return false;
  }));
  PoolClient client(server);
  client.run(1);
  EXPECT_THAT(client.run(2), ElementsAre("sent", "failed connection-lost"));
  EXPECT_THAT(client.detail(), HasSubstr("before any response"));
}

TEST(EndpointPoolFailure, ANewConnectionThatClosesUnansweredIsNotTriedTwice) {
  const Server server(replying([](Peer&, const std::string&) { return false; }));
  PoolClient client(server);
  EXPECT_THAT(client.run(1), ElementsAre("sent", "failed connection-lost"));
  EXPECT_EQ(client.pool_->facts().sent_again, 0U);
  EXPECT_EQ(server.connections(), 1);
}

TEST(EndpointPoolFailure, GarbageIsMalformed) {
  for (const std::string& answer :
       {std::string("220 mail.example ESMTP\r\n\r\n"), std::string(kStreamHead) + "xyz\r\n",
        std::string(kStreamHead) + "3\r\ndata: {}\n\n\r\n", std::string(kStreamHead) + chunk("data: {\n\n"),
        "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'h') + "\r\n\r\n",
        plain(200, "<html>", "Content-Type: text/html\r\n")}) {
    const Server server(answering(answer));
    EXPECT_EQ(PoolClient(server).run(1).back(), "failed malformed") << answer.substr(0, 60);
  }
}

TEST(EndpointPoolFailure, AnErrorStatusBringsTheServersWords) {
  const Server server(replying([](Peer& peer, const std::string&) {
    peer.send(plain(500, R"({"error":{"message":"the GPU fell off the bus"}})"));
    return true;
  }));
  PoolClient client(server);
  EXPECT_THAT(client.run(1), ElementsAre("sent", "failed http-status"));
  EXPECT_EQ(client.detail(), "HTTP 500: the GPU fell off the bus");
  client.run(2);
  EXPECT_EQ(server.connections(), 1) << "an error is no reason to leave the connection";
}

// ---- time limits ----

TEST(EndpointPoolFailure, AHangingServerTimesOut) {
  const Server server([](Peer& peer) { peer.wait_for_end(); });
  PoolClient client(server);
  client.submit(1, 30);
  client.wait_for([&] { return !client.of(1).empty(); });
  client.pass(29);
  client.poll(client.clock_.now());
  EXPECT_THAT(client.of(1), ElementsAre("sent"));
  client.pass(2);
  client.finish(1);
  EXPECT_THAT(client.of(1), ElementsAre("sent", "failed timeout"));
  EXPECT_EQ(client.detail(), "no answer within 30.0 s");
}

TEST(EndpointPoolFailure, AServerThatStopsInTheMiddleTimesOut) {
  const Server server(replying([](Peer& peer, const std::string&) {
    peer.send(std::string(kStreamHead) + kContent);
    peer.wait_for_end();
    return false;
  }));
  PoolClient client(server);
  client.submit(1);
  client.wait_for([&] { return client.of(1).size() == 2; });
  client.pass(301);
  client.finish(1);
  EXPECT_THAT(client.of(1), ElementsAre("sent", "content", "failed timeout"));
}

TEST(EndpointPoolFailure, EachRequestHasItsOwnLimit) {
  const Server server([](Peer& peer) { peer.wait_for_end(); });
  PoolClient client(server);
  client.submit(1, 20);
  client.submit(2, 10);
  client.wait_for([&] { return client.events_.size() == 2; });
  client.pass(11);
  client.finish(2);
  EXPECT_THAT(client.of(2), ElementsAre("sent", "failed timeout"));
  EXPECT_THAT(client.of(1), ElementsAre("sent"));
  client.pass(10);
  client.finish(1);
  EXPECT_EQ(client.detail(), "no answer within 20.0 s");
}

TEST(EndpointPoolFailure, ARequestThatTimesOutMakesRoomForOneThatWaits) {
  const Server server(replying([](Peer& peer, const std::string& text) {
    if (is_request(text, 1)) peer.wait_for_end();
    return peer.send(good_answer()), true;
  }));
  PoolClient client(server, {.max_connections = 1});
  client.submit(1, 30);
  client.submit(2);
  client.wait_for([&] { return !client.of(1).empty(); });
  client.pass(31);
  client.finish(2);
  EXPECT_THAT(client.of(1), ElementsAre("sent", "failed timeout"));
  EXPECT_THAT(client.of(2), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  EXPECT_EQ(server.connections(), 2);
}

// ---- cancelling ----

TEST(EndpointPoolFailure, CancellingClosesTheConnection) {
  Signal received, gone;
  const Server server(replying([&](Peer& peer, const std::string&) {
    received.give();
    peer.wait_for_end();
    gone.give();
    return false;
  }));
  PoolClient client(server, {.max_connections = 1});
  client.submit(1);
  client.submit(2);
  client.wait_for([&] { return !client.of(1).empty(); });
  received.wait();
  client.pool_->cancel(2);  // still waiting
  client.pool_->cancel(1);
  client.pool_->cancel(1);   // gone already
  client.pool_->cancel(99);  // never there
  gone.wait();
  client.finish(1);
  EXPECT_THAT(client.of(1), ElementsAre("sent", "failed cancelled"));
  EXPECT_THAT(client.of(2), ElementsAre("failed cancelled"));
}

TEST(EndpointPoolFailure, ACancelledRequestMakesRoomForOneThatWaits) {
  const Server server(replying([](Peer& peer, const std::string& text) {
    if (is_request(text, 1)) peer.wait_for_end();
    return peer.send(good_answer()), true;
  }));
  PoolClient client(server, {.max_connections = 1});
  client.submit(1);
  client.submit(2);
  client.wait_for([&] { return !client.of(1).empty(); });
  client.pool_->cancel(1);
  client.finish(2);
  EXPECT_THAT(client.of(1), ElementsAre("sent", "failed cancelled"));
  EXPECT_THAT(client.of(2), ElementsAre("sent", "content", "content", "content", "done 9 3"));
}

TEST(EndpointPoolFailure, CancellingComesTooLateForWhatHasEnded) {
  const Server server(well_behaved());
  PoolClient client(server);
  client.run(1);
  client.pool_->cancel(1);
  client.run(2);
  EXPECT_THAT(client.of(1), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace assay::endpoint_pool_failure_test
