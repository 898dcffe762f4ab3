// The result files of other tools, made of three requests, against what each tool's definitions give by hand.
#include "load/exports/exports.h"

#include <algorithm>

#include "load/exports/exports_fixture.h"
#include "workload/request.h"

namespace assay::exports_test {

TEST_F(ExportsTest, FormatsHaveNamesAndTitlesOfTheirOwn) {
  EXPECT_EQ(export_formats().size(), 3U);
  for (const ExportFormat& format : export_formats()) EXPECT_EQ(find_export_format(format.name), &format);
  EXPECT_EQ(find_export_format("vllm2"), nullptr);
}

TEST_F(ExportsTest, NothingIsWrittenOfARunWithoutRequests) {
  for (const ExportFormat& format : export_formats()) {
    const Result<std::vector<std::string>> written = write_exports(*dossier_, format, folder_ + "/none");
    ASSERT_FALSE(written);
    EXPECT_THAT(written.error().message(), testing::HasSubstr("no load trial of the mix or of a sweep left"));
    EXPECT_FALSE(read_file(folder_ + "/none", 1));
  }
}

TEST_F(ExportsTest, AFullDiskIsToldAndLeavesNoFile) {
  commit();
  for (const ExportFormat& format : export_formats())
    EXPECT_FALSE(write_exports(*dossier_, format, "/dev/full/x")) << format.name;
}

// Other tools' files hold one run each.
TEST_F(ExportsTest, EachPointOfASweepHasAFileOfItsOwn) {
  std::vector<Trial> trials = {trial(1, "t", "mix"), trial(2, "t", "alone"), trial(3, "t", "sweep"),
                               trial(4, "t", "sweep"), trial(5, "t", "capacity")};
  trials[2].parameters.set("sweep_rate_per_s", 2.5);
  trials[3].parameters.set("sweep_users", 16);
  create(trials);
  for (const int64_t id : {1, 2, 3, 4}) commit_trial(id, offer("poisson"), 0, requests());
  const auto written = write_exports(*dossier_, *find_export_format("vllm"), folder_ + "/absent/out.json");
  EXPECT_FALSE(written) << "there is no such folder";
  ASSERT_TRUE(make_directories(folder_ + "/a.b"));
  const auto again = write_exports(*dossier_, *find_export_format("vllm"), folder_ + "/a.b/out.json");
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_THAT(*again, testing::ElementsAre(folder_ + "/a.b/out.json", folder_ + "/a.b/out-rate-2.5.json",
                                           folder_ + "/a.b/out-users-16.json"));
  for (const std::string& path : *again) {
    EXPECT_TRUE(read_file(path, 1 << 22)) << path;
    remove_file(path);
  }
}

TEST_F(ExportsTest, OfSeveralTargetsEachHasAFileOfItsOwn) {
  create({trial(1, "a b", "mix"), trial(2, "127.0.0.1:8000", "mix")});
  for (const int64_t id : {1, 2}) commit_trial(id, offer("poisson"), 0, requests());
  const auto written = write_exports(*dossier_, *find_export_format("aiperf"), folder_ + "/out");
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_THAT(*written, testing::ElementsAre(folder_ + "/out-a_b", folder_ + "/out-127.0.0.1_8000"));
}

TEST_F(ExportsTest, ColumnsThatLieAboutEachOtherBreakNoFile) {
  Columns hostile = requests();
  for (Column& column : hostile.columns) {
    if (column.name == "chunks") column.integers = {1'000'000'000'000, -5, 7};
    if (column.name == "failure") column.integers = {99, -1, 8};
    if (column.name == "first_ns") column.integers.clear();
    if (column.name == "output_tokens") column.integers = {-3, 1'000'000'000'000, 0};
  }
  commit(Json::object(), 0, hostile);
  for (const ExportFormat& format : export_formats())
    EXPECT_TRUE(exported(format.name).is_object()) << format.name;
  EXPECT_EQ(std::ranges::count(text("aiperf", "out.jsonl"), '\n'), 3);
}

// As those tools write down what they were told, not what a random draw made of it.
TEST_F(ExportsTest, TheRateIsTheOneThatWasAskedFor) {
  commit(offer("poisson").set("arrival_rate_per_s", 480), 0);
  EXPECT_EQ(exported("vllm")["request_rate"].as_number(), 480);
}

// The members that a result file of vllm bench serve 0.32 has and readers of it use.
TEST_F(ExportsTest, TheFileOfVllmHasItsMembersByItsDefinitions) {
  commit();
  const Json json = exported("vllm");
  for (const char* name : {"date",
                           "endpoint_type",
                           "backend",
                           "model_id",
                           "tokenizer_id",
                           "num_prompts",
                           "request_rate",
                           "burstiness",
                           "max_concurrency",
                           "duration",
                           "completed",
                           "failed",
                           "total_input_tokens",
                           "total_output_tokens",
                           "request_throughput",
                           "request_goodput",
                           "output_throughput",
                           "total_token_throughput",
                           "input_lens",
                           "output_lens",
                           "ttfts",
                           "itls",
                           "latencies",
                           "start_times",
                           "queue_times",
                           "errors",
                           "mean_ttft_ms",
                           "median_ttft_ms",
                           "std_ttft_ms",
                           "p99_ttft_ms",
                           "mean_tpot_ms",
                           "mean_itl_ms",
                           "p99_itl_ms",
                           "mean_e2el_ms",
                           "p99_e2el_ms",
                           "assay"}) {
    EXPECT_NE(json.find(name), nullptr) << name;
  }
  EXPECT_EQ(json["completed"].as_integer(), 2);
  EXPECT_EQ(json["failed"].as_integer(), 1);
  EXPECT_EQ(json["request_rate"].as_number(), 500);
  EXPECT_EQ(at(json, "errors/1").as_string(), "refused");
  // From the sends at 1.1 and 4.2 ms to the first chunks at 3 and 6.2 ms, the last at 7 and 10.2 ms.
  EXPECT_NEAR(json["mean_ttft_ms"].as_number(), 1.95, 1e-9);
  EXPECT_NEAR(json["mean_e2el_ms"].as_number(), 5.95, 1e-9);
  EXPECT_NEAR(json["mean_tpot_ms"].as_number(), 1.5, 1e-9);
  EXPECT_NEAR(json["mean_itl_ms"].as_number(), 1.6, 1e-9);
  EXPECT_NEAR(at(json, "queue_times/0").as_number(), 1e-4, 1e-12);
  EXPECT_NEAR(at(json, "start_times/0").as_number(), 100.0011, 1e-9);
  EXPECT_NEAR(json["duration"].as_number(), 0.0093, 1e-9);
}

// As the file of vllm bench serve has them.
TEST_F(ExportsTest, TheFileOfVllmSaysWhatWasAskedInVllmsWords) {
  commit(offer("poisson"), 0);
  const Json open = exported("vllm");
  EXPECT_EQ(open["date"].as_string(), "20261124-030032");
  EXPECT_EQ(open["backend"].as_string(), "openai-chat");
  EXPECT_EQ(open["endpoint_type"].as_string(), "openai-chat");
  EXPECT_TRUE(open["max_concurrency"].is_null());
  EXPECT_TRUE(open["request_goodput"].is_null());
  create({trial(1, "t", "mix")});
  commit(offer("closed").set("users", 8).set("api", "completions"), 1.5);
  const Json closed = exported("vllm");
  EXPECT_EQ(closed["backend"].as_string(), "openai");
  EXPECT_EQ(closed["max_concurrency"].as_integer(), 8);
  EXPECT_EQ(closed["request_rate"].as_string(), "inf");
  // Of 2 ms and 1 ms a token one keeps 1.5 ms.
  EXPECT_NEAR(closed["request_goodput"].as_number(), 1 / 0.0093, 1e-6);
  create({trial(1, "t", "mix")});
  commit(offer("burst").set("api", "rerank"), 0);
  EXPECT_EQ(exported("vllm")["backend"].as_string(), "vllm-rerank");
}

// Distributions of first tokens are none of answers that come at once.
TEST_F(ExportsTest, OfAMixThereAreTheClassesThatStreamAndWhatIsNotThereIsSaid) {
  Trial mix = trial(1, "t", "mix");
  mix.parameters.set("classes", Json::array().push("chat").push("vectors"));
  create({mix});
  Columns columns = requests();
  for (Column& column : columns.columns) {
    if (column.name == "class") column.integers = {0, 1, 1};
  }
  const auto of_class = [](const char* name, const char* kind) {
    return Json::object().set("traffic_class", name).set("request_kind", kind).set("api", "chat");
  };
  conditions_ = {of_class("chat", "chat"), of_class("vectors", "embeddings")};
  commit(offer("poisson"), 1.5, columns);
  const Json vllm = exported("vllm");
  EXPECT_EQ(vllm["num_prompts"].as_integer(), 1);
  EXPECT_EQ(vllm["backend"].as_string(), "openai-chat");
  EXPECT_EQ(at(vllm, "assay/doubts/0").as_string(),
            "export.classes-left-out: vectors, whose answers come at once");
  EXPECT_EQ(at(exported("guidellm"), "benchmarks/0/metrics/request_totals/total").as_integer(), 1);
  EXPECT_EQ(at(exported("aiperf"), "completed_request_count/avg").as_number(), 1);
  EXPECT_EQ(std::ranges::count(text("aiperf", "out.jsonl"), '\n'), 1);
}

TEST_F(ExportsTest, AnswersThatComeAtOnceHaveNoFirstTokens) {
  conditions_ = {Json::object().set("traffic_class", "chat").set("request_kind", "embeddings")};
  commit(offer("poisson"), 0);
  const Json vllm = exported("vllm");
  EXPECT_EQ(vllm["backend"].as_string(), "openai-embeddings");
  EXPECT_EQ(vllm.find("mean_ttft_ms"), nullptr);
  EXPECT_EQ(vllm.find("itls"), nullptr);
  EXPECT_NEAR(vllm["mean_e2el_ms"].as_number(), 5.95, 1e-9);
  const Json aiperf = exported("aiperf");
  EXPECT_EQ(aiperf.find("time_to_first_token"), nullptr);
  EXPECT_EQ(at(aiperf, "input_config/endpoint/streaming").as_bool(), false);
  EXPECT_EQ(at(exported("guidellm"), "config/spec/backend/request_format").as_string(), "/v1/embeddings");
}

TEST_F(ExportsTest, RequestsBrokenOffByPlanAreNoFailures) {
  Columns columns = requests();
  for (Column& column : columns.columns) {
    if (column.name == "failure") column.integers[1] = static_cast<int64_t>(FailureCause::kCancelledByPlan);
  }
  commit(offer("poisson"), 0, columns);
  const Json vllm = exported("vllm"), guidellm = exported("guidellm"), aiperf = exported("aiperf");
  EXPECT_EQ(vllm["num_prompts"].as_integer(), 2);
  EXPECT_EQ(vllm["failed"].as_integer(), 0);
  EXPECT_EQ(at(vllm, "assay/doubts/0").as_string(), "export.cancelled-by-plan: 1 request");
  EXPECT_EQ(at(guidellm, "benchmarks/0/metrics/request_totals/errored").as_integer(), 0);
  EXPECT_EQ(at(guidellm, "benchmarks/0/metrics/request_totals/incomplete").as_integer(), 1);
  EXPECT_EQ(at(aiperf, "error_summary/0/error_details/code").as_integer(), 499);
  EXPECT_EQ(at(aiperf, "assay/doubts").items().size(), 1U);
}

TEST_F(ExportsTest, GuidellmCountsFromTheSendAndPutsTheFirstTokenIntoItsTpot) {
  commit(offer("poisson"), 1.5);
  const Json json = exported("guidellm");
  EXPECT_EQ(at(json, "metadata/version").as_integer(), 2);
  EXPECT_EQ(at(json, "metadata/guidellm_version").as_string(), "0.8.1+assay.0.1.0");
  EXPECT_EQ(at(json, "assay/dossier").as_string(), "0123456789abcdef0123456789abcdef");
  const Json& benchmark = at(json, "benchmarks/0");
  EXPECT_EQ(at(benchmark, "config/strategy/type_").as_string(), "poisson");
  EXPECT_EQ(at(benchmark, "config/strategy/rate").as_number(), 500);
  EXPECT_EQ(at(benchmark, "config/slo/tpot_ms").as_number(), 1.5);
  EXPECT_EQ(at(json, "config/spec/data/0/prompt_tokens").as_integer(), 35);
  EXPECT_EQ(at(json, "config/spec/data/0/output_tokens_max").as_integer(), 5);
  const Json& metrics = benchmark["metrics"];
  const auto number = [&](const char* path) { return at(metrics, path).as_number(-1); };
  EXPECT_EQ(number("request_totals/successful"), 2);
  EXPECT_EQ(number("request_totals/errored"), 1);
  // Stamps on the wall clock are doubles of seconds since 1970: right to a quarter of a microsecond.
  constexpr double kMs = 1e-3;
  EXPECT_NEAR(number("time_to_first_token_ms/successful/mean"), 1.95, kMs);
  EXPECT_NEAR(number("time_to_first_token_ms/successful/median"), 1.9, kMs);  // a value that occurred
  EXPECT_EQ(number("time_to_first_token_ms/errored/count"), 0);
  EXPECT_NEAR(number("time_per_output_token_ms/successful/mean"), (5.9 + 6.0) / 8, kMs);
  EXPECT_EQ(number("time_per_output_token_ms/successful/count"), 8);
  // 2 ms, two times, and 1 ms, four times.
  EXPECT_NEAR(number("inter_token_latency_ms/successful/mean"), 8.0 / 6, kMs);
  EXPECT_NEAR(number("inter_token_latency_ms/successful/percentiles/p50"), 1, kMs);
  EXPECT_NEAR(number("inter_token_latency_ms/successful/percentiles/p75"), 2, kMs);
  EXPECT_EQ(number("inter_token_latency_ms/successful/count"), 6);
  // Until the end of the stream; the refused request has no start of its own, which counts as 0.
  EXPECT_NEAR(number("request_latency/successful/max"), 0.0069, 1e-6);
  EXPECT_EQ(number("request_latency/errored/max"), 0);
  EXPECT_EQ(number("request_latency/total/count"), 3);
  EXPECT_NEAR(number("request_dispatch_delay/successful/max"), 0.0002, 1e-6);
  EXPECT_NEAR(number("request_scheduled_latency/successful/max"), 0.007, 1e-6);
  EXPECT_EQ(number("prompt_token_count/total/total_sum"), 101);
  EXPECT_NEAR(number("slo_attainment"), 1.0 / 3, 1e-9);
  EXPECT_EQ(number("slo_determined_requests"), 3);
  EXPECT_TRUE(at(metrics, "turns").is_null());
  EXPECT_TRUE(at(metrics, "text/words").is_null());
  EXPECT_NEAR(benchmark["duration"].as_number(), 0.0093, 1e-6);
  EXPECT_EQ(at(benchmark, "requests/successful").items().size(), 2U);
  EXPECT_EQ(at(benchmark, "requests/errored/0/info/error").as_string(), "refused");
  EXPECT_NEAR(at(benchmark, "requests/successful/0/info/timings/targeted_start").as_number(),
              1'700'000'100.001, 1e-6);
}

TEST_F(ExportsTest, GuidellmTellsDelaysOnlyAgainstASchedule) {
  commit(offer("closed").set("users", 8), 0);
  const Json json = exported("guidellm");
  EXPECT_EQ(at(json, "benchmarks/0/config/strategy/streams").as_integer(), 8);
  EXPECT_TRUE(at(json, "benchmarks/0/metrics/request_dispatch_delay").is_null());
  EXPECT_NEAR(at(json, "benchmarks/0/metrics/root_dispatch_delay/max").as_number(), 0.0002, 1e-6);
  EXPECT_TRUE(at(json, "benchmarks/0/metrics/request_goodput").is_null());
}

TEST_F(ExportsTest, ArrivalsThatGuidellmHasNoKindForAreATrace) {
  commit(offer("gamma").set("cv", 2), 0);
  const Json json = exported("guidellm");
  EXPECT_EQ(at(json, "benchmarks/0/config/strategy/type_").as_string(), "trace");
  EXPECT_EQ(at(json, "config/spec/profile/kind").as_string(), "replay");
  EXPECT_EQ(at(json, "benchmarks/0/metrics/request_dispatch_delay/successful/count").as_integer(), 2);
}

TEST_F(ExportsTest, AiperfCountsFromWhenTheClientTurnedToTheRequest) {
  commit(offer("gamma").set("cv", 2), 1.5);
  const Json json = exported("aiperf");
  const auto number = [&](const char* path) { return at(json, path).as_number(-1); };
  EXPECT_EQ(json["schema_version"].as_string(), "1.4");
  EXPECT_EQ(json["aiperf_version"].as_string(), "0.13.0+assay.0.1.0");
  EXPECT_EQ(at(json, "input_config/phases/0/type").as_string(), "gamma");
  EXPECT_EQ(number("input_config/phases/0/smoothness"), 0.25);
  EXPECT_EQ(number("input_config/slos/inter_token_latency"), 1.5);
  EXPECT_EQ(number("input_config/datasets/0/prompts/osl/mean"), 4);
  EXPECT_NEAR(number("time_to_first_token/avg"), 2.025, 1e-9);
  EXPECT_NEAR(number("time_to_first_token/p90"), 1.95 + 0.9 * 0.15, 1e-9);  // between two values
  EXPECT_NEAR(number("time_to_first_token/std"), 0.075, 1e-9);
  EXPECT_EQ(number("time_to_first_token/count"), 2);
  EXPECT_NEAR(number("request_latency/min"), 5.95, 1e-9);
  EXPECT_NEAR(number("inter_token_latency/max"), 2, 1e-9);
  EXPECT_NEAR(number("inter_chunk_latency/avg"), 1.6, 1e-9);
  EXPECT_EQ(number("inter_chunk_latency/count"), 5);
  EXPECT_NEAR(number("time_to_second_token/max"), 4, 1e-9);
  EXPECT_NEAR(number("credit_to_start_latency/max"), 0.1, 1e-9);
  EXPECT_NEAR(number("effective_latency/max"), 6.2, 1e-9);
  EXPECT_NEAR(number("benchmark_duration/avg"), 0.00915, 1e-12);
  // Rates are over the whole phase: from the start of the trial to the end of the last stream.
  EXPECT_NEAR(number("request_throughput/avg"), 2 / 0.0104, 1e-6);
  EXPECT_NEAR(number("output_token_throughput/avg"), 8 / 0.0104, 1e-6);
  EXPECT_NEAR(number("request_error_rate/avg"), 100.0 / 3, 1e-9);
  EXPECT_EQ(number("error_isl/sum"), 31);
  EXPECT_EQ(number("good_request_count/avg"), 1);
  EXPECT_NEAR(number("good_request_fraction/avg"), 1.0 / 3, 1e-9);
  EXPECT_EQ(at(json, "error_summary/0/error_details/type").as_string(), "refused");
  EXPECT_EQ(number("error_summary/0/count"), 1);
  EXPECT_EQ(json["start_time"].as_string(), "2023-11-14T22:15:00.000000");
}

TEST_F(ExportsTest, ReasoningThatCannotBeCountedIsLeftOut) {
  Columns columns = requests();
  for (Column& column : columns.columns) {
    if (column.name == "first_output_ns") column.integers[0] = 7'000'000;
  }
  commit(offer("poisson"), 0, columns);
  const Json json = exported("aiperf");
  EXPECT_EQ(at(json, "output_token_count/count").as_integer(), 1);
  EXPECT_EQ(json.find("total_output_tokens"), nullptr);
  EXPECT_NEAR(at(json, "time_to_first_output_token/max").as_number(), 5.95, 1e-9);
}

TEST_F(ExportsTest, AiperfHasALineARequestWhereTheFileEndsInJsonl) {
  commit();
  const std::string lines = text("aiperf", "profile_export.jsonl");
  std::vector<Json> records;
  for (const std::string_view line : split(lines, '\n')) {
    if (!line.empty()) records.push_back(Json::parse(line, "line").value_or(Json()));
  }
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(at(records[0], "metadata/credit_issued_ns").as_integer(), 1'700'000'100'001'000'000);
  EXPECT_EQ(at(records[0], "metadata/request_start_ns").as_integer(), 1'700'000'100'001'050'000);
  EXPECT_EQ(at(records[0], "metadata/request_end_ns").as_integer(), 1'700'000'100'007'000'000);
  EXPECT_EQ(at(records[0], "metadata/worker_id").as_string(), "assay 0.1.0");
  EXPECT_NEAR(at(records[0], "metrics/request_latency/value").as_number(), 5.95, 1e-9);
  EXPECT_EQ(at(records[0], "metrics/inter_chunk_latency/value").items().size(), 1U);
  EXPECT_EQ(at(records[1], "error/type").as_string(), "refused");
  EXPECT_EQ(at(records[1], "metrics/error_isl/value").as_integer(), 31);
  EXPECT_EQ(records[2].find("error"), nullptr);
  EXPECT_EQ(at(records[2], "metrics/output_sequence_length/value").as_integer(), 5);
  for (const Json& record : records) EXPECT_EQ(at(record, "assay/void"), Json(false));
}

TEST_F(ExportsTest, EveryAiperfLineOfAVoidTrialSaysSo) {
  validity_ = Validity::kVoid;
  commit();
  const std::string lines = text("aiperf", "void.jsonl");
  for (const std::string_view line : split(trim(lines), '\n'))
    EXPECT_EQ(at(Json::parse(line, "line").value_or(Json()), "assay/void"), Json(true)) << line;
  EXPECT_EQ(at(exported("aiperf"), "assay/void"), Json(true));
}

TEST_F(ExportsTest, SeveralTrialsHaveNoPlaceInADevice) {
  create({trial(1, "a", "mix"), trial(2, "b", "mix")});
  commit();
  EXPECT_FALSE(write_exports(*dossier_, *find_export_format("vllm"), "/dev/null"));
}

}  // namespace assay::exports_test
