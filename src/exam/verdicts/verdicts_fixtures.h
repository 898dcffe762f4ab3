// Evidence laid out by hand, for tests of the rules behind the verdicts.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "exam/verdicts/verdicts.h"

namespace assay::verdicts_test {

// A dossier of one load trial of the mix and one of chat alone on CPU, both done.
class Evidence {
 public:
  Evidence() {
    content.subjects.push_back({.id = 1, .name = "CPU", .kind = "device"});
    add_trial(1, "CPU", "mix", "");
    add_trial(2, "CPU", "alone", "chat");
  }

  Trial& add_trial(int64_t id, const std::string& target, const std::string& phase,
                   const std::string& traffic_class) {
    Trial trial{.id = id, .exam = "load", .target = target, .subject_id = 1, .state = TrialState::kDone};
    trial.parameters.set("phase", phase);
    if (!traffic_class.empty()) trial.parameters.set("traffic_class", traffic_class);
    content.trials.push_back(trial);
    return content.trials.back();
  }

  // `trial`, one of those that were added in the order of their ids, failed for what the finding says.
  void fail(int64_t trial, const std::string& code, const std::string& why) {
    content.trials[static_cast<size_t>(trial - 1)].state = TrialState::kFailed;
    content.findings.push_back(
        {.trial_id = trial, .severity = Severity::kBlocker, .code = code, .text = why});
  }

  Record& add(int64_t trial, const std::string& metric, const std::string& traffic_class, double value) {
    Record record{.id = static_cast<int64_t>(content.records.size()) + 1, .trial_id = trial, .subject_id = 1};
    record.metric = metric;
    record.value = value;
    record.conditions.set("phase", trial == 2 ? "alone" : "mix").set("traffic_class", traffic_class);
    content.records.push_back(record);
    return content.records.back();
  }

  Record& add_attainment(int64_t trial, const std::string& traffic_class, double share) {
    Record& record = add(trial, "slo_attainment", traffic_class, share);
    record.conditions.set("slo_ttft_ms", 500).set("required_share", 0.9);
    record.n = 72;
    return record;
  }

  Requirement& require(const std::string& metric, const std::string& comparison, double value) {
    content.requirements.push_back({.id = static_cast<int64_t>(content.requirements.size()) + 1,
                                    .metric = metric,
                                    .comparison = comparison,
                                    .value = value,
                                    .scope = Json::object()});
    return content.requirements.back();
  }

  std::vector<Verdict> draw() const { return conclude(content, scenario); }
  Verdict answer(int number) const {
    for (const Verdict& verdict : draw()) {
      if (verdict.question == number && verdict.requirement_id == 0) return verdict;
    }
    ADD_FAILURE();
    return {};
  }

  DossierContent content;
  Scenario scenario{.path = "built-in"};
};

inline Record& add_capacity(Evidence& evidence, double value, const char* tier) {
  evidence.add_trial(7, "CPU", "capacity", "");
  Record& record = evidence.add(7, "capacity_per_s", "all", value);
  record.conditions.set("phase", "capacity").set("tier", tier);
  record.unit = "requests/s";
  record.ci_low = value - 1;
  record.ci_high = value + 1;
  return record;
}

}  // namespace assay::verdicts_test
