// `assay probe`: what this machine is.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/places.h"
#include "exam/exam.h"

namespace assay {
namespace {

constexpr OptionSpec kOptions[] = {
    {"--speed", nullptr, "Also measure a short matrix multiplication on each device.", nullptr, nullptr},
};

Result<int> run_probe(CommandContext& context, const ParsedOptions& options) {
  const WorkerCommand worker = worker_command(context.environment);
  const Json host = probe_host(worker, context.environment.clock, options.has("--speed"));
  RETURN_IF_ERROR(context.terminal.out(options.has("--json") ? host.dump(2) + "\n" : host_text(host)));
  return 0;
}

}  // namespace

Command probe_command() {
  return {
      .name = "probe",
      .title = "What is in this machine",
      .description = "Shows the processor (model, cores, instruction sets, caches, NUMA nodes), the memory, and every "
                     "compute device that the engine finds, as a table for people or as JSON for programs. Foreign "
                     "libraries are loaded in a worker process: one that crashes is reported, not fatal.",
      .options = kOptions,
      .positionals = {},
      .example = "assay probe\nassay probe --json",
      .run = run_probe,
  };
}

}  // namespace assay
