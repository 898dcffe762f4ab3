// Servers beside each other, in trials that are made up so that what each did is known.
#include "load/server_doubts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "load/summary.h"

namespace assay::server_doubts_test {

using testing::AllOf;
using testing::HasSubstr;

// One request after the other, to each server in turn: TTFTs around `ttft_ms` of its server, and the first
// `failed` of each server's requests fail.
struct Made {
  std::vector<double> ttft_ms;
  std::vector<int> failed;
  int requests = 200;
  double drift = 0;   // of the latency from one request to the next, as a share of it
  int slow_from = 0;  // 0: never; from this request on the second server takes five times as long
};

LoadResult result_of(const Made& made) {
  LoadResult result;
  result.planned = static_cast<size_t>(made.requests);
  const auto servers = static_cast<int>(made.ttft_ms.size());
  for (int i = 0; i < made.requests; ++i) {
    RequestRow row{.id = static_cast<RequestId>(i + 1), .output_tokens = 1};
    row.server = static_cast<uint32_t>(i % servers);
    double ttft_ms = made.ttft_ms[row.server];
    ttft_ms *= made.drift > 0 ? 1 + made.drift * i : 1 + 0.01 * (i * 7 % 11);
    if (made.slow_from > 0 && i >= made.slow_from && row.server == 1) ttft_ms *= 5;
    row.scheduled = nanos_from_ms(1 + 10.0 * i);
    row.dispatched = row.sent = row.scheduled;
    row.end = row.scheduled + nanos_from_ms(ttft_ms);
    if (i / servers < made.failed[row.server]) {
      row.failure = FailureCause::kServerError;
    } else {
      row.first = row.last = row.end;
    }
    result.duration = std::max(result.duration, row.end);
    result.last_arrival = row.scheduled;
    result.rows.push_back(row);
  }
  return result;
}

SummaryOptions options_for(size_t servers) {
  SummaryOptions options;
  options.classes = {{.name = "chat"}};
  options.wanted_per_class = 100'000;  // the window is the whole trial
  options.routes = {{}};
  for (uint32_t i = 0; i < servers; ++i) {
    options.servers.push_back("http://s" + std::to_string(i) + "/v1");
    options.routes[0].push_back(i);
  }
  return options;
}

std::vector<Finding> findings_of(const Made& made) {
  const LoadResult result = result_of(made);
  const SummaryOptions options = options_for(made.ttft_ms.size());
  return server_findings(TrialView(result, options));
}

TEST(ServerDoubts, AlikeServersAreANoteOnly) {
  const std::vector<Finding> findings = findings_of({.ttft_ms = {20, 21}, .failed = {1, 0}});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].code, "load.servers");
  EXPECT_EQ(findings[0].severity, Severity::kNote);
  EXPECT_THAT(findings[0].text, AllOf(HasSubstr("http://s0/v1: 100 requests, 1 failed, median TTFT 2"),
                                      HasSubstr("; http://s1/v1: 100 requests, 0 failed")));
  EXPECT_EQ(findings[0].evidence["server_0_requests"].as_integer(), 100);
  EXPECT_EQ(findings[0].evidence["server_0_failed"].as_integer(), 1);
  EXPECT_NEAR(findings[0].evidence["server_1_ttft_ms_p50"].as_number(), 22, 1);
}

TEST(ServerDoubts, AServerThatIsTwiceAsSlowIsADoubt) {
  const std::vector<Finding> findings = findings_of({.ttft_ms = {20, 50, 21}, .failed = {0, 0, 0}});
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[1].code, "load.uneven-servers");
  EXPECT_EQ(findings[1].severity, Severity::kDoubtful);
  EXPECT_THAT(findings[1].text, AllOf(HasSubstr("http://s1/v1 has a median TTFT 5"),
                                      HasSubstr("(of 67 requests), http://s0/v1 one of 2")));
  EXPECT_EQ(findings_of({.ttft_ms = {20, 35, 21}, .failed = {0, 0, 0}}).size(), 1U);
}

// Each latency a hair above the one before: for the median's own interval that is one long wave, a few
// samples' worth.
TEST(ServerDoubts, LatenciesThatDriftByMicrosecondsHideNothing) {
  EXPECT_EQ(findings_of({.ttft_ms = {100, 600}, .failed = {0, 0}, .requests = 60, .drift = 1e-6}).size(), 2U);
}
// One that is slow in one stretch might have been unlucky: 80 of its 100 requests in a row are worth few.
TEST(ServerDoubts, AStretchOfSlownessIsNoSlowServer) {
  EXPECT_EQ(findings_of({.ttft_ms = {20, 21}, .failed = {0, 0}, .slow_from = 40}).size(), 1U);
}

TEST(ServerDoubts, TooFewRequestsProveNothing) {
  EXPECT_EQ(findings_of({.ttft_ms = {20, 90}, .failed = {0, 0}, .requests = 16}).size(), 1U);
  EXPECT_EQ(findings_of({.ttft_ms = {20, 20}, .failed = {0, 1}, .requests = 16}).size(), 1U);
}

TEST(ServerDoubts, AServerThatFailsMoreThanTheOthersIsADoubt) {
  const std::vector<Finding> findings = findings_of({.ttft_ms = {20, 21}, .failed = {0, 10}});
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[1].code, "load.uneven-servers");
  EXPECT_THAT(findings[1].text,
              HasSubstr("http://s1/v1 failed 10 of 100 requests, the other servers that share "
                        "them 0 of 100"));
  EXPECT_EQ(findings[1].evidence["other_requests"].as_integer(), 100);
  // Below 5 %; by chance; at the others, too.
  EXPECT_EQ(findings_of({.ttft_ms = {20, 21}, .failed = {0, 4}}).size(), 1U);
  EXPECT_EQ(findings_of({.ttft_ms = {20, 21}, .failed = {4, 6}}).size(), 1U);
  EXPECT_EQ(findings_of({.ttft_ms = {20, 21}, .failed = {20, 50}}).size(), 1U);
}

TEST(ServerDoubts, ServersOfOtherClassesAreNoReplicas) {
  const LoadResult result = [] {
    LoadResult made = result_of({.ttft_ms = {20, 200}, .failed = {0, 0}});
    for (RequestRow& row : made.rows) row.class_index = row.server;
    return made;
  }();
  SummaryOptions options = options_for(2);
  options.classes.push_back({.name = "vectors", .request = {.kind = RequestKind::kEmbeddings}});
  options.routes = {{0}, {1}};
  const std::vector<Finding> findings = server_findings(TrialView(result, options));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings[0].text, HasSubstr("http://s1/v1: 100 requests, 0 failed, median E2E 2"));
}

TEST(ServerDoubts, OneServerIsNotCompared) {
  EXPECT_TRUE(findings_of({.ttft_ms = {20}, .failed = {50}}).empty());
}

TEST(ServerDoubts, TheSamplesTellTheServer) {
  const LoadResult result = result_of({.ttft_ms = {20, 21}, .failed = {0, 0}, .requests = 30});
  const LoadSummary summary = summarise_load(result, options_for(2));
  const std::vector<int64_t>* server = summary.samples[0].columns.integers("server");
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(std::ranges::count(*server, 1), 15);
  const LoadSummary of_one = summarise_load(result, options_for(1));
  EXPECT_EQ(of_one.samples[0].columns.integers("server"), nullptr);
}

}  // namespace assay::server_doubts_test
