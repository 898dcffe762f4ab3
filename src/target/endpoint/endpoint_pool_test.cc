// The pool on real sockets: connections that are used again, the queue before them, receive stamps. How
// requests fail is in endpoint_pool_failure_test.
#include "target/endpoint/endpoint_pool.h"

#include <gmock/gmock.h>

#include <chrono>
#include <mutex>
#include <semaphore>

#include "target/endpoint/endpoint_test_client.h"
#include "target/endpoint/endpoint_test_script.h"
#include "target/endpoint/endpoint_test_server.h"

namespace assay::endpoint_pool_test {

using ::testing::ElementsAre;
using testing_server::always;
using testing_server::good_answer;
using testing_server::is_request;
using testing_server::nobodys_address;
using testing_server::Peer;
using testing_server::plain;
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
  const Result<std::unique_ptr<EndpointPool>> made = EndpointPool::create(
      {.servers = {{.url = client.wire_->url(), .addresses = {client.pool_->address()}}}}, clock);
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
    if (is_request(text, 1)) go.wait();
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

TEST(EndpointPool, RequestsThatWaitAreCountedAndCanBeWithdrawn) {
  Signal go;
  const Server server(replying([&](Peer& peer, const std::string& text) {
    if (is_request(text, 1)) go.wait();
    peer.send(good_answer());
    return true;
  }));
  PoolClient client(server, {.max_connections = 1});
  for (RequestId id = 1; id <= 3; ++id) client.submit(id);
  EXPECT_EQ(client.pool().facts().waited, 0U) << "not yet";
  EXPECT_THAT(client.pool().withdraw_waiting(), ElementsAre(2, 3));
  EXPECT_EQ(client.pool().facts().waited, 2U);
  EXPECT_THAT(client.pool().withdraw_waiting(), ElementsAre());
  go.give();
  client.finish(1);
  EXPECT_TRUE(client.of(2).empty() && client.of(3).empty());
  EXPECT_THAT(client.run(4), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  EXPECT_EQ(client.pool().facts().waited, 2U) << "the connection was free";
}

TEST(EndpointPool, WaitingRequestsAreSentInTheirOrderAsConnectionsFree) {
  std::vector<Signal> go(4);
  const Server server(replying([&](Peer& peer, const std::string& text) {
    for (RequestId id = 1; id <= 3; ++id) {
      if (is_request(text, id)) go[id].wait();
    }
    peer.send(good_answer());
    return true;
  }));
  PoolClient client(server, {.max_connections = 1});
  for (RequestId id = 1; id <= 3; ++id) client.submit(id);
  client.wait_for([&] { return !client.of(1).empty(); });
  for (RequestId id = 1; id <= 2; ++id) {
    go[id].give();
    client.wait_for([&] { return !client.of(id + 1).empty(); });
    EXPECT_TRUE(client.ended(id)) << "a request was sent before there was a connection for it";
    EXPECT_THAT(client.of(id + 1), ElementsAre("sent"));
  }
  go[3].give();
  client.finish(3);
  EXPECT_EQ(server.connections(), 1);
}

TEST(EndpointPool, NoTimeRunsForARequestThatWaits) {
  Signal go;
  const Server server(replying([&](Peer& peer, const std::string& text) {
    if (is_request(text, 1)) go.wait();
    peer.send(good_answer());
    return true;
  }));
  PoolClient client(server, {.max_connections = 1});
  client.submit(1, 1000);
  client.submit(2, 30);
  client.wait_for([&] { return !client.of(1).empty(); });
  client.pass(900);
  client.poll(client.clock_.now());
  EXPECT_TRUE(client.of(2).empty());
  go.give();
  client.finish(2);
  EXPECT_THAT(client.of(2), ElementsAre("sent", "content", "content", "content", "done 9 3"));
}

// ---- sent again ----

TEST(EndpointPool, ARequestIsSentAgainWhenItsIdleConnectionCloses) {
  const Server server(replying([](Peer& peer, const std::string& text) {
    // The first connection takes a second request and closes without a word.
    if (peer.number() == 0 && is_request(text, 2)) return false;
    return peer.send(good_answer()), true;
  }));
  PoolClient client(server);
  client.run(1);
  EXPECT_THAT(client.run(2), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  EXPECT_EQ(client.pool_->facts().sent_again, 1U);
  EXPECT_EQ(server.connections(), 2);
}

TEST(EndpointPool, WhatIsSentAgainComesBeforeWhatWaits) {
  std::mutex mutex;
  std::vector<std::string> order;
  const Server server(replying([&](Peer& peer, const std::string& text) {
    if (peer.number() == 0 && is_request(text, 2)) return false;
    const std::lock_guard lock(mutex);
    order.push_back(is_request(text, 2) ? "2" : is_request(text, 3) ? "3" : "1");
    return peer.send(good_answer()), true;
  }));
  PoolClient client(server, {.max_connections = 1});
  client.run(1);
  client.submit(2);
  client.submit(3);
  client.finish(3);
  const std::lock_guard lock(mutex);
  EXPECT_THAT(order, ElementsAre("1", "2", "3"));
}

// ---- answers ----

TEST(EndpointPool, KeepsTheTextOfAnAnswerThatIsWantedUntilItIsTaken) {
  const Server server(well_behaved());
  PoolClient client(server);
  EndpointRequest wanted = client.post(1);
  wanted.kept_bytes = kMaxAnswerBytes;
  client.pool_->submit(std::move(wanted));
  client.run(2);
  client.finish(1);
  EXPECT_EQ(client.pool_->take_answer(1).content, "word word word ");
  EXPECT_EQ(client.pool_->take_answer(1).content, "");
  EXPECT_EQ(client.pool_->take_answer(2).content, "");
}

TEST(EndpointPool, AQuestionGetsAWholeAnswerAndNoEvents) {
  const Server server(replying([](Peer& peer, const std::string& text) {
    peer.send(text.starts_with("GET ") ? plain(404, "no such page", "Server: scripted\r\n") : good_answer());
    return true;
  }));
  PoolClient client(server);
  const EndpointAnswer page = client.ask(client.get());
  EXPECT_EQ(page.event.kind, StreamEventKind::kDone) << "any status is an answer";
  EXPECT_EQ(page.status, 404);
  EXPECT_EQ(page.body, "no such page");
  EXPECT_EQ(page.server, "scripted");
  const EndpointAnswer stream = client.ask(client.post(0));
  EXPECT_TRUE(stream.streamed && stream.has_usage);
  EXPECT_THAT(client.run(1), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  // Three chunks that came together are one event.
  EXPECT_EQ(client.events_.size(), 3U) << "a question has left events";
  EXPECT_EQ(server.connections(), 1);
}

TEST(EndpointPool, NothingRepeatsTheSecret) {
  const Server server(always(plain(401, "wrong key hunter2", "Server: hunter2\r\n")));
  PoolClient client(server, {.secret = "hunter2"});
  const EndpointAnswer answer = client.ask(client.get());
  EXPECT_EQ(answer.body, "wrong key ***");
  EXPECT_EQ(answer.server, "***");
  client.run(1);
  EXPECT_EQ(client.detail(), "HTTP 401: wrong key ***");
}

TEST(EndpointPool, AQuestionEndsWhenItIsInterrupted) {
  const Server server([](Peer& peer) { peer.wait_for_end(); });
  PoolClient client(server);
  int looks = 0;
  const Result<EndpointAnswer> answer = client.pool_->ask(client.get(), [&] { return ++looks == 3; });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().what, "interrupted");
}

TEST(EndpointPool, GoesOnToTheHostsNextAddress) {
  const Server server(well_behaved());
  const SocketAddress good = PoolClient::addresses_of(PoolClient::url_from(server.url())).front();
  PoolClient client(server, {.servers = {{.addresses = {nobodys_address(), good}}}});
  const EndpointAnswer none = client.ask(client.get());
  EXPECT_EQ(none.event.cause, FailureCause::kRefused);
  EXPECT_EQ(none.status, 0);
  EXPECT_EQ(none.error.where, client.pool_->address().text());
  ASSERT_TRUE(client.pool_->use_next_address());
  EXPECT_EQ(client.ask(client.get()).status, 200);
  EXPECT_FALSE(client.pool_->use_next_address());
  EXPECT_EQ(client.pool_->address().text(), good.text()) << "where there is no next one, the last one stays";
}

}  // namespace assay::endpoint_pool_test
