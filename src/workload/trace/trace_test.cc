// The table of formats, and which one a file is.
#include "workload/trace/trace.h"

#include <gtest/gtest.h>

#include "os/os.h"

namespace assay::trace_test {

TEST(Trace, EachFormatIsKnownByItsContentAndTakenForNoOther) {
  const std::pair<const char*, const char*> samples[] = {
      {"azure", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n"},
      {"burstgpt",
       "\xef\xbb\xbfTimestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,m,4,1,5,x\n"},
      {"mooncake", "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[0]}"},
      {"sharegpt",
       "[{\"id\":1,\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\",\"value\":\"a\"}]}]"},
      {"weka", "{\"id\":1,\"t\":0,\"in\":1,\"out\":1,\"hash_ids\":[]}"},
      {"weka", "{\"id\":1,\"requests\":[{\"t\":0,\"in\":1,\"out\":1}]}"}};
  for (const auto& [name, text] : samples) {
    for (const TraceFormat& format : trace_formats())
      EXPECT_EQ(format.recognises(text), std::string(name) == format.name) << name << " as " << format.name;
    const Result<Trace> trace = parse_trace(text, "t", "auto", {});
    ASSERT_TRUE(trace) << name << trace.error().message();
    EXPECT_EQ(trace->format, name);
    EXPECT_EQ(trace->entries.size(), 1U);
  }
  EXPECT_EQ(trace_format_names().size(), trace_formats().size() + 1);
}

TEST(Trace, WhatIsNoneIsSaidWithWhatIsRead) {
  // Bailian's layout has Mooncake's names in other units.
  for (const char* text : {"", "\n", "a,b\n", "{}", "[]", "[1]", "{\"a\":",
                           "{\"chat_id\":1,\"timestamp\":0.5,\"input_length\":1,\"output_length\":1}"}) {
    const Result<Trace> trace = parse_trace(text, "t.x", "auto", {});
    ASSERT_FALSE(trace) << text;
    EXPECT_EQ(trace.error().where, "t.x:1");
    EXPECT_NE(trace.error().remedy.find("azure, burstgpt, mooncake, sharegpt, weka"), std::string::npos);
  }
}

// Files of other simulators on this machine are JSON too, and none of ours.
TEST(Trace, OtherFilesOfTheFieldAreRefused) {
  const std::string path =
      std::string(ASSAY_SOURCE_DIR) + "/../shared/data/llmservingsim/workloads/workload_me2_01_mixed.jsonl";
  if (!file_exists(path)) GTEST_SKIP() << "the files are not on this machine";
  const auto text = read_file(path, 1 << 24);
  ASSERT_TRUE(text);
  EXPECT_FALSE(parse_trace(*text, "t", "auto", {}));
}

}  // namespace assay::trace_test
