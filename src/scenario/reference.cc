// The reference of docs/scenario.md, from the table of keys.
#include <fmt/format.h>

#include <array>

#include "scenario/scenario.h"

namespace assay {
namespace {

// What a section says before its keys.
struct Section {
  std::string_view table, heading, text;
};

constexpr std::array<Section, 17> kSections = {{
    {"", "Top level", "Stand before the first table of the file."},
    {"target", "[[target]]",
     "One for each thing that is given work. Keys of one kind of target are refused on the others."},
    {"target.stack", "[target.stack]",
     "What serves an endpoint: evidence that every record made on it carries. Stands behind its [[target]]. With "
     "launch, assay starts the server itself for the trials of the target, waits until it is ready, measures that, and "
     "stops it with everything that it started."},
    {"traffic", "[[traffic]]",
     "One for each class of requests. Keys of one kind of request are refused on the others."},
    {"traffic.sampling", "sampling of [[traffic]]",
     "Written as `sampling = { temperature = 0.7, top_p = 0.9 }`. What is not given is not sent, but for temperature."},
    {"traffic.tensors", "tensors of [[traffic]]",
     "Written as `tensors = [{ name = \"input\", datatype = \"FP32\", shape = [-1, 16] }]`."},
    {"traffic.expect", "expect of [[traffic]]", ""},
    {"traffic.expect.values", "values of expect", "Each is one place of the answer."},
    {"traffic.slo", "slo of [[traffic]]",
     "Written as `slo = { ttft_ms = 1000, tpot_ms = 100, share = 0.9 }`. A limit that is not given does not apply."},
    {"lengths", "Lengths",
     "`prompt_tokens`, `output_tokens` and `turns` are a whole number, or one of `{ median = 60, sigma = "
     "0.5, max = 200 }` "
     "(lognormal), `{ min = 10, max = 20 }` (uniform) and `{ trace = \"trace.csv\" }` (drawn from a trace)."},
    {"load", "[load]", ""},
    {"load.trace", "[load.trace]", ""},
    {"load.sweep", "[load.sweep]",
     "One of the two at least. Each point is a trial of its own, beside the mix (or in its place: `load.mix = false`)."},
    {"load.capacity", "[load.capacity]",
     "An empty table asks for the search with what stands here. The search takes arrivals at a rate; see "
     "[traffic](load.md)."},
    {"load.capacity.tier", "[[load.capacity.tier]]",
     "Limits for every class, beside those that the classes have themselves."},
    {"roofline", "[roofline]", ""},
    {"requirement", "[[requirement]]",
     "Each names one metric and one limit, and becomes a verdict that the report leads with: met or missed where the "
     "interval of what was measured lies on one side of the limit, else not told, with about how many times as "
     "many requests would tell."},
}};

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string row(const ScenarioKey& key) {
  std::string definition = key.definition;
  if (*key.of_kind != '\0') definition = fmt::format("({}) {}", key.of_kind, definition);
  const std::string otherwise = *key.default_text == '\0' ? "" : fmt::format("`{}`", key.default_text);
  return fmt::format("| `{}` | {} | {} | {} | {} |\n", key.key, key.type, cell(otherwise), key.unit,
                     cell(definition));
}

// The kinds of requests and the placeholders of templates, from their tables.
std::string kinds_markdown() {
  std::string out =
      "\n## Kinds of requests\n\n"
      "What a class of [[traffic]] sends to an endpoint (`kind`). Of one that is not streamed the answer comes at once: "
      "it has no\nTTFT, TPOT, chunk gaps and output tokens, which are left out, and limits on them are refused. An answer "
      "that fails its check\nis a failed request (`check-failed`).\n\n"
      "| kind | path | streamed | |\n|---|---|---|---|\n";
  for (const RequestKindRow& kind : request_kinds()) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", kind.name,
                       *kind.path == '\0' ? "the class's" : fmt::format("`{}`", kind.path),
                       kind.streams ? "yes" : "no", cell(kind.description));
  }
  out +=
      "\nPlaceholders in `body` and `path` of kind `json`. Text in a body is escaped as JSON wants it, without the quotes "
      "around it.\n\n| placeholder | |\n|---|---|\n";
  for (const PlaceholderRow& row : RequestTemplate::placeholders())
    out += fmt::format("| `{}` | {} |\n", row.form, cell(row.definition));
  return out;
}

}  // namespace

std::string scenario_reference_markdown() {
  std::string out =
      "# Scenarios\n\n"
      "A scenario is the TOML file that `assay run FILE` evaluates: what is given work, with which traffic, by which\n"
      "exams, and what must be reached. Every key but those marked as required may be left out. Without a file\n"
      "`assay run` takes the built-in scenario, [this-machine.toml](../examples/this-machine.toml); the other files\n"
      "beside it are scenarios to start from. Keys that are not known, values that are out of range and keys that\n"
      "do not go together are errors, all of a file at once, each with its line and column.\n\n"
      "Made by `assay help --reference scenario`.\n";
  for (const Section& section : kSections) {
    out += fmt::format("\n## {}\n\n", section.heading);
    if (!section.text.empty()) out += fmt::format("{}\n\n", section.text);
    out += "| key | type | default | unit | meaning |\n|---|---|---|---|---|\n";
    for (const ScenarioKey& key : scenario_keys()) {
      if (key.table == section.table) out += row(key);
    }
    if (section.table == "traffic") out += kinds_markdown();
  }
  return out;
}

}  // namespace assay
