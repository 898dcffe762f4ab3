// Help, the man page and bash completion, all from the command table.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/names.h"
#include "emulate/emulate.h"
#include "load/load.h"

namespace assay {
namespace {

constexpr size_t kColumns = 80;

// Wraps each paragraph line of `text` at 80 columns, every line indented.
std::string wrap(std::string_view text, size_t indent) {
  std::string out;
  for (const std::string_view paragraph : split(text, '\n')) {
    size_t column = 0;
    for (const std::string_view word : split(paragraph, ' ')) {
      if (word.empty()) continue;
      if (column > 0 && column + 1 + display_width(word) > kColumns) {
        out += '\n';
        column = 0;
      }
      if (column == 0) {
        out.append(indent, ' ');
        column = indent;
      } else {
        out += ' ';
        ++column;
      }
      out += word;
      column += display_width(word);
    }
    out += '\n';
  }
  return out;
}

std::string indent_lines(std::string_view text, std::string_view indent) {
  std::string out;
  for (const std::string_view line : split(text, '\n')) out += fmt::format("{}{}\n", indent, line);
  return out;
}

std::string option_label(const OptionSpec& option) {
  const std::string name =
      option.letter == 0 ? option.name : fmt::format("-{}, {}", option.letter, option.name);
  return option.value == nullptr ? name : fmt::format("{} {}", name, option.value);
}

std::string option_help(const OptionSpec& option) {
  return option.default_text == nullptr ? option.help
                                        : fmt::format("{} Default: {}.", option.help, option.default_text);
}

std::string usage(const Command& command) {
  std::string line = fmt::format("assay {} [options]", command.name);
  for (const PositionalSpec& positional : command.positionals) {
    const std::string name = fmt::format("{}{}", positional.name, positional.repeats ? "…" : "");
    line += positional.required ? fmt::format(" {}", name) : fmt::format(" [{}]", name);
  }
  if (command.rest.name != nullptr) line += fmt::format(" [-- {}]", command.rest.name);
  return line;
}

// "  LABEL     help, wrapped beside it".
std::string entry(const std::string& label, std::string_view help, size_t column) {
  std::string body = wrap(help, column);
  if (display_width(label) + 3 > column) return fmt::format("  {}\n{}", label, body);
  return fmt::format("  {}{}", label, body.substr(2 + display_width(label)));
}

std::string options_text(std::span<const OptionSpec> options) {
  std::string out;
  for (const OptionSpec& option : options) out += entry(option_label(option), option_help(option), 22);
  return out;
}

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '-') out += '\\';
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    out += c;
  }
  return out;
}

std::string roff_options(std::span<const OptionSpec> options) {
  std::string out;
  for (const OptionSpec& option : options) {
    out += fmt::format(".TP\n.B {}\n{}\n", roff(option_label(option)), roff(option_help(option)));
  }
  return out;
}

std::string words_action(const std::vector<std::string>& words) {
  return fmt::format("COMPREPLY=($(compgen -W \"{}\" -- \"$word\"))", join(words, " "));
}

std::string completion_action(const char* kind) {
  const std::string_view wanted(kind == nullptr ? "" : kind);
  if (wanted == "file") return "COMPREPLY=($(compgen -f -- \"$word\"))";
  if (wanted == "directory") return "COMPREPLY=($(compgen -d -- \"$word\"))";
  if (wanted == "exam")
    return "COMPREPLY=($(compgen -W \"$(assay list exams --names 2>/dev/null)\" -- \"$word\"))";
  if (wanted == "command") return "COMPREPLY=($(compgen -W \"$commands\" -- \"$word\"))";
  if (wanted == "timing") {
    std::vector<std::string> models;
    for (const TimingModelKind& model : timing_models()) models.emplace_back(model.name);
    return words_action(models);
  }
  if (wanted == "export") {
    std::string forms;
    for (const ExportFormat& format : export_formats()) forms += fmt::format("{}= ", format.name);
    return fmt::format("compopt -o nospace; COMPREPLY=($(compgen -W \"{}\" -- \"$word\"))", forms);
  }
  std::vector<std::string> lists;
  for (const NamedKind& list : named_kinds()) lists.emplace_back(list.plural);
  if (wanted == "list") return words_action(lists);
  if (wanted == "name")
    return words_action(
        {fmt::format("$(for l in {}; do assay list $l --names; done 2>/dev/null)", join(lists, " "))});
  return "COMPREPLY=()";
}

}  // namespace

std::string help_text() {
  std::string out =
      "assay tells whether an AI accelerator can carry your work on your own premises:\n"
      "does your software run on it, how fast under your traffic, is the arithmetic\n"
      "right, does it survive, what does it cost, and are the vendor's numbers true.\n"
      "\n"
      "Usage: assay COMMAND [options]\n\nCommands:\n";
  for (const Command& command : commands()) out += entry(command.name, command.title, 12);
  out += "\nOptions of every command:\n" + options_text(common_options());
  out +=
      "\nStart here:\n"
      "  assay run                    evaluate this machine\n"
      "  assay help run               what a command does, with examples\n"
      "\nExit codes: 0 done and every requirement met; 1 done, but a requirement, a trial or\n"
      "many of its requests failed, or a result is void; 2 could not run.\n";
  return out;
}

std::string help_text(const Command& command) {
  std::string out =
      fmt::format("{}\n\nUsage: {}\n\n{}", command.title, usage(command), wrap(command.description, 0));
  if (!command.positionals.empty()) out += "\nArguments:\n";
  for (const PositionalSpec& positional : command.positionals)
    out += entry(positional.name, positional.help, 22);
  if (command.rest.name != nullptr)
    out += entry(fmt::format("-- {}", command.rest.name), command.rest.help, 22);
  out += "\nOptions:\n" + options_text(command.options) + options_text(common_options(command));
  out += "\nExamples:\n" + indent_lines(command.example, "  ");
  return out;
}

std::string man_page() {
  std::string out = fmt::format(
      ".TH ASSAY 1 \"\" \"assay {}\" \"User commands\"\n.SH NAME\nassay \\- evaluate an AI accelerator on your own "
      "premises\n.SH SYNOPSIS\n.B assay\n.I COMMAND\n[options]\n.SH DESCRIPTION\nTells whether an AI accelerator can "
      "carry your work: does your software run on it, how fast under your traffic, is the arithmetic right, does it "
      "survive, what does it cost, and are the vendor's numbers true. One program, no network, no account, no "
      "telemetry.\n.SH COMMANDS\n",
      kVersion);
  for (const Command& command : commands()) {
    out += fmt::format(".SS {}\n{}.\n.PP\n.B {}\n.PP\n{}\n", command.name, roff(command.title),
                       roff(usage(command)), roff(command.description));
    for (const PositionalSpec& positional : command.positionals) {
      out += fmt::format(".TP\n.I {}\n{}\n", positional.name, roff(positional.help));
    }
    if (command.rest.name != nullptr)
      out += fmt::format(".TP\n.I \\-\\- {}\n{}\n", roff(command.rest.name), roff(command.rest.help));
    out += roff_options(command.options);
    out += fmt::format(".PP\nExamples:\n.PP\n.nf\n{}.fi\n", roff(indent_lines(command.example, "    ")));
  }
  out += ".SH OPTIONS\nOf every command:\n" + roff_options(common_options());
  out +=
      ".SH EXIT STATUS\n.TP\n0\ndone, and every requirement met\n.TP\n1\ndone, but a requirement or trial failed, or a result is "
      "void\n.TP\n2\ncould not run\n.SH ENVIRONMENT\n.TP\nASSAY_BACKEND_PATH\na folder of further ggml backend libraries "
      "(a vendor's)\n.TP\nASSAY_MODEL_DIR\nwhere the bundled model lies\n.TP\nASSAY_CACHE_DIR\nwhere synthetic models "
      "are kept (default: ~/.cache/assay)\n.TP\nASSAY_CACHE_LIMIT_GB\nhow much of them is kept (default: 20)\n.TP\n"
      "ASSAY_SYSFS\nwhere the kernel's sysfs with its power sensors is mounted (default: /sys)\n.TP\nASSAY_PCI_IDS\na list of PCI names "
      "(pci.ids) to prefer to the system's\n.TP\nASSAY_KIT_DIR\nwhere assay's own kits lie\n.TP\n"
      "ASSAY_LOADER\nof an unpacked bundle: whose loader and C library it takes, bundle or host (default: the newer)\n.TP\nNO_COLOR\nset: no colour\n";
  return out;
}

std::string bash_completion() {
  std::string names;
  for (const Command& command : commands())
    names += fmt::format("{}{}", names.empty() ? "" : " ", command.name);
  std::string out = fmt::format(
      "# bash completion for assay; made by `assay help --bash-completion`.\n_assay() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} commands=\"{}\"\n"
      "  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W \"$commands --help --version\" -- \"$word\")); return; fi\n"
      "  case ${{COMP_WORDS[1]}} in\n",
      names);
  for (const Command& command : commands()) {
    std::string options, values;
    const auto add = [&](const OptionSpec& option) {
      options += fmt::format("{} ", option.name);
      if (option.value == nullptr) return;
      const std::string pattern =
          option.letter == 0 ? option.name : fmt::format("-{}|{}", option.letter, option.name);
      values += fmt::format("        {}) {}; return ;;\n", pattern, completion_action(option.completes));
      // Bash takes "=" for a word of its own: what follows it is the file.
      if (std::string_view(option.completes == nullptr ? "" : option.completes) == "export")
        values += fmt::format("        =) {}; return ;;\n", completion_action("file"));
    };
    for (const OptionSpec& option : command.options) add(option);
    for (const OptionSpec& option : common_options(command)) add(option);
    const char* positional = command.positionals.empty() ? nullptr : command.positionals[0].completes;
    out += fmt::format(
        "    {})\n      case $previous in\n{}      esac\n"
        "      if [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"{}\" -- \"$word\")); else {}; fi ;;\n",
        command.name, values, options, completion_action(positional));
  }
  out += "  esac\n}\ncomplete -o filenames -F _assay assay\n";
  return out;
}

}  // namespace assay
