// Option parsing over CLI11, which only this file sees.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>

#include "cli/command.h"

namespace assay {
namespace {

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

std::string described(const PositionalSpec& positional) {
  return fmt::format("{}: {}", positional.name, positional.help);
}

// What is wrong with a command line, in people's words: CLI11 tells it in its own. It looks only; CLI11 reads
// what is right.
class ArgumentCheck {
 public:
  explicit ArgumentCheck(const Command& command) : command_(command) {}

  Result<void> check(const std::vector<std::string>& arguments) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      const std::string& argument = arguments[i];
      if (argument == "--") return wrong("nothing may stand behind --");
      if (argument.size() < 2 || argument[0] != '-') {
        RETURN_IF_ERROR(count_positional(argument));
        continue;
      }
      const bool is_long = argument.starts_with("--");
      const size_t equals = is_long ? argument.find('=') : std::string::npos;
      const std::string name = is_long ? argument.substr(0, equals) : argument.substr(0, 2);
      const OptionSpec* option = find(name);
      if (option == nullptr) return unknown(is_long ? name : argument);
      const bool has_value = is_long ? equals != std::string::npos : argument.size() > 2;
      RETURN_IF_ERROR(check_times(*option));
      if (option->value == nullptr) {
        if (has_value)
          return wrong(fmt::format("{} takes no value", name), "Give it alone, or leave it out.");
        continue;
      }
      if (has_value) {
        RETURN_IF_ERROR(check_value(*option, argument.substr(is_long ? equals + 1 : 2)));
        continue;
      }
      // A word like an option is none, however it is spelt; --name=--value takes it all the same.
      if (i + 1 == arguments.size() || arguments[i + 1].starts_with("--") ||
          find(arguments[i + 1]) != nullptr)
        return needs_value(*option);
      RETURN_IF_ERROR(check_value(*option, arguments[++i]));
    }
    return {};
  }

 private:
  std::unexpected<Error> wrong(std::string what, const std::string& remedy = "") const {
    return fail(std::move(what), "", (remedy.empty() ? "" : remedy + " ") + help_remedy(command_));
  }

  const OptionSpec* find(std::string_view name) const {
    for (const std::span<const OptionSpec> options : {command_.options, common_options(command_)}) {
      for (const OptionSpec& option : options) {
        const bool is_letter = name.size() == 2 && name[0] == '-' && option.letter == name[1];
        if (name == option.name || is_letter) return &option;
      }
    }
    return nullptr;
  }

  std::unexpected<Error> unknown(const std::string& name) const {
    const auto foreign = std::ranges::find(command_.foreign_flags, name, &ForeignFlag::name);
    if (foreign != command_.foreign_flags.end())
      return wrong(fmt::format("unknown option '{}'. {}", name, foreign->advice));
    std::vector<std::string> known;
    for (const std::span<const OptionSpec> options : {command_.options, common_options(command_)}) {
      for (const OptionSpec& option : options) known.emplace_back(option.name);
    }
    return wrong(fmt::format("unknown option '{}'.{}", printable(name), suggestion(name, known)));
  }

  Result<void> check_times(const OptionSpec& option) {
    if (std::ranges::find(seen_, &option) == seen_.end()) {
      seen_.push_back(&option);
      return {};
    }
    if (option.repeats || option.value == nullptr) return {};
    return wrong(fmt::format("{} is given twice", option.name),
                 option.many ? fmt::format("Write all its words behind one: {} {} {}.", option.name,
                                           option.value, option.value)
                             : std::string("Give it once."));
  }

  Result<void> check_value(const OptionSpec& option, std::string_view value) const {
    if (value.empty()) return needs_value(option);
    return {};
  }

  // With an example: from the command's own, where they show the option, or the number that holds without it.
  std::unexpected<Error> needs_value(const OptionSpec& option) const {
    std::string what = fmt::format("{} needs a value", option.name);
    const std::string shown = fmt::format("{} ", option.name);
    const std::string_view examples = command_.example;
    if (const size_t at = examples.find(shown); at != std::string_view::npos) {
      const size_t end = std::min(examples.find_first_of(" \n", at + shown.size()), examples.size());
      what += fmt::format(", for example {}", examples.substr(at, end - at));
    } else if (option.default_text != nullptr && parse_number(option.default_text)) {
      what += fmt::format(", for example {} {}", option.name, option.default_text);
    }
    return wrong(std::move(what), fmt::format("{} {}: {}", option.name, option.value, option.help));
  }

  Result<void> count_positional(const std::string& argument) {
    const std::span<const PositionalSpec> takes = command_.positionals;
    const bool is_endless = !takes.empty() && takes.back().repeats;
    if (positionals_ >= takes.size() && !is_endless) {
      std::string names;
      for (const PositionalSpec& each : takes)
        names += fmt::format("{}{}", names.empty() ? "" : " ", each.name);
      return wrong(fmt::format("'{}' is one word too many: `assay {}` takes {}", printable(argument, 60),
                               command_.name, names.empty() ? "none but options" : "one " + names));
    }
    const PositionalSpec& place = takes[std::min(positionals_, takes.size() - 1)];
    ++positionals_;
    if (argument.empty()) return wrong(fmt::format("{} is empty", place.name), described(place));
    return {};
  }

  const Command& command_;
  std::vector<const OptionSpec*> seen_;
  size_t positionals_ = 0;
};

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
  const std::vector<std::string> joined = with_joined_words(command, arguments);
  RETURN_IF_ERROR(ArgumentCheck(command).check(joined));
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
  for (const OptionSpec& option : common_options(command)) bind(option);
  for (const PositionalSpec& positional : command.positionals) {
    bound.emplace_back(positional.name, positional.repeats
                                            ? app.add_option(positional.name, lists.emplace_back())
                                            : app.add_option(positional.name, texts.emplace_back()));
  }
  std::vector<std::string> reversed(joined.rbegin(), joined.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return fail(error.what(), "", help_remedy(command));  // of what ArgumentCheck has overlooked
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
    if (missing)
      return fail(fmt::format("no {} given", positional.name), "",
                  fmt::format("{} {}", described(positional), help_remedy(command)));
  }
  return parsed;
}

}  // namespace assay
