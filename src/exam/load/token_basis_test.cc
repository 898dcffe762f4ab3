// What the report says token counts rest on.
#include "exam/load/token_basis.h"

#include <gmock/gmock.h>

namespace assay::token_basis_test {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

Json endpoint_conditions(bool ignores_eos = true) {
  return Json::object().set("usage_from_server", true).set("ignore_eos", ignores_eos);
}

RequestRow answered(uint32_t class_index, uint32_t asked, uint32_t made, bool is_told = true) {
  RequestRow row;
  row.class_index = class_index;
  row.first = row.last = row.end = Nanos(5);
  row.asked_tokens = asked;
  row.output_tokens = made;
  row.is_output_told = is_told;
  return row;
}

Record measured(const char* metric, const char* traffic_class, Validity validity = Validity::kValid) {
  Record record;
  record.metric = metric;
  record.validity = validity;
  record.conditions = Json::object().set("traffic_class", traffic_class);
  return record;
}

struct Told {
  TrialOutcome outcome;

  const Finding& finding() const { return outcome.findings.at(0); }
  const std::string& text() const { return finding().text; }
  std::string validity(std::string_view metric, std::string_view traffic_class) const {
    for (const Record& record : outcome.records) {
      if (record.metric == metric && record.conditions["traffic_class"].as_string() == traffic_class)
        return std::string(name_of(record.validity));
    }
    return "none";
  }
};

Told told(const std::vector<RequestRow>& rows, const Json& conditions = endpoint_conditions(),
          TokenCheck check = {}, std::vector<TrafficClass> classes = {{.name = "chat"}, {.name = "code"}}) {
  Told out;
  for (const char* name : {"chat", "code", "all"}) {
    out.outcome.records.push_back(measured("tpot_ms_p50", name));
    out.outcome.records.push_back(measured("ttft_ms_p50", name));
    out.outcome.records.push_back(measured("output_throughput_tokens_per_s", name));
  }
  add_token_basis({.classes = classes, .rows = rows, .conditions = conditions, .check = std::move(check)},
                  out.outcome);
  return out;
}

TEST(TokenBasis, OnAFullAnswerOfAGoodServerIsOneSentence) {
  const Told all = told({answered(0, 10, 10), answered(1, 20, 20)});
  ASSERT_THAT(all.outcome.findings, SizeIs(1));
  EXPECT_EQ(all.finding().code, "load.token-basis");
  EXPECT_EQ(all.finding().severity, Severity::kNote);
  EXPECT_EQ(
      all.text(),
      "Prompts were cut at 4.2 bytes a token (--tokenizer cuts them by the model's own tokens); output tokens "
      "were counted by the server's usage; ignore_eos was not refused.");
  EXPECT_EQ(all.validity("tpot_ms_p50", "chat"), "valid");
}

TEST(TokenBasis, IsOfEndpointsOnly) {
  EXPECT_THAT(told({answered(0, 10, 10)}, Json::object()).outcome.findings, IsEmpty());
}

TEST(TokenBasis, ChunksAreADoubtForTheClassesThatHaveNoUsage) {
  const Told chunks = told({answered(0, 10, 10), answered(1, 20, 20, false), answered(1, 20, 20, false)});
  EXPECT_EQ(chunks.finding().severity, Severity::kDoubtful);
  EXPECT_THAT(
      chunks.text(),
      AllOf(
          HasSubstr("output tokens of chat were counted by the server's usage"),
          StartsWith(
              "The server sends no usage, so that output tokens of code are chunks, each of which may hold")));
  EXPECT_EQ(chunks.finding().evidence["answers_without_usage_code"].as_integer(), 2);
  EXPECT_EQ(chunks.validity("tpot_ms_p50", "code"), "doubtful");
  EXPECT_EQ(chunks.validity("output_throughput_tokens_per_s", "all"), "doubtful");
  EXPECT_EQ(chunks.validity("tpot_ms_p50", "chat"), "valid");
  EXPECT_EQ(chunks.validity("ttft_ms_p50", "code"), "valid");
}

TEST(TokenBasis, ChunksThatTheTokenizerCountsAlikeAreNone) {
  TokenCheck check{.is_counted = true, .agreeing_classes = {"code"}, .prompts = {}};
  const Told chunks = told({answered(1, 20, 20, false)}, endpoint_conditions(), check);
  EXPECT_EQ(chunks.finding().severity, Severity::kNote);
  EXPECT_THAT(chunks.text(), HasSubstr("are chunks, for want of usage, and the tokenizer counts as many"));
  EXPECT_EQ(chunks.validity("tpot_ms_p50", "code"), "valid");
  check.agreeing_classes = {"chat"};
  EXPECT_EQ(told({answered(1, 20, 20, false)}, endpoint_conditions(), check).finding().severity,
            Severity::kDoubtful);
}

TEST(TokenBasis, AnswersThatEndEarlySayByHowMuch) {
  const Told some =
      told({answered(0, 100, 60), answered(0, 100, 80), answered(1, 20, 19)}, endpoint_conditions(false));
  EXPECT_EQ(some.finding().severity, Severity::kNote);
  EXPECT_THAT(some.text(),
              HasSubstr("the server refuses ignore_eos; answers had 70.0 of 100 (chat) output tokens asked "
                        "for in the mean: their lengths are the model's"));
  EXPECT_THAT(some.text(), Not(HasSubstr("(code)"))) << "95 % is long enough";
  EXPECT_EQ(some.finding().evidence["output_share_of_asked_chat"].as_number(), 0.7);
  EXPECT_TRUE(some.finding().evidence["output_share_of_asked_code"].is_null());
}

TEST(TokenBasis, LengthsThatTheClassSetsItselfAreItsOwnAffair) {
  TrafficClass own{.name = "chat"};
  own.request.parameters = Json::object().set("max_tokens", 5).set("ignore_eos", false);
  const Told set = told({answered(0, 100, 5)}, endpoint_conditions(), {}, {own});
  EXPECT_THAT(set.text(), AllOf(Not(HasSubstr("in the mean")), HasSubstr("set ignore_eos themselves"),
                                Not(HasSubstr("refused"))));
}

TEST(TokenBasis, RequestsWithoutOutputHaveNoneToBeCounted) {
  TrafficClass embeddings{.name = "chat"};
  embeddings.request.kind = RequestKind::kEmbeddings;
  const Told none = told({answered(0, 0, 0, false)}, endpoint_conditions(), {}, {embeddings});
  EXPECT_EQ(none.finding().severity, Severity::kNote);
  EXPECT_EQ(none.text(),
            "Prompts were cut at 4.2 bytes a token (--tokenizer cuts them by the model's own tokens).");
  RequestRow failed = answered(0, 10, 3, false);
  failed.failure = FailureCause::kTimeout;
  EXPECT_EQ(told({failed}).finding().severity, Severity::kNote) << "who fails has no usage";
}

TEST(TokenBasis, TellsHowLongPromptsAreByTheTokenizer) {
  Json conditions = endpoint_conditions();
  conditions.set("prompts_cut_by", "tokens of t.json");
  TokenCheck check{.is_counted = true,
                   .agreeing_classes = {},
                   .prompts = {.prompts = 200, .exact = 150, .sum = -10, .largest = 2}};
  const Told cut = told({answered(0, 10, 10)}, conditions, check);
  EXPECT_THAT(cut.text(),
              HasSubstr("Prompts were cut by tokens of t.json (150 of 200 that were counted have the tokens "
                        "asked for, the others are up to 2 off, -0.05 in the mean); output"));
  check.prompts = {.prompts = 200, .exact = 200};
  EXPECT_THAT(told({}, conditions, check).text(),
              HasSubstr("t.json (all 200 that were counted have the tokens asked for)."));
  // Ranks tell it anew.
  const TokenCheck again = token_check_of(cut.outcome.findings);
  EXPECT_EQ(again.prompts.exact, 150);
  EXPECT_EQ(again.prompts.sum, -10);
  EXPECT_EQ(again.prompts.largest, 2);
}

}  // namespace assay::token_basis_test
