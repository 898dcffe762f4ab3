// Weka's traces: flat rows at their instants, and conversations whose requests carry their whole context.
#include <gtest/gtest.h>

#include "workload/workload.h"

namespace assay::weka_trace_test {

Result<Trace> parse(const std::string& text, const TraceOptions& options = {}) {
  return parse_trace(text, "w.jsonl", "weka", options);
}

uint32_t shared(const Trace& trace, size_t i) {
  return trace.prefixes == nullptr ? 0 : trace.prefixes->tokens(trace.entries[i].prefix);
}

TEST(WekaTrace, FlatRowsAreRequestsAtTheirInstants) {
  const Result<Trace> trace = parse(R"({"id": "a", "t": 0.5, "in": 130, "out": 20, "hash_ids": [1, 2, 3]}
{"id": "b", "t": 2.0, "in": 200, "out": 7, "hash_ids": [1, 2, 9, 10]}
)");
  ASSERT_TRUE(trace) << trace.error().message();
  ASSERT_EQ(trace->entries.size(), 2U);
  EXPECT_EQ(trace->entries[1].offset, nanos_from_seconds(1.5));
  EXPECT_EQ(trace->entries[1].prompt_tokens, 200U);
  EXPECT_EQ(trace->entries[1].output_tokens, 7U);
  EXPECT_EQ(shared(*trace, 0), 128U);
  EXPECT_TRUE(trace->has_instants && trace->turns_add);
}

const std::string kNested = R"({
 "requests": [
  {"t": 0.0, "type": "n", "in": 128, "out": 5, "hash_ids": [1, 2], "api_time": 1.5},
  {"t": 4.0, "type": "s", "in": 192, "out": 6, "hash_ids": [1, 2, 3], "api_time": 2.0},
  {"t": 6.0, "type": "subagent", "agent_id": "x", "requests": [
     {"t": 0.0, "type": "n", "in": 64, "out": 1, "hash_ids": [7]},
     {"t": 3.0, "type": "n", "in": 70, "out": 1, "hash_ids": [7, 8], "think_time": 0.25}]},
  {"t": 20.0, "type": "n", "in": 256, "out": 7, "hash_ids": [1, 2, 3, 4]}],
 "id": "c1", "block_size": 64, "hash_id_scope": "local"}
{"id": "c2", "block_size": 64, "hash_id_scope": "local", "requests": [
  {"t": 0.0, "in": 128, "out": 5, "hash_ids": [1, 2]}]}
)";

TEST(WekaTrace, AConversationsRequestsWaitForOneAnotherAndCarryTheirContext) {
  const Result<Trace> trace = parse(kNested);
  ASSERT_TRUE(trace) << trace.error().message();
  ASSERT_EQ(trace->entries.size(), 6U);
  EXPECT_FALSE(trace->has_instants || trace->turns_add);
  std::vector<uint32_t> turns, tokens;
  std::vector<double> pauses_s;
  for (size_t i = 0; i < 6; ++i) {
    turns.push_back(trace->entries[i].turn);
    tokens.push_back(shared(*trace, i));
    pauses_s.push_back(seconds(trace->entries[i].offset));
  }
  EXPECT_EQ(turns, (std::vector<uint32_t>{0, 1, 2, 3, 4, 0}));
  // From the end of the answer before; as the client counted; not known behind nested requests.
  EXPECT_EQ(pauses_s, (std::vector<double>{0, 2.5, 0, 0.25, 0, 0}));
  // Ids of one conversation mean nothing in another.
  EXPECT_EQ(tokens, (std::vector<uint32_t>{128, 192, 64, 64, 192, 0}));
}

TEST(WekaTrace, IdsOfTheWholeFileAreSharedByConversations) {
  std::string text = kNested;
  for (size_t at = text.find("local"); at != std::string::npos; at = text.find("local"))
    text.replace(at, 5, "global");
  EXPECT_EQ(shared(*parse(text), 5), 128U);
}

TEST(WekaTrace, StopsAtItsLimitWithinAConversation) {
  EXPECT_EQ(parse(kNested, {.limit = 3})->entries.size(), 3U);
}

TEST(WekaTrace, SaysWhereItIsWrong) {
  const std::string good = R"({"id":"a","t":0,"in":1,"out":1})"
                           "\n";
  for (const char* line :
       {R"({"t":1,"in":1})", R"({"t":-1,"in":1,"out":1})", R"({"t":1,"in":-1,"out":1})",
        R"({"in":1,"out":1})", "7", R"({"t":1,"in":1,"out":1,"hash_ids":[{}]})",
        R"({"t":1,"in":1,"out":1,"block_size":16})", R"({"id":"b","requests":[{"t":1,"in":1}]})",
        R"({"id":"b","requests":[{"t":0,"in":1,"out":1})", "{"}) {
    const Result<Trace> trace = parse(good + line);
    ASSERT_FALSE(trace) << line;
    EXPECT_EQ(trace.error().where, "w.jsonl:2") << line;
    EXPECT_FALSE(trace.error().what.empty());
  }
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"requests":[)";
  EXPECT_FALSE(parse(R"({"id":"a",)" + deep.substr(1)));
}

}  // namespace assay::weka_trace_test
