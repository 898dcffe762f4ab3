// Tokenizers as models use them: ids by hand for small vocabularies, and refusals that name what is missing.
// How the reader stands to others on large ones is tests/tokenizer's.
#include "workload/tokenizer/tokenizer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>

namespace assay::tokenizer_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A model of these members beside a vocabulary of a, b, c, ab, abc, d, ▁, ▁a, <unk>, <0xC3>, <0xA9>, Ġ, Ġa,
// from 0 on.
std::string file_of(const std::string& rest, const std::string& model = "") {
  return R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "d": 5, "▁": 6, "▁a": 7,)"
         R"("<unk>": 8, "<0xC3>": 9, "<0xA9>": 10, "Ġ": 11, "Ġa": 12},)"
         R"("merges": ["a b", ["ab", "c"], "▁ a", "Ġ a"])" +
         (model.empty() ? "" : ", " + model) + "}" + (rest.empty() ? "" : ", " + rest) + "}";
}

Tokenizer parsed(const std::string& json) {
  Result<Tokenizer> tokenizer = Tokenizer::parse(json, "t.json");
  if (!tokenizer) {
    ADD_FAILURE() << tokenizer.error().message();
    std::abort();
  }
  return std::move(*tokenizer);
}

std::vector<uint32_t> ids(const std::string& json, std::string_view text) {
  const auto found = parsed(json).encode(text);
  EXPECT_TRUE(found) << found.error().message();
  return found.value_or(std::vector<uint32_t>{});
}

std::string refusal(const std::string& json) {
  const Result<Tokenizer> tokenizer = Tokenizer::parse(json, "t.json");
  return tokenizer ? "it was taken" : tokenizer.error().message();
}

// ---- BPE ----

TEST(Tokenizer, MergesTheLowestRankFirstAndFromTheLeft) {
  EXPECT_THAT(ids(file_of(""), "abc"), ElementsAre(4));
  EXPECT_THAT(ids(file_of(""), "aababcb"), ElementsAre(0, 3, 4, 1));
  EXPECT_THAT(ids(file_of(""), ""), IsEmpty());
  // "aa" is merged where it stands first: aaa is aa a.
  const std::string twins = R"({"model": {"type": "BPE", "vocab": {"a": 0, "aa": 1}, "merges": ["a a"]}})";
  EXPECT_THAT(ids(twins, "aaaaa"), ElementsAre(1, 1, 0));
}

TEST(Tokenizer, CharactersWithoutATokenAreTheirBytesTheUnknownOrNothing) {
  EXPECT_THAT(ids(file_of(""), "aéxyb"), ElementsAre(3)) << "what is left out keeps nothing apart";
  EXPECT_THAT(ids(file_of("", R"("unk_token": "<unk>")"), "aéxyb"), ElementsAre(0, 8, 8, 8, 1));
  EXPECT_THAT(ids(file_of("", R"("unk_token": "<unk>", "fuse_unk": true)"), "aéxyb"), ElementsAre(0, 8, 1));
  EXPECT_THAT(ids(file_of("", R"("unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true)"), "aéxyb"),
              ElementsAre(0, 9, 10, 8, 1));
}

TEST(Tokenizer, AWordOfTheVocabularyCanGoBeforeMerges) {
  const std::string json =
      R"({"model": {"vocab": {"a": 0, "b": 1, "ab": 2, "ba": 3, "aba": 4}, "merges": ["b a", "a b"])";
  EXPECT_THAT(ids(json + "}}", "aba"), ElementsAre(0, 3));
  EXPECT_THAT(ids(json + R"(, "ignore_merges": true}})", "aba"), ElementsAre(4));
}

TEST(Tokenizer, AWordOfAMillionCharactersTakesNoLongerThanItMust) {
  EXPECT_EQ(ids(file_of(""), std::string(1'000'000, 'a')).size(), 1'000'000U);
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "abc";
  EXPECT_EQ(ids(file_of(""), text).size(), 300'000U);
}

// ---- what comes before ----

TEST(Tokenizer, NormalisersRunInTheirOrder) {
  const std::string llama2 =
      R"("normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},)"
      R"({"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})";
  EXPECT_THAT(ids(file_of(llama2), "a a"), ElementsAre(7, 7));
  EXPECT_THAT(ids(file_of(llama2), ""), IsEmpty()) << "an empty text gets no prefix";
  const std::string composed =
      R"({"model": {"type": "BPE", "vocab": {"é": 0, "e": 1}, "merges": []}, "normalizer": {"type": "NFC"}})";
  EXPECT_THAT(ids(composed, "e\u0301e"), ElementsAre(0, 1));
  EXPECT_THAT(ids(file_of(R"("normalizer": {"type": "NFKC"})"), "\uff41"), ElementsAre(0));
}

TEST(Tokenizer, BytesAreCutAsGpt2CutsThem) {
  EXPECT_THAT(ids(file_of(R"("pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false})"), "a a"),
              ElementsAre(0, 12));
  EXPECT_THAT(ids(file_of(R"("pre_tokenizer": {"type": "ByteLevel"})"), "a a"), ElementsAre(12, 12));
  const std::string without =
      R"("pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false})";
  EXPECT_THAT(ids(file_of(without), "a a"), ElementsAre(0, 12));
  EXPECT_EQ(parsed(file_of(without)).kind(), "byte-level BPE");
}

TEST(Tokenizer, MetaspacePutsItsMarkInFrontWhereItIsTold) {
  const auto with = [](const std::string& scheme) {
    return file_of(R"("pre_tokenizer": {"type": "Metaspace", "replacement": "▁", )" + scheme + "}");
  };
  EXPECT_THAT(ids(with(R"("prepend_scheme": "always")"), "a a"), ElementsAre(7, 7));
  EXPECT_THAT(ids(with(R"("prepend_scheme": "never")"), "a a"), ElementsAre(0, 7));
  EXPECT_THAT(ids(with(R"("add_prefix_space": false)"), "a a"), ElementsAre(0, 7));
  // After a special token the text does not begin any more.
  const std::string token = R"(, "added_tokens": [{"id": 99, "content": "<s>"}])";
  std::string first = with(R"("prepend_scheme": "first")");
  first.insert(first.size() - 1, token);
  EXPECT_THAT(ids(first, "a<s>a"), ElementsAre(7, 99, 0));
}

TEST(Tokenizer, MatchesGoWhereASplitPutsThem) {
  const auto with = [](const std::string& behaviour, const std::string& invert) {
    // Merges would join what a split keeps apart.
    return R"({"model": {"type": "BPE", "vocab": {"a": 0, "-": 1, "a-": 2, "-a": 3, "--": 4},)"
           R"("merges": ["a -", "- a", "- -"]}, "pre_tokenizer": {"type": "Split", "pattern": {"String": "-"},)"
           R"("behavior": ")" +
           behaviour + R"(", "invert": )" + invert + "}}";
  };
  EXPECT_THAT(ids(with("Isolated", "false"), "a--a"), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(ids(with("Removed", "false"), "a--a"), ElementsAre(0, 0));
  EXPECT_THAT(ids(with("Removed", "true"), "a--a"), ElementsAre(1, 1));
  EXPECT_THAT(ids(with("Contiguous", "false"), "a--a"), ElementsAre(0, 4, 0));
  EXPECT_THAT(ids(with("MergedWithPrevious", "false"), "a--a"), ElementsAre(2, 1, 0));
  EXPECT_THAT(ids(with("MergedWithNext", "false"), "a--a"), ElementsAre(0, 1, 3));
}

// ---- added tokens ----

TEST(Tokenizer, AddedTokensAreFoundFirstAndTheLongestOfThem) {
  const std::string json = file_of(
      R"("added_tokens": [{"id": 20, "content": "<a>"}, {"id": 21, "content": "<a>b"},)"
      R"({"id": 22, "content": "<l>", "lstrip": true}, {"id": 23, "content": "<r>", "rstrip": true}])",
      R"("unk_token": "<unk>")");
  EXPECT_THAT(ids(json, "ab<a>ab<a>b"), ElementsAre(3, 20, 3, 21));
  EXPECT_THAT(ids(json, "<a"), ElementsAre(8, 0));
  EXPECT_THAT(ids(json, "a \u3000<l> a"), ElementsAre(0, 22, 8, 0));
  EXPECT_THAT(ids(json, "a <r> \n a<l>"), ElementsAre(0, 8, 23, 0, 22));
}

TEST(Tokenizer, NormalisedAddedTokensAreLookedForInTheNormalisedText) {
  const std::string json = file_of(
      R"("normalizer": {"type": "NFKC"}, "added_tokens": [{"id": 20, "content": "Ａ", "normalized": true}])");
  EXPECT_THAT(ids(json, "aAＡ"), ElementsAre(0, 20, 20));
}

// ---- refusals ----

TEST(Tokenizer, WhatIsNotKnownIsRefusedByName) {
  EXPECT_THAT(refusal("[]"), HasSubstr("no tokenizer.json"));
  EXPECT_THAT(refusal("{"), HasSubstr("t.json:1"));
  EXPECT_THAT(refusal(R"({"model": {"type": "Unigram", "vocab": []}})"), HasSubstr("model Unigram"));
  EXPECT_THAT(refusal(R"({"model": {"type": "WordPiece", "vocab": {"a": 0}}})"),
              HasSubstr("model WordPiece"));
  EXPECT_THAT(refusal(file_of(R"("normalizer": {"type": "Lowercase"})")), HasSubstr("normalizer Lowercase"));
  EXPECT_THAT(refusal(file_of(R"("pre_tokenizer": {"type": "BertPreTokenizer"})")),
              HasSubstr("BertPreTokenizer"));
  EXPECT_THAT(refusal(file_of("", R"("dropout": 0.1)")), HasSubstr("dropout"));
  EXPECT_THAT(refusal(file_of("", R"("end_of_word_suffix": "</w>")")), HasSubstr("end_of_word_suffix"));
  EXPECT_THAT(refusal(file_of("", R"("unk_token": "x")")), HasSubstr("unk_token"));
  EXPECT_THAT(refusal(file_of(R"("added_tokens": [{"id": 1, "content": "x", "single_word": true}])")),
              HasSubstr("single_word"));
  EXPECT_THAT(refusal(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}})"),
              HasSubstr("merge 0"));
  EXPECT_THAT(refusal(R"({"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}})"),
              HasSubstr("no number"));
}

TEST(Tokenizer, ATextThatIsNotUtf8IsRefused) {
  EXPECT_FALSE(parsed(file_of("")).encode("a\xff"));
}

TEST(Tokenizer, StepsWithinStepsHaveAnEnd) {
  std::string deep = R"({"type": "NFC"})";
  for (int i = 0; i < 12; ++i) deep = R"({"type": "Sequence", "normalizers": [)" + deep + "]}";
  EXPECT_THAT(refusal(file_of(R"("normalizer": )" + deep)), HasSubstr("too many steps"));
}

}  // namespace assay::tokenizer_test
