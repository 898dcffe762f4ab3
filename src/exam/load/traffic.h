// What a load trial sends: the traffic of its phase, cut to the time it may take, and the burst that goes
// before it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "exam/load/server_routes.h"
#include "scenario/scenario.h"
#include "workload/workload.h"

namespace assay {

// The traffic of one trial: of the mix, or of one class alone.
struct TrialTraffic {
  std::vector<TrafficClass> classes;
  std::shared_ptr<const Trace> trace;  // of a trace replay; plans point into it. Else null
  Arrivals arrivals;
  uint64_t seed = 0;
  uint64_t text_seed = 0;            // the trial's own; see TrafficPlan
  uint32_t requests = 0;             // how many are wanted
  uint32_t wanted_per_class = 0;     // how many of each the steady window keeps at least
  std::optional<double> rate_per_s;  // of sessions; what the scenario fixes for this phase, if it does
  double share_of_mix = 1;           // of the mix's sessions, those of a class alone
  ServerRoutes routes;               // of the target that it is for
  PlanShare share;                   // of main_plan: what this load generator sends of it
};

// For `target`. `traffic_class` empty: the mix. Fails if the trace cannot be read or the class is not the
// scenario's.
Result<TrialTraffic> trial_traffic(const Scenario& scenario, const TargetSpec& target,
                                   const std::string& traffic_class);

// A trial's own, so that the mix leaves no text of later trials in a server's prefix cache. The mix has 0.
uint64_t text_seed_of(const Trial& trial);

// Sessions per second that were offered to `target` in its mix; nothing if it left no rate.
std::optional<double> rate_of_mix(const DossierContent& content, const std::string& target);

// How many requests warm a target up: one of each class, and of several servers so many that each server is
// met by each class, as far as a quarter of the trial's requests go.
uint32_t warm_up_requests(const TrialTraffic& traffic);

// A burst of `count` single requests of the classes, all at once; ids from `first_id`.
std::vector<PlannedRequest> burst_plan(const TrialTraffic& traffic, uint32_t count, RequestId first_id = 1);

// The trial's requests at `rate_per_s` sessions per second; ids from `first_id`. As many as fit: the last
// arrival lies within `longest_s`. A trace that is replayed at its own instants
// keeps them.
std::unique_ptr<PlanSource> main_plan(const TrialTraffic& traffic, double rate_per_s, double longest_s,
                                      RequestId first_id);

// True if some class comes at a rate, which somebody has to choose.
bool needs_rate(const TrialTraffic& traffic);

// Sessions per request of the mix: what a rate of requests is multiplied by to become one of sessions.
double sessions_per_request(const TrialTraffic& traffic);

// Room that the requests need, in tokens: of the longest session, and of the `sequences` longest ones
// together.
struct ContextNeed {
  uint32_t longest = 0;
  uint64_t together = 0;
};
ContextNeed context_need(const TrialTraffic& traffic, uint32_t sequences);

}  // namespace assay
