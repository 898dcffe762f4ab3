// What holds of every trace, whatever the bytes: requests within their bounds, sessions in order, prefixes
// that their parts make up; or an error that says where.
#pragma once

#include <cstdint>
#include <string_view>

#include "workload/workload.h"

namespace assay {

inline void check_prefix(const Trace& trace, const TraceEntry& entry) {
  if (trace.prefixes == nullptr) {
    CHECK(entry.prefix == PrefixTree::kRoot);
    return;
  }
  CHECK(entry.prefix < trace.prefixes->nodes());
  const uint32_t tokens = std::min(trace.prefixes->tokens(entry.prefix), entry.prompt_tokens);
  uint64_t sum = 0;
  for (const PromptPart& part : trace.prefixes->parts(entry.prefix, tokens, 7)) {
    CHECK(part.tokens > 0);
    sum += part.tokens;
  }
  CHECK(sum == tokens);
}

inline void check_trace(std::string_view format, const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr uint32_t kLimit = 1000;
  const Result<Trace> trace =
      parse_trace(text, "fuzz", format, {.limit = kLimit, .scaling = {.rate = 1.4, .length = 0.05}});
  if (!trace) {
    CHECK(!trace.error().what.empty() && trace.error().where.starts_with("fuzz"));
    return;
  }
  CHECK(!trace->entries.empty() && trace->entries.size() <= kLimit);
  Nanos last{};
  uint32_t turns = 0;
  for (const TraceEntry& entry : trace->entries) {
    CHECK(entry.prompt_tokens >= 1 && entry.prompt_tokens <= kMaxTokens);
    CHECK(entry.output_tokens >= 1 && entry.output_tokens <= kMaxTokens);
    CHECK(entry.turn == 0 || entry.turn == turns);
    CHECK(entry.offset >= Nanos(0) && (entry.turn > 0 || entry.offset >= last));
    if (entry.turn == 0) last = entry.offset;
    turns = entry.turn + 1;
    check_prefix(*trace, entry);
  }
  CHECK(trace->entries.front().turn == 0);
}

}  // namespace assay
