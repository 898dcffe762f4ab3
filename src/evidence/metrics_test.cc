// The metric table: every name is understood, slips get a suggestion, and the reference lists them all.
#include "evidence/metrics.h"

#include <gtest/gtest.h>

#include <set>

namespace assay::metrics_test {

TEST(Metrics, HaveNamesOfTheirOwnAndADefinition) {
  std::set<std::string> names;
  for (const Metric& metric : metrics()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_NE(std::string(metric.definition), "") << metric.name;
    EXPECT_NE(std::string(metric.source), "") << metric.name;
  }
}

TEST(Metrics, ADistributionNeedsAStatisticAndAPlainMetricHasNone) {
  for (const Metric& metric : metrics()) {
    const std::string name = metric.name;
    EXPECT_EQ(parse_metric_name(name).has_value(), !metric.is_distribution) << name;
    EXPECT_EQ(parse_metric_name(name + "_p99_9").has_value(), metric.is_distribution) << name;
  }
  const Result<MetricName> name = parse_metric_name("ttft_ms_p99_9");
  ASSERT_TRUE(name);
  EXPECT_STREQ(name->metric->name, "ttft_ms");
  EXPECT_EQ(name->statistic, "p99_9");
}

TEST(Metrics, ASlipOfTheFingersGetsASuggestion) {
  const Result<MetricName> slip = parse_metric_name("ttft_ms_p09");
  ASSERT_FALSE(slip);
  EXPECT_NE(slip.error().what.find("Did you mean 'ttft_ms_p"), std::string::npos) << slip.error().what;
  const Result<MetricName> cut = parse_metric_name("ttft_p90");
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().what.find("'ttft_ms_p90'"), std::string::npos) << cut.error().what;
  const Result<MetricName> bare = parse_metric_name("ttft_ms");
  ASSERT_FALSE(bare);
  EXPECT_NE(bare.error().what.find("ttft_ms_p90"), std::string::npos);
}

TEST(Metrics, TheReferenceHasARowForEach) {
  const std::string reference = metric_reference_markdown();
  for (const Metric& metric : metrics()) {
    EXPECT_NE(reference.find("| `" + std::string(metric.name) + "`"), std::string::npos) << metric.name;
    EXPECT_NE(reference.find(metric.definition), std::string::npos) << metric.name;
    EXPECT_EQ(std::string(metric.definition).find('|'), std::string::npos) << "breaks the table";
  }
}

}  // namespace assay::metrics_test
