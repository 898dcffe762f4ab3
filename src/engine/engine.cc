// run_worker: what every job has in common. The job's stdout is moved out of the libraries' way, the backends
// are loaded, and whatever goes wrong becomes a last line of evidence.
#include "engine/engine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <llama.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>

#include "engine/backends.h"
#include "engine/job.h"

namespace assay {
namespace {

Result<const Job*> find_job(const Json& parameters) {
  const std::string& name = parameters["job"].as_string();
  std::vector<std::string> names;
  for (const Job& job : jobs()) {
    if (name == job.name) return &job;
    names.emplace_back(job.name);
  }
  return fail(fmt::format("there is no job '{}'.{}", printable(name), suggestion(name, names)), "job",
              fmt::format("There are: {}.", join(names, ", ")));
}

// Folders from the worker's own environment, which assay has composed.
std::vector<std::string> backend_folders() {
  std::vector<std::string> folders;
  for (const auto& [name, value] : environment_subset({"ASSAY_BACKEND_PATH"})) {
    for (const std::string_view folder : split(value, ':')) {
      if (!folder.empty()) folders.emplace_back(folder);
    }
  }
  return folders;
}

Result<void> run(std::string_view job_json, JsonLines& out, Clock& clock, Nanos start) {
  ASSIGN_OR_RETURN(const Json parameters, Json::parse(job_json, "job"));
  ASSIGN_OR_RETURN(const Job* job, find_job(parameters));
  EngineLog::install();
  for (const std::string& problem : load_backends(backend_folders())) {
    out.finding("note", "engine.backend-not-loaded", problem);
  }
  llama_backend_init();
  JobContext context{parameters, out, clock, start};
  try {
    return job->run(context);
  } catch (const std::exception& exception) {  // of the libraries: ours throws none
    return fail(fmt::format("the engine threw: {}", printable(exception.what())), job->name);
  }
}

// ggml and vendors' libraries may print to stdout. What is on descriptor 1 becomes ours alone, and theirs
// goes to stderr.
int take_stdout() {
  const int fd = ::fcntl(1, F_DUPFD_CLOEXEC, 10);
  if (fd < 0) return 1;
  ::dup2(2, 1);
  return fd;
}

}  // namespace

int run_worker(std::string_view job_json) {
  SystemClock clock;
  const Nanos start = clock.now();
  ::setenv("GGML_NO_BACKTRACE", "1", 1);  // else ggml_abort attaches a debugger
  JsonLines out(take_stdout());
  const Result<void> result = run(job_json, out, clock, start);
  if (!result) out.error(result.error());
  // Backends' threads and static destructors have crashed and hung at exit; nothing of ours is left to be
  // flushed.
  ::_exit(result ? 0 : 1);
}

}  // namespace assay
