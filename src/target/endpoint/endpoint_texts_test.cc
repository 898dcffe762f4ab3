// The sample of answers: uniform, the same for the same seed, and bounded.
#include "target/endpoint/endpoint_texts.h"

#include <gmock/gmock.h>

namespace assay::endpoint_texts_test {

const PromptCutter kCutter(4.2);

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Request request_of(RequestId id, uint32_t turn = 0) {
  return {
      .id = id, .turn = turn, .corpus = "prose", .prompt_seed = id, .prefix_parts = {}, .prompt_tokens = 3};
}

StreamEvent done_with(RequestId id, uint32_t output_tokens) {
  return {.request = id,
          .kind = StreamEventKind::kDone,
          .prompt_tokens = 9,
          .output_tokens = output_tokens,
          .detail = {}};
}

// The ids that are left of requests 1 … n, each answered at once.
std::vector<RequestId> sampled(size_t count, uint64_t seed, RequestId n) {
  EndpointTexts texts(count, seed);
  for (RequestId id = 1; id <= n; ++id) {
    if (texts.wants(request_of(id))) texts.answered(done_with(id, 1), {.content = "x", .reasoning = {}});
  }
  std::vector<RequestId> ids;
  for (const AnswerText& text : texts.take(kCutter)) ids.push_back(text.id);
  return ids;
}

TEST(EndpointTexts, AllOfAFewAndASampleOfMany) {
  EXPECT_THAT(sampled(5, 1, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(sampled(5, 1, 1000), SizeIs(5));
  EXPECT_EQ(sampled(5, 1, 1000), sampled(5, 1, 1000));
  EXPECT_NE(sampled(5, 1, 1000), sampled(5, 2, 1000));
  EXPECT_THAT(sampled(0, 1, 3), IsEmpty());
}

TEST(EndpointTexts, LateRequestsAreAsLikelyAsEarlyOnes) {
  double late = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    for (const RequestId id : sampled(20, seed, 400)) late += id > 200 ? 1 : 0;
  }
  EXPECT_NEAR(late / 2000, 0.5, 0.05) << "four and a half standard deviations";
}

TEST(EndpointTexts, AnAnswerComesWithItsPromptAndItsUsage) {
  EndpointTexts texts(9, 1);
  ASSERT_TRUE(texts.wants(request_of(7)));
  ASSERT_TRUE(texts.wants(request_of(8, 1)));
  ASSERT_TRUE(texts.wants(request_of(9)));
  ASSERT_TRUE(texts.wants(request_of(10)));
  texts.answered(done_with(7, 5), {.content = "out", .reasoning = "in"});
  texts.answered(done_with(8, 6), {.content = "call", .reasoning = {}, .is_whole = false});
  texts.failed(9);
  const std::vector<AnswerText> all = texts.take(kCutter);
  ASSERT_THAT(all, SizeIs(2)) << "one failed, one has not ended";
  EXPECT_EQ(all[0].content, "out");
  EXPECT_EQ(all[0].reasoning, "in");
  EXPECT_EQ(all[0].prompt, prompt_text("prose", 7, 3, 4.2));
  EXPECT_EQ(all[0].prompt_tokens, 9U);
  EXPECT_EQ(all[0].output_tokens, 5U);
  EXPECT_TRUE(all[0].is_whole);
  EXPECT_EQ(all[1].prompt, "") << "turns before it stood in its prompt, too";
  EXPECT_FALSE(all[1].is_whole);
  EXPECT_EQ(all[1].content, "");
  EXPECT_THAT(texts.take(kCutter), IsEmpty());
}

TEST(EndpointTexts, WhatIsTooLongIsCountedButNotKept) {
  EndpointTexts texts(100, 1);
  const std::string most(kMaxListedTextBytes, 'x');
  for (RequestId id = 1; id <= 60; ++id) {
    ASSERT_TRUE(texts.wants(request_of(id)));
    texts.answered(done_with(id, 1), {.content = id == 1 ? most + "x" : most, .reasoning = {}});
  }
  size_t whole = 0;
  for (const AnswerText& text : texts.take(kCutter)) whole += text.is_whole ? 1 : 0;
  EXPECT_EQ(whole, 48U) << "of 59 that are short enough, 48 MiB";
}

TEST(EndpointTexts, AfterARestartNothingOfBeforeIsLeft) {
  EndpointTexts texts(2, 1);
  ASSERT_TRUE(texts.wants(request_of(1)));
  texts.restart();
  texts.answered(done_with(1, 1), {.content = "x", .reasoning = {}});
  ASSERT_TRUE(texts.wants(request_of(2)));
  ASSERT_TRUE(texts.wants(request_of(3)));
  EXPECT_THAT(texts.take(kCutter), IsEmpty());
}

}  // namespace assay::endpoint_texts_test
