// From the dossiers of ranks to one outcome; see merged_trial.h.
#include "exam/load/merged_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include "exam/findings.h"
#include "exam/load/rank_evidence.h"
#include "exam/load/reading_doubt.h"
#include "exam/load/server_routes.h"
#include "exam/load/token_basis.h"
#include "exam/load/token_check.h"
#include "exam/load/unsent.h"

namespace assay {
namespace {

// What tells of the load generator itself, and of its way to the target: each rank has its own.
constexpr std::array<std::string_view, 9> kInstrumentMetrics = {
    "dispatch_lag_ms", "send_lag_ms",   "receive_lag_ms",  "coalesced_share",       "coalesced_interval_ms",
    "connect_ms",      "round_trip_ms", "tcp_retransmits", "client_cpu_utilisation"};
// The union of the samples tells these better than the worst rank does.
constexpr std::array<std::string_view, 2> kOfAllRequests = {"dispatch_lag_ms", "send_lag_ms"};
// What rank 0 sampled beside its requests; of its window, which differs a little from that of all.
constexpr std::array<std::string_view, 11> kBesideMetrics = {"server_running",
                                                             "server_waiting",
                                                             "server_kv_usage",
                                                             "server_prefix_hit_rate",
                                                             "server_preemptions",
                                                             "server_queue_time_ms",
                                                             "server_prompt_tokens_per_s",
                                                             "server_output_tokens_per_s",
                                                             "power_w",
                                                             "energy_j",
                                                             "sampler_cpu_utilisation"};
// What the requests themselves tell is told anew of all of them; all else that a rank found holds for the
// whole.
constexpr std::array<std::string_view, 24> kToldAnew = {
    "load.cancelled-early", "load.failures",       "load.generator-late",    "load.more-than-asked",
    "load.not-steady",      "load.read-late",      "load.rank-share",        kRateNotHeld,
    "load.sent-late",       "load.server-timings", "load.servers",           "load.short-window",
    "load.shortened",       "load.stray-events",   "load.token-basis",       "load.rank-stamps",
    "load.too-few-samples", "load.uneven-servers", "load.usage-above-asked", "load.usage-below-chunks",
    "load.ranks",           "load.went-silent",    kNothingMeasured,         kConnectionsBusy};

std::string metric_base(const Record& record) {
  const Result<MetricName> name = parse_metric_name(record.metric);
  return name ? std::string(name->metric->name) : record.metric;
}

bool is_instrument(const Record& record) {
  return record.conditions["traffic_class"].as_string() == "all" &&
         std::ranges::find(kInstrumentMetrics, metric_base(record)) != kInstrumentMetrics.end();
}

bool is_beside(const Record& record) {
  return std::ranges::find(kBesideMetrics, metric_base(record)) != kBesideMetrics.end();
}

Json without_rank(const Json& conditions) {
  Json rest = Json::object();
  for (const auto& [name, value] : conditions.members()) {
    if (name != "rank") rest.set(name, value);
  }
  return rest;
}

class Merge {
 public:
  Merge(const Scenario& scenario, const std::vector<RankTrial>& ranks,
        const std::vector<MissingRank>& missing)
      : scenario_(scenario), ranks_(ranks), missing_(missing), first_(ranks.front().facts) {}

  Result<TrialOutcome> take() {
    for (const TargetSpec& target : scenario_.targets) {
      if (target.name == ranks_.front().trial.target) routes_ = server_routes(target, scenario_.load.classes);
    }
    for (const RankTrial& rank : ranks_) {
      ASSIGN_OR_RETURN(LoadResult result,
                       load_result_of(rank.samples, rank.facts, scenario_.load.classes.size(),
                                      routes_.urls.size(), rank.path));
      parts_.push_back({rank.facts, std::move(result)});
    }
    const MergedLoad merged = merge_parts(parts_);
    out_.subject = ranks_.front().subject;
    out_.subject->id = 0;
    out_.duration_s = seconds(merged.result.duration);
    tell_ranks();
    tell_late_ranks();
    summarise(merged);
    add_instrument_records();
    doubt_late_reading(out_);
    add_beside();
    add_token_counts();
    keep_findings();
    tell_token_basis(merged.result);
    tell_shortening(merged.result);
    tell_missing(merged.result);
    return std::move(out_);
  }

 private:
  Finding& find(Severity severity, std::string code, std::string text) {
    return out_.findings.emplace_back(make_finding(severity, std::move(code), std::move(text)));
  }

  static std::string rank_name(uint32_t rank, const std::string& host) {
    return fmt::format("rank {} on {}", rank, printable(host, 80));
  }

  void tell_ranks() {
    std::set<std::string> hosts;
    Nanos error{};
    for (const RankTrial& rank : ranks_) {
      hosts.insert(rank.facts.host);
      error = std::max(error, rank.facts.clock.error);
    }
    const bool is_wide = milliseconds(error) > first_.dispatch_lag_budget_ms;
    Finding& finding = find(
        is_wide ? Severity::kDoubtful : Severity::kNote, "load.ranks",
        fmt::format("The load came from {} on {}. At the start their clocks were known to within "
                    "{}, which moves no latency: each is of one clock.",
                    counted(static_cast<int64_t>(ranks_.size()), "rank"),
                    counted(static_cast<int64_t>(hosts.size()), "host"), format_duration(seconds(error))));
    finding.evidence.set("ranks", static_cast<int64_t>(ranks_.size()))
        .set("hosts", static_cast<int64_t>(hosts.size()))
        .set("clock_error_ms", milliseconds(error));
  }

  // The p99.9 of all could hide one that was late.
  void tell_late_ranks() {
    for (const RankPart& part : parts_) {
      std::vector<double> lags;
      for (const RequestRow& row : part.result.rows) {
        if (row.dispatched.count != 0) lags.push_back(milliseconds(row.dispatched - row.scheduled));
      }
      const WorstLag lag = worst_lag(std::move(lags));
      const std::string name = rank_name(part.facts.rank, part.facts.host);
      is_void_ = is_void_ || part.facts.stamps_are_wrong || lag.ms > first_.dispatch_lag_budget_ms;
      if (part.facts.stamps_are_wrong)
        find(Severity::kDoubtful, "load.rank-stamps",
             fmt::format("The stamps of {} are wrong, so that the trial is void.", name))
            .evidence.set(kVoidsTrial, true);
      if (lag.ms <= first_.dispatch_lag_budget_ms) continue;
      find(Severity::kDoubtful, "load.generator-late",
           fmt::format(
               "The load generator of {} was late: dispatch lag {} {} ms, budget {} ms. The trial is void. "
               "Offer less, leave its machine a core, or take more machines.",
               name, lag.statistic, format_number(lag.ms), format_number(first_.dispatch_lag_budget_ms)))
          .evidence.set("rank", part.facts.rank)
          .set("dispatch_lag_ms", lag.ms)
          .set(kVoidsTrial, true);
    }
  }

  void summarise(const MergedLoad& merged) {
    uint64_t users = 0;
    for (const RankPart& part : parts_) users += part.facts.users;
    Json rate_conditions = first_.rate_conditions;
    if (users > 0) rate_conditions.set("users", users);
    conditions_ = without_rank(first_.conditions);
    if (!missing_.empty()) conditions_.set("ranks_merged", static_cast<int64_t>(ranks_.size()));
    LoadSummary summary =
        summarise_load(merged.result, {.classes = scenario_.load.classes,
                                       .conditions = conditions_,
                                       .rate_conditions = std::move(rate_conditions),
                                       .dispatch_lag_budget_ms = first_.dispatch_lag_budget_ms,
                                       .stamps_are_wrong = is_void_,
                                       .wanted_per_class = first_.wanted_per_class,
                                       .seed = scenario_.seed,
                                       .servers = routes_.urls,
                                       .routes = routes_.by_class});
    for (Record& record : summary.records) {
      is_void_ = is_void_ || record.validity == Validity::kVoid;
      // Each rank's own is told instead.
      if (metric_base(record) != "client_cpu_utilisation") out_.records.push_back(std::move(record));
    }
    const bool is_told = is_void_ && std::ranges::any_of(out_.findings, [](const Finding& finding) {
                           return finding.code == "load.generator-late";
                         });
    for (Finding& finding : summary.findings) {
      if (!is_told || finding.code != "load.generator-late") out_.findings.push_back(std::move(finding));
    }
    out_.samples = std::move(summary.samples);
    out_.samples.front().columns.add("rank", merged.ranks);
  }

  // The worst of each, then each rank's: readers take the first.
  void add_instrument_records() {
    std::vector<const Record*> worst;
    for (const RankTrial& rank : ranks_) {
      for (const Record& record : rank.records) {
        if (!is_instrument(record) || !record.value) continue;
        const auto same = std::ranges::find(worst, record.metric, &Record::metric);
        if (same == worst.end()) {
          worst.push_back(&record);
        } else if (*record.value > *(*same)->value) {
          *same = &record;
        }
      }
    }
    for (const Record* record : worst) {
      if (std::ranges::find(kOfAllRequests, metric_base(*record)) != kOfAllRequests.end()) continue;
      Record& of_all = add_copy(*record);
      of_all.conditions = without_rank(record->conditions);
      of_all.conditions.set("worst_rank", record->conditions["rank"]);
      of_all.method += fmt::format("; the largest of {} ranks", ranks_.size());
    }
    for (const RankTrial& rank : ranks_) {
      for (const Record& record : rank.records) {
        if (is_instrument(record)) add_copy(record);
      }
    }
    for (const RankTrial& rank : ranks_) add_copy(clock_offset_record(rank.facts, conditions_));
    Columns& columns = out_.samples.emplace_back(Sample{.name = "ranks"}).columns;
    std::vector<int64_t> number, offset, error, requests, planned;
    for (const RankPart& part : parts_) {
      number.push_back(part.facts.rank);
      offset.push_back(part.facts.clock.offset.count);
      error.push_back(part.facts.clock.error.count);
      requests.push_back(static_cast<int64_t>(part.result.rows.size()));
      planned.push_back(static_cast<int64_t>(part.facts.planned));
    }
    columns.add("rank", std::move(number));
    columns.add("clock_offset_ns", std::move(offset));
    columns.add("clock_error_ns", std::move(error));
    columns.add("requests", std::move(requests));
    columns.add("planned", std::move(planned));
  }

  Record& add_copy(const Record& record) {
    Record& copy = out_.records.emplace_back(record);
    copy.id = copy.trial_id = copy.subject_id = 0;
    copy.source.clear();
    if (is_void_ && copy.validity != Validity::kInsufficient) copy.validity = Validity::kVoid;
    return copy;
  }

  // The server's metrics and the power sensors, which rank 0 looked at.
  void add_beside() {
    if (first_.rank != 0) return;
    const Record* tokens = nullptr;
    for (const Record& record : out_.records) {
      if (record.metric == "output_throughput_tokens_per_s" &&
          record.conditions["traffic_class"].as_string() == "all")
        tokens = &record;
    }
    const double tokens_per_s = tokens == nullptr ? 0 : tokens->value.value_or(0);
    for (const Record& record : ranks_.front().records) {
      if (!is_beside(record)) continue;
      Record& copy = add_copy(record);
      copy.conditions = without_rank(record.conditions);
      copy.method += "; over the window of rank 0's requests";
      if (record.metric != "power_w_mean" || !record.value || tokens_per_s <= 0) continue;
      Record energy = copy;
      energy.metric = "energy_per_output_token_j";
      energy.unit = "J";
      energy.value = *record.value / tokens_per_s;
      energy.ci_low = energy.ci_high = std::nullopt;
      energy.confidence = 0;
      energy.method += "; ÷ output tokens per second of all ranks";
      out_.records.push_back(std::move(energy));
    }
    for (const Sample& sample : ranks_.front().samples) {
      if (sample.name != "server" && sample.name != "power") continue;
      out_.samples.push_back({.name = sample.name, .columns = sample.columns});
    }
  }

  // Each rank held a sample of its own answers against the tokenizer. What one of them found wrong is so of
  // all, and of what only all of them together have.
  void add_token_counts() {
    for (const RankTrial& rank : ranks_) {
      for (const Record& record : rank.records) {
        if (record.metric.starts_with("usage_")) add_copy(record);
      }
      for (const Finding& finding : rank.findings) {
        if (finding.code == "load.tokens" && finding.severity == Severity::kDoubtful)
          doubt_tokens(doubtful_tokens_of(finding), scenario_.load.classes, out_.records);
      }
    }
  }

  // Who counted is asked of all requests; what the tokenizer said, of each rank's sample.
  void tell_token_basis(const LoadResult& result) {
    TokenCheck all;
    std::set<std::string> agreeing, doubtful;
    for (const RankTrial& rank : ranks_) {
      const TokenCheck check = token_check_of(rank.findings);
      all.is_counted = all.is_counted || check.is_counted;
      all.prompts.add(check.prompts);
      agreeing.insert(check.agreeing_classes.begin(), check.agreeing_classes.end());
      for (const Finding& finding : rank.findings) {
        if (finding.code != "load.tokens") continue;
        const DoubtfulTokens tokens = doubtful_tokens_of(finding);
        doubtful.insert(tokens.classes.begin(), tokens.classes.end());
      }
    }
    std::ranges::set_difference(agreeing, doubtful, std::back_inserter(all.agreeing_classes));
    add_token_basis(
        {.classes = scenario_.load.classes, .rows = result.rows, .conditions = conditions_, .check = all},
        out_);
  }

  void keep_findings() {
    std::set<std::string> told;
    for (const RankTrial& rank : ranks_) {
      for (const Finding& finding : rank.findings) {
        const bool is_told_anew = std::ranges::find(kToldAnew, finding.code) != kToldAnew.end();
        if (is_told_anew || !told.insert(finding.code + finding.text).second) continue;
        Finding& copy = out_.findings.emplace_back(finding);
        copy.id = copy.trial_id = copy.subject_id = 0;
        // Its numbers are those of its own sample.
        if (finding.code == "load.tokens" && ranks_.size() > 1)
          copy.text = fmt::format("{}: {}", rank_name(rank.facts.rank, rank.facts.host), finding.text);
      }
      if (rank.trial.state == TrialState::kFailed && out_.state != TrialState::kFailed) {
        out_.state = TrialState::kFailed;
        out_.end_text =
            fmt::format("{}: {}", rank_name(rank.facts.rank, rank.facts.host), rank.trial.end_text);
      }
    }
  }

  void tell_shortening(const LoadResult& result) {
    if (!missing_.empty() || result.lost) return;
    if (result.planned < first_.wanted) {
      find(Severity::kNote, "load.shortened",
           fmt::format("Of {} {} planned, since the others would have arrived too late: a trial may take {} "
                       "(max_duration_s).",
                       counted(first_.wanted, "request"),
                       counted(static_cast<int64_t>(result.planned), "was", "were"),
                       format_duration(scenario_.load.max_duration_s)))
          .evidence.set("planned", result.planned)
          .set("wanted", first_.wanted);
    }
    const auto planned = static_cast<uint32_t>(std::min<size_t>(result.planned, first_.wanted));
    if (auto finding = unsent_finding(result, planned, scenario_.load.max_duration_s))
      out_.findings.push_back(std::move(*finding));
  }

  void tell_missing(const LoadResult& result) {
    if (missing_.empty()) return;
    std::string who;
    for (const MissingRank& rank : missing_)
      who += fmt::format("{}{}: {}", who.empty() ? "" : "; ", rank_name(rank.rank, rank.host), rank.why);
    find(
        Severity::kDoubtful, "load.rank-lost",
        fmt::format(
            "Of {} {} missing ({}). What they sent is not in these numbers, and from when they ended the load was less "
            "than was asked for: of {} {} known.",
            counted(first_.ranks, "rank"), counted(static_cast<int64_t>(missing_.size()), "is", "are"), who,
            counted(first_.wanted, "request"),
            counted(static_cast<int64_t>(result.rows.size()), "is", "are")))
        .evidence.set("ranks", first_.ranks)
        .set("ranks_merged", static_cast<int64_t>(ranks_.size()))
        .set("requests", static_cast<int64_t>(result.rows.size()))
        .set("wanted", first_.wanted)
        .set(kFallsShort, true);
    for (Record& record : out_.records) {
      if (record.validity == Validity::kValid) record.validity = Validity::kDoubtful;
    }
  }

  const Scenario& scenario_;
  const std::vector<RankTrial>& ranks_;
  const std::vector<MissingRank>& missing_;
  const RankFacts& first_;
  ServerRoutes routes_;
  std::vector<RankPart> parts_;
  Json conditions_;
  bool is_void_ = false;
  TrialOutcome out_;
};

}  // namespace

Result<RankTrial> read_rank_trial(const std::string& path) {
  ASSIGN_OR_RETURN(const Dossier dossier, Dossier::open_read_only(path));
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  const auto trial = std::ranges::find(content.trials, "load", &Trial::exam);
  const auto facts = std::ranges::find(content.artifacts, kRankArtifact, &Artifact::name);
  if (trial == content.trials.end() || facts == content.artifacts.end() || facts->trial_id != trial->id) {
    return fail("this is no rank's part of a load", path,
                "Give the folders rank-0, rank-1 … that `assay load` under mpirun or srun has left.");
  }
  RankTrial rank{.path = path, .run = content.run, .trial = *trial, .subject = {}, .facts = {}};
  ASSIGN_OR_RETURN(rank.facts, RankFacts::from_text(facts->content, path));
  for (const Subject& subject : content.subjects) {
    if (subject.id == trial->subject_id) rank.subject = subject;
  }
  const auto is_of_trial = [&](const auto& each) { return each.trial_id == trial->id; };
  std::ranges::copy_if(content.records, std::back_inserter(rank.records), is_of_trial);
  std::ranges::copy_if(content.findings, std::back_inserter(rank.findings), is_of_trial);
  ASSIGN_OR_RETURN(rank.samples, dossier.read_samples(trial->id));
  return rank;
}

Result<void> check_same_launch(std::vector<RankTrial>& ranks) {
  std::ranges::stable_sort(ranks, {}, [](const RankTrial& rank) { return rank.facts.rank; });
  for (size_t i = 1; i < ranks.size(); ++i) {
    const RankTrial &before = ranks[i - 1], &rank = ranks[i];
    if (rank.facts.run != before.facts.run || rank.facts.ranks != before.facts.ranks ||
        rank.run.scenario_text != before.run.scenario_text) {
      return fail(fmt::format("this is of another run than {}", before.path), rank.path,
                  "Give the dossiers of one launch.");
    }
    if (rank.facts.rank == before.facts.rank)
      return fail(fmt::format("rank {} is in {}, too", rank.facts.rank, before.path), rank.path,
                  "Give each rank once.");
  }
  return {};
}

Result<TrialOutcome> merged_outcome(const Scenario& scenario, const std::vector<RankTrial>& ranks,
                                    const std::vector<MissingRank>& missing) {
  return Merge(scenario, ranks, missing).take();
}

}  // namespace assay
