// The pool on real sockets: connections that are used again, the queue before them, receive stamps. How
// requests fail is in endpoint_pool_failure_test.
#include "target/endpoint_pool.h"

#include <gmock/gmock.h>

#include <chrono>
#include <semaphore>

#include "target/endpoint_test_client.h"
#include "target/endpoint_test_script.h"
#include "target/endpoint_test_server.h"

namespace assay {
namespace {

using ::testing::ElementsAre;
using testing_server::good_answer;
using testing_server::Peer;
using testing_server::PoolClient;
using testing_server::replying;
using testing_server::Server;
using testing_server::Signal;
using testing_server::well_behaved;

TEST(EndpointPool, StreamsTokensAndKeepsTheConnection) {
  const Server server(well_behaved());
  PoolClient client(server);
  for (RequestId id = 1; id <= 5; ++id) {
    EXPECT_THAT(client.run(id), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(EndpointPool, ManyRequestsAtOnceAllEnd) {
  const Server server(well_behaved());
  PoolClient client(server, {.max_connections = 7});
  for (RequestId id = 1; id <= 60; ++id) client.submit(id);
  for (RequestId id = 1; id <= 60; ++id) {
    client.finish(id);
    EXPECT_EQ(client.of(id).size(), 5U);
  }
  EXPECT_LE(server.connections(), 7);
}

TEST(EndpointPool, AnAnswerOutlivesAConnectionThatTheServerDrops) {
  // The server closes after each answer without saying so: each request must still be answered.
  const Server server(
      replying([](Peer& peer, const std::string&) { return peer.send(good_answer()), false; }));
  PoolClient client(server);
  for (RequestId id = 1; id <= 5; ++id) {
    EXPECT_THAT(client.run(id), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  }
}

TEST(EndpointPool, ASlowHeadIsJustSlow) {
  const Server server(replying([](Peer& peer, const std::string&) {
    for (const char c : good_answer()) peer.send({&c, 1});
    return true;
  }));
  EXPECT_THAT(PoolClient(server).run(1), ElementsAre("sent", "content", "content", "content", "done 9 3"));
}

TEST(EndpointPool, SpeaksToIpv6) {
  if (!listen_on_loopback(true)) GTEST_SKIP() << "no IPv6 on this machine";
  const Server server(well_behaved(), nullptr, true);
  EXPECT_THAT(PoolClient(server).run(1), ElementsAre("sent", "content", "content", "content", "done 9 3"));
}

TEST(EndpointPool, AnEventIsStampedWhenItArrivedNotWhenItWasRead) {
  SystemClock clock;
  std::counting_semaphore sent(0);
  const Server server(replying([&](Peer& peer, const std::string&) {
    peer.send(good_answer());
    sent.release();
    return true;
  }));
  const PoolClient client(server);  // for its requests; time is real here
  const Result<std::unique_ptr<EndpointPool>> made =
      EndpointPool::create({.url = client.wire_->url(), .addresses = {client.pool_->address()}}, clock);
  ASSERT_TRUE(made) << made.error().message();
  EndpointPool& pool = **made;
  // The first request opens the connection: there is nothing to wait for before it is polled.
  pool.submit(client.post(1));
  std::vector<StreamEvent> events;
  while (events.empty() || events.back().kind != StreamEventKind::kDone)
    ASSERT_TRUE(pool.poll(kNever, events));
  sent.acquire();
  if (!pool.facts().has_stamps) GTEST_SKIP() << "no kernel stamps here";
  // The kernel begins to stamp a little after it was asked to, so the first answers may be stamped when they
  // are read.
  for (RequestId id = 2; id <= 10'000; ++id) {
    const Nanos submitted = clock.now();
    pool.submit(client.post(id));
    ASSERT_TRUE(sent.try_acquire_for(std::chrono::seconds(20)));
    const Nanos late = clock.now();  // all has arrived, nothing has been read
    events.clear();
    while (events.empty() || events.back().kind != StreamEventKind::kDone)
      ASSERT_TRUE(pool.poll(kNever, events));
    for (const StreamEvent& event : events) EXPECT_GE(event.at, submitted);
    if (events.back().at < late) return;
  }
  FAIL() << "no event was ever stamped before it was read";
}

// ---- the queue ----

TEST(EndpointPool, RequestsBeyondTheConnectionsWait) {
  Signal go;
  const Server server(replying([&](Peer& peer, const std::string& text) {
    if (text.find("assay-1\r\n") != std::string::npos) go.wait();
    peer.send(good_answer());
    return true;
  }));
  PoolClient client(server, {.max_connections = 1});
  client.submit(1);
  client.submit(2);
  client.wait_for([&] { return !client.of(1).empty(); });
  EXPECT_THAT(client.of(1), ElementsAre("sent"));
  EXPECT_TRUE(client.of(2).empty());
  go.give();
  client.finish(2);
  EXPECT_THAT(client.of(2), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace assay
