// The Azure trace format: the real files where they are at hand, and everything that a file may do wrong.
#include <gtest/gtest.h>

#include "os/os.h"
#include "workload/workload.h"

namespace assay::azure_trace_test {

const std::string kHeader = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

Result<Trace> parse_all(const std::string& text, uint32_t limit = 100, TraceScaling scaling = {}) {
  return parse_trace(text, "t.csv", "azure", {.limit = limit, .scaling = scaling});
}

Result<std::vector<TraceEntry>> parse(const std::string& rows, uint32_t limit = 100,
                                      TraceScaling scaling = {}) {
  ASSIGN_OR_RETURN(const Trace trace, parse_all(kHeader + rows, limit, scaling));
  return trace.entries;
}

Error error_of(const std::string& rows) {
  const auto entries = parse(rows);
  EXPECT_FALSE(entries) << rows;
  return entries ? Error() : entries.error();
}

TEST(AzureTrace, ReadsInstantsAndLengths) {
  const auto entries = parse(
      "2023-12-31 23:59:59.9000000,374,44\r\n2024-01-01 00:00:00.0000001,5,1\n2024-03-01 00:00:00+00:00,6,2");
  ASSERT_TRUE(entries) << entries.error().message();
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].offset, Nanos(0));
  EXPECT_EQ((*entries)[0].prompt_tokens, 374U);
  EXPECT_EQ((*entries)[0].output_tokens, 44U);
  EXPECT_EQ((*entries)[1].offset, Nanos(100'000'100));
  // 2024 is a leap year: 31 + 29 days, and a tenth of a second.
  EXPECT_EQ((*entries)[2].offset, Nanos(int64_t{60} * 86'400 * 1'000'000'000 + 100'000'000));
}

TEST(AzureTrace, ScalesRateAndLengths) {
  const auto entries =
      parse("2023-11-16 18:00:00,1000,3\n2023-11-16 18:00:10,50,0\n", 100, {.rate = 4, .length = 0.1});
  ASSERT_TRUE(entries);
  EXPECT_EQ((*entries)[0].prompt_tokens, 100U);
  EXPECT_EQ((*entries)[0].output_tokens, 1U);
  EXPECT_EQ((*entries)[1].output_tokens, 1U);
  EXPECT_EQ((*entries)[1].offset, nanos_from_seconds(2.5));
}

TEST(AzureTrace, StopsAtItsLimitAndDoesNotLookBehindIt) {
  const auto entries = parse("2023-11-16 18:00:00,1,1\nrubbish\n", 1);
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->size(), 1U);
}

TEST(AzureTrace, SaysWhichRowIsWrong) {
  EXPECT_EQ(error_of("2023-11-16 18:00:00,1,1\n2023-11-16 18:00:00,1\n").where, "t.csv:3");
  for (const char* row :
       {"2023-13-16 18:00:00,1,1", "2023-11-16T18:00:00,1,1", "2023-11-16 24:00:00,1,1",
        "2023-11-16 18:00:00.,1,1", "1,1,1", "2023-11-16 18:00:00,-1,1", "2023-11-16 18:00:00,1e3,1",
        "2023-11-16 18:00:00,1,9999999999999", "2023-11-16 18:00:00,1,", "2023-11-16 18:00:00,1,1,1", "",
        "9999-11-16 18:00:00,1,1"}) {
    EXPECT_EQ(error_of(std::string(row) + "\n2023-11-16 18:00:00,1,1\n").where, "t.csv:2") << row;
  }
  EXPECT_EQ(error_of("2023-11-16 18:00:01,1,1\n2023-11-16 18:00:00,1,1\n").what,
            "earlier than the row before");
  EXPECT_NE(error_of("1990-11-16 18:00:01,1,1\n2023-11-16 18:00:00,1,1\n").what.find("year"),
            std::string::npos);
  EXPECT_NE(error_of(std::string(1'000'000, ',')).what, "");
  EXPECT_EQ(error_of("").what, "the trace has no requests");
}

TEST(AzureTrace, WantsItsHeader) {
  const auto entries = parse_all("a,b,c\n1,2,3\n");
  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().where, "t.csv:1");
  EXPECT_FALSE(parse_all(""));
}

TEST(AzureTrace, TheRealTracesRead) {
  const std::string folder = std::string(ASSAY_SOURCE_DIR) + "/../shared/data/traces/";
  if (!file_exists(folder + "AzureLLMInferenceTrace_conv.csv"))
    GTEST_SKIP() << "the traces are not on this machine";
  const auto text = read_file(folder + "AzureLLMInferenceTrace_conv.csv", 1 << 24);
  ASSERT_TRUE(text);
  const Result<Trace> all = parse_trace(*text, "conv", "auto", {});
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ(all->format, "azure");
  EXPECT_EQ(all->entries.size(), 19'366U);
  double prompt = 0, output = 0;
  for (const TraceEntry& entry : all->entries) {
    prompt += entry.prompt_tokens;
    output += entry.output_tokens;
  }
  EXPECT_NEAR(prompt / 19'366, 1154.7, 0.05);
  EXPECT_NEAR(output / 19'366, 211.1, 0.05);
  const auto code = read_file(folder + "AzureLLMInferenceTrace_code.csv", 1 << 24);
  ASSERT_TRUE(code);
  EXPECT_EQ(parse_trace(*code, "code", "auto", {})->entries.size(), 8819U);
}

// The later traces: a zone behind the instant, no fraction where it is 0.
TEST(AzureTrace, ReadsTheLayoutOf2024) {
  const auto entries = parse(
      "2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:00.017335+00:00,2399,6\n"
      "2024-05-10 00:00:01+00:00,76,15\n");
  ASSERT_TRUE(entries) << entries.error().message();
  EXPECT_EQ((*entries)[1].offset, Nanos(7'405'000));
  EXPECT_EQ((*entries)[2].offset, Nanos(990'070'000));
  EXPECT_EQ((*entries)[2].output_tokens, 15U);
}

}  // namespace assay::azure_trace_test
