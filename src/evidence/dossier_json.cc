// The JSON export: the tables of a dossier with the names of docs/formats/dossier.md. Written from the
// structs that read() gives, so that the export cannot say what a report does not see.
#include <fmt/format.h>

#include "evidence/dossier_state.h"

namespace assay {
namespace {

Json reference(int64_t id) {
  return id != 0 ? Json(id) : Json();
}
Json optional_number(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t k = 0; k < 3; ++k) {
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? kDigits[three >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Json to_json(const RunInfo& run) {
  return Json(Json::Object{{"id", run.id},
                           {"assay_version", run.assay_version},
                           {"created_at", run.created_at},
                           {"finished_at", run.finished_at},
                           {"scenario_name", run.scenario_name},
                           {"scenario_path", run.scenario_path},
                           {"scenario_text", run.scenario_text},
                           {"seed", fmt::format("{}", run.seed)},
                           {"plan", run.plan},
                           {"host", run.host}});
}

Json to_json(const Subject& subject) {
  return Json(Json::Object{
      {"id", subject.id}, {"name", subject.name}, {"kind", subject.kind}, {"details", subject.details}});
}

Json to_json(const Trial& trial) {
  return Json(Json::Object{{"id", trial.id},
                           {"exam", trial.exam},
                           {"target", trial.target},
                           {"subject_id", reference(trial.subject_id)},
                           {"name", trial.name},
                           {"parameters", trial.parameters},
                           {"state", name_of(trial.state)},
                           {"started_at", trial.started_at},
                           {"duration_s", trial.duration_s},
                           {"end_text", trial.end_text}});
}

Json to_json(const Record& record) {
  return Json(Json::Object{{"id", record.id},
                           {"trial_id", reference(record.trial_id)},
                           {"subject_id", reference(record.subject_id)},
                           {"class", name_of(record.evidence_class)},
                           {"metric", record.metric},
                           {"value", optional_number(record.value)},
                           {"unit", record.unit},
                           {"ci_low", optional_number(record.ci_low)},
                           {"ci_high", optional_number(record.ci_high)},
                           {"confidence", record.confidence},
                           {"n", record.n},
                           {"method", record.method},
                           {"conditions", record.conditions},
                           {"validity", name_of(record.validity)},
                           {"source", record.source}});
}

Json to_json(const Column& column) {
  Json values = Json::array();
  for (const int64_t value : column.integers) values.push(value);
  for (const double value : column.doubles) values.push(value);
  return Json(Json::Object{{"name", column.name},
                           {"type", column.is_double ? "double" : "integer"},
                           {"values", std::move(values)}});
}

Json to_json(const Sample& sample) {
  Json columns = Json::array();
  for (const Column& column : sample.columns.columns) columns.push(to_json(column));
  return Json(Json::Object{{"id", sample.id},
                           {"trial_id", sample.trial_id},
                           {"name", sample.name},
                           {"columns", std::move(columns)}});
}

Json to_json(const Finding& finding) {
  return Json(Json::Object{{"id", finding.id},
                           {"trial_id", reference(finding.trial_id)},
                           {"subject_id", reference(finding.subject_id)},
                           {"severity", name_of(finding.severity)},
                           {"code", finding.code},
                           {"text", finding.text},
                           {"evidence", finding.evidence}});
}

Json to_json(const Requirement& requirement) {
  return Json(Json::Object{{"id", requirement.id},
                           {"text", requirement.text},
                           {"metric", requirement.metric},
                           {"comparison", requirement.comparison},
                           {"value", requirement.value},
                           {"unit", requirement.unit},
                           {"scope", requirement.scope},
                           {"question", requirement.question},
                           {"source", requirement.source}});
}

Json to_json(const Verdict& verdict) {
  Json record_ids = Json::array();
  for (const int64_t id : verdict.record_ids) record_ids.push(id);
  return Json(Json::Object{{"id", verdict.id},
                           {"question", verdict.question},
                           {"requirement_id", reference(verdict.requirement_id)},
                           {"answer", name_of(verdict.answer)},
                           {"reason", verdict.reason},
                           {"exam", verdict.exam},
                           {"command", verdict.command},
                           {"record_ids", std::move(record_ids)}});
}

Json to_json(const Artifact& artifact) {
  const bool is_text = is_valid_utf8(artifact.content);
  return Json(Json::Object{
      {"id", artifact.id},
      {"trial_id", artifact.trial_id},
      {"name", artifact.name},
      {"media_type", artifact.media_type},
      {is_text ? "content" : "content_base64", is_text ? artifact.content : base64(artifact.content)}});
}

template <class T>
Json table(const std::vector<T>& rows) {
  Json all = Json::array();
  for (const T& row : rows) all.push(to_json(row));
  return all;
}

}  // namespace

Result<Json> Dossier::to_json(bool with_samples) const {
  ASSIGN_OR_RETURN(const DossierContent content, read());
  Json json = Json::object();
  json.set("format", "assay dossier");
  json.set("schema_version", kDossierSchemaVersion);
  json.set("run", assay::to_json(content.run));
  json.set("subject", table(content.subjects));
  json.set("trial", table(content.trials));
  json.set("record", table(content.records));
  if (with_samples) {
    Json samples = Json::array();
    for (const Trial& trial : content.trials) {
      ASSIGN_OR_RETURN(const std::vector<Sample> of_trial, read_samples(trial.id));
      for (const Sample& sample : of_trial) samples.push(assay::to_json(sample));
    }
    json.set("sample", std::move(samples));
  }
  json.set("finding", table(content.findings));
  json.set("requirement", table(content.requirements));
  json.set("verdict", table(content.verdicts));
  json.set("artifact", table(content.artifacts));
  return json;
}

}  // namespace assay
