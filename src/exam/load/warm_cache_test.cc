// When a server's prefix cache throws doubt on what was measured.
#include "exam/load/warm_cache.h"

#include <gtest/gtest.h>

namespace assay::warm_cache_test {
namespace {

TrialOutcome outcome(double hits) {
  TrialOutcome trial;
  for (const auto& [metric, value] : {std::pair{"server_prefix_hit_rate", hits},
                                      {"ttft_ms_p90", 20.0},
                                      {"effective_ttft_ms_p50", 20.0},
                                      {"tpot_ms_p50", 8.0}})
    trial.records.push_back({.metric = metric, .value = value, .n = 100});
  return trial;
}

TrialTraffic traffic(uint32_t prefix_tokens = 0) {
  TrialTraffic traffic;
  traffic.classes = {{.name = "chat", .prefix_tokens = prefix_tokens}};
  return traffic;
}

TEST(WarmCache, HitsThatNoTrafficExplainsDoubtTheFirstToken) {
  TrialOutcome warm = outcome(0.95);
  doubt_warm_cache(traffic(), warm);
  ASSERT_EQ(warm.findings.size(), 1U);
  EXPECT_EQ(warm.findings[0].code, "load.warm-cache");
  EXPECT_EQ(warm.records[1].validity, Validity::kDoubtful);
  EXPECT_EQ(warm.records[2].validity, Validity::kDoubtful);
  EXPECT_EQ(warm.records[3].validity, Validity::kValid) << "a token takes as long";
}

TEST(WarmCache, FewHitsAndPlannedPrefixesDoubtNothing) {
  TrialOutcome cold = outcome(0.2);
  doubt_warm_cache(traffic(), cold);
  EXPECT_TRUE(cold.findings.empty());
  TrialOutcome planned = outcome(0.95);
  doubt_warm_cache(traffic(100), planned);
  EXPECT_TRUE(planned.findings.empty());
  EXPECT_EQ(planned.records[1].validity, Validity::kValid);
  TrialOutcome silent = outcome(0.95);
  silent.records.erase(silent.records.begin());
  doubt_warm_cache(traffic(), silent);
  EXPECT_TRUE(silent.findings.empty());
}

}  // namespace
}  // namespace assay::warm_cache_test
