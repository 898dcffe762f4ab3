// The sampler against servers that answer, and do not.
#include "exam/load/side_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "target/endpoint/endpoint_test_script.h"

namespace assay::side_sampler_test {

using testing_server::Peer;
using testing_server::plain;
using testing_server::replying;
using testing_server::Server;
using testing_server::Signal;

SideOptions options_for(const Server& server) {
  return {.interval_s = 0.001,
          .base_urls = {server.url()},
          .metrics = {{.url = usual_metrics_url(server.url())}},
          .reads_power = false,
          .power = {.sysfs_root = "/nonexistent"}};
}

TEST(SideSampler, SamplesUntilItIsStopped) {
  Signal enough;
  int asked = 0;
  Server server(replying([&](Peer& peer, const std::string&) {
    peer.send(plain(200, "vllm:num_requests_running " + std::to_string(asked) + "\n"));
    if (++asked == 4) enough.give();
    return true;
  }));
  std::vector<Finding> findings;
  const auto sampler = SideSampler::open(options_for(server), {}, findings);
  ASSERT_NE(sampler, nullptr);
  EXPECT_TRUE(findings.empty());
  const SystemClock clock;
  const Nanos before = clock.now();
  sampler->start();
  enough.wait();
  const SideSeries series = sampler->stop();
  const Nanos after = clock.now();
  ASSERT_GE(series.server.size(), 2U);
  EXPECT_EQ(series.unanswered, 0);
  EXPECT_GT(series.cpu_time, Nanos());
  EXPECT_EQ(server.connections(), 2);  // to try it, and to sample
  Nanos last = before;
  for (const ServerPoint& point : series.server) {
    EXPECT_GE(point.at, last);
    last = point.at;
  }
  EXPECT_LE(last, after);
  EXPECT_EQ(series.server[1].reading[ServerQuantity::kRunning], 2);
}

// Answers with so many running requests, and gives `enough` at the fourth question.
Server::Script running(int count, Signal* enough = nullptr) {
  return replying([count, enough, asked = 0](Peer& peer, const std::string&) mutable {
    peer.send(plain(200, "vllm:num_requests_running " + std::to_string(count) + "\n"));
    if (++asked == 4 && enough != nullptr) enough->give();
    return true;
  });
}

TEST(SideSampler, SeveralServersAreOneSeries) {
  Signal enough;
  Server first(running(3)), second(running(4, &enough));
  std::vector<Finding> findings;
  SideOptions options = options_for(first);
  options.base_urls.push_back(second.url());
  options.metrics.push_back({.url = usual_metrics_url(second.url())});
  const auto sampler = SideSampler::open(options, {}, findings);
  ASSERT_NE(sampler, nullptr);
  sampler->start();
  enough.wait();
  const SideSeries series = sampler->stop();
  ASSERT_GE(series.server.size(), 2U);
  for (const ServerPoint& point : series.server) EXPECT_EQ(point.reading[ServerQuantity::kRunning], 7);
}

TEST(SideSampler, ARoundThatLacksAServerIsNone) {
  Signal enough;
  int asked = 0;
  Server first(running(3));
  Server second(replying([&](Peer& peer, const std::string&) {
    peer.send(asked++ == 0 ? plain(200, "vllm:num_requests_running 4\n") : plain(503, "busy"));
    if (asked == 4) enough.give();
    return true;
  }));
  std::vector<Finding> findings;
  SideOptions options = options_for(first);
  options.metrics.push_back({.url = usual_metrics_url(second.url())});
  const auto sampler = SideSampler::open(options, {}, findings);
  ASSERT_NE(sampler, nullptr);
  sampler->start();
  enough.wait();
  const SideSeries series = sampler->stop();
  EXPECT_TRUE(series.server.empty());
  EXPECT_GE(series.unanswered, 2);
}

TEST(SideSampler, AServerWithoutMetricsIsLeftOutOfTheOthers) {
  Signal enough;
  Server first(running(3, &enough));
  Server second(replying([](Peer& peer, const std::string&) { return peer.send(plain(404, "")), true; }));
  std::vector<Finding> findings;
  SideOptions options = options_for(first);
  options.metrics.push_back({.url = usual_metrics_url(second.url())});
  const auto sampler = SideSampler::open(options, {}, findings);
  ASSERT_NE(sampler, nullptr);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings[0].text, testing::HasSubstr(usual_metrics_url(second.url())));
  sampler->start();
  enough.wait();
  const SideSeries series = sampler->stop();
  ASSERT_FALSE(series.server.empty());
  EXPECT_EQ(series.server[0].reading[ServerQuantity::kRunning], 3);
}

TEST(SideSampler, AServerWithoutMetricsIsANoteAndNoError) {
  Server server(replying([](Peer& peer, const std::string&) {
    peer.send(plain(404, "no"));
    return true;
  }));
  std::vector<Finding> findings;
  EXPECT_EQ(SideSampler::open(options_for(server), {}, findings), nullptr);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].code, "metrics.none");
  EXPECT_EQ(findings[0].severity, Severity::kNote);
  EXPECT_THAT(findings[0].text, testing::HasSubstr("HTTP 404"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(SideSampler, MetricsOfAnUnknownKindAreANote) {
  Server server(replying([](Peer& peer, const std::string&) {
    peer.send(plain(200, "up 1\n"));
    return true;
  }));
  std::vector<Finding> findings;
  EXPECT_EQ(SideSampler::open(options_for(server), {}, findings), nullptr);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings[0].text, testing::HasSubstr("none of the names"));
}

TEST(SideSampler, AServerThatFallsSilentEndsNothing) {
  Signal silent;
  int asked = 0;
  Server server(replying([&](Peer& peer, const std::string&) {
    if (asked++ == 0) return peer.send(plain(200, "tgi_queue_size 1\n")), true;
    silent.give();
    peer.wait_for_end();
    return false;
  }));
  std::vector<Finding> findings;
  SideOptions options = options_for(server);
  options.metrics[0].timeout_s = 600;
  const auto sampler = SideSampler::open(options, {}, findings);
  ASSERT_NE(sampler, nullptr);
  sampler->start();
  silent.wait();
  const SideSeries series = sampler->stop();  // does not wait for the answer
  EXPECT_TRUE(series.server.empty());
  EXPECT_EQ(series.unanswered, 0);
}

TEST(SideSampler, NothingIsSampledThatNobodyWants) {
  Server server([](Peer& peer) { peer.wait_for_end(); });
  SideOptions options = options_for(server);
  options.interval_s = 0;
  std::vector<Finding> findings;
  EXPECT_EQ(SideSampler::open(options, {}, findings), nullptr);
  EXPECT_EQ(server.connections(), 0);
}

class PowerTree : public testing::Test {
 protected:
  PowerTree() {
    char name[] = "/tmp/assay-side-XXXXXX";
    root_ = ::mkdtemp(name);
    const std::string zone = root_ + "/class/powercap/intel-rapl:0";
    EXPECT_TRUE(make_directories(zone).has_value());
    EXPECT_TRUE(write_file_atomically(zone + "/name", "package-0\n").has_value());
    EXPECT_TRUE(write_file_atomically(zone + "/max_energy_range_uj", "1000\n").has_value());
    energy_file_ = zone + "/energy_uj";
    EXPECT_TRUE(write_file_atomically(energy_file_, "7\n").has_value());
  }
  ~PowerTree() override { std::filesystem::remove_all(root_); }

  std::string root_, energy_file_;
};

TEST_F(PowerTree, SensorsAreReadAtBothEnds) {
  std::vector<Finding> findings;
  const auto sampler = SideSampler::open(
      {.interval_s = 60, .reads_power = true, .power = {.sysfs_root = root_}}, {}, findings);
  ASSERT_NE(sampler, nullptr);
  sampler->start();
  const SideSeries series = sampler->stop();
  EXPECT_EQ(series.sensors.size(), 1U);
  ASSERT_EQ(series.power.size(), 2U);
  EXPECT_LE(series.power[0].at, series.power[1].at);
  EXPECT_EQ(series.power[1].energy_j, std::vector<double>{0});
}

TEST_F(PowerTree, SensorsOfThisMachineSayNothingOfAnother) {
  std::vector<Finding> findings;
  // TEST-NET-1 (RFC 5737) is nobody's.
  EXPECT_EQ(SideSampler::open({.interval_s = 1,
                               .base_urls = {"http://127.0.0.1:8000/v1", "http://192.0.2.1:8000/v1"},
                               .reads_power = true,
                               .power = {.sysfs_root = root_}},
                              {}, findings),
            nullptr);
  EXPECT_TRUE(findings.empty());
}

TEST_F(PowerTree, WhatMayNotBeReadIsANoteWithTheFile) {
  std::filesystem::remove(energy_file_);
  std::filesystem::create_directory(energy_file_);
  std::vector<Finding> findings;
  EXPECT_EQ(
      SideSampler::open({.interval_s = 1, .reads_power = true, .power = {.sysfs_root = root_}}, {}, findings),
      nullptr);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].code, "power.unreadable");
  EXPECT_THAT(findings[0].text, testing::HasSubstr(energy_file_));
  EXPECT_THAT(findings[0].text, testing::HasSubstr("chmod"));
}

}  // namespace assay::side_sampler_test
