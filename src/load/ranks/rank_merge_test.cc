// The parts of ranks put together: rows on one axis, and what a foreign dossier may not do.
#include "load/ranks/rank_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load/load_fixtures.h"
#include "load/summary.h"

namespace assay::rank_merge_test {

const FakeTargetOptions kExact{.sequences = 64, .prefill_us_per_token = 1000, .tpot_ms = 2};

TrafficPlan three_classes_worth() {
  TrafficPlan plan;
  plan.seed = 3;
  plan.requests = 60;
  plan.rate_per_s = 20;
  plan.classes.push_back({.name = "chat", .prompt_tokens = {LengthDistribution::Kind::kUniform, 1, 9}});
  plan.classes.back().output_tokens = {LengthDistribution::Kind::kUniform, 2, 5};
  return plan;
}

LoadResult drive_share(TrafficPlan plan, PlanShare share, Nanos start_at) {
  plan.share = share;
  FakeClock clock(start_at - nanos_from_seconds(1));
  const auto target = make_fake_target(kExact, clock);
  const auto source = traffic_source(plan);
  return drive_load(*target, clock, *source, {.start_at = start_at});
}

SummaryOptions chat_only() {
  SummaryOptions options;
  options.classes.push_back({.name = "chat"});
  options.conditions = Json::object();
  return options;
}

// One rank's part as its dossier has it, on a clock that is `ahead` of rank 0's.
RankPart part_of(const TrafficPlan& plan, PlanShare share, Nanos start, Nanos ahead) {
  RankPart part{.facts = {.run = "r", .rank = share.rank, .ranks = share.ranks, .host = "h"}, .result = {}};
  part.result = drive_share(plan, share, start + ahead);
  part.facts.start = start;
  part.facts.clock = {.offset = ahead, .error = Nanos(500), .round_trip = Nanos(1000), .rounds = 200};
  part.facts.take(part.result);
  return part;
}

TEST(RankMerge, OfRanksWithOtherClocksIsWhatOneClientSees) {
  const TrafficPlan plan = three_classes_worth();
  const Nanos start = nanos_from_seconds(2000);
  const LoadResult one = drive_share(plan, {}, start);
  std::vector<RankPart> parts;
  for (uint32_t rank = 0; rank < 3; ++rank)
    parts.push_back(part_of(plan, {rank, 3}, start, nanos_from_seconds(1000.25 * rank)));
  for (RankPart& part : parts) {
    part.result.withdrawn = 1;
    part.result.waited_for_connection = 2;
    part.result.turns_after_failure = 3;
    part.result.turns_after_break_off = 4;
  }
  const MergedLoad merged = merge_parts(parts);
  EXPECT_EQ(merged.result.withdrawn, 3U);
  EXPECT_EQ(merged.result.waited_for_connection, 6U);
  EXPECT_EQ(merged.result.turns_after_failure, 9U);
  EXPECT_EQ(merged.result.turns_after_break_off, 12U);
  ASSERT_EQ(merged.result.rows.size(), one.rows.size());
  EXPECT_EQ(merged.result.start, start);
  EXPECT_EQ(merged.result.planned, 60U);
  EXPECT_EQ(merged.result.last_arrival, one.last_arrival);
  for (size_t i = 0; i < one.rows.size(); ++i) {
    const RequestRow &a = merged.result.rows[i], &b = one.rows[i];
    EXPECT_EQ(a.scheduled, b.scheduled);
    EXPECT_EQ(a.first, b.first);
    EXPECT_EQ(a.end, b.end);
    EXPECT_EQ(a.prompt_tokens, b.prompt_tokens);
    EXPECT_EQ(a.chunks, b.chunks);
    EXPECT_EQ(merged.ranks[i], static_cast<int64_t>(i % 3));
  }
  EXPECT_EQ(merged.result.chunk_at_ns, one.chunk_at_ns);
  EXPECT_EQ(merged.result.chunk_tokens, one.chunk_tokens);
}

TEST(RankMerge, SamplesBecomeTheRowsThatTheyWere) {
  RankPart part = part_of(three_classes_worth(), {1, 2}, nanos_from_seconds(2000), Nanos());
  // What this target does not tell.
  RequestRow& row = part.result.rows.back();
  row.server = 1;
  row.server_prompt = Nanos(7);
  row.server_tpot = Nanos(8);
  row.failure = FailureCause::kTimeout;
  SummaryOptions options = chat_only();
  options.servers = {"http://a", "http://b"};
  options.routes = {{0, 1}};
  const LoadSummary summary = summarise_load(part.result, options);
  const auto again = load_result_of(summary.samples, part.facts, 1, 2, "here");
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->rows, part.result.rows) << "in every member";
  EXPECT_FALSE(load_result_of(summary.samples, part.facts, 1, 1, "here")) << "there is no such server";
  EXPECT_EQ(again->chunk_at_ns, part.result.chunk_at_ns);
  EXPECT_EQ(again->last_arrival, part.result.last_arrival);
}

TEST(RankMerge, ForeignSamplesAreRefused) {
  const RankPart part = part_of(three_classes_worth(), {0, 2}, nanos_from_seconds(2000), Nanos());
  const std::vector<Sample> good = summarise_load(part.result, chat_only()).samples;
  const auto refused = [&](auto change) {
    std::vector<Sample> samples = good;
    change(samples);
    return !load_result_of(samples, part.facts, 1, 1, "here").has_value();
  };
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([](auto& samples) { samples.clear(); }));
  for (size_t column = 0; column < 17; ++column) {
    EXPECT_TRUE(refused([&](auto& samples) { samples[0].columns.columns[column].integers[0] = -1; }))
        << column;
    EXPECT_TRUE(refused([&](auto& samples) { samples[0].columns.columns[column].integers.pop_back(); }))
        << column;
  }
  EXPECT_TRUE(
      refused([](auto& samples) { samples[0].columns.columns[1].integers[0] = 1; }));  // no such class
  for (const size_t column : {1U, 2U}) {
    EXPECT_TRUE(refused([&](auto& samples) { samples[1].columns.columns[column].integers.pop_back(); }));
    EXPECT_TRUE(refused([&](auto& samples) { samples[1].columns.columns[column].integers[0] = -5; }));
  }
}

TEST(RankFacts, SurviveTheirText) {
  RankPart part = part_of(three_classes_worth(), {1, 4}, nanos_from_seconds(2000), nanos_from_seconds(-7));
  part.facts.conditions.set("url", "http://x");
  part.facts.withdrawn = 3;
  part.facts.waited_for_connection = 5;
  part.facts.failure_examples[static_cast<size_t>(FailureCause::kTimeout)] = "too \"late\"";
  const auto again = RankFacts::from_text(part.facts.to_text(), "here");
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->to_text(), part.facts.to_text());
  EXPECT_EQ(again->waited_for_connection, 5U);
}

TEST(RankFacts, ForeignTextIsRefusedWithTheNameOfWhatIsWrong) {
  const std::string good =
      part_of(three_classes_worth(), {1, 4}, nanos_from_seconds(2000), Nanos()).facts.to_text();
  const auto error_of = [&](const char* name, Json value) {
    Json json = *Json::parse(good, "");
    json.set(name, std::move(value));
    const auto facts = RankFacts::from_text(json.dump(), "here");
    return facts ? std::string() : facts.error().what;
  };
  EXPECT_THAT(error_of("rank", 4), testing::HasSubstr("'rank'"));
  EXPECT_THAT(error_of("ranks", 0), testing::HasSubstr("'ranks'"));
  EXPECT_THAT(error_of("clock_offset_ns", INT64_MAX), testing::HasSubstr("'clock_offset_ns'"));
  EXPECT_THAT(error_of("planned", "many"), testing::HasSubstr("'planned'"));
  EXPECT_THAT(error_of("conditions", nullptr), testing::HasSubstr("'conditions'"));
  EXPECT_THAT(error_of("dispatch_lag_budget_ms", -1), testing::HasSubstr("'dispatch_lag_budget_ms'"));
  EXPECT_THAT(error_of("withdrawn", -1), testing::HasSubstr("'withdrawn'"));
  EXPECT_EQ(error_of("withdrawn", nullptr), "") << "earlier versions did not tell";
  EXPECT_THAT(error_of("version", 2), testing::HasSubstr("version"));
  EXPECT_FALSE(RankFacts::from_text("[", "here"));
}

}  // namespace assay::rank_merge_test
