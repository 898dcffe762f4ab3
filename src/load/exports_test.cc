// The result files of other tools, made of three requests, against what each tool's definitions give by hand.
#include "load/exports.h"

#include "load/exports_fixture.h"

namespace assay {
namespace {

TEST_F(ExportsTest, FormatsHaveNamesAndTitlesOfTheirOwn) {
  EXPECT_EQ(export_formats().size(), 1U);
  for (const ExportFormat& format : export_formats()) EXPECT_EQ(find_export_format(format.name), &format);
  EXPECT_EQ(find_export_format("vllm2"), nullptr);
}

TEST_F(ExportsTest, NothingIsWrittenOfARunWithoutRequests) {
  for (const ExportFormat& format : export_formats()) {
    const Result<void> written = format.write({.dossier = *dossier_}, folder_ + "/none");
    ASSERT_FALSE(written);
    EXPECT_THAT(written.error().message(), testing::HasSubstr("no load trial of the mix left requests"));
    EXPECT_FALSE(read_file(folder_ + "/none", 1));
  }
}

TEST_F(ExportsTest, AFullDiskIsToldAndLeavesNoFile) {
  commit();
  for (const ExportFormat& format : export_formats())
    EXPECT_FALSE(format.write({.dossier = *dossier_}, "/dev/full/x")) << format.name;
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

}  // namespace
}  // namespace assay
