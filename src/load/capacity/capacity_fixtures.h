// Servers of known capacity, and searches for it, for the test and the bench of the search.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "load/capacity/capacity.h"
#include "load/load_fixtures.h"
#include "target/target.h"

namespace assay {

// P(W ≤ t) of an M/D/1 queue at utilisation ρ, t in service times (Erlang 1909; Iversen and Staalhagen,
// "Waiting time distribution in M/D/1 queueing systems", Electron. Lett. 35 (1999) 2184).
inline double md1_waits_at_most(double rho, double t) {
  double sum = 0;
  for (int k = 0; k <= static_cast<int>(t); ++k) {
    const double x = rho * (k - t);  // ≤ 0
    double term = std::exp(-x);
    for (int i = 1; i <= k; ++i) term *= x / i;
    sum += term;
  }
  return (1 - rho) * sum;
}

// The rate at which a falling share crosses what is required, to a thousandth.
inline double rate_where(const std::function<double(double)>& share_at, double required, double low,
                         double high) {
  while (high > low * 1.001) {
    const double middle = std::sqrt(low * high);
    (share_at(middle) >= required ? low : high) = middle;
  }
  return std::sqrt(low * high);
}

// Classes that come at Poisson arrivals, independently.
struct KnownClass {
  double share = 1;  // of the requests
  uint32_t prompt_tokens = 100;
  bool is_exponential = false;
  uint32_t output_tokens = 1;
};

struct KnownServer {
  FakeTargetOptions target;
  std::vector<KnownClass> classes;
  std::vector<SloTier> tiers;
};

inline std::vector<PlannedRequest> poisson_mix(const KnownServer& server, uint64_t seed, double rate_per_s,
                                               double duration_s, RequestId first_id) {
  Random arrivals(seed, random_stream("test arrivals"), 0), marks(seed, random_stream("test marks"), 0);
  std::vector<PlannedRequest> plan;
  for (double at_s = arrivals.exponential() / rate_per_s; at_s <= duration_s;
       at_s += arrivals.exponential() / rate_per_s) {
    uint32_t index = 0;
    for (double left = marks.uniform() - server.classes[0].share;
         left >= 0 && index + 1 < server.classes.size(); left -= server.classes[index].share)
      ++index;
    const KnownClass& its = server.classes[index];
    const double length = its.prompt_tokens * (its.is_exponential ? marks.exponential() : 1.0);
    plan.push_back(planned(first_id + plan.size(), at_s * 1e3,
                           std::max(1U, static_cast<uint32_t>(std::lround(length))), its.output_tokens,
                           index));
  }
  if (plan.empty()) plan.push_back(planned(first_id, 0, 1, 1, 0));
  return plan;
}

// Share of each class that waits `limit_ms` at most for its first token, by the recursion of Kiefer and
// Wolfowitz (1955) over `count` arrivals: no code of the fake target's. For tokens without a time of their
// own.
inline std::vector<double> simulated_shares(const KnownServer& server, double rate_per_s,
                                            const std::vector<double>& limit_ms, size_t count) {
  Random arrivals(99, random_stream("truth arrivals"), 0), marks(99, random_stream("truth marks"), 0);
  std::vector<double> free_at(server.target.sequences, 0.0);
  std::vector<double> good(server.classes.size()), all(server.classes.size());
  double now_ms = 0;
  for (size_t i = 0; i < count; ++i) {
    now_ms += arrivals.exponential() / rate_per_s * 1e3;
    size_t index = 0;
    for (double left = marks.uniform() - server.classes[0].share;
         left >= 0 && index + 1 < server.classes.size(); left -= server.classes[index].share)
      ++index;
    const KnownClass& its = server.classes[index];
    const double tokens =
        std::max(1.0, std::round(its.prompt_tokens * (its.is_exponential ? marks.exponential() : 1.0)));
    const double service_ms =
        tokens * server.target.prefill_us_per_token / 1e3 + server.target.tpot_ms * its.output_tokens;
    double& next = *std::ranges::min_element(free_at);
    const double begun = std::max(now_ms, next);
    next = begun + service_ms;
    const double first = begun + tokens * server.target.prefill_us_per_token / 1e3 + server.target.tpot_ms;
    all[index] += 1;
    good[index] += first - now_ms <= limit_ms[index] ? 1 : 0;
  }
  for (size_t i = 0; i < good.size(); ++i) good[i] /= std::max(all[i], 1.0);
  return good;
}

struct Searched {
  std::vector<CapacityInterval> tiers;
  CapacityEnd end = CapacityEnd::kNone;
  size_t trials = 0;
  double simulated_s = 0;
};

inline Searched search_capacity(const KnownServer& server, uint64_t seed, double resolution, double budget_s,
                                double start_rate_per_s) {
  FakeClock clock;
  const auto target = make_fake_target(server.target, clock);
  CapacityOptions options{.resolution = resolution,
                          .budget_s = budget_s,
                          .start_rate_per_s = start_rate_per_s,
                          .response_s = 0.1};
  for (const KnownClass& each : server.classes) options.class_shares.push_back(each.share);
  for (const SloTier& tier : server.tiers) {
    auto& required = options.required.emplace_back();
    for (const Slo& slo : tier.by_class)
      required.push_back(slo.has_limits() ? std::optional(slo.required_share) : std::nullopt);
  }
  CapacitySearch search(options);
  CapacityRun run{.tiers = server.tiers};
  run.plan = [&](double rate, double duration_s, RequestId first_id, uint32_t trial) {
    return poisson_mix(server, seed * 1000 + trial, rate, duration_s, first_id);
  };
  const CapacityResult result = find_capacity(*target, clock, search, run, 1);
  Searched found{.end = search.end(), .trials = result.probes.size(), .simulated_s = search.spent_s()};
  for (size_t tier = 0; tier < server.tiers.size(); ++tier) found.tiers.push_back(search.interval(tier));
  return found;
}

inline bool covers(const CapacityInterval& interval, double truth) {
  return (!interval.low || *interval.low <= truth) && (!interval.high || truth <= *interval.high);
}

}  // namespace assay
