// What each engine tells, as it stands in the answers of their versions.
#include "measure/server_metrics.h"

#include <gtest/gtest.h>

#include <set>

namespace assay::server_metrics_test {

using enum ServerQuantity;

ServerReading read(std::string_view text) {
  const Result<ServerReading> reading = read_server_metrics(text, "m");
  EXPECT_TRUE(reading.has_value()) << (reading ? "" : reading.error().message());
  return reading.value_or(ServerReading());
}

TEST(ServerMetrics, OfVllm) {
  const ServerReading reading = read(
      "# TYPE vllm:num_requests_running gauge\n"
      "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 12.0\n"
      "vllm:num_requests_running{engine=\"1\",model_name=\"m\"} 10.0\n"
      "vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 3.0\n"
      "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.5\n"
      "vllm:kv_cache_usage_perc{engine=\"1\",model_name=\"m\"} 0.7\n"
      "vllm:gpu_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.1\n"
      "vllm:prefix_cache_queries_total{engine=\"0\"} 1000.0\n"
      "vllm:prefix_cache_queries_created{engine=\"0\"} 1.7e+09\n"
      "vllm:prefix_cache_hits_total{engine=\"0\"} 400.0\n"
      "vllm:num_preemptions_total{engine=\"0\"} 2.0\n"
      "vllm:prompt_tokens_total 5e+06\n"
      "vllm:generation_tokens_total 1.5e+06\n"
      "vllm:request_queue_time_seconds_bucket{le=\"0.3\"} 5.0\n"
      "vllm:request_queue_time_seconds_count 6.0\n"
      "vllm:request_queue_time_seconds_sum 1.5\n"
      "python_gc_objects_collected_total{generation=\"0\"} 1.0\n");
  EXPECT_EQ(reading[kRunning], 22);
  EXPECT_EQ(reading[kWaiting], 3);
  EXPECT_DOUBLE_EQ(reading[kKvUsage].value(), 0.6);
  EXPECT_EQ(reading[kPrefixQueries], 1000);
  EXPECT_EQ(reading[kPrefixHits], 400);
  EXPECT_EQ(reading[kPreemptions], 2);
  EXPECT_EQ(reading[kPromptTokens], 5e6);
  EXPECT_EQ(reading[kOutputTokens], 1.5e6);
  EXPECT_EQ(reading[kQueueTimeS], 1.5);
  EXPECT_EQ(reading[kQueueTimeRequests], 6);
  EXPECT_EQ(reading[kPrefixHitRate], std::nullopt);
}

TEST(ServerMetrics, OfSglangRanksAndPrioritiesAreNotCountedTwice) {
  const ServerReading reading = read(
      "sglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"0\",priority=\"\"} 2\n"
      "sglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"1\",priority=\"\"} 2\n"
      "sglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"0\",priority=\"5\"} 1\n"
      "sglang:num_running_reqs{dp_rank=\"1\",tp_rank=\"0\",priority=\"\"} 4\n"
      "sglang:num_queue_reqs{tp_rank=\"0\"} 7\n"
      "sglang:token_usage{tp_rank=\"0\"} 0.28\n"
      "sglang:cache_hit_rate{tp_rank=\"0\"} 0.0075\n"
      "sglang:gen_throughput{dp_rank=\"0\"} 86.5\n"
      "sglang:gen_throughput{dp_rank=\"1\"} 80\n");
  EXPECT_EQ(reading[kRunning], 6);
  EXPECT_EQ(reading[kWaiting], 7);
  EXPECT_EQ(reading[kKvUsage], 0.28);
  EXPECT_EQ(reading[kPrefixHitRate], 0.0075);
  EXPECT_EQ(reading[kOutputTokensPerS], 166.5);
}

TEST(ServerMetrics, OfLlamaCppAndTgi) {
  const ServerReading llama = read(
      "llamacpp:prompt_tokens_total 512\nllamacpp:tokens_predicted_total 128\n"
      "llamacpp:kv_cache_usage_ratio 0.25\nllamacpp:requests_processing 4\nllamacpp:requests_deferred 1\n");
  EXPECT_EQ(llama[kPromptTokens], 512);
  EXPECT_EQ(llama[kOutputTokens], 128);
  EXPECT_EQ(llama[kKvUsage], 0.25);
  EXPECT_EQ(llama[kRunning], 4);
  EXPECT_EQ(llama[kWaiting], 1);
  const ServerReading tgi = read(
      "tgi_queue_size 9\ntgi_batch_current_size 32\ntgi_request_queue_duration_sum 4.5\n"
      "tgi_request_queue_duration_count 90\ntgi_request_queue_duration_bucket{le=\"+Inf\"} 90\n");
  EXPECT_EQ(tgi[kWaiting], 9);
  EXPECT_EQ(tgi[kRunning], 32);
  EXPECT_EQ(tgi[kQueueTimeS], 4.5);
  EXPECT_EQ(tgi[kQueueTimeRequests], 90);
}

TEST(ServerMetrics, WhatIsNoNumberIsNotKnown) {
  EXPECT_TRUE(read("vllm:num_requests_running NaN\nvllm:num_requests_waiting +Inf\n"
                   "vllm:kv_cache_usage_perc -1\nup 1\n")
                  .empty());
  EXPECT_EQ(read_server_metrics("<html>", "m").error().where, "m:1");
}

TEST(ServerMetrics, OfSeveralServersAddUpAndSharesAreAveraged) {
  const auto reading = [](const std::string& text) { return *read_server_metrics(text, "m"); };
  const std::vector<ServerReading> both = {
      reading("vllm:num_requests_running 3\nvllm:kv_cache_usage_perc 0.5\nvllm:num_requests_waiting 1\n"),
      reading("vllm:num_requests_running 4\nvllm:kv_cache_usage_perc 0.1\n")};
  const ServerReading joined = joined_reading(both);
  EXPECT_EQ(joined[ServerQuantity::kRunning], 7);
  EXPECT_DOUBLE_EQ(joined[ServerQuantity::kKvUsage].value_or(0), 0.3);
  EXPECT_EQ(joined[ServerQuantity::kWaiting], std::nullopt);  // of one alone it is not that of both
  EXPECT_EQ(joined_reading({both.data(), 1})[ServerQuantity::kWaiting], 1);
}

TEST(ServerMetrics, TheTablesAreWhole) {
  std::set<std::string_view> names, columns;
  for (const KnownServerMetric& metric : known_server_metrics())
    EXPECT_TRUE(names.insert(metric.name).second);
  for (size_t i = 0; i < kServerQuantities; ++i)
    EXPECT_TRUE(columns.insert(row_of(static_cast<ServerQuantity>(i)).name).second);
  EXPECT_EQ(server_quantities().size(), kServerQuantities);
}

}  // namespace assay::server_metrics_test
