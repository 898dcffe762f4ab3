// From a target of the scenario to a Target that can be opened: the model resolved, its memory predicted,
// secrets read.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "catalogue/catalogue.h"
#include "exam/exam.h"
#include "exam/load/side_sampler.h"
#include "exam/load/traffic.h"
#include "target/target.h"

namespace assay {

struct TargetSetup {
  std::unique_ptr<Target> target;
  std::shared_ptr<FileDescriptor> model_in_use;  // keeps a cached model while the target lives
  uint32_t sequences = 0;                        // worked on at once, as far as the scenario says; 0: unknown
  Json conditions;                               // flat: "device" or "url", "model", "stack_…"
  bool was_launched = false;                     // its server was started for this trial
  std::vector<Finding> findings;                 // of what was met on the way
  SideOptions side;                              // what is sampled beside the requests
};

// `cutter`: of prompts that are text. What cannot be set up is a finding: model.does-not-fit, or exam.failed
// with what to do.
std::expected<TargetSetup, Finding> set_up_target(ExamContext& context, const Trial& trial,
                                                  const TargetSpec& spec, const TrialTraffic& traffic,
                                                  PromptCutter cutter);

}  // namespace assay
