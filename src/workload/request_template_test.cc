// Templates: what each placeholder becomes, and what is refused.
#include "workload/request_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace assay::request_template_test {

using testing::HasSubstr;

std::string filled(std::string_view text, uint64_t seed = 1,
                   RequestTemplate::Escape escape = RequestTemplate::Escape::kJson) {
  const Result<RequestTemplate> made = RequestTemplate::parse(text);
  EXPECT_TRUE(made) << (made ? "" : made.error().message());
  std::string out;
  if (made) made->append({.prompt = "say \"x\"\n", .request_id = "assay-7", .seed = seed}, escape, out);
  return out;
}

std::string problem(std::string_view text) {
  const Result<RequestTemplate> made = RequestTemplate::parse(text);
  EXPECT_FALSE(made) << text;
  return made ? "" : made.error().message();
}

TEST(RequestTemplate, TextStaysAsItIs) {
  EXPECT_EQ(filled(R"({"a": {"b": "}"}})"), R"({"a": {"b": "}"}})");
  EXPECT_EQ(filled(""), "");
  EXPECT_TRUE(RequestTemplate::parse("")->empty());
}

TEST(RequestTemplate, PromptsAndIdsAreEscapedForWhatIsAroundThem) {
  EXPECT_EQ(filled(R"({"p":"{{prompt}}","id":"{{ request_id }}"})"), R"({"p":"say \"x\"\n","id":"assay-7"})");
  EXPECT_EQ(filled("/q?p={{prompt}}", 1, RequestTemplate::Escape::kUrl), "/q?p=say%20%22x%22%0A");
  EXPECT_TRUE(RequestTemplate::parse("{{prompt}}")->has_prompt());
  EXPECT_FALSE(RequestTemplate::parse("{{request_id}}")->has_prompt());
}

TEST(RequestTemplate, DrawsAreAFunctionOfTheSeed) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::string text = filled("{{integer -1 1}}", seed);
    EXPECT_EQ(text, filled("{{integer -1 1}}", seed));
    seen.insert(text);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"-1", "0", "1"}));
}

TEST(RequestTemplate, NumbersLieInTheirRange) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::optional<double> plain = parse_number(filled("{{number}}", seed));
    const std::optional<double> within = parse_number(filled("{{number 10 20}}", seed));
    ASSERT_TRUE(plain && within);
    EXPECT_TRUE(*plain >= 0 && *plain <= 1) << *plain;
    EXPECT_TRUE(*within >= 10 && *within <= 20) << *within;
  }
}

TEST(RequestTemplate, ChoicesMayHoldBlanksInQuotes) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) seen.insert(filled("{{choice 'New York' Oslo ''}}", seed));
  EXPECT_EQ(seen, (std::set<std::string>{"New York", "Oslo", ""}));
}

TEST(RequestTemplate, TwoPlacesDrawForThemselves) {
  size_t same = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::string text = filled("{{integer 1 9}} {{integer 1 9}}", seed);
    same += text[0] == text[2] ? 1 : 0;
  }
  EXPECT_LT(same, 60U);
}

TEST(RequestTemplate, SaysWhatIsWrong) {
  EXPECT_THAT(problem("{{promt}}"), HasSubstr("Did you mean 'prompt'?"));
  EXPECT_THAT(problem("{{}}"), HasSubstr("is empty"));
  EXPECT_THAT(problem("{{prompt"), HasSubstr("closed by two braces"));
  EXPECT_THAT(problem("{{prompt 3}}"), HasSubstr("takes nothing"));
  EXPECT_THAT(problem("{{integer 5 1}}"), HasSubstr("the lower one first"));
  EXPECT_THAT(problem("{{integer 1}}"), HasSubstr("two whole numbers"));
  EXPECT_THAT(problem("{{integer 0 99999999999999999}}"), HasSubstr("two whole numbers"));
  EXPECT_THAT(problem("{{number 1 nan}}"), HasSubstr("two numbers"));
  EXPECT_THAT(problem("{{choice}}"), HasSubstr("nothing to choose from"));
  EXPECT_THAT(problem("{{choice 'a}}"), HasSubstr("a quote open"));
  EXPECT_THAT(problem(std::string(70'000, 'x')), HasSubstr("65536 are the most"));
  std::string many;
  for (int i = 0; i < 2001; ++i) many += "{{number}}";
  EXPECT_THAT(problem(many), HasSubstr("more than 1,000 placeholders"));
}

}  // namespace assay::request_template_test
