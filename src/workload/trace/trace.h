// Traces: who asked for how much, when, and what requests had in common, in the layouts in which the field
// publishes them. Each layout is a file of this folder and a row of trace_formats(). docs/load.md says what
// each gives and what is estimated.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "workload/lengths.h"
#include "workload/trace/prefix_tree.h"

namespace assay {

// Bytes of text a token, where nobody has counted: prompts are cut by it, and texts of traces measured.
inline constexpr double kBytesPerToken = 4.2;

struct TraceScaling {
  double rate = 1;    // 2: twice as fast, pauses included
  double length = 1;  // 0.1: a tenth of the tokens, at least 1

  bool operator==(const TraceScaling&) const = default;
};

struct TraceOptions {
  uint32_t limit = 1'000'000;  // requests, from the first
  TraceScaling scaling;
  uint32_t block_tokens = 0;                // of a hash id; 0: as the format has it
  double bytes_per_token = kBytesPerToken;  // of traces that have texts for lengths
};

// One request of a trace, scaled already.
struct TraceEntry {
  // turn 0: after the trace's first request (0 if the trace has no instants). Later turns: pause after the
  // end of the answer before.
  Nanos offset{};
  uint32_t prompt_tokens = 0;  // > 0
  uint32_t output_tokens = 0;  // > 0
  uint32_t turn = 0;           // above 0: follows the entry before it
  uint32_t prefix = 0;         // node of Trace::prefixes that the prompt begins with
};

struct Trace {
  std::string format;  // name of its row
  std::vector<TraceEntry>
      entries;  // sessions in the order of their start, the turns of one behind each other
  std::shared_ptr<const PrefixTree> prefixes;  // null: nothing is shared
  bool has_instants = true;
  // A prompt of a later turn is what it adds to the turns before it and their answers. False: it is all that
  // the server gets; the turn only waits for the one before.
  bool turns_add = true;
  bool is_estimated = false;  // lengths, from bytes
  uint64_t skipped = 0;       // what the file has and cannot be replayed: `skipped_words` says what
  std::string skipped_words;  // "requests that had failed"
};

struct TraceFormat {
  const char* name;   // "azure"
  const char* title;  // "Azure LLM inference traces 2023 and 2024: CSV …"
  const char* gives;  // "instants, lengths"
  bool has_instants;  // of every trace of the format; else the trace says
  bool (*recognises)(std::string_view text);
  Result<Trace> (*parse)(std::string_view text, std::string_view where, const TraceOptions& options);
};
std::span<const TraceFormat> trace_formats();
// "auto", then the names of the formats.
std::span<const std::string> trace_format_names();

// The trace in `text`, which may be hostile: rows, lengths, times, nesting and memory are bounded. `format`
// is one of trace_format_names(); "auto" goes by the content. Errors say `where`:LINE. What stands behind the
// last request that options.limit lets in is not looked at. Any thread.
Result<Trace> parse_trace(std::string_view text, std::string_view where, std::string_view format,
                          const TraceOptions& options);

// The formats one by one: recognises and parse of their rows.
bool is_azure_trace(std::string_view text);
Result<Trace> parse_azure_trace(std::string_view text, std::string_view where, const TraceOptions& options);
bool is_burstgpt_trace(std::string_view text);
Result<Trace> parse_burstgpt_trace(std::string_view text, std::string_view where,
                                   const TraceOptions& options);
bool is_mooncake_trace(std::string_view text);
Result<Trace> parse_mooncake_trace(std::string_view text, std::string_view where,
                                   const TraceOptions& options);
bool is_sharegpt_trace(std::string_view text);
Result<Trace> parse_sharegpt_trace(std::string_view text, std::string_view where,
                                   const TraceOptions& options);
bool is_weka_trace(std::string_view text);
Result<Trace> parse_weka_trace(std::string_view text, std::string_view where, const TraceOptions& options);

}  // namespace assay
