// Option parsing over CLI11, which only this file sees.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>

#include "cli/command.h"

namespace assay {
namespace {

std::vector<std::string> known_options(const Command& command) {
  std::vector<std::string> names;
  for (const OptionSpec& option : command.options) names.emplace_back(option.name);
  for (const OptionSpec& option : common_options()) names.emplace_back(option.name);
  return names;
}

// The first argument that looks like an option and is none of ours, for a message better than CLI11's.
std::string unknown_option(const Command& command, const std::vector<std::string>& arguments) {
  const std::vector<std::string> known = known_options(command);
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (!argument.starts_with("--")) continue;
    const std::string name = argument.substr(0, argument.find('='));
    if (std::find(known.begin(), known.end(), name) == known.end()) return name;
  }
  return "";
}

bool is_key_and_number(const std::string& word) {
  const size_t colon = word.find(':');
  return colon != std::string::npos && colon > 0 &&
         parse_number(std::string_view(word).substr(colon + 1)).has_value();
}

// The words of an option that takes many are joined into one.
std::vector<std::string> with_joined_words(const Command& command,
                                           const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  bool takes_more = false;
  for (const std::string& argument : arguments) {
    if (takes_more && is_key_and_number(argument) && is_key_and_number(out.back())) {
      out.back() += "," + argument;
      continue;
    }
    if (takes_more && is_key_and_number(argument)) {
      out.push_back(argument);
      continue;
    }
    takes_more = std::ranges::any_of(
        command.options, [&](const OptionSpec& option) { return option.many && option.name == argument; });
    out.push_back(argument);
  }
  return out;
}

// No argument of a process can hold it.
constexpr char kBetweenValues = '\0';

std::string help_remedy(const Command& command) {
  return "See `assay help " + std::string(command.name) + "`.";
}

}  // namespace

std::string ParsedOptions::value(std::string_view name) const {
  const auto it = values_.find(std::string(name));
  return it == values_.end() ? "" : it->second;
}

std::vector<std::string> ParsedOptions::values(std::string_view name) const {
  const auto it = values_.find(std::string(name));
  if (it == values_.end()) return {};
  std::vector<std::string> all;
  for (const std::string_view each : split(it->second, kBetweenValues)) all.emplace_back(each);
  return all;
}

Result<ParsedOptions> parse_options(const Command& command, const std::vector<std::string>& given) {
  // Behind "--" stand the words of another program, where the command takes them.
  const auto end = command.rest.name == nullptr ? given.end() : std::find(given.begin(), given.end(), "--");
  const std::vector<std::string> arguments(given.begin(), end);
  if (const std::string name = unknown_option(command, arguments); !name.empty()) {
    return fail("unknown option '" + printable(name) + "'." + suggestion(name, known_options(command)), "",
                help_remedy(command));
  }
  CLI::App app;
  app.set_help_flag();
  std::deque<std::string> texts;  // stable addresses, one a spec
  std::deque<std::vector<std::string>> lists;
  std::deque<bool> flags;
  std::vector<std::pair<std::string, CLI::Option*>> bound;
  const auto bind = [&](const OptionSpec& option) {
    const std::string names =
        option.letter == 0 ? option.name : std::string("-") + option.letter + "," + option.name;
    CLI::Option* added = option.value == nullptr ? app.add_flag(names, flags.emplace_back())
                         : option.repeats
                             ? app.add_option(names, lists.emplace_back())->allow_extra_args(false)
                             : app.add_option(names, texts.emplace_back());
    bound.emplace_back(option.name, added);
  };
  for (const OptionSpec& option : command.options) bind(option);
  for (const OptionSpec& option : common_options()) bind(option);
  for (const PositionalSpec& positional : command.positionals) {
    bound.emplace_back(positional.name, positional.repeats
                                            ? app.add_option(positional.name, lists.emplace_back())
                                            : app.add_option(positional.name, texts.emplace_back()));
  }
  const std::vector<std::string> joined = with_joined_words(command, arguments);
  std::vector<std::string> reversed(joined.rbegin(), joined.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return fail(error.what(), "", help_remedy(command));
  }
  ParsedOptions parsed;
  if (end != given.end()) {
    parsed.set_rest({end + 1, given.end()});
    if (parsed.rest().empty())
      return fail(fmt::format("no {} stands behind --", command.rest.name), "", help_remedy(command));
  }
  for (const auto& [name, option] : bound) {
    if (option->count() == 0) continue;
    std::string all;
    for (const std::string& value : option->results()) all += all.empty() ? value : kBetweenValues + value;
    parsed.set(name, std::move(all));
  }
  for (const PositionalSpec& positional : command.positionals) {
    const bool missing = positional.required && !parsed.has(positional.name) && !parsed.has("--help");
    if (missing) return fail("no " + std::string(positional.name) + " given", "", help_remedy(command));
  }
  return parsed;
}

}  // namespace assay
