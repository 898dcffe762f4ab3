// The exam "roofline": what kernels get out of a device, then what the engine gets out of the kernels with a
// real model.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "exam/findings.h"
#include "exam/kit/kit_trial.h"
#include "exam/load/side_evidence.h"
#include "exam/load/side_sampler.h"
#include "exam/model_setup.h"
#include "exam/roofline/bounds.h"
#include "exam/roofline/claims.h"
#include "exam/roofline/collect.h"
#include "exam/roofline/peak.h"
#include "exam/rows.h"
#include "exam/sizing.h"

namespace assay {
namespace {

// Of the time of a device; the rest is the engine's.
constexpr double kKernelShare = 0.5;
constexpr int64_t kMaxCpuInfoBytes = 16 << 20;

std::vector<Trial> plan_roofline(const Scenario& scenario, const TargetSpec& target, const Json& device) {
  if (const auto trial = plan_kit_trial("roofline", target)) return {*trial};
  if (!target.is_on_device()) return {};
  std::vector<Trial> trials;
  for (const char* part : {"kernels", "engine"}) {
    Trial trial;
    trial.exam = "roofline";
    trial.target = target.name;
    trial.name = fmt::format("roofline {} on {}", part, target.name);
    trial.parameters = Json::object().set("part", part).set("device", target.device);
    if (!device["type"].as_string().empty()) trial.parameters.set("device_type", device["type"].as_string());
    trials.push_back(std::move(trial));
  }
  const Sizing sizing = size_to_device(target.model, device, scenario.load);
  // Where the device runs a smaller model, a quick look leaves its speeds out: they would take seconds and be
  // those of a model that nobody uses. That the engine works there the load trial shows.
  const bool has_load = std::ranges::find(scenario.exams, "load") != scenario.exams.end();
  if (scenario.is_quick && sizing.is_sized_down && has_load)
    trials.pop_back();
  else
    set_model(target, sizing, trials.back().parameters);
  return trials;
}

Subject subject_of(const Trial& trial) {
  Subject subject;
  subject.name = trial.parameters["device"].as_string();
  subject.kind = "device";
  return subject;
}

int64_t threads_of(const TrialOutcome& outcome) {
  int64_t threads = 0;
  for (const Record& record : outcome.records)
    threads = std::max(threads, record.conditions["threads"].as_integer());
  return threads;
}

Result<void> run_kernels(ExamContext& context, const Trial& trial, const TargetSpec& target,
                         TrialOutcome& outcome) {
  const RooflineSpec& spec = context.scenario.roofline;
  const double limit_s = spec.max_duration_s * kKernelShare;
  Json types = Json::array();
  for (const std::string& type : spec.types) types.push(type);
  Json job = Json::object();
  job.set("job", "roofline").set("device", trial.parameters["device"]).set("threads", target.threads);
  job.set("types", std::move(types))
      .set("max_duration_s", limit_s)
      .set("relative_interval", spec.relative_interval);
  RETURN_IF_ERROR(run_evidence_job(context, job, limit_s, outcome));
  mark_best(outcome.records);
  // The host stands in the dossier, also where the run is resumed elsewhere: without one there are no claims.
  RETURN_IF_ERROR(
      add_claims_once(context.dossier, trial, trial.parameters["device"].as_string(), Json(), outcome));
  if (trial.parameters["device_type"].as_string() != "cpu") return {};
  const auto cpuinfo = read_file("/proc/cpuinfo", kMaxCpuInfoBytes);
  if (!cpuinfo) return {};
  add_cpu_bounds(parse_cpuinfo(*cpuinfo), threads_of(outcome), measured_clock_ghz(context.clock), outcome);
  return {};
}

Json sequences_to_try(const Scenario& scenario, const Trial& trial, const TargetSpec& target) {
  Json sequences = Json::array();
  const uint32_t most = is_sized_down(trial) ? std::min(target.sequences, kSlowSequences) : target.sequences;
  if (!scenario.is_quick && most > 4) sequences.push(4);
  if (most > 1) sequences.push(most);
  return sequences;
}

Result<void> run_engine(ExamContext& context, const Trial& trial, const TargetSpec& target,
                        TrialOutcome& outcome) {
  const auto model = prepare_model(context, trial.parameters["model"].as_string());
  if (!model) return fail_outcome(failed_exam_finding(model.error()), outcome), Result<void>();
  const bool is_quick = context.scenario.is_quick;
  const double limit_s = context.scenario.roofline.max_duration_s * (1 - kKernelShare);
  Json job = Json::object();
  job.set("job", "speed").set("device", trial.parameters["device"]).set("model", model->path);
  job.set("threads", target.threads)
      .set("batch_tokens",
           is_sized_down(trial) ? std::min(target.batch_tokens, kSlowBatchTokens) : target.batch_tokens);
  job.set("prompt_tokens", 512).set("output_tokens", is_quick ? 16 : 64);
  job.set("sequences", sequences_to_try(context.scenario, trial, target));
  job.set("repetitions", is_quick ? 3 : 10).set("time_limit_s", std::max(0.1, limit_s));
  const std::string& device = trial.parameters["device"].as_string();
  if (auto finding = room_finding(predicted_fit(context, job), model->name, device)) {
    return fail_outcome(std::move(*finding), outcome), Result<void>();
  }
  RETURN_IF_ERROR(run_evidence_job(context, job, limit_s, outcome));
  for (Record& record : outcome.records) {
    record.conditions.set("model", model->name).set("weights_type", model->model.type_name);
    record.conditions.set("weight_bytes_per_token", model->weight_bytes_per_token);
    record.conditions.set("flop_per_token", model->flop_per_token);
  }
  return {};
}

// The power sensors of this machine while a trial runs. Instants are those of the kernel's clock, also where
// a test has another.
class PowerWatch {
 public:
  // What is not there is told in `outcome`.
  PowerWatch(ExamContext& context, const TargetSpec& target, TrialOutcome& outcome)
      : seed_(context.scenario.seed) {
    SideOptions options{.interval_s = std::min(kMostPowerIntervalS, target.metrics_interval_s),
                        .base_urls = {},
                        .metrics = {},
                        .reads_power = target.power,
                        .power = context.power};
    sampler_ = SideSampler::open(std::move(options), context.interrupted, outcome.findings);
    start_ = clock_.now();
    if (sampler_) sampler_->start();
  }

  // Adds energy and power from then until now.
  void finish(const std::string& device, TrialOutcome& outcome) {
    if (!sampler_) return;
    const SideSeries series = sampler_->stop();
    SideContext context;
    context.start = start_;
    context.window.start = series.power.empty() ? Nanos() : series.power.front().at - start_;
    context.window.rates_end = series.power.empty() ? Nanos() : series.power.back().at - start_;
    context.duration = clock_.now() - start_;
    context.conditions = Json::object().set("device", device);
    context.seed = seed_;
    context.is_load = false;
    add_side_evidence(series, context, outcome);
  }

 private:
  static constexpr double kMostPowerIntervalS = 0.25;  // a kernel's measurements take seconds

  const uint64_t seed_;
  SystemClock clock_;
  std::unique_ptr<SideSampler> sampler_;
  Nanos start_{};
};

// A kit's trial with the power that was drawn beside it, where the kit had something to measure.
Result<TrialOutcome> run_kit(ExamContext& context, const Trial& trial, const TargetSpec& target) {
  TrialOutcome beside;
  PowerWatch power(context, target, beside);
  ASSIGN_OR_RETURN(TrialOutcome outcome, run_kit_trial(context, trial, target));
  if (outcome.records.empty()) return outcome;
  power.finish(outcome.subject ? outcome.subject->name : target.name, beside);
  std::ranges::move(beside.records, std::back_inserter(outcome.records));
  std::ranges::move(beside.samples, std::back_inserter(outcome.samples));
  std::ranges::move(beside.findings, std::back_inserter(outcome.findings));
  return outcome;
}

Result<TrialOutcome> run_roofline_trial(ExamContext& context, const Trial& trial, const TargetSpec& target) {
  if (target.kind == TargetKind::kKit) return run_kit(context, trial, target);
  const Nanos begin = context.clock.now();
  TrialOutcome outcome;
  outcome.subject = subject_of(trial);
  const bool is_engine = trial.parameters["part"].as_string() == "engine";
  PowerWatch power(context, target, outcome);
  RETURN_IF_ERROR((is_engine ? run_engine : run_kernels)(context, trial, target, outcome));
  power.finish(target.device, outcome);
  note_other_model(trial.parameters, outcome);
  outcome.duration_s = seconds(context.clock.now() - begin);
  return outcome;
}

}  // namespace

Exam roofline_exam() {
  return {
      .name = "roofline",
      .title = "What kernels and the engine get out of the silicon",
      .question = 2,
      .description =
          "Measures memory bandwidth, matrix multiplication in several types, attention, launch overhead and "
          "transfers with the kernels of the engine's own library, then prefill, decode and batched decode of a "
          "model, and holds them against each other, against what is claimed of the device's chip and, for a CPU, "
          "against the theoretical bound.",
      .details =
          "Trials, for each device: its kernels, then the engine with the target's model (not in a quick look at a "
          "device too slow for it); for each kit target one of the kit, inside its own framework, with the names of whose kernels they are "
          "(docs/formats/kit.md). A kit that finds no framework is skipped; one that crashes, hangs or talks nonsense is evidence about the stack, "
          "and fails. Kernels run in sizes up to the "
          "plateau, each repeated until its interval is narrow enough or its time is up; what did not get narrow is a "
          "finding. Where the device is a chip of the catalogue (`assay list chips`), its claims are kept beside.\n\n"
          "Measures memory_bandwidth_gb_per_s, matmul_tflop_per_s, attention_tflop_per_s, launch_overhead_us, "
          "host_to_device_gb_per_s, device_to_host_gb_per_s, all_reduce_gb_per_s (kits), prefill_tokens_per_s, decode_tokens_per_s, batched_decode_tokens_per_s; derives "
          "roofline_efficiency (kernels against the theoretical bound of the same type) and engine_efficiency (engine "
          "against the kernels). Where this machine has power sensors: energy_j, power_w_mean and power_w_max of the "
          "whole trial.",
      .example = "assay run --only roofline",
      .plan = plan_roofline,
      .run = run_roofline_trial,
  };
}

}  // namespace assay
