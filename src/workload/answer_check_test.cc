// JSON pointers by the examples of RFC 6901, and conditions on what they find.
#include "workload/answer_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::answer_check_test {

Json document(std::string_view text) {
  Result<Json> json = Json::parse(text, "test");
  EXPECT_TRUE(json) << text;
  return json ? *json : Json();
}

TEST(JsonPointer, FindsWhatRfc6901Says) {
  const Json rfc = document(R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"m~n":8," ":7})");
  EXPECT_EQ(json_at(rfc, ""), &rfc);
  EXPECT_EQ(json_at(rfc, "/foo/0")->as_string(), "bar");
  EXPECT_EQ(json_at(rfc, "/")->as_integer(-1), 0);
  EXPECT_EQ(json_at(rfc, "/a~1b")->as_integer(), 1);
  EXPECT_EQ(json_at(rfc, "/c%d")->as_integer(), 2);
  EXPECT_EQ(json_at(rfc, "/m~0n")->as_integer(), 8);
  EXPECT_EQ(json_at(rfc, "/ ")->as_integer(), 7);
  for (const char* none : {"/foo/2", "/foo/-", "/foo/-1", "/foo/00", "/foo/x", "/foo/0/0", "/bar", "/a"})
    EXPECT_EQ(json_at(rfc, none), nullptr) << none;
}

TEST(JsonPointer, BadOnesAreNamed) {
  EXPECT_EQ(json_pointer_problem(""), "");
  EXPECT_EQ(json_pointer_problem("/a/0"), "");
  EXPECT_NE(json_pointer_problem("a"), "");
  EXPECT_NE(json_pointer_problem("/~"), "");
  EXPECT_NE(json_pointer_problem("/~2"), "");
}

std::string problem(JsonCondition condition, std::string_view text) {
  return problem_of({std::move(condition)}, document(text));
}

TEST(AnswerCheck, ConditionsSayWhatTheyMiss) {
  EXPECT_EQ(problem({.pointer = "/a"}, R"({"a":null})"), "");
  EXPECT_EQ(problem({.pointer = "/b"}, R"({"a":1})"), "it has no /b");
  EXPECT_EQ(problem({.pointer = "/a", .equals = Json(1)}, R"({"a":1.0})"), "");
  EXPECT_EQ(problem({.pointer = "/a", .equals = Json("x")}, R"({"a":"y"})"), "/a is \"y\", not \"x\"");
  EXPECT_EQ(problem({.pointer = "/a", .minimum = 0, .maximum = 1}, R"({"a":0.5})"), "");
  EXPECT_EQ(problem({.pointer = "/a", .minimum = 0}, R"({"a":-1})"), "/a is -1, below 0");
  EXPECT_EQ(problem({.pointer = "/a", .maximum = 1}, R"({"a":2})"), "/a is 2, above 1");
  EXPECT_EQ(problem({.pointer = "/a", .maximum = 1}, R"({"a":"2"})"), "/a is \"2\", which is no number");
  EXPECT_EQ(problem({.pointer = "", .equals = Json(true)}, "true"), "");
}

TEST(AnswerCheck, QuotesLittleOfALargeAnswer) {
  const std::string large = "{\"a\":\"" + std::string(100'000, 'x') + "\"}";
  EXPECT_LT(problem({.pointer = "/a", .equals = Json(1)}, large).size(), 150U);
}

}  // namespace assay::answer_check_test
