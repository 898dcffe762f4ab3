// Sections of the page: the first screen, the waterfall, one section a question, and the folded small print.
#include "report/html_sections.h"

#include <fmt/format.h>

#include <algorithm>

#include "catalogue/catalogue.h"
#include "report/charts.h"
#include "report/claims.h"
#include "report/hardware.h"
#include "report/html_parts.h"
#include "report/values.h"

namespace assay {
namespace {

std::string answer_line(const AnswerRow& row) {
  const std::string exam = !row.exam.empty() ? row.exam : "";
  const std::string command =
      row.command.empty() ? "" : fmt::format("<code>{}</code>", escape_html(row.command));
  const std::string reason =
      row.answer == Answer::kNotExamined && row.reason.empty() ? command : prose_html(row.reason);
  const std::string last = row.answer != Answer::kNotExamined ? escape_html(exam)
                           : row.reason.empty()               ? ""
                                                              : command;
  return fmt::format(
      "<li><a class=\"question\" href=\"#q{0}\"><b>{0} </b>{1}</a>{2}<span class=\"reason\">{3}</span>"
      "<span class=\"exam\">{4}</span></li>\n",
      row.question, escape_html(row.text), answer_html(row.answer), reason, last);
}

std::string step_html(const WaterfallStep& step) {
  if (!step.value) return "<span class=\"unknown\">—&nbsp;unknown</span>";
  const ValueText text = value_text(*step.value, step.low, step.high);
  const std::string value =
      step.validity == Validity::kVoid ? fmt::format("<s>{}</s>", text.value) : text.value;
  std::string out =
      step.record_ids.empty()
          ? value
          : fmt::format("<a class=\"v {}\" href=\"#r{}\" title=\"{}\">{}</a>", name_of(step.evidence_class),
                        step.record_ids.front(), escape_html(step.basis), value);
  if (!text.interval.empty()) out += fmt::format(" <span class=\"ci\">{}</span>", text.interval);
  out += class_tag(step.evidence_class);
  if (step.validity == Validity::kDoubtful) out += " <span class=\"doubt\">⚠&nbsp;doubtful</span>";
  if (step.validity == Validity::kVoid) out += " <span class=\"doubt\">⚠&nbsp;void</span>";
  return out;
}

std::string waterfall_table(const Waterfall& waterfall) {
  HtmlTable table{.caption = fmt::format("Waterfall of {}", waterfall.label),
                  .columns = {{"of"},
                              {"level"},
                              {"speed", "tokens/s", true},
                              {"change"},
                              {"basis", "", false, true},
                              {"records"}}};
  for (const WaterfallLane& lane : waterfall.lanes) {
    for (const WaterfallStep& step : lane.steps) {
      table.rows.push_back({text_cell(lane.title),
                            text_cell(step.level),
                            {step_html(step), step.value ? fmt::format("{:.9g}", *step.value) : ""},
                            text_cell(step.loss),
                            text_cell(step.basis),
                            {record_links(step.record_ids), ""}});
    }
  }
  return table.html();
}

std::string evidence_legend() {
  std::string out = "<p class=\"legend\" aria-label=\"Classes of evidence\">";
  for (const auto& [name, words] : {std::pair{"claimed", "somebody's promise"},
                                    {"reported", "somebody else's measurement"},
                                    {"measured", "by assay, here; whiskers are intervals"},
                                    {"simulated", "by a model"},
                                    {"derived", "computed from the others"}}) {
    out += fmt::format("<span><i class=\"swatch {0}\" aria-hidden=\"true\"></i><b>{0}</b> {1}</span>", name,
                       words);
  }
  out += "<span>The filling tells the class of evidence, the colour the device.</span>";
  return out + "</p>\n";
}

std::string best_of(const Model& model, const Roofline& roofline) {
  const RooflinePoint* best = nullptr;
  for (const RooflinePoint& point : roofline.points) {
    if (best == nullptr || point.tflop_per_s > best->tflop_per_s) best = &point;
  }
  std::string out = fmt::format("{}: the fastest kernel, {}, reaches {}", roofline.subject->name, best->group,
                                amount(best->tflop_per_s, "TFLOP/s"));
  const Record& record = *best->record;
  const std::string dtype = condition(record, "dtype");
  if (const Record* bound = theoretical_bound(model, *roofline.subject, record.metric, dtype))
    out +=
        fmt::format(", {} % of its theoretical bound", format_number(100 * *record.value / *bound->value, 2));
  const Record* claim = claimed_peak(model, *roofline.subject, record.metric, claimed_dtypes(dtype)).record;
  if (claim != nullptr && !dtype.empty())
    out += fmt::format(", {} % of the {} that are claimed in {}",
                       format_number(100 * *record.value / *claim->value, 2), amount(*claim),
                       condition(*claim, "dtype"));
  return out;
}

std::string matmul_table(const Model& model) {
  HtmlTable table{.caption = "Best matrix multiplication by type", .columns = {{"type"}}};
  for (const DeviceResult& device : model.devices) table.columns.push_back({device.label, "TFLOP/s", true});
  for (const std::string& type : matmul_types(model)) {
    std::vector<HtmlCell> row = {text_cell(type)};
    for (const DeviceResult& device : model.devices) {
      const auto found =
          std::find_if(device.matmul_best.begin(), device.matmul_best.end(),
                       [&](const Record* record) { return condition(*record, "dtype") == type; });
      row.push_back(value_cell(model, found == device.matmul_best.end() ? nullptr : *found));
    }
    table.rows.push_back(std::move(row));
  }
  return table.html();
}

std::string matmul_sentence(const Model& model) {
  std::vector<std::string> parts;
  for (const DeviceResult& device : model.devices) {
    const Record* best = nullptr;
    for (const Record* record : device.matmul_best) {
      if (best == nullptr || record->value.value_or(0) > best->value.value_or(0)) best = record;
    }
    if (best != nullptr && best->value) {
      parts.push_back(fmt::format("{} multiplies fastest in {} ({})", device.label, condition(*best, "dtype"),
                                  amount(*best->value, best->unit)));
    }
  }
  return join(parts, "; ");
}

std::string batching_sentence(const Model& model) {
  std::vector<std::string> parts;
  for (const DeviceResult& device : model.devices) {
    const Series& series = device.batching;
    if (series.records.size() < 2 || !series.records.front()->value || !series.records.back()->value)
      continue;
    parts.push_back(
        fmt::format("{} decodes {} × as fast with {:g} sequences at once as with {:g}", device.label,
                    format_number(*series.records.back()->value / *series.records.front()->value, 2),
                    series.x.back(), series.x.front()));
  }
  return join(parts, "; ");
}

std::string bandwidth_sentence(const DeviceResult& device) {
  const Record* best = nullptr;
  for (const Series& series : device.bandwidth) {
    for (const Record* record : series.records) {
      const bool is_ram = condition(*record, "memory") != "cache" && record->value;
      if (is_ram && (best == nullptr || *record->value > *best->value)) best = record;
    }
  }
  if (best == nullptr) return fmt::format("{}: memory bandwidth beyond the caches is unknown", device.label);
  return fmt::format("{}: memory gives {} once data leave the caches", device.label,
                     amount(*best->value, best->unit));
}

// Metrics of a device as rows, for those that have no chart.
std::string records_table(const Model& model, const std::string& caption,
                          const std::vector<const Record*>& records) {
  HtmlTable table{.caption = caption,
                  .columns = {{"metric"}, {"value", "", true}, {"unit"}, {"n", "", true}, {"conditions"}}};
  const Json shared = shared_conditions(records);
  for (const Record* record : records) {
    table.rows.push_back({text_cell(metric_title(record->metric)), value_cell(model, record),
                          text_cell(display_unit(record->metric, record->unit).text), count_cell(record->n),
                          text_cell(own_conditions(*record, shared))});
  }
  if (records.empty()) return "";
  const std::string all = short_conditions(shared);
  return table.html() +
         (all.empty() ? "" : fmt::format("<p class=\"small\">All rows: {}.</p>\n", escape_html(all)));
}

std::string batching_table(const Model& model) {
  std::vector<double> counts;
  for (const DeviceResult& device : model.devices)
    counts.insert(counts.end(), device.batching.x.begin(), device.batching.x.end());
  std::sort(counts.begin(), counts.end());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  HtmlTable table{.caption = "Batched decode speed", .columns = {{"sequences", "", true}}};
  for (const DeviceResult& device : model.devices) table.columns.push_back({device.label, "tokens/s", true});
  for (const double count : counts) {
    std::vector<HtmlCell> row = {count_cell(static_cast<int64_t>(count))};
    for (const DeviceResult& device : model.devices) {
      const auto at = std::find(device.batching.x.begin(), device.batching.x.end(), count);
      row.push_back(value_cell(
          model, at == device.batching.x.end()
                     ? nullptr
                     : device.batching.records[static_cast<size_t>(at - device.batching.x.begin())]));
    }
    table.rows.push_back(std::move(row));
  }
  return table.html();
}

std::string bandwidth_table(const Model& model, const DeviceResult& device) {
  HtmlTable table{
      .caption = fmt::format("Memory bandwidth of {}", device.label),
      .columns = {{"kernel"}, {"size", "", true}, {"memory"}, {"bandwidth", "GB/s", true}, {"n", "", true}}};
  for (const Series& series : device.bandwidth) {
    for (size_t i = 0; i < series.records.size(); ++i) {
      const Record* record = series.records[i];
      const auto bytes = static_cast<int64_t>(series.x[i]);
      table.rows.push_back({text_cell(series.label),
                            {escape_html(format_bytes(bytes)), std::to_string(bytes)},
                            text_cell(condition(*record, "memory")),
                            value_cell(model, record),
                            count_cell(record->n)});
    }
  }
  return table.html();
}

std::string claims_table(const Model& model, const Subject& subject) {
  HtmlTable table{
      .caption = fmt::format("Claims about {}", subject.name),
      .columns = {
          {"of"}, {"claim", "", true}, {"unit"}, {"basis"}, {"grade"}, {"use"}, {"source", "", false, true}}};
  for (const ClaimRow& row : claim_rows(model, subject)) {
    const Record& record = *row.record;
    const std::string note = condition(record, "note");
    table.rows.push_back({text_cell(row.of), value_cell(model, &record),
                          text_cell(display_unit(record.metric, record.unit).text), text_cell(row.basis),
                          text_cell(condition(record, "grade")), text_cell(row.use),
                          text_cell(fmt::format("{}, {}{}{}", record.source, condition(record, "date"),
                                                note.empty() ? "" : ". ", note))});
  }
  if (table.rows.empty()) return "";
  return table.html() + fmt::format("<p class=\"small\">{}</p>\n", escape_html(kClaimsNote));
}

std::string trials_table(const Model& model) {
  HtmlTable table{.caption = "Trials",
                  .columns = {{"trial"}, {"exam"}, {"ended"}, {"took", "s", true}, {"why"}}};
  for (const Trial& trial : model.content->trials) {
    table.rows.push_back(
        {{fmt::format("<a href=\"#t{}\">{}</a>", trial.id, escape_html(trial.name)), trial.name},
         text_cell(trial.exam),
         text_cell(name_of(trial.state)),
         number_cell(trial.duration_s),
         text_cell(trial.end_text)});
  }
  return table.html();
}

std::string requirements_table(const Model& model, int question) {
  HtmlTable table{.caption = "Requirements", .columns = {{"requirement"}, {"met"}, {"reason"}, {"records"}}};
  for (const Verdict* verdict : model.requirement_verdicts(question)) {
    const Requirement* requirement = model.requirement(verdict->requirement_id);
    table.rows.push_back({text_cell(requirement == nullptr ? "— unknown" : requirement->text),
                          {answer_html(verdict->answer), std::string(name_of(verdict->answer))},
                          text_cell(verdict->reason),
                          {record_links(verdict->record_ids), ""}});
  }
  return table.html();
}

// What a section begins with: the reason, or what would examine the question.
std::string lead_html(const AnswerRow& row) {
  const std::string end = row.reason.empty() || row.reason.ends_with('.') ? " " : ". ";
  if (row.answer != Answer::kNotExamined) return prose_html(row.reason) + end + record_links(row.record_ids);
  if (row.command.empty())
    return fmt::format("Not examined: {}{}", prose_html(row.reason), row.reason.ends_with('.') ? "" : ".");
  const std::string reason =
      row.reason.empty() ? "." : ": " + prose_html(row.reason) + (row.reason.ends_with('.') ? "" : ".");
  return fmt::format("Not examined{} This would tell: <code>{}</code>", reason, escape_html(row.command));
}

std::string section(const AnswerRow& row, const std::string& body) {
  return fmt::format(
      "<section class=\"{4}\" id=\"q{0}\"><h2><span class=\"no\">{0}</span> {1} {2}</h2>\n"
      "<p class=\"lead\">{3}</p>\n{5}</section>\n",
      row.question, escape_html(row.text), answer_html(row.answer), lead_html(row),
      body.empty() ? "brief" : "full", body);
}

std::string severity_html(Severity severity) {
  const char* shape = severity == Severity::kNote ? "ℹ" : severity == Severity::kBlocker ? "■" : "⚠";
  return fmt::format("<span class=\"severity {0}\"><span aria-hidden=\"true\">{1}</span> {0}</span>",
                     name_of(severity), shape);
}

// The first finding of `left` and all that say the same of other trials, taken out of it.
std::vector<const Finding*> take_alike(std::vector<const Finding*>& left) {
  const Finding* first = left.front();
  const auto is_alike = [&](const Finding* other) {
    return other->severity == first->severity && other->code == first->code && other->text == first->text;
  };
  std::vector<const Finding*> alike, others;
  for (const Finding* finding : left) (is_alike(finding) ? alike : others).push_back(finding);
  left = std::move(others);
  return alike;
}

}  // namespace

std::string first_screen_html(const Model& model) {
  const RunInfo& run = model.content->run;
  std::string out = fmt::format(
      "<header><p class=\"brand\">assay</p><h1>{}</h1><p class=\"meta\">{} · {} · dossier <a "
      "href=\"#conditions\"><code>{}</code></a></p></header>\n",
      escape_html(model.title), escape_html(run.scenario_name), escape_html(run.created_at.substr(0, 10)),
      escape_html(run.id.substr(0, 8)));
  if (run.finished_at.empty())
    out += "<p class=\"banner\">⚠ This run was interrupted or is under way: what is below is not all.</p>\n";
  out += "<ol class=\"answers\" aria-label=\"The eight questions\">\n";
  for (const AnswerRow& row : model.answers) out += answer_line(row);
  return out + fmt::format("</ol>\n<p class=\"instrument\">{}{}</p>\n", prose_html(model.instrument.sentence),
                           model.doubts + model.blockers > 0 ? " <a href=\"#findings\">Read them</a>" : "");
}

std::string waterfall_html(const Model& model) {
  if (model.waterfalls.empty()) return "";
  std::string out = "<section id=\"waterfall\" class=\"full\"><h2>Where the speed goes</h2>\n";
  if (!std::ranges::all_of(model.waterfalls, &Waterfall::has_only_serving)) {
    out +=
        "<p class=\"lead\">Each bar is what one level permits or delivers, in tokens per second; the words beside it name what "
        "is lost to the level above.</p>\n" +
        evidence_legend();
  }
  for (size_t i = 0; i < model.waterfalls.size(); ++i) {
    const Waterfall& waterfall = model.waterfalls[i];
    out += fmt::format("<h3><i class=\"dot s{}\" aria-hidden=\"true\"></i>{}{}</h3>\n",
                       model.colour_of(waterfall.subject) % 8, escape_html(waterfall.label),
                       waterfall.caption().empty()
                           ? ""
                           : fmt::format(" <small>{}</small>", escape_html(waterfall.caption())));
    if (waterfall.has_only_serving()) {
      out += fmt::format("<p class=\"small\">{}</p>\n", kOnlyServing);
    } else {
      out += "<div class=\"charts three\">";
      for (size_t lane = 0; lane < waterfall.lanes.size(); ++lane) {
        const WaterfallLane& one = waterfall.lanes[lane];
        out += chart_html(waterfall_id(i, lane), "waterfall", one.sentence,
                          fmt::format("{}, {}.", one.title, one.unit));
      }
      out += "</div>\n";
    }
    if (!waterfall.serving.empty())
      out += fmt::format("<p>{}{}</p>\n", escape_html(waterfall.serving), record_links(waterfall.record_ids));
    out += "<p class=\"small\">Cost per token: not examined; no prices are part of this dossier.</p>\n";
    if (!waterfall.has_only_serving()) out += waterfall_table(waterfall);
  }
  return out + "</section>\n";
}

std::string silicon_html(const Model& model) {
  if (model.devices.empty()) return "";
  std::string out =
      "<section id=\"silicon\" class=\"full\"><h2>What kernels and engine get out of the silicon</h2>\n";
  out +=
      "<p class=\"lead\">A kernel near its roof has nothing left to gain from better software; one far below "
      "has.</p>\n<div class=\"charts two\">";
  for (size_t i = 0; i < model.rooflines.size(); ++i) {
    out += chart_html(roofline_id(i), "roofline", best_of(model, model.rooflines[i]),
                      fmt::format("Both axes logarithmic. {} of ggml; the best of each type is named.{}{}",
                                  counted(static_cast<int64_t>(model.rooflines[i].points.size()), "kernel"),
                                  model.rooflines[i].above.empty() ? "" : " ", model.rooflines[i].above));
  }
  for (size_t i = 0; i < model.devices.size(); ++i) {
    if (model.devices[i].bandwidth.empty()) continue;
    out += chart_html(bandwidth_id(i), "lines", bandwidth_sentence(model.devices[i]),
                      "Copy and triad over array sizes; whiskers are 95 % intervals.");
  }
  if (!matmul_types(model).empty())
    out += chart_html(kMatmulId, "dots", matmul_sentence(model),
                      "Best rate of each type, logarithmic axis; whiskers are 95 % intervals.");
  if (const std::string sentence = batching_sentence(model); !sentence.empty()) {
    out += chart_html(kBatchingId, "lines", sentence, "Tokens of all sequences together.");
  }
  out += "</div>\n" + matmul_table(model) + batching_table(model);
  for (const DeviceResult& device : model.devices) {
    const std::string& name = device.label;
    out += fmt::format("<h3><i class=\"dot s{}\" aria-hidden=\"true\"></i>{}</h3>\n",
                       model.colour_of(device.subject) % 8, escape_html(name));
    out += bandwidth_table(model, device);
    if (device.has_claims) out += claims_table(model, *device.subject);
    // Each table says once what its rows share: the engine's conditions are others than the kernels'.
    out += records_table(model, fmt::format("Engine on {}", name), device.engine);
    out += records_table(model, fmt::format("Kernels on {}", name), device.other);
  }
  return out + "</section>\n";
}

std::string question_html(const Model& model, const AnswerRow& answer) {
  std::string body = requirements_table(model, answer.question);
  if (answer.question == 1)
    body += fmt::format("<p>{}</p>\n", escape_html(trials_sentence(model))) + trials_table(model);
  if (answer.question == 2) body += serving_html(model);
  return section(answer, body);
}

// "5 findings: 1 blocker, 2 that weaken numbers, 2 notes."
std::string findings_sentence(const Model& model) {
  const auto all = static_cast<int64_t>(model.findings.size());
  if (all == 0) return "There are none.";
  const int64_t notes = all - model.blockers - model.doubts;
  std::vector<std::string> parts;
  if (model.blockers > 0) parts.push_back(counted(model.blockers, "blocker"));
  if (model.doubts > 0) parts.push_back(counted(model.doubts, "that weakens numbers", "that weaken numbers"));
  if (notes > 0) parts.push_back(counted(notes, "note"));
  return fmt::format("{}: {}.", counted(all, "finding"), join(parts, ", "));
}

std::string findings_html(const Model& model) {
  std::string out =
      fmt::format("<section id=\"findings\" class=\"full\"><h2>Findings</h2>\n<p class=\"lead\">{}</p>\n",
                  findings_sentence(model));
  if (!model.findings.empty()) out += "<ul class=\"findings\">\n";
  std::vector<const Finding*> left = model.findings;
  while (!left.empty()) {
    const std::vector<const Finding*> alike = take_alike(left);
    const Finding& first = *alike.front();
    out += "<li>";
    for (const Finding* finding : alike) out += fmt::format("<span id=\"f{}\"></span>", finding->id);
    out += fmt::format("{} <code>{}</code>", severity_html(first.severity), escape_html(first.code));
    for (const Finding* finding : alike) {
      const Trial* trial = model.trial(finding->trial_id);
      if (trial != nullptr)
        out += fmt::format("{}<a href=\"#t{}\">{}</a>", finding == &first ? " " : ", ", trial->id,
                           escape_html(trial->name));
    }
    out +=
        fmt::format("<p>{}</p>{}</li>\n", prose_html(first.text),
                    alike.size() > 1 || first.evidence.members().empty() ? "" : details_html(first.evidence));
  }
  return out + (model.findings.empty() ? "" : "</ul>\n") + "</section>\n";
}

std::string conditions_html(const Model& model) {
  const RunInfo& run = model.content->run;
  std::string out =
      "<section id=\"conditions\" class=\"full\"><h2>How this was measured</h2>\n<dl class=\"facts\">";
  const auto fact = [&](const char* name, const std::string& text) {
    out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name,
                       text.empty() ? "—&nbsp;unknown" : escape_html(text));
  };
  fact("dossier", run.id);
  fact("assay", run.assay_version);
  fact("started", run.created_at);
  fact("finished", run.finished_at);
  fact("scenario", fmt::format("{} ({})", run.scenario_name, run.scenario_path));
  fact("seed", std::to_string(run.seed));
  out += "</dl>\n" + instrument_html(model);
  for (const Subject& subject : model.content->subjects) out += stack_html(subject);
  for (const Subject& subject : model.content->subjects) {
    out += fmt::format("<details><summary>{} <small>{}</small></summary>{}</details>\n",
                       escape_html(subject.name), escape_html(subject.kind), details_html(subject.details));
  }
  Json host = Json::object();  // the calibration has a table of its own, hardware and tooling a section
  for (const auto& [name, value] : run.host.members()) {
    if (name != "calibration" && !is_in_hardware_report(name)) host.append_member(name, value);
  }
  if (!host.members().empty())
    out += "<details><summary>This host</summary>" + details_html(host) + "</details>\n";
  return out + fmt::format(
                   "<details><summary>The scenario, whole</summary><pre "
                   "tabindex=\"0\">{}</pre></details></section>\n",
                   escape_html(run.scenario_text));
}

}  // namespace assay
