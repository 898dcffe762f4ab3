// The fake engine keeps to what is agreed: each record that it writes is one that the exams take. One that
// they refuse would leave what comes after it untested, unnoticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exam/roofline/collect.h"
#include "target/target.h"

namespace assay {
namespace {

// The metrics of the records of a job, each of which must be readable.
std::vector<std::string> metrics_of(const Json& job) {
  std::vector<std::string> metrics;
  SystemClock clock;
  const WorkerCommand worker{.command = {ASSAY_FAKE_ENGINE_WORKER}, .environment = {}};
  const Nanos limit = nanos_from_seconds(100);
  const auto take = [&](const Json& line) {
    if (line["type"].as_string() != "record") return;
    const Result<Record> record = read_record_line(line, 1);
    EXPECT_TRUE(record) << record.error().message();
    if (record) metrics.push_back(record->metric);
  };
  const WorkerJobEnd ended = run_worker_job(worker, job, clock, clock.now() + limit, limit, take, nullptr);
  EXPECT_TRUE(ended.done()) << ended.error.message();
  return metrics;
}

TEST(FakeEngine, TheRecordsOfItsSpeedAreTaken) {
  const Json job =
      Json::object().set("job", "speed").set("device", "Fake0").set("sequences", Json::array().push(4));
  EXPECT_THAT(metrics_of(job),
              testing::ElementsAre("model_load_s", "model_memory_bytes", "prefill_tokens_per_s",
                                   "decode_tokens_per_s", "batched_decode_tokens_per_s"));
}

TEST(FakeEngine, TheRecordsOfItsRooflineAreTaken) {
  const auto metrics = metrics_of(Json::object().set("job", "roofline").set("device", "Fake0"));
  EXPECT_THAT(metrics, testing::IsSupersetOf({"memory_bandwidth_gb_per_s", "matmul_tflop_per_s",
                                              "attention_tflop_per_s", "launch_overhead_us",
                                              "host_to_device_gb_per_s", "device_to_host_gb_per_s"}));
}

}  // namespace
}  // namespace assay
