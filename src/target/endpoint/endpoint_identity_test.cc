// What engines say of themselves, and that none of it is needed.
#include "target/endpoint/endpoint_identity.h"

#include <gmock/gmock.h>

#include <mutex>

#include "target/endpoint/endpoint_test_client.h"
#include "target/endpoint/endpoint_test_script.h"
#include "target/endpoint/endpoint_test_server.h"
#include "target/endpoint/server_root.h"

namespace assay::endpoint_identity_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing_server::Client;
using testing_server::good_answer;
using testing_server::Peer;
using testing_server::plain;
using testing_server::replying;
using testing_server::Server;

ServerIdentity identity_of(std::string_view path, std::string_view body) {
  ServerIdentity identity;
  take_identity(path, body, identity);
  return identity;
}

TEST(EndpointIdentity, TakesWhatEachEngineTells) {
  EXPECT_EQ(identity_of("/version", R"({"version":"0.11.0"})").version, "0.11.0");
  EXPECT_EQ(identity_of("/version", R"({"version":"0.11.0"})").engine, "") << "many a server has this path";
  const ServerIdentity llama = identity_of(
      "/props", R"({"default_generation_settings":{"n_ctx":4096},"total_slots":4,"build_info":"b4567-ab",)"
                R"("model_path":"/m/x.gguf","chat_template":"…"})");
  EXPECT_EQ(llama.engine, "llama.cpp");
  EXPECT_EQ(llama.version, "b4567-ab");
  EXPECT_EQ(llama.facts.dump(),
            R"({"server_model_path": "/m/x.gguf", "server_slots": 4, "server_slot_context_tokens": 4096})");
  const ServerIdentity sglang = identity_of(
      "/get_server_info",
      R"({"version":"0.5.3","tp_size":2,"kv_cache_dtype":"auto","api_key":"hunter2","quantization":null})");
  EXPECT_EQ(sglang.engine, "sglang");
  EXPECT_EQ(sglang.facts.dump(), R"({"server_tp_size": 2, "server_kv_type": "auto"})");
  EXPECT_EQ(identity_of("/server_info", R"({"version":"0.6","tp_size":1})").version, "0.6");
  EXPECT_EQ(identity_of("/info", R"({"model_id":"m","version":"3.3","max_total_tokens":8192})").engine,
            "tgi");
}

TEST(EndpointIdentity, NonsenseSaysNothing) {
  for (const std::string_view body :
       {"", "[]", "null", "{", "<html>", R"({"version":3})", R"({"version":{"a":1}})"}) {
    for (const char* path : {"/version", "/props", "/get_server_info", "/info", "/other"}) {
      const ServerIdentity identity = identity_of(path, body);
      EXPECT_EQ(identity.engine + identity.version, "") << path << body;
      EXPECT_TRUE(identity.facts.members().empty());
    }
  }
  EXPECT_EQ(identity_of("/version", R"({"version":"\u001b[31m1"})").version.find('\x1b'), std::string::npos);
  EXPECT_LE(identity_of("/version", R"({"version":")" + std::string(10'000, 'x') + "\"}").version.size(),
            210U);
}

TEST(EndpointIdentity, TheFirstWordStands) {
  ServerIdentity identity = identity_of("/version", R"({"version":"1"})");
  take_identity("/info", R"({"model_id":"m","version":"2"})", identity);
  EXPECT_EQ(identity.version, "1");
}

TEST(EndpointIdentity, LiesBesideTheBaseUrl) {
  const auto root = [](const char* url) { return server_root(*parse_url(url)).text(); };
  EXPECT_EQ(root("http://h:1/v1"), "http://h:1");
  EXPECT_EQ(root("http://h:1/llm/v2"), "http://h:1/llm");
  EXPECT_EQ(root("http://h:1/llm"), "http://h:1/llm");
  EXPECT_EQ(root("http://h:1"), "http://h:1");
  EXPECT_EQ(root("http://h:1/version"), "http://h:1/version");
}

// Answers GETs of `paths` with their documents and says which paths were asked for.
class Asked {
 public:
  explicit Asked(std::vector<std::pair<std::string, std::string>> documents)
      : server_(replying([this, documents](Peer& peer, const std::string& text) {
          const std::string path = text.substr(text.find(' ') + 1, text.find(" HTTP/") - text.find(' ') - 1);
          if (text.starts_with("POST ")) return peer.send(good_answer()), true;
          {
            const std::lock_guard lock(mutex_);
            paths_.push_back(path);
          }
          for (const auto& [known, document] : documents) {
            if (path == known) return peer.send(plain(200, document)), true;
          }
          peer.send(plain(404, R"({"detail":"Not Found"})"));
          return true;
        })) {}

  Result<TargetInfo> open() { return Client(server_).open(); }
  std::vector<std::string> paths() {
    const std::lock_guard lock(mutex_);
    return paths_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> paths_;
  Server server_;
};

std::string models_of(const std::string& owner) {
  return R"({"data":[{"id":"tiny","owned_by":")" + owner + R"(","max_model_len":2048}]})";
}

TEST(EndpointIdentity, AKnownEngineIsAskedAtItsOwnPaths) {
  Asked server({{"/v1/models", models_of("vllm")}, {"/version", R"({"version":"0.11.0"})"}});
  const Result<TargetInfo> info = server.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->conditions["server_engine"].as_string(), "vllm");
  EXPECT_EQ(info->conditions["server_version"].as_string(), "0.11.0");
  EXPECT_EQ(info->subject.details["server_version"].as_string(), "0.11.0");
  EXPECT_THAT(server.paths(), ElementsAre("/v1/models", "/version"));
}

TEST(EndpointIdentity, AnUnknownOneIsAskedAtAllUntilItIsKnown) {
  Asked server({{"/v1/models", models_of("somebody")}, {"/server_info", R"({"version":"0.5","tp_size":8})"}});
  const Result<TargetInfo> info = server.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->conditions["server_engine"].as_string(), "sglang");
  EXPECT_EQ(info->subject.details["server_tp_size"].as_integer(), 8);
  EXPECT_THAT(server.paths(), ElementsAre("/v1/models", "/version", "/props", "/get_server_info",
                                          "/server_info", "/get_model_info", "/model_info"));
}

TEST(EndpointIdentity, AServerThatSaysNothingIsAsGood) {
  Asked server({{"/v1/models", models_of("somebody")}});
  const Result<TargetInfo> info = server.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->conditions.find("server_version"), nullptr);
  EXPECT_THAT(info->subject.details["server_engine"].as_string(), IsEmpty());
}

TEST(EndpointIdentity, AfterABrokenAnswerNothingMoreIsAsked) {
  std::atomic<int> asked = 0;
  const Server server(replying([&](Peer& peer, const std::string& text) {
    if (text.starts_with("POST ")) return peer.send(good_answer()), true;
    if (text.starts_with("GET /v1/models")) return peer.send(plain(200, models_of("x"))), true;
    ++asked;
    peer.send("nonsense\r\n\r\n");
    return false;
  }));
  const Result<TargetInfo> info = Client(server).open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(asked, 1);
}

}  // namespace assay::endpoint_identity_test
