// A rank's rank.json from hostile bytes: what is taken lies within its bounds and can be written and read
// again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "load/load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const assay::Result<assay::RankFacts> facts = assay::RankFacts::from_text(bytes, "fuzz");
  if (!facts) {
    CHECK(!facts.error().what.empty());
    return 0;
  }
  CHECK(facts->rank < facts->ranks && facts->dispatch_lag_budget_ms >= 0);
  CHECK(assay::RankFacts::from_text(facts->to_text(), "fuzz").has_value());
  return 0;
}
