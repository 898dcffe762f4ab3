// Doubts latencies of a client that read late; see reading_doubt.h.
#include "exam/load/reading_doubt.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/base.h"
#include "exam/findings.h"
#include "exam/load/capacity_trial.h"

namespace assay {
namespace {

// So many chunks share a later one's stamp before it matters to a percentile that people read.
constexpr double kLeastShare = 0.01;
// The lateness that matters: of a chunk gap, of a TTFT, and never less than in milliseconds.
constexpr double kGapShare = 0.25;
constexpr double kTtftShare = 0.05;
constexpr double kLeastLagMs = 0.2;

const Record* of_all(const TrialOutcome& outcome, std::string_view metric) {
  const auto found = std::ranges::find_if(outcome.records, [&](const Record& record) {
    return record.metric == metric && record.value && record.validity != Validity::kVoid &&
           record.conditions["traffic_class"].as_string() == "all";
  });
  return found == outcome.records.end() ? nullptr : &*found;
}

// Also of the same latencies with failures as infinite: those that arrived are the same samples.
bool is_of(const Record& record, std::string_view distribution) {
  constexpr std::string_view kWithFailures = "effective_";
  std::string_view metric = record.metric;
  if (metric.starts_with(kWithFailures)) metric.remove_prefix(kWithFailures.size());
  return metric.starts_with(distribution) && metric.substr(distribution.size()).starts_with('_');
}

// The shortest that `tiers` allow, of a kind; 0: none.
double least_limit_ms(const std::vector<SloTier>& tiers, std::optional<double> Slo::* kind) {
  double least = 0;
  for (const SloTier& tier : tiers) {
    for (const Slo& slo : tier.by_class) {
      if (slo.*kind && (least == 0 || *(slo.*kind) < least)) least = *(slo.*kind);
    }
  }
  return least;
}

}  // namespace

void doubt_late_reading(TrialOutcome& outcome, const std::vector<SloTier>& tiers) {
  const Record* lag = of_all(outcome, "receive_lag_ms_p99");
  const Record* shared = of_all(outcome, "coalesced_share");
  if (lag == nullptr || shared == nullptr || *shared->value < kLeastShare) return;
  const double lag_ms = *lag->value, share = *shared->value;
  const double ttft_ms = least_limit_ms(tiers, &Slo::ttft_ms);
  if (ttft_ms == 0 || lag_ms < std::max(kLeastLagMs, kTtftShare * ttft_ms)) return;
  doubt_search(outcome.records);
  outcome.findings.push_back(make_finding(
      Severity::kDoubtful, "load.read-late",
      fmt::format(
          "In the search for capacity the load generator read late: 1 % of its reads by {} ms and more, beside a limit of {} "
          "ms on the time to the first token, and {:.1f} % of the chunks together with a later one, whose stamp they then "
          "have. Requests may have missed their limits for that: the target may hold more. Leave this machine a core, or "
          "run the load from several machines.",
          format_number(lag_ms), format_number(ttft_ms), 100 * share),
      Json::object()
          .set("receive_lag_ms_p99", lag_ms)
          .set("coalesced_share", share)
          .set("slo_ttft_ms", ttft_ms)));
}

void doubt_late_reading(TrialOutcome& outcome) {
  const Record* lag = of_all(outcome, "receive_lag_ms_p99");
  const Record* shared = of_all(outcome, "coalesced_share");
  const Record* gap = of_all(outcome, "chunk_gap_ms_p50");
  if (lag == nullptr || shared == nullptr || gap == nullptr) return;
  const double lag_ms = *lag->value, share = *shared->value, gap_ms = *gap->value;
  if (share < kLeastShare || lag_ms < std::max(kLeastLagMs, kGapShare * gap_ms)) return;
  bool begins_late = false;
  for (Record& record : outcome.records) {
    if (record.validity == Validity::kVoid || !record.value) continue;
    const bool is_late_begin =
        (is_of(record, "ttft_ms") || is_of(record, "ttfo_ms")) && lag_ms >= kTtftShare * *record.value;
    begins_late |= is_late_begin;
    const bool is_doubted = is_late_begin || is_of(record, "chunk_gap_ms");
    if (is_doubted && record.validity == Validity::kValid) record.validity = Validity::kDoubtful;
  }
  Finding finding{.severity = Severity::kDoubtful, .code = "load.read-late"};
  finding.text = fmt::format(
      "The load generator read late: 1 % of its reads by {} ms and more, beside a median chunk gap of {} ms, and {:.1f} % of "
      "the chunks together with a later one, whose stamp they then have. Chunk gaps are as much its own as the "
      "server's, and are marked doubtful{}. Leave this machine a core, or run the load from several machines.",
      format_number(lag_ms), format_number(gap_ms), 100 * share,
      begins_late
          ? fmt::format(
                ", as are times to the first token of up to {} ms, which may seem longer than they were",
                format_number(lag_ms / kTtftShare))
          : "");
  finding.evidence = Json::object();
  finding.evidence.set("receive_lag_ms_p99", lag_ms)
      .set("coalesced_share", share)
      .set("chunk_gap_ms_p50", gap_ms);
  outcome.findings.push_back(std::move(finding));
}

}  // namespace assay
