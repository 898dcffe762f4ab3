// RankFacts: what one rank's dossier says of its part in a trial, beside the samples: enough to put the parts
// together later, on any machine. The artifact "rank.json" of the trial; docs/formats/dossier.md is its
// contract.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"
#include "load/driver.h"
#include "os/os.h"

namespace assay {

inline constexpr const char* kRankArtifact = "rank.json";

struct RankFacts {
  std::string run;  // one for all ranks of a launch
  uint32_t rank = 0, ranks = 1;
  std::string host;
  RankClock clock;      // against rank 0's
  Nanos start{};        // the agreed start, by rank 0's clock
  Nanos own_start{};    // by this rank's: what the instants of its samples are relative to
  Nanos wall_offset{};  // CLOCK_REALTIME less CLOCK_MONOTONIC of this rank, at the end; only ever a label
  uint32_t wanted = 0;  // requests of the whole plan that were asked for
  uint32_t users = 0;   // of closed loops, in this part
  uint32_t wanted_per_class = 64;
  double dispatch_lag_budget_ms = 10;
  bool stamps_are_wrong = false;
  std::string lost;  // why the target was lost; "": it was not
  Json conditions = Json::object(), rate_conditions = Json::object();
  // Of the LoadResult, what is no sample.
  uint64_t planned = 0, dropped_chunks = 0, stray_events = 0;
  uint64_t turns_after_failure = 0, turns_after_break_off = 0, withdrawn = 0, waited_for_connection = 0;
  Nanos duration{}, cpu_time{};
  std::array<std::string, kFailureCauses> failure_examples;

  void take(const LoadResult& result);

  std::string to_text() const;
  // Foreign: every value is checked. `where` names the dossier in errors.
  static Result<RankFacts> from_text(std::string_view text, const std::string& where);
};

}  // namespace assay
