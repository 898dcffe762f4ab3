// Charts; see charts.h.
#include "report/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

#include "report/claims.h"
#include "report/values.h"

namespace assay {
namespace {

// Five digits are more than a chart can show, and keep the block small.
Json rounded(double value) {
  if (!std::isfinite(value)) return Json();
  const std::string text = fmt::format("{:.5g}", value);
  double result = value;
  std::from_chars(text.data(), text.data() + text.size(), result);
  const bool is_whole = std::fabs(result) < 1e15 && result == std::floor(result);
  return is_whole ? Json(static_cast<int64_t>(result)) : Json(result);
}

Json rounded(std::optional<double> value) {
  return value ? rounded(*value) : Json();
}

Json rounded_list(const std::vector<double>& values) {
  Json::Array items;
  items.reserve(values.size());
  for (const double value : values) items.push_back(rounded(value));
  return Json(std::move(items));
}

void set_evidence(Json& item, EvidenceClass evidence_class, Validity validity) {
  item.set("class", name_of(evidence_class));
  if (validity != Validity::kValid) item.set("validity", name_of(validity));
}

// A value of a record on an axis with its interval; null where there is none.
Json value_item(const Record* record, double factor = 1) {
  if (record == nullptr || !record->value) return Json();
  const auto scaled = [&](std::optional<double> x) { return x ? rounded(*x * factor) : Json(); };
  Json item;
  item.set("value", scaled(record->value));
  if (record->ci_low && record->ci_high)
    item.set("low", scaled(record->ci_low)).set("high", scaled(record->ci_high));
  item.set("text", phrase(*record)).set("record", record->id);
  set_evidence(item, record->evidence_class, record->validity);
  return item;
}

Json waterfall_chart(const Model& model, const Waterfall& waterfall, const WaterfallLane& lane) {
  Json chart;
  chart.set("kind", "waterfall").set("unit", lane.unit).set("colour", model.colour_of(waterfall.subject));
  Json::Array steps;
  for (const WaterfallStep& step : lane.steps) {
    Json item;
    item.set("level", step.level).set("value", rounded(step.value));
    if (step.value) item.set("label", value_text(*step.value, step.low, step.high).value);
    if (step.low && step.high) item.set("low", rounded(step.low)).set("high", rounded(step.high));
    item.set("loss", step.loss).set("basis", step.basis);
    set_evidence(item, step.evidence_class, step.validity);
    steps.push_back(std::move(item));
  }
  return chart.set("steps", Json(std::move(steps)));
}

Json roofline_chart(const Model& model, const Roofline& roofline) {
  Json chart;
  chart.set("kind", "roofline").set("colour", model.colour_of(roofline.subject));
  Json::Array points, ceilings;
  for (const RooflinePoint& point : roofline.points) {
    const bool is_bandwidth = point.record->metric == "memory_bandwidth_gb_per_s";
    Json item = value_item(point.record, is_bandwidth ? point.flop_per_byte / 1000 : 1);
    item.set("name", point.name)
        .set("group", point.group)
        .set("x", rounded(point.flop_per_byte))
        .set("best", point.is_best);
    points.push_back(std::move(item));
  }
  for (const RooflineCeiling& ceiling : roofline.ceilings) {
    Json item;
    item.set("name", ceiling.name)
        .set("bandwidth", ceiling.is_bandwidth)
        .set("value", rounded(ceiling.value));
    set_evidence(item, shown_class(*ceiling.record), ceiling.record->validity);
    ceilings.push_back(std::move(item));
  }
  return chart.set("points", Json(std::move(points))).set("ceilings", Json(std::move(ceilings)));
}

Json series_json(const std::string& label, int colour, const Series& series) {
  Json item;
  item.set("label", label).set("colour", colour);
  Json::Array points;
  for (size_t i = 0; i < series.records.size(); ++i) {
    Json point = value_item(series.records[i]);
    if (!point.is_null()) points.push_back(std::move(point.set("x", rounded(series.x[i]))));
  }
  return item.set("points", Json(std::move(points)));
}

Json bandwidth_chart(const Model& model, const DeviceResult& device) {
  Json chart;
  chart.set("kind", "lines").set("x_title", "size of the arrays").set("x_bytes", true).set("y_title", "GB/s");
  Json series = Json::array();
  for (const Series& one : device.bandwidth)
    series.push(series_json(one.label, model.colour_of(device.subject), one));
  return chart.set("series", std::move(series));
}

Json batching_chart(const Model& model) {
  Json chart;
  chart.set("kind", "lines")
      .set("x_title", "sequences in one batch")
      .set("x_bytes", false)
      .set("y_title", "tokens/s");
  Json series = Json::array();
  for (const DeviceResult& device : model.devices) {
    if (!device.batching.records.empty()) {
      series.push(series_json(device.label, model.colour_of(device.subject), device.batching));
    }
  }
  return chart.set("series", std::move(series));
}

Json matmul_chart(const Model& model) {
  Json chart;
  chart.set("kind", "dots").set("unit", "TFLOP/s").set("log", true);
  Json rows = Json::array(), series = Json::array();
  const std::vector<std::string> types = matmul_types(model);
  for (const std::string& type : types) rows.push(type);
  for (const DeviceResult& device : model.devices) {
    Json values = Json::array();
    for (const std::string& type : types) {
      const auto found =
          std::find_if(device.matmul_best.begin(), device.matmul_best.end(),
                       [&](const Record* record) { return condition(*record, "dtype") == type; });
      values.push(found == device.matmul_best.end() ? Json() : value_item(*found));
    }
    Json item;
    item.set("label", device.label)
        .set("colour", model.colour_of(device.subject))
        .set("values", std::move(values));
    series.push(std::move(item));
  }
  return chart.set("rows", std::move(rows)).set("series", std::move(series));
}

// One dot a row and serving; `value_of` may find nothing. A serving of which it finds nothing at all is left
// out.
using DotValue = std::function<const Record*(const Serving& serving, const std::string& row)>;
Json serving_dots(const Model& model, const std::vector<std::string>& names, const char* unit, double factor,
                  const DotValue& value_of) {
  Json rows = Json::array(), series = Json::array();
  for (const std::string& name : names) rows.push(name);
  for (const Serving& serving : model.servings) {
    Json values = Json::array();
    bool has_any = false;
    for (const std::string& name : names) {
      const Record* record = value_of(serving, name);
      has_any |= record != nullptr;
      values.push(value_item(record, factor));
    }
    if (!has_any) continue;
    series.push(Json::object()
                    .set("label", serving.label)
                    .set("colour", model.colour_of(serving.subject))
                    .set("values", std::move(values)));
  }
  return Json::object()
      .set("kind", "dots")
      .set("unit", unit)
      .set("log", false)
      .set("rows", std::move(rows))
      .set("series", std::move(series));
}

Json attainment_chart(const Model& model) {
  constexpr double kPercent = 100;
  const std::vector<std::string> classes = traffic_classes(model);
  Json marks = Json::array();
  for (const std::string& name : classes) {
    std::optional<double> required;
    for (const Serving& serving : model.servings) {
      const ClassResult* result = find_class(serving, name);
      if (result != nullptr && !required) required = required_share(*result);
    }
    marks.push(required ? rounded(*required * kPercent) : Json());
  }
  const auto attainment = [](const Serving& serving, const std::string& name) {
    const ClassResult* result = find_class(serving, name);
    return result == nullptr ? nullptr : result->mix.find("slo_attainment");
  };
  return serving_dots(model, classes, "% of requests", kPercent, attainment)
      .set("marks", std::move(marks))
      .set("mark_label", "required share");
}

// A row for each latency of a class.
Json interference_chart(const Model& model) {
  std::vector<std::string> names;
  const auto name_of_row = [](const InterferenceRow& row) {
    return fmt::format("{} {}", row.result->name, row.latency);
  };
  std::vector<InterferenceRow> all = interference_rows(model);
  std::erase_if(all, [](const InterferenceRow& row) { return !row.record->value; });
  // By class, and not by target: one may have more classes than another.
  for (const std::string& traffic_class : traffic_classes(model)) {
    for (const InterferenceRow& row : all) {
      const std::string name = name_of_row(row);
      if (row.result->name == traffic_class && std::ranges::find(names, name) == names.end())
        names.push_back(name);
    }
  }
  const auto ratio = [&](const Serving& serving, const std::string& name) -> const Record* {
    const auto row = std::ranges::find_if(all, [&](const InterferenceRow& each) {
      return each.serving == &serving && name_of_row(each) == name;
    });
    return row == all.end() ? nullptr : row->record;
  };
  return serving_dots(model, names, "× the median alone", 1, ratio);
}

Json curve_chart(const Model& model, const std::string& name, const std::string& metric) {
  Json chart;
  chart.set("kind", "curves").set("unit", "ms");
  Json series = Json::array();
  for (const Serving& serving : model.servings) {
    const ClassResult* result = find_class(serving, name);
    if (result == nullptr) continue;
    if (const std::optional<double> limit = slo_limit(*result, metric)) chart.set("limit", rounded(*limit));
    if (const std::optional<double> share = required_share(*result)) chart.set("required", rounded(*share));
    for (const Curve& curve : result->curves) {
      if (curve.metric != metric) continue;
      Json item;
      item.set("label", serving.label)
          .set("phase", curve.phase)
          .set("colour", model.colour_of(serving.subject));
      item.set("n", curve.n).set("x", rounded_list(curve.x)).set("y", rounded_list(curve.share));
      series.push(std::move(item));
    }
  }
  return chart.set("series", std::move(series));
}

// What is not known at an instant is null, and what is not told at all is absent.
Json known_list(const std::vector<double>& values) {
  Json::Array list;
  for (const double value : values) list.push_back(std::isfinite(value) ? Json(rounded(value)) : Json());
  return Json(std::move(list));
}

Json server_json(const ServerSeries& series) {
  Json json = Json::object();
  const auto set = [&](const char* name, const std::vector<double>& values) {
    if (!values.empty()) json.set(name, known_list(values));
  };
  const bool has_any = !series.running.empty() || !series.waiting.empty() || !series.kv_usage.empty();
  if (has_any) set("at", series.at_s);
  set("running", series.running);
  set("waiting", series.waiting);
  set("kv_usage", series.kv_usage);
  if (series.power_w.empty()) return json;
  set("power_at", series.power_at_s);
  set("power_w", series.power_w);
  return json.set("power_sensor", series.power_sensor);
}

Json timeline_chart(const Model& model, const Serving& serving) {
  const Timeline& timeline = *serving.timeline;
  Json chart;
  chart.set("kind", "timeline").set("colour", model.colour_of(serving.subject)).set("bin_s", timeline.bin_s);
  Json classes = Json::array(), lanes = Json::array();
  for (const std::string& name : timeline.classes) classes.push(name);
  for (const int count : timeline.lanes) lanes.push(count);
  chart.set("classes", std::move(classes)).set("lanes", std::move(lanes));
  chart.set("arrivals", rounded_list(timeline.arrivals_per_s))
      .set("completions", rounded_list(timeline.completions_per_s));
  chart.set("in_flight", rounded_list(timeline.in_flight));
  if (Json server = server_json(timeline.server); !server.members().empty())
    chart.set("server", std::move(server));
  Json::Array spans;
  for (const RequestSpan& span : timeline.spans) {
    spans.push_back(Json(Json::Array{span.class_index, span.lane, rounded(span.scheduled_s),
                                     span.first_s < 0 ? Json() : rounded(span.first_s), rounded(span.end_s),
                                     static_cast<int>(span.outcome)}));
  }
  return chart.set("spans", Json(std::move(spans)));
}

Json latency_point(const SweepPoint& point, std::string_view metric, const char* statistic) {
  const Record* throughput = point.all.find("request_throughput_per_s");
  if (throughput == nullptr || !throughput->value) return {};
  Json item = value_item(point.all.find(fmt::format("{}_{}", metric, statistic)));
  if (item.is_null()) return item;
  const std::string text = item["text"].as_string();
  return item.set("x", rounded(throughput->value))
      .set("text", fmt::format("{}: {}", point_text(point), text));
}

// Latency over what was served, a line a target and percentile, a point a trial.
Json sweep_chart(const Model& model, std::string_view metric, bool is_users) {
  Json chart;
  chart.set("kind", "lines").set("x_title", "requests served per second").set("x_bytes", false);
  chart.set("y_title", "ms, log").set("y_log", true);
  Json series = Json::array();
  for (const Serving& serving : model.servings) {
    for (const char* statistic : {"p50", "p90"}) {
      Json points = Json::array(), item;
      for (const SweepPoint& point : serving.sweep) {
        if (point.is_users != is_users) continue;
        Json one = latency_point(point, metric, statistic);
        if (!one.is_null()) points.push(std::move(one));
      }
      if (points.items().empty()) continue;
      series.push(item.set("label", fmt::format("{}, {}", serving.label, statistic))
                      .set("colour", model.colour_of(serving.subject))
                      .set("points", std::move(points)));
    }
  }
  return chart.set("series", std::move(series));
}

// Attainment over the rates that the search tried, a line a class.
Json capacity_chart(const Model& model, const Serving& serving, const CapacityRow& capacity) {
  Json chart;
  chart.set("kind", "lines").set("x_title", "requests per second").set("x_bytes", false);
  chart.set("y_title", "% of requests");
  Json series = Json::array();
  for (const auto& [name, records] : capacity.attained) {
    Json points = Json::array(), item;
    for (const Record* record : records) {
      Json point = value_item(record, 100);
      const std::string text =
          fmt::format("{}; the rate: {}", point["text"].as_string(), condition(*record, "verdict"));
      points.push(point.set("x", rounded(probe_rate(*record))).set("text", text));
    }
    series.push(item.set("label", name)
                    .set("colour", model.colour_of(serving.subject))
                    .set("points", std::move(points)));
  }
  return chart.set("series", std::move(series));
}

}  // namespace

std::string sweep_id(std::string_view metric, bool is_users) {
  return fmt::format("sweep-{}-{}", is_users ? "users" : "rate", metric);
}
std::string capacity_id(size_t serving, size_t tier) {
  return fmt::format("capacity-{}-{}", serving, tier);
}

bool has_sweep(const Model& model, std::string_view metric, bool is_users) {
  return std::ranges::any_of(model.servings, [&](const Serving& serving) {
    return std::ranges::count_if(serving.sweep, [&](const SweepPoint& point) {
             return point.is_users == is_users && !latency_point(point, metric, "p50").is_null();
           }) > 1;
  });
}

std::string waterfall_id(size_t waterfall, size_t lane) {
  return fmt::format("waterfall-{}-{}", waterfall, lane);
}
std::string roofline_id(size_t roofline) {
  return fmt::format("roofline-{}", roofline);
}
std::string bandwidth_id(size_t device) {
  return fmt::format("bandwidth-{}", device);
}
std::string curve_id(size_t traffic_class, std::string_view metric) {
  return fmt::format("curve-{}-{}", traffic_class, metric);
}
std::string timeline_id(size_t serving) {
  return fmt::format("timeline-{}", serving);
}

std::vector<std::string> traffic_classes(const Model& model) {
  std::vector<std::string> names;
  for (const Serving& serving : model.servings) {
    for (const ClassResult& result : serving.classes) {
      if (std::find(names.begin(), names.end(), result.name) == names.end()) names.push_back(result.name);
    }
  }
  return names;
}

const ClassResult* find_class(const Serving& serving, std::string_view name) {
  for (const ClassResult& result : serving.classes) {
    if (result.name == name) return &result;
  }
  return nullptr;
}

std::vector<std::string> matmul_types(const Model& model) {
  std::vector<std::string> types;
  for (const DeviceResult& device : model.devices) {
    for (const Record* record : device.matmul_best) {
      const std::string type = condition(*record, "dtype");
      if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
    }
  }
  return types;
}

std::optional<double> slo_limit(const ClassResult& result, std::string_view metric) {
  const Record* record = result.mix.find("slo_attainment");
  if (record == nullptr) return std::nullopt;
  const Json* limit = record->conditions.find(fmt::format("slo_{}", metric));
  return limit != nullptr && limit->is_number() ? std::optional(limit->as_number()) : std::nullopt;
}

bool has_limits(const ClassResult& result) {
  return slo_limit(result, "ttft_ms") || slo_limit(result, "tpot_ms") || slo_limit(result, "e2e_ms");
}

std::optional<double> required_share(const ClassResult& result) {
  const Record* record = result.mix.find("slo_attainment");
  if (record == nullptr || !has_limits(result)) return std::nullopt;
  const Json* share = record->conditions.find("required_share");
  return share != nullptr && share->is_number() ? std::optional(share->as_number()) : std::nullopt;
}

Json chart_data(const Model& model) {
  Json subjects = Json::array(), charts = Json::object();
  for (const Subject* subject : model.subjects) subjects.push(subject->name);
  for (size_t i = 0; i < model.waterfalls.size(); ++i) {
    const Waterfall& waterfall = model.waterfalls[i];
    if (waterfall.has_only_serving()) continue;
    for (size_t lane = 0; lane < waterfall.lanes.size(); ++lane) {
      charts.set(waterfall_id(i, lane), waterfall_chart(model, waterfall, waterfall.lanes[lane]));
    }
  }
  for (size_t i = 0; i < model.rooflines.size(); ++i)
    charts.set(roofline_id(i), roofline_chart(model, model.rooflines[i]));
  for (size_t i = 0; i < model.devices.size(); ++i) {
    if (!model.devices[i].bandwidth.empty())
      charts.set(bandwidth_id(i), bandwidth_chart(model, model.devices[i]));
  }
  charts.set(kMatmulId, matmul_chart(model));
  charts.set(kBatchingId, batching_chart(model));
  charts.set(kAttainmentId, attainment_chart(model));
  charts.set(kInterferenceId, interference_chart(model));
  const std::vector<std::string> classes = traffic_classes(model);
  for (size_t i = 0; i < classes.size(); ++i) {
    for (const char* metric : {"ttft_ms", "tpot_ms", "e2e_ms"})
      charts.set(curve_id(i, metric), curve_chart(model, classes[i], metric));
  }
  for (size_t i = 0; i < model.servings.size(); ++i) {
    const Serving& serving = model.servings[i];
    if (serving.timeline) charts.set(timeline_id(i), timeline_chart(model, serving));
    for (size_t tier = 0; tier < serving.capacities.size(); ++tier)
      charts.set(capacity_id(i, tier), capacity_chart(model, serving, serving.capacities[tier]));
  }
  for (const bool is_users : {false, true}) {
    for (const char* metric : {"ttft_ms", "tpot_ms"}) {
      if (has_sweep(model, metric, is_users))
        charts.set(sweep_id(metric, is_users), sweep_chart(model, metric, is_users));
    }
  }
  Json data;
  return data.set("subjects", std::move(subjects)).set("charts", std::move(charts));
}

}  // namespace assay
