// [target.stack]: what serves an endpoint, and how it is started.
#include <fmt/format.h>

#include <algorithm>

#include "scenario/draft.h"
#include "scenario/secrets.h"
#include "scenario/variables.h"

namespace assay {
namespace {

constexpr size_t kMaxArguments = 1000;
constexpr size_t kMaxArgumentBytes = 4096;
constexpr size_t kShownBytes = 4096;  // of a text in conditions

// Every record carries the text: it must hold no secret.
template <std::string StackSpec::* kMember>
void read_text(Reader& reader, const TomlMember& member, StackSpec& stack) {
  std::string text;
  reader.read_string(member, text);
  if (const std::string secret = secret_of_text(text); !secret.empty())
    return reader.error(
        member.value.at,
        fmt::format("{} holds a secret, which does not belong in a scenario, since that is stored with "
                    "every result; leave its value out, or write $NAME in its place",
                    printable(secret, 40)));
  if (!text.empty()) stack.*kMember = std::move(text);
}

// Unlike a list of names, one of arguments may repeat itself and hold empty ones.
void read_launch(Reader& reader, const TomlMember& member, StackSpec& stack) {
  const TomlValue& value = member.value;
  const bool is_list =
      value.kind == TomlKind::kArray && !value.items.empty() && value.items.size() <= kMaxArguments;
  if (!is_list ||
      !std::ranges::all_of(value.items, [](const TomlValue& item) { return item.kind == TomlKind::kString; }))
    return reader.error(value.at,
                        fmt::format("launch must be an array of 1 to {} strings: the program, then its "
                                    "arguments, each a string of its own; no shell reads them",
                                    kMaxArguments));
  std::vector<std::string> arguments;
  for (const TomlValue& item : value.items) {
    if (item.text.size() > kMaxArgumentBytes || item.text.find('\0') != std::string::npos)
      return reader.error(item.at,
                          fmt::format("an argument of launch is at most {} bytes", kMaxArgumentBytes));
    const std::string secret =
        is_secret_option(item.text) ? item.text.substr(0, item.text.find('=')) : secret_of_text(item.text);
    if (!secret.empty())
      return reader.error(
          item.at,
          fmt::format("{} holds a secret, which does not belong in a scenario; servers take theirs from "
                      "an environment variable, too: env = {{ VLLM_API_KEY = true }} passes assay's own on",
                      printable(secret, 40)));
    arguments.push_back(item.text);
  }
  if (arguments[0].empty()) return reader.error(value.items[0].at, "launch names no program");
  stack.launch = std::move(arguments);
}

void read_ready_path(Reader& reader, const TomlMember& member, StackSpec& stack) {
  std::string path;
  reader.read_string(member, path);
  if (path.empty()) return;
  const bool is_path = path.starts_with('/') && path.find_first_of(" \"<>") == std::string::npos;
  if (!is_path)
    return reader.error(
        member.value.at,
        fmt::format("ready_path must be a path such as \"/health\", but is '{}'", printable(path, 60)));
  stack.ready_path = std::move(path);
}

constexpr Row<StackSpec> kStackRows[] = {
    {{"target.stack", "engine", "string", "", "",
      "The engine: \"vllm\", \"sglang\", \"llama.cpp\", \"tgi\" or any other."},
     read_text<&StackSpec::engine>},
    {{"target.stack", "version", "string", "", "",
      "Its version. Where the server tells another, that is a finding."},
     read_text<&StackSpec::version>},
    {{"target.stack", "command", "string", "", "",
      "The command that it was started with, where assay does not start it."},
     read_text<&StackSpec::command>},
    {{"target.stack", "image", "string", "", "",
      "The image that it runs in, best by its digest: \"vllm@sha256:…\"."},
     read_text<&StackSpec::image>},
    {{"target.stack", "flags", "string", "", "", "Flags that matter, where no command tells them."},
     read_text<&StackSpec::flags>},
    {{"target.stack", "quantisation", "string", "", "",
      "Of the weights: \"fp8\", \"awq-int4\", \"q4_K_M\", \"none\"."},
     read_text<&StackSpec::quantisation>},
    {{"target.stack", "kv_type", "string", "", "", "Type of the KV cache: \"fp8_e5m2\", \"f16\"."},
     read_text<&StackSpec::kv_type>},
    {{"target.stack", "parallelism", "string", "", "", "How the model is spread: \"tp=4 pp=2\"."},
     read_text<&StackSpec::parallelism>},
    {{"target.stack", "tuned_by", "string", "", "", "Who chose all this: the vendor, the buyer, nobody."},
     read_text<&StackSpec::tuned_by>},
    {{"target.stack", "tuned_for_h", "number", "", "h", "How long they took."},
     [](Reader& r, const TomlMember& m, StackSpec& s) { r.read_number(m, 0, 1e6, s.tuned_for_h); }},
    {{"target.stack", "notes", "string", "", "", "Whatever else a reader should know."},
     read_text<&StackSpec::notes>},
    {{"target.stack", "launch", "strings", "", "",
      "The program and its arguments, each a string, without a shell: assay starts it for the trials of this target. Its "
      "port must be the URL's."},
     read_launch},
    {{"target.stack", "env", "table", "{}", "",
      "Environment of the launched server: NAME = \"value\", or NAME = true for assay's own value, which is never stored. "
      "Paths, locale and what drivers and engines read are passed on anyway, but for secrets."},
     [](Reader& r, const TomlMember& m, StackSpec& s) { read_variables(r, m, s.variables); }},
    {{"target.stack", "cwd", "string", "", "",
      "The folder in which it runs, relative to the scenario; by default the scenario's."},
     read_text<&StackSpec::directory>},
    {{"target.stack", "ready_path", "string", "", "",
      "It is ready once GET of this path, below the URL without its /v1, answers 2xx; by default /health, or, where there is "
      "none, the list of models."},
     read_ready_path},
    {{"target.stack", "ready_timeout_s", "number", "1800", "s", "It must be ready so long after its start."},
     [](Reader& r, const TomlMember& m, StackSpec& s) { r.read_positive(m, 86'400, s.ready_timeout_s); }},
    {{"target.stack", "stop_timeout_s", "number", "30", "s",
      "So long after SIGTERM its process group gets SIGKILL."},
     [](Reader& r, const TomlMember& m, StackSpec& s) { r.read_positive(m, 3600, s.stop_timeout_s); }},
};

// As a shell would have to be told it.
std::string quoted_words(const std::vector<std::string>& words) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      out += word;
      continue;
    }
    out += '\'';
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    out += '\'';
  }
  return out;
}

}  // namespace

void read_stack(Reader& reader, const TomlMember& member, StackSpec& out) {
  const TomlValue* table = reader.expect_table(member);
  if (table == nullptr) return;
  StackSpec stack;
  read_table<StackSpec>(reader, *table, kStackRows, stack);
  stack.is_declared = true;
  if (table->members.empty())
    reader.error(table->at, "[target.stack] says nothing: name the engine at least");
  if (!reader.has_or_means(*table, "launch")) {
    for (const char* key : {"env", "cwd", "ready_path", "ready_timeout_s", "stop_timeout_s"}) {
      if (const TomlValue* value = table->find(key); value != nullptr)
        reader.error(value->at, fmt::format("{} is for a server that assay starts: it needs launch", key));
    }
  } else {
    if (const TomlValue* command = table->find("command"); command != nullptr)
      reader.error(command->at, "give launch, which is the command, or command, not both");
    stack.directory = reader.resolved(stack.directory.empty() ? "." : stack.directory);
  }
  out = std::move(stack);
}

void append_stack_keys(std::vector<ScenarioKey>& keys) {
  append_keys<StackSpec>(kStackRows, keys);
}

Json stack_conditions(const StackSpec& stack) {
  Json conditions = Json::object();
  if (!stack.is_declared) return conditions.set("stack", "undeclared");
  std::vector<std::string> variables;
  for (const StackVariable& variable : stack.variables)
    variables.push_back(variable.name + (variable.passes_on ? " (assay's own)" : "=" + variable.value));
  const std::pair<const char*, std::string> texts[] = {
      {"stack_engine", stack.engine},       {"stack_version", stack.version},
      {"stack_command", stack.command},     {"stack_launch", quoted_words(stack.launch)},
      {"stack_env", join(variables, ", ")}, {"stack_image", stack.image},
      {"stack_flags", stack.flags},         {"stack_quantisation", stack.quantisation},
      {"stack_kv_type", stack.kv_type},     {"stack_parallelism", stack.parallelism},
      {"stack_tuned_by", stack.tuned_by},   {"stack_notes", stack.notes}};
  for (const auto& [name, text] : texts) {
    if (!text.empty()) conditions.set(name, printable(text, kShownBytes));
  }
  if (stack.tuned_for_h) conditions.set("stack_tuned_for_h", *stack.tuned_for_h);
  return conditions;
}

}  // namespace assay
