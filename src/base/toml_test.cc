// TOML documents: values, file order, positions, and what is refused before and by the parser.
#include <gtest/gtest.h>

#include "base/base.h"

namespace assay::toml_test {

TomlValue parsed(std::string_view text) {
  Result<TomlValue> document = parse_toml(text, "x.toml");
  EXPECT_TRUE(document) << document.error().message();
  return document ? std::move(*document) : TomlValue();
}

Error error_of(std::string_view text) {
  Result<TomlValue> document = parse_toml(text, "x.toml");
  EXPECT_FALSE(document) << text;
  return document ? Error() : document.error();
}

TEST(Toml, ReadsEveryKindOfValue) {
  const TomlValue document =
      parsed("s = 'a'\ni = -7\nd = 2.5\nb = true\nt = 2026-11-24\na = [1, 'x']\n[table]\nk = 1\n");
  EXPECT_EQ(document.find("s")->text, "a");
  EXPECT_EQ(document.find("i")->integer, -7);
  EXPECT_EQ(document.find("i")->number, -7.0);
  EXPECT_EQ(document.find("d")->number, 2.5);
  EXPECT_TRUE(document.find("b")->boolean);
  EXPECT_EQ(document.find("t")->kind, TomlKind::kDate);
  EXPECT_EQ(document.find("t")->text, "2026-11-24");
  ASSERT_EQ(document.find("a")->items.size(), 2U);
  EXPECT_EQ(document.find("a")->items[1].text, "x");
  EXPECT_EQ(document.find("table")->find("k")->integer, 1);
  EXPECT_EQ(document.find("nothing"), nullptr);
}

TEST(Toml, KeepsTheOrderOfTheFile) {
  const TomlValue document =
      parsed("zebra = 1\nant = 2\n[[target]]\nname = 'b'\n[[target]]\nname = 'a'\n[bee]\n");
  std::string order;
  for (const TomlMember& member : document.members) order += member.key + " ";
  EXPECT_EQ(order, "zebra ant target bee ");
  EXPECT_EQ(document.find("target")->items[0].find("name")->text, "b");
}

TEST(Toml, KnowsWhereKeysAndValuesStand) {
  const TomlValue document = parsed("a = 1\n\n[[target]]\n  name = 'x'\n");
  EXPECT_EQ(document.members[0].key_at, (TomlPosition{1, 1}));
  EXPECT_EQ(document.members[0].value.at, (TomlPosition{1, 5}));
  const TomlValue& target = document.find("target")->items[0];
  EXPECT_EQ(target.at.line, 3U);
  EXPECT_EQ(target.members[0].key_at, (TomlPosition{4, 3}));
  EXPECT_EQ(target.members[0].value.at, (TomlPosition{4, 10}));
  EXPECT_EQ(toml_where("x.toml", target.members[0].value.at), "x.toml:4:10");
  EXPECT_EQ(toml_where("x.toml", {}), "x.toml");
}

TEST(Toml, AnErrorPointsIntoTheFile) {
  const Error error = error_of("name = 'x'\nseed = = 3\n");
  EXPECT_TRUE(error.where.starts_with("x.toml:2:")) << error.where;
  EXPECT_TRUE(error.what.starts_with("not TOML: ")) << error.what;
  EXPECT_FALSE(error.remedy.empty());
  EXPECT_TRUE(error_of("a = 1\na = 2\n").where.starts_with("x.toml:2:"));
  EXPECT_TRUE(error_of("a = 'never closed\n").where.starts_with("x.toml:1:"));
}

TEST(Toml, AForgottenQuoteIsToldWhereItsStringBegins) {
  for (const char* text : {"a = 1\nname = \"unfinished\nb = 2\n", "a = 1\nname = 'unfinished\nb = 2\n",
                           "a = 1\nname = \"unfinished", "a = 1\nname = \"\"\"unfinished\nb = 2\n"}) {
    const Error error = error_of(text);
    EXPECT_EQ(error.where, "x.toml:2:8") << text;
    EXPECT_EQ(error.what, "not TOML: the string that begins here has no quote at its end") << text;
  }
  EXPECT_EQ(error_of("list = [\"ä\", \"b]\n").where, "x.toml:1:14");
}

TEST(Toml, AWordWithoutQuotesIsNamed) {
  const std::string advice = "' is no value: a string stands in \"quotes\", true and false are written so";
  EXPECT_EQ(error_of("name = unfinished # x\n").what, "not TOML: 'unfinished" + advice);
  EXPECT_EQ(error_of("name = unfinished\"\nb = \"2\"\n").what, "not TOML: 'unfinished\"" + advice);
  EXPECT_EQ(error_of("name = “x”\n").what, "not TOML: '“x”" + advice);
  EXPECT_EQ(error_of("ok = True\n").what, "not TOML: 'True" + advice);
  EXPECT_EQ(error_of("exams = [load, \"probe\"]\n").what, "not TOML: 'load" + advice);
}

TEST(Toml, OtherFaultsAreToldWithoutTheParsersInwards) {
  EXPECT_EQ(error_of("name \"x\"\n").what, "not TOML: expected '=', saw '\"'");
  EXPECT_EQ(error_of("exams = [\"load \"probe\"]\n").what,
            "not TOML: expected comma or closing ']', saw 'p'");
  EXPECT_EQ(error_of("seed = 1\nseed = 2\n").what, "not TOML: cannot redefine existing integer 'seed'");
}

TEST(Toml, RefusesWhatIsTooLarge) {
  const Error error = error_of(std::string(kMaxTomlBytes + 1, '\n'));
  EXPECT_EQ(error.where, "x.toml");
  EXPECT_NE(error.what.find("1.00 MiB"), std::string::npos) << error.what;
}

TEST(Toml, RefusesDeepBracketsBeforeParsingThem) {
  const Error error = error_of("ok = 1\na = " + std::string(100'000, '['));
  EXPECT_EQ(error.where, "x.toml:2:37");
  EXPECT_EQ(error.what, "nested deeper than 32 levels");
  parsed("a = " + std::string(30, '[') + std::string(30, ']') + "\n");
}

TEST(Toml, RefusesLongDottedKeysBeforeParsingThem) {
  std::string key = "a";
  for (int i = 0; i < 100'000; ++i) key += ".a";
  EXPECT_EQ(error_of(key + " = 1\n").what, "a key with more than 16 parts");
  EXPECT_EQ(error_of("[" + key + "]\n").what, "a key with more than 16 parts");
  parsed("a.b.c.d = 1\n");
}

TEST(Toml, NestingTooDeepIsFoundAtItsCodePoint) {
  const std::string nested(100, '[');
  const auto plain = parse_toml("a = \"ae\"\nb = [\"ae\", " + nested, "s.toml");
  const auto umlauts = parse_toml("a = \"äé\"\nb = [\"äé\", " + nested, "s.toml");
  ASSERT_FALSE(plain);
  ASSERT_FALSE(umlauts);
  EXPECT_EQ(umlauts.error().where, plain.error().where);
}

TEST(Toml, BracketsAndDotsInStringsAndCommentsDoNotCount) {
  const std::string brackets(100, '[');
  const std::string dots = "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t";
  const TomlValue document = parsed(
      "# " + brackets + dots + "\na = \"" + brackets + "\\\"" + dots + "\"\nb = '" + brackets +
      "\\'\nc = \"\"\"" + brackets + "\n\"\"" + dots + "\"\"\"\"\nd = '''" + brackets +
      "'''\ne = [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5]\n");
  EXPECT_EQ(document.find("a")->text, brackets + "\"" + dots);
  EXPECT_EQ(document.find("d")->text, brackets);
  EXPECT_EQ(document.find("e")->items.size(), 17U);
}

}  // namespace assay::toml_test
