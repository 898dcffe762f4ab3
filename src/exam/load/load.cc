// The load exam: each target under the mix of traffic and under each class alone, at a rate that the scenario
// gives or a burst suggests.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "exam/findings.h"
#include "exam/load/calibration.h"
#include "exam/load/capacity_trial.h"
#include "exam/load/launch.h"
#include "exam/load/prompt_cuts.h"
#include "exam/load/rank_evidence.h"
#include "exam/load/reading_doubt.h"
#include "exam/load/side_evidence.h"
#include "exam/load/stack.h"
#include "exam/load/status_line.h"
#include "exam/load/target_setup.h"
#include "exam/load/token_basis.h"
#include "exam/load/token_check.h"
#include "exam/load/trace_finding.h"
#include "exam/load/traffic.h"
#include "exam/load/trial_plan.h"
#include "exam/load/unsent.h"
#include "exam/load/warm_cache.h"
#include "exam/rows.h"
#include "exam/sizing.h"
#include "load/load.h"

namespace assay {
namespace {

constexpr uint32_t kUsualSequences = 16;  // of a target that does not say how many it works on at once
// Of load.max_duration_s, which holds burst and arrivals: how long the burst may take at most, which part of
// what it leaves is for arrivals, and how long the last answers may take beyond it.
constexpr double kLeastBurstS = 10;
constexpr double kMostBurstS = 600;
constexpr double kBurstShare = 0.25;
constexpr double kArrivalShare = 0.9;
constexpr double kDrainShare = 0.25;
constexpr double kAloneSlack = 1.5;

// One trial, step by step; each step may end it.
class LoadTrial {
 public:
  LoadTrial(ExamContext& context, const Trial& trial, const TargetSpec& spec)
      : context_(context), trial_(trial), spec_(spec), load_(context.scenario.load) {
    // A quick look's are short already.
    if (is_sized_down(trial) && !context.scenario.is_quick) load_.max_duration_s *= kSlowDurationShare;
    // At the mix's rate fewer requests come in so much less time, and by chance in half as much again; where
    // the mix was cut to its time, so is this.
    if (trial.parameters["phase"].as_string() == "alone" && load_.alone_requests > 0)
      load_.max_duration_s *= std::min(1.0, kAloneSlack * load_.alone_requests / load_.requests_per_class);
  }

  Result<TrialOutcome> run() {
    Result<TrialTraffic> traffic =
        trial_traffic(context_.scenario, spec_, trial_.parameters["traffic_class"].as_string());
    if (!traffic) {
      end_failed(failed_exam_finding(traffic.error()));
      return std::move(outcome_);
    }
    traffic_ = std::move(*traffic);
    traffic_.text_seed = text_seed_of(trial_);
    if (traffic_.trace != nullptr) outcome_.findings.push_back(trace_finding(*traffic_.trace, load_.trace));
    set_rate_of_phase();
    if (!open_tokenizer()) return std::move(outcome_);
    PromptCutter cutter = prompt_cutter();
    if (context_.interrupted()) return interrupted();
    if (context_.ranks != nullptr) traffic_.share = context_.ranks->share();
    if (follows()) {
      // Rank 0 opens and tries the target before the others come to it.
      Result<AgreedTraffic> agreed = context_.ranks->hear();
      if (!agreed) return end_failed(failed_exam_finding(agreed.error())), std::move(outcome_);
      agreed_ = std::move(*agreed);
    }
    auto setup = set_up_target(context_, trial_, spec_, traffic_, std::move(cutter));
    if (context_.interrupted()) return interrupted();
    if (!setup) {
      end_failed(std::move(setup.error()));
      return std::move(outcome_);
    }
    setup_ = std::move(*setup);
    std::ranges::move(setup_.findings, std::back_inserter(outcome_.findings));
    context_.progress.update(0, "opening " + spec_.name);
    Result<TargetInfo> info = setup_.target->open();
    if (!info && context_.interrupted()) return close(), interrupted();
    if (!info) {
      lose(info.error());
      return std::move(outcome_);
    }
    return run_open(*info);
  }

 private:
  // Of an endpoint with several: how many there are.
  uint32_t servers() const {
    return std::max<uint32_t>(1, static_cast<uint32_t>(traffic_.routes.urls.size()));
  }
  // One of several load generators, and not the first, which decides.
  bool follows() const { return context_.ranks != nullptr && !context_.ranks->leads(); }

  bool is_search() const { return trial_.parameters["phase"].as_string() == "capacity"; }

  // A point of a sweep brings its own; a search finds where to begin by the burst.
  void set_rate_of_phase() {
    if (is_search()) traffic_.rate_per_s.reset();
    if (trial_.parameters["phase"].as_string() == "alone") take_rate_of_mix();
    const Json& rate = trial_.parameters["sweep_rate_per_s"];
    const Json& users = trial_.parameters["sweep_users"];
    if (rate.is_number()) traffic_.rate_per_s = rate.as_number();
    if (!users.is_number()) return;
    traffic_.arrivals = {.kind = Arrivals::Kind::kClosed,
                         .users = static_cast<uint32_t>(users.as_integer()),
                         .pause_s = traffic_.arrivals.pause_s};
    traffic_.rate_per_s.reset();
  }

  // A class alone comes as it came in the mix, so that what differs is what the other classes do to it. A mix
  // that left no rate leaves the class to its own burst.
  void take_rate_of_mix() {
    if (traffic_.rate_per_s || !needs_rate(traffic_) || context_.dossier == nullptr) return;
    const Result<DossierContent> content = context_.dossier->read();
    if (!content) return;  // a dossier that cannot be read fails the run when the trial is committed
    const std::optional<double> rate = rate_of_mix(*content, spec_.name);
    if (!rate) return;
    traffic_.rate_per_s = *rate * traffic_.share_of_mix;
    is_rate_of_mix_ = true;
  }

  // Before anything is sent: a tokenizer that cannot be used would be noticed too late. False: the trial is
  // over.
  bool open_tokenizer() {
    if (spec_.tokenizer.empty()) return true;
    Result<std::unique_ptr<TokenCounter>> counter = open_token_counter(spec_.tokenizer);
    if (counter) return counter_ = std::move(*counter), true;
    end_failed(failed_exam_finding(counter.error()));
    return false;
  }

  // By the tokenizer, where there is one.
  PromptCutter prompt_cutter() {
    if (counter_ == nullptr) return PromptCutter();
    PromptCuts cuts = cut_prompts(context_, *counter_, traffic_.classes);
    prompts_cut_by_ = cuts.by;
    if (cuts.finding) outcome_.findings.push_back(std::move(*cuts.finding));
    return std::move(cuts.cutter);
  }

  // `rows`: of the trial, or of those that went before it.
  void count_tokens(const std::vector<RequestRow>& rows) {
    TokenCheck check;
    // Whoever has interrupted it waits for no worker.
    if (counter_ != nullptr && !context_.interrupted())
      check = check_tokens(context_, *counter_, end_.texts, traffic_.classes, conditions_, outcome_);
    add_token_basis({.classes = traffic_.classes, .rows = rows, .conditions = conditions_, .check = check},
                    outcome_);
  }

  static Result<TrialOutcome> interrupted() { return fail("interrupted"); }

  void end_failed(Finding finding) { fail_outcome(std::move(finding), outcome_); }

  void close() {
    end_ = setup_.target->close();
    std::ranges::copy(end_.findings, std::back_inserter(outcome_.findings));
    if (!end_.diagnostics.empty()) {
      outcome_.artifacts.push_back(
          {.name = "worker.stderr", .media_type = "text/plain", .content = end_.diagnostics});
    }
  }

  void lose(const Error& error) {
    close();
    end_failed(lost_target_finding(error, end_));
  }

  // A target that the load generator gave up ends well afterwards, or too late.
  void fail_as_lost(const Error& error, bool is_hung) {
    if (is_hung) end_.cause = EndCause::kHung;
    end_failed(lost_target_finding(error, end_));
  }

  Result<TrialOutcome> run_open(const TargetInfo& info) {
    outcome_.subject = info.subject;
    conditions_ = setup_.conditions;
    for (const char* name : {"phase", "sweep_rate_per_s", "sweep_users"}) {
      if (const Json* value = trial_.parameters.find(name)) conditions_.set(name, *value);
    }
    if (!conditions_["model"].is_string()) conditions_.set("model", info.model);
    for (const auto& [name, value] : info.conditions.members()) {
      // Of a limit that nobody gave, the process's own is no condition: another shell has another.
      if (name == "max_connections" && !spec_.max_connections) continue;
      if (conditions_.find(name) == nullptr) conditions_.set(name, value);
    }
    if (!prompts_cut_by_.empty()) conditions_.set("prompts_cut_by", prompts_cut_by_);
    if (context_.ranks != nullptr) set_rank_conditions(traffic_.share, conditions_);
    note_stack(info);
    const uint32_t sequences = info.sequences > 0     ? info.sequences
                               : setup_.sequences > 0 ? setup_.sequences
                                                      : kUsualSequences * servers();
    const LoadResult burst = warm_up(sequences);
    if (burst.is_interrupted || context_.interrupted()) return close(), interrupted();
    if (burst.lost) return close(), fail_as_lost(*burst.lost, burst.is_hung), std::move(outcome_);
    if (!choose_rate(burst)) return close(), std::move(outcome_);
    if (is_search()) return search(burst);

    if (!follows()) {
      agreed_ = {.rate_per_s = rate_per_s_,
                 .left_s = std::max(load_.max_duration_s - seconds(burst.duration), load_.max_duration_s / 2),
                 .first_id = first_id() + std::max(failed_warm_ups_ + burst.planned, traffic_.classes.size()),
                 .rate_conditions = rate_conditions_};
    }
    const double left_s = agreed_.left_s;
    const auto planned = main_plan(traffic_, rate_per_s_, kArrivalShare * left_s, agreed_.first_id);
    if (context_.ranks == nullptr) note_shortening(planned->size(), kArrivalShare * left_s);
    note_users(planned->loop_users());
    if (follows()) setup_.side.interval_s = 0;  // what is beside the requests is there once
    const auto sampler = SideSampler::open(setup_.side, context_.interrupted, outcome_.findings);
    setup_.target->restart_measuring();
    if (context_.ranks != nullptr) {
      Result<AgreedStart> start = agreed_start();
      if (!start) return close(), end_failed(failed_exam_finding(start.error())), std::move(outcome_);
      start_ = *start;
    }
    if (sampler) sampler->start();
    LoadResult result = drive(*planned, left_s);
    const SideSeries side = sampler ? sampler->stop() : SideSeries();
    result.cpu_time = std::max(result.cpu_time - side.cpu_time, Nanos());  // what the client took of it
    if (result.is_interrupted) return close(), interrupted();
    if (result.is_stopped) note_stop(result);
    close();
    result.waited_for_connection = end_.waited_for_connection;
    finish(result, side);
    return std::move(outcome_);
  }

  Result<AgreedStart> agreed_start() {
    context_.progress.update(0, "agreeing with the other ranks on the start");
    if (!follows()) RETURN_IF_ERROR(context_.ranks->tell(agreed_));
    return context_.ranks->agree();
  }

  // What serves: declared, told, and how long it took to start.
  void note_stack(const TargetInfo& info) {
    if (spec_.kind != TargetKind::kEndpoint) return;
    const Json stack = stack_conditions(spec_.stack);
    for (const auto& [name, value] : stack.members()) outcome_.subject->details.set(name, value);
    std::ranges::move(stack_findings(spec_.stack, info.conditions), std::back_inserter(outcome_.findings));
    if (!setup_.was_launched) return;
    outcome_.records = cold_start_records(*context_.server, info);
    for (Record& record : outcome_.records) {
      record.conditions = conditions_;
      record.conditions.set("traffic_class", "all");
    }
  }

  Result<TrialOutcome> search(const LoadResult& burst) {
    std::vector<double> answers_s;
    for (const RequestRow& row : burst.rows) {
      if (row.failure == FailureCause::kNone) answers_s.push_back(seconds(row.end - row.scheduled));
    }
    std::ranges::sort(answers_s);
    CapacityEvidence found = search_for_capacity(context_, *setup_.target, traffic_, conditions_,
                                                 {.rate_per_s = rate_per_s_ / sessions_per_request(traffic_),
                                                  .response_s = answers_s[answers_s.size() / 2],
                                                  .first_id = first_id() + failed_warm_ups_ + burst.planned});
    if (found.result.is_interrupted) return close(), interrupted();
    close();
    outcome_.records = std::move(found.records);
    std::ranges::move(found.findings, std::back_inserter(outcome_.findings));
    if (end_.peak_memory_bytes > 0) add_worker_memory();
    add_own_work(false);
    doubt_late_reading(outcome_, capacity_tiers(load_));
    count_tokens(burst.rows);
    if (found.result.lost) fail_as_lost(*found.result.lost, found.result.is_hung);
    return std::move(outcome_);
  }

  // Of its first warm-up. Each trial has a thousand million ids of its own, so that a server's log tells one
  // trial's requests from another's (X-Request-Id).
  RequestId first_id() const { return static_cast<RequestId>(trial_.id) * 1'000'000'000 + 1; }

  // A quarter of a trial's time, but never so little that a slow device could not compile its kernels in it,
  // and never so much that a server which hangs is waited for.
  double burst_limit_s() const {
    return std::clamp(kBurstShare * load_.max_duration_s, kLeastBurstS, kMostBurstS);
  }

  // A burst may be of one request, and that fail by chance: where one showed soon that nothing ends well, two
  // more are driven before it is held against the target.
  LoadResult warm_up(uint32_t sequences) {
    LoadResult burst = drive_burst(sequences);
    const Nanos soon = nanos_from_seconds(burst_limit_s() / 4);
    for (int again = 0; again < 2 && !burst.is_interrupted && !burst.lost && burst.duration < soon &&
                        calibration_of(burst).ended_well == 0;
         ++again) {
      failed_warm_ups_ += burst.planned;
      failed_warm_ups_took_ += burst.duration;
      burst = drive_burst(sequences);
    }
    return burst;
  }

  // With a rate to be found: twice as many requests as the target works on at once, but no more than a
  // quarter of the trial's. Else what warms it up.
  LoadResult drive_burst(uint32_t sequences) {
    const uint32_t least = warm_up_requests(traffic_);
    const bool must_calibrate = !traffic_.rate_per_s && needs_rate(traffic_) && !follows();
    const uint32_t count =
        must_calibrate ? std::min(std::max(2 * sequences, servers()), std::max(traffic_.requests / 4, least))
                       : least;
    LoadOptions options;
    options.interrupted = context_.interrupted;
    options.drain_timeout = nanos_from_seconds(burst_limit_s());
    options.progress = [this](const LoadProgress& progress) {
      context_.progress.update(0, fmt::format("burst: {} of {}", progress.ended,
                                              counted(static_cast<int64_t>(progress.planned), "request")));
    };
    const auto plan = burst_plan(traffic_, count, first_id() + failed_warm_ups_);
    return drive_load(*setup_.target, context_.clock, *list_source(plan), options);
  }

  // False if the burst shows that there is nothing to measure.
  bool choose_rate(const LoadResult& burst) {
    rate_conditions_ = Json::object();
    note_arrivals();
    const Calibration calibration = calibration_of(burst);
    if (calibration.ended_well == 0) {
      Finding finding{.severity = Severity::kBlocker, .code = "load.failures"};
      const size_t sent = failed_warm_ups_ + calibration.requests;
      finding.text = fmt::format("Of {} sent to warm the target up, none ended well in {}.",
                                 counted(static_cast<int64_t>(sent), "request"),
                                 format_duration(seconds(failed_warm_ups_took_ + burst.duration)));
      for (const std::string& example : burst.failure_examples) {
        if (example.empty()) continue;
        finding.text += fmt::format(" The first said: {}.", printable(example));
        break;
      }
      const auto begun =
          std::ranges::count_if(burst.rows, [](const RequestRow& row) { return row.chunks > 0; });
      if (begun > 0) {
        finding.text += fmt::format(
            " {} had begun to answer: a slow target needs shorter answers (output_tokens) or "
            "longer trials (max_duration_s).",
            begun);
      }
      end_failed(std::move(finding));
      return false;
    }
    if (follows()) {
      rate_per_s_ = agreed_.rate_per_s;
      rate_conditions_ = agreed_.rate_conditions;
    } else if (traffic_.arrivals.kind == Arrivals::Kind::kTrace) {
      rate_conditions_.set("rate_chosen_by", "trace");
    } else if (traffic_.rate_per_s) {
      rate_conditions_.set("rate_chosen_by", is_rate_of_mix_ ? "mix" : "scenario");
      rate_per_s_ = *traffic_.rate_per_s;
      rate_conditions_.set("arrival_rate_per_s", rate_per_s_);
    } else if (!needs_rate(traffic_)) {
      rate_conditions_.set("rate_chosen_by",
                           traffic_.arrivals.kind == Arrivals::Kind::kClosed ? "answers" : "scenario");
    } else {
      rate_per_s_ = load_.utilisation * calibration.rate_per_s * sessions_per_request(traffic_);
      rate_conditions_.set("rate_chosen_by", "burst").set("utilisation", load_.utilisation);
      rate_conditions_.set("burst_requests", static_cast<int64_t>(calibration.requests));
      rate_conditions_.set("burst_rate_per_s", calibration.rate_per_s);
      rate_conditions_.set("arrival_rate_per_s", rate_per_s_);
    }
    return true;
  }

  void note_users(const std::vector<uint32_t>& users) {
    if (users.empty()) return;
    rate_conditions_.set("users", std::accumulate(users.begin(), users.end(), uint64_t{0}));
  }

  // Of a class alone its own arrivals; of a mix those of [load], and beside them what classes have of their
  // own.
  void note_arrivals() {
    const auto note = [&](const std::string& suffix, const Arrivals& arrivals) {
      rate_conditions_.set("arrivals" + suffix, name_of(arrivals.kind));
      if (arrivals.kind == Arrivals::Kind::kGamma) rate_conditions_.set("cv" + suffix, arrivals.cv);
    };
    const bool is_alone = traffic_.classes.size() == 1;
    note("", is_alone ? traffic_.classes[0].arrivals.value_or(traffic_.arrivals) : traffic_.arrivals);
    for (const TrafficClass& each : traffic_.classes) {
      if (!is_alone && each.arrivals) note("_of_" + each.name, *each.arrivals);
    }
  }

  void note_shortening(size_t planned, double arrivals_s) {
    if (planned >= traffic_.requests) return;
    outcome_.findings.push_back(make_finding(
        Severity::kNote, "load.shortened",
        fmt::format(
            "Of {} {} planned, since the others would come later than {} after the start: a trial may take {} "
            "(max_duration_s).",
            counted(traffic_.requests, "request"), counted(static_cast<int64_t>(planned), "was", "were"),
            format_duration(arrivals_s), format_duration(load_.max_duration_s)),
        Json::object().set("planned", static_cast<int64_t>(planned)).set("wanted", traffic_.requests)));
  }

  // Of a part, the whole tells.
  void note_unsent(const LoadResult& result) {
    if (context_.ranks != nullptr) return;
    const auto planned = static_cast<uint32_t>(std::min<size_t>(result.planned, traffic_.requests));
    if (auto finding = unsent_finding(result, planned, load_.max_duration_s))
      outcome_.findings.push_back(std::move(*finding));
  }

  void note_stop(const LoadResult& result) {
    outcome_.findings.push_back(make_finding(
        Severity::kNote, kStopped,
        fmt::format("Stopped by its user: {} of {} were sent, and their answers awaited.", result.rows.size(),
                    counted(static_cast<int64_t>(result.planned), "request")),
        Json::object()
            .set("planned", static_cast<int64_t>(result.planned))
            .set("sent", static_cast<int64_t>(result.rows.size()))
            .set(kFallsShort, true)));
  }

  LoadResult drive(PlanSource& planned, double left_s) {
    LoadOptions options;
    options.start_at = start_.at;
    options.max_duration = nanos_from_seconds(left_s);
    options.drain_timeout = nanos_from_seconds(std::max(kDrainShare * load_.max_duration_s, 5.0));
    options.interrupted = context_.interrupted;
    if (context_.interrupted_again) {
      options.stopped = context_.interrupted;
      options.interrupted = context_.interrupted_again;
    }
    options.progress = [this](const LoadProgress& progress) {
      context_.progress.update(progress.fraction, status_line(progress));
    };
    return drive_load(*setup_.target, context_.clock, planned, options);
  }

  void finish(LoadResult& result, const SideSeries& side) {
    LoadSummary summary =
        summarise_and_release(result, {.classes = traffic_.classes,
                                       .conditions = conditions_,
                                       .rate_conditions = rate_conditions_,
                                       .dispatch_lag_budget_ms = load_.dispatch_lag_budget_ms,
                                       .stamps_are_wrong = end_.stamps_are_wrong,
                                       .wanted_per_class = traffic_.wanted_per_class,
                                       .seed = context_.scenario.seed,
                                       .servers = traffic_.routes.urls,
                                       .routes = traffic_.routes.by_class});
    // A generator that was late says nothing against the cold start.
    const bool is_void = std::ranges::any_of(
        summary.records, [](const Record& record) { return record.validity == Validity::kVoid; });
    SideContext beside{.start = result.start,
                       .duration = result.duration,
                       .window = summary.window,
                       .conditions = conditions_,
                       .validity = is_void ? Validity::kVoid : Validity::kValid,
                       .output_tokens_per_s = {},
                       .seed = context_.scenario.seed};
    for (const Record& record : summary.records) {
      const bool is_of_all = record.conditions["traffic_class"].as_string() == "all";
      // The target's energy is not that of one rank's tokens.
      if (is_of_all && record.metric == "output_throughput_tokens_per_s" && context_.ranks == nullptr)
        beside.output_tokens_per_s = record.value;
    }
    std::ranges::move(summary.records, std::back_inserter(outcome_.records));
    outcome_.samples = std::move(summary.samples);
    add_side_evidence(side, beside, outcome_);
    doubt_warm_cache(traffic_, outcome_);
    note_unsent(result);
    std::ranges::move(summary.findings, std::back_inserter(outcome_.findings));
    if (end_.peak_memory_bytes > 0) add_worker_memory();
    add_own_work(is_void);
    doubt_late_reading(outcome_);
    count_tokens(result.rows);
    if (context_.ranks != nullptr) add_rank_evidence(rank_facts(result), outcome_);
    if (result.lost) fail_as_lost(*result.lost, result.is_hung);
  }

  RankFacts rank_facts(const LoadResult& result) const {
    RankFacts facts{.run = context_.ranks->run(),
                    .rank = traffic_.share.rank,
                    .ranks = traffic_.share.ranks,
                    .host = context_.ranks->host(),
                    .clock = start_.clock,
                    .start = start_.at_rank_0,
                    .wanted = traffic_.requests,
                    .users = static_cast<uint32_t>(rate_conditions_["users"].as_integer()),
                    .wanted_per_class = traffic_.wanted_per_class,
                    .dispatch_lag_budget_ms = load_.dispatch_lag_budget_ms,
                    .stamps_are_wrong = end_.stamps_are_wrong,
                    .conditions = conditions_,
                    .rate_conditions = rate_conditions_};
    facts.take(result);
    return facts;
  }

  // What the target measured of its own work is as good as the rest of the trial.
  void add_own_work(bool is_void) {
    for (Record& record : end_.records) {
      record.conditions = conditions_;
      record.conditions.set("traffic_class", "all");
      if (is_void) record.validity = Validity::kVoid;
      outcome_.records.push_back(std::move(record));
    }
  }

  void add_worker_memory() {
    Record record;
    record.metric = "worker_peak_memory_bytes";
    record.unit = "bytes";
    record.value = static_cast<double>(end_.peak_memory_bytes);
    record.method = "peak resident set of the worker (VmHWM of /proc/PID/status, at the end of the trial)";
    record.conditions = conditions_;
    record.conditions.set("traffic_class", "all");
    outcome_.records.push_back(std::move(record));
  }

  ExamContext& context_;
  const Trial& trial_;
  const TargetSpec& spec_;
  LoadSpec load_;
  TrialTraffic traffic_;
  TargetSetup setup_;
  Json conditions_, rate_conditions_;
  double rate_per_s_ = 1;
  bool is_rate_of_mix_ = false;
  size_t failed_warm_ups_ = 0;  // requests of bursts before the last
  Nanos failed_warm_ups_took_{};
  AgreedTraffic agreed_;
  AgreedStart start_;  // of several ranks; else all zero
  TargetEnd end_;
  std::unique_ptr<TokenCounter> counter_;  // null: nothing is counted
  std::string prompts_cut_by_;             // as in PromptCuts
  TrialOutcome outcome_;
};

Result<TrialOutcome> run(ExamContext& context, const Trial& trial, const TargetSpec& target) {
  Result<TrialOutcome> outcome = LoadTrial(context, trial, target).run();
  if (outcome) note_other_model(trial.parameters, *outcome);
  // A rank that did not come as far as the start says so: the others wait for it.
  if (context.ranks != nullptr) context.ranks->give_up(outcome ? outcome->end_text : outcome.error().what);
  return outcome;
}

}  // namespace

Exam load_exam() {
  return {
      .name = "load",
      .title = "Load",
      .question = 2,
      .description =
          "Sends the scenario's traffic classes, together and each alone, on a schedule that does not wait for "
          "answers; measures latency, throughput and goodput with intervals.",
      .details =
          "Trials: the mix of all classes, then each class alone at its share of the rate (load.alone), which shows how "
          "much the classes disturb each other (metrics interference and tpot_interference); the mix at each point of load.sweep; and, with a "
          "load.capacity, one that searches for the largest rate at which every class meets its SLO (capacity_per_s), in "
          "many short trials of its own. The rate is load.rate_per_s, a trace's own, or "
          "load.utilisation of what a burst at the beginning shows the target can do.\n\n"
          "Measures for each class and all together: ttft_ms, tpot_ms, e2e_ms, chunk_gap_ms (each as mean, p50 to p99.9 "
          "and maximum), throughput, goodput_per_s, slo_attainment, error_rate, and of the generator itself "
          "dispatch_lag_ms, send_lag_ms and client_cpu_utilisation. load.requests_per_class says how many requests each class gets; a "
          "percentile that they cannot support reads insufficient.\n\n"
          "Void: a trial in which the load generator itself was late by more than load.dispatch_lag_budget_ms (dispatch lag), "
          "whose receive stamps jumped, or whose target was lost.",
      .example = "assay run --only load",
      .plan = plan_load_trials,
      .run = run};
}

}  // namespace assay
