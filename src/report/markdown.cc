// Markdown: the page's words and tables without its charts, for tickets and pull requests. See report.h.
#include <fmt/format.h>

#include <algorithm>

#include "os/os.h"
#include "report/charts.h"
#include "report/claims.h"
#include "report/hardware.h"
#include "report/html_sections.h"
#include "report/report.h"
#include "report/stack.h"
#include "report/values.h"

namespace assay {
namespace {

// Text in which nothing is markup, on one line: every ASCII mark that Markdown or HTML could read is escaped.
std::string md(std::string_view text) {
  std::string out;
  for (const char c : clean_utf8(text)) {
    constexpr std::string_view kMarks = "\\`*_[]<>|#~!$&";
    if (c == '\n' || c == '\t')
      out += ' ';
    else if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else if (kMarks.find(c) != std::string_view::npos)
      out += fmt::format("\\{}", c);
    else
      out += c;
  }
  return out;
}

// Text as code. Longer fences than any inside keep it whole.
std::string code(std::string_view text) {
  std::string clean = clean_utf8(text);
  std::replace(clean.begin(), clean.end(), '\n', ' ');
  std::string fence = "`";
  while (clean.find(fence) != std::string::npos) fence += '`';
  const bool is_edged = clean.starts_with('`') || clean.ends_with('`');
  std::string out = fmt::format("{0}{1}{2}{1}{0}", fence, is_edged ? " " : "", clean);
  for (size_t at = 0; (at = out.find('|', at)) != std::string::npos; at += 2) out.insert(at, "\\");
  return out;
}

const char* shape_of(Answer answer) {
  return answer == Answer::kYes ? "✓" : answer == Answer::kNo ? "✗" : "○";
}

// A value in a cell: class and validity in words, void struck through.
std::string value(const Record* record) {
  if (record == nullptr) return "— unknown";
  const ValueText text = value_text(*record);
  std::string out =
      record->validity == Validity::kVoid ? fmt::format("~~{}~~ void ⚠", md(text.value)) : md(text.value);
  if (!text.interval.empty()) out += fmt::format(" ({})", md(text.interval));
  if (!value_of(*record) && record->n > 0) out += fmt::format(" (n = {})", record->n);
  if (record->validity == Validity::kDoubtful) out += " ⚠";
  if (record->evidence_class != EvidenceClass::kMeasured)
    out += fmt::format(" *{}*", name_of(record->evidence_class));
  return out;
}

std::string row(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", join(cells, " | "));
}

std::string table_head(const std::vector<std::string>& titles, size_t first_number) {
  std::string out = row(titles) + "|";
  for (size_t i = 0; i < titles.size(); ++i) out += i < first_number ? " --- |" : " ---: |";
  return out + "\n";
}

// Why, and what would examine it.
std::string reason(const AnswerRow& answer) {
  if (answer.answer != Answer::kNotExamined || answer.command.empty()) return md(answer.reason);
  return answer.reason.empty() ? code(answer.command)
                               : fmt::format("{}: {}", md(answer.reason), code(answer.command));
}

std::string answers(const Model& model) {
  std::string out = table_head({"", "question", "answer", "reason", "exam"}, 5);
  for (const AnswerRow& one : model.answers) {
    out += row({std::to_string(one.question), md(one.text),
                fmt::format("{} {}", shape_of(one.answer), name_of(one.answer)), reason(one), md(one.exam)});
  }
  return out + fmt::format("\n{}\n\n", md(model.instrument.sentence));
}

std::string waterfalls(const Model& model) {
  std::string out;
  for (const Waterfall& waterfall : model.waterfalls) {
    out += fmt::format("### {}{}\n\n", md(waterfall.label),
                       waterfall.caption().empty() ? "" : fmt::format(" ({})", md(waterfall.caption())));
    if (waterfall.has_only_serving()) out += std::string(waterfall.why_not_drawn()) + "\n\n";
    for (const WaterfallLane& lane : waterfall.lanes) {
      if (waterfall.has_only_serving()) break;
      out += fmt::format("{}: {}\n\n", lane.title, md(lane.sentence)) +
             table_head({"level", lane.unit, "class", "change", "basis"}, 5);
      for (const WaterfallStep& step : lane.steps) {
        const std::string text =
            step.value ? value_text(*step.value, step.low, step.high).value : "— unknown";
        const bool is_void = step.validity == Validity::kVoid;
        out +=
            row({md(step.level),
                 is_void ? fmt::format("~~{}~~ void ⚠", text)
                         : text + (step.validity == Validity::kDoubtful ? " ⚠" : ""),
                 step.value ? std::string(name_of(step.evidence_class)) : "", md(step.loss), md(step.basis)});
      }
      out += "\n";
    }
    if (!waterfall.serving.empty()) out += md(waterfall.serving) + "\n\n";
  }
  return out;
}

std::string rates(const Model& model) {
  std::string capacities, points;
  const std::vector<SweepColumn> columns = sweep_columns(model);
  for (const Serving& serving : model.servings) {
    for (const CapacityRow& capacity : serving.capacities)
      capacities +=
          row({md(serving.label), md(capacity.tier), value(capacity.record), md(capacity_basis(capacity))});
    for (const SweepPoint& point : serving.sweep) {
      std::vector<std::string> cells = {md(serving.label), md(point_text(point))};
      for (const SweepColumn& column : columns) cells.push_back(value(point.all.find(column.metric)));
      points += row(cells);
    }
  }
  std::string out;
  if (!capacities.empty())
    out += table_head({"target", "tier", "capacity, requests/s", "basis"}, 2) + capacities + "\n";
  if (points.empty()) return out;
  std::vector<std::string> heads = {"target", "point"};
  for (const SweepColumn& column : columns) heads.push_back(fmt::format("{}, {}", column.title, column.unit));
  return out + table_head(heads, 2) + points + "\n";
}

std::string interference(const Model& model) {
  std::string rows;
  for (const InterferenceRow& each : interference_rows(model))
    rows += row({md(each.serving->label), md(each.result->name), each.latency, value(each.record)});
  return rows.empty() ? ""
                      : table_head({"target", "class", "latency", "interference, ×"}, 3) + rows +
                            fmt::format("\nInterference: {}\n\n", md(interference_basis(model)));
}

std::string service(const Model& model) {
  if (!std::ranges::any_of(model.servings, &Serving::has_mix_or_alone)) return rates(model);
  std::string out = rates(model) + fmt::format("{}.\n\n", md(attainment_sentence(model)));
  const std::string head = table_head(
      {"target", "class", "limits kept, %", "goodput, requests/s", "offered, requests/s", "output, tokens/s",
       "failed, %", "TTFT p50, ms", "TTFT p90, ms", "TPOT p50, ms", "E2E p90, ms"},
      2);
  const auto line = [](const Serving& serving, const std::string& name, bool is_limited,
                       const MetricMap& records) {
    std::vector<std::string> cells = {md(serving.label), md(name)};
    for (const char* metric :
         {"slo_attainment", "goodput_per_s", "offered_rate_per_s", "output_throughput_tokens_per_s",
          "error_rate", "ttft_ms_p50", "ttft_ms_p90", "tpot_ms_p50", "e2e_ms_p90"}) {
      const bool is_of_limits =
          std::string_view(metric) == "slo_attainment" || std::string_view(metric) == "goodput_per_s";
      cells.push_back(is_of_limits && !is_limited ? "" : value(records.find(metric)));
    }
    return row(cells);
  };
  std::string mix, alone;
  for (const Serving& serving : model.servings) {
    for (const ClassResult& result : serving.classes) {
      if (!result.mix.empty()) mix += line(serving, result.name, has_limits(result), result.mix);
      if (!result.alone.empty()) alone += line(serving, result.name, has_limits(result), result.alone);
    }
    if (!serving.mix.empty())
      mix +=
          line(serving, "all",
               std::ranges::any_of(serving.classes, [](const ClassResult& each) { return has_limits(each); }),
               serving.mix);
  }
  if (!mix.empty()) out += fmt::format("{}{}\n{}\n\n", head, mix, kWindowNote);
  out += interference(model);
  if (!alone.empty()) out += "Each class alone, without the others:\n\n" + head + alone + "\n";
  std::string beside;
  for (const Serving& serving : model.servings) {
    for (const char* metric : beside_metrics()) {
      const Record* record = serving.mix.find(metric);
      if (record == nullptr || !record->value) continue;
      beside += row({md(serving.label), md(metric_title(metric)),
                     md(display_unit(record->metric, record->unit).text), value(record),
                     record->n > 0 ? std::to_string(record->n) : "—"});
    }
  }
  return beside.empty()
             ? out
             : out + table_head({"target", "beside the latencies", "unit", "value", "n"}, 3) + beside + "\n";
}

std::string bandwidth(const DeviceResult& device) {
  std::string rows;
  for (const Series& series : device.bandwidth) {
    for (size_t i = 0; i < series.records.size(); ++i) {
      const Record* record = series.records[i];
      rows += row({md(series.label), format_bytes(static_cast<int64_t>(series.x[i])),
                   md(condition(*record, "memory")), value(record),
                   record->n > 0 ? std::to_string(record->n) : "—"});
    }
  }
  return rows.empty() ? ""
                      : table_head({"kernel", "size", "memory", "bandwidth, GB/s", "n"}, 1) + rows + "\n";
}

std::string claims(const Model& model, const Subject& subject) {
  std::string out = table_head({"claim about", "value", "unit", "basis", "grade", "use", "source"}, 7);
  for (const ClaimRow& each : claim_rows(model, subject)) {
    const Record& record = *each.record;
    const std::string note = condition(record, "note");
    out += row({md(each.of), value(&record), md(display_unit(record.metric, record.unit).text),
                md(each.basis), md(condition(record, "grade")), each.use,
                md(fmt::format("{}, {}{}{}", record.source, condition(record, "date"),
                               note.empty() ? "" : ". ", note))});
  }
  return out + fmt::format("\n{}\n\n", kClaimsNote);
}

std::string silicon(const Model& model) {
  std::string out;
  for (const DeviceResult& device : model.devices) {
    out += fmt::format("### {}\n\n", md(device.label)) +
           table_head({"metric", "value", "unit", "n", "conditions"}, 5);
    std::vector<const Record*> records = device.engine;
    records.insert(records.end(), device.matmul_best.begin(), device.matmul_best.end());
    records.insert(records.end(), device.batching.records.begin(), device.batching.records.end());
    records.insert(records.end(), device.other.begin(), device.other.end());
    for (const Record* record : records) {
      out += row({md(metric_title(record->metric)), value(record),
                  md(display_unit(record->metric, record->unit).text),
                  record->n > 0 ? std::to_string(record->n) : "—", md(short_conditions(record->conditions))});
    }
    out += "\n" + bandwidth(device);
    if (device.has_claims) out += claims(model, *device.subject);
  }
  return out;
}

std::string findings(const Model& model) {
  if (model.findings.empty()) return "There are none.\n\n";
  std::string out;
  for (const Finding* finding : model.findings) {
    const Trial* trial = model.trial(finding->trial_id);
    out += fmt::format("- **{}** {}{}: {}\n", name_of(finding->severity), code(finding->code),
                       trial == nullptr ? "" : fmt::format(" ({})", md(trial->name)), md(finding->text));
  }
  return out + "\n";
}

std::string requirements(const Model& model) {
  std::string out;
  for (const Verdict& verdict : model.content->verdicts) {
    const Requirement* requirement = model.requirement(verdict.requirement_id);
    if (requirement == nullptr) continue;
    out += fmt::format("- {} **{}** {}: {}\n", shape_of(verdict.answer), name_of(verdict.answer),
                       md(requirement->text), md(verdict.reason));
  }
  return out.empty() ? "" : "## Requirements\n\n" + out + "\n";
}

std::string instrument(const Model& model) {
  const InstrumentCheck& check = model.instrument.check;
  if (!check.applies) return "";
  std::string out = "## Instrument\n\n";
  if (!check.calibration)
    return out + "Not calibrated on this machine: " + code("assay load --calibrate") + "\n\n";
  const CalibrationTable calibration = calibration_table(*check.calibration);
  std::vector<std::string> heads = {"traffic"};
  for (const CalibrationTable::Head& head : calibration.heads)
    heads.push_back(*head.unit == 0 ? std::string(head.title) : fmt::format("{}, {}", head.title, head.unit));
  out += md(calibration_conditions(*check.calibration)) + "\n\n" + table_head(heads, 1);
  for (const CalibrationRow& shape : calibration.rows) {
    std::vector<std::string> cells = {md(shape.name)};
    for (const CalibrationValue& value : shape.values) {
      const std::string text = calibration_text(value);
      cells.push_back(shape.is_void && value.value ? fmt::format("~~{}~~", text) : text);
    }
    out += row(cells);
  }
  out += "\n";
  out +=
      "Arrival: the stamp of a chunk less the server's own send stamp; TTFT: error of the mean, against the server's "
      "first send; lag: dispatch lag; emulator: its own lateness; p99.9, or the largest (max) of too few for one; client: CPU "
      "time, of one core.\n\n";
  for (const std::string& note : calibration.notes) out += fmt::format("⚠ {}\n\n", md(note));
  return check.beyond.empty() ? out : out + fmt::format("⚠ {}\n\n", md(check.beyond));
}

std::string hardware(const Model& model) {
  const HardwareReport report = make_hardware_report(model.content->run.host);
  if (report.is_empty()) return "";
  std::string out = fmt::format("## Hardware and tooling of the host that ran\n\n{}\n\n", md(report.lead));
  for (const HostFinding& finding : report.findings)
    out += fmt::format("- **{}** {}: {}\n", md(finding.severity), code(finding.code), md(finding.text));
  if (!report.findings.empty()) out += "\n";
  for (const HostTable& each : report.tables) {
    out += fmt::format("### {}\n\n{}\n\n", md(each.title), md(each.sentence));
    if (each.rows.empty()) continue;
    out += table_head(each.columns, each.columns.size());
    for (const std::vector<std::string>& texts : each.rows) {
      std::vector<std::string> cells;
      for (const std::string& text : texts) cells.push_back(md(text));
      out += row(cells);
    }
    out += "\n";
  }
  return out;
}

std::string conditions(const Model& model, const std::string& dossier_name) {
  const RunInfo& run = model.content->run;
  std::string out =
      fmt::format("- dossier {}, assay {}, seed {}\n- scenario {} ({})\n- started {}, finished {}\n",
                  code(run.id), md(run.assay_version), run.seed, md(run.scenario_name), md(run.scenario_path),
                  md(run.created_at), run.finished_at.empty() ? "— unknown" : md(run.finished_at));
  for (const Subject& subject : model.content->subjects) {
    const std::string stack = stack_sentence(subject);
    if (!stack.empty()) out += fmt::format("- {}: {}\n", md(subject.name), md(stack));
    out += fmt::format("- {} ({}): {}\n", md(subject.name), md(subject.kind),
                       md(short_conditions(subject.details)));
  }
  return out + fmt::format("\nEvery record and all raw samples: {}\n",
                           code(fmt::format("assay report {} -o report.json", dossier_name)));
}

}  // namespace

Result<std::string> render_markdown(const Dossier& dossier) {
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  ASSIGN_OR_RETURN(const Model model, make_model(content, nullptr));
  std::string out = fmt::format("# assay: {}\n\n{}, dossier {}\n\n", md(model.title),
                                md(content.run.created_at.substr(0, 10)), code(content.run.id));
  if (content.run.finished_at.empty())
    out += "⚠ This run was interrupted or is under way: what is below is not all.\n\n";
  out += answers(model);
  out +=
      "Unless another class is named, a value is measured; in brackets stands its interval. ⚠ marks what a "
      "finding doubts.\n\n";
  out += requirements(model);
  if (!model.waterfalls.empty()) out += "## Where the speed goes\n\n" + waterfalls(model);
  if (!model.devices.empty()) out += "## What kernels and engine get out of the silicon\n\n" + silicon(model);
  if (!model.servings.empty()) out += "## Service in the mix\n\n" + service(model);
  out += hardware(model);
  out += fmt::format("## Findings\n\n{}", findings(model));
  out += instrument(model);
  return out + "## How this was measured\n\n" + md(trials_sentence(model)) + "\n\n" +
         conditions(model, file_name(dossier.path()));
}

}  // namespace assay
