// A made-up run for tests of the dossier: a folder that goes away, and content with every field set.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "evidence/evidence.h"

namespace assay::testing_dossier {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = ::testing::TempDir() + "/assay-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline RunInfo some_run() {
  return {.id = "0123456789abcdef0123456789abcdef",
          .assay_version = "0.1.0",
          .created_at = "2026-11-24T06:00:00Z",
          .scenario_name = "built-in",
          .scenario_path = "built-in",
          .scenario_text = "seed = 1\n",
          .seed = 0xfedcba9876543210,
          .plan = Json(Json::Object{{"trials", 3}, {"ratio", 0.25}})};
}

inline std::vector<Trial> some_trials(int n) {
  std::vector<Trial> trials;
  for (int i = 1; i <= n; ++i) {
    trials.push_back({.id = i,
                      .exam = "load",
                      .target = "cpu",
                      .name = "load " + std::to_string(i),
                      .parameters = Json(Json::Object{{"phase", "mix"}, {"place", i}})});
  }
  return trials;
}

inline std::vector<Requirement> some_requirements() {
  return {{.id = 1,
           .text = "p90 TTFT of chat ≤ 500 ms on CPU",
           .metric = "ttft_ms_p90",
           .comparison = "<=",
           .value = 500,
           .unit = "ms",
           .scope = Json(Json::Object{{"traffic_class", "chat"}}),
           .question = 2,
           .source = "my.toml:12"}};
}

// What trial `id` leaves: `n` records, a sample of `n` rows, a finding and an artifact with bytes that are
// not text.
inline TrialOutcome some_outcome(int64_t id, int n) {
  TrialOutcome outcome;
  outcome.end_text = "ended";
  outcome.duration_s = 1.5;
  outcome.subject = Subject{.name = "CPU", .kind = "device", .details = Json(Json::Object{{"cores", 2}})};
  std::vector<int64_t> stamps;
  std::vector<double> scores;
  for (int i = 0; i < n; ++i) {
    outcome.records.push_back({.metric = "ttft_ms_p90",
                               .value = 100.0 * static_cast<double>(id) + i,
                               .unit = "ms",
                               .ci_low = 90,
                               .ci_high = 120,
                               .confidence = 0.95,
                               .n = 64,
                               .method = "nearest rank",
                               .conditions = Json(Json::Object{{"traffic_class", "chat"}, {"index", i}}),
                               .validity = Validity::kDoubtful,
                               .source = "test"});
    stamps.push_back(id * 1'000'000'007 * i);
    scores.push_back(i / 3.0);
  }
  Sample sample{.name = "requests"};
  sample.columns.add("sent_ns", std::move(stamps));
  sample.columns.add("score", std::move(scores));
  outcome.samples.push_back(std::move(sample));
  outcome.findings.push_back({.severity = Severity::kDoubtful,
                              .code = "load.failures",
                              .text = "Some failed.",
                              .evidence = Json(Json::Object{{"failed", 3}})});
  outcome.artifacts.push_back(
      {.name = "worker.stderr", .media_type = "text/plain", .content = std::string("\xff\x00 bytes", 8)});
  return outcome;
}

}  // namespace assay::testing_dossier
