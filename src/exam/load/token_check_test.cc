// Token counts after a trial: who counts, what becomes of the records, and that a tokenizer that fails is a
// finding. The worker is a shell that says what a worker would.
#include "exam/load/token_check.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>

namespace assay::token_check_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class QuietProgress final : public Progress {
 public:
  void update(double, const std::string&) override {}
  void finding(const Finding&) override {}
};

class Checking : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/assay-token-check-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    remove_file(folder_ + "/tokenizer.json");
    remove_file(folder_ + "/unigram.json");
    ::rmdir(folder_.c_str());
  }

  // A token a character, but for ab.
  std::string tokenizer_file() {
    const std::string path = folder_ + "/tokenizer.json";
    EXPECT_TRUE(write_file_atomically(
        path,
        R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, " ": 3}, "merges": ["a b"]}})"));
    return path;
  }

  TrialOutcome checked(TokenCounter& counter, const std::vector<AnswerText>& texts,
                       const std::string& script = "exit 9") {
    const Scenario scenario;
    ExamContext context{
        .scenario = scenario,
        .clock = clock_,
        .progress = progress_,
        .worker = {.command = {"/bin/sh", "-c", script}, .environment = {{"PATH", "/usr/bin:/bin"}}},
        .interrupted = [] { return false; },
        .secret = [](const std::string&) { return std::string(); }};
    TrialOutcome outcome;
    for (const char* metric : {"tpot_ms_p50", "ttft_ms_p50", "output_throughput_tokens_per_s"}) {
      Record& record = outcome.records.emplace_back();
      record.metric = metric;
      record.conditions = Json::object().set("traffic_class", "all");
    }
    for (const char* metric : {"slo_attainment", "goodput_per_s"}) {
      Record& record = outcome.records.emplace_back();
      record.metric = metric;
      record.conditions = Json::object().set("traffic_class", "chat");
    }
    check_ = check_tokens(context, counter, texts, {{.name = "chat", .slo = slo_}}, Json::object(), outcome);
    return outcome;
  }
  TrialOutcome checked(const std::string& path, const std::vector<AnswerText>& texts,
                       const std::string& script = "exit 9") {
    const auto counter = open_token_counter(path);
    if (!counter) {
      ADD_FAILURE() << counter.error().message();
      return {};
    }
    return checked(**counter, texts, script);
  }

  static AnswerText answer(std::string content, uint32_t output_tokens, std::string reasoning = "") {
    AnswerText text{
        .id = 1, .prompt = "a ab", .content = std::move(content), .reasoning = std::move(reasoning)};
    text.output_tokens = output_tokens;
    text.prompt_tokens = 13;
    text.chunks = 3;
    return text;
  }
  static std::string validity(const TrialOutcome& outcome, std::string_view metric) {
    for (const Record& record : outcome.records) {
      if (record.metric == metric) return std::string(name_of(record.validity));
    }
    return "none";
  }
  static double value(const TrialOutcome& outcome, std::string_view metric) {
    for (const Record& record : outcome.records) {
      if (record.metric == metric) return record.value.value_or(-1);
    }
    return -1;
  }

  Slo slo_;
  assay::TokenCheck check_;
  SystemClock clock_;
  QuietProgress progress_;
  std::string folder_;
};

TEST_F(Checking, ATrueUsageIsANote) {
  const TrialOutcome outcome = checked(tokenizer_file(), {answer("abab a", 4), answer("ab", 1, "b")});
  ASSERT_THAT(outcome.findings, SizeIs(1));
  EXPECT_EQ(outcome.findings[0].severity, Severity::kDoubtful) << "reasoning is output, too";
  const TrialOutcome right = checked(tokenizer_file(), {answer("abab a", 4), answer("ab", 2, "b")});
  EXPECT_EQ(right.findings[0].severity, Severity::kNote) << right.findings[0].text;
  EXPECT_EQ(right.findings[0].evidence["output_counted"].as_integer(), 6);
  EXPECT_EQ(value(right, "usage_prompt_offset_tokens"), 10);
  EXPECT_EQ(validity(right, "tpot_ms_p50"), "valid");
}

TEST_F(Checking, TellsWhichClassesAgreeAndHowLongThePromptsAre) {
  AnswerText exact = answer("ab", 1), longer = answer("ab", 1);
  exact.asked_prompt_tokens = 3;
  longer.asked_prompt_tokens = 1;
  checked(tokenizer_file(), {exact, longer});
  EXPECT_TRUE(check_.is_counted);
  EXPECT_THAT(check_.agreeing_classes, ElementsAre("chat"));
  EXPECT_EQ(check_.prompts.prompts, 2);
  EXPECT_EQ(check_.prompts.exact, 1);
  EXPECT_EQ(check_.prompts.sum, 2);
  EXPECT_EQ(check_.prompts.largest, 2);
  checked(tokenizer_file(), {answer("abab", 9)});
  EXPECT_THAT(check_.agreeing_classes, IsEmpty());
}

TEST_F(Checking, AWrongOneMakesWhatDividesByItDoubtful) {
  const TrialOutcome outcome = checked(tokenizer_file(), {answer("abababab", 8)});
  ASSERT_THAT(outcome.findings, SizeIs(1));
  EXPECT_THAT(outcome.findings[0].text, HasSubstr("+100.0 %"));
  EXPECT_EQ(validity(outcome, "tpot_ms_p50"), "doubtful");
  EXPECT_EQ(validity(outcome, "output_throughput_tokens_per_s"), "doubtful");
  EXPECT_EQ(validity(outcome, "ttft_ms_p50"), "valid");
}

// A limit on TPOT is kept or missed by the counts that were found wrong; one on TTFT is not.
TEST_F(Checking, WhatIsJudgedByAWrongOneIsDoubtfulToo) {
  slo_.ttft_ms = 100;
  EXPECT_EQ(validity(checked(tokenizer_file(), {answer("abababab", 8)}), "slo_attainment"), "valid");
  slo_.tpot_ms = 50;
  const TrialOutcome outcome = checked(tokenizer_file(), {answer("abababab", 8)});
  EXPECT_EQ(validity(outcome, "slo_attainment"), "doubtful");
  EXPECT_EQ(validity(outcome, "goodput_per_s"), "doubtful");
}

TEST_F(Checking, TokensOfNoTextAreTooMany) {
  const TrialOutcome outcome = checked(tokenizer_file(), {answer("", 50), answer("ab", 1)});
  EXPECT_EQ(outcome.findings[0].severity, Severity::kDoubtful) << outcome.findings[0].text;
  EXPECT_EQ(outcome.findings[0].evidence["answers"].as_integer(), 2);
  EXPECT_EQ(checked(tokenizer_file(), {answer("", 1)}).findings[0].severity, Severity::kNote)
      << "the token that ends it";
}

TEST_F(Checking, WithoutUsageTheChunksAreChecked) {
  const TrialOutcome outcome = checked(tokenizer_file(), {answer("ababab", 0)});
  EXPECT_THAT(outcome.findings[0].text, HasSubstr("their chunks"));
  EXPECT_EQ(value(outcome, "usage_output_ratio"), 1);
}

TEST_F(Checking, AnswersThatAreNotAllTextAreLeftOutAndSaidToBe) {
  AnswerText call = answer("ab", 50), broken = answer("a\xef\xbf\xbd", 9), bytes = answer("a\xff", 9);
  call.is_whole = false;
  const TrialOutcome outcome = checked(tokenizer_file(), {call, broken, bytes, answer("ab", 1)});
  EXPECT_EQ(outcome.findings[0].severity, Severity::kNote) << outcome.findings[0].text;
  EXPECT_THAT(outcome.findings[0].text,
              HasSubstr("Of 4 answers drawn, not counted: 1 that have tool calls or are too long; 2 with"));
  EXPECT_EQ(outcome.findings[0].evidence["answers"].as_integer(), 1);
}

// Counts what it is told to, and says why it cannot count the rest.
class ScriptedCounter final : public TokenCounter {
 public:
  explicit ScriptedCounter(std::vector<int64_t> counts) : counts_(std::move(counts)) {}
  Result<Counts> count(ExamContext&, const std::vector<std::string_view>& texts, size_t) override {
    EXPECT_EQ(texts.size(), counts_.size());
    return Counts{.tokens = counts_, .ends = {}, .problem = "a text is not UTF-8"};
  }
  const TokenizerSource& source() const override { return source_; }

 private:
  std::vector<int64_t> counts_;
  TokenizerSource source_{.file = "odd.json", .bytes = 1, .key = {}, .kind = "BPE"};
};

TEST_F(Checking, WhereMostAnswersCannotBeCountedNothingIsSaidToAgree) {
  constexpr int64_t kNot = TokenCounter::kUncountable;
  ScriptedCounter none({kNot, 4, kNot, 4});
  const TrialOutcome outcome = checked(none, {answer("ab", 1), answer("ab", 1)});
  ASSERT_THAT(outcome.findings, SizeIs(1));
  EXPECT_EQ(outcome.findings[0].severity, Severity::kDoubtful);
  EXPECT_THAT(
      outcome.findings[0].text,
      HasSubstr("were not held against odd.json: 2 of 2 answers cannot be counted, the first because a "
                "text is not UTF-8"));
  EXPECT_EQ(value(outcome, "usage_output_ratio"), -1);
  EXPECT_EQ(validity(outcome, "tpot_ms_p50"), "valid") << "nothing is known against it";
}

TEST_F(Checking, AFewThatCannotBeCountedAreLeftOutWithTheReason) {
  constexpr int64_t kNot = TokenCounter::kUncountable;
  // Of the first answer content and reasoning; of the second the prompt.
  ScriptedCounter some({kNot, kNot, 4, 1, kNot, 1, 4});
  const TrialOutcome outcome = checked(some, {answer("ab", 1, "b"), answer("ab", 1), answer("ab", 1)});
  EXPECT_EQ(outcome.findings[0].severity, Severity::kNote) << outcome.findings[0].text;
  EXPECT_THAT(
      outcome.findings[0].text,
      HasSubstr("not counted: 1 that cannot be (a text is not UTF-8); the prompts of 1, which cannot be."))
      << "answers are counted, not texts";
  EXPECT_EQ(outcome.findings[0].evidence["answers"].as_integer(), 2);
}

TEST_F(Checking, WithoutAnAnswerThereIsNothingToSay) {
  EXPECT_THAT(checked(tokenizer_file(), {}).findings, IsEmpty());
}

TEST_F(Checking, AFileThatCannotCountRightlyIsRefused) {
  ASSERT_TRUE(
      write_file_atomically(folder_ + "/unigram.json", R"({"model": {"type": "Unigram", "vocab": []}})"));
  EXPECT_THAT(open_token_counter(folder_ + "/unigram.json").error().message(), HasSubstr("Unigram"));
  EXPECT_FALSE(open_token_counter(folder_ + "/absent.json"));
  EXPECT_FALSE(open_token_counter(ASSAY_SOURCE_DIR "/fuzz/corpus/gguf/no_tokenizer.gguf"));
}

// ---- a GGUF, in the worker ----

constexpr const char* kGguf = ASSAY_SOURCE_DIR "/fuzz/corpus/gguf/good.gguf";

TEST_F(Checking, AWorkersCountsAreTaken) {
  // Of an answer and its prompt, in this order. The texts come over stdin: eight bytes of lengths, and they.
  const TrialOutcome outcome =
      checked(kGguf, {answer("abab", 4)},
              R"(test $(wc -c) = 16 && echo '{"type":"info","tokenizer":{"kind":"BPE"}}' )"
              R"(&& echo '{"type":"info","tokens":[4,3]}')");
  EXPECT_EQ(outcome.findings[0].severity, Severity::kNote) << outcome.findings[0].text;
  EXPECT_THAT(outcome.findings[0].text, HasSubstr("good.gguf (BPE, counted by llama.cpp, 992 B"));
  EXPECT_EQ(value(outcome, "usage_output_ratio"), 1);
  EXPECT_EQ(value(outcome, "usage_prompt_offset_tokens"), 10);
}

TEST_F(Checking, AWorkerThatDiesOrTalksNonsenseIsAFindingAndNoMore) {
  const auto said = [&](const std::string& script) {
    const TrialOutcome outcome = checked(kGguf, {answer("abab", 8)}, script);
    EXPECT_THAT(outcome.findings, SizeIs(1));
    EXPECT_EQ(outcome.findings[0].severity, Severity::kDoubtful);
    EXPECT_EQ(outcome.findings[0].code, "load.tokens");
    EXPECT_EQ(validity(outcome, "tpot_ms_p50"), "valid");
    return outcome.findings[0].text;
  };
  EXPECT_THAT(said("cat >/dev/null; echo out of luck >&2; kill -6 $$"), HasSubstr("signal 6"));
  EXPECT_THAT(said(R"(echo '{"type":"error","what":"no vocabulary","where":"f","remedy":""}'; exit 1)"),
              HasSubstr("no vocabulary"));
  EXPECT_THAT(said(R"(echo '{"type":"info","tokens":[4]}')"), HasSubstr("1 counts for 2 texts"));
  EXPECT_THAT(said(R"(echo '{"type":"info","tokens":[4,-1]}')"), HasSubstr("cannot be"));
  EXPECT_THAT(said(R"(echo '{"type":"info","tokens":[4,99999999999]}')"), HasSubstr("cannot be"));
  EXPECT_THAT(said("echo nonsense"), HasSubstr("no JSON"));
}

}  // namespace assay::token_check_test
