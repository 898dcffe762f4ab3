// `assay help`: help, and everything else that is made from the command table.
#include <fmt/format.h>

#include "catalogue/catalogue.h"
#include "cli/commands.h"
#include "evidence/evidence.h"
#include "scenario/scenario.h"

namespace assay {
namespace {

constexpr OptionSpec kHelpCommandOptions[] = {
    {"--man", nullptr, "Write the manual page (roff).", nullptr, nullptr},
    {"--bash-completion", nullptr, "Write completion for bash.", nullptr, nullptr},
    {"--reference", "TOPIC", "Write a reference page in Markdown: commands, metrics, scenario or chips.",
     nullptr, nullptr},
};

constexpr PositionalSpec kHelpCommandPositionals[] = {{"COMMAND", "What to explain.", false, "command"}};

std::string command_reference_markdown() {
  std::string out = "# Commands\n\nMade by `assay help --reference commands`.\n";
  for (const Command& command : commands()) {
    out += fmt::format("\n## assay {}\n\n```text\n{}```\n", command.name, help_text(command));
  }
  return out;
}

Result<std::string> reference(const std::string& topic) {
  if (topic == "commands") return command_reference_markdown();
  if (topic == "metrics") return metric_reference_markdown();
  if (topic == "scenario") return scenario_reference_markdown();
  if (topic == "chips") return chip_reference_markdown(ChipCatalogue::built_in());
  const std::string topics[] = {"commands", "metrics", "scenario", "chips"};
  return fail(fmt::format("unknown reference '{}'.{}", printable(topic), suggestion(topic, topics)), "",
              "There are: commands, metrics, scenario, chips.");
}

// Each says all that is written, so that of two one would do nothing.
Result<void> check_one_topic(const ParsedOptions& options) {
  std::vector<std::string> given;
  for (const char* name : {"COMMAND", "--man", "--bash-completion", "--reference"}) {
    if (options.has(name)) given.emplace_back(name);
  }
  if (given.size() < 2) return {};
  return fail(fmt::format("{} do not go together", join(given, " and ")), "", "Give one of them.");
}

Result<std::string> help(const ParsedOptions& options) {
  RETURN_IF_ERROR(check_one_topic(options));
  if (options.has("--man")) return man_page();
  if (options.has("--bash-completion")) return bash_completion();
  if (options.has("--reference")) return reference(options.value("--reference"));
  if (!options.has("COMMAND")) return help_text();
  const std::string name = options.value("COMMAND");
  if (const Command* command = find_command(name)) return help_text(*command);
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return fail(fmt::format("unknown command '{}'.{}", printable(name), suggestion(name, names)), "",
              "`assay help` lists the commands.");
}

Result<int> run_help(CommandContext& context, const ParsedOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, help(options));
  RETURN_IF_ERROR(context.terminal.out(text));
  return 0;
}

}  // namespace

Command help_command() {
  return {
      .name = "help",
      .title = "Explain a command",
      .description =
          "Explains assay, or one command. The same tables give the manual page, completion for bash and the "
          "reference pages of the documentation.",
      .options = kHelpCommandOptions,
      .positionals = kHelpCommandPositionals,
      .example =
          "assay help run\nassay help --man > assay.1\nassay help --bash-completion > /etc/bash_completion.d/assay",
      .run = run_help,
      .has_json = false,
  };
}

}  // namespace assay
