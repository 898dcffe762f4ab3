// What open() asks a server, and what it makes of the answers.
#include "target/endpoint_opening.h"

#include <gmock/gmock.h>

#include "target/endpoint_test_client.h"
#include "target/endpoint_test_script.h"
#include "target/endpoint_test_server.h"
#include "target/target.h"

namespace assay {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_server::always;
using testing_server::Client;
using testing_server::good_answer;
using testing_server::kModels;
using testing_server::nobodys_address;
using testing_server::open_error;
using testing_server::Peer;
using testing_server::plain;
using testing_server::PoolClient;
using testing_server::replying;
using testing_server::request;
using testing_server::Server;
using testing_server::well_behaved;

TEST(EndpointOpening, DropsFieldsThatTheServerRefuses) {
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

TEST(EndpointOpening, NeedsNoListOfModelsWhereOneIsNamed) {
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

TEST(EndpointOpening, SuggestsAModelThatThereIs) {
  const Server server([](Peer& peer) {
    for (std::string text = peer.read_request(); !text.empty(); text = peer.read_request()) {
      peer.send(text.starts_with("GET ") ? plain(200, kModels)
                                         : plain(404, R"({"error":{"message":"no such model"}})"));
    }
  });
  EXPECT_THAT(open_error({.url = server.url(), .model = "tinny"}),
              AllOf(HasSubstr("no such model"), HasSubstr("Did you mean 'tiny'?")));
}

TEST(EndpointOpening, SaysThatAKeyIsWantedAndNeverRepeatsIt) {
  const Server server([](Peer& peer) {
    while (!peer.read_request().empty()) peer.send(plain(401, R"({"error":{"message":"bad key"}})"));
  });
  EXPECT_THAT(open_error({.url = server.url()}), HasSubstr("Give a key"));
  EXPECT_THAT(open_error({.url = server.url(), .api_key = "hunter2"}),
              AllOf(HasSubstr("Check the key"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(open_error({.url = server.url(), .api_key = "hunter2\n"}),
              AllOf(HasSubstr("control characters"), Not(HasSubstr("hunter2"))));
}

TEST(EndpointOpening, SaysThatNobodyIsThere) {
  std::string url;
  {
    const Result<Listener> listener = listen_on_loopback();
    ASSERT_TRUE(listener);
    url = "http://" + listener->address.text() + "/v1";
  }
  EXPECT_THAT(open_error({.url = url}), AllOf(HasSubstr("Connection refused"), HasSubstr(url),
                                              HasSubstr("Check that the server is up")));
}

TEST(EndpointOpening, SaysThatTheServerHangs) {
  const Server server([](Peer& peer) { peer.wait_for_end(); });
  EXPECT_THAT(open_error({.url = server.url(), .timeout_s = 0.02}), HasSubstr("no answer within 20.0 ms"));
}

TEST(EndpointOpening, TakesOneDocumentForAStream) {
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

TEST(EndpointOpening, TakesTheContextFromWhereverItIsTold) {
  for (const std::string entry : {R"("max_model_len":4096)", R"("context_length":4096)",
                                  R"("meta":{"n_ctx":4096})", R"("max_model_len":4096,"context_length":1)"}) {
    const Server server(replying([&](Peer& peer, const std::string& text) {
      peer.send(text.starts_with("GET ") ? plain(200, R"({"data":[{"id":"tiny",)" + entry + "}]}")
                                         : good_answer());
      return true;
    }));
    const Result<TargetInfo> info = Client(server).open();
    ASSERT_TRUE(info) << info.error().message();
    EXPECT_EQ(info->context_tokens, 4096U) << entry;
  }
}

TEST(EndpointOpening, StaysWithTheFirstAddressThatAnswers) {
  const Server server(well_behaved());
  const SocketAddress good = PoolClient::addresses_of(PoolClient::url_from(server.url())).front();
  PoolClient client(server, {.addresses = {nobodys_address(), good, nobodys_address()}});
  EndpointBodies bodies(EndpointApi::kChat, 4.2);
  const Result<EndpointFacts> facts = open_endpoint(*client.pool_, *client.wire_, bodies, {});
  ASSERT_TRUE(facts) << facts.error().message();
  EXPECT_EQ(facts->model, "tiny");
  EXPECT_TRUE(facts->streams && facts->has_usage);
  EXPECT_EQ(client.pool_->address().text(), good.text());
}

TEST(EndpointOpening, TriesNoOtherAddressWhereAServerTalksNonsense) {
  const Server server(always("220 mail.example ESMTP\r\n\r\n"));
  const SocketAddress bad = PoolClient::addresses_of(PoolClient::url_from(server.url())).front();
  PoolClient client(server, {.addresses = {bad, nobodys_address()}});
  EndpointBodies bodies(EndpointApi::kChat, 4.2);
  const Result<EndpointFacts> facts = open_endpoint(*client.pool_, *client.wire_, bodies, {});
  ASSERT_FALSE(facts);
  EXPECT_THAT(facts.error().message(), HasSubstr("not an HTTP response"));
}

}  // namespace
}  // namespace assay
