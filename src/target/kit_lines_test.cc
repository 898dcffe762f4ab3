// Stories about the lines of a kit: what is taken, what is refused, and what ends the reading.
#include "target/kit_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::kit_lines_test {

using ::testing::HasSubstr;

constexpr std::string_view kHello =
    R"({"type": "hello", "protocol": "assay kit 1", "name": "my-kit", "version": "2.0"})"
    "\n";
constexpr std::string_view kDone = "{\"type\": \"done\"}\n";

struct Heard {
  std::vector<KitLineKind> kinds;
  std::string refusal;  // of records; "": all are taken
  KitLines lines;

  explicit Heard(KitLineLimits limits = {}, std::vector<std::string> secrets = {})
      : lines(
            [this](const KitLine& line) -> Result<void> {
              kinds.push_back(line.kind);
              last = line.json;
              if (line.kind == KitLineKind::kRecord && !refusal.empty()) return fail(refusal);
              return {};
            },
            std::move(secrets), limits) {}
  Json last;

  Result<void> say(std::string_view text) { return lines.feed(text); }
};

TEST(KitLines, AWholeKit) {
  Heard heard;
  ASSERT_TRUE(heard.say(kHello));
  ASSERT_TRUE(heard.say("{\"type\": \"device\", \"name\": \"X\"}\n{\"type\": \"record\"}\n"));
  ASSERT_TRUE(heard.say("{\"type\": \"progress\"}\n{\"type\": \"finding\"}\n"));
  EXPECT_FALSE(heard.lines.is_done());
  ASSERT_TRUE(heard.say(kDone));
  ASSERT_TRUE(heard.lines.finish());
  EXPECT_TRUE(heard.lines.is_done());
  EXPECT_EQ(heard.lines.hello()->name, "my-kit");
  EXPECT_EQ(heard.lines.hello()->version, "2.0");
  EXPECT_EQ(heard.kinds,
            (std::vector<KitLineKind>{KitLineKind::kHello, KitLineKind::kDevice, KitLineKind::kRecord,
                                      KitLineKind::kProgress, KitLineKind::kFinding, KitLineKind::kDone}));
  EXPECT_EQ(heard.lines.remarks().refused_lines + heard.lines.remarks().other_lines, 0);
}

TEST(KitLines, BytesMayComeOneByOneAndTheLastWithoutItsLineFeed) {
  Heard heard;
  const std::string all = std::string(kHello) + "\r\n" + std::string(kDone.substr(0, kDone.size() - 1));
  for (const char c : all) ASSERT_TRUE(heard.say({&c, 1}));
  ASSERT_TRUE(heard.lines.finish());
  EXPECT_TRUE(heard.lines.is_done());
}

TEST(KitLines, WhatALibraryPrintsIsPassedOver) {
  Heard heard;
  ASSERT_TRUE(heard.say("[W ProcessGroup.cpp:12] deprecated\n"));
  ASSERT_TRUE(heard.say(kHello));
  ASSERT_TRUE(heard.say("done!\n"));
  ASSERT_TRUE(heard.say(kDone));
  ASSERT_TRUE(heard.lines.finish());
  EXPECT_EQ(heard.lines.remarks().other_lines, 2);
  EXPECT_EQ(heard.lines.remarks().other_line, "[W ProcessGroup.cpp:12] deprecated");
  EXPECT_EQ(heard.lines.other_output(), "[W ProcessGroup.cpp:12] deprecated\ndone!\n");
}

TEST(KitLines, WithoutAHelloThereIsNoKit) {
  EXPECT_THAT(Heard().lines.finish().error().what, HasSubstr("never said hello"));
  Heard heard;
  ASSERT_TRUE(heard.say("Segmentation fault\n"));
  EXPECT_THAT(heard.lines.finish().error().what, HasSubstr("it printed: Segmentation fault"));
  EXPECT_THAT(Heard().say("{\"type\": \"record\"}\n").error().what, HasSubstr("first line is no hello"));
  EXPECT_THAT(Heard().say("{nonsense\n").error().what, HasSubstr("first line is no hello: {nonsense"));
}

TEST(KitLines, AnotherVersionIsNamedBesideTheOneThatIsKnown) {
  const Result<void> taken = Heard().say(
      "{\"type\": \"hello\", \"protocol\": \"assay kit 2\", \"name\": \"x\", \"version\": \"1\"}\n");
  EXPECT_EQ(taken.error().what,
            "it speaks the protocol 'assay kit 2', and this version of assay knows 'assay kit 1'");
}

TEST(KitLines, AHelloHasANameAndAVersion) {
  EXPECT_THAT(
      Heard()
          .say(
              "{\"type\": \"hello\", \"protocol\": \"assay kit 1\", \"name\": \"a b\", \"version\": \"1\"}\n")
          .error()
          .what,
      HasSubstr("names no kit that could be told ('a b')"));
  EXPECT_THAT(
      Heard().say("{\"type\": \"hello\", \"protocol\": \"assay kit 1\", \"name\": \"x\"}\n").error().what,
      HasSubstr("no version"));
}

TEST(KitLines, NaNIsNoNumber) {
  Heard heard;
  ASSERT_TRUE(heard.say(kHello));
  ASSERT_TRUE(heard.say("{\"type\": \"record\", \"value\": NaN}\n"));
  EXPECT_EQ(heard.lines.remarks().refused_lines, 1);
  EXPECT_THAT(heard.lines.remarks().refused_line, HasSubstr("it holds NaN, which is no number in JSON"));
}

TEST(KitLines, LinesOutOfPlaceAreRefused) {
  for (const auto& [text, why] :
       {std::pair{std::string(kHello), "hello was said before"},
        {"{\"type\": \"device\"}\n{\"type\": \"device\"}\n", "told before"},
        {"{\"type\": \"record\"}\n{\"type\": \"device\"}\n", "before the first record"},
        {"{\"type\": \"record\"}\n{\"type\": \"absent\"}\n", "something is there"},
        {"{\"type\": \"absent\"}\n{\"type\": \"record\"}\n", "behind absent"},
        {"{\"type\": \"done\"}\n{\"type\": \"record\"}\n", "behind done"},
        {"{\"type\": \"dance\"}\n", "'dance'"},
        {"{broken\n", "{broken"}}) {
    Heard heard;
    ASSERT_TRUE(heard.say(kHello));
    ASSERT_TRUE(heard.say(text)) << text;
    EXPECT_EQ(heard.lines.remarks().refused_lines, 1) << text;
    EXPECT_THAT(heard.lines.remarks().refused_line, HasSubstr(why));
  }
}

TEST(KitLines, RefusedRecordsAreCountedByThemselves) {
  Heard heard;
  heard.refusal = "its unit is a lie";
  ASSERT_TRUE(heard.say(kHello));
  ASSERT_TRUE(heard.say("{\"type\": \"record\"}\n{\"type\": \"record\"}\n"));
  EXPECT_EQ(heard.lines.remarks().refused_records, 2);
  EXPECT_EQ(heard.lines.remarks().refused_record, "its unit is a lie");
}

TEST(KitLines, EveryLimitEndsTheReading) {
  const KitLineLimits small{.line_bytes = 100, .bytes = 1000, .lines = 5, .other_lines = 3, .refused = 2};
  EXPECT_THAT(Heard(small).say(std::string(200, 'x')).error().what, HasSubstr("a line over 100 B"));
  EXPECT_THAT(Heard(small).say(std::string(200, '{') + "\n").error().what, HasSubstr("a line over 100 B"));
  EXPECT_THAT(Heard(small).say(std::string(2000, '\n')).error().what, HasSubstr("more than 1000 B"));
  EXPECT_THAT(Heard(small).say("a\nb\nc\nd\n").error().what, HasSubstr("more than 3 lines that are none"));
  Heard lines(small);
  EXPECT_THAT(lines.say("\n\n\n\n\n\n").error().what, HasSubstr("more than 5 lines"));
  Heard refused(small);
  ASSERT_TRUE(refused.say(kHello));
  EXPECT_THAT(refused.say("{a\n{b\n{c\n").error().what, HasSubstr("more than 2 of its lines and records"));
}

TEST(KitLines, SecretsAreHiddenBeforeAnythingIsRead) {
  Heard heard({}, {"hunter2", ""});
  ASSERT_TRUE(heard.say(kHello));
  ASSERT_TRUE(heard.say("my hunter2 and hunter2\n{\"type\": \"absent\", \"reason\": \"no hunter2\"}\n"));
  EXPECT_EQ(heard.lines.other_output(), "my *** and ***\n");
  EXPECT_EQ(heard.lines.absent_reason(), "no ***");
}

TEST(KitLines, ASecretIsHiddenHoweverJsonWritesIt) {
  Heard heard({}, {R"(pass"wo\rd)"});
  ASSERT_TRUE(heard.say(kHello));
  ASSERT_TRUE(heard.say(
      R"({"type": "finding", "text": "pass\"wo\\rd", "evidence": {"p\u0061ss\"wo\\rd": ["pass\"wo\\rd"]}})"
      "\n"));
  EXPECT_EQ(heard.last.dump(), R"({"type": "finding", "text": "***", "evidence": {"***": ["***"]}})");
  ASSERT_TRUE(heard.say(R"({"type": "finding", pass\"wo\\rd)"
                        "\n"));
  EXPECT_THAT(heard.lines.remarks().refused_line, testing::Not(HasSubstr("wo")));
}

TEST(KitLines, WhatIsHiddenMakesNoOtherLineOfOne) {
  Heard heard({}, {"assay", "GB/s", "2048"});
  ASSERT_TRUE(heard.say(kHello));
  ASSERT_TRUE(heard.say(R"({"type": "record", "unit": "GB/s", "value": 2048, "method": "2048 GB/s"})"
                        "\n"));
  EXPECT_EQ(heard.last.dump(), R"({"type": "record", "unit": "GB/s", "value": 2048, "method": "*** ***"})");
}

}  // namespace assay::kit_lines_test
