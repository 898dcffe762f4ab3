// `assay list` and `assay show`: every named thing, and one of them in full.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cli/commands.h"
#include "cli/names.h"
#include "evidence/evidence.h"

namespace assay {
namespace {

constexpr OptionSpec kListOptions[] = {
    {"--names", nullptr, "Only the names, one a line.", nullptr, nullptr},
};
constexpr PositionalSpec kShowPositionals[] = {
    {"NAME", "The name of an exam, target, kit, request, metric, shape, fault or chip.", true, "name"}};

std::vector<std::string> plurals() {
  std::vector<std::string> names;
  for (const NamedKind& kind : named_kinds()) names.emplace_back(kind.plural);
  return names;
}

std::span<const PositionalSpec> list_positionals() {
  static const std::string help = fmt::format("One of {}. Without it: what each is.", join(plurals(), ", "));
  static const PositionalSpec positionals[] = {{"KIND", help.c_str(), false, "list"}};
  return positionals;
}

std::string list_text(const std::vector<NamedThing>& things, bool only_names) {
  size_t width = 0;
  for (const NamedThing& thing : things) width = std::max(width, display_width(thing.name));
  std::string out;
  for (const NamedThing& thing : things) {
    out += only_names ? thing.name + "\n" : fmt::format("{:<{}}  {}\n", thing.name, width, thing.title);
  }
  return out;
}

// What there are lists of.
std::vector<NamedThing> kinds() {
  std::vector<NamedThing> all;
  for (const NamedKind& kind : named_kinds())
    all.push_back(
        {kind.plural, kind.title, "", Json::object().set("name", kind.plural).set("title", kind.title)});
  return all;
}

Result<int> run_list(CommandContext& context, const ParsedOptions& options) {
  const std::string wanted = options.value("KIND");
  std::optional<std::vector<NamedThing>> things;
  if (!options.has("KIND")) things = kinds();
  for (const NamedKind& kind : named_kinds()) {
    if (wanted == kind.plural) things = kind.things();
  }
  if (things) {
    Json json = Json::array();
    for (const NamedThing& thing : *things) json.push(thing.json);
    RETURN_IF_ERROR(context.terminal.out(options.has("--json") ? json.dump(2) + "\n"
                                                               : list_text(*things, options.has("--names"))));
    return 0;
  }
  return fail(fmt::format("there is no list of '{}'.{}", printable(wanted), suggestion(wanted, plurals())),
              "", fmt::format("There are: {}.", join(plurals(), ", ")));
}

// "load.target-lost".
bool is_finding_code(std::string_view name) {
  const size_t dot = name.find('.');
  constexpr std::string_view kAreas[] = {"engine", "exam",  "kit",   "load",     "metrics",
                                         "model",  "power", "probe", "roofline", "stack"};
  return dot != std::string_view::npos &&
         std::ranges::find(kAreas, name.substr(0, dot)) != std::end(kAreas) && dot + 1 < name.size() &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || c == '.' || c == '-'; });
}

bool is_named(const NamedThing& thing, const std::string& wanted) {
  return wanted == thing.name || std::ranges::any_of(thing.aliases, [&](const std::string& alias) {
           return lower(alias) == lower(wanted);
         });
}

Result<int> show_named(CommandContext& context, const ParsedOptions& options, const std::string& wanted) {
  std::vector<std::string> names;
  for (const NamedKind& kind : named_kinds()) {
    for (const NamedThing& thing : kind.things()) {
      names.push_back(thing.name);
      if (!is_named(thing, wanted)) continue;
      RETURN_IF_ERROR(context.terminal.out(
          options.has("--json") ? thing.json.dump(2) + "\n"
                                : fmt::format("{}: {}\n\n{}", thing.name, thing.title, thing.text)));
      return 0;
    }
  }
  // A metric as records and requirements name it, with its statistic: "ttft_ms_p90".
  const Result<MetricName> metric = parse_metric_name(wanted);
  if (metric && !metric->statistic.empty()) return show_named(context, options, metric->metric->name);
  return fail(
      fmt::format("nothing is named '{}'.{}", printable(wanted), suggestion(wanted, names)), "",
      is_finding_code(wanted)
          ? std::string("Findings are told in full where they were made: `assay report DOSSIER`.")
          : fmt::format("`assay list KIND` shows the names; the kinds are {}.", join(plurals(), ", ")));
}

Result<int> run_show(CommandContext& context, const ParsedOptions& options) {
  return show_named(context, options, options.value("NAME"));
}

}  // namespace

Command list_command() {
  return {
      .name = "list",
      .title = "Every exam, target, kit, request, metric, shape, fault or chip",
      .description =
          "Lists what assay knows by name: exams, kinds of targets, kits, kinds of requests, metrics with their meaning, the model shapes that "
          "synthetic:SHAPE:TYPE can take, the faults of assay emulate, and the chips of which claims are known.",
      .options = kListOptions,
      .positionals = list_positionals(),
      .example = "assay list\nassay list exams\nassay list metrics --json",
      .run = run_list,
  };
}

Command show_command() {
  return {
      .name = "show",
      .title = "One of them in full",
      .description =
          "Shows one exam, target, kit, kind of request, metric, shape, fault or chip in full: what it means, its unit, where its definition "
          "comes from, how it is used; of a chip, which may also be named as its driver does, all that is claimed, by whom.",
      .options = {},
      .positionals = kShowPositionals,
      .example =
          "assay show roofline\nassay show ttft_ms\nassay show llama-3.1-8b\nassay show iluvatar-bi-v150",
      .run = run_show,
  };
}

}  // namespace assay
