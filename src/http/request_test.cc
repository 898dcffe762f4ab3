// Requests as they go onto the wire.
#include "http/request.h"

#include <gtest/gtest.h>

namespace assay::request_test {

std::string written(const HttpRequest& request) {
  std::string out;
  append_request(request, out);
  return out;
}

TEST(HttpRequest, GetHasNoBodyAndNoLength) {
  EXPECT_EQ(written({.method = "GET", .target = "/v1/models", .host = "host:8000"}),
            "GET /v1/models HTTP/1.1\r\nHost: host:8000\r\n\r\n");
}

TEST(HttpRequest, PostHasItsLengthAndItsFieldsInOrder) {
  const HttpField fields[] = {{"Content-Type", "application/json"}, {"X-Request-Id", "7"}};
  EXPECT_EQ(written({.method = "POST", .target = "/", .host = "h", .fields = fields, .body = "{}"}),
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nX-Request-Id: 7\r\n"
            "Content-Length: 2\r\n\r\n{}");
  EXPECT_EQ(written({.method = "POST", .target = "", .host = "h"}),
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
}

TEST(HttpRequest, KnowsWhatCouldSmuggleAField) {
  EXPECT_TRUE(is_field_value("Bearer abc\tdef"));
  EXPECT_FALSE(is_field_value("key\n"));
  EXPECT_FALSE(is_field_value("key\r\nX: y"));
  EXPECT_FALSE(is_field_value(std::string_view("a\0b", 3)));
}

TEST(HttpRequestDeathTest, NeverWritesOne) {
  const HttpField fields[] = {{"Authorization", "a\r\nX: y"}};
  EXPECT_DEATH(written({.method = "GET", .target = "/", .host = "h", .fields = fields}), "is_field_value");
}

}  // namespace assay::request_test
