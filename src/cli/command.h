// Commands and their options as tables: parsing, help, the man page and bash completion are all made from
// these rows.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "cli/cli.h"
#include "cli/terminal.h"

namespace assay {

// Hidden subcommands: see is_child_command.
inline constexpr std::string_view kWorkerCommand = "worker", kManagementCommand = "management";

struct OptionSpec {
  const char* name;          // "--out"
  const char* value;         // "DIR"; null for a flag
  const char* help;          // a sentence
  const char* default_text;  // shown in help; null: none
  const char* completes;     // for completion: "file", "directory", "exam", "export"; null: nothing
  char letter = 0;           // 'o' where "-o" is the same; 0: none
  // Its value is one or more words KEY:NUMBER, which value() joins with commas: "--goodput ttft:500 tpot:50".
  bool many = false;
  bool repeats = false;  // may be given more than once: ParsedOptions::values
};

// A flag of another tool that people type here, too.
struct ForeignFlag {
  const char* name;    // "--base-url"
  const char* advice;  // a sentence: what is meant by it here
};

struct PositionalSpec {
  const char* name;  // "DOSSIER"
  const char* help;
  bool required;
  const char* completes;
  bool repeats = false;  // may be given more than once: ParsedOptions::values
};

// What the user typed, checked against the specs.
class ParsedOptions {
 public:
  bool has(std::string_view option) const { return values_.contains(std::string(option)); }
  // "" if absent.
  std::string value(std::string_view name) const;
  // Of an option that may be given more than once, in the order given; empty if absent.
  std::vector<std::string> values(std::string_view name) const;
  void set(std::string name, std::string value) { values_[std::move(name)] = std::move(value); }
  // What stood behind "--", of a command that takes it.
  const std::vector<std::string>& rest() const { return rest_; }
  void set_rest(std::vector<std::string> rest) { rest_ = std::move(rest); }

 private:
  std::vector<std::string> rest_;
  std::map<std::string, std::string> values_;  // options by "--name", positionals by NAME
};

// What a command works with.
struct CommandContext {
  CliEnvironment& environment;
  Terminal& terminal;
};

// What a command is when a launcher has started it several times.
enum class RankUse {
  kForItself,  // each works for itself, which rank 0 says
  kShares,     // the ranks share the work
  kRefuses,    // they would disturb each other
};

struct Command {
  const char* name;
  const char* title;        // one line, for the list
  const char* description;  // paragraphs
  std::span<const OptionSpec> options;
  std::span<const PositionalSpec> positionals;
  const char* example;  // command lines, one a line, with a # comment above where it helps
  // The exit code, or the error that main prints before exit code 2.
  Result<int> (*run)(CommandContext& context, const ParsedOptions& options);
  // What may follow "--": any words, none of which is an option of ours. A null name: nothing may.
  PositionalSpec rest = {nullptr, nullptr, false, nullptr};
  RankUse ranks = RankUse::kForItself;
  bool has_json = true;  // takes --json
  std::span<const ForeignFlag> foreign_flags = {};
};

// Options that commands have beside their own: all of them, and those of one command.
std::span<const OptionSpec> common_options();
std::span<const OptionSpec> common_options(const Command& command);
std::span<const Command> commands();
const Command* find_command(std::string_view name);

// Checks `arguments` (without program and command) against the command's specs. CLI11 does the work, in
// options.cc.
Result<ParsedOptions> parse_options(const Command& command, const std::vector<std::string>& arguments);

// Text for people, wrapped at 80 columns.
std::string help_text();  // of the program
std::string help_text(const Command& command);
std::string man_page();  // roff
std::string bash_completion();

}  // namespace assay
