// Joining what servers tell; see endpoint_servers.h.
#include "target/endpoint/endpoint_servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace assay {
namespace {

// Each value once, in the order of the servers; those that say nothing are left out.
template <class Get>
std::string told_by(const std::vector<OpenedServer>& servers, Get get) {
  std::vector<std::string> values;
  for (const OpenedServer& server : servers) {
    std::string value = get(server);
    if (!value.empty() && std::ranges::find(values, value) == values.end())
      values.push_back(std::move(value));
  }
  return join(values, ", ");
}

std::string scalar_words(const Json& value) {
  return value.is_string() ? value.as_string() : value.dump();
}

// A value that all servers tell alike stays what it is.
void add_facts(const std::vector<OpenedServer>& servers, Json (*facts_of)(const OpenedServer&),
               Json& details) {
  for (const OpenedServer& server : servers) {
    const Json facts = facts_of(server);
    for (const auto& [name, value] : facts.members()) {
      if (details.find(name) != nullptr) continue;
      const bool is_alike = std::ranges::all_of(servers, [&](const OpenedServer& other) {
        const Json others = facts_of(other);
        const Json* told = others.find(name);
        return told == nullptr || *told == value;
      });
      const auto text_of = [&](const OpenedServer& other) {
        const Json others = facts_of(other);
        const Json* told = others.find(name);
        return told == nullptr ? std::string() : scalar_words(*told);
      };
      details.set(name, is_alike ? value : Json(told_by(servers, text_of)));
    }
  }
}

// The engine and version that a declared stack is held against.
std::string told_by_engines(const std::vector<OpenedServer>& servers, std::string ServerIdentity::* member) {
  const bool all_are_side = std::ranges::all_of(servers, &OpenedServer::is_side);
  return told_by(servers, [&](const OpenedServer& server) {
    return server.is_side && !all_are_side ? std::string() : server.identity.*member;
  });
}

bool all_of(const std::vector<OpenedServer>& servers, bool EndpointFields::* field) {
  return std::ranges::all_of(servers, [&](const OpenedServer& server) { return server.fields.*field; });
}

std::string self_description(const OpenedServer& server) {
  std::string words = server.identity.engine;
  if (!server.identity.version.empty()) words += (words.empty() ? "version " : " ") + server.identity.version;
  return fmt::format("{}{}model {}", words, words.empty() ? "" : ", ", server.facts.model);
}

}  // namespace

TargetInfo info_of_servers(const std::string& name, const std::vector<OpenedServer>& servers) {
  TargetInfo info;
  info.model = told_by(servers, [](const OpenedServer& s) { return s.facts.model; });
  // Of a server that may have been launched.
  const auto main = std::ranges::find(servers, false, &OpenedServer::is_side);
  if (main != servers.end()) info.first_token_at = main->facts.first_token_at;
  for (const OpenedServer& server : servers) {
    const uint32_t tokens = server.facts.context_tokens;
    if (tokens > 0 && (info.context_tokens == 0 || tokens < info.context_tokens))
      info.context_tokens = tokens;
  }
  const std::string url = told_by(servers, [](const OpenedServer& s) { return s.url; });
  const std::string field = told_by(servers, [](const OpenedServer& s) { return s.facts.server; });
  const std::string tls = told_by(servers, [](const OpenedServer& s) { return s.facts.tls; });

  info.subject.name = name;
  info.subject.kind = "endpoint";
  Json& details = info.subject.details;
  details = Json::object();
  add_facts(servers, [](const OpenedServer& s) { return s.facts.model_facts; }, details);
  details.set("url", url);
  if (servers.size() > 1) details.set("servers", static_cast<int64_t>(servers.size()));
  details.set("address", told_by(servers, [](const OpenedServer& s) { return s.address; }));
  details.set("model", info.model);
  if (!field.empty()) details.set("server", field);
  if (!tls.empty()) details.set("tls", tls);
  add_facts(servers, [](const OpenedServer& s) { return s.identity.facts; }, details);

  info.conditions.set("url", url);
  if (servers.size() > 1) info.conditions.set("servers", static_cast<int64_t>(servers.size()));
  info.conditions.set("model", info.model);
  info.conditions.set("streams", std::ranges::all_of(servers, [](const auto& s) { return s.facts.streams; }));
  info.conditions.set("usage_from_server",
                      std::ranges::all_of(servers, [](const auto& s) { return s.facts.has_usage; }));
  info.conditions.set("ignore_eos", all_of(servers, &EndpointFields::ignore_eos));
  info.conditions.set("temperature_0", all_of(servers, &EndpointFields::temperature));
  const std::string engine = told_by_engines(servers, &ServerIdentity::engine);
  const std::string version = told_by_engines(servers, &ServerIdentity::version);
  for (const auto& [key, value] : {std::pair{"server_engine", engine}, {"server_version", version}}) {
    if (value.empty()) continue;
    details.set(key, value);
    info.conditions.set(key, value);
  }
  return info;
}

std::vector<Finding> differences_of(const std::vector<OpenedServer>& servers) {
  std::string words;
  Json evidence = Json::object();
  for (const OpenedServer& server : servers) {
    const std::string own = self_description(server);
    const bool differs = std::ranges::any_of(servers, [&](const OpenedServer& other) {
      return other.classes == server.classes && self_description(other) != own;
    });
    if (!differs) continue;
    words += fmt::format("{}{} ({})", words.empty() ? "" : ", ", server.url, own);
    evidence.set(server.url, own);
  }
  if (words.empty()) return {};
  return {
      {.severity = Severity::kDoubtful,
       .code = "load.servers-differ",
       .text = fmt::format("The servers that share the requests are not alike: {}. Numbers of all together "
                           "belong to none of them.",
                           printable(words, 1000)),
       .evidence = std::move(evidence)}};
}

}  // namespace assay
