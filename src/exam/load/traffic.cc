// Lays out the traffic of load trials; see traffic.h.
#include "exam/load/traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "measure/measure.h"

namespace assay {
namespace {

constexpr uint64_t kBurstSeed = 0x6275727374;  // tells the burst's draws from the trial's

// Enough of each class for `per_class` of the rarest, in proportion to the weights.
uint32_t requests_of_mix(const std::vector<TrafficClass>& classes, uint32_t per_class) {
  double sum = 0, least = INFINITY;
  for (const TrafficClass& traffic : classes) {
    sum += traffic.weight;
    if (traffic.weight > 0) least = std::min(least, traffic.weight);
  }
  CHECK(sum > 0);
  return static_cast<uint32_t>(std::min(std::ceil(per_class * sum / least), 1e8));
}

// How many sessions so many requests as the classes have weight are.
double sessions_of(const std::vector<TrafficClass>& classes) {
  double sessions = 0;
  for (const TrafficClass& each : classes) sessions += each.weight / std::max(1.0, each.turns.mean());
  return sessions;
}

// A ninth may be cut as warm-up or drain, unless that would cost a percentile that the requests support.
uint32_t kept_per_class(uint32_t per_class) {
  int64_t kept = per_class - per_class / 9;
  for (const double p : {0.5, 0.9, 0.95, 0.99}) {
    if (samples_needed(p) <= per_class) kept = std::max(kept, samples_needed(p));
  }
  return static_cast<uint32_t>(kept);
}

TrafficPlan plan_of(const TrialTraffic& traffic, double rate_per_s) {
  return {.seed = traffic.seed,
          .text_seed = traffic.text_seed,
          .classes = traffic.classes,
          .arrivals = traffic.arrivals,
          .rate_per_s = rate_per_s,
          .requests = traffic.requests,
          .trace = traffic.trace,
          .routes = traffic.routes.by_class,
          .share = traffic.share};
}

bool has_own_instants(const TrialTraffic& traffic) {
  return traffic.arrivals.kind == Arrivals::Kind::kTrace;
}

// How many requests of the trace belong to sessions that begin within `longest_s`.
uint32_t requests_within(const Trace& trace, double longest_s) {
  const auto late = std::ranges::find_if(trace.entries, [&](const TraceEntry& entry) {
    return entry.turn == 0 && seconds(entry.offset) > longest_s;
  });
  return static_cast<uint32_t>(late - trace.entries.begin());
}

}  // namespace

Result<TrialTraffic> trial_traffic(const Scenario& scenario, const TargetSpec& target,
                                   const std::string& traffic_class) {
  const LoadSpec& load = scenario.load;
  TrialTraffic traffic;
  traffic.seed = scenario.seed;
  traffic.arrivals = load.arrivals;
  traffic.classes = load.classes;
  traffic.rate_per_s = load.rate_per_s;
  if (!load.trace.path.empty()) {
    ASSIGN_OR_RETURN(Trace trace, load_trace(load.trace));
    traffic.trace = std::make_shared<const Trace>(std::move(trace));
  }
  if (!traffic_class.empty()) {
    double sum = 0;
    for (const TrafficClass& each : load.classes) sum += each.weight;
    std::erase_if(traffic.classes, [&](const TrafficClass& each) { return each.name != traffic_class; });
    if (traffic.classes.empty())
      return fail(fmt::format("there is no traffic class '{}'", traffic_class), scenario.path);
    const double share = traffic.classes.front().weight / sum;
    traffic.share_of_mix = sessions_of(traffic.classes) / sessions_of(load.classes);
    if (load.rate_per_s) traffic.rate_per_s = *load.rate_per_s * traffic.share_of_mix;
    traffic.arrivals.users = std::max(1U, static_cast<uint32_t>(std::lround(load.arrivals.users * share)));
    // As arrivals of the class's own they are drawn in its name: else all classes alone would come with the
    // same pauses, and where chance makes these long or short, it does for all.
    std::optional<Arrivals>& own = traffic.classes.front().arrivals;
    if (!own) own = traffic.arrivals;
  }
  const uint32_t per_class =
      !traffic_class.empty() && load.alone_requests > 0 ? load.alone_requests : load.requests_per_class;
  traffic.requests = traffic.trace == nullptr ? requests_of_mix(traffic.classes, per_class)
                                              : static_cast<uint32_t>(traffic.trace->entries.size());
  traffic.wanted_per_class = kept_per_class(per_class);
  traffic.routes = server_routes(target, traffic.classes);
  return traffic;
}

uint64_t text_seed_of(const Trial& trial) {
  const Json& parameters = trial.parameters;
  const std::string& phase = parameters["phase"].as_string();
  if (phase == "mix") return 0;
  const std::string name =
      fmt::format("{} {} {} {}", phase, parameters["traffic_class"].as_string(),
                  parameters["sweep_rate_per_s"].as_number(0), parameters["sweep_users"].as_integer(0));
  return random_stream(name.c_str());
}

std::optional<double> rate_of_mix(const DossierContent& content, const std::string& target) {
  const auto is_of_mix = [&](const Trial& trial) {
    return trial.exam == "load" && trial.target == target && trial.parameters["phase"].as_string() == "mix";
  };
  const auto mix = std::ranges::find_if(content.trials, is_of_mix);
  if (mix == content.trials.end()) return std::nullopt;
  for (const Record& record : content.records) {
    const Json& rate = record.conditions["arrival_rate_per_s"];
    if (record.trial_id == mix->id && rate.is_number()) return rate.as_number();
  }
  return std::nullopt;
}

uint32_t warm_up_requests(const TrialTraffic& traffic) {
  const auto classes = static_cast<uint32_t>(traffic.classes.size());
  const auto servers = std::max<uint32_t>(1, static_cast<uint32_t>(traffic.routes.urls.size()));
  return std::max({classes, servers, std::min(classes * servers, traffic.requests / 4)});
}

std::vector<PlannedRequest> burst_plan(const TrialTraffic& traffic, uint32_t count, RequestId first_id) {
  TrafficPlan plan = plan_of(traffic, 1);
  plan.seed ^= kBurstSeed;
  plan.share = {};
  plan.requests = count;
  plan.arrivals.kind = Arrivals::Kind::kBurst;
  if (plan.trace != nullptr) {
    // A burst of the trace's own lengths and prefixes, whose text differs, so that no cache is warmed.
    const std::vector<TraceEntry>& all = plan.trace->entries;
    Trace burst{.prefixes = plan.trace->prefixes};
    burst.entries.assign(all.begin(),
                         all.begin() + static_cast<ptrdiff_t>(std::min<size_t>(count, all.size())));
    for (TraceEntry& entry : burst.entries) entry.turn = 0;
    plan.trace = std::make_shared<const Trace>(std::move(burst));
  }
  for (TrafficClass& each : plan.classes) {
    each.turns = LengthDistribution{};
    each.arrivals.reset();
    each.cancel = CancelPlan{};
  }
  return materialise(plan, first_id);
}

std::unique_ptr<PlanSource> main_plan(const TrialTraffic& traffic, double rate_per_s, double longest_s,
                                      RequestId first_id) {
  TrafficPlan plan = plan_of(traffic, rate_per_s);
  if (has_own_instants(traffic)) {
    plan.requests = requests_within(*plan.trace, longest_s);
    return traffic_source(std::move(plan), first_id);
  }
  for (double last = seconds(last_arrival(plan)); last > longest_s && plan.requests > 1;
       last = seconds(last_arrival(plan))) {
    plan.requests = std::max(1U, static_cast<uint32_t>(plan.requests * std::min(longest_s / last, 0.99)));
  }
  return traffic_source(std::move(plan), first_id);
}

bool needs_rate(const TrialTraffic& traffic) {
  if (has_own_instants(traffic)) return false;
  return std::ranges::any_of(traffic.classes, [&](const TrafficClass& each) {
    return each.arrivals.value_or(traffic.arrivals).has_rate();
  });
}

double sessions_per_request(const TrialTraffic& traffic) {
  if (traffic.trace != nullptr) {
    const std::vector<TraceEntry>& entries = traffic.trace->entries;
    const auto starts = std::ranges::count(entries, 0U, &TraceEntry::turn);
    return static_cast<double>(starts) / static_cast<double>(entries.size());
  }
  double weights = 0;
  for (const TrafficClass& each : traffic.classes) weights += each.weight;
  return sessions_of(traffic.classes) / weights;
}

ContextNeed context_need(const TrialTraffic& traffic, uint32_t sequences) {
  std::vector<PlannedRequest> all = materialise(plan_of(traffic, 1), 1);
  const std::vector<PlannedRequest> burst = burst_plan(traffic, 2 * sequences);
  std::map<uint64_t, uint64_t> sessions;
  std::vector<uint64_t> totals;
  const auto tokens = [](const Request& r) { return uint64_t{r.prompt_tokens} + r.output_tokens; };
  for (const PlannedRequest& planned : all) {
    if (planned.request.session == 0)
      totals.push_back(tokens(planned.request));
    else
      sessions[planned.request.session] += tokens(planned.request);
  }
  for (const PlannedRequest& planned : burst) totals.push_back(tokens(planned.request));
  for (const auto& [session, total] : sessions) totals.push_back(total);
  std::ranges::sort(totals, std::greater{});
  ContextNeed need;
  if (totals.empty()) return need;
  need.longest = static_cast<uint32_t>(std::min<uint64_t>(totals.front(), UINT32_MAX));
  for (size_t i = 0; i < std::min<size_t>(sequences, totals.size()); ++i) need.together += totals[i];
  return need;
}

}  // namespace assay
