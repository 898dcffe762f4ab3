// JSON: the report for programs, with every record and all raw samples. docs/formats/report.md is its
// contract.
#include <fmt/format.h>

#include <algorithm>

#include "base/base.h"
#include "report/charts.h"
#include "report/claims.h"
#include "report/hardware.h"
#include "report/model.h"
#include "report/report.h"
#include "report/values.h"

namespace assay {
namespace {

constexpr int kReportFormat = 1;

Json ids(const std::vector<int64_t>& values) {
  Json out = Json::array();
  for (const int64_t value : values) out.push(value);
  return out;
}

Json optional(std::optional<double> value) {
  return value ? Json(*value) : Json();
}

Json run_json(const RunInfo& run) {
  Json out;
  return out.set("id", run.id)
      .set("assay_version", run.assay_version)
      .set("created_at", run.created_at)
      .set("finished_at", run.finished_at)
      .set("scenario_name", run.scenario_name)
      .set("scenario_path", run.scenario_path)
      .set("seed", fmt::format("{}", run.seed))
      .set("host", run.host);
}

Json answers_json(const Model& model) {
  Json out = Json::array();
  for (const AnswerRow& row : model.answers) {
    Json item;
    out.push(item.set("question", row.question)
                 .set("text", row.text)
                 .set("answer", name_of(row.answer))
                 .set("reason", row.reason)
                 .set("exam", row.exam)
                 .set("command", row.command)
                 .set("records", ids(row.record_ids)));
  }
  return out;
}

Json requirements_json(const Model& model) {
  Json out = Json::array();
  for (const Verdict& verdict : model.content->verdicts) {
    const Requirement* requirement = model.requirement(verdict.requirement_id);
    if (requirement == nullptr) continue;
    Json item;
    out.push(item.set("text", requirement->text)
                 .set("metric", requirement->metric)
                 .set("comparison", requirement->comparison)
                 .set("value", requirement->value)
                 .set("unit", requirement->unit)
                 .set("question", requirement->question)
                 .set("source", requirement->source)
                 .set("answer", name_of(verdict.answer))
                 .set("reason", verdict.reason)
                 .set("records", ids(verdict.record_ids)));
  }
  return out;
}

// Null for a host that was not looked at.
Json hardware_json(const RunInfo& run) {
  const HardwareReport report = make_hardware_report(run.host);
  if (report.is_empty()) return Json();
  Json tables = Json::array(), findings = Json::array();
  for (const HostTable& table : report.tables) {
    Json rows = Json::array(), columns = Json::array(), item;
    for (const std::string& column : table.columns) columns.push(column);
    for (const std::vector<std::string>& texts : table.rows) {
      Json row = Json::array();
      for (const std::string& text : texts) row.push(text);
      rows.push(std::move(row));
    }
    tables.push(item.set("title", table.title)
                    .set("sentence", table.sentence)
                    .set("columns", std::move(columns))
                    .set("rows", std::move(rows)));
  }
  for (const HostFinding& finding : report.findings) {
    Json item;
    findings.push(item.set("severity", finding.severity).set("code", finding.code).set("text", finding.text));
  }
  Json out;
  return out.set("sentence", report.lead)
      .set("findings", std::move(findings))
      .set("tables", std::move(tables));
}

// Null for a run without load trials.
Json calibration_json(const InstrumentCheck& check) {
  if (!check.applies) return Json();
  Json json = check.calibration ? check.calibration->to_json() : Json::object();
  json.set("is_calibrated", check.calibration.has_value());
  const std::optional<double> reach =
      check.calibration ? check.calibration->reach_events_per_s() : std::nullopt;
  return json.set("reach_events_per_s", optional(reach))
      .set("phrase", check.phrase)
      .set("beyond", check.beyond);
}

Json subjects_json(const Model& model) {
  Json out = Json::array();
  for (const Subject& subject : model.content->subjects) {
    Json item;
    out.push(item.set("id", subject.id)
                 .set("name", subject.name)
                 .set("kind", subject.kind)
                 .set("details", subject.details));
  }
  return out;
}

Json step_json(const WaterfallStep& step) {
  Json out;
  return out.set("level", step.level)
      .set("value", optional(step.value))
      .set("low", optional(step.low))
      .set("high", optional(step.high))
      .set("class", name_of(step.evidence_class))
      .set("validity", name_of(step.validity))
      .set("share_of_level_above", optional(step.share))
      .set("follows_demand", step.follows_demand)
      .set("loss", step.loss)
      .set("basis", step.basis)
      .set("records", ids(step.record_ids));
}

Json waterfall_json(const Model& model) {
  Json out = Json::array();
  for (const Waterfall& waterfall : model.waterfalls) {
    Json lanes = Json::array();
    for (const WaterfallLane& lane : waterfall.lanes) {
      Json steps = Json::array(), item;
      for (const WaterfallStep& step : lane.steps) steps.push(step_json(step));
      lanes.push(item.set("title", lane.title)
                     .set("unit", lane.unit)
                     .set("sentence", lane.sentence)
                     .set("steps", std::move(steps)));
    }
    Json item;
    out.push(item.set("target", waterfall.label)
                 .set("subject", waterfall.subject->name)
                 .set("model", waterfall.model)
                 .set("lanes", std::move(lanes))
                 .set("serving", waterfall.serving)
                 .set("records", ids(waterfall.record_ids)));
  }
  return out;
}

Json roofline_json(const Model& model) {
  Json out = Json::array();
  for (const Roofline& roofline : model.rooflines) {
    Json points = Json::array(), ceilings = Json::array();
    for (const RooflinePoint& point : roofline.points) {
      Json item;
      points.push(item.set("name", point.name)
                      .set("group", point.group)
                      .set("flop_per_byte", point.flop_per_byte)
                      .set("tflop_per_s", point.tflop_per_s)
                      .set("best", point.is_best)
                      .set("record", point.record->id));
    }
    for (const RooflineCeiling& ceiling : roofline.ceilings) {
      Json item;
      ceilings.push(item.set("name", ceiling.name)
                        .set("kind", ceiling.is_bandwidth ? "bandwidth" : "compute")
                        .set("value", ceiling.value)
                        .set("unit", ceiling.is_bandwidth ? "GB/s" : "TFLOP/s")
                        .set("class", name_of(shown_class(*ceiling.record)))
                        .set("record", ceiling.record->id));
    }
    Json claims = Json::array();
    for (const ClaimRow& row : claim_rows(model, *roofline.subject)) {
      claims.push(Json::object()
                      .set("of", row.of)
                      .set("basis", row.basis)
                      .set("counts", row.use == "counts")
                      .set("record", row.record->id));
    }
    Json item;
    out.push(item.set("subject", roofline.subject->name)
                 .set("points", std::move(points))
                 .set("ceilings", std::move(ceilings))
                 .set("claims", std::move(claims)));
  }
  return out;
}

Json metrics_json(const MetricMap& metrics) {
  Json out = Json::object();
  for (const auto& [name, record] : metrics.records) {
    Json item;
    item.set("value", optional(record->value))
        .set("low", optional(record->ci_low))
        .set("high", optional(record->ci_high))
        .set("n", record->n)
        .set("validity", name_of(record->validity))
        .set("record", record->id);
    for (const char* mark : {kInfinite, kLowInfinite, kHighInfinite}) {
      if (record->conditions[mark].as_bool()) item.set(mark, true);
    }
    out.set(name, std::move(item));
  }
  return out;
}

Json numbers(const std::vector<double>& values) {
  return Json(Json::Array(values.begin(), values.end()));
}

Json load_json(const Model& model) {
  Json out = Json::array();
  for (const Serving& serving : model.servings) {
    Json classes = Json::array();
    for (const ClassResult& result : serving.classes) {
      Json curves = Json::array(), item;
      for (const Curve& curve : result.curves) {
        Json one;
        curves.push(one.set("metric", curve.metric)
                        .set("phase", curve.phase)
                        .set("n", curve.n)
                        .set("failed", curve.failed)
                        .set("x", numbers(curve.x))
                        .set("share", numbers(curve.share)));
      }
      classes.push(item.set("name", result.name)
                       .set("mix", metrics_json(result.mix))
                       .set("alone", metrics_json(result.alone))
                       .set("curves", std::move(curves)));
    }
    Json sweep = Json::array(), capacities = Json::array();
    for (const SweepPoint& point : serving.sweep) {
      Json one;
      sweep.push(
          one.set(point.is_users ? "users" : "rate_per_s", point.at).set("all", metrics_json(point.all)));
    }
    for (const CapacityRow& capacity : serving.capacities) {
      MetricMap only;
      only.records.emplace(capacity.record->metric, capacity.record);
      Json one;
      capacities.push(one.set("tier", capacity.tier).set("metrics", metrics_json(only)));
    }
    Json item;
    item.set("sweep", std::move(sweep)).set("capacity", std::move(capacities));
    out.push(item.set("target", serving.label)
                 .set("subject", serving.subject->name)
                 .set("model", serving.model)
                 .set("mix", metrics_json(serving.mix))
                 .set("classes", std::move(classes)));
  }
  return out;
}

Json findings_json(const Model& model) {
  Json out = Json::array();
  for (const Finding* finding : model.findings) {
    Json item;
    out.push(item.set("id", finding->id)
                 .set("severity", name_of(finding->severity))
                 .set("code", finding->code)
                 .set("text", finding->text)
                 .set("trial", finding->trial_id)
                 .set("subject", finding->subject_id)
                 .set("evidence", finding->evidence));
  }
  return out;
}

Json record_json(const Record& record) {
  Json out;
  return out.set("id", record.id)
      .set("trial", record.trial_id)
      .set("subject", record.subject_id)
      .set("class", name_of(record.evidence_class))
      .set("metric", record.metric)
      .set("value", optional(record.value))
      .set("unit", record.unit)
      .set("ci_low", optional(record.ci_low))
      .set("ci_high", optional(record.ci_high))
      .set("confidence", record.confidence)
      .set("n", record.n)
      .set("method", record.method)
      .set("conditions", record.conditions)
      .set("validity", name_of(record.validity))
      .set("source", record.source);
}

Json provenance_json(const Model& model) {
  Json trials = Json::array(), records = Json::array(), out;
  for (const Trial& trial : model.content->trials) {
    Json item;
    trials.push(item.set("id", trial.id)
                    .set("exam", trial.exam)
                    .set("target", trial.target)
                    .set("subject", trial.subject_id)
                    .set("name", trial.name)
                    .set("parameters", trial.parameters)
                    .set("state", name_of(trial.state))
                    .set("started_at", trial.started_at)
                    .set("duration_s", trial.duration_s)
                    .set("end_text", trial.end_text));
  }
  for (const Record& record : model.content->records) records.push(record_json(record));
  return out.set("trials", std::move(trials)).set("records", std::move(records));
}

// Millions of values: written straight into the text, never as Json values.
void append_column(std::string& out, const Column& column) {
  out += Json(clean_utf8(column.name)).dump() + ":[";
  const size_t begin = out.size();
  const auto append = [&](auto value) {
    append_json_number(value, out);
    out += ',';
  };
  std::ranges::for_each(column.doubles, append);
  std::ranges::for_each(column.integers, append);
  if (out.size() > begin) out.pop_back();
  out += "]";
}

void append_samples(std::string& out, const std::vector<Sample>& samples) {
  for (const Sample& sample : samples) {
    out += fmt::format("{}:{{", Json(clean_utf8(sample.name)).dump());
    for (const Column& column : sample.columns.columns) {
      append_column(out, column);
      out += ",";
    }
    if (!sample.columns.columns.empty()) out.pop_back();
    out += "},";
  }
  if (!samples.empty()) out.pop_back();
}

Result<std::string> samples_text(const Dossier& dossier, const DossierContent& content) {
  std::string out = "{";
  for (const Trial& trial : content.trials) {
    ASSIGN_OR_RETURN(const std::vector<Sample> samples, dossier.read_samples(trial.id));
    if (samples.empty()) continue;
    out += fmt::format("{}\n\"{}\":{{", out.size() > 1 ? "," : "", trial.id);
    append_samples(out, samples);
    out += "}";
  }
  return out + "}";
}

}  // namespace

Result<std::string> render_json(const Dossier& dossier) {
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  ASSIGN_OR_RETURN(const Model model,
                   make_model(content, [&](int64_t trial) { return dossier.read_samples(trial, "chunks"); }));
  Json head;
  head.set("assay_report", kReportFormat)
      .set("title", model.title)
      .set("run", run_json(content.run))
      .set("answers", answers_json(model));
  head.set("requirements", requirements_json(model))
      .set("instrument", model.instrument.sentence)
      .set("calibration", calibration_json(model.instrument.check))
      .set("subjects", subjects_json(model))
      .set("hardware", hardware_json(content.run));
  head.set("waterfall", waterfall_json(model))
      .set("roofline", roofline_json(model))
      .set("load", load_json(model));
  head.set("findings", findings_json(model)).set("provenance", provenance_json(model));
  ASSIGN_OR_RETURN(const std::string samples, samples_text(dossier, content));
  std::string out = head.dump(2);
  out.pop_back();  // the closing brace: samples follow
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return clean_utf8(out) + ",\n  \"samples\": " + samples + "\n}\n";
}

}  // namespace assay
