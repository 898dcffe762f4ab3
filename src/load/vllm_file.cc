// Writing vLLM's result file; see vllm_file.h.
#include "load/vllm_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "load/sample_rows.h"
#include "os/os.h"

namespace assay {
namespace {

// As numpy's default: linear between the closest ranks.
double percentile(const std::vector<double>& sorted, double p) {
  if (sorted.empty()) return 0;
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(place);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (place - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

double mean(const std::vector<double>& values) {
  return values.empty()
             ? 0
             : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  const double middle = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - middle) * (value - middle);
  return values.empty() ? 0 : std::sqrt(squares / static_cast<double>(values.size()));
}

void add_statistics(Json& json, const std::string& name, std::vector<double> seconds) {
  std::ranges::sort(seconds);
  for (double& value : seconds) value *= 1000;
  json.set(fmt::format("mean_{}_ms", name), mean(seconds));
  json.set(fmt::format("median_{}_ms", name), percentile(seconds, 0.5));
  json.set(fmt::format("std_{}_ms", name), deviation(seconds));
  json.set(fmt::format("p99_{}_ms", name), percentile(seconds, 0.99));
}

Json list_of(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push(value);
  return list;
}

// What vLLM keeps of each request, in its order and its units (seconds).
struct Requests {
  std::vector<double> ttft, e2e, start, queue;
  std::vector<double> tpot, pooled_gaps;  // of those that tell
  Json prompt_tokens = Json::array(), output_tokens = Json::array(), gaps = Json::array(),
       errors = Json::array();
  int64_t completed = 0, failed = 0, good = 0, prompt_total = 0, output_total = 0;
  int64_t first_sent_ns = 0, last_end_ns = 0;
};

Requests collect(const SampleRows& rows) {
  Requests all;
  size_t first_chunk = 0;
  for (size_t row = 0; row < rows.count(); ++row) {
    const std::span<const int64_t> chunks = rows.chunks_of(row, first_chunk);
    const int64_t sent = rows.at("sent_ns", row), last = rows.at("last_ns", row),
                  tokens = rows.at("output_tokens", row);
    const bool is_ok = rows.at("failure", row) == 0;
    ++(is_ok ? all.completed : all.failed);
    all.good += rows.at("good", row);
    if (sent > 0 && (all.first_sent_ns == 0 || sent < all.first_sent_ns)) all.first_sent_ns = sent;
    all.last_end_ns = std::max(all.last_end_ns, rows.at("end_ns", row));
    Json gaps = Json::array();
    for (size_t i = 1; i < chunks.size(); ++i) {
      const double gap_s = static_cast<double>(chunks[i] - chunks[i - 1]) * 1e-9;
      gaps.push(gap_s);
      if (is_ok) all.pooled_gaps.push_back(gap_s);
    }
    all.gaps.push(std::move(gaps));
    const auto seconds_after_send = [&](int64_t at_ns) {
      return is_ok ? static_cast<double>(at_ns - sent) * 1e-9 : 0;
    };
    all.ttft.push_back(seconds_after_send(rows.at("first_ns", row)));
    all.e2e.push_back(seconds_after_send(last));
    all.start.push_back(static_cast<double>(rows.start_ns() + sent) * 1e-9);
    all.queue.push_back(static_cast<double>(sent - rows.at("scheduled_ns", row)) * 1e-9);
    all.prompt_tokens.push(rows.at("prompt_tokens", row));
    all.output_tokens.push(is_ok ? tokens : 0);
    all.errors.push(is_ok ? std::string() : rows.outcome(row));
    if (!is_ok) continue;
    all.prompt_total += rows.at("prompt_tokens", row);
    all.output_total += tokens;
    if (tokens > 1) all.tpot.push_back((all.e2e.back() - all.ttft.back()) / static_cast<double>(tokens - 1));
  }
  return all;
}

// Of those that ended well.
std::vector<double> completed_only(const std::vector<double>& values, const Json& errors) {
  std::vector<double> kept;
  for (size_t i = 0; i < values.size(); ++i) {
    if (errors.items()[i].as_string().empty()) kept.push_back(values[i]);
  }
  return kept;
}

const Record* rate_record(const DossierContent& content, int64_t trial_id) {
  for (const Record& record : content.records) {
    if (record.trial_id == trial_id && record.metric == "offered_rate_per_s" &&
        record.conditions["traffic_class"].as_string() == "all")
      return &record;
  }
  return nullptr;
}

Json file_of(const DossierContent& content, const Trial& trial, const Requests& all) {
  const Record* rate = rate_record(content, trial.id);
  const Json none;
  const Json& conditions = rate == nullptr ? none : rate->conditions;
  const std::string arrivals = conditions["arrivals"].as_string();
  const double duration_s = std::max(1e-9, static_cast<double>(all.last_end_ns - all.first_sent_ns) * 1e-9);
  Json json = Json::object();
  json.set(
      "assay",
      Json::object()
          .set("version", content.run.assay_version)
          .set("dossier", content.run.id)
          .set("trial", trial.name)
          .set("note",
               "Written by assay in the form of vllm bench serve and with its definitions: ttft and e2el "
               "count from the send; the dossier holds latencies from the due instant, with intervals."));
  json.set("date", content.run.created_at).set("endpoint_type", "openai-" + conditions["api"].as_string());
  json.set("backend", "openai-" + conditions["api"].as_string()).set("label", Json());
  json.set("model_id", conditions["model"].as_string()).set("tokenizer_id", conditions["model"].as_string());
  json.set("num_prompts", static_cast<int64_t>(all.ttft.size()));
  const bool is_at_once = arrivals == "burst" || arrivals == "closed";
  json.set("request_rate", is_at_once || rate == nullptr || !rate->value ? Json("inf") : Json(*rate->value));
  const double cv = conditions.find("cv") == nullptr ? 1 : conditions["cv"].as_number();
  json.set("burstiness", 1 / (cv * cv));
  json.set("max_concurrency",
           conditions.find("users") != nullptr ? conditions["users"] : conditions["max_connections"]);
  json.set("duration", duration_s).set("completed", all.completed).set("failed", all.failed);
  json.set("total_input_tokens", all.prompt_total).set("total_output_tokens", all.output_total);
  const auto per_second = [&](int64_t count) { return static_cast<double>(count) / duration_s; };
  json.set("request_throughput", per_second(all.completed)).set("request_goodput", per_second(all.good));
  json.set("output_throughput", per_second(all.output_total));
  json.set("total_token_throughput", per_second(all.prompt_total + all.output_total));
  json.set("input_lens", all.prompt_tokens).set("output_lens", all.output_tokens);
  json.set("ttfts", list_of(all.ttft)).set("itls", all.gaps).set("latencies", list_of(all.e2e));
  json.set("start_times", list_of(all.start))
      .set("queue_times", list_of(all.queue))
      .set("errors", all.errors);
  add_statistics(json, "ttft", completed_only(all.ttft, all.errors));
  add_statistics(json, "tpot", all.tpot);
  add_statistics(json, "itl", all.pooled_gaps);
  add_statistics(json, "e2el", completed_only(all.e2e, all.errors));
  return json;
}

}  // namespace

Result<void> write_vllm_file(const Dossier& dossier, const std::string& path) {
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  for (const Trial& trial : content.trials) {
    if (trial.exam != "load" || trial.parameters["phase"].as_string() != "mix") continue;
    ASSIGN_OR_RETURN(const std::vector<Sample> samples, dossier.read_samples(trial.id));
    const std::optional<SampleRows> rows = sample_rows(trial, samples);
    if (rows) return write_file_atomically(path, file_of(content, trial, collect(*rows)).dump() + "\n");
  }
  return fail("no load trial of the mix left requests", path, "There is nothing to export.");
}

}  // namespace assay
