// The front door of engine: the worker's side of the process boundary. Only this folder includes ggml and llama headers.
#pragma once

#include <string_view>

namespace assay {

// Runs one job, given as JSON, to its end and returns the process's exit code. Evidence goes to stdout as JSON lines,
// diagnostics to stderr, and a serving job's frames (workload/wire.h) over descriptor 3. The jobs and their parameters are
// a table in engine/jobs.cc and a section of docs/architecture.md.
int run_worker(std::string_view job_json);

}  // namespace assay
