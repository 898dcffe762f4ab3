// `assay probe`: what this machine is.
#include "cli/commands.h"
#include "cli/places.h"
#include "cli/probe_text.h"
#include "exam/exam.h"

namespace assay {
namespace {

constexpr OptionSpec kProbeOptions[] = {
    {"--speed", nullptr, "Also measure a short matrix multiplication on each device.", nullptr, nullptr},
    {"--root", "DIR",
     "Look at the host whose file system lies under DIR, for instance the machine outside of a container. Its engine is "
     "not asked.",
     nullptr, "directory"},
    {"--run-vendor-code", nullptr,
     "Also load vendors' libraries and ask them, each in a child process with a limit of 2.5 s. Without it nothing of a "
     "vendor's is executed.",
     nullptr, nullptr},
};

Result<int> run_probe(CommandContext& context, const ParsedOptions& options) {
  ASSIGN_OR_RETURN(const Places places, find_places(context.environment));
  const std::string root = options.value("--root");
  if (!root.empty() && !file_exists(root))
    return fail("there is no such folder", root, "Name the folder under which the host's / lies.");
  HostProbe probe = host_probe(context.environment, places, root.empty() ? "" : absolute_path(root));
  probe.measure_speed = options.has("--speed");
  probe.asks_management = options.has("--run-vendor-code");
  const Json host = probe_host(probe, context.environment.clock, context.environment.interrupted);
  RETURN_IF_ERROR(context.terminal.out(options.has("--json") ? host.dump(2) + "\n" : host_text(host)));
  return 0;
}

}  // namespace

Command probe_command() {
  return {
      .name = "probe",
      .title = "What is in this machine",
      .description =
          "Shows the processor (model, cores, instruction sets, caches, NUMA nodes), the memory, every accelerator "
          "on PCI with its link, its place and the paths between them, the power sensors, the vendors' management "
          "libraries, and every compute device that the engine finds, as text for people or as JSON for programs. "
          "What is odd about them is said at the end. Foreign libraries are loaded in processes of their own: one "
          "that crashes or hangs is reported, not fatal.",
      .options = kProbeOptions,
      .positionals = {},
      .example = "assay probe\nassay probe --run-vendor-code\nassay probe --root /host --json",
      .run = run_probe,
  };
}

}  // namespace assay
