// Table, conditions and reach of a calibration; see instrument.h.
#include "report/instrument.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/model.h"
#include "report/report.h"

namespace assay {
namespace {

// A shape that does not count is marked in its name; its numbers stay.
std::string marked_name(const CalibrationShape& shape) {
  if (!shape.skipped.empty()) return shape.name + " (skipped)";
  return shape.void_because.empty() ? shape.name : shape.name + " (void)";
}

// The output tokens per second of the fastest trial: a chunk holds at least one, so that there were at most
// as many events.
const Record* fastest_record(const DossierContent& content) {
  const Record* found = nullptr;
  for (const Record& record : content.records) {
    if (record.metric != "output_throughput_tokens_per_s" || !record.value) continue;
    const bool is_of_load = std::ranges::any_of(content.trials, [&](const Trial& trial) {
      return trial.id == record.trial_id && trial.exam == "load";
    });
    if (is_of_load && (found == nullptr || *record.value > *found->value)) found = &record;
  }
  return found;
}

std::optional<double> larger(const std::optional<double>& a, const std::optional<double>& b) {
  return a && b ? std::max(*a, *b) : a ? a : b;
}

std::string calibration_number(const std::optional<double>& value) {
  return value ? format_number(*value) : "—";
}

CalibrationValue or_largest(const std::optional<double>& percentile, const std::optional<double>& largest) {
  return percentile ? CalibrationValue{percentile} : CalibrationValue{largest, true};
}

// The worst of the valid shapes of single events: which of them a trial was most like, nobody knows.
std::string phrase_of(const InstrumentCalibration& calibration) {
  const std::string day = calibration.measured_at.substr(0, 10);
  const std::optional<double> reach = calibration.reach_events_per_s();
  if (!reach) return fmt::format("calibrated {}, but no shape of single events is valid", day);
  std::optional<double> p99_us, max_us, ttft_percent;
  bool has_p99 = true;
  for (const CalibrationShape& shape : calibration.shapes) {
    if (!shape.is_valid() || shape.is_coalesced) continue;
    has_p99 &= shape.arrival_error_us_p99.has_value();
    p99_us = larger(p99_us, shape.arrival_error_us_p99);
    max_us = larger(max_us, shape.arrival_error_us_max);
    if (shape.ttft_error_percent) ttft_percent = larger(ttft_percent, std::fabs(*shape.ttft_error_percent));
  }
  return fmt::format("calibrated {}: up to {} events/s arrivals {} µs late, mean TTFT off by {} % at most",
                     day, calibration_number(reach),
                     has_p99 ? fmt::format("p99 {}", calibration_number(p99_us))
                             : fmt::format("at most {}", calibration_number(max_us)),
                     calibration_number(ttft_percent));
}

}  // namespace

std::string calibration_text(const CalibrationValue& value) {
  return calibration_number(value.value) + (value.value && value.is_largest ? " max" : "");
}

CalibrationTable calibration_table(const InstrumentCalibration& calibration) {
  CalibrationTable table;
  table.heads = {{"events/s", ""}, {"arrival p50", "µs"}, {"p99", "µs"},      {"p99.9", "µs"}, {"max", "µs"},
                 {"TTFT", "%"},    {"lag", "µs"},         {"emulator", "µs"}, {"client", "%"}};
  for (const CalibrationShape& shape : calibration.shapes) {
    table.rows.push_back({.name = marked_name(shape),
                          .is_void = !shape.void_because.empty(),
                          .values = {{shape.events_per_s},
                                     {shape.arrival_error_us_p50},
                                     {shape.arrival_error_us_p99},
                                     {shape.arrival_error_us_p99_9},
                                     {shape.arrival_error_us_max},
                                     {shape.ttft_error_percent},
                                     or_largest(shape.dispatch_lag_us_p99_9, shape.dispatch_lag_us_max),
                                     or_largest(shape.emulator_late_us_p99_9, shape.emulator_late_us_max),
                                     {shape.client_cpu_percent}}});
    if (!shape.skipped.empty())
      table.notes.push_back(fmt::format("{}: skipped, {}", shape.name, shape.skipped));
    if (!shape.void_because.empty())
      table.notes.push_back(
          fmt::format("{}: void and no error of the instrument, {}", shape.name, shape.void_because));
  }
  return table;
}

std::string calibration_conditions(const InstrumentCalibration& calibration) {
  const InstrumentConditions& conditions = calibration.conditions;
  return fmt::format("Calibrated {} with assay {} on {}, {}, kernel {}; {} s a shape.",
                     calibration.measured_at, conditions.assay_version, conditions.cpu,
                     counted(conditions.processors, "processor"), conditions.kernel,
                     format_number(calibration.shape_s));
}

namespace {

// Of what the dossier's records are of: one rank's own has its part only, and a merged one the parts that
// were there.
double load_generators(const DossierContent& content) {
  if (content.run.plan.find("rank") != nullptr) return 1;
  int64_t ranks = std::max<int64_t>(1, content.run.plan["ranks"].as_integer(1));
  for (const Record& record : content.records) {
    if (const Json* merged = record.conditions.find("ranks_merged"))
      ranks = std::clamp<int64_t>(merged->as_integer(ranks), 1, ranks);
  }
  return static_cast<double>(ranks);
}

}  // namespace

InstrumentCheck instrument_check(const DossierContent& content) {
  InstrumentCheck check;
  check.applies =
      std::ranges::any_of(content.trials, [](const Trial& trial) { return trial.exam == "load"; });
  if (!check.applies) return check;
  if (const Json* json = content.run.host.find("calibration")) {
    if (auto calibration = InstrumentCalibration::from_json(*json, "host.calibration"))
      check.calibration = std::move(*calibration);
  }
  const double ranks = load_generators(content);
  if (!check.calibration) {
    check.phrase = ranks > 1 ? "not every load generator's machine is calibrated: `assay load --calibrate`"
                             : "not calibrated on this machine: `assay load --calibrate`";
    return check;
  }
  check.phrase = phrase_of(*check.calibration);
  const double reach = check.calibration->reach_events_per_s().value_or(0);
  const Record* fast = fastest_record(content);
  // Of several load generators each has its share.
  if (fast != nullptr && *fast->value / ranks > reach)
    check.beyond = fmt::format(
        "The calibration does not reach so far: a trial had {} tokens/s{}, and with a token an event as many events/s; "
        "the largest valid shape has {}.",
        format_number(*fast->value / ranks), ranks > 1 ? " for each load generator" : "",
        format_number(reach));
  return check;
}

std::string render_calibration(const InstrumentCalibration& calibration) {
  const CalibrationTable table = calibration_table(calibration);
  std::string out = calibration_conditions(calibration) + "\n";
  out +=
      "Arrival error: the stamp of a chunk less the server's own send stamp. TTFT error: of the mean, against the "
      "server's first send. Lag and lateness: p99.9, or the largest (max) of too few for one.\n\n";
  // The heads' units would make ten wide columns: on a terminal they stand above each other.
  std::vector<std::vector<std::string>> lines = {
      {"", "", "arrival error, µs", "", "", "", "TTFT", "dispatch lag", "emulator late", "client"},
      {"traffic", "events/s", "p50", "p99", "p99.9", "max", "error, %", "p99.9, µs", "p99.9, µs", "CPU, %"}};
  for (const CalibrationRow& row : table.rows) {
    std::vector<std::string>& line = lines.emplace_back();
    line.push_back(printable(row.name, 200));
    for (const CalibrationValue& value : row.values) line.push_back(calibration_text(value));
  }
  std::vector<size_t> widths(table.heads.size() + 1);
  for (size_t l = 1; l < lines.size(); ++l) {
    for (size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max({widths[i], display_width(lines[l][i]), i < 6 ? 0 : display_width(lines[0][i])});
  }
  for (const std::vector<std::string>& cells : lines) {
    std::string line;
    size_t at = 0;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (!cells[i].empty()) {
        line.append(at - std::min(at, display_width(line)), ' ');
        line += cells[i];
      }
      at += widths[i] + 2;
    }
    out += line + "\n";
  }
  for (const std::string& note : table.notes) out += "⚠ " + printable(note, 400) + "\n";
  return out;
}

}  // namespace assay
