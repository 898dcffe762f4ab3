// Means, differences of totals, and energy between two instants; see side_evidence.h.
#include "exam/load/side_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "exam/findings.h"

namespace assay {
namespace {

constexpr double kShortestS = 0.05;  // of a mean power: over less the counter's own steps show
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class SideEvidence {
 public:
  SideEvidence(const SideSeries& series, const SideContext& context, TrialOutcome& outcome)
      : series_(series), context_(context), outcome_(outcome) {
    for (const ServerPoint& point : series.server) {
      if (is_in_window(point.at)) inside_.push_back(&point);
    }
  }

  void add() {
    add_server_sample();
    add_power_sample();
    add_gauges();
    add_totals();
    add_energy();
    add_own_cpu();
    note_unanswered();
    note_lost_sensors();
  }

 private:
  using Quantity = ServerQuantity;

  int64_t relative_ns(Nanos at) const { return (at - context_.start).count; }
  bool is_in_window(Nanos at) const {
    const Nanos relative = at - context_.start;
    return relative >= context_.window.start && relative <= context_.window.rates_end;
  }

  // ---- records ----

  Record& add_record(const std::string& metric, const Estimate& estimate) {
    const Result<MetricName> name = parse_metric_name(metric);
    CHECK(name.has_value());
    Record record;
    record.metric = metric;
    record.unit = name->metric->unit;
    record.conditions = context_.conditions;
    if (context_.is_load) record.conditions.set("traffic_class", "all");
    record.n = estimate.n;
    record.method = estimate.method;
    record.validity = estimate.insufficient || !estimate.value ? Validity::kInsufficient : context_.validity;
    if (record.validity != Validity::kInsufficient) {
      record.value = estimate.value;
      record.ci_low = estimate.low;
      record.ci_high = estimate.high;
      record.confidence = estimate.confidence;
    }
    return outcome_.records.emplace_back(std::move(record));
  }

  void add_value(const std::string& metric, double value, int64_t n, std::string method) {
    Estimate estimate;
    estimate.value = value;
    estimate.n = n;
    estimate.method = std::move(method);
    add_record(metric, estimate);
  }

  // ---- the server's own word ----

  std::vector<double> values_of(Quantity quantity) const {
    std::vector<double> values;
    for (const ServerPoint* point : inside_) {
      if (const auto value = point->reading[quantity]) values.push_back(*value);
    }
    return values;
  }

  void add_gauges() {
    static constexpr std::pair<Quantity, const char*> kGauges[] = {
        {Quantity::kRunning, "server_running"},
        {Quantity::kWaiting, "server_waiting"},
        {Quantity::kKvUsage, "server_kv_usage"},
    };
    for (const auto& [quantity, metric] : kGauges) {
      const std::vector<double> values = values_of(quantity);
      if (values.empty()) continue;
      Estimate mean = mean_estimate(values, context_.seed);
      mean.method = "as the server told; " + mean.method;
      add_record(fmt::format("{}_mean", metric), mean);
      Estimate largest = maximum_estimate(values);
      largest.method = "as the server told; the largest of the samples";
      add_record(fmt::format("{}_max", metric), largest);
    }
  }

  // A total at the first and the last sample of the window that have it.
  struct Growth {
    double by = 0, over_s = 0;
    int64_t samples = 0;
  };
  std::optional<Growth> growth_of(Quantity quantity) {
    Growth growth;
    const ServerPoint *first = nullptr, *last = nullptr;
    for (const ServerPoint* point : inside_) {
      const auto value = point->reading[quantity];
      if (!value) continue;
      if (last != nullptr && *value < *last->reading[quantity]) {
        note_reset();
        return std::nullopt;
      }
      if (first == nullptr) first = point;
      last = point;
      ++growth.samples;
    }
    if (growth.samples < 2) return std::nullopt;
    growth.by = *last->reading[quantity] - *first->reading[quantity];
    growth.over_s = seconds(last->at - first->at);
    return growth.over_s > 0 ? std::optional(growth) : std::nullopt;
  }

  static std::string between(const Growth& growth) {
    return fmt::format("growth of the server's own totals between two samples {:.1f} s apart", growth.over_s);
  }

  void add_totals() {
    for (const auto& [quantity, metric] : {std::pair{Quantity::kPromptTokens, "server_prompt_tokens_per_s"},
                                           {Quantity::kOutputTokens, "server_output_tokens_per_s"}}) {
      const auto growth = growth_of(quantity);
      if (growth) add_value(metric, growth->by / growth->over_s, growth->samples, between(*growth));
    }
    if (!growth_of(Quantity::kOutputTokens))
      add_mean(Quantity::kOutputTokensPerS, "server_output_tokens_per_s");
    if (const auto growth = growth_of(Quantity::kPreemptions))
      add_value("server_preemptions", growth->by, growth->samples, between(*growth));
    add_prefix_hits();
    const auto waited = growth_of(Quantity::kQueueTimeS), requests = growth_of(Quantity::kQueueTimeRequests);
    if (waited && requests && requests->by > 0)
      add_value("server_queue_time_ms_mean", waited->by / requests->by * 1000,
                static_cast<int64_t>(requests->by), between(*requests) + ": seconds ÷ requests");
  }

  void add_prefix_hits() {
    const auto hits = growth_of(Quantity::kPrefixHits), queries = growth_of(Quantity::kPrefixQueries);
    if (hits && queries && queries->by > 0) {
      add_value("server_prefix_hit_rate", hits->by / queries->by, queries->samples,
                between(*queries) + ": hits ÷ queries");
    } else if (!queries) {
      add_mean(Quantity::kPrefixHitRate, "server_prefix_hit_rate");
    }
  }

  void add_mean(Quantity quantity, const char* metric) {
    const std::vector<double> values = values_of(quantity);
    if (values.empty()) return;
    Estimate mean = mean_estimate(values, context_.seed);
    mean.method = "as the server told, the mean of its own rates; " + mean.method;
    add_record(metric, mean);
  }

  void note_reset() {
    if (has_reset_) return;
    has_reset_ = true;
    outcome_.findings.push_back(make_finding(
        Severity::kDoubtful, "metrics.reset",
        "A total among the server's metrics fell within the window: the server, or a part of it, began anew."));
  }

  void note_unanswered() {
    if (series_.unanswered == 0) return;
    const auto all = static_cast<int64_t>(series_.server.size()) + series_.unanswered;
    outcome_.findings.push_back(make_finding(
        Severity::kNote, "metrics.gaps",
        fmt::format("{} of {} questions for the server's metrics had no usable answer. The first: {}.",
                    series_.unanswered, all, printable(series_.first_error.what, 300)),
        Json::object().set("unanswered", series_.unanswered).set("questions", all)));
  }

  // ---- power ----

  void note_lost_sensors() {
    if (series_.lost_sensors.empty()) return;
    std::vector<std::string> names;
    for (const Error& error : series_.lost_sensors) names.push_back(error.where);
    outcome_.findings.push_back(make_finding(
        Severity::kNote, "power.lost",
        fmt::format(
            "Power sensors were lost while they were read ({}): {}. What they had told until then is kept.",
            printable(join(names, ", "), 300), printable(series_.lost_sensors.front().what, 300)),
        Json::object().set("sensors", static_cast<int64_t>(names.size()))));
  }

  // The energy of the sensors `which` up to an instant, interpolated between the points around it.
  std::optional<double> energy_at(const std::vector<size_t>& which, Nanos at) const {
    const PowerPoint* before = nullptr;
    for (const PowerPoint& point : series_.power) {
      double energy = 0;
      for (const size_t i : which) energy += point.energy_j[i];
      if (!std::isfinite(energy)) continue;
      if (point.at >= at) {
        if (point.at == at) return energy;
        if (before == nullptr) return std::nullopt;
        double earlier = 0;
        for (const size_t i : which) earlier += before->energy_j[i];
        return earlier + (energy - earlier) * (seconds(at - before->at) / seconds(point.at - before->at));
      }
      before = &point;
    }
    return std::nullopt;
  }

  double largest_power_w(const std::vector<size_t>& which) const {
    double largest = 0;
    const PowerPoint* before = nullptr;
    for (const PowerPoint& point : series_.power) {
      double joules = 0;
      for (const size_t i : which) joules += point.energy_j[i] - (before ? before->energy_j[i] : 0);
      const bool counts = before != nullptr && std::isfinite(joules) &&
                          seconds(point.at - before->at) >= kShortestS && is_in_window(before->at) &&
                          is_in_window(point.at);
      if (counts) largest = std::max(largest, joules / seconds(point.at - before->at));
      if (std::isfinite(joules)) before = &point;
    }
    return largest;
  }

  // Sensors whose energies add up, in the order of the first of each group.
  std::vector<std::pair<std::string, std::vector<size_t>>> sensor_groups() const {
    std::vector<std::pair<std::string, std::vector<size_t>>> groups;
    for (size_t i = 0; i < series_.sensors.size(); ++i) {
      const std::string& name = series_.sensors[i].group;
      auto group = std::ranges::find(groups, name, &std::pair<std::string, std::vector<size_t>>::first);
      if (group == groups.end()) group = groups.emplace(group, name, std::vector<size_t>());
      group->second.push_back(i);
    }
    return groups;
  }

  void add_energy() {
    for (const auto& [group, which] : sensor_groups()) add_energy_of(which);
    if (has_energy_ && context_.is_load) note_whole_machine();
  }

  void add_energy_of(const std::vector<size_t>& which) {
    std::vector<std::string> names, domains;
    const PowerSensor* first = &series_.sensors[which.front()];
    for (const size_t i : which) {
      names.push_back(series_.sensors[i].name);
      domains.push_back(series_.sensors[i].domain);
    }
    const double window_s = context_.window.rates_s();
    const auto from = energy_at(which, context_.start + context_.window.start);
    const auto until = energy_at(which, context_.start + context_.window.rates_end);
    if (!from || !until || window_s <= 0) return;
    const double energy = *until - *from;
    const std::string method = fmt::format(
        "{} over the window of {:.1f} s, interpolated at its ends; of this machine{}",
        first->counts_energy ? "difference of the energy counters" : "power integrated by the trapezoid rule",
        window_s, context_.is_load ? ", the load generator's own work included" : "");
    const size_t begin = outcome_.records.size();
    const auto n = static_cast<int64_t>(std::ranges::count_if(
        series_.power, [&](const PowerPoint& point) { return is_in_window(point.at); }));
    add_value("energy_j", energy, n, method);
    add_value("power_w_mean", energy / window_s, n, method + "; energy ÷ time");
    if (const double largest = largest_power_w(which); largest > 0)
      add_value("power_w_max", largest, n, "the largest mean between two samples");
    if (const double tokens = context_.output_tokens_per_s.value_or(0) * window_s; tokens > 0)
      add_value("energy_per_output_token_j", energy / tokens, n,
                method + fmt::format("; ÷ {:.0f} output tokens of the same window", tokens));
    for (size_t i = begin; i < outcome_.records.size(); ++i) {
      Json& conditions = outcome_.records[i].conditions;
      conditions.set("sensor", join(names, ", ")).set("sensor_kind", first->kind);
      conditions.set("sensor_domain", join(domains, ", "));
      if (context_.is_load) conditions.set("includes_client", true);
      conditions.set(first->counts_energy ? "sensor_resolution_j" : "sensor_resolution_w", first->resolution);
      conditions.set("window_s", window_s);
    }
    energy_of_ += (has_energy_ ? ", " : "") + join(domains, ", ");
    has_energy_ = true;
  }

  void note_whole_machine() {
    outcome_.findings.push_back(make_finding(
        Severity::kNote, "power.includes-client",
        fmt::format(
            "Energy is that of this machine's sensors ({}), which server and load generator share: the client's own "
            "power and what else runs here are in it; cards and boards without a sensor of their own are not.",
            energy_of_)));
  }

  void add_own_cpu() {
    if (context_.duration.count <= 0) return;
    add_value("sampler_cpu_utilisation", seconds(series_.cpu_time) / seconds(context_.duration), 0,
              "CPU time of the sampling thread over the trial's duration; 1 is one core");
  }

  // ---- series ----

  void add_server_sample() {
    if (series_.server.empty()) return;
    std::vector<int64_t> at, took;
    for (const ServerPoint& point : series_.server) {
      at.push_back(relative_ns(point.at));
      took.push_back(point.took.count);
    }
    Columns& columns = outcome_.samples.emplace_back(Sample{.name = "server"}).columns;
    columns.add("at_ns", std::move(at));
    columns.add("took_ns", std::move(took));
    for (const ServerQuantityRow& row : server_quantities()) {
      std::vector<double> values;
      for (const ServerPoint& point : series_.server)
        values.push_back(point.reading[row.quantity].value_or(kNaN));
      if (!std::ranges::all_of(values, [](double v) { return std::isnan(v); }))
        columns.add(row.name, std::move(values));
    }
  }

  void add_power_sample() {
    if (series_.power.empty()) return;
    std::vector<int64_t> at;
    for (const PowerPoint& point : series_.power) at.push_back(relative_ns(point.at));
    Columns& columns = outcome_.samples.emplace_back(Sample{.name = "power"}).columns;
    columns.add("at_ns", std::move(at));
    // What the records are of comes first: the sums of those that belong together.
    const auto add_sum = [&](const std::vector<size_t>& which) {
      std::vector<std::string> names;
      for (const size_t i : which) names.push_back(series_.sensors[i].name);
      std::vector<double> energy;
      for (const PowerPoint& point : series_.power) {
        double sum = 0;
        for (const size_t i : which) sum += point.energy_j[i];
        energy.push_back(sum);
      }
      columns.add(join(names, ", ") + " energy_j", std::move(energy));
    };
    for (const auto& [group, which] : sensor_groups()) {
      if (which.size() > 1) add_sum(which);
    }
    for (size_t i = 0; i < series_.sensors.size(); ++i) add_sum({i});
  }

  const SideSeries& series_;
  const SideContext& context_;
  TrialOutcome& outcome_;
  std::vector<const ServerPoint*> inside_;  // the window
  bool has_reset_ = false, has_energy_ = false;
  std::string energy_of_;
};

}  // namespace

void add_side_evidence(const SideSeries& series, const SideContext& context, TrialOutcome& outcome) {
  if (!series.empty()) SideEvidence(series, context, outcome).add();
}

}  // namespace assay
