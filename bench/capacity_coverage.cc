// How often the search for capacity holds what it states: servers of known capacity on a fake clock, one
// search a seed. Prints, for each server, in how many of the searches the truth lay within the interval, how
// wide it was, how many trials and how much simulated time it took.
//   capacity_coverage [SEEDS [PART OF A NAME]]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "load/capacity/capacity_fixtures.h"

namespace {

using namespace assay;

struct Case {
  const char* name;
  KnownServer server;
  std::vector<double> truths;  // by tier
  double start_rate_per_s;
  double budget_s;
};

Slo ttft_limit(double ms, double share = 0.9) {
  Slo slo;
  slo.ttft_ms = ms;
  slo.required_share = share;
  return slo;
}

// One sequence, 10 ms of service each.
Case md1(const char* name, double limit_ms, double share, double start, double budget_s) {
  Case it{.name = name, .start_rate_per_s = start, .budget_s = budget_s};
  it.server.target = {.sequences = 1, .prefill_us_per_token = 100, .tpot_ms = 0};
  it.server.classes = {{.prompt_tokens = 100}};
  it.server.tiers = {{"slo", {ttft_limit(limit_ms, share)}}};
  const auto share_at = [&](double rate) { return md1_waits_at_most(rate / 100, limit_ms / 10 - 1); };
  it.truths = {rate_where(share_at, share, 1, 99.9)};
  return it;
}

// Two classes on four sequences, two tiers.
Case mixed(double start, double budget_s) {
  Case it{.name = "M/G/4, two classes, two tiers", .start_rate_per_s = start, .budget_s = budget_s};
  it.server.target = {.sequences = 4, .prefill_us_per_token = 100, .tpot_ms = 2};
  it.server.classes = {{.share = 0.75, .prompt_tokens = 100, .is_exponential = true, .output_tokens = 10},
                       {.share = 0.25, .prompt_tokens = 400, .output_tokens = 5}};
  const std::vector<std::vector<double>> limits = {{60, 90}, {200, 200}};
  for (size_t tier = 0; tier < limits.size(); ++tier) {
    it.server.tiers.push_back({tier == 0 ? "interactive" : "relaxed",
                               {ttft_limit(limits[tier][0]), ttft_limit(limits[tier][1], 0.95)}});
    const auto worst = [&](double rate) {
      const std::vector<double> shares = simulated_shares(it.server, rate, limits[tier], 400'000);
      return std::min(shares[0] - 0.9, shares[1] - 0.95);
    };
    it.truths.push_back(rate_where(worst, 0, 10, 200));
  }
  return it;
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 100;
  const std::vector<Case> cases = {
      md1("M/D/1, 90 % within 2.5 services", 25, 0.9, 20, 1800),
      md1("M/D/1, 90 % within 6 services", 60, 0.9, 300, 1800),
      md1("M/D/1, 90 % within 6 services, 60 s", 60, 0.9, 20, 60),
      md1("M/D/1, 99 % within 6 services", 60, 0.99, 50, 1800),
      mixed(30, 1800),
  };
  for (const Case& one : cases) {
    if (argc > 2 && std::string_view(one.name).find(argv[2]) == std::string_view::npos) continue;
    const auto begin = std::chrono::steady_clock::now();
    std::vector<int> covered(one.truths.size()), resolved(one.truths.size());
    std::vector<double> width(one.truths.size());
    double trials = 0, simulated_s = 0;
    for (int seed = 1; seed <= seeds; ++seed) {
      const Searched found =
          search_capacity(one.server, static_cast<uint64_t>(seed), 0.05, one.budget_s, one.start_rate_per_s);
      trials += static_cast<double>(found.trials) / seeds;
      simulated_s += found.simulated_s / seeds;
      for (size_t tier = 0; tier < one.truths.size(); ++tier) {
        const CapacityInterval& interval = found.tiers[tier];
        covered[tier] += covers(interval, one.truths[tier]) ? 1 : 0;
        resolved[tier] += interval.is_resolved ? 1 : 0;
        if (interval.low && interval.high) width[tier] += (*interval.high / *interval.low - 1) / seeds;
      }
    }
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (size_t tier = 0; tier < one.truths.size(); ++tier) {
      fmt::print(
          "{:<38} {:<12} capacity {:7.3f}/s: covered {}/{}, resolved {}, mean width {:.1f} %, {:.1f} trials, "
          "{:.0f} s simulated, {:.2f} s a search\n",
          one.name, one.server.tiers[tier].name, one.truths[tier], covered[tier], seeds, resolved[tier],
          100 * width[tier], trials, simulated_s, took / seeds);
    }
  }
  return 0;
}
