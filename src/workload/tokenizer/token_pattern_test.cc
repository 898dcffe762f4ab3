// Patterns of Oniguruma as PCRE2 runs them.
#include "workload/tokenizer/token_pattern.h"

#include <gmock/gmock.h>

namespace assay::token_pattern_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "[match]between[match]…"
std::string marked(std::string_view pattern, std::string_view text) {
  const Result<TokenPattern> compiled = TokenPattern::compile(pattern, "t.json");
  if (!compiled) return compiled.error().message();
  const auto spans = compiled->spans(text);
  if (!spans) return spans.error().message();
  std::string out;
  for (const TokenSpan& span : *spans) {
    const std::string piece(text.substr(span.begin, span.end - span.begin));
    out += span.is_match ? "[" + piece + "]" : piece;
  }
  return out;
}

std::string translated(std::string_view pattern) {
  const auto text = translated_pattern(pattern, "t.json");
  return text ? *text : text.error().message();
}

TEST(TokenPattern, GivesMatchesAndWhatLiesBetween) {
  EXPECT_EQ(marked(R"(\p{L}+)", "ab, éß!"), "[ab], [éß]!");
  EXPECT_EQ(marked("x", ""), "");
  EXPECT_EQ(marked("x", "ab"), "ab");
  EXPECT_EQ(marked(R"(\s+(?!\S)|\s+)", "a   b"), "a[  ][ ]b");
  EXPECT_EQ(marked("(?i:'s|'t)", "it'S"), "it['S]");
}

TEST(TokenPattern, EmptyMatchesStandBetweenCharacters) {
  EXPECT_EQ(marked("a*", "baaé"), "[]b[aa]é[]");
  EXPECT_EQ(marked("", "ab"), "[]a[]b[]");
}

TEST(TokenPattern, PatternsMayLookBehind) {
  const auto after = TokenPattern::compile("(?<=a)b", "t.json");
  const auto elsewhere = TokenPattern::compile("(?<!a)b", "t.json");
  ASSERT_TRUE(after && elsewhere);
  const auto found = after->spans("abb ab"), others = elsewhere->spans("abb ab");
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_TRUE(others) << others.error().message();
  EXPECT_THAT(*found, ElementsAre(TokenSpan{0, 1, false}, TokenSpan{1, 2, true}, TokenSpan{2, 5, false},
                                  TokenSpan{5, 6, true}));
  EXPECT_THAT(*others, ElementsAre(TokenSpan{0, 2, false}, TokenSpan{2, 3, true}, TokenSpan{3, 6, false}));
  EXPECT_EQ(marked("(?<=ab)c", "abcabc"), "ab[c]ab[c]") << "by more than one character";
  EXPECT_EQ(marked("(?<=é)b", "éb"), "é[b]");
}

TEST(TokenPattern, ClassesMeanWhatOnigurumaMeansByThem) {
  EXPECT_EQ(marked(R"(\s)", "a\u180eb\u0085c\u3000d"), "a\u180eb[\u0085]c[\u3000]d")
      << "U+180E is no blank any more";
  EXPECT_EQ(marked(R"(\d)", "1٣²"), "[1][٣]²");
  EXPECT_EQ(marked(R"(\w+)", "aé_\u0301-x"), "[aé_\u0301]-[x]");
  EXPECT_EQ(marked(R"([^\w])", "a-b"), "a[-]b");
  EXPECT_EQ(marked(R"([\u3040-\u309f]+)", "aひb"), "a[ひ]b");
}

TEST(TokenPattern, TextsAreTakenAsTheyAre) {
  const auto literal = TokenPattern::literal("a.b", "t.json");
  ASSERT_TRUE(literal);
  EXPECT_THAT(*literal->spans("a.bacb"), ElementsAre(TokenSpan{0, 3, true}, TokenSpan{3, 6, false}));
  EXPECT_FALSE(TokenPattern::literal("", "t.json"));
  EXPECT_EQ(marked("a{1,2}?", "aa"), "[a][a]") << "without greed in both";
}

TEST(TokenPattern, WhatReadsDifferentlyIsTranslatedOrRefused) {
  EXPECT_EQ(translated(R"([\s\d]\S\.\x41\u00e9)"),
            R"([\p{White_Space}\p{Nd}]\P{White_Space}\.\x{41}\x{00e9})");
  for (const char* pattern :
       {R"(\h)", R"(\bx)", R"([a&&b])", R"([a[b]])", R"([]a])", "(?<n>a)", "(?m)a", "(*ACCEPT)", "a{,2}",
        "a{1,2}+", "a{3}?", R"(\K)", R"(\C)", R"(\pL)", R"([\W])", R"(\x{110000000})", "\\"}) {
    EXPECT_THAT(translated(pattern), HasSubstr("is not read here")) << pattern;
  }
  EXPECT_THAT(marked("(a", "a"), HasSubstr("cannot be read"));
  EXPECT_THAT(marked(R"(\p{Nonsense})", "a"), HasSubstr("cannot be read"));
  EXPECT_THAT(translated(std::string(5000, 'a')), HasSubstr("4096"));
}

TEST(TokenPattern, OneThatNeverEndsIsGivenUp) {
  EXPECT_THAT(marked("(?:a|aa)+$", std::string(200, 'a') + "b"), HasSubstr("too many steps"));
  // From each of its places one that ends soon; from all of them together one that does not.
  EXPECT_THAT(marked(R"(\s+$)", std::string(1 << 17, ' ') + "x"), HasSubstr("too many steps"));
  EXPECT_THAT(marked(R"((?>\s+)$)", std::string(1 << 17, ' ') + "x"), HasSubstr("too many steps"));
  EXPECT_EQ(marked(R"(\p{L}+)", std::string(1 << 20, 'a')), "[" + std::string(1 << 20, 'a') + "]");
}

// A known failure of models that write JSON; the pattern of Llama 3 runs over the rest of it from each blank.
TEST(TokenPattern, ManyBlanksAreReadToTheirEnd) {
  EXPECT_EQ(marked(R"(\s*[\r\n]+|\s+(?!\S)|\s+)", std::string(40'000, ' ') + "x"),
            "[" + std::string(39'999, ' ') + "][ ]x");
}

}  // namespace assay::token_pattern_test
