// Text: numbers as people read them, nearest names, and foreign text made harmless.
#include <gtest/gtest.h>

#include "base/base.h"

namespace assay::text_test {

TEST(Text, SplitsAndTrims) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(trim(" \t x y\r\n"), "x y");
  EXPECT_EQ(join(std::vector<std::string>{"a", "b"}, ", "), "a, b");
  EXPECT_TRUE(starts_with_ignoring_case("HTTP://x", "http://"));
  EXPECT_FALSE(starts_with_ignoring_case("ht", "http://"));
}

TEST(Text, ParsesWholeNumbersOnly) {
  EXPECT_EQ(parse_integer("-42"), -42);
  EXPECT_EQ(parse_integer("9223372036854775808"), std::nullopt);
  for (const char* text : {"", " 1", "1 ", "1x", "0x10", "1.5"})
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
  EXPECT_EQ(parse_number("2.5e3"), 2500.0);
  for (const char* text : {"", "inf", "nan", "1,5", "1 "})
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
}

TEST(Text, NumbersHaveTheDigitsTheyDeserve) {
  EXPECT_EQ(format_number(0), "0");
  EXPECT_EQ(format_number(0.012345), "0.0123");
  EXPECT_EQ(format_number(4.567), "4.57");
  EXPECT_EQ(format_number(9.999), "10.0");
  EXPECT_EQ(format_number(1234), "1230");
  EXPECT_EQ(format_number(12'345), "12,300");
  EXPECT_EQ(format_number(-1'234'567), "-1,230,000");
}

TEST(Text, CountsAgreeWithTheirThings) {
  EXPECT_EQ(counted(0, "kernel"), "0 kernels");
  EXPECT_EQ(counted(1, "kernel"), "1 kernel");
  EXPECT_EQ(counted(2, "kernel"), "2 kernels");
  EXPECT_EQ(counted(1, "query", "queries"), "1 query");
  EXPECT_EQ(counted(21, "query", "queries"), "21 queries");
}

TEST(Text, BytesAndDurations) {
  EXPECT_EQ(format_bytes(512), "512 B");
  EXPECT_EQ(format_bytes(int64_t{3} << 29), "1.50 GiB");
  EXPECT_EQ(format_duration(0.85), "850 ms");
  EXPECT_EQ(format_duration(12.34), "12.3 s");
  EXPECT_EQ(format_duration(245), "4 min 05 s");
  EXPECT_EQ(format_duration(0), "0 s");
  EXPECT_EQ(format_duration(-0.85), "−850 ms");
}

TEST(Text, SuggestsTheNearestNameAndNothingFarOff) {
  const std::vector<std::string> known = {"roofline", "load", "probe"};
  EXPECT_EQ(nearest("rofline", known), "roofline");
  EXPECT_EQ(nearest("laod", known), "load");
  EXPECT_EQ(nearest("quantise", known), std::nullopt);
  EXPECT_EQ(suggestion("prob", known), " Did you mean 'probe'?");
  EXPECT_EQ(suggestion("xyz", known), "");
}

TEST(Text, TheDashesOfAnOptionMakeItNoNearer) {
  const std::vector<std::string> known = {"--ca-file", "--seed"};
  EXPECT_EQ(suggestion("--profile", known), "");
  EXPECT_EQ(suggestion("--cafile", known), " Did you mean '--ca-file'?");
  EXPECT_EQ(suggestion("-seed", known), " Did you mean '--seed'?");
  EXPECT_EQ(suggestion("---", known), "");
}

TEST(Text, SuggestsNamesThatHoldWhatWasTyped) {
  const std::vector<std::string> known = {"goodput_per_s",  "output_throughput_per_s",
                                          "ttft_ms",        "throughput",
                                          "--request-rate", "input_throughput_per_s"};
  EXPECT_EQ(suggestion("ttft", known), " Did you mean 'ttft_ms'?");
  EXPECT_EQ(suggestion("Goodput", known), " Did you mean 'goodput_per_s'?");
  EXPECT_EQ(suggestion("through", known),
            " Did you mean 'throughput', 'output_throughput_per_s' or 'input_throughput_per_s'?");
  EXPECT_EQ(suggestion("--rate", known), " Did you mean '--request-rate'?");
  EXPECT_EQ(suggestion("put", known), "") << "inside a word";
  EXPECT_EQ(suggestion("ms", known), "") << "too short to mean anything";
  EXPECT_EQ(suggestion("", known), "");
  EXPECT_EQ(suggestion("--", known), "");
}

TEST(Sentences, HaveOneEndEach) {
  EXPECT_EQ(sentences("it is unknown", "Name another."), "it is unknown. Name another.");
  EXPECT_EQ(sentences("it is unknown.", "Name another."), "it is unknown. Name another.");
  EXPECT_EQ(sentences("Did you mean 'x'?", "There are x and y."), "Did you mean 'x'? There are x and y.");
  EXPECT_EQ(sentences("it is unknown", ""), "it is unknown");
}

TEST(Text, ForeignTextIsMadeHarmless) {
  EXPECT_EQ(escape_html("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(printable(std::string(300, 'x'), 10), "xxxxxxxxxx…");
  EXPECT_EQ(printable("ä€😀"), "ä€😀");
  EXPECT_EQ(printable("a\xff\xc3(\xc0\x80\xed\xa0\x80"), "a\\xff\\xc3(\\xc0\\x80\\xed\\xa0\\x80")
      << "broken UTF-8";
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m")
      << "an escape of one character";
  EXPECT_EQ(printable("xää", 4), "xä…") << "cut at a character";
  EXPECT_EQ(printable(std::string(100, '\x1b'), 10), "\\x1b\\x1b…");
}

TEST(Text, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("µs"), 2U);
  EXPECT_EQ(display_width("天数"), 4U);
  EXPECT_EQ(display_width("e\u0301"), 1U);
}

TEST(Text, ContentKeysTellContentsApart) {
  EXPECT_EQ(content_key("a").size(), 32U);
  EXPECT_EQ(content_key("a"), content_key("a"));
  EXPECT_NE(content_key("a"), content_key("b"));
  EXPECT_NE(content_key(""), content_key(std::string(1, '\0')));
}

}  // namespace assay::text_test
