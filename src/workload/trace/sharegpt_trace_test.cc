// ShareGPT: conversations as sessions, lengths from bytes, no instants.
#include <gtest/gtest.h>

#include "workload/workload.h"

namespace assay::sharegpt_trace_test {

Result<Trace> parse(const std::string& text, const TraceOptions& options = {.bytes_per_token = 4}) {
  return parse_trace(text, "s.json", "sharegpt", options);
}

TEST(ShareGptTrace, ConversationsAreSessionsOfTurns) {
  const Result<Trace> trace = parse(R"([
 {"id": "a", "conversations": [
   {"from": "system", "value": "abcd"},
   {"from": "human", "value": "abcdefgh"}, {"from": "gpt", "value": "0123456789"},
   {"from": "human", "value": "ab\ncd\u00e9"}, {"from": "gpt", "value": "x", "markdown": null},
   {"from": "human", "value": "never answered"}]},
 {"id": "b", "conversations": []},
 {"id": "c", "conversations": [{"from": "gpt", "value": "lost beginning"},
   {"from": "user", "value": "q"}, {"from": "assistant", "value": "one "}, {"from": "assistant", "value": "two "}]}
])");
  ASSERT_TRUE(trace) << trace.error().message();
  ASSERT_EQ(trace->entries.size(), 3U);
  EXPECT_EQ(trace->entries[0].prompt_tokens, 3U);  // twelve bytes: what the system says belongs to the first
  EXPECT_EQ(trace->entries[0].output_tokens, 3U);
  EXPECT_EQ(trace->entries[1].prompt_tokens, 2U);  // seven bytes
  EXPECT_EQ(trace->entries[1].turn, 1U);
  EXPECT_EQ(trace->entries[2].turn, 0U);
  EXPECT_EQ(trace->entries[2].output_tokens, 2U);
  EXPECT_FALSE(trace->has_instants);
  EXPECT_TRUE(trace->is_estimated && trace->turns_add);
  EXPECT_EQ(trace->skipped, 1U);
  EXPECT_EQ(trace->prefixes, nullptr);
}

TEST(ShareGptTrace, MayComeLineByLine) {
  const Result<Trace> trace = parse_trace(
      R"({"conversations":[{"from":"human","value":"hello"},{"from":"gpt","value":"hi"}]}
{"conversations":[{"value":"hello","from":"human"},{"value":"hi","from":"gpt"}]})",
      "s.jsonl", "auto", {});
  ASSERT_TRUE(trace) << trace.error().message();
  EXPECT_EQ(trace->format, "sharegpt");
  EXPECT_EQ(trace->entries.size(), 2U);
  EXPECT_EQ(trace->entries[0].prompt_tokens, 2U);
}

TEST(ShareGptTrace, StopsAtItsLimitWithinAConversation) {
  const std::string turn = R"({"from":"human","value":"q"},{"from":"gpt","value":"a"})";
  const Result<Trace> trace =
      parse("[{\"conversations\":[" + turn + "," + turn + "," + turn + "]}, rubbish", {.limit = 2});
  ASSERT_TRUE(trace) << trace.error().message();
  EXPECT_EQ(trace->entries.size(), 2U);
}

TEST(ShareGptTrace, SaysWhereItIsWrong) {
  const std::string good =
      "[\n{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\",\"value\":\"a\"}]},\n";
  for (const char* rest : {"", "7]", "{\"conversations\":[1]}]", "{\"conversations\":[{\"from\":1}]}]",
                           "{\"conversations\":[{\"value\":[]}]}]", "{\"a\"}]", "]"}) {
    const Result<Trace> trace = parse(good + rest);
    ASSERT_FALSE(trace) << rest;
    EXPECT_EQ(trace.error().where, "s.json:3") << rest;
  }
  EXPECT_EQ(parse("[]").error().what, "the trace has no requests");
  EXPECT_FALSE(parse("[{\"conversations\":" + std::string(100'000, '[')));
}

}  // namespace assay::sharegpt_trace_test
