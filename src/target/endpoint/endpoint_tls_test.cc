// The endpoint target over TLS: a server that it may trust, and those that it may not.
#include <gmock/gmock.h>

#include "target/endpoint/endpoint_test_client.h"
#include "target/endpoint/endpoint_test_script.h"
#include "target/endpoint/endpoint_test_server.h"
#include "target/target.h"

namespace assay::endpoint_tls_test {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_server::after_opening;
using testing_server::Client;
using testing_server::Identity;
using testing_server::kContent;
using testing_server::kDone;
using testing_server::kStreamHead;
using testing_server::open_error;
using testing_server::Peer;
using testing_server::plain;
using testing_server::request;
using testing_server::Server;
using testing_server::well_behaved;

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

// Each server is verified by the name in its own URL, and a plain one beside it stays plain.
TEST_F(EndpointTls, ServersOfOneTargetAreEachVerified) {
  const Identity identity("IP:127.0.0.1"), stranger("DNS:other.example");
  const Server unencrypted(well_behaved()), good(well_behaved(), &identity), bad(well_behaved(), &stranger);
  const std::string trusted = ca_file(identity);
  Client client({.servers = {{.url = unencrypted.url()}, {.url = good.url()}}, .ca_file = trusted});
  const Result<TargetInfo> info = client.open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_THAT(info->subject.details["tls"].as_string(), HasSubstr("TLSv1.3"));
  for (RequestId id = 1; id <= 4; ++id) {
    Request one = request(id);
    one.server = static_cast<uint32_t>(id % 2);
    EXPECT_THAT(client.run(one), ElementsAre("sent", "content", "content", "content", "done 9 3"));
  }
  EXPECT_THAT(open_error({.servers = {{.url = good.url()}, {.url = bad.url()}}, .ca_file = trusted}),
              HasSubstr(bad.url()));
}

// What came in one segment came in many records: each chunk is counted, and nearly all shared their arrival.
TEST_F(EndpointTls, ChunksOfManyRecordsInOneReadAreCoalesced) {
  std::string answer(kStreamHead);
  for (int i = 0; i < 5000; ++i) answer += kContent;
  answer += kDone;
  const Identity identity("IP:127.0.0.1");
  const Server server(after_opening([&](Peer& peer, const std::string&) { return peer.send(answer), true; }),
                      &identity);
  Client client({.url = server.url(), .ca_file = ca_file(identity)});
  client.opened();
  client.target_->restart_measuring();
  client.run(request(1));
  const TargetEnd end = client.target_->close();
  const auto share = std::ranges::find(end.records, "coalesced_share", &Record::metric);
  ASSERT_NE(share, end.records.end());
  EXPECT_EQ(share->n, 5000);
  EXPECT_GT(*share->value, 0.9);
  EXPECT_EQ(std::ranges::count(end.records, "receive_lag_ms_max", &Record::metric), 1);
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

}  // namespace assay::endpoint_tls_test
