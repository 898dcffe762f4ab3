// Reads traces for scenarios.
#include "os/os.h"
#include "scenario/draft.h"

namespace assay {
namespace {

// The largest file in the field that is replayed whole has two thirds of it.
constexpr int64_t kMaxTraceBytes = int64_t{1} << 30;

Result<Trace> parse(const std::string& text, const TraceSpec& trace) {
  return parse_trace(text, trace.path, trace.format,
                     {.limit = trace.limit,
                      .scaling = trace.scaling,
                      .block_tokens = trace.block_tokens,
                      .bytes_per_token = trace.bytes_per_token});
}

}  // namespace

Result<Trace> read_trace(Reader& reader, TraceSpec& trace) {
  ASSIGN_OR_RETURN(const std::string text, read_file(trace.path, kMaxTraceBytes));
  trace.key = content_key(text);
  reader.note_file({trace.path, trace.key});
  return parse(text, trace);
}

Result<Trace> load_trace(const TraceSpec& trace) {
  ASSIGN_OR_RETURN(const std::string text, read_file(trace.path, kMaxTraceBytes));
  if (!trace.key.empty() && content_key(text) != trace.key) {
    return fail("the trace has changed since the scenario was read", trace.path,
                "Put it back as it was, or begin a new run.");
  }
  return parse(text, trace);
}

}  // namespace assay
