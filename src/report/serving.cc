// Serving: what load trials say of each target, class by class: records, cumulative curves and the timeline.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/model.h"
#include "report/values.h"

namespace assay {
namespace {

constexpr double kNanosPerMs = 1e6;
constexpr int kMostLanes = 24;  // of one class in the timeline

Serving& serving_of(const Model& model, std::vector<Serving>& servings, const Subject& subject,
                    const Trial& trial) {
  for (Serving& serving : servings) {
    if (serving.subject == &subject && serving.target == trial.target) return serving;
  }
  servings.push_back(
      {.subject = &subject, .target = trial.target, .label = target_label(model, subject, trial.target)});
  return servings.back();
}

ClassResult& class_of(Serving& serving, const std::string& name) {
  for (ClassResult& result : serving.classes) {
    if (result.name == name) return result;
  }
  serving.classes.push_back({.name = name});
  return serving.classes.back();
}

void add_curves(Serving& serving, const Trial& trial, const RequestTable& table) {
  const std::string phase = trial.parameters["phase"].as_string();
  for (size_t i = 0; i < table.classes.size(); ++i) {
    ClassResult& result = class_of(serving, table.classes[i]);
    for (const char* metric : {"ttft_ms", "tpot_ms", "e2e_ms"}) {
      Curve curve = make_curve(table, static_cast<int>(i), metric, phase);
      if (curve.n > 0) result.curves.push_back(std::move(curve));
    }
  }
}

constexpr int64_t kCancelledByPlan = 13;  // in the column "failure": docs/formats/dossier.md

const std::vector<int64_t>* column(const Sample& sample, std::string_view name, size_t rows) {
  const std::vector<int64_t>* found = sample.columns.integers(name);
  return found != nullptr && found->size() == rows ? found : nullptr;
}

// One value a request in milliseconds, or nothing where the metric does not apply to it.
std::optional<double> request_value(const RequestTable& table, size_t row, std::string_view metric) {
  const int64_t scheduled = (*table.scheduled_ns)[row], first = (*table.first_ns)[row],
                last = (*table.last_ns)[row];
  const auto ms = [](int64_t from, int64_t to) {
    return (static_cast<double>(to) - static_cast<double>(from)) / kNanosPerMs;
  };
  if (metric == "e2e_ms") return ms(scheduled, last);
  const int64_t tokens = (*table.output_tokens)[row];
  if (metric == "ttft_ms") return tokens > 0 ? std::optional(ms(scheduled, first)) : std::nullopt;
  if (tokens < 2) return std::nullopt;
  return ms(first, last) / static_cast<double>(tokens - 1);
}

// Adds `weight` to the bins that [from, to) touches, by the share of each bin that it covers.
void add_occupancy(std::vector<double>& bins, double bin_s, double from, double to) {
  const auto last = static_cast<double>(bins.size());
  const double start = std::clamp(from / bin_s, 0.0, last), end = std::clamp(to / bin_s, 0.0, last);
  for (auto bin = static_cast<size_t>(start); bin < bins.size() && static_cast<double>(bin) < end; ++bin) {
    const double left = static_cast<double>(bin);
    bins[bin] += std::min(end, left + 1) - std::max(start, left);
  }
}

// Gives each span the first lane of its class that is free, and the one that is free soonest where none is.
void assign_lanes(Timeline& timeline) {
  std::vector<std::vector<double>> busy_until(timeline.classes.size());
  for (RequestSpan& span : timeline.spans) {
    std::vector<double>& lanes = busy_until[static_cast<size_t>(span.class_index)];
    auto lane =
        std::find_if(lanes.begin(), lanes.end(), [&](double until) { return until <= span.scheduled_s; });
    if (lane == lanes.end() && lanes.size() < kMostLanes) {
      lanes.push_back(0);
      lane = lanes.end() - 1;
    } else if (lane == lanes.end()) {
      lane = std::min_element(lanes.begin(), lanes.end());
    }
    *lane = std::max(*lane, span.end_s);
    span.lane = static_cast<int>(lane - lanes.begin());
  }
  for (const auto& lanes : busy_until)
    timeline.lanes.push_back(std::max<int>(1, static_cast<int>(lanes.size())));
}

SpanOutcome span_outcome(const RequestTable& table, size_t row) {
  const int64_t failure = (*table.failure)[row];
  if (failure == kCancelledByPlan) return SpanOutcome::kBrokenOff;
  if (failure != 0) return SpanOutcome::kFailed;
  return (*table.good)[row] != 0 ? SpanOutcome::kGood : SpanOutcome::kMissed;
}

double bin_width(double duration_s) {
  constexpr double kNice[] = {0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600};
  for (const double width : kNice) {
    if (duration_s / width <= kTimelineBins / 2.0) return width;
  }
  return duration_s / (kTimelineBins / 2.0);
}

// The load trial that a record comes from, or, of one that is derived over trials, a load trial of its
// target.
const Trial* serving_trial(const Model& model, const Record& record) {
  if (const Trial* trial = model.trial(record.trial_id)) return trial;
  const std::string target = condition(record, "target");
  for (const Trial& trial : model.content->trials) {
    if (trial.exam == "load" && !target.empty() && trial.target == target) return &trial;
  }
  return nullptr;
}

}  // namespace

std::optional<RequestTable> request_table(const Trial& trial, const std::vector<Sample>& samples) {
  const auto sample =
      std::find_if(samples.begin(), samples.end(), [](const Sample& s) { return s.name == "requests"; });
  if (sample == samples.end()) return std::nullopt;
  RequestTable table;
  for (const Json& name : trial.parameters["classes"].items()) table.classes.push_back(scalar_text(name));
  if (table.classes.empty()) table.classes.push_back(trial.parameters["traffic_class"].as_string());
  table.rows = sample->columns.rows();
  table.class_index = column(*sample, "class", table.rows);
  table.scheduled_ns = column(*sample, "scheduled_ns", table.rows);
  table.first_ns = column(*sample, "first_ns", table.rows);
  table.last_ns = column(*sample, "last_ns", table.rows);
  table.end_ns = column(*sample, "end_ns", table.rows);
  table.output_tokens = column(*sample, "output_tokens", table.rows);
  table.failure = column(*sample, "failure", table.rows);
  table.in_window = column(*sample, "in_window", table.rows);
  table.good = column(*sample, "good", table.rows);
  const bool is_whole = table.class_index != nullptr && table.scheduled_ns != nullptr &&
                        table.first_ns != nullptr && table.last_ns != nullptr && table.end_ns != nullptr &&
                        table.output_tokens != nullptr && table.failure != nullptr &&
                        table.in_window != nullptr && table.good != nullptr;
  return is_whole ? std::optional(table) : std::nullopt;
}

Curve make_curve(const RequestTable& table, int class_index, const std::string& metric,
                 const std::string& phase) {
  Curve curve{.metric = metric, .phase = phase};
  std::vector<double> values;
  for (size_t row = 0; row < table.rows; ++row) {
    if ((*table.class_index)[row] != class_index || (*table.in_window)[row] == 0) continue;
    // Neither ended well nor failed: of those that were broken off there is the first token that they
    // reached.
    const bool was_broken_off = (*table.failure)[row] == kCancelledByPlan;
    if (was_broken_off && (metric != "ttft_ms" || (*table.first_ns)[row] <= 0)) continue;
    if ((!was_broken_off && (*table.failure)[row] != 0) || (*table.first_ns)[row] <= 0) {
      ++curve.failed;
    } else if (const std::optional<double> value = request_value(table, row, metric)) {
      values.push_back(*value);
    }
  }
  if (values.empty()) return curve;
  curve.n = static_cast<int64_t>(values.size()) + curve.failed;
  std::sort(values.begin(), values.end());
  const size_t points = std::min(values.size(), kCurvePoints);
  for (size_t i = 0; i < points; ++i) {
    const size_t at = points == 1 ? 0 : i * (values.size() - 1) / (points - 1);
    curve.x.push_back(values[at]);
    curve.share.push_back(static_cast<double>(at + 1) / static_cast<double>(curve.n));
  }
  return curve;
}

Timeline make_timeline(const RequestTable& table, int64_t trial_id) {
  Timeline timeline{
      .trial_id = trial_id, .requests = static_cast<int64_t>(table.rows), .classes = table.classes};
  const auto seconds_at = [](int64_t ns) { return seconds(Nanos(ns)); };
  double duration_s = 0;
  for (size_t row = 0; row < table.rows; ++row) {
    duration_s =
        std::max({duration_s, seconds_at((*table.scheduled_ns)[row]), seconds_at((*table.end_ns)[row])});
  }
  timeline.bin_s = bin_width(duration_s);
  const size_t bins = std::min<size_t>(kTimelineBins, static_cast<size_t>(duration_s / timeline.bin_s) + 1);
  timeline.arrivals_per_s.assign(bins, 0);
  timeline.completions_per_s.assign(bins, 0);
  timeline.in_flight.assign(bins, 0);
  const size_t stride = (table.rows + kTimelineSpans - 1) / std::max<size_t>(1, kTimelineSpans);
  const auto bin_of = [&](double at_s) {
    return std::min(bins - 1, static_cast<size_t>(std::max(0.0, at_s) / timeline.bin_s));
  };
  for (size_t row = 0; row < table.rows; ++row) {
    const double scheduled_s = seconds_at((*table.scheduled_ns)[row]);
    const double end_s = std::max(scheduled_s, seconds_at((*table.end_ns)[row]));
    timeline.arrivals_per_s[bin_of(scheduled_s)] += 1 / timeline.bin_s;
    if ((*table.failure)[row] == 0) timeline.completions_per_s[bin_of(end_s)] += 1 / timeline.bin_s;
    add_occupancy(timeline.in_flight, timeline.bin_s, scheduled_s, end_s);
    const int64_t class_index = (*table.class_index)[row];
    const bool is_known = class_index >= 0 && class_index < static_cast<int64_t>(table.classes.size());
    if (row % std::max<size_t>(1, stride) != 0 || !is_known) continue;
    const int64_t first = (*table.first_ns)[row];
    timeline.spans.push_back({.class_index = static_cast<int>(class_index),
                              .scheduled_s = scheduled_s,
                              .first_s = first > 0 ? seconds_at(first) : -1,
                              .end_s = end_s,
                              .outcome = span_outcome(table, row)});
  }
  std::stable_sort(timeline.spans.begin(), timeline.spans.end(),
                   [](const RequestSpan& a, const RequestSpan& b) { return a.scheduled_s < b.scheduled_s; });
  assign_lanes(timeline);
  return timeline;
}

Result<std::vector<Serving>> make_servings(const Model& model, const SampleReader& read_samples) {
  std::vector<Serving> servings;
  for (const Record& record : model.content->records) {
    const Trial* trial = serving_trial(model, record);
    const Subject* subject = model.subject(record.subject_id);
    const std::string traffic_class = condition(record, "traffic_class");
    if (trial == nullptr || subject == nullptr || trial->exam != "load" || traffic_class.empty()) continue;
    Serving& serving = serving_of(model, servings, *subject, *trial);
    if (serving.model.empty()) serving.model = condition(record, "model");
    if (add_rate_record(record, traffic_class, serving)) continue;
    const bool is_mix = condition(record, "phase") == "mix";
    if (traffic_class == "all") {
      if (is_mix) serving.mix.records.emplace(record.metric, &record);
    } else {
      ClassResult& result = class_of(serving, traffic_class);
      (is_mix ? result.mix : result.alone).records.emplace(record.metric, &record);
    }
  }
  for (Serving& serving : servings) sort_rates(serving);
  for (const Trial& trial : model.content->trials) {
    const Subject* subject = model.subject(trial.subject_id);
    const std::string& phase = trial.parameters["phase"].as_string();
    if (phase == "sweep" || phase == "capacity") continue;
    if (!read_samples || trial.exam != "load" || subject == nullptr || trial.state != TrialState::kDone)
      continue;
    ASSIGN_OR_RETURN(const std::vector<Sample> samples, read_samples(trial.id));
    const std::optional<RequestTable> table = request_table(trial, samples);
    if (!table || table->rows == 0) continue;
    Serving& serving = serving_of(model, servings, *subject, trial);
    add_curves(serving, trial, *table);
    if (trial.parameters["phase"].as_string() == "mix" && !serving.timeline) {
      serving.timeline = make_timeline(*table, trial.id);
      serving.timeline->server = make_server_series(samples);
    }
  }
  return servings;
}

std::vector<InterferenceRow> interference_rows(const Model& model) {
  std::vector<InterferenceRow> rows;
  for (const Serving& serving : model.servings) {
    for (const ClassResult& result : serving.classes) {
      // As the ratio itself is made.
      const bool streams =
          result.alone.find("ttft_ms_p50") != nullptr || result.mix.find("ttft_ms_p50") != nullptr;
      for (const auto& [metric, latency] :
           {std::pair{"interference", streams ? "TTFT" : "E2E"}, {"tpot_interference", "TPOT"}}) {
        const Record* record = result.mix.find(metric);
        if (record != nullptr && (record->value || record->validity == Validity::kInsufficient))
          rows.push_back({&serving, &result, record, latency});
      }
    }
  }
  return rows;
}

std::string interference_basis(const Model& model) {
  std::vector<std::string> latencies, at_once;
  const auto add_once = [](std::vector<std::string>& to, const std::string& text) {
    if (std::ranges::find(to, text) == to.end()) to.push_back(text);
  };
  for (const InterferenceRow& row : interference_rows(model)) {
    const bool is_e2e = std::string_view(row.latency) == "E2E";
    add_once(is_e2e ? at_once : latencies, is_e2e ? row.result->name : row.latency);
  }
  const std::string basis = "Median in the mix ÷ median alone, of ";
  if (latencies.empty()) return basis + "E2E.";
  const std::string streamed = basis + join(latencies, " and ");
  return at_once.empty()
             ? streamed + "."
             : fmt::format("{}; of E2E for {}, whose answers come at once.", streamed, join(at_once, ", "));
}

std::span<const LatencyRow> latency_rows() {
  static constexpr LatencyRow kRows[] = {
      {"ttft_ms", "TTFT", "TTFT ms"},
      {"ttfo_ms", "TTFO", "TTFO ms"},
      {"tpot_ms", "TPOT", "TPOT ms"},
      {"chunk_gap_ms", "chunk gap", "gap ms"},
      {"e2e_ms", "E2E", "E2E ms"},
      {"effective_ttft_ms", "TTFT, failures ∞", "TTFT ms, failed ∞"},
      {"effective_e2e_ms", "E2E, failures ∞", "E2E ms, failed ∞"},
      {"queue_ms", "queue", "queue ms"},
      {"session_lateness_ms", "turn late in its session", "turn late ms"},
      {"server_prompt_ms", "prompt, by the server", "prompt ms, server"},
      {"ttft_server_difference_ms", "TTFT beyond it", "TTFT − that"},
      {"server_tpot_ms", "TPOT, by the server", "TPOT ms, server"},
      {"tpot_server_difference_ms", "TPOT less it", "TPOT − that"},
  };
  return kRows;
}

std::span<const char* const> beside_metrics() {
  static constexpr const char* kMetrics[] = {"cold_start_s",
                                             "cold_start_first_token_s",
                                             "energy_per_output_token_j",
                                             "power_w_mean",
                                             "power_w_max",
                                             "energy_j",
                                             "server_queue_time_ms_mean",
                                             "server_kv_usage_max",
                                             "server_preemptions",
                                             "server_prefix_hit_rate",
                                             "dispatch_lag_ms_p99_9",
                                             "dispatch_lag_ms_max",
                                             "send_lag_ms_p99_9",
                                             "send_lag_ms_max",
                                             "late_send_share",
                                             "unsent_requests",
                                             "receive_lag_ms_p99",
                                             "connect_ms_p50",
                                             "connect_ms_max",
                                             "round_trip_ms_p50",
                                             "round_trip_ms_max",
                                             "tcp_retransmits",
                                             "client_cpu_utilisation"};
  return kMetrics;
}

}  // namespace assay
