// Question 2 on the page: limits kept, latencies class by class, timelines.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/charts.h"
#include "report/html_parts.h"
#include "report/html_sections.h"
#include "report/values.h"

namespace assay {
namespace {

constexpr const char* kNoLimits = "none";

bool any_has_limits(const Serving& serving) {
  return std::ranges::any_of(serving.classes, [](const ClassResult& each) { return has_limits(each); });
}

std::string limits_text(const ClassResult& result) {
  std::vector<std::string> parts;
  for (const auto& [metric, title] : {std::pair{"ttft_ms", "TTFT"}, {"tpot_ms", "TPOT"}, {"e2e_ms", "E2E"}}) {
    if (const std::optional<double> limit = slo_limit(result, metric)) {
      parts.push_back(*limit < 1000 ? fmt::format("{} ≤ {:g} ms", title, *limit)
                                    : fmt::format("{} ≤ {:g} s", title, *limit / 1000));
    }
  }
  const std::optional<double> share = required_share(result);
  return parts.empty() ? kNoLimits
                       : join(parts, ", ") + (share ? fmt::format(" for {:g} %", *share * 100) : "");
}

std::string service_table(const Model& model) {
  HtmlTable table{.caption = "Service in the mix, by target and class",
                  .is_dense = true,
                  .columns = {{"target"},
                              {"class"},
                              {"limits", "", false, true},
                              {"kept", "%", true},
                              {"goodput", "requests/s", true},
                              {"offered", "requests/s", true},
                              {"output", "tokens/s", true},
                              {"failed", "%", true},
                              {"interference", "×", true},
                              {"on TPOT", "×", true}}};
  // Without limits there is nothing that a request could have kept.
  const auto add = [&](const Serving& serving, const std::string& name, const std::string& limits,
                       bool is_limited, const MetricMap& records) {
    std::vector<HtmlCell> row = {text_cell(serving.label), text_cell(name), text_cell(limits)};
    const bool has_tokens = records.find("tpot_ms_p50") != nullptr;
    for (const char* metric :
         {"slo_attainment", "goodput_per_s", "offered_rate_per_s", "output_throughput_tokens_per_s",
          "error_rate", "interference", "tpot_interference"}) {
      const bool has_none = (name == "all" && std::string_view(metric).ends_with("interference")) ||
                            (!has_tokens && std::string_view(metric) == "tpot_interference") ||
                            (!is_limited && (std::string_view(metric) == "slo_attainment" ||
                                             std::string_view(metric) == "goodput_per_s"));
      row.push_back(has_none ? HtmlCell{"", ""} : value_cell(model, records.find(metric)));
    }
    table.rows.push_back(std::move(row));
  };
  for (const Serving& serving : model.servings) {
    for (const ClassResult& result : serving.classes) {
      if (!result.mix.empty()) add(serving, result.name, limits_text(result), has_limits(result), result.mix);
    }
    const bool has_any =
        std::ranges::any_of(serving.classes, [](const ClassResult& each) { return has_limits(each); });
    if (!serving.mix.empty()) add(serving, "all", "", has_any, serving.mix);
  }
  return table.html() + fmt::format("<p class=\"small\">{}</p>\n", kWindowNote);
}

std::string beside_table(const Model& model) {
  HtmlTable table{
      .caption = "The server's start, energy, and the way of the requests to it, all classes together",
      .columns = {{"target"}, {"metric"}, {"value", "", true}, {"unit"}, {"n", "", true}}};
  for (const Serving& serving : model.servings) {
    for (const char* metric : beside_metrics()) {
      const Record* record = serving.mix.find(metric);
      if (record == nullptr || !record->value) continue;
      table.rows.push_back(
          {text_cell(serving.label), text_cell(metric_title(metric)), value_cell(model, record),
           text_cell(display_unit(record->metric, record->unit).text), count_cell(record->n)});
    }
  }
  return table.rows.empty() ? "" : "<h3>Beside the latencies</h3>\n" + table.html();
}

std::string latency_table(const Model& model, const std::string& traffic_class) {
  HtmlTable table{.caption = fmt::format("Latencies of {}", traffic_class),
                  .is_dense = true,
                  .columns = {{"target"},
                              {"phase"},
                              {"metric"},
                              {"n", "", true},
                              {"p50", "ms", true},
                              {"p90", "ms", true},
                              {"p95", "ms", true},
                              {"p99", "ms", true},
                              {"largest", "ms", true}}};
  const auto add = [&](const Serving& serving, const char* phase, const MetricMap& records) {
    for (const LatencyRow& latency : latency_rows()) {
      const Record* middle = records.find(fmt::format("{}_p50", latency.metric));
      if (middle == nullptr) continue;
      std::vector<HtmlCell> row = {text_cell(serving.label), text_cell(phase), text_cell(latency.title),
                                   count_cell(middle->n)};
      for (const char* statistic : {"p50", "p90", "p95", "p99", "max"}) {
        row.push_back(value_cell(model, records.find(fmt::format("{}_{}", latency.metric, statistic))));
      }
      table.rows.push_back(std::move(row));
    }
  };
  for (const Serving& serving : model.servings) {
    const ClassResult* result = find_class(serving, traffic_class);
    if (result == nullptr) continue;
    add(serving, "mix", result->mix);
    add(serving, "alone", result->alone);
  }
  return table.html();
}

std::string curve_small_print(const Model& model, const std::string& traffic_class,
                              const std::string& metric) {
  std::string out = "Share of requests up to a time, logarithmic axis.";
  for (const Serving& serving : model.servings) {
    const ClassResult* result = find_class(serving, traffic_class);
    if (result == nullptr) continue;
    for (const Curve& curve : result->curves) {
      if (curve.metric != metric) continue;
      out += fmt::format(" {}, {}: n = {}{}.", serving.label, curve.phase, curve.n,
                         curve.failed > 0 ? fmt::format(", of which {} failed", curve.failed) : "");
    }
  }
  return out;
}

std::string interference_sentence(const Model& model) {
  constexpr double kLeastCost = 1.01;
  std::optional<InterferenceRow> worst;  // of those whose interval lies above that
  bool is_known = false;
  for (const InterferenceRow& row : interference_rows(model)) {
    if (!row.record->value || row.record->validity == Validity::kVoid) continue;
    is_known = true;
    const bool is_shown = row.record->ci_low && *row.record->ci_low > kLeastCost;
    if (is_shown && (!worst || *row.record->value > *worst->record->value)) worst = row;
  }
  if (!worst)
    return is_known ? "That company costs a class more than 1 % of its speed was not shown"
                    : "What company costs a class is unknown";
  const std::string_view latency = worst->latency;
  const ValueText text = value_text(*worst->record);
  return fmt::format("In company {} of {} on {} {} {} × as long as alone",
                     latency == "TTFT"   ? "the first token"
                     : latency == "TPOT" ? "the tokens"
                                         : "the answer",
                     worst->result->name, worst->serving->label, latency == "TPOT" ? "take" : "takes",
                     text.interval.empty() ? text.value : fmt::format("{} ({})", text.value, text.interval));
}

const char* metric_words(std::string_view metric) {
  return metric == "ttft_ms" ? "TTFT" : metric == "tpot_ms" ? "TPOT" : "E2E";
}

std::string class_html(const Model& model, size_t index, const std::string& name) {
  std::string charts;
  for (const char* metric : {"ttft_ms", "tpot_ms", "e2e_ms"}) {
    const bool is_drawn =
        std::any_of(model.servings.begin(), model.servings.end(), [&](const Serving& serving) {
          const ClassResult* result = find_class(serving, name);
          return result != nullptr && std::any_of(result->curves.begin(), result->curves.end(),
                                                  [&](const Curve& curve) { return curve.metric == metric; });
        });
    if (!is_drawn) continue;
    charts += chart_html(curve_id(index, metric), "curves",
                         fmt::format("{}: {}", metric_words(metric), curve_sentence(model, name, metric)),
                         curve_small_print(model, name, metric));
  }
  return fmt::format("<div class=\"class\"><h3>{}</h3>\n<div class=\"charts three\">{}</div>\n{}</div>\n",
                     escape_html(name), charts, latency_table(model, name));
}

std::string timeline_sentence(const Serving& serving) {
  const Timeline& timeline = *serving.timeline;
  const double peak = timeline.in_flight.empty()
                          ? 0
                          : *std::max_element(timeline.in_flight.begin(), timeline.in_flight.end());
  int64_t failed = 0, missed = 0;
  for (const RequestSpan& span : timeline.spans) {
    failed += span.outcome == SpanOutcome::kFailed;
    missed += span.outcome == SpanOutcome::kMissed;
  }
  std::string out = fmt::format("{}: up to {} at once", serving.label, static_cast<int64_t>(std::ceil(peak)));
  const std::string_view among =
      timeline.spans.size() < static_cast<size_t>(timeline.requests) ? " of those shown" : "";
  if (missed > 0) out += fmt::format("; {}{} missed a limit", missed, among);
  if (failed > 0) out += fmt::format("; {}{} failed", failed, among);
  return missed + failed == 0 && any_has_limits(serving) ? out + "; none missed a limit" : out;
}

std::string timeline_small_print(const Timeline& timeline) {
  const bool has_broken_off = std::ranges::any_of(
      timeline.spans, [](const RequestSpan& span) { return span.outcome == SpanOutcome::kBrokenOff; });
  std::string out = fmt::format(
      "Rate and requests in flight by {:g} s; below, each request as a line: light while it waits for its first token, "
      "full while tokens come; outlined where it missed a limit, ✕ where it failed{}.",
      timeline.bin_s, has_broken_off ? ", ◂ where its user broke it off" : "");
  if (timeline.spans.size() < static_cast<size_t>(timeline.requests)) {
    out += fmt::format(" Of {} {} drawn, evenly thinned; the curves count all.",
                       counted(timeline.requests, "request"),
                       counted(static_cast<int64_t>(timeline.spans.size()), "is", "are"));
  }
  const ServerSeries& server = timeline.server;
  if (!server.running.empty() || !server.waiting.empty() || !server.kv_usage.empty())
    out += fmt::format(" What the server tells of itself is from {} of its metrics.",
                       counted(static_cast<int64_t>(server.samples), "sample"));
  if (!server.power_w.empty())
    out += fmt::format(" Power is that of {} in this machine, the load generator's included.",
                       escape_html(server.power_sensor));
  return out;
}

// On one screen: who keeps its limits, what company costs whom, and how much of the mix it holds.
std::string mix_charts_html(const Model& model) {
  std::string charts;
  if (std::ranges::any_of(model.servings, [](const Serving& serving) { return any_has_limits(serving); }))
    charts +=
        chart_html(kAttainmentId, "dots", attainment_sentence(model),
                   "Share of attempted requests that kept every limit of their class in the mix, with 95 % "
                   "intervals; the bar is the required share.");
  const bool has_interference = std::ranges::any_of(model.content->records, [](const Record& record) {
    return record.metric.ends_with("interference") && record.value.has_value();
  });
  if (has_interference)
    charts += chart_html(kInterferenceId, "dots", interference_sentence(model), interference_basis(model));
  charts += capacity_charts_html(model);
  return charts.empty() ? "" : "<div class=\"charts three\">" + charts + "</div>\n";
}

}  // namespace

std::string serving_html(const Model& model) {
  std::string out = mix_charts_html(model);
  if (!std::ranges::any_of(model.servings, &Serving::has_mix_or_alone)) return out + rates_html(model);
  out += service_table(model) + rates_html(model) + "<div class=\"charts\">";
  for (size_t i = 0; i < model.servings.size(); ++i) {
    const Serving& serving = model.servings[i];
    if (serving.timeline)
      out += chart_html(timeline_id(i), "timeline", timeline_sentence(serving),
                        timeline_small_print(*serving.timeline));
  }
  out += "</div>\n";
  const std::vector<std::string> classes = traffic_classes(model);
  for (size_t i = 0; i < classes.size(); ++i) out += class_html(model, i, classes[i]);
  return out + beside_table(model);
}

}  // namespace assay
