// Chunks as servers write them, and as they should not.
#include "target/endpoint/endpoint_chunk.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace assay::endpoint_chunk_test {

// Decodes with the padding that the decoder wants; nothing if it is refused.
class Chunks : public ::testing::Test {
 protected:
  std::optional<EndpointChunk> decode(std::string json) {
    text_ = std::move(json);
    const size_t size = text_.size();
    text_.append(EndpointChunkDecoder::kPadding, '"');  // whatever stands there must not matter
    EndpointChunk chunk;
    if (!decoder_.decode(std::string_view(text_).substr(0, size), true, chunk)) return std::nullopt;
    return chunk;
  }
  EndpointChunk chunk(std::string json) {
    const std::optional<EndpointChunk> decoded = decode(json);
    EXPECT_TRUE(decoded) << json;
    return decoded.value_or(EndpointChunk());
  }

 private:
  EndpointChunkDecoder decoder_;
  std::string text_;
};

TEST_F(Chunks, ContentCountsWhenThereIsSome) {
  const EndpointChunk hello =
      chunk(R"({"id":"x","choices":[{"index":0,"delta":{"content":"h\u00e9\n"},"finish_reason":null}]})");
  EXPECT_TRUE(hello.content);
  EXPECT_EQ(hello.text, "h\xc3\xa9\n");
  EXPECT_FALSE(hello.finished);
  EXPECT_FALSE(chunk(R"({"choices":[{"delta":{"role":"assistant","content":null}}]})").content);
  EXPECT_FALSE(chunk(R"({"choices":[{"delta":{"role":"assistant","content":""}}]})").content);
  EXPECT_FALSE(chunk(R"({"choices":[{"delta":{"role":"assistant","content" : "" }}]})").content);
  EXPECT_FALSE(chunk(R"({"choices":[{"delta":{}}]})").content);
  EXPECT_FALSE(chunk(R"({"choices":[]})").content);
  EXPECT_TRUE(chunk(R"({"choices":[{"text":" a"}]})").content);
}

TEST_F(Chunks, ReasoningAndToolCallsAreToldApart) {
  EXPECT_TRUE(chunk(R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})").reasoning);
  EXPECT_TRUE(chunk(R"({"choices":[{"delta":{"reasoning":"hm","content":""}}]})").reasoning);
  EXPECT_FALSE(chunk(R"({"choices":[{"delta":{"reasoning_content":null}}]})").reasoning);
  EXPECT_TRUE(chunk(R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]})")
                  .tool_call);
  EXPECT_FALSE(chunk(R"({"choices":[{"delta":{"tool_calls":[]}}]})").tool_call);
  EXPECT_FALSE(chunk(R"({"choices":[{"delta":{"tool_calls":null}}]})").tool_call);
}

TEST_F(Chunks, UsageMayComeNullOrLastOrStrange) {
  const EndpointChunk last =
      chunk(R"({"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}})");
  EXPECT_TRUE(last.has_usage);
  EXPECT_EQ(last.prompt_tokens, 12U);
  EXPECT_EQ(last.output_tokens, 34U);
  EXPECT_FALSE(chunk(R"({"choices":[],"usage":null})").has_usage);
  EXPECT_EQ(chunk(R"({"usage":{"prompt_tokens":-1,"completion_tokens":99999999999999}})").output_tokens,
            UINT32_MAX);
  EXPECT_EQ(chunk(R"({"usage":{"prompt_tokens":"many","completion_tokens":2}})").output_tokens, 2U);
}

TEST_F(Chunks, AServersOwnTimingsCountTheGapsAndNotTheTokens) {
  const EndpointChunk last = chunk(
      R"({"choices":[],"timings":{"cache_n":3,"prompt_n":10,"prompt_ms":52.125,"predicted_n":9,"predicted_ms":80,"predicted_per_token_ms":8.9}})");
  EXPECT_EQ(last.server_prompt, Nanos(52'125'000));
  EXPECT_EQ(last.server_tpot, nanos_from_ms(10));
  EXPECT_EQ(chunk(R"({"timings":{"prompt_ms":1,"predicted_n":1,"predicted_ms":0.001}})").server_tpot,
            Nanos());
}

TEST_F(Chunks, TimingsThatAreNoneSayNothing) {
  for (const char* timings :
       {"null", "7", "[]", "{}", R"({"prompt_ms":-1,"predicted_ms":-5,"predicted_n":3})",
        R"({"prompt_ms":1e300,"predicted_ms":86400001,"predicted_n":3})",
        R"({"prompt_ms":"52","predicted_ms":{},"predicted_n":3})",
        R"({"prompt_ms":null,"predicted_ms":80,"predicted_n":-9})"}) {
    const EndpointChunk told = chunk(R"({"choices":[],"timings":)" + std::string(timings) + "}");
    EXPECT_EQ(told.server_prompt, Nanos()) << timings;
    EXPECT_EQ(told.server_tpot, Nanos()) << timings;
  }
}

TEST_F(Chunks, AnErrorIsOneInWhateverForm) {
  EXPECT_EQ(chunk(R"({"error":{"code":500,"message":"out of \"memory\""}})").error, "out of \"memory\"");
  EXPECT_EQ(chunk(R"({"error":"no"})").error, "no");
  EXPECT_TRUE(chunk(R"({"error":{}})").has_error);
  EXPECT_FALSE(chunk(R"({"error":null,"choices":[]})").has_error);
}

TEST_F(Chunks, AWholeAnswerIsReadLikeAChunk) {
  const EndpointChunk answer = chunk(
      R"({"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"completion_tokens":1}})");
  EXPECT_TRUE(answer.content && answer.finished && answer.has_usage);
}

TEST_F(Chunks, HalfASurrogatePairIsAChunkWithoutText) {
  const EndpointChunk half = chunk(R"({"choices":[{"delta":{"content":"\ud83d"}}]})");
  EXPECT_TRUE(half.content);
  EXPECT_EQ(half.text, "");
}

TEST_F(Chunks, WhatIsNoChunkIsRefused) {
  for (const char* json :
       {"", " ", "x", "[]", "1", "null", "\"a\"", "{", "{\"choices\":[", R"({"choices":1})",
        R"({"choices":[1]})", R"({"choices":[{"delta":{"content":"a}}]})", "{}{}", "{} x}", "{\"a\" 1}",
        "{\"choices\":[{\"delta\"]}"}) {
    EXPECT_FALSE(decode(json)) << json;
  }
  EXPECT_FALSE(decode("{\"choices\":[{\"text\":\"\xff\"}]}")) << "broken UTF-8";
}

}  // namespace assay::endpoint_chunk_test
