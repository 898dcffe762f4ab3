// Mooncake: instants, lengths, what prompts share, and the sessions of its extension.
#include <gtest/gtest.h>

#include "workload/workload.h"

namespace assay::mooncake_trace_test {

Result<Trace> parse(const std::string& text, const TraceOptions& options = {}) {
  return parse_trace(text, "m.jsonl", "mooncake", options);
}

// What the entry shares, in tokens.
uint32_t shared(const Trace& trace, size_t i) {
  return trace.prefixes == nullptr ? 0 : trace.prefixes->tokens(trace.entries[i].prefix);
}

const std::string kThree =
    R"({"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 2353, 2354]}
{"timestamp": 30535, "input_length": 6472, "output_length": 26, "hash_ids": [46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 2366]}
{"timestamp": 30535.5, "input_length": 600, "output_length": 1, "hash_ids": [1, 2]}
)";

TEST(MooncakeTrace, RowsThatBeginWithTheSameIdsShareSoManyBlocks) {
  const Result<Trace> trace = parse(kThree);
  ASSERT_TRUE(trace) << trace.error().message();
  ASSERT_EQ(trace->entries.size(), 3U);
  EXPECT_EQ(trace->entries[1].offset, nanos_from_ms(3053));
  EXPECT_EQ(trace->entries[2].offset, nanos_from_ms(3053.5));
  EXPECT_EQ(trace->entries[0].prompt_tokens, 6955U);
  EXPECT_EQ(trace->entries[1].output_tokens, 26U);
  EXPECT_EQ(shared(*trace, 0), 12U * 512);
  EXPECT_EQ(shared(*trace, 1), 12U * 512);
  EXPECT_EQ(shared(*trace, 2), 0U);
  EXPECT_TRUE(trace->has_instants && trace->turns_add && !trace->is_estimated);
}

TEST(MooncakeTrace, ScalesBlocksWithThePrompts) {
  const Result<Trace> trace = parse(kThree, {.scaling = {.rate = 2, .length = 0.1}});
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->entries[0].prompt_tokens, 696U);
  EXPECT_EQ(shared(*trace, 0), 614U);
  EXPECT_EQ(trace->entries[1].offset, nanos_from_ms(1526.5));
}

TEST(MooncakeTrace, ABlockIsAsLongAsStated) {
  const std::string text = R"({"timestamp":0,"input_length":40,"output_length":1,"hash_ids":[1,2,3]}
{"timestamp":0,"input_length":40,"output_length":1,"hash_ids":[1,2,9]})";
  EXPECT_EQ(shared(*parse(text, {.block_tokens = 16}), 0), 32U);
  const Result<Trace> refused = parse(text);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().where, "m.jsonl:1");
  EXPECT_NE(refused.error().what.find("in blocks of 512 it has 1"), std::string::npos)
      << refused.error().what;
}

TEST(MooncakeTrace, SessionsAreGatheredWithTheirPauses) {
  const Result<Trace> trace = parse(
      R"({"session_id":"a","timestamp":1000,"input_length":10,"output_length":1}
{"session_id":"b","timestamp":2000,"input_length":20,"output_length":2}
{"session_id":"a","delay":500,"input_length":11,"output_length":3}
{"timestamp":2500,"input_length":30,"output_length":4}
{"session_id":"b","timestamp":6000,"input_length":21,"output_length":5}
{"session_id":"a","input_length":12,"output_length":6}
)",
      {.scaling = {.rate = 2}});
  ASSERT_TRUE(trace) << trace.error().message();
  std::vector<uint32_t> prompts, turns;
  std::vector<double> offsets_ms;
  for (const TraceEntry& entry : trace->entries) {
    prompts.push_back(entry.prompt_tokens);
    turns.push_back(entry.turn);
    offsets_ms.push_back(seconds(entry.offset) * 1e3);
  }
  EXPECT_EQ(prompts, (std::vector<uint32_t>{10, 11, 12, 20, 21, 30}));
  EXPECT_EQ(turns, (std::vector<uint32_t>{0, 1, 2, 0, 1, 0}));
  // delay; none; and the time between the rows where there is no delay.
  EXPECT_EQ(offsets_ms, (std::vector<double>{0, 250, 0, 500, 2000, 750}));
}

TEST(MooncakeTrace, WithoutTimestampsThereAreNoInstants) {
  const Result<Trace> trace = parse(R"({"input_length":1,"output_length":1,"hash_ids":null}
{"input_length":2,"output_length":1,"timestamp":null})");
  ASSERT_TRUE(trace) << trace.error().message();
  EXPECT_FALSE(trace->has_instants);
  EXPECT_EQ(trace->entries[1].offset, Nanos(0));
  EXPECT_FALSE(parse(R"({"input_length":1,"output_length":1}
{"input_length":2,"output_length":1,"timestamp":5})"));
}

TEST(MooncakeTrace, IdsMayBeTexts) {
  const Result<Trace> trace =
      parse(R"({"timestamp":0,"input_length":900,"output_length":1,"hash_ids":["a0","b1"]}
{"timestamp":1,"input_length":900,"output_length":1,"hash_ids":["a0","b2"]})");
  ASSERT_TRUE(trace);
  EXPECT_EQ(shared(*trace, 0), 512U);
}

TEST(MooncakeTrace, SaysWhichLineIsWrong) {
  const std::string good = R"({"timestamp":0,"input_length":1,"output_length":1})"
                           "\n";
  for (const char* line :
       {R"({"timestamp":0,"input_length":1})", R"({"timestamp":0,"input_length":-1,"output_length":1})",
        R"({"timestamp":0,"input_length":1e7,"output_length":1})",
        R"({"timestamp":-5,"input_length":1,"output_length":1})",
        R"({"timestamp":1e300,"input_length":1,"output_length":1})",
        R"({"timestamp":"x","input_length":1,"output_length":1})",
        R"({"timestamp":99999999999,"input_length":1,"output_length":1})",
        R"({"timestamp":0,"input_length":1,"output_length":1)",
        R"({"timestamp":0,"text_input":"hello","output_length":1})", "[1]", "rubbish", R"({"hash_ids":[1,}})",
        R"({"timestamp":0,"delay":-1,"input_length":1,"output_length":1})"}) {
    const Result<Trace> trace = parse(good + line + "\n");
    ASSERT_FALSE(trace) << line;
    EXPECT_TRUE(trace.error().where.starts_with("m.jsonl:")) << line;
    EXPECT_NE(trace.error().where, "m.jsonl:1") << line;
  }
  EXPECT_TRUE(parse(good + "rubbish", {.limit = 1}));
  EXPECT_EQ(parse("  \n").error().what, "the trace has no requests");
}

}  // namespace assay::mooncake_trace_test
