// The front door of engine: the worker's side of the process boundary. Only this folder includes ggml and
// llama headers.
#pragma once

#include <string_view>

namespace assay {

// Runs one job, given as JSON, and ends the process with the job's exit code (a fake may return it instead).
// Evidence goes to stdout as JSON lines (engine/job.h), diagnostics to stderr, and a serving job's frames
// (workload/wire.h) over descriptor 3. The jobs and their parameters are a table in engine/jobs.cc. Call it
// once, from a process made for it: it sets GGML_NO_BACKTRACE and takes stdout away from the libraries.
int run_worker(std::string_view job_json);

}  // namespace assay
