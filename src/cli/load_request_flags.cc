// From flags to the keys of a class; see load_request_flags.h.
#include "cli/load_request_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/flag_values.h"

namespace assay {
namespace {

constexpr OptionSpec kRequestFlags[] = {
    {"--api", "API", "What is sent: chat, completions, responses, embeddings, rerank or kserve.", "chat",
     nullptr},
    {"--backend", "NAME",
     "The same by vLLM's names: openai, vllm, openai-chat, openai-embeddings or vllm-rerank.", nullptr,
     nullptr},
    {"--endpoint-type", "NAME", "Another name of --backend.", nullptr, nullptr},
    {"--endpoint", "PATH", "Where requests go, from the host's root.", "as --api says", nullptr},
    {"--header", "KEY=VALUE", "A further field of the head, no secret; may be repeated.", nullptr, nullptr, 0,
     false, true},
    {"--extra-body", "JSON", "An object whose members go into each body.", nullptr, nullptr},
    {"--temperature", "T", "Sampling temperature.", "0", nullptr},
    {"--top-p", "P", "Nucleus sampling.", nullptr, nullptr},
    {"--top-k", "K", "The K most probable tokens; -1: all.", nullptr, nullptr},
    {"--lora-modules", "NAMES", "Adapters, separated by commas: each request asks for one of them.", nullptr,
     nullptr},
    {"--random-batch-size", "N", "Texts (embeddings) or documents (rerank) in a request.", "1; rerank: 10",
     nullptr},
};

struct Backend {
  std::string_view name, kind;
};
constexpr Backend kBackends[] = {{"openai", "completions"},
                                 {"vllm", "completions"},
                                 {"openai-chat", "chat"},
                                 {"openai-embeddings", "embeddings"},
                                 {"openai-embedding", "embeddings"},
                                 {"vllm-rerank", "rerank"}};

Result<const RequestKindRow*> kind_of_backend(const std::string& name, const char* flag) {
  std::vector<std::string> known;
  for (const Backend& backend : kBackends) {
    if (name == backend.name) return find_request_kind(backend.kind);
    known.emplace_back(backend.name);
  }
  return fail(fmt::format("unknown backend '{}'.{}", printable(name, 60), suggestion(name, known)), flag,
              fmt::format("Use one of {}.", join(known, ", ")));
}

Result<const RequestKindRow*> kind_of(const ParsedOptions& options) {
  const char* given = nullptr;
  for (const char* flag : {"--api", "--backend", "--endpoint-type"}) {
    if (!options.has(flag)) continue;
    if (given != nullptr) return fail(fmt::format("{} says the same", given), flag, "Give one of them.");
    given = flag;
  }
  if (given == nullptr) return find_request_kind("chat");
  const std::string name = options.value(given);
  if (given != std::string_view("--api")) return kind_of_backend(name, given);
  const RequestKindRow* kind = find_request_kind(name);
  if (kind == nullptr || kind->kind == RequestKind::kJson) {
    return fail(
        fmt::format("unknown api '{}'", printable(name, 60)), given,
        "Use chat, completions, responses, embeddings, rerank or kserve; requests by a template are a "
        "scenario's (kind = \"json\").");
  }
  return kind;
}

Result<FlagText> headers_of(const std::vector<std::string>& headers) {
  FlagText text;
  std::vector<std::string> names;
  for (const std::string_view header : headers) {
    const size_t equals = header.find('=');
    if (equals == 0 || equals == std::string_view::npos)
      return fail(fmt::format("'{}' is no header", printable(header, 60)), "--header", "Write KEY=VALUE.");
    const std::string_view name = header.substr(0, equals);
    if (std::ranges::find(names, lower(name)) != names.end())
      return fail(fmt::format("'{}' is given twice", printable(name, 60)), "--header", "Give it once.");
    names.push_back(lower(name));
    text.add(text.empty() ? "headers = { " : ", ");
    text.add(fmt::format("{} = {}", toml_string(name), toml_string(header.substr(equals + 1))),
             typed_flag("--header", name));  // its value may be a secret
  }
  text.add(" }\n");
  return text;
}

struct ExtraBody {
  std::string key;
  bool has_secret = false;  // which is refused with the scenario, and must not be repeated
};
Result<ExtraBody> extra_body_of(const std::string& text) {
  const Result<Json> json = Json::parse(text, "--extra-body");
  if (!json || !json->is_object()) {
    return fail(json ? std::string("it is no JSON object") : json.error().what, "--extra-body",
                "Write, for example, '{\"min_tokens\": 8}'.");
  }
  const Result<std::string> value = toml_value(*json);
  if (!value) return fail(value.error().what, "--extra-body", value.error().remedy);
  return ExtraBody{fmt::format("extra_body = {}\n", *value), !secret_of_json(*json).empty()};
}

Result<std::string> lora_modules_of(const std::string& given) {
  std::vector<std::string> names;
  for (const std::string_view part : split(given, ',')) {
    std::string name = toml_string(trim(part));
    const bool is_there = std::ranges::find(names, name) != names.end();
    if (trim(part).empty() || is_there)
      return fail(is_there ? fmt::format("{} is named twice", name)
                           : fmt::format("'{}' has an empty name", printable(given, 60)),
                  "--lora-modules", "Separate the names of the adapters by commas: --lora-modules a,b.");
    names.push_back(std::move(name));
  }
  return fmt::format("model = [{}]\n", join(names, ", "));
}

Result<double> top_k_of(const ParsedOptions& options) {
  if (options.value("--top-k") == "-1") return -1;  // all of them, by vLLM's word
  Result<uint32_t> count = count_of(options, "--top-k", 10'000'000);
  if (count) return *count;
  Error error = std::move(count).error();
  error.remedy = "-1 stands for all tokens.";
  return std::unexpected(std::move(error));
}

Result<FlagText> sampling_of(const ParsedOptions& options, const RequestKindRow& kind) {
  FlagText text;
  const auto add = [&](const char* flag, const char* key, double value) {
    text.add(text.empty() ? "sampling = { " : ", ");
    text.add(fmt::format("{} = {}", key, value), typed_flag(options, flag));
  };
  struct Parameter {
    const char *flag, *key;
    double low, high;
  };
  for (const auto& [flag, key, low, high] :
       {Parameter{"--temperature", "temperature", 0, 100}, {"--top-p", "top_p", 0, 1}}) {
    if (!options.has(flag)) continue;
    if (!kind.streams)
      return fail(fmt::format("requests of kind {} sample nothing", kind.name), flag, "Leave it out.");
    ASSIGN_OR_RETURN(const double value, number_of(options, flag, low, high));
    add(flag, key, value);
  }
  if (options.has("--top-k")) {
    if (!kind.streams)
      return fail(fmt::format("requests of kind {} sample nothing", kind.name), "--top-k", "Leave it out.");
    ASSIGN_OR_RETURN(const double value, top_k_of(options));
    add("--top-k", "top_k", value);
  }
  if (!text.empty()) text.add(" }\n");
  return text;
}

Result<std::string> batch_of(const ParsedOptions& options, const RequestKindRow& kind) {
  ASSIGN_OR_RETURN(const uint32_t count, count_of(options, "--random-batch-size", 4096));
  switch (kind.kind) {
    case RequestKind::kEmbeddings:
    case RequestKind::kKserve:
      return fmt::format("inputs = {}\n", count);
    case RequestKind::kRerank:
      return fmt::format("documents = {}\n", count);
    default:
      return fail(fmt::format("requests of kind {} have one prompt each", kind.name), "--random-batch-size",
                  "Leave it out.");
  }
}

}  // namespace

std::span<const OptionSpec> load_request_flags() {
  return kRequestFlags;
}

Result<RequestChoice> request_of_flags(const ParsedOptions& options) {
  RequestChoice choice;
  ASSIGN_OR_RETURN(choice.kind, kind_of(options));
  FlagText& keys = choice.keys;
  if (!choice.kind->has_sessions) keys.add(fmt::format("kind = \"{}\"\n", choice.kind->name));
  if (options.has("--endpoint"))
    keys.add(fmt::format("path = {}\n", toml_string(options.value("--endpoint"))),
             secret_of_query(options.value("--endpoint")).empty() ? typed_flag(options, "--endpoint")
                                                                  : "--endpoint");
  if (options.has("--lora-modules")) {
    ASSIGN_OR_RETURN(const std::string modules, lora_modules_of(options.value("--lora-modules")));
    keys.add(modules, typed_flag(options, "--lora-modules"));
  }
  if (options.has("--header")) {
    ASSIGN_OR_RETURN(const FlagText headers, headers_of(options.values("--header")));
    keys.add(headers);
  }
  ASSIGN_OR_RETURN(const FlagText sampling, sampling_of(options, *choice.kind));
  keys.add(sampling);
  if (options.has("--extra-body")) {
    ASSIGN_OR_RETURN(const ExtraBody extra, extra_body_of(options.value("--extra-body")));
    keys.add(extra.key, extra.has_secret ? "--extra-body" : typed_flag(options, "--extra-body"));
  }
  if (options.has("--random-batch-size")) {
    ASSIGN_OR_RETURN(const std::string batch, batch_of(options, *choice.kind));
    keys.add(batch, typed_flag(options, "--random-batch-size"));
  }
  return choice;
}

}  // namespace assay
