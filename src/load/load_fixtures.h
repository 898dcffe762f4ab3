// Plans by hand for tests of the load generator.
#pragma once

#include <cmath>
#include <vector>

#include "workload/workload.h"

namespace assay {

inline PlannedRequest planned(RequestId id, double offset_ms, uint32_t prompt_tokens, uint32_t output_tokens,
                              uint32_t class_index = 0) {
  PlannedRequest planned;
  planned.request = {.id = id,
                     .class_index = class_index,
                     .corpus = "prose",
                     .prompt_tokens = prompt_tokens,
                     .output_tokens = output_tokens};
  planned.offset = nanos_from_ms(offset_ms);
  return planned;
}

// `count` requests at Poisson arrivals; prompt lengths have the given mean, constant or exponential.
inline std::vector<PlannedRequest> poisson_plan(uint64_t seed, size_t count, double rate_per_s,
                                                double mean_prompt, bool is_exponential,
                                                uint32_t output_tokens) {
  std::vector<PlannedRequest> plan;
  plan.reserve(count);
  Random arrivals(seed, random_stream("test arrivals"), 0);
  Random lengths(seed, random_stream("test lengths"), 0);
  double at_ms = 0;
  for (size_t i = 0; i < count; ++i) {
    at_ms += arrivals.exponential() / rate_per_s * 1e3;
    const double length = is_exponential ? mean_prompt * lengths.exponential() : mean_prompt;
    plan.push_back(planned(i + 1, at_ms, static_cast<uint32_t>(std::lround(length)), output_tokens));
  }
  return plan;
}

}  // namespace assay
