// Endpoints of several servers: the pool's connections to each, the target that opens and asks all of them,
// and what they say together.
#include "target/endpoint/endpoint_servers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "target/endpoint/endpoint_test_client.h"
#include "target/endpoint/endpoint_test_script.h"
#include "target/endpoint/endpoint_ways.h"

namespace assay::endpoint_servers_test {

using namespace testing_server;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// ---- ways ----

EndpointWays two_ways() {
  return EndpointWays({{.url = {}, .addresses = std::vector<SocketAddress>(1)},
                       {.url = {}, .addresses = std::vector<SocketAddress>(2)}});
}

TEST(EndpointWays, EachServerHasItsOwnIdleConnections) {
  EndpointWays ways = two_ways();
  EXPECT_FALSE(ways.any_idle());
  ways.add_idle(0, 1);
  ways.add_idle(0, 2);
  EXPECT_TRUE(ways.any_idle());
  EXPECT_FALSE(ways.has_idle(1));
  EXPECT_EQ(ways.take_idle(0), 2U);  // the last used
  ways.forget(0, 2);                 // which is idle no more
  ways.forget(1, 1);                 // is not that server's
  EXPECT_TRUE(ways.has_idle(0));
  ways.forget(0, 1);
  EXPECT_FALSE(ways.any_idle());
}

TEST(EndpointWays, RoomIsMadeByTheLeastUsefulConnection) {
  EndpointWays ways = two_ways();
  for (const uint64_t token : {1, 2, 3}) ways.add_idle(0, token);
  EXPECT_EQ(ways.idle_to_close(1), 1U);  // of the server that has most
  ways.add_idle(1, 4);
  EXPECT_EQ(ways.idle_to_close(1), 4U);  // its own, rather than what another server may need
}

TEST(EndpointWays, AddressesAreTriedByServer) {
  EndpointWays ways = two_ways();
  EXPECT_FALSE(ways.use_next_address(0));
  EXPECT_TRUE(ways.use_next_address(1));
  EXPECT_FALSE(ways.use_next_address(1));
}

// ---- pool ----

EndpointPool::Options pool_of(const Server& first, const Server& second, uint32_t connections) {
  const auto server_at = [](const Server& server) {
    const Url url = PoolClient::url_from(server.url());
    return EndpointServer{.url = url, .addresses = PoolClient::addresses_of(url)};
  };
  return {.servers = {server_at(first), server_at(second)}, .max_connections = connections};
}

TEST(EndpointPool, RequestsGoToTheirServerOnConnectionsOfItsOwn) {
  std::atomic<int> first_asked = 0, second_asked = 0;
  const Server first(replying([&](Peer& peer, const std::string&) {
    ++first_asked;
    return peer.send(good_answer()), true;
  }));
  const Server second(replying([&](Peer& peer, const std::string&) {
    ++second_asked;
    return peer.send(good_answer()), true;
  }));
  PoolClient client(first, pool_of(first, second, 4));
  for (RequestId id = 1; id <= 9; ++id) {
    client.pool_->submit(client.post(id, 300, id % 3 == 0 ? 1 : 0));
    client.finish(id);
    EXPECT_EQ(client.of(id).back(), "done 9 3");
  }
  EXPECT_EQ(first_asked, 6);
  EXPECT_EQ(second_asked, 3);
  EXPECT_EQ(first.connections(), 1);
  EXPECT_EQ(second.connections(), 1);
}

TEST(EndpointPool, ConnectionsAreCountedOverAllServers) {
  Signal go;
  const Server first(replying([&](Peer& peer, const std::string&) {
    go.wait();
    return peer.send(good_answer()), true;
  }));
  const Server second(well_behaved());
  PoolClient client(first, pool_of(first, second, 1));
  client.pool_->submit(client.post(1, 300, 0));
  client.pool_->submit(client.post(2, 300, 1));
  client.pool_->submit(client.post(3, 300, 0));
  client.poll(client.clock_.now());
  EXPECT_THAT(client.of(2), IsEmpty());  // the only connection is busy with another server
  EXPECT_EQ(second.connections(), 0);
  go.give();
  for (const RequestId id : {1, 2, 3}) {
    client.finish(id);
    EXPECT_EQ(client.of(id).back(), "done 9 3") << id;
  }
  // For each request the idle connection to the other server was closed.
  EXPECT_EQ(first.connections(), 2);
  EXPECT_EQ(second.connections(), 1);
}

TEST(EndpointPool, AServerThatIsGoneFailsItsOwnRequestsOnly) {
  const Server first(well_behaved());
  EndpointPool::Options options = pool_of(first, first, 4);
  options.servers[1].addresses = {nobodys_address()};
  PoolClient client(first, std::move(options));
  client.pool_->submit(client.post(1, 300, 1));
  client.pool_->submit(client.post(2, 300, 0));
  client.finish(1);
  client.finish(2);
  EXPECT_EQ(client.of(1).back(), "failed refused");
  EXPECT_EQ(client.of(2).back(), "done 9 3");
}

// ---- target ----

// Notes what it is asked, and calls its model by a name of its own.
struct Replica {
  explicit Replica(const std::string& model)
      : server(replying([this, model](Peer& peer, const std::string& request) {
          asked.push_back(request);
          if (request.starts_with("GET /v1/models")) {
            peer.send(plain(200, R"({"data":[{"id":")" + model + R"(","max_model_len":)" +
                                     (model == "short" ? "1000" : "2000") + "}]}"));
          } else if (request.starts_with("GET ")) {
            peer.send(plain(404, ""));
          } else {
            peer.send(good_answer());
          }
          return true;
        })) {}
  // Requests but those of the opening.
  std::vector<std::string> work() const {
    std::vector<std::string> out;
    for (const std::string& text : asked) {
      if (text.starts_with("POST ") && !is_request(text, 0)) out.push_back(text);
    }
    return out;
  }

  std::vector<std::string> asked;  // by one connection at a time
  Server server;
};

EndpointTargetOptions options_of(const std::vector<const Replica*>& replicas) {
  EndpointTargetOptions options;
  for (const Replica* replica : replicas) options.servers.push_back({.url = replica->server.url()});
  return options;
}

TEST(EndpointServers, EachIsOpenedAndAskedWithTheKey) {
  Replica first("tiny"), second("tiny");
  EndpointTargetOptions options = options_of({&first, &second});
  options.api_key = "s3cret";
  Client client(std::move(options));
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->conditions["url"].as_string(), first.server.url() + ", " + second.server.url());
  EXPECT_EQ(info->conditions["servers"].as_integer(), 2);
  EXPECT_EQ(info->model, "tiny");
  for (RequestId id = 1; id <= 4; ++id) {
    Request one = request(id);
    one.server = static_cast<uint32_t>(id % 2);
    client.run(one);
  }
  for (const Replica* replica : {&first, &second}) {
    EXPECT_EQ(replica->work().size(), 2U);
    for (const std::string& text : replica->asked)
      EXPECT_THAT(text, HasSubstr("Authorization: Bearer s3cret\r\n"));
    EXPECT_THAT(replica->asked[0],
                HasSubstr("Host: " + PoolClient::url_from(replica->server.url()).authority()));
  }
  EXPECT_THAT(client.target_->close().findings, IsEmpty());
}

TEST(EndpointServers, SessionsKeepWhatWasSaidAtTheirServer) {
  Replica first("tiny"), second("tiny");
  Client client(options_of({&first, &second}));
  client.opened();
  Request turn = request(1);
  turn.session = 1;
  turn.server = 1;
  turn.last_turn = false;
  client.run(turn);
  turn = request(2);
  turn.session = 1;
  turn.server = 1;
  turn.turn = 1;
  client.run(turn);
  EXPECT_THAT(first.work(), IsEmpty());
  ASSERT_EQ(second.work().size(), 2U);
  EXPECT_THAT(second.work()[1], HasSubstr(R"({"role":"assistant","content":"word word word "})"));
}

TEST(EndpointServers, EachHasAModelOfItsOwnAndTheirDifferenceIsADoubt) {
  Replica first("long"), second("short");
  Client client(options_of({&first, &second}));
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->model, "long, short");
  EXPECT_EQ(info->context_tokens, 1000U);  // what every server holds
  Request one = request(1);
  one.server = 1;
  client.run(one);
  ASSERT_EQ(second.work().size(), 1U);
  EXPECT_THAT(second.work()[0], HasSubstr(R"("model":"short")"));
  const TargetEnd end = client.target_->close();
  ASSERT_EQ(end.findings.size(), 1U);
  EXPECT_EQ(end.findings[0].code, "load.servers-differ");
  EXPECT_THAT(end.findings[0].text, AllOf(HasSubstr("model long"), HasSubstr("model short")));
}

// An embeddings server beside a chat server is no replica of it, and is not asked to chat.
TEST(EndpointServers, OnlyTheClassesThatComeToAServerAreTriedOnIt) {
  Replica chat("llm");
  std::vector<std::string> asked;
  const Server vectors(replying([&](Peer& peer, const std::string& text) {
    asked.push_back(text);
    if (text.starts_with("GET /v1/models")) {
      peer.send(plain(200, R"({"data":[{"id":"bge"}]})"));
    } else if (text.starts_with("POST /v1/embeddings")) {
      peer.send(plain(200, R"({"data":[{"index":0,"embedding":[0.5,1]}],"usage":{"prompt_tokens":8}})"));
    } else {
      peer.send(plain(404, ""));
    }
    return true;
  }));
  EndpointTargetOptions options;
  options.classes = {{}, {.kind = RequestKind::kEmbeddings}};
  options.servers = {{.url = chat.server.url(), .model = "llm", .classes = {0}},
                     {.url = vectors.url(), .classes = {1}, .is_side = true}};
  Client client(std::move(options));
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  for (const std::string& text : chat.asked) EXPECT_THAT(text, Not(HasSubstr("/embeddings")));
  for (const std::string& text : asked) EXPECT_THAT(text, Not(HasSubstr("/chat/completions")));
  EXPECT_THAT(client.target_->close().findings, IsEmpty());
}

TEST(EndpointServers, TheErrorOfOneNamesItsUrl) {
  Replica good("tiny");
  const std::string gone = "http://" + nobodys_address().text() + "/v1";
  EndpointTargetOptions options = options_of({&good});
  options.servers.push_back({.url = gone});
  EXPECT_THAT(open_error(std::move(options)),
              AllOf(HasSubstr(gone), HasSubstr("Connection refused"), Not(HasSubstr(good.server.url()))));
}

// ---- what they say together ----

OpenedServer told(const std::string& url, const std::string& engine, const std::string& version) {
  OpenedServer server{.url = url, .address = "", .classes = {0}};
  server.facts.model = "m";
  server.facts.model_facts = Json::object().set("model_n", 1);
  server.identity = {.engine = engine, .version = version, .facts = Json::object().set("server_tp_size", 2)};
  return server;
}

TEST(EndpointServers, WhatAllSayAlikeIsSaidOnce) {
  const TargetInfo info = info_of_servers("t", {told("u", "vllm", "0.11.0"), told("v", "vllm", "0.11.0")});
  EXPECT_EQ(info.conditions["server_engine"].as_string(), "vllm");
  EXPECT_EQ(info.conditions["server_version"].as_string(), "0.11.0");
  EXPECT_EQ(info.subject.details["server_tp_size"].as_integer(), 2);
  EXPECT_EQ(info.subject.details["model_n"].as_integer(), 1);
  EXPECT_TRUE(info.conditions["ignore_eos"].as_bool());
  EXPECT_THAT(differences_of({told("u", "vllm", "0.11.0"), told("v", "vllm", "0.11.0")}), IsEmpty());
}

TEST(EndpointServers, WhereTheyDifferAllOfItIsKept) {
  OpenedServer other = told("v", "vllm", "0.10.0");
  other.identity.facts = Json::object().set("server_tp_size", 4);
  other.fields.ignore_eos = false;
  const std::vector<OpenedServer> servers = {told("u", "vllm", "0.11.0"), other};
  const TargetInfo info = info_of_servers("t", servers);
  EXPECT_EQ(info.conditions["server_version"].as_string(), "0.11.0, 0.10.0");
  EXPECT_EQ(info.subject.details["server_tp_size"].as_string(), "2, 4");
  EXPECT_FALSE(info.conditions["ignore_eos"].as_bool());
  const std::vector<Finding> findings = differences_of(servers);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Severity::kDoubtful);
  EXPECT_THAT(findings[0].text, HasSubstr("u (vllm 0.11.0, model m), v (vllm 0.10.0, model m)"));
}

TEST(EndpointServers, TheDeclaredStackIsThatOfTheMainServers) {
  OpenedServer side = told("v", "tei", "1.8");
  side.classes = {1};
  side.is_side = true;
  const std::vector<OpenedServer> servers = {told("u", "vllm", "0.11.0"), side};
  EXPECT_EQ(info_of_servers("t", servers).conditions["server_engine"].as_string(), "vllm");
  EXPECT_EQ(info_of_servers("t", {side}).conditions["server_engine"].as_string(), "tei");
  EXPECT_THAT(differences_of(servers), IsEmpty());
}

}  // namespace assay::endpoint_servers_test
