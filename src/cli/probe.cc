// `assay probe`: what this machine is.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

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
     "Also load vendors' management libraries, run vendors' tools for their versions and import Python frameworks for "
     "their devices, each in a child process with a limit of 2.5 s. Without it nothing of a vendor's is executed.",
     nullptr, nullptr},
    {.name = "--python",
     .value = "PATH",
     .help =
         "A Python interpreter, or the folder of an environment, whose frameworks to look at; may be given more than "
         "once. Of another host it is that host's path.",
     .default_text = "python3 of PATH, and $VIRTUAL_ENV",
     .completes = "file",
     .repeats = true},
};

// A bare name is looked for in PATH, as a shell would; of another host only whole paths mean anything.
Result<std::string> python_path(const std::string& python, const std::string& root,
                                const CliEnvironment& environment) {
  if (!root.empty()) {
    if (python.starts_with('/')) return python;
    return fail(fmt::format("'{}' is no absolute path", printable(python)), "--python",
                "Give the path that the interpreter has on that host.");
  }
  if (python.find('/') == std::string::npos) return find_program(python, environment.variable("PATH"));
  return absolute_path(python);
}

// Else whatever is looked for would be told as not there.
bool is_root_of_host(const std::string& root) {
  return std::ranges::any_of(std::array{"etc", "proc", "sys", "usr"}, [&](const char* name) {
    return list_directory(fmt::format("{}/{}", root, name)).has_value();
  });
}

Result<int> run_probe(CommandContext& context, const ParsedOptions& options) {
  ASSIGN_OR_RETURN(const Places places, find_places(context.environment));
  const std::string root = options.value("--root");
  if (!root.empty() && !file_exists(root))
    return fail("there is no such folder", root, "Name the folder under which the host's / lies.");
  if (!root.empty() && !is_root_of_host(root))
    return fail("this is no host's root: it holds none of etc, proc, sys and usr", root,
                "Name the folder under which the host's / lies.");
  HostProbe probe = host_probe(context.environment, places, root.empty() ? "" : absolute_path(root));
  probe.measure_speed = options.has("--speed");
  probe.asks_management = probe.runs_vendor_code = options.has("--run-vendor-code");
  for (const std::string& python : options.values("--python")) {
    ASSIGN_OR_RETURN(std::string interpreter, python_path(python, root, context.environment));
    probe.pythons.push_back(std::move(interpreter));
  }
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
          "libraries, every compute device that the engine finds, the run-time libraries, tools, Python frameworks and "
          "container run-times that are installed and what each vendor's tooling lacks, as text for people or as JSON for programs. "
          "What is odd about them is said at the end. Foreign libraries are loaded in processes of their own: one "
          "that crashes or hangs is reported, not fatal.",
      .options = kProbeOptions,
      .positionals = {},
      .example = "assay probe\nassay probe --run-vendor-code\nassay probe --root /host --json",
      .run = run_probe,
  };
}

}  // namespace assay
