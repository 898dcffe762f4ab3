// Capacity and sweeps on the page: how much it holds, and what latency costs at which rate.
#include <fmt/format.h>

#include <algorithm>

#include "report/charts.h"
#include "report/html_parts.h"
#include "report/html_sections.h"
#include "report/values.h"

namespace assay {
namespace {

std::string capacity_table(const Model& model) {
  HtmlTable table{
      .caption = "Capacity by target and tier of limits",
      .columns = {{"target"}, {"tier"}, {"capacity", "requests/s", true}, {"basis", "", false, true}}};
  for (const Serving& serving : model.servings) {
    for (const CapacityRow& capacity : serving.capacities) {
      table.rows.push_back({text_cell(serving.label), text_cell(capacity.tier),
                            value_cell(model, capacity.record), text_cell(capacity_basis(capacity))});
    }
  }
  return table.html();
}

std::string sweep_table(const Model& model) {
  HtmlTable table{
      .caption = "The mix at each point of the sweep", .is_dense = true, .columns = {{"target"}, {"point"}}};
  const std::vector<SweepColumn> columns = sweep_columns(model);
  for (const SweepColumn& column : columns) table.columns.push_back({column.title, column.unit, true});
  for (const Serving& serving : model.servings) {
    for (const SweepPoint& point : serving.sweep) {
      std::vector<HtmlCell> row = {text_cell(serving.label), text_cell(point_text(point))};
      for (const SweepColumn& column : columns)
        row.push_back(value_cell(model, point.all.find(column.metric)));
      table.rows.push_back(std::move(row));
    }
  }
  return table.html();
}

// What the last step of the sweep bought, and what it cost.
std::string sweep_sentence(const Model& model, const char* metric, bool is_users) {
  std::vector<std::string> parts;
  for (const Serving& serving : model.servings) {
    const SweepPoint* first = nullptr;
    const SweepPoint* last = nullptr;
    const std::string name = fmt::format("{}_p50", metric);
    for (const SweepPoint& point : serving.sweep) {
      const Record* latency = point.all.find(name);
      const Record* served = point.all.find("request_throughput_per_s");
      const bool is_known = latency != nullptr && latency->value && served != nullptr && served->value;
      if (point.is_users != is_users || !is_known) continue;
      if (first == nullptr) first = &point;
      last = &point;
    }
    if (first == nullptr || first == last) continue;
    const auto value = [&](const SweepPoint* point, std::string_view of) {
      return value_text(*point->all.find(of)).value;
    };
    parts.push_back(fmt::format(
        "{} serves {} requests/s with a median {} of {} ms at {}, and {} with {} ms at {}", serving.label,
        value(first, "request_throughput_per_s"), std::string_view(metric) == "ttft_ms" ? "TTFT" : "TPOT",
        value(first, name), point_text(*first), value(last, "request_throughput_per_s"), value(last, name),
        point_text(*last)));
  }
  return join(parts, "; ");
}

}  // namespace

std::string capacity_charts_html(const Model& model) {
  std::string charts;
  for (size_t i = 0; i < model.servings.size(); ++i) {
    const Serving& serving = model.servings[i];
    for (size_t tier = 0; tier < serving.capacities.size(); ++tier) {
      const CapacityRow& capacity = serving.capacities[tier];
      if (capacity.attained.empty()) continue;
      charts += chart_html(
          capacity_id(i, tier), "lines", fmt::format("{} holds {}", serving.label, capacity_phrase(capacity)),
          "Share of requests that kept every limit at the rates that the search tried, with 95 % "
          "intervals: of several trials at one rate, the longest; " +
              capacity_basis(capacity) + ".");
    }
  }
  return charts;
}

std::string rates_html(const Model& model) {
  std::string charts;
  for (const bool is_users : {false, true}) {
    for (const char* metric : {"ttft_ms", "tpot_ms"}) {
      if (has_sweep(model, metric, is_users))
        charts +=
            chart_html(sweep_id(metric, is_users), "lines", sweep_sentence(model, metric, is_users),
                       "All classes together; each point is a trial, with the interval of its percentile.");
    }
  }
  if (!charts.empty()) charts = "<div class=\"charts two\">" + charts + "</div>\n";
  return capacity_table(model) + charts + sweep_table(model);
}

}  // namespace assay
