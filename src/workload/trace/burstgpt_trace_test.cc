// BurstGPT: columns by name, failed requests left out and counted.
#include <gtest/gtest.h>

#include "workload/workload.h"

namespace assay::burstgpt_trace_test {

const std::string kHeader = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n";

Result<Trace> parse(const std::string& rows, const TraceOptions& options = {}) {
  return parse_trace(kHeader + rows, "b.csv", "burstgpt", options);
}

TEST(BurstGptTrace, ReadsInstantsAndLengths) {
  const Result<Trace> trace = parse(
      "5,ChatGPT,472,18,490,Conversation log\r\n45.5,GPT-4,1087,230,1317,API log\n118,ChatGPT,417,0,417,"
      "Conversation log\n118,ChatGPT,417,276,693,Conversation log");
  ASSERT_TRUE(trace) << trace.error().message();
  ASSERT_EQ(trace->entries.size(), 3U);
  EXPECT_EQ(trace->entries[0].offset, Nanos(0));
  EXPECT_EQ(trace->entries[1].offset, nanos_from_seconds(40.5));
  EXPECT_EQ(trace->entries[1].prompt_tokens, 1087U);
  EXPECT_EQ(trace->entries[1].output_tokens, 230U);
  EXPECT_EQ(trace->entries[2].offset, nanos_from_seconds(113));
  EXPECT_EQ(trace->skipped, 1U);
  EXPECT_NE(trace->skipped_words.find("failed"), std::string::npos);
  EXPECT_TRUE(trace->has_instants);
}

TEST(BurstGptTrace, ColumnsGoByTheirNames) {
  const Result<Trace> trace = parse_trace(
      "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
      "7,a,1.5,GPT-4,10,3,13,API log\n",
      "b.csv", "auto", {});
  ASSERT_TRUE(trace) << trace.error().message();
  EXPECT_EQ(trace->format, "burstgpt");
  EXPECT_EQ(trace->entries[0].prompt_tokens, 10U);
  EXPECT_EQ(trace->entries[0].output_tokens, 3U);
}

TEST(BurstGptTrace, RowsOutOfOrderAreSorted) {
  const Result<Trace> trace = parse("9,m,1,1,2,x\n5,m,2,1,3,x\n7,m,3,1,4,x\n");
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->entries[0].prompt_tokens, 2U);
  EXPECT_EQ(trace->entries[2].offset, nanos_from_seconds(4));
}

TEST(BurstGptTrace, SaysWhichRowIsWrong) {
  for (const char* row : {"x,m,1,1,2,x", "-1,m,1,1,2,x", "1e300,m,1,1,2,x", "1,m,1.5,1,2,x", "1,m,1,-1,2,x",
                          "1,m,1,9999999,2,x", "1,m", "", "1;2;3"}) {
    const Result<Trace> trace = parse(std::string("5,m,1,1,2,x\n") + row + "\n5,m,1,1,2,x\n");
    ASSERT_FALSE(trace) << row;
    EXPECT_EQ(trace.error().where, "b.csv:3") << row;
  }
  EXPECT_EQ(parse("5,m,1,1,2,x\n99999999,m,1,1,2,x\n").error().where, "b.csv:3");  // three years later
  EXPECT_EQ(parse("5,m,1,0,1,x\n").error().what, "the trace has no requests");
  EXPECT_FALSE(parse_trace("Timestamp,Model\n1,2\n", "b.csv", "burstgpt", {}));
  EXPECT_FALSE(parse_trace(std::string(100'000, ','), "b.csv", "burstgpt", {}));
}

}  // namespace assay::burstgpt_trace_test
