// Reads traces for scenarios.
#include "os/os.h"
#include "scenario/draft.h"

namespace assay {
namespace {

constexpr int64_t kMaxTraceBytes = 64 << 20;

}  // namespace

Result<std::vector<TraceEntry>> read_trace(Reader& reader, TraceSpec& trace) {
  ASSIGN_OR_RETURN(const std::string text, read_file(trace.path, kMaxTraceBytes));
  trace.key = content_key(text);
  reader.note_file({trace.path, trace.key});
  return parse_azure_trace(text, trace.path, trace.limit, trace.scaling);
}

Result<std::vector<TraceEntry>> load_trace(const TraceSpec& trace) {
  ASSIGN_OR_RETURN(const std::string text, read_file(trace.path, kMaxTraceBytes));
  if (!trace.key.empty() && content_key(text) != trace.key) {
    return fail("the trace has changed since the scenario was read", trace.path,
                "Put it back as it was, or begin a new run.");
  }
  return parse_azure_trace(text, trace.path, trace.limit, trace.scaling);
}

}  // namespace assay
