// What several ranks found, as one outcome: nothing that is of all may be one rank's, and nothing that one
// rank found may be lost.
#include "exam/load/merged_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace assay::merged_trial_test {

using testing::HasSubstr;

constexpr uint32_t kRequests = 80;  // of each rank

Scenario one_class() {
  Scenario scenario;
  TrafficClass chat;
  chat.name = "chat";
  chat.slo.ttft_ms = 100;
  scenario.load.classes = {chat};
  TargetSpec target;
  target.name = "engine";
  target.kind = TargetKind::kEndpoint;
  target.urls = {"http://server/v1"};
  scenario.targets = {target};
  return scenario;
}

// Rank `rank` of `ranks`: every 10 ms a request, the first token after 20 ms, three more every 5 ms.
LoadResult result_of(uint32_t rank, double late_ms) {
  LoadResult result;
  result.planned = kRequests;
  for (uint32_t i = 0; i < kRequests; ++i) {
    RequestRow row{.id = i + 1, .output_tokens = 4};
    row.scheduled = nanos_from_ms(1 + 10.0 * i + 5.0 * rank);
    row.dispatched = row.sent = row.scheduled + nanos_from_ms(late_ms);
    row.first = row.first_output = row.sent + nanos_from_ms(20);
    row.last = row.end = row.first + nanos_from_ms(15);
    row.first_chunk = result.chunk_at_ns.size();
    row.chunks = 4;
    for (int chunk = 0; chunk < 4; ++chunk) {
      result.chunk_at_ns.push_back((row.first + nanos_from_ms(5.0 * chunk)).count);
      result.chunk_tokens.push_back(1);
    }
    result.last_arrival = row.scheduled;
    result.duration = row.end;
    result.rows.push_back(row);
  }
  result.cpu_time = nanos_from_ms(10 * (1 + rank));
  return result;
}

RankTrial rank_trial(uint32_t rank, uint32_t ranks, double late_ms = 0) {
  RankTrial part{.path = "rank-" + std::to_string(rank), .run = {}, .trial = {}, .subject = {}, .facts = {}};
  part.trial.target = "engine";
  part.trial.state = TrialState::kDone;
  part.subject.name = "engine";
  part.facts = {.run = "r", .rank = rank, .ranks = ranks, .host = "host" + std::to_string(rank)};
  part.facts.wanted = kRequests * ranks;
  part.facts.conditions.set("rank", rank).set("phase", "mix");
  const LoadResult result = result_of(rank, late_ms);
  part.facts.take(result);
  LoadSummary summary = summarise_load(result, {.classes = one_class().load.classes,
                                                .conditions = part.facts.conditions,
                                                .rate_conditions = Json::object()});
  part.records = std::move(summary.records);
  part.findings = std::move(summary.findings);
  part.samples = std::move(summary.samples);
  return part;
}

TrialOutcome merged(const std::vector<RankTrial>& ranks, const std::vector<MissingRank>& missing = {}) {
  const Scenario scenario = one_class();
  Result<TrialOutcome> outcome = merged_outcome(scenario, ranks, missing);
  EXPECT_TRUE(outcome) << outcome.error().message();
  return outcome ? std::move(*outcome) : TrialOutcome();
}

// Of all classes; of one rank only if `rank` says so.
const Record* record(const TrialOutcome& outcome, std::string_view metric, std::optional<int64_t> rank = {}) {
  const auto found = std::ranges::find_if(outcome.records, [&](const Record& each) {
    const Json* of = each.conditions.find("rank");
    return each.metric == metric && each.conditions["traffic_class"].as_string() == "all" &&
           (rank ? of != nullptr && of->as_integer() == *rank : of == nullptr);
  });
  return found == outcome.records.end() ? nullptr : &*found;
}

std::vector<Finding> findings(const TrialOutcome& outcome, std::string_view code) {
  std::vector<Finding> found;
  std::ranges::copy_if(outcome.findings, std::back_inserter(found),
                       [&](const Finding& finding) { return finding.code == code; });
  return found;
}

TEST(MergedTrial, RequestsOfAllRanksCount) {
  const TrialOutcome one = merged({rank_trial(0, 1)}), two = merged({rank_trial(0, 2), rank_trial(1, 2)});
  ASSERT_NE(record(one, "error_rate"), nullptr);
  ASSERT_NE(record(two, "error_rate"), nullptr);
  EXPECT_EQ(record(one, "error_rate")->n, kRequests);
  EXPECT_EQ(record(two, "error_rate")->n, 2 * kRequests);
  EXPECT_NEAR(*record(two, "offered_rate_per_s")->value / *record(one, "offered_rate_per_s")->value, 2, 0.05);
  EXPECT_NEAR(*record(two, "ttft_ms_p50")->value, 20, 0.01);
  EXPECT_EQ(record(two, "ttft_ms_p50")->validity, Validity::kValid);
  ASSERT_EQ(findings(two, "load.ranks").size(), 1U);
  EXPECT_THAT(findings(two, "load.ranks")[0].text, HasSubstr("2 ranks on 2 hosts"));
  EXPECT_EQ(two.samples.front().columns.rows(), 2 * kRequests);
}

TEST(MergedTrial, OfTheInstrumentTheWorstRankCountsAndEachIsTold) {
  const TrialOutcome outcome = merged({rank_trial(0, 2), rank_trial(1, 2)});
  const Record* of_all = record(outcome, "client_cpu_utilisation");
  const Record* of_1 = record(outcome, "client_cpu_utilisation", 1);
  ASSERT_TRUE(of_all != nullptr && of_1 != nullptr);
  EXPECT_EQ(*of_all->value, *of_1->value) << "it took twice as much as rank 0";
  EXPECT_EQ(of_all->conditions["worst_rank"].as_integer(), 1);
  EXPECT_NE(record(outcome, "client_cpu_utilisation", 0), nullptr);
}

TEST(MergedTrial, OneLateRankVoidsAll) {
  const TrialOutcome outcome = merged({rank_trial(0, 2), rank_trial(1, 2, 30)});
  EXPECT_EQ(record(outcome, "ttft_ms_p50")->validity, Validity::kVoid);
  const std::vector<Finding> late = findings(outcome, "load.generator-late");
  ASSERT_EQ(late.size(), 1U);
  EXPECT_THAT(late[0].text, HasSubstr("rank 1 on host1"));
}

TEST(MergedTrial, AMissingRankMakesAllDoubtful) {
  const TrialOutcome outcome =
      merged({rank_trial(0, 2)}, {{.rank = 1, .host = "host1", .why = "its dossier was not given"}});
  EXPECT_EQ(record(outcome, "ttft_ms_p50")->validity, Validity::kDoubtful);
  ASSERT_EQ(findings(outcome, "load.rank-lost").size(), 1U);
  EXPECT_THAT(findings(outcome, "load.rank-lost")[0].text,
              HasSubstr("Of 2 ranks 1 is missing (rank 1 on host1: its dossier was not given)"));
}

TEST(MergedTrial, WhatOneRankFoundIsToldOnce) {
  std::vector<RankTrial> ranks = {rank_trial(0, 2), rank_trial(1, 2)};
  for (RankTrial& rank : ranks)
    rank.findings.push_back(
        {.severity = Severity::kNote, .code = "load.stack-undeclared", .text = "No stack."});
  Finding& tokens = ranks[1].findings.emplace_back(
      Finding{.severity = Severity::kDoubtful, .code = "load.tokens", .text = "Wrong usage."});
  const Json classes = Json::array().push("chat").push("all");
  tokens.evidence =
      Json::object().set("doubtful_classes", classes).set("doubtful_prompt_classes", Json::array());
  const TrialOutcome outcome = merged(ranks);
  EXPECT_EQ(findings(outcome, "load.stack-undeclared").size(), 1U);
  ASSERT_EQ(findings(outcome, "load.tokens").size(), 1U);
  EXPECT_EQ(findings(outcome, "load.tokens")[0].text, "rank 1 on host1: Wrong usage.");
  EXPECT_EQ(record(outcome, "output_throughput_tokens_per_s")->validity, Validity::kDoubtful);
  EXPECT_EQ(record(outcome, "ttft_ms_p50")->validity, Validity::kValid) << "it rests on no count of tokens";
}

TEST(MergedTrial, AFailedRankFailsTheTrial) {
  std::vector<RankTrial> ranks = {rank_trial(0, 2), rank_trial(1, 2)};
  ranks[1].trial.state = TrialState::kFailed;
  ranks[1].trial.end_text = "the target was lost";
  const TrialOutcome outcome = merged(ranks);
  EXPECT_EQ(outcome.state, TrialState::kFailed);
  EXPECT_EQ(outcome.end_text, "rank 1 on host1: the target was lost");
}

TEST(MergedTrial, PartsOfOneLaunchOnlyAndEachOnce) {
  std::vector<RankTrial> turned = {rank_trial(1, 2), rank_trial(0, 2)};
  ASSERT_TRUE(check_same_launch(turned));
  EXPECT_EQ(turned[0].facts.rank, 0U);
  std::vector<RankTrial> twice = {rank_trial(1, 2), rank_trial(1, 2)};
  EXPECT_THAT(check_same_launch(twice).error().what, HasSubstr("rank 1 is in rank-1, too"));
  std::vector<RankTrial> strangers = {rank_trial(0, 2), rank_trial(1, 2)};
  strangers[1].facts.run = "another";
  EXPECT_THAT(check_same_launch(strangers).error().what, HasSubstr("another run"));
}

}  // namespace assay::merged_trial_test
