// Reading a trial for export; see export_trial.h.
#include "load/exports/export_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "load/sample_rows.h"
#include "os/os.h"

namespace assay {
namespace {

const Record* record_of(const DossierContent& content, const Trial& trial, std::string_view metric,
                        std::string_view traffic_class) {
  for (const Record& record : content.records) {
    if (record.trial_id == trial.id && record.metric == metric &&
        record.conditions["traffic_class"].as_string() == traffic_class)
      return &record;
  }
  return nullptr;
}

// Which classes go into a file. The other tools measure one kind of requests at a time, and their latencies
// are those of streams: answers that come at once would be put into their distributions as first tokens.
struct ExportClasses {
  std::vector<std::string> names;                  // of the trial
  std::vector<bool> is_kept;                       // by name
  std::vector<std::string> kept, left_out, kinds;  // kinds: of those kept, each once
  bool streams = true;

  bool keeps(int64_t index) const {
    return index < 0 || index >= static_cast<int64_t>(is_kept.size()) || is_kept[static_cast<size_t>(index)];
  }
};

std::string kind_of_class(const DossierContent& content, const Trial& trial, const std::string& name) {
  const Record* record = record_of(content, trial, "error_rate", name);
  if (record == nullptr) record = record_of(content, trial, "offered_rate_per_s", "all");
  if (record == nullptr) return "";
  const std::string& kind = record->conditions["request_kind"].as_string();
  return kind.empty() ? record->conditions["api"].as_string() : kind;
}

ExportClasses classes_of(const DossierContent& content, const Trial& trial) {
  ExportClasses classes;
  std::vector<std::string> kinds;
  std::vector<bool> streams;
  for (const Json& name : trial.parameters["classes"].items()) {
    classes.names.push_back(name.as_string());
    kinds.push_back(kind_of_class(content, trial, name.as_string()));
    const RequestKindRow* kind = find_request_kind(kinds.back());
    streams.push_back(kind == nullptr || kind->streams);
  }
  classes.streams = streams.empty() || std::ranges::find(streams, true) != streams.end();
  for (size_t i = 0; i < kinds.size(); ++i) {
    classes.is_kept.push_back(streams[i] == classes.streams);
    (classes.is_kept[i] ? classes.kept : classes.left_out).push_back(classes.names[i]);
    if (classes.is_kept[i] && std::ranges::find(classes.kinds, kinds[i]) == classes.kinds.end())
      classes.kinds.push_back(kinds[i]);
  }
  return classes;
}

std::vector<ExportRequest> requests_of(const SampleRows& rows, const ExportClasses& classes) {
  std::vector<ExportRequest> requests;
  requests.reserve(rows.count());
  size_t first_chunk = 0;
  for (size_t row = 0; row < rows.count(); ++row) {
    const std::span<const int64_t> chunk_ns = rows.chunks_of(row, first_chunk);
    if (!classes.keeps(rows.at("class", row))) continue;
    ExportRequest& request = requests.emplace_back();
    request.id = rows.at("id", row);
    request.session = rows.at("session", row);
    request.turn = rows.at("turn", row);
    request.scheduled_ns = rows.at("scheduled_ns", row);
    request.dispatched_ns = rows.at("dispatched_ns", row);
    request.sent_ns = rows.at("sent_ns", row);
    request.last_ns = rows.at("last_ns", row);
    request.end_ns = rows.at("end_ns", row);
    request.prompt_tokens = rows.at("prompt_tokens", row);
    request.output_tokens = rows.at("output_tokens", row);
    if (classes.streams) {
      request.first_ns = rows.at("first_ns", row);
      request.first_output_ns = rows.at("first_output_ns", row);
      request.chunk_ns = chunk_ns;
    }
    request.outcome = rows.outcome(row);
    request.ok = rows.at("failure", row) == 0;
    request.good = rows.at("good", row) != 0;
  }
  return requests;
}

// What these classes offered together.
std::optional<double> rate_of(const DossierContent& content, const Trial& trial,
                              std::span<const std::string> names) {
  double sum = 0;
  for (const std::string& name : names) {
    const Record* rate = record_of(content, trial, "offered_rate_per_s", name);
    if (rate == nullptr || !rate->value) return std::nullopt;
    sum += *rate->value;
  }
  return sum;
}

std::optional<double> limit_of(const Json& conditions, const char* name) {
  const Json* limit = conditions.find(name);
  return limit == nullptr || !limit->is_number() ? std::nullopt : std::optional(limit->as_number());
}

// What the file cannot tell by its own members.
std::vector<std::string> doubts_of(const ExportClasses& classes, std::span<const ExportRequest> requests) {
  std::vector<std::string> doubts;
  if (!classes.left_out.empty())
    doubts.push_back(
        fmt::format("export.classes-left-out: {}, whose answers come at once", join(classes.left_out, ", ")));
  if (classes.kinds.size() > 1)
    doubts.push_back(fmt::format("export.kinds-mixed: {}", join(classes.kinds, ", ")));
  const auto broken_off = std::ranges::count_if(
      requests, [](const ExportRequest& request) { return request.is_cancelled_by_plan(); });
  if (broken_off > 0)
    doubts.push_back(fmt::format("export.cancelled-by-plan: {}", counted(broken_off, "request")));
  return doubts;
}

ExportOffer offer_of(const DossierContent& content, const Trial& trial, const ExportClasses& classes) {
  ExportOffer offer;
  for (const Json& url : trial.parameters["urls"].items()) offer.urls.push_back(url.as_string());
  if (offer.urls.empty()) offer.urls.push_back(trial.parameters["url"].as_string());
  if (const Record* rate = record_of(content, trial, "offered_rate_per_s", "all"); rate != nullptr) {
    const Json& conditions = rate->conditions;
    offer.model = conditions["model"].as_string();
    offer.api = classes.kinds.empty() ? conditions["api"].as_string() : classes.kinds[0];
    offer.arrivals = conditions["arrivals"].as_string();
    // What was asked for, as other tools write it; in a trace there is only what came of it.
    const Json& asked = rate->conditions["arrival_rate_per_s"];
    offer.rate_per_s = asked.is_number() ? std::optional(asked.as_number()) : rate->value;
    if (!classes.left_out.empty()) offer.rate_per_s = rate_of(content, trial, classes.kept);
    if (conditions.find("cv") != nullptr) offer.cv = conditions["cv"].as_number();
    offer.users = conditions["users"];
    offer.max_connections = conditions["max_connections"];
  }
  offer.streams = classes.streams;
  if (classes.kept.size() != 1) return offer;
  const Record* slo = record_of(content, trial, "slo_attainment", classes.kept[0]);
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

  Result<std::string> of(const Trial& trial) const {
    const std::string addition = addition_of(trial);
    // Beside a device or a pipe there is no place, and in it one file would run into the next.
    ASSIGN_OR_RETURN(const OutputPlace place, output_place(path_));
    if (place.is_special && !addition.empty())
      return fail("this is no regular file, and several trials need a file each", path_,
                  "Name a regular file: the others are written beside it.");
    const size_t name = path_.find_last_of('/') == std::string::npos ? 0 : path_.find_last_of('/') + 1;
    const size_t dot = path_.find_last_of('.');
    const size_t end = dot == std::string::npos || dot <= name ? path_.size() : dot;
    return path_.substr(0, end) + addition + path_.substr(end);
  }

 private:
  std::string addition_of(const Trial& trial) const {
    std::string addition;
    const Json &rate = trial.parameters["sweep_rate_per_s"], &users = trial.parameters["sweep_users"];
    if (rate.is_number()) addition += fmt::format("-rate-{}", rate.as_number());
    if (users.is_number()) addition += fmt::format("-users-{}", users.as_integer());
    if (targets_.size() > 1) addition += "-" + of_file_name(trial.target);
    return addition;
  }

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
    ASSIGN_OR_RETURN(const std::string to, paths.of(trial));
    const ExportClasses classes = classes_of(content, trial);
    std::vector<ExportRequest> requests = requests_of(*rows, classes);
    std::vector<std::string> doubts = doubts_of(classes, requests);
    RETURN_IF_ERROR(format.write({.content = content,
                                  .trial = trial,
                                  .start_ns = rows->start_ns(),
                                  .wall_start_ns = rows->wall_start_ns(),
                                  .offer = offer_of(content, trial, classes),
                                  .requests = std::move(requests),
                                  .doubts = std::move(doubts)},
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
  for (const std::string& doubt : trial.doubts) doubts.push(doubt);
  return Json::object()
      .set("void", is_void(trial.content, trial.trial))
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
