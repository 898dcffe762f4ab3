// Scenario files: whatever the bytes, there is a scenario or an error that says where, and a good one is good
// when small.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scenario/scenario.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const assay::Result<assay::TomlValue> document = assay::parse_toml(text, "fuzz.toml");
  if (!document && (document.error().what.empty() || !document.error().where.starts_with("fuzz.toml")))
    __builtin_trap();
  // A scenario may name trace files; a fuzzer must not go and read whatever that says.
  if (text.find("trace") != std::string_view::npos || text.find('\\') != std::string_view::npos) return 0;
  const std::vector<std::string> exams = {"probe", "roofline", "load"};
  const assay::Result<assay::Scenario> scenario = assay::parse_scenario(text, "fuzz.toml", exams);
  if (!scenario) {
    if (scenario.error().message().find("fuzz.toml") == std::string::npos) __builtin_trap();
    return 0;
  }
  const assay::Scenario small = assay::quick(*scenario);
  if (small.load.classes.empty()) return 0;
  assay::TrafficPlan plan;
  plan.seed = small.seed;
  plan.classes = small.load.classes;
  plan.requests = 50;
  if (assay::materialise(plan).size() != 50) __builtin_trap();
  return 0;
}
