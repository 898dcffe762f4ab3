// How values read: digits, units, intervals, and what is not known.
#include "report/values.h"

#include <gtest/gtest.h>

namespace assay::values_test {

TEST(Values, ShowThreeDigitsUnlessTheIntervalSupportsMore) {
  EXPECT_EQ(value_text(12.3456, std::nullopt, std::nullopt).value, "12.3");
  EXPECT_EQ(value_text(12.3456, 11.0, 13.7).value, "12.3");
  EXPECT_EQ(value_text(1234.56, 1234.1, 1235.0).value, "1234.6");
  EXPECT_EQ(value_text(1234.56, 1234.1, 1235.0).interval, "1234.1–1235.0");
}

TEST(Values, SharesReadInPercentAndBytesInGibibytes) {
  Record record{.metric = "slo_attainment", .value = 0.931, .ci_low = 0.902, .ci_high = 0.95, .n = 384};
  EXPECT_EQ(phrase(record), "93.1 % (90.2–95.0), n = 384");
  record = {.metric = "model_memory_bytes", .value = 1 << 30, .unit = "bytes"};
  EXPECT_EQ(phrase(record), "1.00 GiB");
}

TEST(Values, WhatIsNotThereIsNamedNeverZero) {
  EXPECT_EQ(phrase({.metric = "ttft_ms_p99", .unit = "ms", .n = 12, .validity = Validity::kInsufficient}),
            "insufficient, n = 12");
  EXPECT_EQ(phrase({.metric = "ttft_ms_p99", .unit = "ms"}), "— unknown");
}

TEST(Values, WhatFailuresMakeInfiniteIsSaidToBe) {
  Record record{.metric = "effective_ttft_ms_p90", .value = 12.3, .unit = "ms", .ci_low = 10.2, .n = 400};
  EXPECT_EQ(phrase(record), "12.3 ms, n = 400");  // the samples do not bound it, which is another thing
  record.conditions.set(kHighInfinite, true);
  EXPECT_EQ(phrase(record), "12.3 ms (10.2–∞), n = 400");
  record.value.reset();
  record.conditions.set(kInfinite, true);
  EXPECT_EQ(phrase(record), "∞ ms (10.2–∞), n = 400");
  record.ci_low.reset();
  record.conditions.set(kLowInfinite, true);
  EXPECT_EQ(phrase(record), "∞ ms, n = 400");
}

TEST(Values, ClassAndValidityAreSaidUnlessMeasuredAndValid) {
  EXPECT_EQ(phrase({.evidence_class = EvidenceClass::kClaimed,
                    .metric = "matmul_tflop_per_s",
                    .value = 192.0,
                    .unit = "TFLOP/s",
                    .validity = Validity::kDoubtful}),
            "192 TFLOP/s, claimed, doubtful");
}

TEST(Values, MetricsAreCalledByTheirTitle) {
  EXPECT_EQ(metric_title("ttft_ms_p99_9"), "time to first token, p99.9");
  EXPECT_EQ(metric_title("of nobody"), "of nobody");
}

TEST(Values, BrokenUtf8AndControlCharactersAreReplaced) {
  EXPECT_EQ(clean_utf8("plain · ✓\n"), "plain · ✓\n");
  EXPECT_EQ(clean_utf8("a\x1b[31mb"), "a\xef\xbf\xbd[31mb");
  EXPECT_EQ(clean_utf8("\xff\xc0\x80\xed\xa0\x80"),
            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(clean_utf8("cut \xe2\x9c"), "cut \xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Values, AnAmountHasAUnitThatSparesItsZeros) {
  EXPECT_EQ(amount(0.000645, "TFLOP/s"), "0.645 GFLOP/s");
  EXPECT_EQ(amount(0.0000645, "TFLOP/s"), "64.5 MFLOP/s");
  EXPECT_EQ(amount(0.134, "TFLOP/s"), "0.134 TFLOP/s");
  EXPECT_EQ(amount(0.0000012, "ms"), "1.20 ns");
  EXPECT_EQ(amount(0, "ms"), "0 ms");
  EXPECT_EQ(amount(0.0123, "requests/s"), "0.0123 requests/s");
}

TEST(Amount, OfAClaimIsAsItWasClaimed) {
  Record claim{.evidence_class = EvidenceClass::kClaimed,
               .metric = "memory_bandwidth_gb_per_s",
               .value = 1555,
               .unit = "GB/s"};
  EXPECT_EQ(amount(claim), "1555 GB/s");
  EXPECT_EQ(phrase(claim), "1555 GB/s, claimed");
  claim.evidence_class = EvidenceClass::kMeasured;
  EXPECT_EQ(amount(claim), "1560 GB/s");
}

}  // namespace assay::values_test
