// Questions for metrics, to servers that tell them and to those that do not.
#include "target/endpoint/metrics_scraper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <algorithm>
#include <atomic>

#include "target/endpoint/endpoint_test_script.h"

namespace assay::metrics_scraper_test {

using testing_server::Identity;
using testing_server::Peer;
using testing_server::plain;
using testing_server::replying;
using testing_server::Server;

std::string metrics_url(const Server& server) {
  return usual_metrics_url(server.url());
}

MetricsScraper scraper_of(MetricsScraperOptions options) {
  static SystemClock clock;
  Result<MetricsScraper> scraper = MetricsScraper::create(std::move(options), clock);
  CHECK(scraper.has_value());
  return std::move(*scraper);
}

TEST(MetricsScraper, LooksBesideTheVersionOfTheBaseUrl) {
  EXPECT_EQ(usual_metrics_url("http://127.0.0.1:8000/v1"), "http://127.0.0.1:8000/metrics");
  EXPECT_EQ(usual_metrics_url("https://host/models/a/v1"), "https://host/models/a/metrics");
  EXPECT_EQ(usual_metrics_url("http://host"), "http://host/metrics");
}

TEST(MetricsScraper, AsksOverOneConnectionWithItsKey) {
  std::vector<std::string> requests;
  Server server(replying([&](Peer& peer, const std::string& request) {
    requests.push_back(request);
    peer.send(plain(200, "vllm:num_requests_running " + std::to_string(requests.size()) + "\n"));
    return true;
  }));
  MetricsScraper scraper = scraper_of({.url = metrics_url(server), .api_key = "hunter2"});
  const ScrapeAnswer first = scraper.scrape({}), second = scraper.scrape({});
  ASSERT_TRUE(first.ok()) << first.error.message();
  EXPECT_EQ(first.reading[ServerQuantity::kRunning], 1);
  EXPECT_EQ(second.reading[ServerQuantity::kRunning], 2);
  EXPECT_GE(second.at, second.asked_at);
  EXPECT_GE(second.asked_at, first.at);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_TRUE(requests[0].starts_with("GET /metrics HTTP/1.1\r\n")) << requests[0];
  EXPECT_THAT(requests[0], testing::HasSubstr("Authorization: Bearer hunter2\r\n"));
  EXPECT_THAT(requests[0], testing::HasSubstr("Accept: text/plain;version=0.0.4\r\n"));
}

TEST(MetricsScraper, OverTls) {
  const Identity identity("IP:127.0.0.1");
  char path[] = "/tmp/assay-metrics-XXXXXX";
  const FileDescriptor file(::mkstemp(path));
  ASSERT_TRUE(write_file_atomically(path, identity.pem()).has_value());
  Server server(replying([](Peer& peer, const std::string&) {
                  peer.send(plain(200, "tgi_queue_size 5\n"));
                  return true;
                }),
                &identity);
  const ScrapeAnswer trusted = scraper_of({.url = metrics_url(server), .ca_file = path}).scrape({});
  EXPECT_EQ(trusted.reading[ServerQuantity::kWaiting], 5) << trusted.error.message();
  const ScrapeAnswer untrusted = scraper_of({.url = metrics_url(server)}).scrape({});
  EXPECT_FALSE(untrusted.ok());
  EXPECT_EQ(untrusted.status, 0);
  remove_file(path);
}

TEST(MetricsScraper, WhateverTheServerDoesIsAnAnswer) {
  // The server's threads take them one by one.
  const std::string answers[] = {plain(404, "gone"), plain(200, "<html>hunter2</html>"), "nonsense\r\n\r\n",
                                 "", plain(200, "up 1\n")};
  std::atomic<size_t> next = 0;
  Server server(replying([&](Peer& peer, const std::string&) {
    const std::string& answer = answers[std::min(next++, std::size(answers) - 1)];
    peer.send(answer);
    return !answer.empty();
  }));
  MetricsScraper scraper = scraper_of({.url = metrics_url(server)});
  ScrapeAnswer told = scraper.scrape({});
  EXPECT_EQ(told.status, 404);
  EXPECT_EQ(told.error.what, "HTTP 404");
  told = scraper.scrape({});
  EXPECT_THAT(told.error.what, testing::HasSubstr("no Prometheus text"));
  told = scraper.scrape({});
  EXPECT_FALSE(told.ok());
  told = scraper.scrape({});
  EXPECT_FALSE(told.ok());
  EXPECT_EQ(told.status, 0);
  told = scraper.scrape({});
  EXPECT_TRUE(told.ok()) << told.error.message();
  EXPECT_TRUE(told.reading.empty());
}

TEST(MetricsScraper, AQuestionIsGivenUpInTimeOrWhenNobodyWantsIt) {
  Server server([](Peer& peer) { peer.wait_for_end(); });
  MetricsScraper scraper = scraper_of({.url = metrics_url(server), .timeout_s = 0.05});
  EXPECT_FALSE(scraper.scrape({}).ok());
  MetricsScraper patient = scraper_of({.url = metrics_url(server), .timeout_s = 600});
  EXPECT_FALSE(patient.scrape([] { return true; }).ok());
}

}  // namespace assay::metrics_scraper_test
