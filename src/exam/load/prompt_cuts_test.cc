// Corpora by a tokenizer: what is asked of it, and what becomes of prompts where it cannot tell. The worker
// is a shell that says what a worker would.
#include "exam/load/prompt_cuts.h"

#include <gmock/gmock.h>

#include <cctype>

namespace assay::prompt_cuts_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NoProgress final : public Progress {
 public:
  void update(double, const std::string&) override {}
  void finding(const Finding&) override {}
};

// A token a word, with the blank before it; line breaks and further blanks are tokens of their own.
std::vector<uint32_t> word_ends(std::string_view text) {
  std::vector<uint32_t> ends;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    const auto is_blank = [&](size_t i) { return std::isspace(static_cast<unsigned char>(text[i])) != 0; };
    const bool is_word = !is_blank(at) || (text[at] == ' ' && end < text.size() && !is_blank(end));
    while (is_word && end < text.size() && !is_blank(end)) ++end;
    ends.push_back(static_cast<uint32_t>(at = end));
  }
  return ends;
}

class WordCounter final : public TokenCounter {
 public:
  Result<Counts> count(ExamContext&, const std::vector<std::string_view>& texts, size_t spelled) override {
    if (!error_.empty()) return fail(error_);
    Counts counts;
    counts.problem = problem_;
    for (const std::string_view text : texts) {
      counts.tokens.push_back(problem_.empty() ? static_cast<int64_t>(word_ends(text).size()) : kUncountable);
      if (counts.ends.size() < spelled)
        counts.ends.push_back(spells_ ? word_ends(text) : std::vector<uint32_t>());
    }
    asked_.assign(texts.begin(), texts.end());
    return counts;
  }
  const TokenizerSource& source() const override { return source_; }

  std::string error_, problem_;
  bool spells_ = true;
  std::vector<std::string> asked_;
  TokenizerSource source_{.file = "t.json", .bytes = 1, .key = {}, .kind = "words"};
};

PromptCuts cut(TokenCounter& counter, const std::vector<std::string>& corpora,
               const std::vector<std::string>& worker = {}) {
  const Scenario scenario;
  SystemClock clock;
  NoProgress progress;
  ExamContext context{.scenario = scenario,
                      .clock = clock,
                      .progress = progress,
                      .worker = {.command = worker, .environment = {{"PATH", "/usr/bin:/bin"}}},
                      .interrupted = [] { return false; },
                      .secret = [](const std::string&) { return std::string(); }};
  std::vector<TrafficClass> classes;
  for (const std::string& corpus : corpora) classes.push_back({.name = corpus, .corpus = corpus});
  return cut_prompts(context, counter, classes);
}

TEST(PromptCuts, AreByTheTokensOfTheCorporaThatAreUsed) {
  WordCounter counter;
  const PromptCuts cuts = cut(counter, {"prose", "prose"});
  EXPECT_EQ(cuts.by, "tokens of t.json");
  EXPECT_FALSE(cuts.finding);
  EXPECT_EQ(counter.asked_[0], corpus_text("prose"));
  EXPECT_EQ(counter.asked_[1], "a") << "the other corpus is not counted";
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::string prompt = cuts.cutter.text("prose", seed * 4001, 300);
    EXPECT_NEAR(static_cast<double>(word_ends(prompt).size()), 300, 2) << prompt;
  }
  EXPECT_EQ(cuts.cutter.text("code", 5, 30), prompt_text("code", 5, 30, kBytesPerToken));
}

TEST(PromptCuts, AreByTheMeanWhereTokensDoNotSpellTheText) {
  WordCounter counter;
  counter.spells_ = false;
  const PromptCuts cuts = cut(counter, {"prose", "code"});
  EXPECT_FALSE(cuts.finding);
  const auto mean = [](std::string_view text) {
    return static_cast<double>(text.size()) / static_cast<double>(word_ends(text).size());
  };
  EXPECT_THAT(cuts.by, HasSubstr(" bytes a token, "));
  EXPECT_THAT(cuts.by, HasSubstr(" bytes a token by t.json"));
  for (const std::string& corpus : corpus_names()) {
    EXPECT_EQ(cuts.cutter.text(corpus, 99, 80), prompt_text(corpus, 99, 80, mean(corpus_text(corpus))))
        << corpus;
  }
}

TEST(PromptCuts, ATokenizerThatFailsIsADoubtAndNothingChanges) {
  WordCounter counter;
  counter.error_ = "signal 6";
  const PromptCuts dead = cut(counter, {"prose"});
  ASSERT_TRUE(dead.finding);
  EXPECT_EQ(dead.finding->code, "load.prompt-lengths");
  EXPECT_EQ(dead.finding->severity, Severity::kDoubtful);
  EXPECT_THAT(dead.finding->text,
              HasSubstr("t.json, so that their lengths in tokens are an estimate: signal 6"));
  EXPECT_EQ(dead.by, "");
  EXPECT_EQ(dead.cutter.text("prose", 5, 30), prompt_text("prose", 5, 30, kBytesPerToken));
  counter.error_.clear();
  counter.problem_ = "a pattern takes too many steps";
  counter.spells_ = false;
  const PromptCuts slow = cut(counter, {"prose"});
  ASSERT_TRUE(slow.finding);
  EXPECT_THAT(slow.finding->text, HasSubstr("too many steps"));
}

// ---- a GGUF, in the worker ----

constexpr const char* kGguf = ASSAY_SOURCE_DIR "/fuzz/corpus/gguf/good.gguf";

TEST(PromptCuts, AWorkerTellsWhereTokensEnd) {
  const auto counter = open_token_counter(kGguf);
  ASSERT_TRUE(counter);
  const Scenario scenario;
  SystemClock clock;
  NoProgress progress;
  const auto counted = [&](const std::string& script) {
    ExamContext context{
        .scenario = scenario,
        .clock = clock,
        .progress = progress,
        .worker = {.command = {"/bin/sh", "-c", script}, .environment = {{"PATH", "/usr/bin:/bin"}}},
        .interrupted = [] { return false; },
        .secret = [](const std::string&) { return std::string(); }};
    return (*counter)->count(context, {"one two", "one"}, 1);
  };
  // The job is its last argument, here the script's $0.
  const auto counts = counted(
      R"(case "$0" in *'"spelled": 1'*|*'"spelled":1'*) ;; *) exit 3;; esac; cat >/dev/null; )"
      R"(echo '{"type":"info","text":0,"token_ends":[3]}'; echo '{"type":"info","text":0,"token_ends":[7]}'; )"
      R"(echo '{"type":"info","text":9,"token_ends":[7]}'; echo '{"type":"info","tokens":[2,1]}')");
  ASSERT_TRUE(counts) << counts.error().message();
  EXPECT_THAT(counts->tokens, ElementsAre(2, 1));
  EXPECT_THAT(counts->ends, ElementsAre(ElementsAre(3, 7)));
}

TEST(PromptCuts, AWorkerThatDiesIsADoubt) {
  const auto counter = open_token_counter(kGguf);
  ASSERT_TRUE(counter);
  const PromptCuts cuts = cut(**counter, {"prose"}, {"/bin/sh", "-c", "cat >/dev/null; kill -6 $$"});
  ASSERT_TRUE(cuts.finding);
  EXPECT_THAT(cuts.finding->text, HasSubstr("signal 6"));
}

}  // namespace assay::prompt_cuts_test
