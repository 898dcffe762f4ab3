// Responses, whole, in two pieces at every place, and byte by byte, and the whole also without taking chunks
// at once: that must never matter.
#include "http/response.h"

#include <gmock/gmock.h>

#include <vector>

namespace assay::response_test {

using ::testing::HasSubstr;
using Step = ResponseParser::Step;

// What came out of a stream of bytes, as one text: "200 [body] end keep" or "error: …".
class Story {
 public:
  explicit Story(HttpLimits limits = {}, bool takes_chunks = true)
      : parser_(limits), takes_chunks_(takes_chunks) {}

  void feed(std::string_view input) {
    while (true) {
      while (takes_chunks_) {
        const std::string_view chunk = parser_.take_chunk(input);
        if (chunk.empty()) break;
        body_ += chunk;
        ++chunks_;
      }
      switch (parser_.advance(input)) {
        case Step::kNeedMore:
          return;
        case Step::kHead:
          head();
          break;
        case Step::kBody:
          body_ += parser_.body();
          break;
        case Step::kEnd:
          end();
          parser_.restart();
          if (input.empty()) return;
          break;
        case Step::kError:
          text_ = "error: " + std::string(parser_.error());
          return;
      }
    }
  }

  std::string close() {
    if (parser_.started() || text_.empty()) {
      if (parser_.end_of_input() == Step::kEnd)
        end();
      else
        text_ = "error: " + std::string(parser_.error());
    }
    return text_;
  }

  int chunks() const { return chunks_; }  // that were taken at once

 private:
  void head() {
    text_ += std::to_string(parser_.status());
    if (const auto mark = parser_.field("x-mark")) text_ += " mark=" + std::string(*mark);
  }
  void end() {
    text_ += " [" + body_ + "] end" + (parser_.keep_alive() ? " keep; " : " close; ");
    body_.clear();
  }

  ResponseParser parser_;
  bool takes_chunks_;
  int chunks_ = 0;
  std::string text_, body_;
};

std::string told(const std::vector<std::string_view>& pieces, HttpLimits limits = {},
                 bool takes_chunks = true) {
  Story story(limits, takes_chunks);
  for (const std::string_view piece : pieces) story.feed(piece);
  return story.close();
}

// Checks that every way to cut the bytes tells the same, and returns it.
std::string story_of(std::string_view bytes, HttpLimits limits = {}) {
  const std::string whole = told({bytes}, limits);
  EXPECT_EQ(told({bytes}, limits, false), whole) << "chunks by their parts";
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    EXPECT_EQ(told({bytes.substr(0, cut), bytes.substr(cut)}, limits), whole) << "cut at " << cut;
  }
  std::vector<std::string_view> single;
  for (size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  EXPECT_EQ(told(single, limits), whole) << "byte by byte";
  return whole;
}

// A head of so many bytes, with a body of two.
std::string response_of(size_t head_bytes) {
  const std::string begin = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: ";
  return begin + std::string(head_bytes - begin.size() - 4, 'x') + "\r\n\r\nhi";
}

TEST(ResponseHead, MayEndAnywhereInThePiecesThatItIsReadIn) {
  for (const size_t middle : {1024, 2048}) {
    for (size_t bytes = middle - 5; bytes <= middle + 5; ++bytes) {
      Story story;
      story.feed(response_of(bytes));
      EXPECT_EQ(story.close(), "200 [hi] end keep; ") << bytes;
    }
  }
}

TEST(ResponseHead, TooLargeIsToldInWhicheverPiece) {
  for (const size_t limit : {1000, 1024, 1500, 2048}) {
    HttpLimits limits;
    limits.head_bytes = limit;
    Story fits(limits), larger(limits);
    fits.feed(response_of(limit));
    EXPECT_THAT(fits.close(), HasSubstr("[hi]")) << limit;
    larger.feed(response_of(limit + 1));
    EXPECT_THAT(larger.close(), HasSubstr("larger than is allowed")) << limit;
  }
}

TEST(HttpResponse, BodyOfAGivenLength) {
  EXPECT_EQ(story_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Mark:  a \r\n\r\nhello"),
            "200 mark=a [hello] end keep; ");
  EXPECT_EQ(story_of("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), "200 [] end keep; ");
  EXPECT_EQ(story_of("HTTP/1.1 200\r\nContent-Length: 2, 2\r\n\r\nok"), "200 [ok] end keep; ");
}

TEST(HttpResponse, ChunkedWithExtensionsAndTrailers) {
  EXPECT_EQ(story_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "5\r\nhello\r\n1;a=\"b\"\r\n,\r\n0006 \r\n world\r\n0\r\nX-T: 1\r\n\r\n"),
            "200 [hello, world] end keep; ");
  EXPECT_EQ(story_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n0\r\n\r\n"),
            "200 [] end keep; ");
  EXPECT_EQ(story_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n"),
            "200 [0123456789] end keep; ");
}

TEST(HttpResponse, BodyUntilTheConnectionEnds) {
  EXPECT_EQ(story_of("HTTP/1.1 200 OK\r\n\r\nall of it"), "200 [all of it] end close; ");
  EXPECT_EQ(story_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nzzz"), "200 [zzz] end close; ");
}

TEST(HttpResponse, SeveralOnOneConnection) {
  EXPECT_EQ(story_of("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: "
                     "2\r\n\r\nnoHTTP/1.1 200 OK\r\n"
                     "Content-Length: 1\r\nConnection: close\r\n\r\nx"),
            "204 [] end keep; 404 [no] end keep; 200 [x] end close; ");
}

TEST(HttpResponse, InterimResponsesArePassedOver) {
  EXPECT_EQ(story_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
            "200 [x] end keep; ");
  EXPECT_THAT(story_of("HTTP/1.1 101 Switching Protocols\r\n\r\n"), HasSubstr("switched protocols"));
  std::string many;
  for (int i = 0; i < 20; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_THAT(story_of(many), HasSubstr("too many interim"));
}

TEST(HttpResponse, KeepsAliveAsTheVersionsSay) {
  const std::string one_byte = "Content-Length: 1\r\n\r\nx";
  EXPECT_EQ(story_of("HTTP/1.0 200 OK\r\n" + one_byte), "200 [x] end close; ");
  EXPECT_EQ(story_of("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + one_byte), "200 [x] end keep; ");
  EXPECT_EQ(story_of("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n" + one_byte), "200 [x] end close; ");
}

TEST(HttpResponse, BareLineFeedsAndFoldedFieldsAreTaken) {
  EXPECT_EQ(story_of("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n"), "200 [ok] end keep; ");
  EXPECT_EQ(story_of("HTTP/1.1 200 OK\r\nX-Mark: a\r\n  b\r\nContent-Length: 0\r\n\r\n"),
            "200 mark=a    b [] end keep; ");
}

TEST(HttpResponse, BothFramingsMeanChunkedForTheLastTime) {
  EXPECT_EQ(
      story_of(
          "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
      "200 [x] end close; ");
}

TEST(HttpResponse, WhatIsCutOffIsAnError) {
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"), HasSubstr("within the body"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
              HasSubstr("within the body"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"),
              HasSubstr("within the body"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nContent-Le"), HasSubstr("within the head"));
  EXPECT_THAT(story_of(""), HasSubstr("before any response"));
}

TEST(HttpResponse, GarbageIsRefused) {
  const auto chunked = [](std::string body) {
    return story_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
  };
  EXPECT_THAT(story_of("SSH-2.0-OpenSSH_9.2\r\n\r\n"), HasSubstr("not an HTTP response"));
  EXPECT_THAT(story_of("\r\n\r\n"), HasSubstr("not an HTTP response"));
  EXPECT_THAT(story_of("SSH-2.0-OpenSSH_9.2\r\n"), HasSubstr("not an HTTP response")) << "before it ends";
  EXPECT_THAT(story_of("HTTQ"), HasSubstr("not an HTTP response"));
  EXPECT_THAT(story_of("HTTP"), HasSubstr("within the head"));
  EXPECT_THAT(story_of("HTTP/2 200\r\n\r\n"), HasSubstr("not HTTP/1.1"));
  EXPECT_THAT(story_of("HTTP/1.1 2x0 OK\r\n\r\n"), HasSubstr("status line"));
  EXPECT_THAT(story_of("HTTP/1.1 999 OK\r\n\r\n"), HasSubstr("100 to 599"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), HasSubstr("no field"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nName : x\r\n\r\n"), HasSubstr("no field"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\n: x\r\n\r\n"), HasSubstr("no field"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n"), HasSubstr("bare CR"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), HasSubstr("Content-Length"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
              HasSubstr("Content-Length"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
              HasSubstr("Content-Length"));
  EXPECT_THAT(chunked("\r\n"), HasSubstr("without digits"));
  EXPECT_THAT(chunked("5x\r\nhello"), HasSubstr("no number"));
  EXPECT_THAT(chunked("5\rx"), HasSubstr("bare CR"));
  EXPECT_THAT(chunked("2\r\nhello\r\n"), HasSubstr("longer than its size"));
  EXPECT_THAT(chunked("fffffffffffffffff\r\n"), HasSubstr("overflows"));
  EXPECT_THAT(chunked("ffffffffff\r\n"), HasSubstr("larger than is allowed"));
}

TEST(HttpResponse, EverythingIsBounded) {
  const HttpLimits small{.head_bytes = 100, .fields = 2, .body_bytes = 10};
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nX: " + std::string(100, 'a') + "\r\n\r\n", small),
              HasSubstr("head"));
  EXPECT_THAT(story_of(std::string(200, 'a'), small), HasSubstr("not an HTTP response"))
      << "however it is cut";
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\na: 1\r\nb: 1\r\nc: 1\r\n\r\n", small), HasSubstr("more fields"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", small), HasSubstr("body"));
  EXPECT_THAT(story_of("HTTP/1.1 200 OK\r\n\r\n12345678901", small), HasSubstr("body"));
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(story_of(chunked + "6\r\n123456\r\n6\r\n123456\r\n", small), HasSubstr("body"));
  EXPECT_THAT(story_of(chunked + "1;" + std::string(200, 'e') + "\r\n", small), HasSubstr("extensions"));
  EXPECT_THAT(story_of(chunked + "0\r\nX: " + std::string(200, 't') + "\r\n", small), HasSubstr("trailers"));
}

TEST(HttpResponse, WholeChunksAreTakenAtOnce) {
  Story story;
  story.feed(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n"           // taken
      "0A\r\n0123456789\r\n"   // taken
      "2;extension\r\nde\r\n"  // not usual
      "1\nf\n"                 // nor this
      "000000001\r\ng\r\n"     // nor so many digits
      "2\r\nhi\r\n"            // taken
      "2\r\nj");               // cut
  story.feed("k\r\n0\r\n\r\n");
  EXPECT_EQ(story.close(), "200 [abc0123456789defghijk] end keep; ");
  EXPECT_EQ(story.chunks(), 3);
}

TEST(HttpResponse, AChunkIsTakenWithinABodyOnly) {
  ResponseParser parser;
  std::string_view chunk = "1\r\na\r\n";
  EXPECT_EQ(parser.take_chunk(chunk), "");
  std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
  ASSERT_EQ(parser.advance(head), Step::kHead);
  EXPECT_EQ(parser.take_chunk(chunk), "") << "not in chunks";
  EXPECT_EQ(chunk.size(), 6U);
}

TEST(HttpResponse, TheBodyIsAViewIntoTheInput) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  ResponseParser parser;
  std::string_view input = bytes;
  ASSERT_EQ(parser.advance(input), Step::kHead);
  ASSERT_EQ(parser.advance(input), Step::kBody);
  EXPECT_EQ(parser.body().data(), bytes.data() + bytes.size() - 5);
}

}  // namespace assay::response_test
