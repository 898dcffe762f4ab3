// Requests as servers meet them, whole, in two pieces at every place, and byte by byte: the pieces must never
// matter.
#include "http/request_parser.h"

#include <gmock/gmock.h>

#include <vector>

namespace assay::request_parser_test {

using ::testing::HasSubstr;
using Step = RequestParser::Step;

// What came out of pieces of bytes, as one text: "GET /x [body] keep; " or "error 400: …".
std::string told(const std::vector<std::string_view>& pieces, HttpLimits limits) {
  RequestParser parser(limits);
  std::string story, body;
  for (std::string_view input : pieces) {
    for (bool more = true; more;) {
      switch (parser.advance(input)) {
        case Step::kNeedMore:
          more = false;
          break;
        case Step::kHead:
          story += std::string(parser.method()) + " " + std::string(parser.path());
          if (const auto mark = parser.field("x-request-id")) story += " id=" + std::string(*mark);
          if (parser.expects_continue()) story += " expects";
          break;
        case Step::kBody:
          body += parser.body();
          break;
        case Step::kEnd:
          story += " [" + body + "] " + (parser.keep_alive() ? "keep; " : "close; ");
          body.clear();
          parser.restart();
          more = !input.empty();
          break;
        case Step::kError:
          return "error " + std::to_string(parser.error_status()) + ": " + std::string(parser.error());
      }
    }
  }
  return story + (parser.started() ? "unfinished" : "");
}

std::string story_of(std::string_view bytes, HttpLimits limits = {}) {
  const std::string whole = told({bytes}, limits);
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    EXPECT_EQ(told({bytes.substr(0, cut), bytes.substr(cut)}, limits), whole) << "cut at " << cut;
  }
  std::vector<std::string_view> single;
  for (size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  EXPECT_EQ(told(single, limits), whole) << "byte by byte";
  return whole;
}

TEST(HttpRequestParser, TakesRequestsOneAfterTheOther) {
  EXPECT_EQ(
      story_of("GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
               "POST /v1/chat/completions?x=1 HTTP/1.1\r\nX-Request-Id: 7\r\nContent-Length: 5\r\n\r\nhello"
               "GET / HTTP/1.1\r\n\r\n"),
      "GET /health [] keep; POST /v1/chat/completions id=7 [hello] keep; GET / [] keep; ");
}

TEST(HttpRequestParser, TakesChunkedBodies) {
  EXPECT_EQ(
      story_of(
          "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;a=b\r\n abc\r\n0\r\nT: 1\r\n\r\n"),
      "error 400: a chunk that is longer than its size says");
  EXPECT_EQ(
      story_of(
          "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n4;a=b\r\n abc\r\n0\r\nT: 1\r\n\r\n"),
      "POST /x [hello abc] keep; ");
}

TEST(HttpRequestParser, PassesOverEmptyLinesBeforeARequest) {
  EXPECT_EQ(story_of("\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
            "GET / [] keep; GET / [] keep; ");
}

TEST(HttpRequestParser, KeepsAliveAsTheVersionsSay) {
  EXPECT_EQ(story_of("GET / HTTP/1.0\r\n\r\n"), "GET / [] close; ");
  EXPECT_EQ(story_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "GET / [] keep; ");
  EXPECT_EQ(story_of("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), "GET / [] close; ");
}

TEST(HttpRequestParser, TellsWhoWaitsForContinue) {
  EXPECT_EQ(story_of("POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"),
            "POST / expects [x] keep; ");
  EXPECT_THAT(story_of("POST / HTTP/1.1\r\nExpect: miracles\r\n\r\n"), HasSubstr("error 417"));
}

TEST(HttpRequestParser, TakesTargetsInAbsoluteForm) {
  EXPECT_EQ(
      story_of("GET http://a:1/b?c HTTP/1.1\r\n\r\nGET http://a HTTP/1.1\r\n\r\nOPTIONS * HTTP/1.1\r\n\r\n"),
      "GET /b [] keep; GET / [] keep; OPTIONS * [] keep; ");
}

TEST(HttpRequestParser, RefusesGarbage) {
  EXPECT_EQ(story_of("hello\r\n\r\n"), "error 400: what came is not an HTTP request");
  EXPECT_EQ(story_of("GET / FTP/1.1\r\n\r\n"), "error 400: what came is not an HTTP request");
  EXPECT_THAT(story_of("GET / HTTP/2.0\r\n\r\n"), HasSubstr("error 505"));
  EXPECT_THAT(story_of("GET a/b HTTP/1.1\r\n\r\n"), HasSubstr("no path"));
  EXPECT_THAT(story_of("GET /a b HTTP/1.1\r\n\r\n"), HasSubstr("a blank"));
  EXPECT_THAT(story_of("GET / HTTP/1.1\r\nno colon\r\n\r\n"), HasSubstr("no field"));
  EXPECT_THAT(story_of("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n"), HasSubstr("bare CR"));
}

TEST(HttpRequestParser, RefusesWhatCouldSmuggleARequest) {
  EXPECT_THAT(story_of("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
              HasSubstr("two framings"));
  EXPECT_THAT(story_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), HasSubstr("two framings"));
  EXPECT_THAT(story_of("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"), HasSubstr("error 501"));
  EXPECT_THAT(story_of("POST / HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\n"), HasSubstr("two that differ"));
  EXPECT_THAT(story_of("POST / HTTP/1.1\r\nContent-Length : 1\r\n\r\n"), HasSubstr("no field"));
}

TEST(HttpRequestParser, EverythingIsBounded) {
  const HttpLimits small{.head_bytes = 100, .fields = 2, .body_bytes = 10};
  EXPECT_THAT(story_of("GET / HTTP/1.1\r\nX: " + std::string(100, 'a') + "\r\n\r\n", small),
              HasSubstr("error 431"));
  EXPECT_THAT(story_of("GET / HTTP/1.1\r\na: 1\r\nb: 1\r\nc: 1\r\n\r\n", small),
              HasSubstr("error 431: more fields"));
  EXPECT_THAT(story_of("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", small), HasSubstr("error 413"));
  const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(story_of(chunked + "6\r\n123456\r\n6\r\n123456\r\n", small), HasSubstr("error 413"));
  EXPECT_THAT(story_of(chunked + "1;" + std::string(200, 'e') + "\r\n", small), HasSubstr("extensions"));
}

}  // namespace assay::request_parser_test
