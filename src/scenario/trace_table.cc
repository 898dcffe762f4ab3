// [load.trace]: which trace is replayed, and how.
#include <fmt/format.h>

#include "scenario/draft.h"

namespace assay {
namespace {

// What the formats are and give, from their table.
const std::string& format_text() {
  static const std::string text = [] {
    std::string all = "\"auto\" goes by the content.";
    for (const TraceFormat& format : trace_formats())
      all += fmt::format(" \"{}\": {} ({}).", format.name, format.title, format.gives);
    return all;
  }();
  return text;
}

const Row<TraceSpec> kTraceRows[] = {
    {{"load.trace", "path", "string", "", "", "The trace, relative to the scenario. Required."},
     [](Reader& r, const TomlMember& m, TraceSpec& t) { r.read_string(m, t.path); }},
    {{"load.trace", "format", "string", "\"auto\"", "", format_text().c_str()},
     [](Reader& r, const TomlMember& m, TraceSpec& t) { r.read_choice(m, trace_format_names(), t.format); }},
    {{"load.trace", "limit", "integer", "200", "requests",
      "How many are replayed, from the first; turns count."},
     [](Reader& r, const TomlMember& m, TraceSpec& t) { r.read_integer(m, 1, 1'000'000, t.limit); }},
    {{"load.trace", "rate_scale", "number", "1", "",
      "2 replays twice as fast: instants and the pauses within sessions."},
     [](Reader& r, const TomlMember& m, TraceSpec& t) { r.read_number(m, 1e-6, 1e6, t.scaling.rate); }},
    {{"load.trace", "length_scale", "number", "1", "",
      "0.1 makes prompts, what they share, and answers a tenth as long, at least one token."},
     [](Reader& r, const TomlMember& m, TraceSpec& t) { r.read_number(m, 1e-6, 1e3, t.scaling.length); }},
    {{"load.trace", "block_tokens", "integer", "", "tokens",
      "Tokens of the prompt that a hash id stands for; by default 512 in mooncake traces, 64 in weka ones. vLLM's "
      "timed traces have 16."},
     [](Reader& r, const TomlMember& m, TraceSpec& t) { r.read_integer(m, 1, 65'536, t.block_tokens); }},
    {{"load.trace", "bytes_per_token", "number", "4.2", "bytes",
      "Where a trace has texts and no lengths (sharegpt), they are estimated so."},
     [](Reader& r, const TomlMember& m, TraceSpec& t) { r.read_number(m, 0.5, 20, t.bytes_per_token); }},
};

}  // namespace

void read_trace_format(Reader& reader, const TomlMember& member, TraceSpec& trace) {
  reader.read_choice(member, trace_format_names(), trace.format);
}

void read_trace_spec(Reader& reader, const TomlMember& member, TraceSpec& trace) {
  if (member.value.kind == TomlKind::kString) return reader.read_string(member, trace.path);
  if (const TomlValue* table = reader.expect_table(member))
    read_table<TraceSpec>(reader, *table, kTraceRows, trace);
}

void append_trace_keys(std::vector<ScenarioKey>& keys) {
  append_keys<TraceSpec>(kTraceRows, keys);
}

}  // namespace assay
