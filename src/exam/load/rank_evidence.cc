// A rank's share of the evidence; see rank_evidence.h.
#include "exam/load/rank_evidence.h"

#include <fmt/format.h>

#include "exam/findings.h"

namespace assay {

void set_rank_conditions(const PlanShare& share, Json& conditions) {
  conditions.set("rank", share.rank).set("ranks", share.ranks);
}

Record clock_offset_record(const RankFacts& facts, const Json& conditions) {
  Record record;
  record.metric = "clock_offset_ms";
  record.unit = "ms";
  record.value = milliseconds(facts.clock.offset);
  record.ci_low = milliseconds(facts.clock.offset - facts.clock.error);
  record.ci_high = milliseconds(facts.clock.offset + facts.clock.error);
  record.confidence = 1;
  record.n = facts.clock.rounds;
  record.method = facts.rank == 0
                      ? std::string("the clock that the others are held against")
                      : fmt::format("the shortest of {} round trips, {}; right to within half of it",
                                    facts.clock.rounds, format_duration(seconds(facts.clock.round_trip)));
  record.conditions = conditions;
  record.conditions.set("traffic_class", "all").set("rank", facts.rank).set("host", facts.host);
  return record;
}

void add_rank_evidence(const RankFacts& facts, TrialOutcome& outcome) {
  outcome.artifacts.push_back(
      {.name = kRankArtifact, .media_type = "application/json", .content = facts.to_text()});
  outcome.records.push_back(clock_offset_record(facts, facts.conditions));
  outcome.findings.push_back(make_finding(
      Severity::kNote, "load.rank-share",
      fmt::format(
          "This is what rank {} of {} sent and saw: a part of the load. What the target does under all of it "
          "stands in the dossier that the ranks' are merged into.",
          facts.rank, facts.ranks),
      Json::object().set("rank", facts.rank).set("ranks", facts.ranks)));
}

}  // namespace assay
