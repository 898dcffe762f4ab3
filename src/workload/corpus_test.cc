// Prompts cut from the corpora: real words, the wanted length, the same every time.
#include <gtest/gtest.h>

#include <algorithm>

#include "workload/workload.h"

namespace assay::corpus_test {

TEST(Corpus, IsLargeAndIsText) {
  for (const std::string& name : corpus_names()) {
    const std::string_view text = corpus_text(name);
    EXPECT_GT(text.size(), 60'000U) << name;
    EXPECT_LT(text.size(), 1'000'000U) << name;
    EXPECT_EQ(text.find('\0'), std::string_view::npos);
    EXPECT_TRUE(text.ends_with('\n'));
  }
  EXPECT_NE(corpus_text("prose").find("Sherlock Holmes"), std::string_view::npos);
  EXPECT_NE(corpus_text("code").find("#include"), std::string_view::npos);
}

TEST(Corpus, APromptIsAboutAsLongAsAskedForAndMadeOfWholeWords) {
  const std::string_view text = corpus_text("prose");
  for (uint64_t seed = 0; seed < 2000; seed += 7) {
    const std::string prompt = prompt_text("prose", seed * 7919, 50, 4);
    EXPECT_GE(prompt.size(), 195U);
    EXPECT_LE(prompt.size(), 230U);
    const size_t at = text.find(prompt);
    if (at == std::string_view::npos) continue;  // goes round the end
    EXPECT_TRUE(at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n');
    EXPECT_TRUE(text[at + prompt.size()] == ' ' || text[at + prompt.size()] == '\n');
  }
}

TEST(Corpus, TheSameSeedCutsTheSamePrompt) {
  EXPECT_EQ(prompt_text("code", 5, 30, 3), prompt_text("code", 5, 30, 3));
  EXPECT_NE(prompt_text("code", 5, 30, 3), prompt_text("code", 50'000, 30, 3));
  EXPECT_FALSE(prompt_text("prose", UINT64_MAX, 1, 0.5).empty());
}

// Byte by byte, as the definition has it.
TEST(Corpus, APromptIsCutByItsDefinition) {
  for (const std::string& name : corpus_names()) {
    const std::string_view text = corpus_text(name);
    const auto is_blank = [&](size_t at) {
      return std::string_view(" \n\t").contains(text[at % text.size()]);
    };
    for (uint64_t i = 0; i < 300; ++i) {
      const uint64_t seed = i * 0x9e3779b97f4a7c15;
      const auto tokens = static_cast<uint32_t>(i * i % 3000);
      size_t at = seed % text.size();
      while (!is_blank(at + text.size() - 1) || is_blank(at)) at = (at + 1) % text.size();
      std::string prompt;
      const auto wanted = std::max<size_t>(1, static_cast<size_t>(tokens * 4.2));
      for (; prompt.size() < wanted || !is_blank(at); ++at) prompt += text[at % text.size()];
      prompt.erase(prompt.find_last_not_of(" \n\t") + 1);
      EXPECT_EQ(prompt_text(name, seed, tokens, 4.2), prompt) << name << " " << seed << " " << tokens;
    }
  }
}

TEST(Corpus, APromptMayBeLongerThanTheCorpus) {
  const size_t size = corpus_text("prose").size();
  const std::string prompt = prompt_text("prose", size - 1, static_cast<uint32_t>(size), 2);
  EXPECT_GE(prompt.size(), 2 * size - 2);
}

}  // namespace assay::corpus_test
