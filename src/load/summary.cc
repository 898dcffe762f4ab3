// Derives a load trial's records and findings from its rows; the definitions are those of the metric table.
#include "load/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "load/doubts.h"
#include "load/sample_columns.h"
#include "load/server_doubts.h"
#include "load/trial_view.h"
#include "measure/measure.h"

namespace assay {
namespace {

constexpr double kPercentiles[] = {0.5, 0.9, 0.95, 0.99, 0.999};
constexpr double kLagPercentiles[] = {0.5, 0.99, 0.999};
constexpr int kAll = -1;  // all classes together

std::string percentile_name(double p) {
  return p == 0.999 ? "p99_9" : fmt::format("p{}", static_cast<int>(std::lround(p * 100)));
}

// Builds the records of one trial: conditions, units and validity in one place.
class Summary {
 public:
  Summary(const LoadResult& result, const SummaryOptions& options)
      : result_(result),
        options_(options),
        view_(result, options),
        window_(view_.window),
        order_(view_.order) {}

  // All but the samples.
  LoadSummary take() {
    const auto classes = static_cast<int>(options_.classes.size());
    if (order_.empty()) {
      for (int i = 0; i < classes; ++i) shares(i, {});
    } else {
      for (int i = 0; i < classes; ++i) summarise_class(i);
      if (classes == 1)
        repeat_for_all();
      else
        summarise_class(kAll);
      lags();
      client();
    }
    limits();
    LoadDoubts doubts = doubts_of(view_, out_.records);
    out_.findings = std::move(doubts.findings);
    std::ranges::move(server_findings(view_), std::back_inserter(out_.findings));
    doubt_rates(doubts.low_rates);
    if (doubts.are_waits_its_own) doubt_what_waits();
    if (doubts.is_void) void_all();
    out_.window = window_;
    return std::move(out_);
  }
  const TrialView& view() const { return view_; }

 private:
  // ---- records ----

  Json conditions(int class_index) const {
    Json json = options_.conditions;
    json.set("traffic_class", class_index == kAll ? std::string("all") : options_.classes[class_index].name);
    if (class_index == kAll) return json;
    const RequestOptions& request = options_.classes[class_index].request;
    if (request.kind) json.set("request_kind", name_of(*request.kind));
    if (!request.models.empty()) json.set("model", join(request.models, ", "));
    return json;
  }

  // An upper end is infinite where the sample of its rank is, or where the value below it is: one that the
  // samples do not bound is merely unknown.
  static void set_estimate(const Estimate& estimate, Record& record) {
    const auto is_infinite = [](const std::optional<double>& x) { return x && std::isinf(*x); };
    const auto finite = [&](const std::optional<double>& x) { return is_infinite(x) ? std::nullopt : x; };
    record.value = finite(estimate.value);
    record.ci_low = finite(estimate.low);
    record.ci_high = finite(estimate.high);
    record.confidence = estimate.confidence;
    if (is_infinite(estimate.value)) record.conditions.set(kInfinite, true);
    if (is_infinite(estimate.low)) record.conditions.set(kLowInfinite, true);
    if (is_infinite(estimate.value) || is_infinite(estimate.high)) record.conditions.set(kHighInfinite, true);
  }

  Record& add(const std::string& metric, int class_index, const Estimate& estimate, Validity validity) {
    const Result<MetricName> name = parse_metric_name(metric);
    CHECK(name.has_value());
    Record record;
    record.metric = metric;
    record.unit = name->metric->unit;
    record.conditions = conditions(class_index);
    record.n = estimate.n;
    record.method = estimate.method;
    record.validity = estimate.insufficient || !estimate.value ? Validity::kInsufficient : validity;
    if (record.validity != Validity::kInsufficient) set_estimate(estimate, record);
    return out_.records.emplace_back(std::move(record));
  }

  void add_percentiles(const std::string& metric, int class_index, const std::vector<Estimate>& estimates,
                       std::span<const double> percentiles, Validity validity) {
    for (size_t i = 0; i < percentiles.size(); ++i) {
      add(metric + "_" + percentile_name(percentiles[i]), class_index, estimates[i], validity);
    }
  }

  void add_distribution(const std::string& metric, int class_index, const std::vector<double>& values,
                        std::span<const double> percentiles, bool with_mean, Validity validity) {
    if (with_mean) add(metric + "_mean", class_index, mean_estimate(values, options_.seed), validity);
    add_percentiles(metric, class_index, quantile_estimates(values, percentiles), percentiles, validity);
    add(metric + "_max", class_index, maximum_estimate(values), validity);
  }

  // ---- which classes have which metrics ----

  using HasIt = bool (*)(const RequestKindRow& kind);
  static bool streams(const RequestKindRow& kind) { return kind.streams; }
  static bool counts_prompt(const RequestKindRow& kind) { return kind.counts_prompt; }

  const RequestKindRow& kind_of(size_t class_index) const {
    return row_of(options_.classes[class_index].request.kind_or(RequestKind::kChat));
  }
  // The metric is one of the class; of all together: of some class.
  bool applies(int class_index, HasIt has_it) const {
    if (class_index != kAll) return has_it(kind_of(static_cast<size_t>(class_index)));
    for (size_t i = 0; i < options_.classes.size(); ++i) {
      if (has_it(kind_of(i))) return true;
    }
    return false;
  }
  bool applies(const RequestRow& row, HasIt has_it) const { return has_it(kind_of(row.class_index)); }

  // Records of all classes from `first` on name those that they are about, where that is not every class.
  void note_cover(size_t first, int class_index, HasIt has_it) {
    if (class_index != kAll) return;
    std::string names;
    size_t covered = 0;
    for (size_t i = 0; i < options_.classes.size(); ++i) {
      if (!has_it(kind_of(i))) continue;
      names += (covered++ == 0 ? "" : ", ") + options_.classes[i].name;
    }
    if (covered == options_.classes.size()) return;
    for (size_t i = first; i < out_.records.size(); ++i) out_.records[i].conditions.set("covers", names);
  }

  // ---- one class ----

  static bool is_of(const RequestRow& row, int class_index) {
    return class_index == kAll || row.class_index == static_cast<uint32_t>(class_index);
  }

  void summarise_class(int class_index) {
    std::vector<const RequestRow*> attempted;
    for (const RequestRow* row : order_) {
      if (is_of(*row, class_index) && window_.has(*row)) attempted.push_back(row);
    }
    const auto broken_off =
        std::ranges::count_if(attempted, [](const RequestRow* row) { return was_broken_off(*row); });
    const auto failed = std::ranges::count_if(
        attempted, [](const RequestRow* row) { return !ended_well(*row) && !was_broken_off(*row); });
    const auto judged = static_cast<double>(attempted.size()) - static_cast<double>(broken_off);
    const bool is_doubtful = static_cast<double>(failed) > kToleratedErrorRate * judged;
    latencies(class_index, attempted, is_doubtful ? Validity::kDoubtful : Validity::kValid);
    if (failed > 0) latencies_with_failures(class_index, attempted);
    shares(class_index, attempted);
    rates(class_index);
  }

  // All classes together are the only one: its records, but for what is said of a class.
  void repeat_for_all() {
    const Json of_class = conditions(0);
    const size_t records = out_.records.size();
    for (size_t i = 0; i < records; ++i) {
      Record record = out_.records[i];
      Json of_all = conditions(kAll);
      for (const auto& [name, value] : record.conditions.members()) {
        if (of_class[name].is_null()) of_all.set(name, value);
      }
      record.conditions = std::move(of_all);
      out_.records.push_back(std::move(record));
    }
  }

  void latencies(int class_index, const std::vector<const RequestRow*>& attempted, Validity validity) {
    std::vector<const RequestRow*> streamed;
    for (const RequestRow* row : attempted) {
      if (applies(*row, streams)) streamed.push_back(row);
    }
    std::vector<double> e2e, queue;
    for (const RequestRow* row : attempted) {
      if (!ended_well(*row)) continue;
      e2e.push_back(e2e_ms(*row));
      if (row->admitted.count != 0) queue.push_back(milliseconds(row->admitted - row->scheduled));
    }
    if (applies(class_index, streams)) {
      const size_t first = out_.records.size();
      stream_latencies(class_index, streamed, validity);
      note_cover(first, class_index, streams);
    }
    add_distribution("e2e_ms", class_index, e2e, kPercentiles, true, validity);
    if (!queue.empty()) add_distribution("queue_ms", class_index, queue, kPercentiles, true, validity);
    const size_t first = out_.records.size();
    chunk_gaps(class_index, streamed, validity);
    note_cover(first, class_index, streams);
    session_lateness(class_index, validity);
  }

  // A turn waits for the answer before it, so that its own latency hides what earlier ones cost its session:
  // the time that they took, of all turns before it.
  std::vector<std::pair<const RequestRow*, double>> late_turns() const {
    std::vector<std::pair<const RequestRow*, double>> late;
    const bool has_turns = std::ranges::any_of(order_, [](const RequestRow* row) { return row->turn > 0; });
    if (!has_turns) return late;
    std::unordered_map<uint64_t, double> taken_ms;  // by session, so far
    for (const RequestRow* row : order_) {
      if (row->session == 0) continue;
      double& session_ms = taken_ms[row->session];
      if (row->turn > 0) late.emplace_back(row, session_ms);
      session_ms += milliseconds(row->end - row->scheduled);
    }
    return late;
  }

  void session_lateness(int class_index, Validity validity) {
    if (!late_turns_) late_turns_ = late_turns();
    std::vector<double> late_ms;
    for (const auto& [row, ms] : *late_turns_) {
      if (is_of(*row, class_index) && window_.has(*row)) late_ms.push_back(ms);
    }
    if (!late_ms.empty())
      add_distribution("session_lateness_ms", class_index, late_ms, kPercentiles, true, validity);
  }

  // A request that was broken off has the first token that it reached.
  void stream_latencies(int class_index, const std::vector<const RequestRow*>& streamed, Validity validity) {
    std::vector<double> ttft, ttfo, tpot;
    bool has_reasoning = false;  // else an answer's first output is its first token, and told as that
    for (const RequestRow* row : streamed) {
      const bool has_first = ended_well(*row) || (was_broken_off(*row) && row->first.count != 0);
      if (has_first) ttft.push_back(ttft_ms(*row));
      has_reasoning |= has_first && row->first_output > row->first;
      // What ended within its reasoning has none.
      if (has_first && row->first_output.count != 0)
        ttfo.push_back(milliseconds(row->first_output - row->scheduled));
      if (ended_well(*row) && has_tpot(*row)) tpot.push_back(tpot_ms(*row));
    }
    add_distribution("ttft_ms", class_index, ttft, kPercentiles, true, validity);
    server_timings(class_index, streamed, validity);
    if (has_reasoning) add_distribution("ttfo_ms", class_index, ttfo, kPercentiles, true, validity);
    if (!tpot.empty()) add_distribution("tpot_ms", class_index, tpot, kPercentiles, true, validity);
  }

  // Where the server tells its own timing of a request: that, and what ours has beyond it, request by
  // request.
  void server_timings(int class_index, const std::vector<const RequestRow*>& streamed, Validity validity) {
    std::vector<double> prompt, beyond, tpot, difference;
    for (const RequestRow* row : streamed) {
      if (!ended_well(*row)) continue;
      if (row->server_prompt.count != 0) {
        prompt.push_back(milliseconds(row->server_prompt));
        beyond.push_back(ttft_ms(*row) - prompt.back());
      }
      if (row->server_tpot.count != 0 && has_tpot(*row)) {
        tpot.push_back(milliseconds(row->server_tpot));
        difference.push_back(tpot_ms(*row) - tpot.back());
      }
    }
    for (const auto& [metric, values] : {std::pair{"server_prompt_ms", &prompt},
                                         {"ttft_server_difference_ms", &beyond},
                                         {"server_tpot_ms", &tpot},
                                         {"tpot_server_difference_ms", &difference}}) {
      if (!values->empty()) add_distribution(metric, class_index, *values, kPercentiles, true, validity);
    }
  }

  // Latencies of those that ended well flatter a server that drops what it would answer late: here a failed
  // request is one that takes for ever.
  void latencies_with_failures(int class_index, const std::vector<const RequestRow*>& attempted) {
    std::vector<double> ttft, e2e;
    for (const RequestRow* row : attempted) {
      if (was_broken_off(*row)) continue;
      e2e.push_back(ended_well(*row) ? e2e_ms(*row) : HUGE_VAL);
      if (applies(*row, streams)) ttft.push_back(ended_well(*row) ? ttft_ms(*row) : HUGE_VAL);
    }
    for (const auto& [metric, values] : {std::pair{"effective_ttft_ms", &ttft}, {"effective_e2e_ms", &e2e}}) {
      if (values->empty()) continue;
      add_percentiles(metric, class_index, quantile_estimates(*values, kPercentiles), kPercentiles,
                      Validity::kValid);
    }
  }

  // The mean's interval is resampled by request: the gaps of one answer are far from independent.
  void chunk_gaps(int class_index, const std::vector<const RequestRow*>& attempted, Validity validity) {
    std::vector<double> sums, counts;
    size_t count = 0;
    for (const RequestRow* row : attempted) {
      if (!has_gaps(*row)) continue;
      const int64_t* at = &result_.chunk_at_ns[row->first_chunk];
      sums.push_back(static_cast<double>(at[row->chunks - 1] - at[0]) * 1e-6);
      counts.push_back(row->chunks - 1);
      count += row->chunks - 1;
    }
    if (count == 0) return;
    Estimate mean = ratio_estimate(sums, counts, options_.seed);
    mean.n = static_cast<int64_t>(count);
    add("chunk_gap_ms_mean", class_index, mean, validity);

    // In single precision, which tells 50 ms to within 4 ns: there are as many as there are events, and they
    // are held beside them.
    std::vector<float> gaps_ms;
    gaps_ms.reserve(count);
    for (const RequestRow* row : attempted) {
      if (!has_gaps(*row)) continue;
      const int64_t* at = &result_.chunk_at_ns[row->first_chunk];
      for (uint32_t i = 1; i < row->chunks; ++i)
        gaps_ms.push_back(static_cast<float>(static_cast<double>(at[i] - at[i - 1]) * 1e-6));
    }
    add_percentiles("chunk_gap_ms", class_index, quantile_estimates(gaps_ms, kPercentiles), kPercentiles,
                    validity);
    const double largest[] = {std::ranges::max(gaps_ms)};
    Estimate most = maximum_estimate(largest);
    most.n = mean.n;
    add("chunk_gap_ms_max", class_index, most, validity);
  }

  static bool has_gaps(const RequestRow& row) {
    return (ended_well(row) || was_broken_off(row)) && row.chunks >= 2;
  }

  void shares(int class_index, const std::vector<const RequestRow*>& attempted) {
    std::vector<double> good, bad;
    std::array<int64_t, kFailureCauses> causes{};
    int64_t broken_off = 0;
    for (const RequestRow* row : attempted) {
      if (was_broken_off(*row)) {
        ++broken_off;
        continue;
      }
      good.push_back(view_.is_good(*row) ? 1 : 0);
      bad.push_back(ended_well(*row) ? 0 : 1);
      if (row->failure != FailureCause::kNone) ++causes[static_cast<size_t>(row->failure)];
    }
    Record& errors = add("error_rate", class_index, share_estimate(bad), Validity::kValid);
    if (broken_off > 0) errors.conditions.set("cancelled_by_plan", broken_off);
    for (size_t i = 1; i < kFailureCauses; ++i) {
      if (causes[i] == 0) continue;
      errors.conditions.set(fmt::format("failed_{}", name_of(static_cast<FailureCause>(i))), causes[i]);
    }
    add("slo_attainment", class_index, share_estimate(good), Validity::kValid);
  }

  // Of a class without a request in the window nothing is known; its limits are.
  void limits() {
    for (Record& record : out_.records) {
      if (record.metric != "slo_attainment") continue;
      const std::string& name = record.conditions["traffic_class"].as_string();
      const auto found = std::ranges::find(options_.classes, name, &TrafficClass::name);
      if (found == options_.classes.end()) continue;  // all together
      const Slo& slo = found->slo;
      if (slo.ttft_ms) record.conditions.set("slo_ttft_ms", *slo.ttft_ms);
      if (slo.tpot_ms) record.conditions.set("slo_tpot_ms", *slo.tpot_ms);
      if (slo.e2e_ms) record.conditions.set("slo_e2e_ms", *slo.e2e_ms);
      record.conditions.set("required_share", slo.required_share);
    }
  }

  RateCounter counter() const { return {window_.start.count, window_.rates_end.count + 1}; }

  // Of a request that ended well: its tokens as the target counted them, over those that its chunks were
  // taken for. Servers put several tokens into a chunk, and only their count at the end tells.
  double tokens_per_counted_one(const RequestRow& row) const {
    if (row.failure != FailureCause::kNone || row.end.count == 0 || row.chunks == 0) return 1;
    uint64_t counted = 0;
    for (uint64_t i = row.first_chunk; i < row.first_chunk + row.chunks; ++i)
      counted += result_.chunk_tokens[i];
    return counted == 0 ? 1 : static_cast<double>(row.output_tokens) / static_cast<double>(counted);
  }

  // Of a class that was sent nothing no rate is known, and 0 would read as if it had failed.
  void rates_of_none(int class_index) {
    const Estimate unknown{.method = "no request of the class was sent", .insufficient = true};
    add("request_throughput_per_s", class_index, unknown, Validity::kValid);
    if (applies(class_index, streams))
      add("output_throughput_tokens_per_s", class_index, unknown, Validity::kValid);
    if (applies(class_index, counts_prompt))
      add("input_throughput_tokens_per_s", class_index, unknown, Validity::kValid);
    add("goodput_per_s", class_index, unknown, Validity::kValid);
  }

  void rates(int class_index) {
    RateCounter good = counter(), ended = counter(), input = counter(), output = counter();
    Estimate offered;
    for (const RequestRow* row : order_) {
      if (!is_of(*row, class_index)) continue;
      if (view_.in_rates(row->scheduled)) ++offered.n;
      // Both at the instant of their end, so that goodput is a part of the throughput.
      if (ended_well(*row)) ended.add(row->end.count);
      if (view_.is_good(*row)) good.add(row->end.count);
      if (row->first.count != 0 && applies(*row, counts_prompt))
        input.add(row->first.count, row->prompt_tokens);
      if (!applies(*row, streams)) continue;
      const double factor = tokens_per_counted_one(*row);
      for (uint64_t i = row->first_chunk; i < row->first_chunk + row->chunks; ++i)
        output.add(result_.chunk_at_ns[i], result_.chunk_tokens[i] * factor);
    }
    offered.value = static_cast<double>(offered.n) / window_.rates_s();
    offered.method = window_.method;
    Record& record = add("offered_rate_per_s", class_index, offered, Validity::kValid);
    for (const auto& [name, value] : options_.rate_conditions.members()) record.conditions.set(name, value);
    record.conditions.set("window_start_s", seconds(window_.start)).set("window_s", window_.rates_s());
    record.conditions.set("steady", window_.is_steady);
    const bool was_sent =
        std::ranges::any_of(order_, [&](const RequestRow* row) { return is_of(*row, class_index); });
    if (!was_sent) return rates_of_none(class_index);
    add("request_throughput_per_s", class_index, ended.estimate(options_.seed), Validity::kValid);
    if (applies(class_index, streams)) {
      const size_t begin = out_.records.size();
      add("output_throughput_tokens_per_s", class_index, output.estimate(options_.seed), Validity::kValid);
      note_cover(begin, class_index, streams);
    }
    if (applies(class_index, counts_prompt)) {
      const size_t begin = out_.records.size();
      add("input_throughput_tokens_per_s", class_index, input.estimate(options_.seed), Validity::kValid);
      note_cover(begin, class_index, counts_prompt);
    }
    add("goodput_per_s", class_index, good.estimate(options_.seed), Validity::kValid);
  }

  // ---- the trial as a whole ----

  void lags() {
    const std::vector<double> dispatch = view_.dispatch_lags_ms(), send = view_.send_lags_ms();
    if (send.empty()) return;
    add_distribution("dispatch_lag_ms", kAll, dispatch, kLagPercentiles, false, Validity::kValid);
    add_distribution("send_lag_ms", kAll, send, kLagPercentiles, false, Validity::kValid);
    std::vector<double> is_late(send.size());
    std::ranges::transform(send, is_late.begin(), [&](double lag_ms) {
      return lag_ms > options_.dispatch_lag_budget_ms ? 1.0 : 0.0;
    });
    add("late_send_share", kAll, share_estimate(is_late), Validity::kValid)
        .conditions.set("budget_ms", options_.dispatch_lag_budget_ms);
    Estimate unsent;
    unsent.value = static_cast<double>(result_.planned - std::min(result_.planned, result_.rows.size()));
    unsent.n = static_cast<int64_t>(result_.planned);
    unsent.method = "requests of the plan less those that have a row";
    add("unsent_requests", kAll, unsent, Validity::kValid);
  }

  void doubt_rates(const std::vector<LowRate>& low_rates) {
    for (const LowRate& low : low_rates) {
      for (Record& record : out_.records) {
        if (record.metric != low.metric ||
            record.conditions["traffic_class"].as_string() != low.traffic_class)
          continue;
        record.conditions.set("too_low_share", low.share);
        if (record.validity == Validity::kValid) record.validity = Validity::kDoubtful;
      }
    }
  }

  // All but what begins with an answer's first token.
  void doubt_what_waits() {
    constexpr std::string_view kDoubted[] = {"ttft_ms",
                                             "ttfo_ms",
                                             "e2e_ms",
                                             "queue_ms",
                                             "effective_ttft_ms",
                                             "effective_e2e_ms",
                                             "goodput_per_s",
                                             "slo_attainment",
                                             "request_throughput_per_s",
                                             "output_throughput_tokens_per_s",
                                             "input_throughput_tokens_per_s"};
    for (Record& record : out_.records) {
      const Result<MetricName> name = parse_metric_name(record.metric);
      const bool is_doubted = name && std::ranges::find(kDoubted, name->metric->name) != std::end(kDoubted);
      if (is_doubted && record.validity == Validity::kValid) record.validity = Validity::kDoubtful;
    }
  }

  void void_all() {
    for (Record& record : out_.records) {
      if (record.validity != Validity::kInsufficient) record.validity = Validity::kVoid;
    }
  }

  void client() {
    if (result_.duration.count == 0) return;
    Estimate utilisation;
    utilisation.value = seconds(result_.cpu_time) / seconds(result_.duration);
    utilisation.method = "CPU time of this process over the trial's duration; 1 is one core";
    add("client_cpu_utilisation", kAll, utilisation, Validity::kValid);
  }

  const LoadResult& result_;
  const SummaryOptions& options_;
  std::optional<std::vector<std::pair<const RequestRow*, double>>> late_turns_;  // in the order of their time
  const TrialView view_;
  const LoadWindow& window_;
  const std::vector<const RequestRow*>& order_;  // by scheduled instant
  LoadSummary out_;
};

}  // namespace

LoadSummary summarise_load(const LoadResult& result, const SummaryOptions& options) {
  Summary work(result, options);
  LoadSummary summary = work.take();
  summary.samples = sample_columns(work.view(), chunk_columns(result));
  return summary;
}

LoadSummary summarise_and_release(LoadResult& result, const SummaryOptions& options) {
  Summary work(result, options);
  LoadSummary summary = work.take();
  summary.samples = sample_columns(work.view(), release_chunk_columns(result));
  return summary;
}

}  // namespace assay
