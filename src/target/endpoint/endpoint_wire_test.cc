// What the server sees before the body.
#include "target/endpoint/endpoint_wire.h"

#include <gmock/gmock.h>

namespace assay::endpoint_wire_test {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

EndpointWire wire(std::string_view url, std::string key = "") {
  Result<Url> parsed = parse_url(url);
  EXPECT_TRUE(parsed) << url;
  return {parsed ? *parsed : Url(), std::move(key)};
}

TEST(EndpointWire, AQuestionIsAGetBelowTheUrlsPath) {
  const std::string bytes = wire("http://example:8000/v1").get("/models", 0);
  EXPECT_THAT(bytes, StartsWith("GET /v1/models HTTP/1.1\r\nHost: example:8000\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nX-Request-Id: assay-0\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nAccept: application/json\r\n"));
  EXPECT_THAT(bytes, Not(HasSubstr("Content-")));
  EXPECT_THAT(bytes, EndsWith("\r\n\r\n"));
}

TEST(EndpointWire, APostTakesAStreamOrADocument) {
  const std::string bytes = wire("http://example").post("/chat/completions", 42, "{}");
  EXPECT_THAT(bytes, StartsWith("POST /chat/completions HTTP/1.1\r\nHost: example\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nX-Request-Id: assay-42\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nAccept: text/event-stream, application/json\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nContent-Length: 2\r\n"));
  EXPECT_THAT(bytes, EndsWith("\r\n\r\n{}"));
}

TEST(EndpointWire, TheKeyGoesAlongWhereThereIsOne) {
  EXPECT_THAT(wire("http://example", "s3cret").get("/models", 0),
              HasSubstr("\r\nAuthorization: Bearer s3cret\r\n"));
  EXPECT_THAT(wire("http://example").get("/models", 0), Not(HasSubstr("Authorization")));
}

TEST(EndpointWire, ACallHasItsOwnTargetMethodAndHeaders) {
  const std::vector<std::pair<std::string, std::string>> headers = {{"X-Tenant", "a"},
                                                                    {"content-type", "application/x"}};
  EndpointCall call{.method = "PUT", .target = "/echo/7?x=1", .body = "{}", .rule = {}, .headers = &headers};
  call.rule.form = EndpointForm::kDocument;
  const std::string bytes = wire("http://example/v1", "s3cret").call(call, 42);
  EXPECT_THAT(bytes, StartsWith("PUT /echo/7?x=1 HTTP/1.1\r\nHost: example\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nX-Request-Id: assay-42\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nX-Tenant: a\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\ncontent-type: application/x\r\n"));
  EXPECT_THAT(bytes, Not(HasSubstr("Content-Type: ")));
  EXPECT_THAT(bytes, HasSubstr("\r\nAccept: application/json\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nAuthorization: Bearer s3cret\r\n"));
}

}  // namespace assay::endpoint_wire_test
