// JSON documents: what goes in comes out, in order and without loss; what is hostile is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/base.h"

namespace assay::json_test {

Json parsed(std::string_view text) {
  Result<Json> json = Json::parse(text, "x.json");
  EXPECT_TRUE(json) << text << ": " << (json ? "" : json.error().message());
  return json ? std::move(*json) : Json();
}

TEST(Json, ADocumentSurvivesTheRoundTrip) {
  const std::string text = R"({"z": 1, "a": [true, false, null, -2.5, "é\n\"\\"], "o": {}})";
  EXPECT_EQ(parsed(text).dump(), text);
}

TEST(Json, MembersKeepTheirOrderAndSetReplaces) {
  Json json;
  json.set("b", 1).set("a", 2).set("b", 3);
  EXPECT_EQ(json.dump(), R"({"b": 3, "a": 2})");
}

TEST(Json, IntegersOf64BitsPassUnharmed) {
  EXPECT_EQ(parsed("9223372036854775807").as_integer(), INT64_MAX);
  EXPECT_EQ(parsed("-9223372036854775808").as_integer(), INT64_MIN);
  EXPECT_TRUE(parsed("18446744073709551615").is_number());
  EXPECT_FALSE(parsed("1.0").is_integer());
}

TEST(Json, DoublesPrintWithTheFewestDigitsThatReadBackTheSame) {
  for (const double value : {0.1, 1.0 / 3, 1e300, 5e-324, -2.5}) {
    EXPECT_EQ(parsed(Json(value).dump()).as_number(), value) << Json(value).dump();
  }
  EXPECT_EQ(Json(0.1).dump(), "0.1");
  EXPECT_EQ(Json(std::nan("")).dump(), "null");
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).dump(), "null");
}

TEST(Json, ReadingNeverFails) {
  const Json json = parsed(R"({"n": 3, "s": "x"})");
  EXPECT_EQ(json["n"].as_string(), "");
  EXPECT_EQ(json["s"].as_integer(7), 7);
  EXPECT_TRUE(json["absent"]["deeper"].is_null());
  EXPECT_TRUE(json["s"].items().empty());
  EXPECT_EQ(json.find("absent"), nullptr);
}

TEST(Json, ErrorsCarryLineAndColumn) {
  const Result<Json> json = Json::parse("{\n  \"a\": nope\n}", "x.json");
  ASSERT_FALSE(json);
  EXPECT_TRUE(json.error().where.starts_with("x.json:2:")) << json.error().where;
}

TEST(Json, RefusesWhatIsNotOneDocument) {
  for (const char* text : {"", "{", "[1,]", "{\"a\":1}}", "nul", "\"open", "[1] [2]", "\"\xff\""}) {
    EXPECT_FALSE(Json::parse(text, "x")) << text;
  }
}

TEST(Json, DepthIsBounded) {
  EXPECT_FALSE(Json::parse(std::string(100'000, '['), "x"));
  parsed(std::string(60, '[') + std::string(60, ']'));
}

}  // namespace assay::json_test
