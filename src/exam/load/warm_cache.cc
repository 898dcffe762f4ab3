// Doubts latencies of a warm prefix cache; see warm_cache.h.
#include "exam/load/warm_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "exam/findings.h"

namespace assay {
namespace {

// A chat template begins every prompt alike, which is a good part of short ones.
constexpr double kLeastHits = 0.5;
constexpr std::array<std::string_view, 7> kDoubted = {"ttft_ms",
                                                      "ttfo_ms",
                                                      "e2e_ms",
                                                      "effective_ttft_ms",
                                                      "effective_e2e_ms",
                                                      "queue_ms",
                                                      "input_throughput_tokens_per_s"};

bool shares_prompts(const TrialTraffic& traffic) {
  return traffic.trace != nullptr || std::ranges::any_of(traffic.classes, [](const TrafficClass& each) {
           return each.prefix_tokens > 0 || each.turns.mean() > 1;
         });
}

}  // namespace

void doubt_warm_cache(const TrialTraffic& traffic, TrialOutcome& outcome) {
  const auto hits = std::ranges::find(outcome.records, "server_prefix_hit_rate", &Record::metric);
  if (hits == outcome.records.end() || !hits->value || *hits->value < kLeastHits || shares_prompts(traffic))
    return;
  const double share = *hits->value;
  for (Record& record : outcome.records) {
    const Result<MetricName> name = parse_metric_name(record.metric);
    const bool is_doubted = name && std::ranges::find(kDoubted, name->metric->name) != kDoubted.end();
    if (is_doubted && record.validity == Validity::kValid) record.validity = Validity::kDoubtful;
  }
  outcome.findings.push_back(make_finding(
      Severity::kDoubtful, "load.warm-cache",
      fmt::format(
          "The server says that {} % of the prompts' tokens came from its prefix cache, though no two requests of this "
          "traffic begin alike: they were sent before, with the same seed. Times to the first token are those of a warm "
          "cache, and marked doubtful. Take another seed (--seed), or start the server anew.",
          format_number(100 * share)),
      Json::object().set("server_prefix_hit_rate", share)));
}

}  // namespace assay
