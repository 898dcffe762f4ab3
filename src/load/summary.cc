// Derives a load trial's records and findings from its rows; the definitions are those of the metric table.
#include "load/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "measure/measure.h"

namespace assay {
namespace {

constexpr double kPercentiles[] = {0.5, 0.9, 0.95, 0.99};
constexpr double kLagPercentiles[] = {0.5, 0.99, 0.999};
constexpr double kToleratedErrorRate = 0.01;  // above it, latencies of those that ended well are doubtful
constexpr int kAll = -1;                      // all classes together

double ttft_ms(const RequestRow& row) {
  return milliseconds(row.first - row.scheduled);
}
double e2e_ms(const RequestRow& row) {
  return milliseconds(row.last - row.scheduled);
}
bool has_tpot(const RequestRow& row) {
  return row.output_tokens >= 2 && row.last > row.first;
}
double tpot_ms(const RequestRow& row) {
  return milliseconds(row.last - row.first) / (row.output_tokens - 1);
}
bool ended_well(const RequestRow& row) {
  return row.failure == FailureCause::kNone && row.first.count != 0;
}

std::string percentile_name(double p) {
  return p == 0.999 ? "p99_9" : fmt::format("p{}", static_cast<int>(std::lround(p * 100)));
}

// Builds the records of one trial: conditions, units and validity in one place.
class Summary {
 public:
  Summary(const LoadResult& result, const SummaryOptions& options)
      : result_(result),
        options_(options),
        window_(choose_window(result, options.classes.size(), options.wanted_per_class)) {
    order_.reserve(result.rows.size());
    for (const RequestRow& row : result.rows) order_.push_back(&row);
    std::ranges::stable_sort(order_, {}, [](const RequestRow* row) { return row->scheduled; });
  }

  LoadSummary take() {
    if (!order_.empty()) {
      for (int i = 0; i < static_cast<int>(options_.classes.size()); ++i) summarise_class(i);
      summarise_class(kAll);
      lags();
      client();
      rate_held();
      steady();
      failures();
      too_few_samples();
      lost_events();
    }
    void_if_needed();
    samples();
    return std::move(out_);
  }

 private:
  // ---- records ----

  Json conditions(int class_index) const {
    Json json = options_.conditions;
    json.set("traffic_class", class_index == kAll ? std::string("all") : options_.classes[class_index].name);
    return json;
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
    if (record.validity != Validity::kInsufficient) {
      record.value = estimate.value;
      record.ci_low = estimate.low;
      record.ci_high = estimate.high;
      record.confidence = estimate.confidence;
    }
    return out_.records.emplace_back(std::move(record));
  }

  void add_distribution(const std::string& metric, int class_index, const std::vector<double>& values,
                        std::span<const double> percentiles, bool with_mean, Validity validity) {
    if (with_mean) add(metric + "_mean", class_index, mean_estimate(values, options_.seed), validity);
    const std::vector<Estimate> estimates = quantile_estimates(values, percentiles);
    for (size_t i = 0; i < percentiles.size(); ++i) {
      add(metric + "_" + percentile_name(percentiles[i]), class_index, estimates[i], validity);
    }
    add(metric + "_max", class_index, maximum_estimate(values), validity);
  }

  // ---- one class ----

  static bool is_of(const RequestRow& row, int class_index) {
    return class_index == kAll || row.class_index == static_cast<uint32_t>(class_index);
  }
  bool is_good_row(const RequestRow& row) const {
    return is_good(row, options_.classes[row.class_index].slo);
  }
  bool in_rates(Nanos at) const { return at >= window_.start && at <= window_.rates_end; }

  void summarise_class(int class_index) {
    std::vector<const RequestRow*> attempted;
    for (const RequestRow* row : order_) {
      if (is_of(*row, class_index) && window_.has(*row)) attempted.push_back(row);
    }
    const auto failed =
        std::ranges::count_if(attempted, [](const RequestRow* row) { return !ended_well(*row); });
    const bool is_doubtful =
        static_cast<double>(failed) > kToleratedErrorRate * static_cast<double>(attempted.size());
    latencies(class_index, attempted, is_doubtful ? Validity::kDoubtful : Validity::kValid);
    shares(class_index, attempted);
    rates(class_index);
  }

  void latencies(int class_index, const std::vector<const RequestRow*>& attempted, Validity validity) {
    std::vector<double> ttft, ttfo, tpot, e2e;
    for (const RequestRow* row : attempted) {
      if (!ended_well(*row)) continue;
      ttft.push_back(ttft_ms(*row));
      e2e.push_back(e2e_ms(*row));
      if (row->first_output > row->first) ttfo.push_back(milliseconds(row->first_output - row->scheduled));
      if (has_tpot(*row)) tpot.push_back(tpot_ms(*row));
    }
    add_distribution("ttft_ms", class_index, ttft, kPercentiles, true, validity);
    if (!ttfo.empty()) add_distribution("ttfo_ms", class_index, ttfo, kPercentiles, true, validity);
    if (!tpot.empty()) add_distribution("tpot_ms", class_index, tpot, kPercentiles, true, validity);
    add_distribution("e2e_ms", class_index, e2e, kPercentiles, true, validity);
    chunk_gaps(class_index, attempted, validity);
  }

  // The mean's interval is resampled by request: the gaps of one answer are far from independent.
  void chunk_gaps(int class_index, const std::vector<const RequestRow*>& attempted, Validity validity) {
    std::vector<double> gaps, sums, counts;
    for (const RequestRow* row : attempted) {
      if (!ended_well(*row) || row->chunks < 2) continue;
      const int64_t* at = &result_.chunk_at_ns[row->first_chunk];
      for (uint32_t i = 1; i < row->chunks; ++i)
        gaps.push_back(static_cast<double>(at[i] - at[i - 1]) * 1e-6);
      sums.push_back(static_cast<double>(at[row->chunks - 1] - at[0]) * 1e-6);
      counts.push_back(row->chunks - 1);
    }
    if (gaps.empty()) return;
    Record& mean =
        add("chunk_gap_ms_mean", class_index, ratio_estimate(sums, counts, options_.seed), validity);
    mean.n = static_cast<int64_t>(gaps.size());
    add_distribution("chunk_gap_ms", class_index, gaps, kPercentiles, false, validity);
  }

  void shares(int class_index, const std::vector<const RequestRow*>& attempted) {
    if (attempted.empty()) return;
    std::vector<double> good, bad;
    std::array<int64_t, kFailureCauses> causes{};
    for (const RequestRow* row : attempted) {
      good.push_back(is_good_row(*row) ? 1 : 0);
      bad.push_back(ended_well(*row) ? 0 : 1);
      if (row->failure != FailureCause::kNone) ++causes[static_cast<size_t>(row->failure)];
    }
    Record& errors = add("error_rate", class_index, share_estimate(bad), Validity::kValid);
    for (size_t i = 1; i < kFailureCauses; ++i) {
      if (causes[i] == 0) continue;
      errors.conditions.set(fmt::format("failed_{}", name_of(static_cast<FailureCause>(i))), causes[i]);
    }
    Record& attainment = add("slo_attainment", class_index, share_estimate(good), Validity::kValid);
    if (class_index == kAll) return;
    const Slo& slo = options_.classes[class_index].slo;
    if (slo.ttft_ms) attainment.conditions.set("slo_ttft_ms", *slo.ttft_ms);
    if (slo.tpot_ms) attainment.conditions.set("slo_tpot_ms", *slo.tpot_ms);
    if (slo.e2e_ms) attainment.conditions.set("slo_e2e_ms", *slo.e2e_ms);
    attainment.conditions.set("required_share", slo.required_share);
  }

  Estimate rate(const std::vector<int64_t>& at_ns, const std::vector<double>& weights) const {
    return rate_estimate(at_ns, weights, window_.start.count, window_.rates_end.count + 1, options_.seed);
  }

  // Of a request that ended well: its tokens as the target counted them, over those that its chunks were
  // taken for. Servers put several tokens into a chunk, and only their count at the end tells.
  double tokens_per_counted_one(const RequestRow& row) const {
    if (row.failure != FailureCause::kNone || row.end.count == 0 || row.chunks == 0) return 1;
    uint64_t counted = 0;
    for (uint64_t i = row.first_chunk; i < row.first_chunk + row.chunks; ++i)
      counted += result_.chunk_tokens[i];
    return counted == 0 ? 1 : static_cast<double>(row.output_tokens) / static_cast<double>(counted);
  }

  void rates(int class_index) {
    std::vector<int64_t> scheduled, good, ended, first;
    std::vector<double> prompt_tokens;
    std::vector<int64_t> chunk_at;
    std::vector<double> chunk_tokens;
    for (const RequestRow* row : order_) {
      if (!is_of(*row, class_index)) continue;
      if (in_rates(row->scheduled)) scheduled.push_back(row->scheduled.count);
      // Both at the instant of their end, so that goodput is a part of the throughput.
      if (ended_well(*row)) ended.push_back(row->end.count);
      if (is_good_row(*row)) good.push_back(row->end.count);
      if (row->first.count != 0) {
        first.push_back(row->first.count);
        prompt_tokens.push_back(row->prompt_tokens);
      }
      const double factor = tokens_per_counted_one(*row);
      for (uint64_t i = row->first_chunk; i < row->first_chunk + row->chunks; ++i) {
        chunk_at.push_back(result_.chunk_at_ns[i]);
        chunk_tokens.push_back(result_.chunk_tokens[i] * factor);
      }
    }
    Estimate offered;
    offered.n = static_cast<int64_t>(scheduled.size());
    offered.value = static_cast<double>(offered.n) / window_.rates_s();
    offered.method = window_.method;
    Record& record = add("offered_rate_per_s", class_index, offered, Validity::kValid);
    for (const auto& [name, value] : options_.rate_conditions.members()) record.conditions.set(name, value);
    record.conditions.set("window_start_s", seconds(window_.start)).set("window_s", window_.rates_s());
    record.conditions.set("steady", window_.is_steady);
    add("request_throughput_per_s", class_index, rate(ended, {}), Validity::kValid);
    add("output_throughput_tokens_per_s", class_index, rate(chunk_at, chunk_tokens), Validity::kValid);
    add("input_throughput_tokens_per_s", class_index, rate(first, prompt_tokens), Validity::kValid);
    add("goodput_per_s", class_index, rate(good, {}), Validity::kValid);
  }

  // ---- the trial as a whole ----

  void lags() {
    for (const RequestRow* row : order_) {
      if (row->sent.count == 0) continue;
      dispatch_lags_ms_.push_back(milliseconds(row->dispatched - row->scheduled));
      send_lags_ms_.push_back(milliseconds(row->sent - row->scheduled));
    }
    if (send_lags_ms_.empty()) return;
    add_distribution("dispatch_lag_ms", kAll, dispatch_lags_ms_, kLagPercentiles, false, Validity::kValid);
    add_distribution("send_lag_ms", kAll, send_lags_ms_, kLagPercentiles, false, Validity::kValid);
  }

  void client() {
    if (result_.duration.count == 0) return;
    Estimate utilisation;
    utilisation.value = seconds(result_.cpu_time) / seconds(result_.duration);
    utilisation.method = "CPU time of this process over the trial's duration; 1 is one core";
    add("client_cpu_utilisation", kAll, utilisation, Validity::kValid);
  }

  Finding& find(Severity severity, std::string code, std::string text) {
    Finding& finding = out_.findings.emplace_back();
    finding.severity = severity;
    finding.code = std::move(code);
    finding.text = std::move(text);
    finding.evidence = Json::object();
    return finding;
  }

  // The rate is not held if, in the second half of the window, far fewer requests ended than came.
  void rate_held() {
    if (window_.is_burst || result_.lost) return;
    const Nanos middle = window_.start + (window_.rates_end - window_.start) / 2;
    int64_t offered = 0, offered_late = 0, ended_late = 0, out_at_middle = 0, good = 0;
    for (const RequestRow* row : order_) {
      const bool is_late = row->scheduled > middle && row->scheduled <= window_.rates_end;
      offered_late += is_late ? 1 : 0;
      offered += in_rates(row->scheduled) ? 1 : 0;
      good += in_rates(row->end) && is_good_row(*row) ? 1 : 0;
      ended_late += row->end > middle && row->end <= window_.rates_end ? 1 : 0;
      out_at_middle += row->scheduled <= middle && row->end > middle ? 1 : 0;
    }
    const int64_t shortfall = offered_late - ended_late;
    const bool is_beyond_chance = static_cast<double>(shortfall) >
                                  3 * std::sqrt(static_cast<double>(std::max<int64_t>(out_at_middle, 1))) + 2;
    if (static_cast<double>(ended_late) >= 0.8 * static_cast<double>(offered_late) || !is_beyond_chance)
      return;
    // Requests that take longer than half of the window would end late on the fastest target, too: then only
    // latencies that grow show that it falls behind.
    if (are_longer_than(window_.rates_end - middle) && !do_latencies_grow(middle)) return;
    const bool is_blocker = 2 * good < offered;
    Finding& finding = find(
        is_blocker ? Severity::kBlocker : Severity::kDoubtful, "load.rate-not-held",
        fmt::format(
            "The target does not hold {} requests/s: in the second half of the window {} came and {} ended. "
            "Latencies grow with the length of the trial; goodput is {} requests/s.",
            format_number(static_cast<double>(offered) / window_.rates_s()), offered_late, ended_late,
            format_number(static_cast<double>(good) / window_.rates_s())));
    finding.evidence.set("offered_per_s", static_cast<double>(offered) / window_.rates_s());
    finding.evidence.set("goodput_per_s", static_cast<double>(good) / window_.rates_s());
    finding.evidence.set("second_half_arrived", offered_late).set("second_half_ended", ended_late);
  }

  bool are_longer_than(Nanos limit) const {
    std::vector<double> lengths;
    for (const RequestRow* row : order_) {
      if (ended_well(*row)) lengths.push_back(e2e_ms(*row));
    }
    std::ranges::sort(lengths);
    return !lengths.empty() && sorted_quantile(lengths, 0.5) > milliseconds(limit);
  }

  // By half between the first and the second half of the window: a queue shows in the one, a full batch in
  // the other.
  bool do_latencies_grow(Nanos middle) const {
    std::vector<double> ttft[2], tpot[2];
    for (const RequestRow* row : order_) {
      if (!in_rates(row->scheduled) || !ended_well(*row)) continue;
      const size_t half = row->scheduled > middle ? 1 : 0;
      ttft[half].push_back(ttft_ms(*row));
      if (has_tpot(*row)) tpot[half].push_back(tpot_ms(*row));
    }
    const auto grows = [](std::vector<double>* halves) {
      if (halves[0].empty() || halves[1].empty()) return false;
      std::ranges::sort(halves[0]);
      std::ranges::sort(halves[1]);
      return sorted_quantile(halves[1], 0.5) > 1.5 * sorted_quantile(halves[0], 0.5);
    };
    return grows(ttft) || grows(tpot);
  }

  // Unless the rate was not held, which says the same and why.
  void steady() {
    const bool is_told = std::ranges::any_of(
        out_.findings, [](const Finding& finding) { return finding.code == "load.rate-not-held"; });
    if (window_.is_burst || window_.is_steady || is_told || result_.lost) return;
    find(Severity::kNote, "load.not-steady",
         window_.is_settled
             ? fmt::format("Part of the warm-up counts, since a class would have had fewer than {} requests "
                           "without it: the latencies are those of a server that is not quite warm. A longer "
                           "trial cuts it off (load.requests_per_class).",
                           options_.wanted_per_class)
             : std::string(
                   "No steady state was seen: times to first token went on changing, or there were too "
                   "few requests to tell. The latencies depend on the length of the trial; a longer one "
                   "tells more (load.requests_per_class)."));
  }

  void failures() {
    int64_t failed = 0;
    std::string causes, example;
    Json evidence = Json::object();
    for (size_t i = 1; i < kFailureCauses; ++i) {
      const auto cause = static_cast<FailureCause>(i);
      const auto n = std::ranges::count(result_.rows, cause, &RequestRow::failure);
      if (n == 0) continue;
      failed += n;
      causes += fmt::format("{}{} {}", causes.empty() ? "" : ", ", n, name_of(cause));
      evidence.set(std::string(name_of(cause)), static_cast<int64_t>(n));
      if (example.empty()) example = printable(result_.failure_examples[i]);
    }
    if (failed == 0) return;
    const double share = static_cast<double>(failed) / static_cast<double>(result_.rows.size());
    Finding& finding =
        find(share > kToleratedErrorRate ? Severity::kDoubtful : Severity::kNote, "load.failures",
             fmt::format("{} of {} requests failed ({}){}{}. Latencies are those of the others.", failed,
                         result_.rows.size(), causes, example.empty() ? "" : "; the first said: ", example));
    finding.evidence = std::move(evidence);
  }

  void too_few_samples() {
    std::string classes;
    Json evidence = Json::object();
    for (const Record& record : out_.records) {
      if (record.metric != "ttft_ms_p90" || record.validity != Validity::kInsufficient) continue;
      const std::string& name = record.conditions["traffic_class"].as_string();
      classes += fmt::format("{}{} ({})", classes.empty() ? "" : ", ", name, record.n);
      evidence.set(name, record.n);
    }
    if (classes.empty()) return;
    find(Severity::kNote, "load.too-few-samples",
         fmt::format("Too few requests ended well in the window for a 90th percentile, which takes {}: {}.",
                     samples_needed(0.9), classes))
        .evidence = std::move(evidence);
  }

  void lost_events() {
    if (result_.dropped_chunks > 0) {
      find(
          Severity::kNote, "load.more-than-asked",
          fmt::format(
              "{} chunks came beyond the output that was asked for: they count, but their stamps were not kept.",
              result_.dropped_chunks));
    }
    if (result_.stray_events > 0) {
      find(Severity::kNote, "load.stray-events",
           fmt::format("{} events came for requests that were unknown or had ended: they were left out.",
                       result_.stray_events));
    }
  }

  // The p99.9 of the trial's own requests, all of which are known: nothing is concluded from samples here.
  struct Lag {
    double ms = 0;
    const char* statistic = "maximum";
  };
  static Lag worst_lag(std::vector<double>& lags_ms) {
    if (lags_ms.empty()) return {};
    std::ranges::sort(lags_ms);
    const auto rank = static_cast<size_t>(std::ceil(0.999 * static_cast<double>(lags_ms.size())));
    return {.ms = lags_ms[rank - 1], .statistic = rank < lags_ms.size() ? "p99.9" : "maximum"};
  }

  void void_if_needed() {
    bool is_void = result_.lost.has_value();
    const double budget_ms = options_.send_lag_budget_ms;
    const Lag dispatch = worst_lag(dispatch_lags_ms_), send = worst_lag(send_lags_ms_);
    if (dispatch.ms > budget_ms) {
      is_void = true;
      find(
          Severity::kDoubtful, "load.generator-late",
          fmt::format(
              "The load generator was late: dispatch lag {} {} ms, budget {} ms. The trial is void. Offer less, "
              "leave this machine a core, or run the load from several machines.",
              dispatch.statistic, format_number(dispatch.ms), format_number(budget_ms)))
          .evidence.set("dispatch_lag_ms", dispatch.ms)
          .set("budget_ms", budget_ms);
    } else if (send.ms > budget_ms) {
      find(
          Severity::kNote, "load.sent-late",
          fmt::format(
              "Requests left up to {} ({}) after their time though the load generator was not late (dispatch lag "
              "{} ms): they waited for a connection to be made or to become free (max_connections). Latencies "
              "count that.",
              format_duration(send.ms / 1000), send.statistic, format_number(dispatch.ms)))
          .evidence.set("send_lag_ms", send.ms)
          .set("dispatch_lag_ms", dispatch.ms);
    }
    if (!is_void) return;
    for (Record& record : out_.records) {
      if (record.validity != Validity::kInsufficient) record.validity = Validity::kVoid;
    }
  }

  // ---- raw samples ----

  template <class Get>
  void column(Columns& columns, const char* name, Get get) const {
    std::vector<int64_t> values;
    values.reserve(result_.rows.size());
    for (const RequestRow& row : result_.rows) values.push_back(static_cast<int64_t>(get(row)));
    columns.add(name, std::move(values));
  }

  void samples() {
    Columns& requests = out_.samples.emplace_back(Sample{.name = "requests"}).columns;
    column(requests, "id", [](const RequestRow& r) { return r.id; });
    column(requests, "class", [](const RequestRow& r) { return r.class_index; });
    column(requests, "session", [](const RequestRow& r) { return r.session; });
    column(requests, "turn", [](const RequestRow& r) { return r.turn; });
    column(requests, "scheduled_ns", [](const RequestRow& r) { return r.scheduled.count; });
    column(requests, "dispatched_ns", [](const RequestRow& r) { return r.dispatched.count; });
    column(requests, "sent_ns", [](const RequestRow& r) { return r.sent.count; });
    column(requests, "admitted_ns", [](const RequestRow& r) { return r.admitted.count; });
    column(requests, "first_ns", [](const RequestRow& r) { return r.first.count; });
    column(requests, "first_output_ns", [](const RequestRow& r) { return r.first_output.count; });
    column(requests, "last_ns", [](const RequestRow& r) { return r.last.count; });
    column(requests, "end_ns", [](const RequestRow& r) { return r.end.count; });
    column(requests, "prompt_tokens", [](const RequestRow& r) { return r.prompt_tokens; });
    column(requests, "output_tokens", [](const RequestRow& r) { return r.output_tokens; });
    column(requests, "chunks", [](const RequestRow& r) { return r.chunks; });
    column(requests, "failure", [](const RequestRow& r) { return static_cast<int64_t>(r.failure); });
    column(requests, "in_window", [this](const RequestRow& r) { return window_.has(r) ? 1 : 0; });
    column(requests, "good", [this](const RequestRow& r) { return is_good_row(r) ? 1 : 0; });
    Columns& chunks = out_.samples.emplace_back(Sample{.name = "chunks"}).columns;
    column(chunks, "count", [](const RequestRow& r) { return r.chunks; });
    chunks.add("at_ns", result_.chunk_at_ns);
    chunks.add("tokens", std::vector<int64_t>(result_.chunk_tokens.begin(), result_.chunk_tokens.end()));
    out_.samples.emplace_back(Sample{.name = "clock"})
        .columns.add("start_ns", std::vector<int64_t>{result_.start.count});
  }

  const LoadResult& result_;
  const SummaryOptions& options_;
  const LoadWindow window_;
  std::vector<const RequestRow*> order_;  // by scheduled instant
  std::vector<double> dispatch_lags_ms_, send_lags_ms_;
  LoadSummary out_;
};

}  // namespace

bool is_good(const RequestRow& row, const Slo& slo) {
  return ended_well(row) && !(slo.ttft_ms && ttft_ms(row) > *slo.ttft_ms) &&
         !(slo.tpot_ms && has_tpot(row) && tpot_ms(row) > *slo.tpot_ms) &&
         !(slo.e2e_ms && e2e_ms(row) > *slo.e2e_ms);
}

LoadSummary summarise_load(const LoadResult& result, const SummaryOptions& options) {
  return Summary(result, options).take();
}

}  // namespace assay
