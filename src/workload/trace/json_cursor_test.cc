// Values are read one by one, and whatever is no JSON is refused where it stands.
#include "workload/trace/json_cursor.h"

#include <gtest/gtest.h>

#include <string>

#include "base/base.h"

namespace assay::json_cursor_test {

bool is_json(const std::string& text) {
  JsonCursor cursor(text);
  return cursor.skip() && cursor.peek() == '\0' && cursor.is_good();
}

TEST(JsonCursor, ReadsMembersInTheirOrder) {
  const std::string text = "\n{\"a\" : [1, -2.5e1,\"x\\\"y\"] ,\n\"b\":{}}";
  JsonCursor cursor(text);
  std::string_view key, raw;
  double number = 0;
  ASSERT_TRUE(cursor.begin_object());
  ASSERT_TRUE(cursor.next_member(key));
  EXPECT_EQ(key, "a");
  ASSERT_TRUE(cursor.begin_array());
  ASSERT_TRUE(cursor.next_item() && cursor.read_number(number));
  EXPECT_EQ(number, 1);
  ASSERT_TRUE(cursor.next_item() && cursor.read_number(number));
  EXPECT_EQ(number, -25);
  ASSERT_TRUE(cursor.next_item() && cursor.read_string(raw));
  EXPECT_EQ(raw, "x\\\"y");
  EXPECT_FALSE(cursor.next_item());
  ASSERT_TRUE(cursor.next_member(key));
  EXPECT_EQ(cursor.line(), 3U);
  ASSERT_TRUE(cursor.begin_object());
  EXPECT_FALSE(cursor.next_member(key));
  EXPECT_FALSE(cursor.next_member(key));
  EXPECT_TRUE(cursor.is_good());
  EXPECT_EQ(cursor.peek(), '\0');
}

TEST(JsonCursor, EqualIdsAreEqual) {
  JsonCursor cursor(R"([7, "7", 7.0, -1, "a", "a", 99999999999999999999])");
  std::vector<uint64_t> ids;
  ASSERT_TRUE(cursor.begin_array());
  while (cursor.next_item()) ASSERT_TRUE(cursor.read_id(ids.emplace_back()));
  EXPECT_EQ(ids.size(), 7U);
  EXPECT_EQ(ids[0], 7U);
  EXPECT_NE(ids[1], 7U);
  EXPECT_EQ(ids[3], UINT64_MAX);
  EXPECT_EQ(ids[4], ids[5]);
}

// The documents' own parser is the standard that this one is held against.
TEST(JsonCursor, AgreesWithTheDocumentParser) {
  for (const char* text :
       {"1",    "-0",    "0.5", "1e5",     "1E+5",     "01",         "1.",     ".5",
        "-",    "+1",    "1e",  "nul",     "null",     "true",       "[]",     "[1,]",
        "[,1]", "[1 2]", "{}",  "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",  "{\"a\":1 \"b\":2}",
        "[",    "{",     "\"",  "\"\\\"",  "\"a\"",    "\"\t\"",     "[[[]]]", "[}",
        "{]",   "",      " ",   "\"a\" 1", "[1]]"}) {
    EXPECT_EQ(is_json(text), Json::parse(text, "t").has_value()) << text;
  }
}

TEST(JsonCursor, NestingIsBounded) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(is_json(nested(64)));
  EXPECT_FALSE(is_json(nested(65)));
  EXPECT_FALSE(is_json(std::string(1'000'000, '[')));
  EXPECT_FALSE(is_json(std::string(1'000'000, '{')));
}

TEST(JsonCursor, WhatIsWrongStaysWrong) {
  JsonCursor cursor("[1, x, 2]");
  double number = 0;
  ASSERT_TRUE(cursor.begin_array() && cursor.next_item() && cursor.read_number(number) && cursor.next_item());
  EXPECT_FALSE(cursor.read_number(number));
  const std::string problem(cursor.problem());
  EXPECT_FALSE(cursor.skip() || cursor.next_item() || cursor.begin_array());
  EXPECT_EQ(cursor.problem(), problem);
}

TEST(JsonCursor, CountsTheBytesBehindEscapes) {
  for (const char* inside :
       {"", "abc", "\\n\\t\\\\", "\\u0041", "\\u00e9", "\\u20ac", "\\ud83d\\ude00", "ä€😀\\\"x"}) {
    const std::string document = "\"" + std::string(inside) + "\"";
    EXPECT_EQ(decoded_bytes(inside), Json::parse(document, "t")->as_string().size()) << inside;
  }
  EXPECT_LE(decoded_bytes("\\u00"), 4U);  // broken ones are counted somehow
  EXPECT_LE(decoded_bytes("\\"), 1U);
}

}  // namespace assay::json_cursor_test
