// Token counts told and counted: what is a template's doing, what is an end's, and what is a doubt.
#include "load/token_counts.h"

#include <gmock/gmock.h>

namespace assay::token_counts_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TokenCountOptions options_for(std::vector<std::string> classes = {"chat"}) {
  return {.classes = std::move(classes),
          .conditions = Json::object().set("phase", "mix"),
          .tokenizer = {.file = "tokenizer.json", .bytes = 1 << 20, .key = "abc", .kind = "byte-level BPE"},
          .drawn = 20,
          .left_out = {}};
}

// 20 answers whose texts have 100 tokens and whose prompts have 50, 60 … 240: `told` more of output, and of
// prompts `offset` and `slope` more.
std::vector<CountedAnswer> answers_with(int64_t told, int64_t offset = 0, double slope = 0,
                                        uint32_t class_index = 0) {
  std::vector<CountedAnswer> answers;
  for (int64_t i = 0; i < 20; ++i) {
    const int64_t prompt = 50 + 10 * i;
    answers.push_back(
        {.class_index = class_index,
         .prompt_told = prompt + offset + static_cast<int64_t>(slope * static_cast<double>(prompt)),
         .output_told = 100 + told,
         .prompt = prompt,
         .output = 100});
  }
  return answers;
}

double value_of(const TokenCounts& counts, std::string_view metric, std::string_view name) {
  for (const Record& record : counts.records) {
    if (record.metric == metric && record.conditions["traffic_class"].as_string() == name)
      return record.value.value_or(-1);
  }
  return -1;
}

TEST(TokenCounts, EqualOnesAgreeAndATemplateIsNoFault) {
  const TokenCounts counts = compare_token_counts(answers_with(0, 12), options_for());
  EXPECT_EQ(counts.finding.severity, Severity::kNote);
  EXPECT_EQ(counts.finding.code, "load.tokens");
  EXPECT_THAT(counts.finding.text, HasSubstr("They agree"));
  EXPECT_THAT(counts.finding.text, HasSubstr("tokenizer.json (byte-level BPE, 1.00 MiB)"));
  EXPECT_THAT(counts.finding.text, HasSubstr("+12 tokens each"));
  EXPECT_THAT(counts.doubtful_classes, IsEmpty());
  EXPECT_EQ(value_of(counts, "usage_output_ratio", "all"), 1);
  EXPECT_EQ(value_of(counts, "usage_prompt_ratio", "chat"), 1);
  EXPECT_EQ(value_of(counts, "usage_prompt_offset_tokens", "chat"), 12);
  for (const Record& record : counts.records) {
    EXPECT_EQ(record.conditions["tokenizer"].as_string(), "tokenizer.json");
    EXPECT_EQ(record.conditions["phase"].as_string(), "mix");
    EXPECT_EQ(record.n, 20);
  }
}

TEST(TokenCounts, TheTokenThatEndsAnAnswerIsNoFault) {
  std::vector<CountedAnswer> answers = answers_with(0);
  for (CountedAnswer& answer : answers) answer.output = 9, answer.output_told = 10;
  EXPECT_EQ(compare_token_counts(answers, options_for()).finding.severity, Severity::kNote)
      << "11 % more, one each";
  for (CountedAnswer& answer : answers) answer.output_told = 8;
  EXPECT_EQ(compare_token_counts(answers, options_for()).finding.severity, Severity::kDoubtful)
      << "none is too few";
}

// A ratio to nothing is none.
TEST(TokenCounts, TokensToldForTextsThatHaveNoneHaveWordsOfTheirOwn) {
  const std::vector<CountedAnswer> hollow = {{.output_told = 30, .prompt = {}, .output = 0},
                                             {.output_told = 20, .prompt = {}, .output = 0}};
  const TokenCounts counts = compare_token_counts(hollow, options_for());
  EXPECT_EQ(counts.finding.severity, Severity::kDoubtful);
  EXPECT_THAT(counts.finding.text, HasSubstr("Output tokens of 2 answers: 50 told by the server's usage, and "
                                             "their texts have none."));
  EXPECT_THAT(counts.finding.text, Not(HasSubstr("%"))) << "of what?";
  EXPECT_THAT(counts.records, IsEmpty());
  EXPECT_THAT(counts.doubtful_classes, ElementsAre("all", "chat"));

  const TokenCounts ends = compare_token_counts(
      std::vector<CountedAnswer>{{.output_told = 1, .prompt = {}, .output = 0}}, options_for());
  EXPECT_EQ(ends.finding.severity, Severity::kNote) << ends.finding.text;
  EXPECT_THAT(ends.finding.text, HasSubstr("shows in no text"));
  EXPECT_THAT(ends.records, IsEmpty());

  // Beside a class whose texts have tokens.
  std::vector<CountedAnswer> both = answers_with(0);
  both.push_back({.class_index = 1, .output_told = 70, .prompt = {}, .output = 0});
  const TokenCounts mixed = compare_token_counts(both, options_for({"chat", "code"}));
  EXPECT_THAT(mixed.finding.text, HasSubstr("By class: code 70 tokens told for texts that have none."));
  EXPECT_EQ(value_of(mixed, "usage_output_ratio", "code"), -1);
  EXPECT_EQ(value_of(mixed, "usage_output_ratio", "chat"), 1);
}

// For those who judge further records by it.
TEST(TokenCounts, WhatIsDoubtfulStandsInTheEvidence) {
  std::vector<CountedAnswer> answers = answers_with(0);
  for (const CountedAnswer& answer : answers_with(25, 0, 0.5, 1)) answers.push_back(answer);
  const TokenCounts counts = compare_token_counts(answers, options_for({"chat", "code"}));
  EXPECT_EQ(counts.finding.evidence["agreeing_classes"].dump(), R"(["chat"])");
  EXPECT_EQ(counts.finding.evidence["doubtful_classes"].dump(), R"(["code", "all"])");
  EXPECT_EQ(counts.finding.evidence["doubtful_prompt_classes"].dump(), R"(["code", "all"])");
}

TEST(TokenCounts, TooManyAreADoubtThatSaysWhatItMeans) {
  const TokenCounts counts = compare_token_counts(answers_with(25), options_for());
  EXPECT_EQ(counts.finding.severity, Severity::kDoubtful);
  EXPECT_THAT(counts.finding.text, HasSubstr("2500 by the server's usage, 2000 by"));
  EXPECT_THAT(counts.finding.text, HasSubstr("+25.0 %"));
  EXPECT_THAT(counts.finding.text, HasSubstr("TPOT is 1.25 ×"));
  EXPECT_THAT(counts.finding.text, HasSubstr("tokens/s are 0.8"));
  EXPECT_THAT(counts.doubtful_classes, ElementsAre("all", "chat"));
}

TEST(TokenCounts, TooFewAreADoubtToo) {
  const TokenCounts counts = compare_token_counts(answers_with(-10), options_for());
  EXPECT_EQ(counts.finding.severity, Severity::kDoubtful);
  EXPECT_THAT(counts.finding.text, HasSubstr("-10.0 %"));
  EXPECT_THAT(counts.finding.text, Not(HasSubstr("hid no tokens")));
}

TEST(TokenCounts, AClassIsNotHiddenByTheOthers) {
  std::vector<CountedAnswer> answers = answers_with(0, 0, 0, 0);
  for (CountedAnswer& answer : answers) answer.output = answer.output_told = 2000;
  for (const CountedAnswer& answer : answers_with(25, 0, 0, 1)) answers.push_back(answer);
  const TokenCounts counts = compare_token_counts(answers, options_for({"batch", "chat"}));
  EXPECT_EQ(counts.finding.severity, Severity::kDoubtful);
  EXPECT_THAT(counts.doubtful_classes, ElementsAre("chat"));
  EXPECT_THAT(counts.finding.text, HasSubstr("By class: chat +25.0 %"));
  EXPECT_EQ(value_of(counts, "usage_output_ratio", "chat"), 1.25);
}

TEST(TokenCounts, ReasoningHidesItsMarks) {
  std::vector<CountedAnswer> answers = answers_with(8);
  EXPECT_EQ(compare_token_counts(answers, options_for()).finding.severity, Severity::kDoubtful);
  for (CountedAnswer& answer : answers) answer.has_reasoning = true;
  EXPECT_EQ(compare_token_counts(answers, options_for()).finding.severity, Severity::kNote);
}

TEST(TokenCounts, WhatGrowsWithPromptsIsNoTemplate) {
  const TokenCounts counts = compare_token_counts(answers_with(0, 12, 0.1), options_for());
  EXPECT_EQ(counts.finding.severity, Severity::kDoubtful);
  EXPECT_THAT(counts.finding.text, HasSubstr("changes with the length of the prompts (+10.0 % of it)"));
  EXPECT_THAT(counts.doubtful_classes, IsEmpty()) << "no output is in doubt";
  EXPECT_NEAR(value_of(counts, "usage_prompt_ratio", "chat"), 1.1, 0.005);
  EXPECT_NEAR(value_of(counts, "usage_prompt_offset_tokens", "chat"), 12, 1);
}

TEST(TokenCounts, OneOutlierIsNoSlope) {
  std::vector<CountedAnswer> answers = answers_with(0, 12);
  answers.back().prompt_told += 5000;
  EXPECT_EQ(compare_token_counts(answers, options_for()).finding.severity, Severity::kNote);
}

TEST(TokenCounts, PromptsOfOneLengthTellNoSlope) {
  std::vector<CountedAnswer> answers = answers_with(0);
  for (CountedAnswer& answer : answers) answer.prompt = 100, answer.prompt_told = 130;
  const TokenCounts counts = compare_token_counts(answers, options_for());
  EXPECT_EQ(counts.finding.severity, Severity::kNote);
  EXPECT_THAT(counts.finding.text, HasSubstr("cannot be told"));
  EXPECT_EQ(value_of(counts, "usage_prompt_ratio", "chat"), -1) << "there is no such record";
  EXPECT_EQ(value_of(counts, "usage_prompt_offset_tokens", "chat"), 30);
}

TEST(TokenCounts, WithoutUsageChunksAreHeldAgainstTheTokenizer) {
  std::vector<CountedAnswer> answers = answers_with(-50);
  for (CountedAnswer& answer : answers) answer.is_from_chunks = true, answer.prompt_told = 0;
  const TokenCounts counts = compare_token_counts(answers, options_for());
  EXPECT_EQ(counts.finding.severity, Severity::kDoubtful);
  EXPECT_THAT(counts.finding.text, HasSubstr("1000 by their chunks, for want of usage"));
  EXPECT_THAT(counts.finding.text, Not(HasSubstr("Prompts")));
}

TEST(TokenCounts, WhatCouldNotBeCountedIsSaid) {
  TokenCountOptions options = options_for();
  options.left_out = "3 with tool calls";
  std::vector<CountedAnswer> answers = answers_with(0);
  for (CountedAnswer& answer : answers) answer.output.reset(), answer.prompt.reset();
  const TokenCounts counts = compare_token_counts(answers, options);
  EXPECT_THAT(counts.records, IsEmpty());
  EXPECT_EQ(counts.finding.severity, Severity::kNote);
  EXPECT_THAT(counts.finding.text, HasSubstr("No output tokens could be held against tokenizer.json"));
  EXPECT_THAT(counts.finding.text, HasSubstr("Of 20 answers drawn, not counted: 3 with tool calls."));
}

}  // namespace assay::token_counts_test
