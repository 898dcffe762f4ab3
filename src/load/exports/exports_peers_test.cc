// Our files and our reckoning against real result files of the tools, where those lie beside the repository.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "load/exports/aiperf_metrics.h"
#include "load/exports/exports_fixture.h"
#include "load/exports/guidellm_metrics.h"

namespace assay::exports_peers_test {

class ExportsAgainstPeers : public ExportsTest {
 protected:
  // Skips the test, saying so, where the file is absent.
  static std::string peer_text(const std::string& name) {
    const char* folder = std::getenv("ASSAY_PEERS");
    const std::string path =
        (folder == nullptr ? ASSAY_SOURCE_DIR "/../shared/data/peers" : std::string(folder)) + "/" + name;
    return read_file(path, 1 << 26).value_or("");
  }
  static Json peer(const std::string& name) { return Json::parse(peer_text(name), name).value_or(Json()); }

  // All three requests end well: a run without errors, as those of the tools were.
  void commit_good() {
    Columns columns = requests();
    for (Column& column : columns.columns) {
      if (column.name == "failure") column.integers = {0, 0, 0};
      if (column.name == "sent_ns") column.integers[1] = 2'300'000;
      if (column.name == "first_ns" || column.name == "first_output_ns") column.integers[1] = 2'400'000;
      if (column.name == "last_ns") column.integers[1] = 2'400'000;
      if (column.name == "output_tokens") column.integers[1] = 1;
    }
    commit(offer("closed").set("users", 8), 0, columns);
  }

  static const char* type_of(const Json& json) {
    return json.is_bool()     ? "boolean"
           : json.is_number() ? "number"
           : json.is_string() ? "string"
           : json.is_array()  ? "array"
                              : "object";
  }

  // Every member that we write exists there with the same type. Null stands where a value is unknown. Lists
  // are compared by their first items; what the user names is free.
  static void expect_within(const Json& ours, const Json& theirs, const std::string& path) {
    if (path == "/assay" || path == "/config/metadata/labels") return;
    if (ours.is_null() || theirs.is_null()) return;
    ASSERT_STREQ(type_of(ours), type_of(theirs)) << path;
    if (ours.is_array() && !ours.items().empty() && !theirs.items().empty())
      expect_within(ours.items()[0], theirs.items()[0], path + "/0");
    for (const auto& [name, value] : ours.members()) {
      if (path.empty() && name == "assay") continue;
      const Json* there = theirs.find(name);
      ASSERT_NE(there, nullptr) << path << "/" << name << " is not in the tool's own file";
      expect_within(value, *there, path + "/" + name);
    }
  }

  // Numbers of `ours` equal those of `theirs`, member by member; what ours leaves null is passed over.
  static void expect_equal(const Json& ours, const Json& theirs, const std::string& path, double relative) {
    if (ours.is_null()) return;
    if (ours.is_number()) {
      const double wanted = theirs.as_number(NAN), tolerance = relative * std::max(1e-3, std::abs(wanted));
      EXPECT_NEAR(ours.as_number(), wanted, tolerance) << path;
      return;
    }
    for (const auto& [name, value] : ours.members())
      expect_equal(value, theirs[name], path + "/" + name, relative);
  }

  static std::optional<double> time_of(const Json& json) {
    return json.is_number() ? std::optional(json.as_number()) : std::nullopt;
  }
};

TEST_F(ExportsAgainstPeers, GuidellmFileHasNoMemberThatGuidellmHasNot) {
  const Json theirs = peer("guidellm/benchmarks.json");
  if (theirs.is_null()) GTEST_SKIP() << "no peers/guidellm/benchmarks.json beside the repository";
  commit_good();
  expect_within(exported("guidellm"), theirs, "");
}

TEST_F(ExportsAgainstPeers, AiperfFilesHaveNoMemberThatAiperfHasNot) {
  const Json theirs = peer("aiperf/profile_export_aiperf.json");
  if (theirs.is_null()) GTEST_SKIP() << "no peers/aiperf/profile_export_aiperf.json beside the repository";
  commit_good();
  expect_within(exported("aiperf"), theirs, "");
  const std::string ours = text("aiperf", "out.jsonl"), records = peer_text("aiperf/profile_export.jsonl");
  const Json first_ours = Json::parse(ours.substr(0, ours.find('\n')), "ours").value_or(Json());
  const Json first_theirs = Json::parse(records.substr(0, records.find('\n')), "theirs").value_or(Json());
  ASSERT_TRUE(first_ours.is_object() && first_theirs.is_object());
  expect_within(first_ours, first_theirs, "");
}

TEST_F(ExportsAgainstPeers, VllmFileHasNoMemberThatVllmHasNot) {
  const Json theirs = peer("vllm/bench-serve.json");
  if (theirs.is_null()) GTEST_SKIP() << "no peers/vllm/bench-serve.json beside the repository";
  commit_good();
  const Json ours = exported("vllm");
  expect_within(ours, theirs, "");
  EXPECT_EQ(ours["date"].as_string().size(), theirs["date"].as_string().size());
  for (const char* name : {"endpoint_type", "backend", "request_rate"})
    EXPECT_EQ(ours[name].as_string(), theirs[name].as_string()) << name;
  for (const char* name : {"max_concurrency", "label", "request_goodput"})
    EXPECT_EQ(ours[name].is_null(), theirs[name].is_null()) << name;
}

TEST_F(ExportsAgainstPeers, VllmsOwnRequestsGiveVllmsMetrics) {
  const Json theirs = peer("vllm/bench-serve.json");
  if (theirs.is_null()) GTEST_SKIP() << "no peers/vllm/bench-serve.json beside the repository";
  const Json::Array& starts = theirs["start_times"].items();
  ASSERT_EQ(starts.size(), 80U);
  const auto seconds_of = [&](const char* list, size_t i) { return theirs[list].items()[i].as_number(); };
  const auto ns = [](double seconds) { return std::llround(seconds * 1e9); };
  double base_s = seconds_of("start_times", 0);
  for (const Json& start : starts) base_s = std::min(base_s, start.as_number() - 1);
  std::map<std::string, std::vector<int64_t>> rows;
  std::vector<int64_t> chunk_ns;
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t sent = ns(seconds_of("start_times", i) - base_s);
    const int64_t first = sent + ns(seconds_of("ttfts", i)), last = sent + ns(seconds_of("latencies", i));
    const Json::Array& gaps = theirs["itls"].items()[i].items();
    chunk_ns.push_back(first);
    for (const Json& gap : gaps) chunk_ns.push_back(chunk_ns.back() + ns(gap.as_number()));
    for (const auto& [name, value] : {std::pair<const char*, int64_t>{"id", static_cast<int64_t>(i)},
                                      {"scheduled_ns", sent - ns(seconds_of("queue_times", i))},
                                      {"dispatched_ns", sent},
                                      {"sent_ns", sent},
                                      {"first_ns", first},
                                      {"first_output_ns", first},
                                      {"last_ns", last},
                                      {"end_ns", last},
                                      {"prompt_tokens", theirs["input_lens"].items()[i].as_integer()},
                                      {"output_tokens", theirs["output_lens"].items()[i].as_integer()},
                                      {"chunks", static_cast<int64_t>(gaps.size() + 1)},
                                      {"class", 0},
                                      {"failure", 0},
                                      {"in_window", 1},
                                      {"good", 1}})
      rows[name].push_back(value);
  }
  Columns columns;
  for (const auto& [name, values] : rows) columns.add(name, values);
  commit_trial(1, offer("closed").set("users", 8), 0, columns, chunk_ns);
  const Json ours = exported("vllm");
  for (const char* name : {"completed", "failed", "total_input_tokens", "total_output_tokens"})
    EXPECT_EQ(ours[name].as_integer(), theirs[name].as_integer()) << name;
  for (const char* metric : {"ttft", "tpot", "itl", "e2el"}) {
    for (const char* statistic : {"mean", "median", "std", "p99"}) {
      const std::string name = std::string(statistic) + "_" + metric + "_ms";
      // Our stamps are whole nanoseconds.
      EXPECT_NEAR(ours[name].as_number(), theirs[name].as_number(), 1e-4) << name;
    }
  }
  // Its clock stops a little after the last answer.
  EXPECT_NEAR(ours["duration"].as_number(), theirs["duration"].as_number(), 0.02);
}

TEST_F(ExportsAgainstPeers, GuidellmsOwnRequestsGiveGuidellmsMetrics) {
  const Json theirs = peer("guidellm/benchmarks.json");
  if (theirs.is_null()) GTEST_SKIP() << "no peers/guidellm/benchmarks.json beside the repository";
  const Json& benchmark = at(theirs, "benchmarks/0");
  std::vector<GuidellmRequest> requests;
  for (const Json& each : at(benchmark, "requests/successful").items()) {
    const Json& timings = at(each, "info/timings");
    requests.push_back({.targeted_s = time_of(timings["targeted_start"]),
                        .resolve_s = timings["resolve_start"].as_number(),
                        .sent_s = time_of(timings["request_start"]),
                        .first_s = time_of(timings["first_token_iteration"]),
                        .first_output_s = time_of(timings["first_output_token_iteration"]),
                        .last_s = time_of(timings["last_token_iteration"]),
                        .end_s = timings["request_end"].as_number(),
                        .prompt_tokens = each["prompt_tokens"].as_integer(),
                        .output_tokens = each["output_tokens"].as_integer(),
                        .chunks = timings["token_iterations"].as_integer()});
    EXPECT_EQ(requests.back().time_per_output_token_ms(), time_of(each["time_per_output_token_ms"]));
    EXPECT_EQ(requests.back().inter_token_latency_ms(), time_of(each["inter_token_latency_ms"]));
    EXPECT_EQ(requests.back().ttft_ms(), time_of(each["time_to_first_token_ms"]));
    EXPECT_EQ(requests.back().latency_s(), time_of(each["request_latency"]));
  }
  ASSERT_EQ(requests.size(), 80U);
  const Json ours = guidellm_metrics(
      requests, {.window = {benchmark["start_time"].as_number(), benchmark["end_time"].as_number()},
                 .defines_arrival_schedule = false,
                 .slo = std::nullopt});
  for (const auto& [name, value] : ours.members()) {
    // Counts every event of a stream, which assay does not keep.
    if (name != "request_streaming_iterations_count")
      expect_equal(value, at(benchmark, "metrics/" + name), name, 1e-9);
  }
  const Json delay = guidellm_root_dispatch_delay(requests);
  expect_equal(delay, at(benchmark, "metrics/root_dispatch_delay"), "root_dispatch_delay", 1e-9);
}

TEST_F(ExportsAgainstPeers, AiperfsOwnRecordsGiveAiperfsMetrics) {
  const Json theirs = peer("aiperf/profile_export_aiperf.json");
  const std::string lines = peer_text("aiperf/profile_export.jsonl");
  if (theirs.is_null() || lines.empty()) GTEST_SKIP() << "no peers/aiperf beside the repository";
  std::vector<Json> records;
  for (const std::string_view line : split(lines, '\n')) {
    if (!line.empty()) records.push_back(Json::parse(line, "profile_export.jsonl").value_or(Json()));
  }
  ASSERT_EQ(records.size(), 80U);
  int64_t base_ns = at(records[0], "metadata/credit_issued_ns").as_integer() - 1;
  for (const Json& record : records)
    base_ns = std::min(base_ns, at(record, "metadata/credit_issued_ns").as_integer() - 1);
  std::vector<std::vector<int64_t>> chunks(records.size());
  std::vector<ExportRequest> requests;
  for (size_t i = 0; i < records.size(); ++i) {
    const Json& metrics = records[i]["metrics"];
    const auto ns = [&](const char* name) { return std::llround(metrics[name]["value"].as_number() * 1e6); };
    ExportRequest request{.id = static_cast<int64_t>(i), .outcome = "ok", .ok = true};
    request.scheduled_ns = at(records[i], "metadata/credit_issued_ns").as_integer() - base_ns;
    request.dispatched_ns = at(records[i], "metadata/request_start_ns").as_integer() - base_ns;
    request.first_ns = request.dispatched_ns + ns("time_to_first_token");
    request.first_output_ns = request.dispatched_ns + ns("time_to_first_output_token");
    request.last_ns = request.dispatched_ns + ns("request_latency");
    request.prompt_tokens = metrics["input_sequence_length"]["value"].as_integer();
    request.output_tokens = metrics["output_sequence_length"]["value"].as_integer();
    chunks[i].push_back(request.first_ns);
    for (const Json& gap_ms : metrics["inter_chunk_latency"]["value"].items())
      chunks[i].push_back(chunks[i].back() + std::llround(gap_ms.as_number() * 1e6));
    request.chunk_ns = chunks[i];
    const Json ours = aiperf_record_metrics(request);
    for (const auto& [name, value] : ours.members()) expect_equal(value, metrics[name], name, 1e-9);
    requests.push_back(request);
  }
  // From its own start_time and end_time: of one minute, right to a microsecond.
  const auto second_of_minute = [&](const char* name) {
    return parse_number(theirs[name].as_string().substr(17)).value_or(NAN);
  };
  const double observed_s = second_of_minute("end_time") - second_of_minute("start_time");
  const Json ours = aiperf_metrics(requests, observed_s, std::nullopt);
  EXPECT_GE(ours.members().size(), 24U);
  // AIPerf takes the delays from issue as differences of doubles of 1.8e18 ns, which are right to 256 ns, and
  // rounds the duration's instants likewise.
  for (const auto& [name, value] : ours.members()) {
    const bool is_coarse = name == "credit_to_start_latency" || name == "effective_latency";
    const double relative = is_coarse                                                      ? 2e-3
                            : name.ends_with("throughput") || name == "benchmark_duration" ? 1e-6
                                                                                           : 1e-8;
    expect_equal(value, theirs[name], name, relative);
  }
}

}  // namespace assay::exports_peers_test
