// Writing AIPerf's files; see aiperf_file.h.
#include "load/exports/aiperf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "load/exports/aiperf_metrics.h"
#include "load/exports/export_trial.h"
#include "load/sample_rows.h"
#include "os/os.h"

namespace assay {
namespace {

// A local version (PEP 440): readers that compare versions see 0.13.0.
constexpr const char* kFormVersion = "0.13.0+assay.";
constexpr const char* kSchemaVersion = "1.4";
constexpr size_t kAiperfFlushBytes = 1 << 20;

// As AIPerf writes it: no zone, microseconds. UTC.
std::string datetime_of(int64_t wall_ns) {
  const auto seconds = static_cast<std::time_t>(wall_ns / 1'000'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, wall_ns % 1'000'000'000 / 1000);
}

Json error_of(const std::string& outcome) {
  // As AIPerf tells the requests that it breaks off itself.
  if (outcome == name_of(FailureCause::kCancelledByPlan))
    return Json::object().set("code", 499).set("type", "RequestCancellationError").set("message", outcome);
  return Json::object().set("code", nullptr).set("type", outcome).set("message", outcome);
}

Json error_summary(const ExportTrial& trial) {
  std::map<std::string, int64_t> causes;
  for (const ExportRequest& request : trial.requests) {
    if (!request.ok) ++causes[request.outcome];
  }
  Json summary = Json::array();
  for (const auto& [cause, count] : causes)
    summary.push(Json::object().set("error_details", error_of(cause)).set("count", count));
  return summary;
}

// What was offered, as AIPerf's phase.
Json phase_of(const ExportTrial& trial) {
  const ExportOffer& offer = trial.offer;
  const auto requests = static_cast<int64_t>(trial.requests.size());
  Json phase = Json::object().set("name", "profiling").set("kind", "profiling");
  const bool has_rate = offer.rate_per_s.has_value();
  if (offer.arrivals == "closed" || offer.arrivals == "burst") {
    phase.set("type", "concurrency").set("requests", requests);
    return phase.set("concurrency", offer.arrivals == "closed" ? offer.users : Json(requests));
  }
  if (has_rate &&
      (offer.arrivals == "poisson" || offer.arrivals == "constant" || offer.arrivals == "gamma")) {
    phase.set("type", offer.arrivals).set("requests", requests).set("rate", *offer.rate_per_s);
    if (offer.arrivals == "gamma") phase.set("smoothness", 1 / (offer.cv * offer.cv));
    return phase;
  }
  return phase.set("type", "fixed_schedule").set("requests", requests);
}

// AIPerf wants a data set named: the lengths of what was sent and came back.
Json dataset_of(const ExportTrial& trial) {
  Json prompts = Json::object();
  prompts.set("isl", Json::object().set("mean", lengths_of(trial, &ExportRequest::prompt_tokens).mean));
  prompts.set("osl", Json::object().set("mean", lengths_of(trial, &ExportRequest::output_tokens).mean));
  return Json::object()
      .set("name", "main")
      .set("type", "synthetic")
      .set("entries", static_cast<int64_t>(trial.requests.size()))
      .set("random_seed", static_cast<int64_t>(trial.content.run.seed))
      .set("prompts", std::move(prompts));
}

Json input_config(const ExportTrial& trial) {
  const ExportOffer& offer = trial.offer;
  Json model = Json::object().set("name", offer.model), urls = Json::array();
  for (const std::string& url : offer.urls) urls.push(url);
  Json endpoint =
      Json::object().set("urls", std::move(urls)).set("type", offer.api).set("streaming", offer.streams);
  Json config = Json::object()
                    .set("models", Json::object().set("items", Json::array().push(std::move(model))))
                    .set("endpoint", std::move(endpoint))
                    .set("datasets", Json::array().push(dataset_of(trial)))
                    .set("phases", Json::array().push(phase_of(trial)));
  if (!offer.has_slo) return config;
  Json slos = Json::object();
  const auto limit = [&](const char* name, const std::optional<double>& value) {
    if (value) slos.set(name, *value);
  };
  limit("time_to_first_token", offer.slo.ttft_ms);
  limit("inter_token_latency", offer.slo.tpot_ms);
  limit("request_latency", offer.slo.e2e_ms);
  return config.set("slos", std::move(slos));
}

std::string benchmark_id(const ExportTrial& trial) {
  return trial.content.run.id.substr(0, 12);
}

Json summary_of(const ExportTrial& trial) {
  const auto slo = trial.offer.has_slo ? std::optional(trial.offer.slo) : std::nullopt;
  int64_t last_ns = 0;
  for (const ExportRequest& request : trial.requests) last_ns = std::max(last_ns, request.end_ns);
  const bool is_complete = trial.trial.state == TrialState::kDone;
  Json json = Json::object()
                  .set("schema_version", kSchemaVersion)
                  .set("aiperf_version", kFormVersion + trial.content.run.assay_version)
                  .set("benchmark_id", benchmark_id(trial));
  const Json metrics = aiperf_metrics(trial.requests, static_cast<double>(last_ns) * 1e-9, slo);
  for (const auto& [name, metric] : metrics.members()) json.append_member(name, metric);
  return json.set("input_config", input_config(trial))
      .set("run_info", Json::object()
                           .set("benchmark_id", benchmark_id(trial))
                           .set("random_seed", static_cast<int64_t>(trial.content.run.seed))
                           .set("trial", 0))
      .set("was_cancelled", false)
      .set("is_complete", is_complete)
      .set("error_summary", error_summary(trial))
      .set("start_time", datetime_of(trial.wall_start_ns))
      .set("end_time", datetime_of(trial.wall_start_ns + last_ns))
      .set("assay",
           export_mark(trial,
                       "Written by assay in the form of AIPerf 0.13 and with its definitions: times count "
                       "from the instant at which the client turned to a request; the dossier holds "
                       "latencies from the due instant, with intervals."));
}

Json record_of(const ExportTrial& trial, const ExportRequest& request, int64_t session_num) {
  const auto at = [&](int64_t at_ns) { return trial.wall_start_ns + at_ns; };
  const int64_t start_ns = request.dispatched_ns == 0 ? request.scheduled_ns : request.dispatched_ns;
  const bool has_end = request.ok && request.last_ns > 0;
  const std::string session = request.session == 0 ? fmt::format("assay-{}", request.id)
                                                   : fmt::format("assay-session-{}", request.session);
  Json metadata = Json::object()
                      .set("session_num", session_num)
                      .set("x_request_id", fmt::format("assay-{}", request.id))
                      .set("x_correlation_id", session)
                      .set("conversation_id", session)
                      .set("turn_index", request.turn)
                      .set("credit_issued_ns", at(request.scheduled_ns))
                      .set("request_start_ns", at(start_ns))
                      .set("request_end_ns", at(has_end ? request.last_ns : request.end_ns))
                      .set("worker_id", "assay " + trial.content.run.assay_version)
                      .set("record_processor_id", "assay dossier " + trial.content.run.id)
                      .set("benchmark_phase", "profiling")
                      .set("phase_index", 0)
                      .set("profiling_index", 0)
                      .set("phase_name", "profiling")
                      .set("phase_kind", "profiling")
                      .set("was_cancelled", request.is_cancelled());
  Json record =
      Json::object().set("metadata", std::move(metadata)).set("metrics", aiperf_record_metrics(request));
  if (!request.ok) record.set("error", error_of(request.outcome));
  return record;
}

Result<void> write_records(const ExportTrial& trial, const std::string& path) {
  ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
  std::string text;
  // The least of the other files' mark: a line is a request, not the run.
  const Json mark = Json::object().set("void", is_void(trial.content, trial.trial));
  int64_t session_num = 0;
  for (const ExportRequest& request : trial.requests) {
    text += record_of(trial, request, session_num++).set("assay", mark).dump() + "\n";
    if (text.size() < kAiperfFlushBytes) continue;
    RETURN_IF_ERROR(file.append(std::as_bytes(std::span(text))));
    text.clear();
  }
  RETURN_IF_ERROR(file.append(std::as_bytes(std::span(text))));
  return file.commit();
}

Result<void> write_summary(const ExportTrial& trial, const std::string& path) {
  return write_file_atomically(path, summary_of(trial).dump(2) + "\n");
}

}  // namespace

Result<void> write_aiperf_file(const ExportTrial& trial, const std::string& path) {
  return path.ends_with(".jsonl") ? write_records(trial, path) : write_summary(trial, path);
}

}  // namespace assay
