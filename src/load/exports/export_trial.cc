// Reading a trial for export; see export_trial.h.
#include "load/exports/export_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "load/sample_rows.h"

namespace assay {
namespace {

std::vector<ExportRequest> requests_of(const SampleRows& rows) {
  std::vector<ExportRequest> requests(rows.count());
  size_t first_chunk = 0;
  for (size_t row = 0; row < rows.count(); ++row) {
    ExportRequest& request = requests[row];
    request.id = rows.at("id", row);
    request.session = rows.at("session", row);
    request.turn = rows.at("turn", row);
    request.scheduled_ns = rows.at("scheduled_ns", row);
    request.dispatched_ns = rows.at("dispatched_ns", row);
    request.sent_ns = rows.at("sent_ns", row);
    request.first_ns = rows.at("first_ns", row);
    request.first_output_ns = rows.at("first_output_ns", row);
    request.last_ns = rows.at("last_ns", row);
    request.end_ns = rows.at("end_ns", row);
    request.prompt_tokens = rows.at("prompt_tokens", row);
    request.output_tokens = rows.at("output_tokens", row);
    request.chunk_ns = rows.chunks_of(row, first_chunk);
    request.outcome = rows.outcome(row);
    request.ok = rows.at("failure", row) == 0;
    request.good = rows.at("good", row) != 0;
  }
  return requests;
}

const Record* record_of(const DossierContent& content, const Trial& trial, std::string_view metric,
                        std::string_view traffic_class) {
  for (const Record& record : content.records) {
    if (record.trial_id == trial.id && record.metric == metric &&
        record.conditions["traffic_class"].as_string() == traffic_class)
      return &record;
  }
  return nullptr;
}

std::optional<double> limit_of(const Json& conditions, const char* name) {
  const Json* limit = conditions.find(name);
  return limit == nullptr || !limit->is_number() ? std::nullopt : std::optional(limit->as_number());
}

ExportOffer offer_of(const DossierContent& content, const Trial& trial) {
  ExportOffer offer;
  for (const Json& url : trial.parameters["urls"].items()) offer.urls.push_back(url.as_string());
  if (offer.urls.empty()) offer.urls.push_back(trial.parameters["url"].as_string());
  if (const Record* rate = record_of(content, trial, "offered_rate_per_s", "all"); rate != nullptr) {
    const Json& conditions = rate->conditions;
    offer.model = conditions["model"].as_string();
    offer.api = conditions["api"].as_string();
    offer.arrivals = conditions["arrivals"].as_string();
    // What was asked for, as other tools write it; in a trace there is only what came of it.
    const Json& asked = rate->conditions["arrival_rate_per_s"];
    offer.rate_per_s = asked.is_number() ? std::optional(asked.as_number()) : rate->value;
    if (conditions.find("cv") != nullptr) offer.cv = conditions["cv"].as_number();
    offer.users = conditions["users"];
    offer.max_connections = conditions["max_connections"];
  }
  const Json& classes = trial.parameters["classes"];
  if (classes.items().size() != 1) return offer;
  const Record* slo = record_of(content, trial, "slo_attainment", classes.items()[0].as_string());
  if (slo == nullptr) return offer;
  offer.slo.ttft_ms = limit_of(slo->conditions, "slo_ttft_ms");
  offer.slo.tpot_ms = limit_of(slo->conditions, "slo_tpot_ms");
  offer.slo.e2e_ms = limit_of(slo->conditions, "slo_e2e_ms");
  offer.has_slo = offer.slo.ttft_ms || offer.slo.tpot_ms || offer.slo.e2e_ms;
  return offer;
}

// A class alone is no run of another tool's, and a search keeps no requests.
bool is_exported(const Trial& trial) {
  const std::string& phase = trial.parameters["phase"].as_string();
  return trial.exam == "load" && (phase == "mix" || phase == "sweep");
}

// Where each trial of a dossier goes, when the user has named one file: the mix of the only target there,
// others beside it. Other tools' files hold one run each.
class ExportPaths {
 public:
  ExportPaths(const DossierContent& content, const std::string& path) : path_(path) {
    for (const Trial& trial : content.trials) {
      if (is_exported(trial)) targets_.insert(trial.target);
    }
  }

  std::string of(const Trial& trial) const {
    std::string addition;
    const Json &rate = trial.parameters["sweep_rate_per_s"], &users = trial.parameters["sweep_users"];
    if (rate.is_number()) addition += fmt::format("-rate-{}", rate.as_number());
    if (users.is_number()) addition += fmt::format("-users-{}", users.as_integer());
    if (targets_.size() > 1) addition += "-" + of_file_name(trial.target);
    const size_t name = path_.find_last_of('/') == std::string::npos ? 0 : path_.find_last_of('/') + 1;
    const size_t dot = path_.find_last_of('.');
    const size_t end = dot == std::string::npos || dot <= name ? path_.size() : dot;
    return path_.substr(0, end) + addition + path_.substr(end);
  }

 private:
  static std::string of_file_name(std::string text) {
    for (char& c : text) {
      const bool is_plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
      if (!is_plain) c = '_';
    }
    return text;
  }

  std::string path_;
  std::set<std::string> targets_;
};

}  // namespace

Result<std::vector<std::string>> write_exports(const Dossier& dossier, const ExportFormat& format,
                                               const std::string& path) {
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  const ExportPaths paths(content, path);
  std::vector<std::string> written;
  for (const Trial& trial : content.trials) {
    if (!is_exported(trial)) continue;
    ASSIGN_OR_RETURN(const std::vector<Sample> samples, dossier.read_samples(trial.id));
    const std::optional<SampleRows> rows = sample_rows(trial, samples);
    if (!rows) continue;
    const std::string to = paths.of(trial);
    RETURN_IF_ERROR(format.write({.content = content,
                                  .trial = trial,
                                  .start_ns = rows->start_ns(),
                                  .wall_start_ns = rows->wall_start_ns(),
                                  .offer = offer_of(content, trial),
                                  .requests = requests_of(*rows)},
                                 to));
    written.push_back(to);
  }
  if (written.empty())
    return fail("no load trial of the mix or of a sweep left requests", path, "There is nothing to export.");
  return written;
}

Json export_mark(const ExportTrial& trial, const char* note) {
  // What throws doubt on its numbers is not known to the tool's own members.
  Json doubts = Json::array();
  for (const Finding& finding : trial.content.findings) {
    const bool is_doubt = finding.severity != Severity::kNote || finding.evidence[kFallsShort].as_bool();
    if (finding.trial_id == trial.trial.id && is_doubt) doubts.push(finding.code);
  }
  const bool is_void = std::ranges::any_of(trial.content.records, [&](const Record& record) {
    return record.trial_id == trial.trial.id && record.validity == Validity::kVoid;
  });
  return Json::object()
      .set("void", is_void)
      .set("doubts", std::move(doubts))
      .set("version", trial.content.run.assay_version)
      .set("dossier", trial.content.run.id)
      .set("trial", trial.trial.name)
      .set("note", note);
}

ExportLengths lengths_of(const ExportTrial& trial, int64_t ExportRequest::* tokens) {
  std::vector<double> lengths;
  for (const ExportRequest& request : trial.requests) {
    if (request.ok) lengths.push_back(static_cast<double>(std::max<int64_t>(1, request.*tokens)));
  }
  if (lengths.empty()) return {};
  const auto [least, most] = std::ranges::minmax(lengths);
  return {mean_of(lengths), deviation_of(lengths), static_cast<int64_t>(least), static_cast<int64_t>(most)};
}

double linear_percentile(std::span<const double> sorted, double p) {
  if (sorted.empty()) return 0;
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(place);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (place - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

double mean_of(std::span<const double> values) {
  return values.empty()
             ? 0
             : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation_of(std::span<const double> values) {
  const double middle = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - middle) * (value - middle);
  return values.empty() ? 0 : std::sqrt(squares / static_cast<double>(values.size()));
}

}  // namespace assay
