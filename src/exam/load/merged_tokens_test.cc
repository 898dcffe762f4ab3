// What ranks found out about token counts, as it is told of the whole.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "exam/load/merged_trial.h"
#include "exam/load/token_basis.h"
#include "exam/load/token_check.h"
#include "load/load.h"

namespace assay::merged_tokens_test {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Scenario scenario_of_two_classes() {
  Scenario scenario;
  scenario.load.classes = {{.name = "chat"}, {.name = "code"}};
  scenario.load.classes[0].slo.tpot_ms = 50;
  scenario.targets.push_back({});
  scenario.targets.back().name = "server";
  return scenario;
}

// 70 requests of each class a rank, one every 10 ms, each of five tokens.
LoadResult result_of_rank(uint32_t rank, bool has_usage) {
  LoadResult result;
  result.start = nanos_from_seconds(100);
  for (int i = 0; i < 140; ++i) {
    RequestRow row{.id = static_cast<RequestId>(2 * i + rank + 1)};
    row.class_index = static_cast<uint32_t>(i % 2);
    row.scheduled = row.dispatched = row.sent = nanos_from_ms(10.0 * i + 1);
    row.first = row.first_output = row.scheduled + nanos_from_ms(20);
    row.last = row.first + nanos_from_ms(40 + i % 7);
    row.end = row.last;
    row.prompt_tokens = 10;
    row.asked_tokens = row.output_tokens = 5;
    row.is_output_told = has_usage;
    row.first_chunk = result.chunk_at_ns.size();
    row.chunks = 5;
    for (int chunk = 0; chunk < 5; ++chunk) {
      result.chunk_at_ns.push_back((row.first + (row.last - row.first) * chunk / 4).count);
      result.chunk_tokens.push_back(1);
    }
    result.rows.push_back(row);
  }
  result.planned = result.rows.size();
  result.last_arrival = result.rows.back().scheduled;
  result.duration = result.rows.back().end;
  return result;
}

Finding token_finding(const std::vector<std::string>& doubtful, int64_t answers) {
  Json names = Json::array();
  for (const std::string& name : doubtful) names.push(name);
  Finding finding{.severity = doubtful.empty() ? Severity::kNote : Severity::kDoubtful,
                  .code = "load.tokens"};
  finding.text = fmt::format("Output tokens of {} answers: …", answers);
  finding.evidence = Json::object().set("answers", answers).set("doubtful_classes", std::move(names));
  finding.evidence.set("agreeing_classes", Json::array().push("code"));
  finding.evidence.set("doubtful_prompt_classes", Json::array());
  return finding;
}

RankTrial rank_trial(const Scenario& scenario, uint32_t rank, Finding tokens, bool has_usage) {
  RankTrial part;
  part.path = fmt::format("rank-{}", rank);
  part.trial.target = "server";
  part.trial.exam = "load";
  part.subject.name = "server";
  const LoadResult result = result_of_rank(rank, has_usage);
  part.facts.run = "r";
  part.facts.rank = rank;
  part.facts.ranks = 2;
  part.facts.host = "h";
  part.facts.start = part.facts.own_start = result.start;
  part.facts.wanted = 280;
  part.facts.conditions = Json::object().set("usage_from_server", has_usage).set("ignore_eos", true);
  part.facts.conditions.set("prompts_cut_by", "tokens of t.json");
  part.facts.take(result);
  const LoadSummary summary =
      summarise_load(result, {.classes = scenario.load.classes, .conditions = part.facts.conditions});
  part.records = summary.records;
  part.samples = summary.samples;
  Record power;
  power.metric = "power_w_mean";
  power.value = 100;
  power.conditions = Json::object().set("traffic_class", "all");
  if (rank == 0) part.records.push_back(power);
  part.findings.push_back(std::move(tokens));
  TrialOutcome basis;
  add_token_basis({.classes = scenario.load.classes,
                   .rows = result.rows,
                   .conditions = part.facts.conditions,
                   .check = {.is_counted = true,
                             .agreeing_classes = {"code"},
                             .prompts = {.prompts = 10, .exact = 9, .sum = 1, .largest = 1 + rank}}},
                  basis);
  for (const Finding& finding : basis.findings) part.findings.push_back(finding);
  return part;
}

TrialOutcome merged(const std::vector<std::string>& doubtful, bool has_usage = true) {
  const Scenario scenario = scenario_of_two_classes();
  const auto outcome = merged_outcome(scenario,
                                      {rank_trial(scenario, 0, token_finding({}, 100), has_usage),
                                       rank_trial(scenario, 1, token_finding(doubtful, 101), has_usage)},
                                      {});
  EXPECT_TRUE(outcome);
  return outcome.value_or(TrialOutcome());
}

std::string validity(const TrialOutcome& outcome, std::string_view metric, std::string_view traffic_class) {
  for (const Record& record : outcome.records) {
    if (record.metric == metric && record.conditions["traffic_class"].as_string() == traffic_class)
      return std::string(name_of(record.validity));
  }
  return "none";
}

TEST(MergedTokens, WhatOneRankFoundWrongIsDoubtfulOfAllOfThem) {
  // 140 samples of a class are enough for a 95th percentile, which 70 are not.
  const Scenario scenario = scenario_of_two_classes();
  const RankTrial alone = rank_trial(scenario, 1, token_finding({}, 1), true);
  for (const Record& record : alone.records) {
    if (record.metric == "tpot_ms_p95" && record.conditions["traffic_class"].as_string() == "chat") {
      EXPECT_EQ(record.validity, Validity::kInsufficient);
    }
  }
  const TrialOutcome outcome = merged({"chat", "all"});
  EXPECT_EQ(validity(outcome, "tpot_ms_p50", "chat"), "doubtful");
  EXPECT_EQ(validity(outcome, "tpot_ms_p95", "chat"), "doubtful") << "only all ranks together have it";
  EXPECT_EQ(validity(outcome, "energy_per_output_token_j", "all"), "doubtful") << "as this";
  EXPECT_EQ(validity(outcome, "slo_attainment", "chat"), "doubtful") << "it has a limit on TPOT";
  EXPECT_EQ(validity(outcome, "tpot_ms_p50", "code"), "valid");
  EXPECT_EQ(validity(outcome, "ttft_ms_p50", "chat"), "valid");
}

TEST(MergedTokens, WhatIsDoubtfulOfARankForOtherReasonsDoesNotCount) {
  const Scenario scenario = scenario_of_two_classes();
  std::vector<RankTrial> ranks = {rank_trial(scenario, 0, token_finding({}, 100), true),
                                  rank_trial(scenario, 1, token_finding({"chat"}, 101), true)};
  for (Record& record : ranks[1].records) {
    if (record.validity == Validity::kValid) record.validity = Validity::kDoubtful;  // a short window
  }
  const auto outcome = merged_outcome(scenario, ranks, {});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(validity(*outcome, "tpot_ms_p50", "code"), "valid");
  EXPECT_EQ(validity(*outcome, "output_throughput_tokens_per_s", "code"), "valid");
  EXPECT_EQ(validity(*outcome, "tpot_ms_p50", "chat"), "doubtful");
}

TEST(MergedTokens, EachRanksNumbersAreSaidToBeItsOwn) {
  const TrialOutcome outcome = merged({"chat"});
  std::vector<std::string> texts;
  for (const Finding& finding : outcome.findings) {
    if (finding.code == "load.tokens") texts.push_back(finding.text);
  }
  ASSERT_EQ(texts.size(), 2U);
  EXPECT_THAT(texts[0], StartsWith("rank 0 on h: Output tokens of 100 answers"));
  EXPECT_THAT(texts[1], StartsWith("rank 1 on h: Output tokens of 101 answers"));
}

TEST(MergedTokens, WhatCountsRestOnIsToldOnce) {
  const auto basis_of = [](const TrialOutcome& outcome) {
    std::vector<Finding> found;
    for (const Finding& finding : outcome.findings) {
      if (finding.code == kTokenBasis) found.push_back(finding);
    }
    return found;
  };
  const auto told = basis_of(merged({}));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].severity, Severity::kNote);
  EXPECT_THAT(told[0].text,
              HasSubstr("18 of 20 that were counted have the tokens asked for, the others are up to 2"));
  // Without usage a class is only as sure as every rank's sample of it.
  const TrialOutcome chunks = merged({}, false);
  ASSERT_EQ(basis_of(chunks).size(), 1U);
  EXPECT_EQ(basis_of(chunks)[0].severity, Severity::kDoubtful);
  EXPECT_THAT(basis_of(chunks)[0].text,
              HasSubstr("output tokens of code are chunks, for want of usage, and the"));
  EXPECT_EQ(validity(chunks, "tpot_ms_p50", "code"), "valid");
  EXPECT_EQ(validity(chunks, "tpot_ms_p50", "chat"), "doubtful");
  EXPECT_EQ(validity(merged({"code"}, false), "tpot_ms_p50", "code"), "doubtful");
}

}  // namespace assay::merged_tokens_test
