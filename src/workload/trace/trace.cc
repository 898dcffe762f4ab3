// The table of trace formats, and which of them a file is.
#include "workload/trace/trace.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

constexpr TraceFormat kFormats[] = {
    {"azure", "Azure LLM inference traces of 2023 and 2024: CSV TIMESTAMP,ContextTokens,GeneratedTokens",
     "instants, lengths", true, is_azure_trace, parse_azure_trace},
    {"burstgpt", "BurstGPT: CSV Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
     "instants, lengths", true, is_burstgpt_trace, parse_burstgpt_trace},
    {"mooncake",
     "Mooncake and what follows it: JSON lines of timestamp, input_length, output_length, hash_ids",
     "instants, lengths, shared prefixes, sessions", false, is_mooncake_trace, parse_mooncake_trace},
    {"sharegpt", "ShareGPT: JSON array of conversations", "lengths (estimated), sessions", false,
     is_sharegpt_trace, parse_sharegpt_trace},
    {"weka", "Weka's KV cache traces: JSON of id, t, in, out, hash_ids",
     "instants or sessions, lengths, shared prefixes", false, is_weka_trace, parse_weka_trace},
};

}  // namespace

std::span<const TraceFormat> trace_formats() {
  return kFormats;
}

std::span<const std::string> trace_format_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = {"auto"};
    for (const TraceFormat& format : kFormats) all.emplace_back(format.name);
    return all;
  }();
  return names;
}

Result<Trace> parse_trace(std::string_view text, std::string_view where, std::string_view format,
                          const TraceOptions& options) {
  CHECK(options.scaling.rate > 0 && options.scaling.length > 0 && options.bytes_per_token > 0);
  CHECK(options.limit > 0);
  const auto named = std::ranges::find_if(kFormats, [&](const TraceFormat& row) {
    return format == "auto" ? row.recognises(text) : format == row.name;
  });
  if (named != std::end(kFormats)) {
    Result<Trace> trace = named->parse(text, where, options);
    if (trace) trace->format = named->name;
    return trace;
  }
  const std::span<const std::string> names = trace_format_names();
  CHECK(format == "auto");
  return fail("a trace of no known format", fmt::format("{}:1", where),
              fmt::format("assay reads {}; docs/load.md says how each looks.", join(names.subspan(1), ", ")));
}

}  // namespace assay
