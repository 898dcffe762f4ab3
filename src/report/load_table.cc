// The table that ends `assay load`: latencies by percentile, rates, failures, class by class.
#include <fmt/format.h>

#include <algorithm>

#include "report/charts.h"
#include "report/model.h"
#include "report/report.h"
#include "report/stack.h"
#include "report/values.h"

namespace assay {
namespace {

constexpr size_t kLabelWidth = 19;
constexpr size_t kCellWidth = 20;
constexpr const char* kStatistics[] = {"mean", "p50", "p90", "p99"};

// Two blanks at least stand between cells.
std::string cell(std::string_view text, size_t width) {
  std::string out(text);
  out.append(std::max<size_t>(2, width - std::min(width, display_width(text))), ' ');
  return out;
}

// "25.1 (24.8–25.6)"; what is not a plain number is said in words.
std::string value_cell(const Record* record) {
  if (record == nullptr) return "—";
  const ValueText text = value_text(*record);
  std::string out = text.value;
  if (!text.interval.empty()) out += fmt::format(" ({})", text.interval);
  if (record->validity == Validity::kVoid) out += " void";
  if (record->validity == Validity::kDoubtful) out += " !";
  return out;
}

std::string trimmed_line(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string latency_lines(const MetricMap& metrics) {
  std::string out = trimmed_line(cell("", kLabelWidth) + cell("mean", kCellWidth) + cell("p50", kCellWidth) +
                                 cell("p90", kCellWidth) + "p99");
  for (const LatencyRow& row : latency_rows()) {
    std::string line = cell(row.brief, kLabelWidth);
    bool is_known = false;
    for (const char* statistic : kStatistics) {
      const Record* record = metrics.find(fmt::format("{}_{}", row.metric, statistic));
      is_known = is_known || record != nullptr;
      line += cell(value_cell(record), kCellWidth);
    }
    if (is_known) out += trimmed_line(line);
  }
  return out;
}

// Where a burst chose the rate: what it showed, and what part of it was offered.
std::string burst_line(const MetricMap& metrics) {
  const Record* offered = metrics.find("offered_rate_per_s");
  if (offered == nullptr || condition(*offered, "rate_chosen_by") != "burst") return "";
  const Json& conditions = offered->conditions;
  const Json &chosen = conditions["arrival_rate_per_s"], &shown = conditions["burst_rate_per_s"];
  if (!chosen.is_number() || !shown.is_number()) return "";
  return fmt::format("{}{} arrivals/s, {:g} % of the {} requests/s that a burst of {} showed\n",
                     cell("rate chosen", kLabelWidth), format_number(chosen.as_number()),
                     conditions["utilisation"].as_number() * 100, format_number(shown.as_number()),
                     scalar_text(conditions["burst_requests"]));
}

std::string rate_lines(const MetricMap& metrics, bool has_limits) {
  const auto value = [&](const char* metric) { return value_cell(metrics.find(metric)); };
  std::string out = fmt::format("{}offered {}, served {}", cell("requests/s", kLabelWidth),
                                value("offered_rate_per_s"), value("request_throughput_per_s"));
  // Without limits there is nothing that a request could have kept.
  out += has_limits ? fmt::format(", within every limit {}\n", value("goodput_per_s")) : std::string("\n");
  // Classes whose answers are no text have none of these.
  std::string tokens;
  for (const auto& [metric, word] :
       {std::pair{"input_throughput_tokens_per_s", "in"}, {"output_throughput_tokens_per_s", "out"}}) {
    if (metrics.find(metric) != nullptr)
      tokens += fmt::format("{}{} {}", tokens.empty() ? "" : ", ", word, value(metric));
  }
  if (!tokens.empty()) out += fmt::format("{}{}\n", cell("tokens/s", kLabelWidth), tokens);
  if (const Record* cold = metrics.find("cold_start_s"); cold != nullptr) {
    const Record* token = metrics.find("cold_start_first_token_s");
    out += fmt::format("{}{} s{}\n", cell("cold start", kLabelWidth), value_cell(cold),
                       token == nullptr ? "" : fmt::format(", to the first token {} s", value_cell(token)));
  }
  if (const Record* way = metrics.find("round_trip_ms_p50"); way != nullptr) {
    out += fmt::format("{}p50 {} ms, largest {} ms, within the latencies\n",
                       cell("network round trip", kLabelWidth), value_cell(way), value("round_trip_ms_max"));
  }
  const Record* errors = metrics.find("error_rate");
  if (errors == nullptr) return out;
  out += fmt::format("{}{} % of {}", cell("failed", kLabelWidth), value_cell(errors), errors->n);
  std::string causes;
  for (const auto& [name, count] : errors->conditions.members()) {
    constexpr std::string_view kPrefix = "failed_";
    if (!std::string_view(name).starts_with(kPrefix)) continue;
    causes +=
        fmt::format("{}{} {}", causes.empty() ? ": " : ", ", scalar_text(count), name.substr(kPrefix.size()));
  }
  const Json& broken_off = errors->conditions["cancelled_by_plan"];
  if (!broken_off.is_null()) causes += fmt::format("; {} more broken off by plan", scalar_text(broken_off));
  return out + causes + "\n";
}

constexpr size_t kPointWidth = 17;  // "1000 arrivals/s  "
constexpr size_t kPointCellWidth = 13;

bool is_sweep_under_limits(const Serving& serving) {
  return std::ranges::any_of(serving.sweep, [](const SweepPoint& point) {
    return std::ranges::any_of(point.classes, [](const auto& named) {
      const Record* attained = named.second.find("slo_attainment");
      if (attained == nullptr) return false;
      return std::ranges::any_of(
          std::initializer_list<const char*>{"slo_ttft_ms", "slo_tpot_ms", "slo_e2e_ms"},
          [&](const char* key) { return attained->conditions.find(key) != nullptr; });
    });
  });
}

// The columns that have room here; goodput only where there are limits.
std::vector<SweepColumn> brief_columns(const Serving& serving) {
  const bool has_limits = is_sweep_under_limits(serving);
  std::vector<SweepColumn> columns;
  for (const SweepColumn& column : sweep_columns()) {
    const bool is_goodput = std::string_view(column.metric) == "goodput_per_s";
    if (column.brief != nullptr && (has_limits || !is_goodput)) columns.push_back(column);
  }
  return columns;
}

// A line a point; intervals are in the report.
std::string sweep_lines(const Serving& serving) {
  const std::vector<SweepColumn> columns = brief_columns(serving);
  std::string out = cell("", kPointWidth);
  for (const SweepColumn& column : columns) out += cell(column.brief, kPointCellWidth);
  out = trimmed_line(out);
  for (const SweepPoint& point : serving.sweep) {
    std::string line = cell(point_text(point), kPointWidth);
    for (const SweepColumn& column : columns) {
      const Record* record = point.all.find(column.metric);
      std::string text = record == nullptr ? "—" : value_text(*record).value;
      if (record != nullptr && record->validity == Validity::kVoid) text += " void";
      if (record != nullptr && record->validity == Validity::kDoubtful) text += " !";
      line += cell(text, kPointCellWidth);
    }
    out += trimmed_line(line);
  }
  return out;
}

std::string capacity_lines(const Serving& serving) {
  std::string out;
  for (const CapacityRow& capacity : serving.capacities) {
    out += fmt::format("{}{}\n", cell("capacity", kLabelWidth), printable(capacity_phrase(capacity), 200));
    out += fmt::format("{}{}\n", cell("", kLabelWidth), printable(capacity_basis(capacity), 200));
  }
  return out;
}

}  // namespace

std::string render_load_table(const DossierContent& content) {
  const Result<Model> model = make_model(content, nullptr);
  CHECK(model.has_value());  // only reading samples can fail
  std::string out;
  for (const Serving& serving : model->servings) {
    out += fmt::format("{}{}\n", printable(serving.label, 200),
                       serving.model.empty() ? "" : fmt::format("  ·  {}", printable(serving.model, 200)));
    if (serving.subject != nullptr) {
      const std::string stack = stack_sentence(*serving.subject);
      if (!stack.empty()) out += printable(stack, 300) + "\n";
    }
    if (!serving.capacities.empty()) out += "\n" + capacity_lines(serving);
    if (!serving.sweep.empty()) out += "\n" + sweep_lines(serving);
    if (!serving.has_mix_or_alone()) continue;
    const bool has_one_class = serving.classes.size() == 1;
    for (const ClassResult& result : serving.classes) {
      if (has_one_class) continue;
      out += fmt::format("\n{}\n", printable(result.name, 100)) + latency_lines(result.mix) +
             rate_lines(result.mix, has_limits(result));
    }
    const bool has_any =
        std::ranges::any_of(serving.classes, [](const ClassResult& c) { return has_limits(c); });
    out += (has_one_class ? "\n" : "\nall classes\n") + latency_lines(serving.mix) + burst_line(serving.mix) +
           rate_lines(serving.mix, has_any);
  }
  if (out.find(" !") != std::string::npos) out += "\n! a finding doubts this number\n";
  out += "\n" + printable(model->instrument.sentence, 700) + "\n";
  const std::string& beyond = model->instrument.check.beyond;
  return beyond.empty() ? out : out + "⚠ " + printable(beyond, 400) + "\n";
}

}  // namespace assay
