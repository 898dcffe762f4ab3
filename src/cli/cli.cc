// The command table, and the way from a command line to a command.
#include "cli/cli.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/load_ranks.h"
#include "measure/measure.h"

namespace assay {
namespace {

constexpr OptionSpec kCommonOptions[] = {
    // --json first: common_options(command) counts on it.
    {"--json", nullptr, "Write the result as JSON, for programs.", nullptr, nullptr},
    {"--help", nullptr, "Show this help.", nullptr, nullptr},
};

int fail_with(Terminal& terminal, const Error& error) {
  terminal.err("assay: " + error.message() + "\n");
  return 2;
}

Result<int> run_arguments(const std::vector<std::string>& arguments, CliEnvironment& environment,
                          Terminal& terminal) {
  const std::string name = arguments.empty() ? "--help" : arguments[0];
  if (name == "--help" || name == "-h") {
    RETURN_IF_ERROR(terminal.out(help_text()));
    return 0;
  }
  if (name == "--version") {
    RETURN_IF_ERROR(terminal.out(fmt::format("assay {}\n", kVersion)));
    return 0;
  }
  const Command* command = find_command(name);
  if (command == nullptr) {
    std::vector<std::string> names;
    for (const Command& known : commands()) names.emplace_back(known.name);
    return fail(fmt::format("unknown command '{}'.{}", printable(name), suggestion(name, names)), "",
                "`assay help` lists the commands.");
  }
  ASSIGN_OR_RETURN(const ParsedOptions options,
                   parse_options(*command, {arguments.begin() + 1, arguments.end()}));
  if (options.has("--help")) {
    RETURN_IF_ERROR(terminal.out(help_text(*command)));
    return 0;
  }
  if (const auto place = launcher_place(environment.variables); place && command->ranks != RankUse::kShares) {
    if (command->ranks == RankUse::kRefuses)
      return refuse_ranks(*place, name, "each would evaluate everything, and they would disturb each other");
    if (place->rank == 0)
      terminal.err(fmt::format(
          "assay: {} has started this {} times, and each works for itself: only `assay load` shares "
          "its work between ranks\n",
          place->name, place->ranks));
  }
  CommandContext context{environment, terminal};
  return command->run(context, options);
}

}  // namespace

const char* const kVersion = ASSAY_VERSION;

std::string CliEnvironment::variable(std::string_view name) const {
  for (const auto& [key, value] : variables) {
    if (key == name) return value;
  }
  return "";
}

std::span<const OptionSpec> common_options() {
  return kCommonOptions;
}

std::span<const OptionSpec> common_options(const Command& command) {
  return command.has_json ? common_options() : common_options().subspan(1);
}

std::span<const Command> commands() {
  static const Command kCommands[] = {run_command(),    load_command(), probe_command(), emulate_command(),
                                      report_command(), list_command(), show_command(),  help_command()};
  return kCommands;
}

bool is_child_command(std::string_view name) {
  return name == kWorkerCommand || name == kManagementCommand;
}

const Command* find_command(std::string_view name) {
  const std::span<const Command> all = commands();
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const Command& command) { return name == command.name; });
  return it == all.end() ? nullptr : &*it;
}

int run_cli(const std::vector<std::string>& arguments, CliEnvironment& environment) {
  if (arguments.size() == 2 && arguments[0] == kWorkerCommand) return environment.run_worker(arguments[1]);
  if (arguments.size() == 2 && arguments[0] == kManagementCommand) return run_management_worker(arguments[1]);
  Terminal terminal(environment);
  const Result<int> code = run_arguments(arguments, environment, terminal);
  return code ? *code : fail_with(terminal, code.error());
}

}  // namespace assay
