// What was sampled beside a load trial, as evidence: series for the timeline, and what they say of the steady
// window.
#pragma once

#include <cstdint>

#include "base/base.h"
#include "evidence/evidence.h"
#include "exam/load/side_sampler.h"
#include "load/load.h"

namespace assay {

// What the series are held against.
struct SideContext {
  Nanos start{};                              // of the trial, CLOCK_MONOTONIC
  Nanos duration{};                           // of the trial
  LoadWindow window;                          // relative to its start
  Json conditions;                            // flat; go into every record
  Validity validity = Validity::kValid;       // of the trial
  std::optional<double> output_tokens_per_s;  // in the window, as the client counts
  uint64_t seed = 1;                          // of the bootstrap
  // Requests were sent: the client's own work is in what was measured. False: of an exam without traffic.
  bool is_load = true;
};

// Adds the samples "server" and "power", records of the window, and findings on what is missing. Pure.
void add_side_evidence(const SideSeries& series, const SideContext& context, TrialOutcome& outcome);

}  // namespace assay
