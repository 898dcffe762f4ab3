// The table that ends `assay load`: latencies by percentile, rates, failures, class by class.
#include "report/load_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "measure/measure.h"
#include "report/charts.h"
#include "report/report.h"
#include "report/stack.h"
#include "report/values.h"
#include "report/wrap.h"

namespace assay {
namespace {

constexpr size_t kLabelWidth = 20;
constexpr const char* kStatistics[] = {"mean", "p50", "p90", "p99"};

// Two blanks at least stand between cells.
std::string cell(std::string_view text, size_t width) {
  std::string out(text);
  out.append(std::max<size_t>(2, width - std::min(width, display_width(text))), ' ');
  return out;
}

std::string marks(const Record& record) {
  return record.validity == Validity::kVoid ? " void" : record.validity == Validity::kDoubtful ? " !" : "";
}

// "25.1 (24.8–25.6)"; what is not a plain number is said in words. `unit` stands behind the number.
std::string value_cell(const Record* record, std::string_view unit = "") {
  if (record == nullptr) return "—";
  const ValueText text = value_text(*record);
  std::string out = text.value;
  if (!unit.empty() && record->value) out += fmt::format(" {}", unit);
  if (!text.interval.empty()) out += fmt::format(" ({})", text.interval);
  return out + marks(*record);
}

std::string trimmed_line(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

using Row = std::vector<std::string>;

// Each column as wide as its widest cell in all of `rows`.
std::vector<size_t> column_widths(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]) + 2);
  }
  return widths;
}

size_t total(const std::vector<size_t>& widths) {
  size_t sum = 0;
  for (const size_t width : widths) sum += width;
  return sum - std::min<size_t>(sum, 2);
}

std::string lines_of(const std::vector<Row>& rows, const std::vector<size_t>& widths) {
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += cell(row[i], widths[i]);
    out += trimmed_line(line);
  }
  return out;
}

// How the latencies of a run are laid out: whatever its widest table has room for.
enum class Layout {
  kBeside,       // 25.1 (24.8–25.6)
  kBelow,        // the interval on a line of its own
  kNoIntervals,  // in the report alone
};

std::vector<Row> latency_rows_of(const MetricMap& metrics, Layout layout) {
  std::vector<Row> rows = {{"", "mean", "p50", "p90", "p99"}};
  for (const LatencyRow& row : latency_rows()) {
    Row values = {row.brief}, intervals = {""};
    bool is_known = false, has_interval = false;
    for (const char* statistic : kStatistics) {
      const Record* record = metrics.find(fmt::format("{}_{}", row.metric, statistic));
      is_known |= record != nullptr;
      const std::string interval = record == nullptr ? "" : value_text(*record).interval;
      has_interval |= !interval.empty();
      const bool is_split = record != nullptr && layout != Layout::kBeside;
      values.push_back(is_split ? value_text(*record).value + marks(*record) : value_cell(record));
      intervals.push_back(interval.empty() ? "" : fmt::format("({})", interval));
    }
    if (is_known) rows.push_back(std::move(values));
    if (is_known && has_interval && layout == Layout::kBelow) rows.push_back(std::move(intervals));
  }
  return rows;
}

// Of all tables of a run, one layout and one width for each column.
class LatencyLines {
 public:
  LatencyLines(const Model& model, size_t width) {
    // Labels as wide as those of the rates below, but rather narrow ones than no intervals.
    constexpr std::pair<Layout, size_t> kChoices[] = {{Layout::kBeside, kLabelWidth - 2},
                                                      {Layout::kBelow, kLabelWidth - 2},
                                                      {Layout::kBelow, 0},
                                                      {Layout::kNoIntervals, kLabelWidth - 2}};
    for (const auto& [layout, label_width] : kChoices) {
      layout_ = layout;
      std::vector<Row> all = {{std::string(label_width, ' ')}};
      const auto add = [&](const MetricMap& metrics) {
        if (!metrics.empty()) std::ranges::move(latency_rows_of(metrics, layout), std::back_inserter(all));
      };
      for (const Serving& serving : model.servings) {
        for (const ClassResult& result : serving.classes) add(result.mix);
        add(serving.mix);
      }
      widths_ = column_widths(all);
      if (total(widths_) < width) return;
    }
  }

  std::string of(const MetricMap& metrics) const {
    return lines_of(latency_rows_of(metrics, layout_), widths_);
  }
  bool leaves_intervals_out() const { return layout_ == Layout::kNoIntervals; }

 private:
  Layout layout_ = Layout::kBeside;
  std::vector<size_t> widths_;
};

std::string failure_words(const Record& errors) {
  std::string out = fmt::format("{} of {}", value_cell(&errors, "%"), counted(errors.n, "request"));
  std::string causes;
  for (const auto& [name, count] : errors.conditions.members()) {
    constexpr std::string_view kPrefix = "failed_";
    if (!std::string_view(name).starts_with(kPrefix)) continue;
    causes +=
        fmt::format("{}{} {}", causes.empty() ? ": " : ", ", scalar_text(count), name.substr(kPrefix.size()));
  }
  const Json& broken_off = errors.conditions["cancelled_by_plan"];
  if (!broken_off.is_null()) causes += fmt::format("; {} more broken off by plan", scalar_text(broken_off));
  return out + causes;
}

// Where a burst chose the rate: what it showed, and what part of it was offered.
std::string burst_line(const MetricMap& metrics, size_t width) {
  const Record* offered = metrics.find("offered_rate_per_s");
  if (offered == nullptr || condition(*offered, "rate_chosen_by") != "burst") return "";
  const Json& conditions = offered->conditions;
  const Json &chosen = conditions["arrival_rate_per_s"], &shown = conditions["burst_rate_per_s"];
  if (!chosen.is_number() || !shown.is_number()) return "";
  return labelled(cell("rate chosen", kLabelWidth),
                  fmt::format("{} arrivals/s, {:g} % of the {} requests/s that a burst of {} showed",
                              format_number(chosen.as_number()), conditions["utilisation"].as_number() * 100,
                              format_number(shown.as_number()), scalar_text(conditions["burst_requests"])),
                  width - 1);
}

// Of few connections, which have no median, the largest alone.
std::string round_trip_text(const Record* median, const Record& largest) {
  const std::string most = fmt::format("largest {}", value_cell(&largest, "ms"));
  const std::string shown = median == nullptr
                                ? fmt::format("{} of {}", most, counted(largest.n, "connection"))
                                : fmt::format("p50 {}, {}", value_cell(median, "ms"), most);
  return shown + ", within the latencies";
}

std::string rate_lines(const MetricMap& metrics, bool has_limits, size_t width) {
  const auto value = [&](const char* metric) { return value_cell(metrics.find(metric)); };
  const auto line = [&](const char* label, const std::string& text) {
    return labelled(cell(label, kLabelWidth), text, width - 1);
  };
  // Of users who wait for their answers nothing is offered beyond what is served.
  const Record* offer = metrics.find("offered_rate_per_s");
  const bool waits = offer != nullptr && condition(*offer, "rate_chosen_by") == "answers";
  std::string rates = waits ? "" : fmt::format("offered {}, ", value("offered_rate_per_s"));
  rates += fmt::format("served {}", value("request_throughput_per_s"));
  // Without limits there is nothing that a request could have kept.
  if (has_limits) rates += fmt::format(", within every limit {}", value("goodput_per_s"));
  std::string out = line("requests/s", rates);
  // Classes whose answers are no text have none of these.
  std::string tokens;
  for (const auto& [metric, word] :
       {std::pair{"input_throughput_tokens_per_s", "in"}, {"output_throughput_tokens_per_s", "out"}}) {
    if (metrics.find(metric) != nullptr)
      tokens += fmt::format("{}{} {}", tokens.empty() ? "" : ", ", word, value(metric));
  }
  if (!tokens.empty()) out += line("tokens/s", tokens);
  if (const Record* cold = metrics.find("cold_start_s"); cold != nullptr) {
    const Record* token = metrics.find("cold_start_first_token_s");
    out += line("cold start",
                value_cell(cold, "s") +
                    (token == nullptr ? "" : fmt::format(", to the first token {}", value_cell(token, "s"))));
  }
  if (const Record* largest = metrics.find("round_trip_ms_max"); largest != nullptr)
    out += line("network round trip", round_trip_text(metrics.find("round_trip_ms_p50"), *largest));
  const Record* errors = metrics.find("error_rate");
  if (errors == nullptr || errors->n == 0) return out;
  std::string failed = failure_words(*errors);
  // Of all classes together, the one that knows the plan.
  const Record* unsent = metrics.find("unsent_requests");
  if (unsent != nullptr && unsent->value) {
    const int64_t whole = unsent->n - std::llround(*unsent->value);
    if (errors->n + errors->conditions["cancelled_by_plan"].as_integer() < whole)
      failed += fmt::format("; of {} in the whole trial, warm-up and drain left out", whole);
  }
  return out + line("failed", failed);
}

// Heads that are too wide for the terminal in two lines, broken at their first blank.
std::vector<Row> with_narrow_head(std::vector<Row> rows) {
  Row above, below;
  for (const std::string& head : rows[0]) {
    const size_t blank = std::min(head.find(' '), head.size());
    above.push_back(head.substr(0, blank));
    below.emplace_back(trim(std::string_view(head).substr(blank)));
  }
  rows[0] = std::move(below);
  rows.insert(rows.begin(), std::move(above));
  return rows;
}

// Those that have room here.
std::vector<SweepColumn> brief_columns(const Model& model) {
  std::vector<SweepColumn> columns = sweep_columns(model);
  std::erase_if(columns, [](const SweepColumn& column) { return column.brief == nullptr; });
  return columns;
}

bool has_interval(const MetricMap& metrics, const std::vector<SweepColumn>& columns) {
  return std::ranges::any_of(columns, [&](const SweepColumn& column) {
    const Record* record = metrics.find(column.metric);
    return record != nullptr && !value_text(*record).interval.empty();
  });
}

// A line a point leaves intervals out.
bool sweep_leaves_intervals_out(const Model& model) {
  const std::vector<SweepColumn> columns = brief_columns(model);
  return std::ranges::any_of(model.servings, [&](const Serving& serving) {
    return std::ranges::any_of(serving.sweep,
                               [&](const SweepPoint& point) { return has_interval(point.all, columns); });
  });
}

// A line a point.
std::string sweep_lines(const Model& model, const Serving& serving, size_t width) {
  const std::vector<SweepColumn> columns = brief_columns(model);
  std::vector<Row> rows = {{""}};
  for (const SweepColumn& column : columns) rows[0].push_back(column.brief);
  for (const SweepPoint& point : serving.sweep) {
    Row row = {point_text(point)};
    for (const SweepColumn& column : columns) {
      const Record* record = point.all.find(column.metric);
      row.push_back(record == nullptr ? "—" : value_text(*record).value + marks(*record));
    }
    rows.push_back(std::move(row));
  }
  if (total(column_widths(rows)) >= width) rows = with_narrow_head(std::move(rows));
  return lines_of(rows, column_widths(rows));
}

std::string capacity_lines(const Serving& serving, size_t width) {
  std::string out;
  for (const CapacityRow& capacity : serving.capacities) {
    out += labelled(cell("capacity", kLabelWidth), printable(capacity_phrase(capacity), 200), width - 1);
    out += labelled(cell("", kLabelWidth), printable(capacity_basis(capacity), 200), width - 1);
  }
  return out;
}

}  // namespace

std::string load_tables(const Model& model, size_t width) {
  const LatencyLines latencies(model, width);
  std::string out;
  bool has_latencies = false;
  for (const Serving& serving : model.servings) {
    out += labelled("",
                    printable(serving.label, 200) +
                        (serving.model.empty() ? "" : "  ·  " + printable(serving.model, 200)),
                    width - 1);
    if (serving.subject != nullptr) {
      const std::string stack = stack_sentence(*serving.subject);
      if (!stack.empty()) out += labelled("", printable(stack, 300), width - 1);
    }
    if (!serving.capacities.empty()) out += "\n" + capacity_lines(serving, width);
    if (!serving.sweep.empty()) out += "\n" + sweep_lines(model, serving, width);
    if (!serving.has_mix_or_alone()) continue;
    has_latencies = true;
    const bool has_one_class = serving.classes.size() == 1;
    for (const ClassResult& result : serving.classes) {
      if (has_one_class) continue;
      out += fmt::format("\n{}\n", printable(result.name, 100)) + latencies.of(result.mix) +
             rate_lines(result.mix, has_limits(result), width);
    }
    const bool has_any =
        std::ranges::any_of(serving.classes, [](const ClassResult& c) { return has_limits(c); });
    out += (has_one_class ? "\n" : "\nall classes\n") + latencies.of(serving.mix) +
           burst_line(serving.mix, width) + rate_lines(serving.mix, has_any, width);
  }
  if (out.find(" !") != std::string::npos) out += "\n! a finding doubts this number\n";
  if (has_latencies && out.find("insufficient") != std::string::npos)
    out +=
        "\n" +
        labelled(
            "",
            fmt::format(
                "insufficient: too few samples; p90 takes {}, p99 {} (of TTFT, TPOT and E2E one a request that "
                "ended well).",
                samples_needed(0.9), samples_needed(0.99)),
            width - 1);
  if ((has_latencies && latencies.leaves_intervals_out()) || sweep_leaves_intervals_out(model))
    out += "\nIntervals have no room here: they are in the report.\n";
  return out;
}

std::string render_load_table(const DossierContent& content, size_t columns) {
  const Result<Model> model = make_model(content, nullptr);
  CHECK(model.has_value());  // only reading samples can fail
  const size_t width = std::max(columns, kLeastTableWidth);
  std::string out = load_tables(*model, width);
  out += "\n" + labelled("", printable(model->instrument.sentence, 700), width - 1);
  const std::string& beyond = model->instrument.check.beyond;
  return beyond.empty() ? out : out + labelled("⚠ ", printable(beyond, 400), width - 1);
}

}  // namespace assay
