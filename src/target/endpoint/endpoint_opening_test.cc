// What open() asks a server, and what it makes of the answers.
#include "target/endpoint/endpoint_opening.h"

#include <gmock/gmock.h>

#include "target/endpoint/endpoint_test_client.h"
#include "target/endpoint/endpoint_test_script.h"
#include "target/endpoint/endpoint_test_server.h"
#include "target/target.h"

namespace assay::endpoint_opening_test {

const PromptCutter kCutter(4.2);

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
              AllOf(HasSubstr("does not list its models"), HasSubstr("Name one with endpoint_model")));
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

// How an endpoint ends that could not be opened.
EndCause cause_of_failed_opening(const std::function<void(Peer&, const std::string& request)>& answer) {
  const Server server([&](Peer& peer) {
    for (std::string text = peer.read_request(); !text.empty(); text = peer.read_request())
      answer(peer, text);
  });
  Client client({.url = server.url(), .model = "tiny"});
  EXPECT_FALSE(client.open());
  return client.target_->close().cause;
}

TEST(EndpointOpening, TellsAServerThatWasNotReachedFromOneThatCannotDoTheWork) {
  const auto models_and = [](const std::string& to_work) {
    return [to_work](Peer& peer, const std::string& text) {
      peer.send(text.starts_with("GET ") ? plain(200, kModels) : to_work);
    };
  };
  const auto everything = [](const std::string& words) {
    return [words](Peer& peer, const std::string&) { peer.send(words); };
  };
  EXPECT_EQ(cause_of_failed_opening(everything("SSH-2.0-OpenSSH_9.2\r\n")), EndCause::kNotReached);
  EXPECT_EQ(cause_of_failed_opening(everything(plain(401, "{}"))), EndCause::kNotReached);
  EXPECT_EQ(cause_of_failed_opening(everything(plain(404, "{}"))), EndCause::kNotReached);
  EXPECT_EQ(cause_of_failed_opening(models_and(plain(401, "{}"))), EndCause::kNotReached);
  EXPECT_EQ(cause_of_failed_opening(models_and(plain(404, "{}"))), EndCause::kNotReached);
  EXPECT_EQ(cause_of_failed_opening(models_and(plain(500, "{}"))), EndCause::kNone);
  EXPECT_EQ(cause_of_failed_opening(models_and("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{]}")),
            EndCause::kNone);
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
  PoolClient client(server, {.servers = {{.addresses = {nobodys_address(), good, nobodys_address()}}}});
  EndpointBodies bodies(RequestKind::kChat, kCutter);
  const Result<EndpointFacts> facts = open_endpoint(*client.pool_, *client.wire_, bodies, {}).facts;
  ASSERT_TRUE(facts) << facts.error().message();
  EXPECT_EQ(facts->model, "tiny");
  EXPECT_TRUE(facts->streams && facts->has_usage);
  EXPECT_EQ(client.pool_->address().text(), good.text());
}

TEST(EndpointOpening, TriesNoOtherAddressWhereAServerTalksNonsense) {
  const Server server(always("220 mail.example ESMTP\r\n\r\n"));
  const SocketAddress bad = PoolClient::addresses_of(PoolClient::url_from(server.url())).front();
  PoolClient client(server, {.servers = {{.addresses = {bad, nobodys_address()}}}});
  EndpointBodies bodies(RequestKind::kChat, kCutter);
  const Result<EndpointFacts> facts = open_endpoint(*client.pool_, *client.wire_, bodies, {}).facts;
  ASSERT_FALSE(facts);
  EXPECT_THAT(facts.error().message(), HasSubstr("not an HTTP response"));
}

// ---- classes with kinds of their own ----

constexpr const char* kMetadata =
    R"({"name":"net","inputs":[{"name":"x","datatype":"FP32","shape":[-1,3]}],"outputs":[]})";
constexpr const char* kInferred =
    R"({"model_name":"net","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[1]}]})";
constexpr const char* kJsonField = "Content-Type: application/json\r\n";

EndpointTargetOptions of_classes(const Server& server, std::vector<RequestOptions> classes) {
  EndpointTargetOptions options{.url = server.url()};
  options.classes = std::move(classes);
  return options;
}

TEST(EndpointOpening, AModelsMetadataSayWhatItTakes) {
  std::vector<std::string> seen;
  const Server server(replying([&](Peer& peer, const std::string& text) {
    seen.push_back(text);
    const bool is_metadata = text.starts_with("GET /v2/models/net ");
    if (is_metadata || text.starts_with("POST "))
      return peer.send(plain(200, is_metadata ? kMetadata : kInferred, kJsonField)), true;
    return peer.send(plain(404, "no models here")), true;
  }));
  const RequestOptions net{.kind = RequestKind::kKserve, .models = {"net"}, .inputs = {.a = 2}};
  Client client(of_classes(server, {net}));
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->model, "net");
  EXPECT_THAT(client.run(request(1)), ElementsAre("sent", "content", "done 0 0"));
  EXPECT_THAT(seen.back(), AllOf(HasSubstr("POST /v2/models/net/infer "), HasSubstr(R"("shape":[2,3])")));
}

TEST(EndpointOpening, SaysWhyAModelsMetadataAreOfNoUse) {
  for (const auto& [answer, words] :
       {std::pair{R"({"inputs":[]})", "name no inputs"},
        {R"({"inputs":[{"name":"x","datatype":"FP33","shape":[1]}]})", "unknown datatype 'FP33'"},
        {R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1000000,1000000]}]})", "more than"},
        {R"({"inputs":[{"name":"x","datatype":"FP32","shape":[0]}]})", "0 is no extent"},
        {"nonsense", "JSON"}}) {
    const Server server(always(plain(200, answer, kJsonField)));
    EXPECT_THAT(open_error(of_classes(server, {{.kind = RequestKind::kKserve, .models = {"net"}}})),
                HasSubstr(words))
        << answer;
  }
  const Server none(always(plain(404, R"({"error":"unknown model"})")));
  EXPECT_THAT(open_error(of_classes(none, {{.kind = RequestKind::kKserve, .models = {"net"}}})),
              AllOf(HasSubstr("unknown model"), HasSubstr("give its inputs with tensors")));
}

TEST(EndpointOpening, EachKindIsTriedOnce) {
  std::vector<std::string> paths;
  const Server server(replying([&](Peer& peer, const std::string& text) {
    paths.push_back(text.substr(0, text.find(" HTTP")));
    if (text.starts_with("GET ")) return peer.send(plain(200, kModels)), true;
    if (text.starts_with("POST /v1/embeddings"))
      return peer.send(plain(200, R"({"data":[{"embedding":[1]}]})", kJsonField)), true;
    return peer.send(good_answer()), true;
  }));
  Client client(of_classes(server, {{}, {.kind = RequestKind::kEmbeddings}, {}}));
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  // Behind them the server is asked what it is.
  ASSERT_GE(paths.size(), 3U);
  EXPECT_THAT(std::vector(paths.begin(), paths.begin() + 3),
              ElementsAre("GET /v1/models", "POST /v1/chat/completions", "POST /v1/embeddings"));
  EXPECT_TRUE(info->conditions["streams"].as_bool());
}

TEST(EndpointOpening, AKindThatTheServerLacksIsNamed) {
  const Server server(replying([&](Peer& peer, const std::string& text) {
    if (text.starts_with("GET ")) return peer.send(plain(200, kModels)), true;
    return peer.send(plain(404, R"({"detail":"Not Found"})")), true;
  }));
  EXPECT_THAT(open_error(of_classes(server, {{.kind = RequestKind::kRerank}})),
              AllOf(HasSubstr("a trial request of kind rerank failed"), HasSubstr("404")));
}

TEST(EndpointOpening, ATemplateNeedsNoModel) {
  const Server server(replying([](Peer& peer, const std::string& text) {
    if (text.starts_with("GET /v1/models")) return peer.send(plain(401, "no")), true;
    return peer.send(plain(201, "fine")), true;
  }));
  RequestOptions options{
      .kind = RequestKind::kJson, .method = "GET", .target = *RequestTemplate::parse("/x")};
  options.expect.status = 201;
  Client client(of_classes(server, {options}));
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_THAT(client.run(request(1)), ElementsAre("sent", "content", "done 0 0"));
}

// What the scenario asks for is not dropped in silence.
TEST(EndpointOpening, AParameterThatWasAskedForAndIsRefusedIsAnError) {
  const Server server(replying([](Peer& peer, const std::string& text) {
    if (text.starts_with("GET ")) return peer.send(plain(200, kModels)), true;
    if (text.find("temperature") == std::string::npos) return peer.send(good_answer()), true;
    return peer.send(plain(400, R"({"error":{"message":"unsupported: temperature"}})")), true;
  }));
  Client usual(server);
  EXPECT_TRUE(usual.open());
  RequestOptions warm;
  warm.parameters.set("temperature", 0.7);
  EXPECT_THAT(open_error(of_classes(server, {warm})), HasSubstr("unsupported: temperature"));
}

}  // namespace assay::endpoint_opening_test
