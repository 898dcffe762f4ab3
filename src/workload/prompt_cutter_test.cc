// Prompts cut by a tokenizer: as long as asked for, the same every time, and one the beginning of another.
#include "workload/prompt_cutter.h"

#include <gmock/gmock.h>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>

#include "os/os.h"
#include "workload/tokenizer/tokenizer.h"
#include "workload/workload.h"

namespace assay::prompt_cutter_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// ---- where tokens end ----

std::vector<uint32_t> ends_of(std::string_view text, const std::vector<std::string>& pieces) {
  SpelledText spelled(text);
  for (const std::string& piece : pieces) spelled.add(piece);
  return spelled.take();
}

TEST(SpelledText, TellsWhereTokensEndIfTheySpellTheText) {
  EXPECT_THAT(ends_of("the house", {"the", " hou", "se"}), ElementsAre(3, 7, 9));
  EXPECT_THAT(ends_of("the house", {" the", " house"}), ElementsAre(3, 9)) << "the first blank was put there";
  EXPECT_THAT(ends_of(" the", {" the"}), ElementsAre(4)) << "this one was not";
  EXPECT_THAT(ends_of("the house", {"the", " hou"}), IsEmpty());
  EXPECT_THAT(ends_of("the house", {"the", "house"}), IsEmpty());
  EXPECT_THAT(ends_of("the", {"the", "re"}), IsEmpty());
}

// ---- cut by real readers ----

// Tokenizers in the styles of today's models, with vocabularies of a size that makes words of one, two and
// many tokens: made here of every second of the corpora's words, by merging its characters from the left.
class Style {
 public:
  Style(std::string name, Json normaliser, Json pre_tokeniser, bool is_byte_level,
        Json options = Json::object())
      : name_(std::move(name)),
        normaliser_(std::move(normaliser)),
        pre_tokeniser_(std::move(pre_tokeniser)),
        is_byte_level_(is_byte_level),
        options_(std::move(options)) {}

  const std::string& name() const { return name_; }

  Tokenizer make() const {
    Json vocabulary = Json::object(), merges = Json::array();
    std::set<std::string> known;
    int64_t next = 0;
    const auto add = [&](const std::string& token) {
      if (known.insert(token).second) vocabulary.append_member(token, next++);
    };
    if (is_byte_level_) {
      for (unsigned byte = 0; byte < 256; ++byte) add(symbol(static_cast<char>(byte)));
    } else {
      for (unsigned byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte));
      for (char c = '!'; c <= '~'; ++c) add(std::string(1, c));
      add("▁");
    }
    std::set<std::pair<std::string, std::string>> merged;
    const auto merge = [&](const std::string& left, const std::string& right) {
      if (merged.insert({left, right}).second) merges.push(Json::array().push(left).push(right));
      add(left + right);
    };
    // Indentation.
    for (std::string blanks = symbol(' '); blanks.size() < 32; blanks += blanks) merge(blanks, blanks);
    for (const std::string& corpus : corpus_names()) {
      bool is_second = false;
      for (const std::string_view word : words_of_corpus(corpus_text(corpus))) {
        is_second = !is_second;
        if (!is_second || !std::ranges::all_of(word, [](char c) { return std::isalpha(c) != 0; })) continue;
        for (const std::string& text : {std::string(word), " " + std::string(word)}) {
          std::string left = symbol(text[0]);
          for (const char c : text.substr(1)) {
            if (merged.insert({left, symbol(c)}).second)
              merges.push(Json::array().push(left).push(symbol(c)));
            left += symbol(c);
            add(left);
          }
        }
      }
    }
    Json model = options_;
    model.set("type", "BPE").set("vocab", std::move(vocabulary)).set("merges", std::move(merges));
    if (!is_byte_level_) model.set("byte_fallback", true);
    const Json file = Json::object()
                          .set("normalizer", normaliser_)
                          .set("pre_tokenizer", pre_tokeniser_)
                          .set("model", std::move(model));
    auto tokenizer = Tokenizer::parse(file.dump(), name_);
    CHECK(tokenizer);
    return std::move(*tokenizer);
  }

 private:
  // As GPT-2 writes bytes, or as SentencePiece writes blanks.
  std::string symbol(char c) const {
    const auto byte = static_cast<unsigned char>(c);
    if (!is_byte_level_) return c == ' ' ? "▁" : std::string(1, c);
    if (byte <= ' ') return utf8(0x100 + byte);
    if (byte < 0x7f) return std::string(1, c);
    if (byte <= 0xa0) return utf8(0x121 + byte - 0x7f);
    return byte == 0xad ? utf8(0x143) : utf8(byte);
  }
  static std::string utf8(unsigned point) {
    return {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 0x3f))};
  }

  std::string name_;
  Json normaliser_, pre_tokeniser_;
  bool is_byte_level_;
  Json options_;
};

Json parsed(std::string_view text) {
  auto json = Json::parse(text, "test");
  CHECK(json);
  return std::move(*json);
}

std::vector<Style> styles() {
  const Json llama3 = parsed(R"({"type": "Sequence", "pretokenizers": [
      {"type": "Split", "behavior": "Isolated", "pattern": {"Regex":
       "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})");
  const Json blank_in_front = parsed(R"({"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})");
  return {
      {"GPT-2", nullptr, parsed(R"({"type": "ByteLevel", "add_prefix_space": false})"), true},
      {"blank in front", nullptr, parsed(R"({"type": "ByteLevel", "add_prefix_space": true})"), true},
      {"Llama 3", nullptr, llama3, true, Json::object().set("ignore_merges", true)},
      {"Llama 2", blank_in_front, nullptr, false},
      {"Gemma", parsed(R"({"type": "Replace", "pattern": {"String": " "}, "content": "▁"})"),
       parsed(R"({"type": "Split", "behavior": "MergedWithPrevious", "pattern": {"String": " "}})"), false},
  };
}

int64_t count(const Tokenizer& tokenizer, std::string_view text) {
  const auto tokens = tokenizer.encode(text);
  EXPECT_TRUE(tokens);
  return tokens ? static_cast<int64_t>(tokens->size()) : 0;
}

std::optional<CorpusTokens> corpus_tokens(const Tokenizer& tokenizer, std::string_view text) {
  const auto ends = tokenizer.ends(text);
  if (!ends) return std::nullopt;
  std::map<std::string_view, WordTokens> words;
  const int64_t before = count(tokenizer, "a");
  for (const std::string_view word : words_of_corpus(text)) {
    words[word] = {.alone = count(tokenizer, word),
                   .behind_blank = count(tokenizer, "a " + std::string(word)) - before};
  }
  return CorpusTokens::create(text, *ends, words);
}

struct Errors {
  int64_t prompts = 0, exact = 0, sum = 0, largest = 0;

  void add(int64_t error) {
    ++prompts;
    exact += error == 0 ? 1 : 0;
    sum += error;
    largest = std::max(largest, std::abs(error));
  }
};

// Prompts of one to four stretches, short and long, round the end of the corpus too. `unclaimed`: beyond what
// the cutter itself says.
Errors errors_of(const Tokenizer& tokenizer, const PromptCutter& cutter, const std::string& corpus,
                 Errors& unclaimed) {
  Errors errors;
  for (uint64_t i = 0; i < 200; ++i) {
    Random random(7, random_stream("cutter test"), i);
    std::string prompt;
    int64_t asked = 0, claimed = 0;
    for (uint64_t part = 0; part <= i % 4; ++part) {
      const auto tokens = static_cast<uint32_t>(1 + random.below(i % 3 == 0 ? 1500 : 60));
      if (part > 0) prompt += ' ';
      claimed += cutter.append(corpus, random.next(), tokens, part > 0, prompt);
      asked += tokens;
    }
    const int64_t counted = count(tokenizer, prompt);
    errors.add(counted - asked);
    unclaimed.add(counted - asked - claimed);
  }
  return errors;
}

PromptCutter cutter_of(const Tokenizer& tokenizer, const std::string& corpus) {
  PromptCutter cutter;
  std::optional<CorpusTokens> tokens = corpus_tokens(tokenizer, corpus_text(corpus));
  EXPECT_TRUE(tokens);
  if (tokens) cutter.set_tokens(corpus, std::move(*tokens));
  return cutter;
}

TEST(PromptCutterInTheory, PromptsHaveTheTokensThatAreAskedFor) {
  for (const Style& style : styles()) {
    const Tokenizer tokenizer = style.make();
    for (const std::string& corpus : corpus_names()) {
      Errors unclaimed;
      const Errors errors = errors_of(tokenizer, cutter_of(tokenizer, corpus), corpus, unclaimed);
      SCOPED_TRACE(fmt::format("{} {}: {} of {} exact, sum {}, largest {}; not known {}, largest {}",
                               style.name(), corpus, errors.exact, errors.prompts, errors.sum, errors.largest,
                               unclaimed.prompts - unclaimed.exact, unclaimed.largest));
      // Between blanks nothing can be cut; words that a vocabulary holds whole without merging them are
      // seldom made by a cut.
      EXPECT_GE(errors.exact, errors.prompts * 6 / 10);
      EXPECT_LE(errors.largest, 6);
      EXPECT_LE(std::abs(errors.sum), errors.prompts * 15 / 100);
      EXPECT_GE(unclaimed.exact, errors.prompts * (style.name() == "Llama 3" ? 90 : 98) / 100);
      EXPECT_LE(unclaimed.largest, style.name() == "Llama 3" ? 4 : 1);
    }
  }
}

TEST(PromptCutter, TheSameSeedCutsTheSameAndAShorterOneIsTheBeginningOfALongerOne) {
  const Tokenizer tokenizer = styles().front().make();
  const PromptCutter cutter = cutter_of(tokenizer, "code"), again = cutter_of(tokenizer, "code");
  std::set<std::string> beginnings;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const uint64_t place = seed * 999'983;
    std::string longer = cutter.text("code", place, 130);
    EXPECT_EQ(longer, again.text("code", place, 130));
    for (uint32_t tokens = 129; tokens > 4; tokens -= 4) {
      const std::string shorter = cutter.text("code", place, tokens);
      EXPECT_TRUE(longer.starts_with(shorter)) << seed << " " << tokens;
      EXPECT_FALSE(shorter.empty() || std::isspace(shorter.back()) || std::isspace(shorter.front()));
      EXPECT_TRUE(is_valid_utf8(shorter));
      longer = shorter;
    }
    beginnings.insert(cutter.text("code", place, 12));
  }
  EXPECT_GT(beginnings.size(), 190U) << "prompts begin at many places";
}

TEST(PromptCutter, APromptMayBeLongerThanTheCorpus) {
  const Tokenizer tokenizer = styles().front().make();
  const PromptCutter cutter = cutter_of(tokenizer, "prose");
  const std::string prompt = cutter.text("prose", UINT64_MAX, 200'000);
  EXPECT_NEAR(static_cast<double>(count(tokenizer, prompt)), 200'000, 4);
}

TEST(PromptCutter, WithoutATokenizerNothingChanges) {
  PromptCutter cutter;
  EXPECT_EQ(cutter.text("prose", 77, 50), prompt_text("prose", 77, 50, 4.2));
  std::string behind = "x ";
  EXPECT_EQ(cutter.append("prose", 77, 50, true, behind), 0);
  EXPECT_EQ(behind, "x " + prompt_text("prose", 77, 50, 4.2));
  cutter.set_bytes_per_token("prose", 3);
  EXPECT_EQ(cutter.text("prose", 77, 50), prompt_text("prose", 77, 50, 3));
  EXPECT_EQ(cutter.text("code", 77, 50), prompt_text("code", 77, 50, 4.2)) << "each corpus by itself";
}

TEST(CorpusTokens, NeedPlacesToBeginAt) {
  const std::string_view corpus = "one two three\n";
  const std::map<std::string_view, WordTokens> words = {{"one", {1, 1}}, {"two", {1, 1}}, {"three", {1, 1}}};
  const auto tokens = CorpusTokens::create(corpus, {3, 7, 13, 14}, words);
  ASSERT_TRUE(tokens);
  EXPECT_EQ(tokens->starts(), 3U);
  EXPECT_FALSE(CorpusTokens::create(corpus, {}, words)) << "its tokens do not spell it";
  EXPECT_FALSE(CorpusTokens::create(corpus, {3, 7}, words));
  EXPECT_FALSE(CorpusTokens::create(corpus, {7, 3, 14}, words));
  EXPECT_FALSE(CorpusTokens::create(corpus, {3, 7, 13, 14}, {})) << "no word was counted";
  // Words that change their tokens at the beginning of a text are nothing to begin at.
  const auto two =
      CorpusTokens::create(corpus, {3, 7, 13, 14}, {{"one", {1, 1}}, {"two", {1, 1}}, {"three", {2, 1}}});
  ASSERT_TRUE(two);
  EXPECT_EQ(two->starts(), 2U);
}

// "a b" where a blank is a token of its own, and one stands in front of every text.
TEST(CorpusTokens, TokensThatAStretchHasBesideThoseOfTheCorpusCount) {
  const std::string_view corpus = " aa bb cc dd ";
  const std::map<std::string_view, WordTokens> words = {
      {"aa", {2, 2}}, {"bb", {2, 2}}, {"cc", {2, 2}}, {"dd", {2, 2}}};
  const auto tokens = CorpusTokens::create(corpus, {1, 3, 4, 6, 7, 9, 10, 12, 13}, words);
  ASSERT_TRUE(tokens);
  std::string text;
  EXPECT_EQ(tokens->append(corpus, 0, 4, false, text), 0) << "the blank in front, aa, a blank, bb";
  EXPECT_EQ(text, "aa bb");
  EXPECT_NE(tokens->append(corpus, 0, 3, false, text = ""), 0) << "would end in a blank";
}

}  // namespace assay::prompt_cutter_test
