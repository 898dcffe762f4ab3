// Traces: whatever the bytes, there are rows within their bounds or an error that says where.
#include <cstdint>
#include <string_view>

#include "workload/workload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr uint32_t kLimit = 1000;
  const auto entries = assay::parse_azure_trace(text, "fuzz.csv", kLimit, {.rate = 1.4, .length = 0.05});
  if (!entries) {
    if (entries.error().what.empty() || !entries.error().where.starts_with("fuzz.csv")) __builtin_trap();
    return 0;
  }
  if (entries->empty() || entries->size() > kLimit) __builtin_trap();
  assay::Nanos last{};
  for (const assay::TraceEntry& entry : *entries) {
    const bool good = entry.offset >= last && entry.prompt_tokens >= 1 &&
                      entry.prompt_tokens <= assay::kMaxTokens && entry.output_tokens >= 1 &&
                      entry.output_tokens <= assay::kMaxTokens;
    if (!good) __builtin_trap();
    last = entry.offset;
  }
  return 0;
}
