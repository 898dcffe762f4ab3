// [[target]]: what is given work.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "catalogue/catalogue.h"
#include "http/http.h"
#include "os/os.h"
#include "scenario/draft.h"
#include "scenario/kit_keys.h"
#include "scenario/server_urls.h"
#include "scenario/variables.h"

namespace assay {
namespace {

const std::array<std::string, 3> kApis = {"chat", "completions", "responses"};

void read_kind(Reader& reader, const TomlMember& member, TargetSpec& target) {
  std::vector<std::string> names;
  for (const TargetKindRow& row : target_kinds()) names.emplace_back(row.name);
  std::string name;
  reader.read_choice(member, names, name);
  for (const TargetKindRow& row : target_kinds()) {
    if (name == row.name) target.kind = row.kind;
  }
}

void read_model(Reader& reader, const TomlMember& member, TargetSpec& target) {
  reader.read_string(member, target.model);
  if (member.value.text.empty() || target.model == "auto") return;
  if (const Result<void> known = check_model_spec(target.model); !known)
    return reader.error(member.value.at, sentences(known.error().what, known.error().remedy));
  if (!is_model_file(target.model)) return;
  // Its head is read now: a file that is not there, or is no model, would be noticed when the other trials
  // are over.
  target.model = reader.resolved(target.model);
  if (const Result<GgufModel> model = read_gguf_model(target.model); !model)
    reader.error(member.value.at, fmt::format("{}: {}", printable(model.error().where),
                                              sentences(model.error().what, model.error().remedy)));
}

void read_metrics_url(Reader& reader, const TomlMember& member, TargetSpec& target) {
  if (std::optional<std::string> url = read_server_url(reader, member)) target.metrics_url = std::move(*url);
}

void read_metrics_interval(Reader& reader, const TomlMember& member, TargetSpec& target) {
  constexpr double kLeastS = 0.1, kMostS = 60;
  double interval_s = 0;
  reader.read_number(member, 0, kMostS, interval_s);
  if (interval_s > 0 && interval_s < kLeastS)
    return reader.error(member.value.at,
                        fmt::format("metrics_interval_s is {}: give 0, or {} at least, so that the samples "
                                    "do not become a load of their own",
                                    interval_s, kLeastS));
  target.metrics_interval_s = interval_s;
}

// The file is looked for now: a run that lacks it would say so at its end only.
void read_tokenizer(Reader& reader, const TomlMember& member, TargetSpec& target) {
  std::string text;
  reader.read_string(member, text);
  if (text.empty()) return;
  std::string path = reader.resolved(text);
  if (list_directory(path)) path += "/tokenizer.json";
  if (!file_exists(path)) {
    return reader.error(
        member.value.at,
        fmt::format("there is no file {}: give the path of the model's tokenizer.json, of a folder that "
                    "holds it, or of a GGUF; nothing is fetched",
                    printable(path)));
  }
  if (!path.ends_with(".gguf") && !path.ends_with(".json")) {
    return reader.error(member.value.at,
                        fmt::format("{} is no tokenizer that is known: give a tokenizer.json or a file "
                                    "that ends with .gguf",
                                    printable(path)));
  }
  target.tokenizer = std::move(path);
}

void refuse_api_key(Reader& reader, const TomlMember& member, TargetSpec&) {
  reader.error(member.key_at,
               "a secret does not belong in a scenario, which is stored with every result; name the "
               "environment variable that holds it in api_key_env, or a file in api_key_file");
}

using TargetRow = Row<TargetSpec>;
constexpr TargetRow kTargetRows[] = {
    {{"target", "name", "string", "", "",
      "What results call it; unique. By default the device, the host and port of the URL, the kit, or \"fake\"."},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_string(m, t.name); }},
    {{"target", "kind", "string", "\"device\"", "",
      "\"device\": a device of this machine, with the engine in a worker process; \"endpoint\": a server over HTTP; "
      "\"kit\": a program that prints evidence, inside the vendor's own framework; "
      "\"fake\": a target with exactly known timing, to try a scenario on."},
     read_kind},
    {{"target", "device", "string", "\"*\"", "",
      "A device as `assay probe` names it; \"*\" is every one that is found. Of a kit: the device that its numbers are of, as they are to be "
      "called, which puts them beside those of a device target of that name; \"*\" is what the kit calls it.",
      "device or kit"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) {
       r.read_string(m, t.device);
       t.device_where = r.where(m.value.at);
     }},
    {{"target", "model", "string", "\"auto\"", "",
      "\"smollm2-135m\", the path of a GGUF file, \"synthetic:SHAPE:TYPE\" (random weights of a known shape: speed "
      "without the weights), or \"auto\": sized to the device.",
      "device"},
     read_model},
    {{"target", "threads", "integer", "0", "", "Threads of the engine; 0 is one a core.", "device"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) {
       r.read_integer(m, 0, kMostEngineThreads, t.threads);
     }},
    {{"target", "context_tokens", "integer", "0", "tokens",
      "Context of one sequence; 0 is what the longest request of the traffic needs.", "device"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) {
       r.read_integer(m, 0, 10'000'000, t.context_tokens);
     }},
    {{"target", "sequences", "integer", "16", "", "Requests that are decoded at once.", "device or fake"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_integer(m, 1, 4096, t.sequences); }},
    {{"target", "batch_tokens", "integer", "512", "tokens", "Token budget of one engine step.", "device"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_integer(m, 1, 1 << 20, t.batch_tokens); }},
    {{"target", "url", "string", "", "",
      "The server's base URL, for example http://127.0.0.1:8000/v1. https verifies the server. This or urls is required.",
      "endpoint"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { read_urls(r, m, t.urls); }},
    {{"target", "urls", "strings", "", "",
      "The base URLs of several servers that share the requests, 64 at most: each class goes to them in turn, a session stays at "
      "the server of its first turn. Each gets the API key, and each is tried before the first trial.",
      "endpoint"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { read_urls(r, m, t.urls); }},
    {{"target", "api", "string", "\"chat\"", "",
      "What classes without a kind of their own send: \"chat\" (/chat/completions), \"completions\" (/completions) or "
      "\"responses\" (/responses).",
      "endpoint"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_choice(m, kApis, t.api); }},
    {{"target", "endpoint_model", "string", "", "",
      "The model as the server names it; by default the first that it lists.", "endpoint"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_string(m, t.endpoint_model); }},
    {{"target", "api_key_env", "string", "", "",
      "The environment variable that holds the API key. The key itself never stands in a scenario, dossier or report.",
      "endpoint"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_string(m, t.api_key_env); }},
    {{"target", "api_key_file", "string", "", "",
      "The file that holds the API key, relative to the scenario.", "endpoint"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_string(m, t.api_key_file); }},
    {{"target", "ca_file", "string", "", "",
      "Certificates (PEM) that the server is verified against, relative to the scenario; by default the system's.",
      "endpoint"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_string(m, t.ca_file); }},
    {{"target", "max_connections", "integer", "", "",
      "Connections at once, to all servers together; by default as many as the limit of open files has room for, 65,536 at "
      "most. Requests that wait for one are told.",
      "endpoint"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_integer(m, 1, 65'536, t.max_connections); }},
    {{"target", "timeout_s", "number", "300", "s",
      "From the send of a request to its end; after that it has failed.", "endpoint"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_positive(m, 86'400, t.timeout_s); }},
    {{"target", "tokenizer", "string", "", "",
      "The tokenizer of the served model, relative to the scenario: a tokenizer.json, a folder that holds one, or a GGUF. Prompts "
      "are cut by its tokens, else at 4.2 bytes a token. When a trial is over, the server's token counts are held against it.",
      "endpoint"},
     read_tokenizer},
    {{"target", "metrics_url", "string", "", "",
      "Where the server tells its metrics in Prometheus' format. By default /metrics beside the URL's own path, of each server, "
      "which is tried once.",
      "endpoint"},
     read_metrics_url},
    {{"target", "metrics_interval_s", "number", "1", "s",
      "Between two samples of the server's metrics and of power sensors beside a trial, 0.1 at least; 0: none are taken.",
      "device, endpoint or kit"},
     read_metrics_interval},
    {{"target", "power", "boolean", "true", "",
      "Energy of this machine's power sensors over each trial, where the target works on it: a device, a kit, or a URL of one of its "
      "own addresses. false for a URL that is forwarded to another machine.",
      "device, endpoint or kit"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_boolean(m, t.power); }},
    {{"target", "stack", "table", "", "",
      "What serves: engine, version, flags; and the command that starts it, if assay is to. Undeclared, it is a "
      "finding.",
      "endpoint"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { read_stack(r, m, t.stack); }},
    {{"target", "kit", "string", "", "",
      "A kit of assay's own (`assay list kits`), or the path of an executable file, relative to the scenario, that speaks the protocol of "
      "[kits](formats/kit.md). Required.",
      "kit"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { read_kit(r, m, t.kit); }},
    {{"target", "python", "string", "", "",
      "The Python that runs the kit: a path, relative to the scenario, or a name in PATH. By default python3 for a file named .py, and none for "
      "any other.",
      "kit"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { read_python(r, m, t.kit); }},
    {{"target", "arguments", "strings", "[]", "", "Arguments of the kit, handed on without a shell.", "kit"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { read_kit_arguments(r, m, t.kit); }},
    {{"target", "parameters", "table", "{}", "",
      "What the kit is told beside its exam: NAME = a string, a number or a boolean. `assay show torch-roofline` names its own.",
      "kit"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { read_kit_parameters(r, m, t.kit); }},
    {{"target", "env", "table", "{}", "",
      "Environment of the kit: NAME = \"value\", or NAME = true for assay's own value, which is never stored. "
      "Paths, locale and what drivers and frameworks read are passed on anyway, but for secrets.",
      "kit"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { read_variables(r, m, t.kit.variables); }},
    {{"target", "time_limit_s", "number", "600", "s",
      "So long after its start a kit is ended, whatever it does. How long it measures is [roofline] max_duration_s.",
      "kit"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_positive(m, 86'400, t.kit.time_limit_s); }},
    {{"target", "silence_limit_s", "number", "300", "s",
      "A kit that says nothing for so long is taken for hung, and ended.", "kit"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) {
       r.read_positive(m, 86'400, t.kit.silence_limit_s);
     }},
    {{"target", "prefill_us_per_token", "number", "200", "µs",
      "Prefill time for each token of the prompt; the first token comes tpot_ms after it.", "fake"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_number(m, 0, 1e6, t.prefill_us_per_token); }},
    {{"target", "tpot_ms", "number", "5", "ms", "Time per output token.", "fake"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) { r.read_positive(m, 60'000, t.tpot_ms); }},
    {{"target", "fail_every", "integer", "0", "", "Every so many requests one fails; 0: none.", "fake"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) {
       r.read_integer(m, 0, 1'000'000'000, t.fail_every);
     }},
    {{"target", "lost_after", "integer", "0", "", "The target is lost after so many requests; 0: never.",
      "fake"},
     [](Reader& r, const TomlMember& m, TargetSpec& t) {
       r.read_integer(m, 0, 1'000'000'000, t.lost_after);
     }},
};

// Not part of the reference: there only to be refused with advice.
constexpr TargetRow kRefused = {{"target", "api_key", "", "", "", ""}, refuse_api_key};

// Keys of another kind of target are as wrong as unknown ones.
void refuse_foreign_keys(Reader& reader, const TomlValue& table, std::string_view kind) {
  for (const TomlMember& member : table.members) {
    for (const TargetRow& row : kTargetRows) {
      const std::string_view of_kind = row.key.of_kind;
      if (member.key != row.key.key || of_kind.empty() || of_kind.find(kind) != std::string_view::npos)
        continue;
      reader.error(member.key_at, fmt::format("{} is a key of {} targets, and this one has kind = \"{}\"",
                                              member.key, of_kind, kind));
    }
  }
}

}  // namespace

void read_target(Reader& reader, const TomlValue& table, Draft& draft) {
  static const std::vector<TargetRow> kAll = [] {
    std::vector<TargetRow> rows(std::begin(kTargetRows), std::end(kTargetRows));
    rows.push_back(kRefused);
    return rows;
  }();
  TargetSpec target;
  target.where = reader.where(table.at);
  read_table<TargetSpec>(reader, table, kAll, target);
  const TargetKindRow& kind = row_of(target.kind);
  const TomlValue* given = table.find("kind");
  const bool is_kind_known =
      given == nullptr ? !reader.has_or_means(table, "kind") : given->text == kind.name;
  if (is_kind_known) {
    refuse_foreign_keys(reader, table, kind.name);
    if (kind.check != nullptr) kind.check(reader, table, target);
  }
  if (target.name.empty() && is_kind_known) target.name = kind.default_name(target);
  for (std::string* path : {&target.api_key_file, &target.ca_file}) {
    if (!path->empty()) *path = reader.resolved(*path);
  }
  if (target.model.find(".gguf") != std::string::npos) target.model = reader.resolved(target.model);
  const auto& others = draft.scenario.targets;
  const auto same =
      std::find_if(others.begin(), others.end(), [&](const TargetSpec& t) { return t.name == target.name; });
  if (same != others.end() && !target.name.empty()) {
    reader.error(table.at, fmt::format("the target at {} is called '{}' too; give each a name of its own",
                                       same->where, printable(target.name, 60)));
  }
  draft.scenario.targets.push_back(std::move(target));
}

void append_target_keys(std::vector<ScenarioKey>& keys) {
  append_keys<TargetSpec>(kTargetRows, keys);
}

}  // namespace assay
