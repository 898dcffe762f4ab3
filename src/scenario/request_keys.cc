// Keys of requests; see request_keys.h.
#include "scenario/request_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "http/http.h"
#include "scenario/draft.h"
#include "scenario/secrets.h"
#include "scenario/server_urls.h"

namespace assay {
namespace {

constexpr int64_t kMaxInputs = 4096;
constexpr int64_t kMaxDocuments = 10'000;
constexpr int64_t kMaxPrefixes = 1'000'000, kMaxPrefixDepth = 16;
constexpr int64_t kMaxCancelMs = 86'400'000;
constexpr size_t kMaxModels = 1000;

const std::array<std::string, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};

void read_kind(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  std::string name;
  reader.read_choice(member, request_kind_names(), name);
  if (const RequestKindRow* row = find_request_kind(name)) traffic.request.kind = row->kind;
}

// A template only where the kind is json; which kind it is may stand behind it.
void read_path(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  std::string path;
  reader.read_string(member, path);
  if (path.empty()) return;
  if (!path.starts_with('/') || path.find('#') != std::string::npos) {
    return reader.error(member.value.at,
                        "path must begin with / and stands from the host's root, for "
                        "example /v1/chat/completions");
  }
  if (const std::string secret = secret_of_query(path); !secret.empty())
    return reader.error(member.value.at, secret_told(secret));
  Result<RequestTemplate> target = RequestTemplate::parse(path);
  if (!target)
    return reader.error(member.value.at, "path: " + sentences(target.error().what, target.error().remedy));
  traffic.request.path = std::move(path);
  traffic.request.target = std::move(*target);
}

void read_models(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  if (member.value.kind == TomlKind::kArray) return reader.read_strings(member, traffic.request.models);
  std::string model;
  reader.read_string(member, model);
  if (!model.empty()) traffic.request.models = {std::move(model)};
}

template <auto kField>
void read_optional_lengths(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  LengthDistribution lengths{.a = 0};
  read_lengths(reader, member, kMaxCancelMs, lengths);
  if (lengths != LengthDistribution{.a = 0}) traffic.cancel.*kField = std::move(lengths);
}

constexpr Row<TrafficClass> kRequestRows[] = {
    {{"traffic", "kind", "string", "", "",
      "What an endpoint is sent: \"chat\", \"completions\", \"responses\", \"embeddings\", \"rerank\", \"kserve\" or "
      "\"json\"; see the kinds of requests below. By default the target's api."},
     read_kind},
    {{"traffic", "path", "string", "", "",
      "Path from the host's root, for example /v2/rerank, in place of the kind's own; of kind json with placeholders, and "
      "required."},
     read_path},
    {{"traffic", "url", "string", "", "",
      "The server that the class goes to, if not to all of the target's in turn: one of its URLs, or another server's, for "
      "example of embeddings on a port of their own. The target's API key is sent to it, too."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { read_urls(r, m, c.urls); }},
    {{"traffic", "urls", "strings", "", "", "The same of several servers, which it goes to in turn."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { read_urls(r, m, c.urls); }},
    {{"traffic", "model", "string or strings", "", "",
      "The model as the server names it, or a LoRA adapter, which is asked for in the same way. Of several each request "
      "draws one, all as likely. By default the target's."},
     read_models},
    {{"traffic", "headers", "table", "{}", "",
      "Further fields of the request's head: { \"X-Tenant\" = \"a\" }. A secret is refused: the target's api_key_env and "
      "api_key_file are for it."},
     read_headers},
    {{"traffic", "sampling", "table", "{}", "", "Sampling parameters, by default temperature 0.",
      "chat, completions, responses"},
     read_sampling},
    {{"traffic", "extra_body", "table", "{}", "",
      "Further members of the JSON body, passed through as they are: { min_tokens = 8, chat_template_kwargs = { "
      "enable_thinking = false } }.",
      "chat, completions, responses, embeddings, rerank, kserve"},
     read_extra_body},
    {{"traffic", "inputs", "lengths", "1", "",
      "Texts in one request; of kserve the first extent of a tensor where it varies (the batch).",
      "embeddings, kserve"},
     [](Reader& r, const TomlMember& m, TrafficClass& c) {
       read_lengths(r, m, kMaxInputs, c.request.inputs);
     }},
    {{"traffic", "documents", "lengths", "10", "", "Documents in one request.", "rerank"},
     [](Reader& r, const TomlMember& m, TrafficClass& c) {
       read_lengths(r, m, kMaxDocuments, c.request.documents);
     }},
    {{"traffic", "document_tokens", "lengths", "128", "tokens", "Length of each document.", "rerank"},
     [](Reader& r, const TomlMember& m, TrafficClass& c) {
       read_lengths(r, m, kMaxTokens, c.request.document_tokens);
     }},
    {{"traffic", "tensors", "tables", "", "",
      "The model's inputs; by default what GET /v2/models/NAME says of them.", "kserve"},
     read_tensors},
    {{"traffic", "method", "string", "\"POST\"", "", "GET, POST, PUT, PATCH or DELETE.", "json"},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { r.read_choice(m, kMethods, c.request.method); }},
    {{"traffic", "body", "string", "", "",
      "The body, JSON with placeholders that each request fills from its own draws.", "json"},
     read_body},
    {{"traffic", "expect", "table", "{}", "", "What the answer must be; else the request has failed.",
      "json"},
     read_expect},
    {{"traffic", "prefix_share", "number", "1", "", "Share of the requests that begin with a shared prefix."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { r.read_number(m, 0, 1, c.prefix_pool.share); }},
    {{"traffic", "prefixes", "integer", "1", "",
      "How many different prefixes there are; each request that has one draws which."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) {
       r.read_integer(m, 1, kMaxPrefixes, c.prefix_pool.count);
     }},
    {{"traffic", "prefix_zipf", "number", "0", "",
      "How unevenly prefixes are drawn: the k-th with weight 1 / k to this power; 0: all alike."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { r.read_number(m, 0, 10, c.prefix_pool.zipf); }},
    {{"traffic", "prefix_depth", "integer", "1", "",
      "Levels of a tree whose leaves the prefixes are, each an equal part of prefix_tokens: neighbours share all but the "
      "last, those farther away fewer. Of 100 prefixes with 2 levels, ten at a time begin alike in the first half."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) {
       r.read_integer(m, 1, kMaxPrefixDepth, c.prefix_pool.depth);
     }},
    {{"traffic", "cancel_share", "number", "0", "",
      "Share of the requests that their user breaks off, after cancel_after_chunks or cancel_after_ms, whichever comes "
      "first: an outcome of its own and no failure."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { r.read_number(m, 0, 1, c.cancel.share); }},
    {{"traffic", "cancel_after_chunks", "lengths", "", "",
      "Broken off when so many chunks of output have come."},
     read_optional_lengths<&CancelPlan::after_chunks>},
    {{"traffic", "cancel_after_ms", "lengths", "", "ms", "Broken off so long after the request was due."},
     read_optional_lengths<&CancelPlan::after_ms>},
};

// True if the words "a, b" of `kinds` name `kind`.
bool names_kind(std::string_view kinds, std::string_view kind) {
  for (const std::string_view word : split(kinds, ',')) {
    if (trim(word) == kind) return true;
  }
  return false;
}

// Keys of another kind of request are as wrong as unknown ones.
void refuse_foreign_keys(Reader& reader, const TomlValue& table, const RequestKindRow& kind) {
  for (const TomlMember& member : table.members) {
    for (const Row<TrafficClass>& row : kRequestRows) {
      const std::string_view kinds = row.key.of_kind;
      if (member.key != row.key.key || kinds.empty() || names_kind(kinds, kind.name)) continue;
      reader.error(member.key_at,
                   fmt::format("{} is a key of requests of kind {}, and this class has kind = \"{}\"",
                               member.key, kinds, kind.name));
    }
  }
}

// What answers that come at once do not have.
void refuse_keys_of_streams(Reader& reader, const TomlValue& table, const RequestKindRow& kind) {
  const auto refuse = [&](const TomlValue& within, const char* key, const char* why) {
    if (const TomlValue* value = within.find(key))
      reader.error(value->at, fmt::format("{} does not apply to kind = \"{}\": {}", key, kind.name, why));
  };
  refuse(table, "output_tokens", "its answers have no tokens");
  refuse(table, "turns", "its requests make no sessions");
  refuse(table, "think_time_s", "its requests make no sessions");
  refuse(table, "cancel_after_chunks", "its answers come at once; use cancel_after_ms");
  const TomlValue* slo = table.find("slo");
  if (slo == nullptr) return;
  refuse(*slo, "ttft_ms", "its answers come at once; use e2e_ms");
  refuse(*slo, "tpot_ms", "its answers come at once; use e2e_ms");
}

void check_cancel(Reader& reader, const TomlValue& table, const CancelPlan& cancel) {
  const bool has_when = cancel.after_chunks || cancel.after_ms;
  if (cancel.share > 0 && !has_when)
    reader.error(table.find("cancel_share")->at, "cancel_share needs cancel_after_chunks or cancel_after_ms");
  if (cancel.share <= 0 && has_when)
    reader.error(table.at, "requests are broken off only where cancel_share says how many");
}

void check_prefixes(Reader& reader, const TomlValue& table, const TrafficClass& traffic) {
  const PrefixPool& pool = traffic.prefix_pool;
  for (const auto& [key, is_set] : {std::pair{"prefix_share", pool.share < 1},
                                    {"prefixes", pool.count > 1},
                                    {"prefix_depth", pool.depth > 1},
                                    {"prefix_zipf", pool.zipf > 0}}) {
    if (is_set && traffic.prefix_tokens == 0)
      reader.error(table.find(key)->at, fmt::format("{} needs prefix_tokens", key));
  }
  if (pool.zipf > 0 && pool.count < 2)
    reader.error(table.find("prefix_zipf")->at, "prefix_zipf needs several prefixes");
  if (pool.depth > 1 && pool.count < 2)
    reader.error(table.find("prefix_depth")->at, "prefix_depth needs several prefixes");
}

void check_json(Reader& reader, const TomlValue& table, const RequestOptions& request) {
  require_keys(reader, table, "traffic", {"path"});
  if (request.method == "GET" && !request.body.empty())
    reader.error(table.find("body")->at, "a GET has no body");
  if (!request.models.empty())
    reader.error(table.find("model")->at, "model is a part of the body where kind = \"json\"");
}

}  // namespace

std::span<const Row<TrafficClass>> request_rows() {
  return kRequestRows;
}

void check_request_keys(Reader& reader, const TomlValue& table, const TrafficClass& traffic, bool is_read) {
  const RequestOptions& request = traffic.request;
  const RequestKindRow& kind = row_of(request.kind_or(RequestKind::kChat));
  const TomlValue* given = table.find("kind");
  const bool is_kind_known =
      given == nullptr ? !reader.has_or_means(table, "kind") : given->text == kind.name;
  if (!is_kind_known) return;  // nothing else can be said
  refuse_foreign_keys(reader, table, kind);
  if (!kind.streams) refuse_keys_of_streams(reader, table, kind);
  if (kind.streams) require_keys(reader, table, "traffic", {"output_tokens"});
  if (kind.streams || kind.counts_prompt) require_keys(reader, table, "traffic", {"prompt_tokens"});
  if (!is_read) return;
  if (kind.kind == RequestKind::kJson) {
    check_json(reader, table, request);
  } else if (!is_field_value(request.path) || request.path.find_first_of(" {}") != std::string::npos) {
    reader.error(table.find("path")->at,
                 "path has placeholders or blanks, which only kind = \"json\" may have");
  }
  if (request.models.size() > kMaxModels)
    reader.error(table.find("model")->at, fmt::format("model names more than {}", kMaxModels));
  check_urls(reader, table);
  check_cancel(reader, table, traffic.cancel);
  check_prefixes(reader, table, traffic);
}

void check_kinds_of_targets(Reader& reader, const Scenario& scenario) {
  const auto on_device = std::ranges::find_if(scenario.targets, &TargetSpec::is_on_device);
  const bool has_endpoint = std::ranges::any_of(
      scenario.targets, [](const TargetSpec& t) { return t.takes_traffic() && !t.is_on_device(); });
  for (const TrafficClass& c : scenario.load.classes) {
    const RequestKindRow& kind = row_of(c.request.kind_or(RequestKind::kChat));
    if (on_device != scenario.targets.end() && !kind.streams) {
      reader.error({},
                   fmt::format("the class '{}' sends requests of kind {}, and the target '{}' is a device, "
                               "which only generates text",
                               printable(c.name, 60), kind.name, printable(on_device->name, 60)));
    } else if (!has_endpoint && c.request != RequestOptions()) {
      reader.error(
          {}, fmt::format("the class '{}' says how an endpoint is asked (kind, model, sampling, headers …), "
                          "and no target is an endpoint",
                          printable(c.name, 60)));
    }
  }
  check_servers_of_targets(reader, scenario);
}

void append_request_keys(std::vector<ScenarioKey>& keys) {
  append_keys<TrafficClass>(kRequestRows, keys);
  append_request_table_keys(keys);
}

}  // namespace assay
