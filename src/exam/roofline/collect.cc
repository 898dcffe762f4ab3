// Checked records from a worker's lines; see collect.h.
#include "exam/roofline/collect.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "exam/findings.h"
#include "exam/record_lines.h"
#include "measure/measure.h"

namespace assay {
namespace {

constexpr size_t kMaxTextBytes = 1000;
constexpr size_t kMaxRecords = 10'000;
constexpr Nanos kSilence = nanos_from_seconds(120);
constexpr double kStartS = 60;  // for starting the worker, loading backends and model, also on a busy machine

void set_interval(const Json& line, const std::vector<double>& samples, uint64_t seed, Record& record) {
  const double low = line["ci_low"].as_number(NAN), high = line["ci_high"].as_number(NAN);
  const double confidence = line["confidence"].as_number();
  if (std::isfinite(low) && std::isfinite(high) && low <= high && confidence > 0 && confidence < 1) {
    record.ci_low = low, record.ci_high = high, record.confidence = confidence;
    return;
  }
  if (samples.size() < 2) return;
  const Estimate mean = repetition_estimate(samples, seed);
  if (!mean.low || !mean.high) return;
  record.ci_low = mean.low, record.ci_high = mean.high, record.confidence = mean.confidence;
  record.method += "; " + mean.method;
}

Severity severity_of(const Json& line) {
  return severity_named(line["severity"].as_string()).value_or(Severity::kNote);
}

// Takes the lines of one job.
class Collector {
 public:
  Collector(ExamContext& context, TrialOutcome& outcome) : context_(context), outcome_(outcome) {}

  void take(const Json& line) {
    const std::string& type = line["type"].as_string();
    if (type == "record") take_record(line);
    if (type == "progress") {
      context_.progress.update(std::clamp(line["fraction"].as_number(), 0.0, 1.0),
                               printable(line["status"].as_string(), 100));
    }
    if (type == "finding" && outcome_.findings.size() < kMaxRecords) {
      add(make_finding(severity_of(line), printable(line["code"].as_string(), 60),
                       printable(line["text"].as_string(), kMaxTextBytes), flat_members(line["evidence"])));
    }
  }

  void add(Finding finding) { outcome_.findings.push_back(std::move(finding)); }

  // What the worker refused and what it said too badly, once all is in.
  void finish() {
    if (!values_.empty()) {
      Sample sample;
      sample.name = "repetitions";
      sample.columns.add("count", std::move(counts_));
      sample.columns.add("value", std::move(values_));
      outcome_.samples.push_back(std::move(sample));
    }
    if (refused_ > 0) {
      add(make_finding(Severity::kDoubtful, "engine.records-refused",
                       fmt::format("The worker sent {} that had to be refused, the first because {}.",
                                   counted(refused_, "record"), refusal_)));
    }
    if (wide_ > 0) {
      add(noisy_finding(wide_, static_cast<int64_t>(outcome_.records.size())));
    }
  }

 private:
  void take_record(const Json& line) {
    Result<Record> record = read_record_line(line, context_.scenario.seed);
    if (!record || outcome_.records.size() >= kMaxRecords) {
      if (refused_++ == 0) refusal_ = record ? "there are too many" : record.error().what;
      return;
    }
    if (is_wide(*record)) {
      record->validity = Validity::kDoubtful;
      ++wide_;
    }
    const std::vector<double> samples = finite_samples(line);
    counts_.push_back(static_cast<int64_t>(samples.size()));
    values_.insert(values_.end(), samples.begin(), samples.end());
    outcome_.records.push_back(std::move(*record));
  }

  ExamContext& context_;
  TrialOutcome& outcome_;
  std::vector<int64_t> counts_;
  std::vector<double> values_;
  int64_t refused_ = 0, wide_ = 0;
  std::string refusal_;
};

}  // namespace

Result<Record> read_record_line(const Json& line, uint64_t seed) {
  Record record;
  record.metric = line["metric"].as_string();
  ASSIGN_OR_RETURN(const MetricName name, parse_metric_name(record.metric));
  const Json& value = line["value"];
  if (!value.is_number() || !std::isfinite(value.as_number()) || value.as_number() < 0) {
    return fail(fmt::format("the value of {} is no finite number from 0 on", record.metric));
  }
  if (line["unit"].as_string() != name.metric->unit) {
    return fail(fmt::format("{} is in '{}' instead of '{}'", record.metric,
                            printable(line["unit"].as_string(), 20), name.metric->unit));
  }
  record.value = value.as_number();
  record.unit = name.metric->unit;
  record.n = std::max<int64_t>(0, line["n"].as_integer());
  record.method = printable(line["method"].as_string(), kMaxTextBytes);
  record.conditions = flat_members(line["conditions"]);
  record.source = "assay";
  set_interval(line, finite_samples(line), seed, record);
  return record;
}

Result<void> run_evidence_job(ExamContext& context, const Json& job, double limit_s, TrialOutcome& outcome) {
  Collector collector(context, outcome);
  const Nanos deadline = context.clock.now() + nanos_from_seconds(kStartS + 4 * limit_s);
  const WorkerJobEnd ended = run_worker_job(
      context.worker, job, context.clock, deadline, kSilence, [&](const Json& line) { collector.take(line); },
      context.interrupted);
  if (ended.cause == EndCause::kInterrupted) return std::unexpected(ended.error);
  collector.finish();
  if (!ended.diagnostics.empty()) {
    outcome.artifacts.push_back(
        {.name = "worker.stderr", .media_type = "text/plain", .content = ended.diagnostics});
  }
  if (!ended.done()) fail_outcome(end_finding(ended.cause, ended.error), outcome);
  return {};
}

}  // namespace assay
