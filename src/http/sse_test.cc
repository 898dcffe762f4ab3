// Event streams, whole, in two pieces at every place, and byte by byte.
#include "http/sse.h"

#include <gtest/gtest.h>

#include <vector>

namespace assay::sse_test {

using Step = SseParser::Step;

void feed(SseParser& parser, std::string_view input, std::string& out) {
  while (true) {
    switch (parser.advance(input)) {
      case Step::kNeedMore:
        return;
      case Step::kTooLong:
        out += "too long";
        return;
      case Step::kEvent:
        out += std::string(parser.event().type) + "(" + std::string(parser.event().data) + ")";
        if (!parser.event().id.empty()) out += "#" + std::string(parser.event().id);
        out += " ";
    }
  }
}

std::string told(const std::vector<std::string_view>& pieces, size_t limit) {
  SseParser parser(limit);
  std::string out;
  for (const std::string_view piece : pieces) {
    feed(parser, piece, out);
    if (out.ends_with("too long")) return out;
  }
  return out + (parser.unfinished() ? "…" : "");
}

std::string events_of(std::string_view bytes, size_t limit = 1 << 20) {
  const std::string whole = told({bytes}, limit);
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    EXPECT_EQ(told({bytes.substr(0, cut), bytes.substr(cut)}, limit), whole) << "cut at " << cut;
  }
  std::vector<std::string_view> single;
  for (size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  EXPECT_EQ(told(single, limit), whole) << "byte by byte";
  return whole;
}

TEST(Sse, AnEventIsLinesUntilAnEmptyOne) {
  EXPECT_EQ(events_of("data: {\"a\":1}\n\ndata: [DONE]\n\n"), "({\"a\":1}) ([DONE]) ");
}

TEST(Sse, AllLineEndsCountAndMayBeMixed) {
  EXPECT_EQ(events_of("data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\n"), "(a) (b) (c) (d) ");
}

TEST(Sse, DataLinesAreJoined) {
  EXPECT_EQ(events_of("data: a\ndata\ndata:b\ndata:  c\n\n"), "(a\n\nb\n c) ");
}

TEST(Sse, EmptyDataIsAnEventButNoDataIsNone) {
  EXPECT_EQ(events_of("data:\n\n"), "() ");
  EXPECT_EQ(events_of("event: ping\n\n: a comment\n\n\n\ndata: x\n\n"), "(x) ");
}

TEST(Sse, TypeHoldsForOneEventAndIdUntilChanged) {
  EXPECT_EQ(events_of("event: error\nid: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"), "error(a)#7 (b)#7 (c) ");
  EXPECT_EQ(events_of(std::string_view("id: a\0b\ndata: x\n\n", 17)), "(x) ");
}

TEST(Sse, UnknownFieldsAreIgnored) {
  EXPECT_EQ(events_of("foo: x\nDATA: y\n data: z\ndata: a\n\n"), "(a) ");
}

TEST(Sse, AByteOrderMarkAtTheStartIsPassedOver) {
  EXPECT_EQ(events_of("\xef\xbb\xbf"
                      "data: a\n\n\xef\xbb\xbf"
                      "data: b\n\n"),
            "(a) ");
  EXPECT_EQ(events_of("\xef\xbb"
                      "data: a\n\ndata: b\n\n"),
            "(b) ");
}

TEST(Sse, WhatIsNotFinishedIsNoEvent) {
  EXPECT_EQ(events_of("data: a\n\ndata: b\n"), "(a) …");
  EXPECT_EQ(events_of("data: a\n\nda"), "(a) …");
}

TEST(Sse, AnEventIsBounded) {
  EXPECT_EQ(events_of("data: a\n\ndata: " + std::string(100, 'x') + "\n\n", 50), "(a) too long");
  std::string many;
  for (int i = 0; i < 20; ++i) many += "data: xxxx\n";
  EXPECT_EQ(events_of(many, 50), "too long");
  std::string comments;
  for (int i = 0; i < 20; ++i) comments += ": keep-alive\n";
  EXPECT_EQ(events_of(comments + "data: a\n\n", 50), "(a) ");
}

TEST(Sse, AWholeEventIsAViewIntoTheInput) {
  const std::string bytes = ": hi\ndata: hello\n\n";
  SseParser parser;
  std::string_view input = bytes;
  ASSERT_EQ(parser.advance(input), Step::kEvent);
  EXPECT_EQ(parser.event().data.data(), bytes.data() + 11);
}

TEST(Sse, RestartForgetsTheStreamBefore) {
  SseParser parser;
  std::string out;
  feed(parser, "id: 3\nevent: x\ndata: half", out);
  parser.restart();
  feed(parser,
       "\xef\xbb\xbf"
       "data: a\n\n",
       out);
  EXPECT_EQ(out, "(a) ");
}

}  // namespace assay::sse_test
