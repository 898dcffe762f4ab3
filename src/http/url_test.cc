// URLs: what is taken, what is refused, and that a refusal says why.
#include "http/url.h"

#include <gmock/gmock.h>

namespace assay::url_test {

using ::testing::HasSubstr;
using ::testing::Not;

Url parsed(std::string_view text) {
  Result<Url> url = parse_url(text);
  EXPECT_TRUE(url) << text << ": " << (url ? "" : url.error().message());
  return url ? *url : Url();
}

std::string refused(std::string_view text) {
  const Result<Url> url = parse_url(text);
  EXPECT_FALSE(url) << text;
  return url ? "" : url.error().message();
}

TEST(Url, HasHostPortAndPath) {
  const Url url = parsed("http://127.0.0.1:8000/v1");
  EXPECT_FALSE(url.https);
  EXPECT_EQ(url.host, "127.0.0.1");
  EXPECT_EQ(url.port, 8000);
  EXPECT_EQ(url.path, "/v1");
  EXPECT_TRUE(url.ip_literal);
  EXPECT_EQ(url.authority(), "127.0.0.1:8000");
  EXPECT_EQ(url.text(), "http://127.0.0.1:8000/v1");
}

TEST(Url, TakesThePortOfItsScheme) {
  EXPECT_EQ(parsed("http://host").port, 80);
  EXPECT_EQ(parsed("https://host").port, 443);
  EXPECT_EQ(parsed("https://host:443/").authority(), "host");
  EXPECT_EQ(parsed("https://host:80").authority(), "host:80");
}

TEST(Url, IgnoresCaseOfSchemeAndHostAndSlashesAtTheEnd) {
  const Url url = parsed("HTTPS://Models.Example/V1//");
  EXPECT_TRUE(url.https);
  EXPECT_EQ(url.host, "models.example");
  EXPECT_EQ(url.path, "/V1");
  EXPECT_FALSE(url.ip_literal);
  EXPECT_EQ(parsed("http://host/").path, "");
}

TEST(Url, KnowsIpv6Literals) {
  const Url url = parsed("http://[::1]:8080/v1");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 8080);
  EXPECT_TRUE(url.ipv6_literal);
  EXPECT_EQ(url.authority(), "[::1]:8080");
  EXPECT_EQ(parsed("http://[::1]").authority(), "[::1]");
}

TEST(Url, RefusesWhatItIsNot) {
  EXPECT_THAT(refused("127.0.0.1:8000/v1"), HasSubstr("does not begin with http"));
  EXPECT_THAT(refused(""), HasSubstr("does not begin with http"));
  EXPECT_THAT(refused("ftp://host"), HasSubstr("does not begin with http"));
  EXPECT_THAT(refused("http://"), HasSubstr("no valid host"));
  EXPECT_THAT(refused("http:///v1"), HasSubstr("no valid host"));
  EXPECT_THAT(refused("http://ho%73t"), HasSubstr("no valid host"));
  EXPECT_THAT(refused("http://host:0"), HasSubstr("port"));
  EXPECT_THAT(refused("http://host:"), HasSubstr("port"));
  EXPECT_THAT(refused("http://host:65536"), HasSubstr("port"));
  EXPECT_THAT(refused("http://host:-1"), HasSubstr("port"));
  EXPECT_THAT(refused("http://host:+80"), HasSubstr("port"));
  EXPECT_THAT(refused("http://host:80x"), HasSubstr("port"));
  EXPECT_THAT(refused("http://::1/v1"), HasSubstr("valid host"));
  EXPECT_THAT(refused("http://[::1"), HasSubstr("not a port"));
  EXPECT_THAT(refused("http://[::g]"), HasSubstr("IPv6"));
  EXPECT_THAT(refused("http://[::1]x"), HasSubstr("not a port"));
  EXPECT_THAT(refused("http://host/v1?key=1"), HasSubstr("? or #"));
  EXPECT_THAT(refused("http://host#x"), HasSubstr("? or #"));
  EXPECT_THAT(refused("http://host/a b"), HasSubstr("blanks"));
  EXPECT_THAT(refused("http://host/\r\nX: y"), HasSubstr("control characters"));
  EXPECT_THAT(refused("http://h\xc3\xb6st"), HasSubstr("ASCII"));
  EXPECT_THAT(refused("http://host/" + std::string(4000, 'a')), HasSubstr("more than"));
}

TEST(Url, NeverRepeatsAPassword) {
  const std::string message = refused("http://user:hunter2@host/v1");
  EXPECT_THAT(message, HasSubstr("no user name or password"));
  EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  EXPECT_THAT(refused("htp://user:hunter2@host"), Not(HasSubstr("hunter2")));
}

TEST(Url, ASegmentOfAPathKeepsUnreservedCharactersOnly) {
  EXPECT_EQ(percent_encoded("a-Z_0.9~"), "a-Z_0.9~");
  EXPECT_EQ(percent_encoded("meta/llama 3:x\xc3\xa9"), "meta%2Fllama%203%3Ax%C3%A9");
}

}  // namespace assay::url_test
