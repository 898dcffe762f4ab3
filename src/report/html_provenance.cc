// Provenance on the page: every record of the dossier, a folded table a trial, with what all rows share said
// once.
#include <fmt/format.h>

#include <algorithm>

#include "report/html_parts.h"
#include "report/html_sections.h"
#include "report/values.h"

namespace assay {
namespace {

// The methods of a table, each once, numbered from 1.
struct Methods {
  std::vector<std::string> texts;
  size_t number(const std::string& text) {
    const auto found = std::find(texts.begin(), texts.end(), text);
    if (found != texts.end()) return static_cast<size_t>(found - texts.begin()) + 1;
    texts.push_back(text);
    return texts.size();
  }
};

std::string record_row(const Model& model, const Record& record, const Json& shared,
                       const std::string& shared_source, size_t method) {
  const ValueText text = value_text(record);
  const Finding* doubt = model.doubt_about(record);
  const std::string value = record.validity == Validity::kVoid
                                ? fmt::format("<s>{}</s>", escape_html(text.value))
                                : escape_html(text.value);
  std::string validity(name_of(record.validity));
  if (doubt != nullptr) validity = fmt::format("<a href=\"#f{}\">{}</a>", doubt->id, validity);
  const std::string confidence =
      record.confidence > 0 && !text.interval.empty()
          ? fmt::format(" <small>{} %</small>", format_number(record.confidence * 100))
          : "";
  return fmt::format(
      "<tr id=\"r{0}\"><td>r{0}</td><td>{1}</td><td class=\"num\">{2}</td><td "
      "class=\"num\">{3}{4}</td><td>{5}</td><td class=\"num\">{6}</td>"
      "<td>{7}</td><td>{8}</td><td>{9}</td><td class=\"num\">{10}</td><td>{11}</td></tr>\n",
      record.id, escape_html(record.metric), value, escape_html(text.interval), confidence,
      escape_html(display_unit(record.metric, record.unit).text),
      record.n > 0 ? std::to_string(record.n) : "", name_of(record.evidence_class), validity,
      escape_html(own_conditions(record, shared)), method,
      record.source == shared_source ? "" : escape_html(record.source));
}

std::string records_html(const Model& model, const std::vector<const Record*>& records) {
  if (records.empty()) return "<p>It left no record.</p>\n";
  const Json shared = shared_conditions(records);
  const std::string& source = records.front()->source;
  const bool is_one_source = std::all_of(records.begin(), records.end(),
                                         [&](const Record* record) { return record->source == source; });
  std::string out;
  if (!shared.members().empty())
    out += fmt::format("<p class=\"small\">All rows: {}.</p>\n", escape_html(short_conditions(shared)));
  if (is_one_source && !source.empty())
    out += fmt::format("<p class=\"small\">Source of all rows: {}.</p>\n", escape_html(source));
  out +=
      "<div class=\"table\"><table><caption>Records</caption><thead><tr><th>record</th><th>metric</th><th "
      "class=\"num\">value</th><th class=\"num\">interval</th><th>unit</th>"
      "<th class=\"num\">n</th><th>class</th><th>validity</th><th>conditions</th><th "
      "class=\"num\">method</th><th>source</th></tr></thead><tbody>\n";
  Methods methods;
  for (const Record* record : records)
    out += record_row(model, *record, shared, is_one_source ? source : "", methods.number(record->method));
  out += "</tbody></table></div>\n<ol class=\"methods\">";
  for (const std::string& text : methods.texts)
    out += fmt::format("<li>{}</li>", text.empty() ? "— unknown" : escape_html(text));
  return out + "</ol>\n";
}

std::string trial_html(const Model& model, const Trial& trial, const std::vector<const Record*>& records,
                       const std::string& command) {
  const Subject* subject = model.subject(trial.subject_id);
  std::string out = fmt::format(
      "<details class=\"trial\" id=\"t{}\"><summary>{} <small>{}, {}, {}</small></summary>\n<dl "
      "class=\"facts\">",
      trial.id, escape_html(trial.name), name_of(trial.state), format_duration(trial.duration_s),
      counted(static_cast<int64_t>(records.size()), "record"));
  const auto fact = [&](const char* name, const std::string& text) {
    if (!text.empty()) out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, escape_html(text));
  };
  fact("trial", std::to_string(trial.id));
  fact("exam", trial.exam);
  fact("target", trial.target);
  fact("subject", subject == nullptr ? "" : subject->name);
  fact("started", trial.started_at);
  fact("parameters", short_conditions(trial.parameters));
  fact("ended", trial.end_text);
  out += fmt::format(
      "</dl>\n<div class=\"raw\" data-trial=\"{}\"><p class=\"small\">Raw samples: "
      "<code>{}</code></p></div>\n",
      trial.id, escape_html(command));
  return out + records_html(model, records) + "</details>\n";
}

}  // namespace

std::string provenance_html(const Model& model, const std::string& dossier_name) {
  const std::string command = fmt::format("assay report {} -o samples.json", dossier_name);
  std::string out =
      "<section id=\"provenance\" class=\"full\"><h2>Where every number comes from</h2>\n"
      "<p class=\"lead\">Each number above leads to its record here; each trial leads to its raw samples.</p>\n";
  std::vector<const Record*> loose;
  for (const Record& record : model.content->records) {
    if (model.trial(record.trial_id) == nullptr) loose.push_back(&record);
  }
  for (const Trial& trial : model.content->trials) {
    std::vector<const Record*> records;
    for (const Record& record : model.content->records) {
      if (record.trial_id == trial.id) records.push_back(&record);
    }
    out += trial_html(model, trial, records, command);
  }
  if (!loose.empty())
    out += fmt::format(
        "<details class=\"trial\"><summary>Over several trials <small>{} "
        "records</small></summary>\n{}</details>\n",
        loose.size(), records_html(model, loose));
  return out + "</section>\n";
}

}  // namespace assay
