// Runs the search and writes down what it found; see capacity_trial.h.
#include "exam/load/capacity_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "exam/findings.h"

namespace assay {
namespace {

// Every request of a trial and the stamp of each of its tokens are kept until it is judged.
constexpr double kMostRequests = 1e6, kMostTokens = 5e7;

std::vector<PlannedRequest> probe_plan(const TrialTraffic& traffic, double rate_per_s, double duration_s,
                                       RequestId first_id, uint32_t trial) {
  double weights = 0, tokens = 0;
  for (const TrafficClass& each : traffic.classes) {
    weights += each.weight;
    tokens += each.weight * each.output_tokens.mean();
  }
  const double most = std::min(kMostRequests, kMostTokens * weights / tokens);
  TrialTraffic probe = traffic;
  probe.seed = Random(traffic.seed, random_stream("capacity"), trial).next();
  probe.requests = static_cast<uint32_t>(std::clamp(std::ceil(rate_per_s * duration_s), 1.0, most));
  // Draws make it a little longer or shorter; only what is far off is cut.
  return drain(*main_plan(probe, rate_per_s * sessions_per_request(traffic), 2 * duration_s, first_id));
}

CapacityOptions options_of(const LoadSpec& load, const TrialTraffic& traffic,
                           const std::vector<SloTier>& tiers, const CapacityStart& start) {
  CapacityOptions options{.confidence = load.capacity->confidence,
                          .resolution = load.capacity->resolution,
                          .budget_s = load.capacity->max_duration_s,
                          .start_rate_per_s = start.rate_per_s,
                          .response_s = start.response_s};
  double weights = 0;
  for (const TrafficClass& each : traffic.classes) weights += each.weight;
  for (const TrafficClass& each : traffic.classes) options.class_shares.push_back(each.weight / weights);
  for (const SloTier& tier : tiers) {
    auto& required = options.required.emplace_back();
    for (const Slo& slo : tier.by_class)
      required.push_back(slo.has_limits() ? std::optional(slo.required_share) : std::nullopt);
  }
  return options;
}

const char* words_of(CapacityEnd end) {
  switch (end) {
    case CapacityEnd::kNone:
      return "interrupted";
    case CapacityEnd::kResolved:
      return "resolved";
    case CapacityEnd::kBudget:
      return "budget spent";
    case CapacityEnd::kVoid:
      return "client late";
    case CapacityEnd::kOutOfRange:
      return "out of range";
  }
  std::unreachable();
}

void set_limits(const Slo& slo, Json& conditions) {
  if (slo.ttft_ms) conditions.set("slo_ttft_ms", *slo.ttft_ms);
  if (slo.tpot_ms) conditions.set("slo_tpot_ms", *slo.tpot_ms);
  if (slo.e2e_ms) conditions.set("slo_e2e_ms", *slo.e2e_ms);
  conditions.set("required_share", slo.required_share);
}

// As many as were given, else as this process may open.
int64_t connections_of(const Json& conditions) {
  return conditions["max_connections"].as_integer(most_connections());
}

// Writes the records of one search.
class Evidence {
 public:
  Evidence(const LoadSpec& load, const TrialTraffic& traffic, const std::vector<SloTier>& tiers,
           const CapacitySearch& search, const CapacityResult& result, const Json& conditions)
      : load_(load),
        classes_(traffic.classes),
        tiers_(tiers),
        search_(search),
        result_(result),
        conditions_(conditions) {}

  std::vector<Record> records() {
    for (size_t tier = 0; tier < tiers_.size(); ++tier) capacity(tier);
    // What a void trial showed decides nothing, and is told by its finding alone: the rest is not void.
    for (size_t i = 0; i < result_.probes.size(); ++i) {
      if (!result_.probes[i].trial.is_void) probe(i);
    }
    client();
    if (limited_by_connections() != nullptr) doubt_search(out_);
    return std::move(out_);
  }

  std::vector<Finding> findings() const {
    std::vector<Finding> found;
    const CapacitySpec& spec = *load_.capacity;
    if (search_.end() == CapacityEnd::kVoid) {
      const CapacityProbe& last = result_.probes.back();
      found.push_back(make_finding(
          Severity::kDoubtful, "load.capacity-client-late",
          fmt::format(
              "The search for capacity ended at {} requests/s, where the load generator was late {} times in a row: "
              "dispatch lag {} ms, budget {} ms. Those trials decide nothing. Leave this machine a core, or run the "
              "load from several machines.",
              format_number(last.trial.rate_per_s), kMostVoidsInARow, format_number(last.dispatch_lag_ms),
              format_number(load_.dispatch_lag_budget_ms)),
          Json::object()
              .set("rate_per_s", last.trial.rate_per_s)
              .set("dispatch_lag_ms", last.dispatch_lag_ms)
              .set("budget_ms", load_.dispatch_lag_budget_ms)
              .set(kFallsShort, !has_decided())));
    }
    const auto repeated =
        std::ranges::count_if(result_.probes, [](const CapacityProbe& probe) { return probe.trial.is_void; });
    if (repeated > 0 && search_.end() != CapacityEnd::kVoid) {
      found.push_back(make_finding(
          Severity::kNote, "load.capacity-repeated",
          fmt::format(
              "The search for capacity took {}. In {} of them the load generator was late: what it measured then decides "
              "nothing, and was measured again.",
              counted(static_cast<int64_t>(result_.probes.size()), "trial"), repeated)));
    }
    if (search_.end() == CapacityEnd::kBudget) {
      found.push_back(make_finding(
          Severity::kNote, "load.capacity-budget",
          fmt::format(
              "The search for capacity took the {} that it may (--duration, load.capacity.max_duration_s) before its interval "
              "was as narrow as {} %: it is wider, and as sure. More time narrows it.",
              format_duration(spec.max_duration_s), format_number(100 * spec.resolution)),
          Json::object().set(kFallsShort, !has_decided())));
    }
    if (const CapacityProbe* limited = limited_by_connections()) {
      const int64_t most = connections_of(conditions_);
      found.push_back(make_finding(
          Severity::kDoubtful, kConnectionsBusy,
          fmt::format(
              "At {} requests/s, which the search for capacity could not show to hold, requests waited until one of at most {} "
              "was free: a limit of the load generator's own. The target may hold more; what was found is marked "
              "doubtful. Allow more connections (max_connections; ulimit -n).",
              format_number(limited->trial.rate_per_s), counted(most, "connection")),
          Json::object().set("rate_per_s", limited->trial.rate_per_s).set("max_connections", most)));
    }
    if (result_.is_stopped) {
      found.push_back(make_finding(
          Severity::kNote, kStopped,
          fmt::format(
              "Stopped by its user: the search for capacity had taken {}, and its interval is what they have "
              "shown.",
              counted(static_cast<int64_t>(result_.probes.size()), "trial")),
          Json::object().set(kFallsShort, true)));
    }
    if (search_.end() == CapacityEnd::kOutOfRange) {
      found.push_back(
          make_finding(Severity::kNote, "load.capacity-out-of-range",
                       "The search for capacity found no rate within reason that fails, or none that "
                       "holds: its interval is open on that side."));
    }
    for (size_t tier = 0; tier < tiers_.size(); ++tier) {
      if (!search_.interval(tier).is_contradictory) continue;
      found.push_back(make_finding(
          Severity::kDoubtful, "load.capacity-not-monotone",
          fmt::format(
              "In tier {} a rate was shown to hold above one that was shown to fail: the target changed while it "
              "was searched, or does better with more load. The interval reaches from the one to the other.",
              tiers_[tier].name)));
    }
    return found;
  }

 private:
  Record& add(const char* metric, const Estimate& estimate, const std::string& traffic_class) {
    const Result<MetricName> name = parse_metric_name(metric);
    CHECK(name.has_value());
    Record record{.metric = metric};
    record.unit = name->metric->unit;
    record.value = estimate.value;
    record.ci_low = estimate.low;
    record.ci_high = estimate.high;
    record.confidence = estimate.low || estimate.high ? estimate.confidence : 0;
    record.n = estimate.n;
    record.method = estimate.method;
    record.conditions = conditions_;
    record.conditions.set("traffic_class", traffic_class);
    record.validity = estimate.value ? Validity::kValid : Validity::kInsufficient;
    return out_.emplace_back(std::move(record));
  }

  // A trial that was not shown to hold by some tier, while its requests waited in the load generator; or
  // null.
  const CapacityProbe* limited_by_connections() const {
    for (const CapacityProbe& probe : result_.probes) {
      if (probe.trial.is_void || !probe.filled_connections) continue;
      for (size_t tier = 0; tier < tiers_.size(); ++tier) {
        if (search_.verdict(probe.trial.rate_per_s, tier) != RateVerdict::kHolds) return &probe;
      }
    }
    return nullptr;
  }

  // The load generator's own share: of all trials that decide.
  void client() {
    if (result_.dispatch_lags_ms.empty()) return;
    constexpr double kPercentiles[] = {0.5, 0.99, 0.999};
    constexpr const char* kNames[] = {"dispatch_lag_ms_p50", "dispatch_lag_ms_p99", "dispatch_lag_ms_p99_9"};
    const std::vector<Estimate> lags = quantile_estimates(result_.dispatch_lags_ms, kPercentiles);
    for (size_t i = 0; i < lags.size(); ++i) add(kNames[i], lags[i], "all");
    const double largest[] = {std::ranges::max(result_.dispatch_lags_ms)};
    Estimate most = maximum_estimate(largest);
    most.n = static_cast<int64_t>(result_.dispatch_lags_ms.size());
    add("dispatch_lag_ms_max", most, "all");
    if (result_.duration.count == 0) return;
    add("client_cpu_utilisation",
        {.value = seconds(result_.cpu_time) / seconds(result_.duration),
         .method = "CPU time of this process over the trials' duration; 1 is one core"},
        "all");
  }

  // Whether any rate of any tier was shown to hold or to fail.
  bool has_decided() const {
    for (size_t tier = 0; tier < tiers_.size(); ++tier) {
      const CapacityInterval interval = search_.interval(tier);
      if (interval.low || interval.high) return true;
    }
    return false;
  }

  int64_t requests() const {
    int64_t n = 0;
    for (const CapacityProbe& probe : result_.probes) {
      if (probe.trial.is_void) continue;
      for (const ShareCounts& counts : probe.trial.counts.front()) n += counts.n;
    }
    return n;
  }

  void capacity(size_t tier) {
    const CapacityInterval interval = search_.interval(tier);
    Estimate estimate{.low = interval.low, .high = interval.high, .confidence = load_.capacity->confidence};
    estimate.n = requests();
    if (interval.estimate) {
      estimate.value = interval.estimate;
    } else if (interval.low) {
      estimate.value = interval.low;  // nothing failed: it is that or more
    } else if (interval.high) {
      estimate.value = estimate.low = 0;  // nothing held
    }
    estimate.method = fmt::format(
        "sequential search over {} in {}: highest rate shown to hold to lowest shown to fail, by a mixture "
        "sequential test of each class's share; between them by interpolation",
        counted(static_cast<int64_t>(result_.probes.size()), "trial"), format_duration(search_.spent_s()));
    Record& record = add("capacity_per_s", estimate, "all");
    record.conditions.set("tier", tiers_[tier].name)
        .set("ended", words_of(search_.end()))
        .set("resolution", load_.capacity->resolution)
        .set("probes", static_cast<int64_t>(result_.probes.size()))
        .set("search_s", search_.spent_s());
    if (interval.limiting_class >= 0) {
      const auto index = static_cast<size_t>(interval.limiting_class);
      record.conditions.set("limited_by", classes_[index].name);
      if (classes_.size() == 1) set_limits(tiers_[tier].by_class[index], record.conditions);
    }
    if (interval.is_contradictory) record.validity = Validity::kDoubtful;
  }

  void probe(size_t index) {
    const CapacityProbe& probe = result_.probes[index];
    const auto at = [&](Record& record) -> Record& {
      record.conditions.set("probe", static_cast<int64_t>(index) + 1)
          .set("probe_rate_per_s", probe.trial.rate_per_s);
      return record;
    };
    Estimate offered{.value = probe.offered_rate_per_s,
                     .method = "requests scheduled in the window over its length"};
    for (const ShareCounts& counts : probe.trial.counts.front()) offered.n += counts.n;
    Record& record = at(add("offered_rate_per_s", offered, "all"));
    record.conditions.set("arrivals_s", probe.duration_s).set("dispatch_lag_ms", probe.dispatch_lag_ms);
    at(add("request_throughput_per_s",
           {.value = probe.throughput_per_s,
            .n = offered.n,
            .method = "requests that ended well in the window over its length"},
           "all"));
    for (size_t tier = 0; tier < tiers_.size(); ++tier) {
      for (size_t i = 0; i < classes_.size(); ++i) {
        const Slo& slo = tiers_[tier].by_class[i];
        if (!slo.has_limits()) continue;
        Record& attained = at(add("slo_attainment", probe.attained[tier][i], classes_[i].name));
        set_limits(slo, attained.conditions);
        attained.conditions.set("tier", tiers_[tier].name)
            .set("dependence", probe.trial.counts[tier][i].dependence)
            .set("verdict", name_of(search_.verdict(probe.trial.rate_per_s, tier)));
      }
    }
  }

  const LoadSpec& load_;
  const std::vector<TrafficClass>& classes_;
  const std::vector<SloTier>& tiers_;
  const CapacitySearch& search_;
  const CapacityResult& result_;
  const Json& conditions_;
  std::vector<Record> out_;
};

}  // namespace

void doubt_search(std::vector<Record>& records) {
  for (Record& record : records) {
    const bool is_doubted = record.metric == "capacity_per_s" || record.metric == "slo_attainment";
    if (is_doubted && record.validity == Validity::kValid) record.validity = Validity::kDoubtful;
  }
}

std::vector<SloTier> capacity_tiers(const LoadSpec& load) {
  std::vector<SloTier> tiers;
  SloTier own{.name = kOwnTier, .by_class = {}};
  for (const TrafficClass& each : load.classes) own.by_class.push_back(each.slo);
  if (std::ranges::any_of(own.by_class, &Slo::has_limits)) tiers.push_back(std::move(own));
  for (const TierSpec& tier : load.capacity->tiers)
    tiers.push_back({.name = tier.name, .by_class = std::vector<Slo>(load.classes.size(), tier.slo)});
  return tiers;
}

CapacityEvidence search_for_capacity(ExamContext& context, Target& target, const TrialTraffic& traffic,
                                     const Json& conditions, const CapacityStart& start) {
  const LoadSpec& load = context.scenario.load;
  const std::vector<SloTier> tiers = capacity_tiers(load);
  CHECK(!tiers.empty());
  CapacitySearch search(options_of(load, traffic, tiers, start));
  CapacityRun run{.tiers = tiers,
                  .dispatch_lag_budget_ms = load.dispatch_lag_budget_ms,
                  .max_connections = connections_of(conditions)};
  run.interrupted = context.interrupted;
  if (context.interrupted_again) {
    run.stopped = context.interrupted;
    run.interrupted = context.interrupted_again;
  }
  run.plan = [&](double rate_per_s, double duration_s, RequestId first_id, uint32_t trial) {
    return probe_plan(traffic, rate_per_s, duration_s, first_id, trial);
  };
  run.progress = [&](double spent_s, const std::string& words) {
    context.progress.update(std::min(1.0, spent_s / load.capacity->max_duration_s), words);
  };
  CapacityEvidence evidence;
  evidence.result = find_capacity(target, context.clock, search, run, start.first_id);
  Evidence written(load, traffic, tiers, search, evidence.result, conditions);
  evidence.records = written.records();
  evidence.findings = written.findings();
  return evidence;
}

}  // namespace assay
