// Reading and counting servers; see server_urls.h.
#include "scenario/server_urls.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "http/http.h"

namespace assay {

std::optional<std::string> read_server_url(Reader& reader, const TomlMember& member) {
  std::string text;
  reader.read_string(member, text);
  if (text.empty()) return std::nullopt;
  const Result<Url> url = parse_url(text);
  if (url) return url->text();
  const Error& error = url.error();
  reader.error(member.value.at, sentences(error.what, error.remedy));
  return std::nullopt;
}

void read_urls(Reader& reader, const TomlMember& member, std::vector<std::string>& urls) {
  if (member.key == "url") {
    if (std::optional<std::string> url = read_server_url(reader, member)) urls = {std::move(*url)};
    return;
  }
  if (member.value.kind != TomlKind::kArray || member.value.items.empty())
    return reader.error(member.value.at, "urls must be an array of URLs, one at least");
  if (member.value.items.size() > kMostServers)
    return reader.error(member.value.at, fmt::format("urls names {} servers, {} at most are allowed",
                                                     member.value.items.size(), kMostServers));
  std::vector<std::string> read;
  for (const TomlValue& item : member.value.items) {
    std::optional<std::string> url = read_server_url(reader, {member.key, member.key_at, item});
    if (!url) continue;
    if (std::ranges::find(read, *url) != read.end()) {
      reader.error(item.at, fmt::format("{} stands in urls twice: each server is named once", *url));
      continue;
    }
    read.push_back(std::move(*url));
  }
  urls = std::move(read);
}

void check_urls(Reader& reader, const TomlValue& table) {
  const TomlValue* urls = table.find("urls");
  if (urls != nullptr && table.find("url") != nullptr) reader.error(urls->at, "give url or urls, not both");
}

void check_servers_of_targets(Reader& reader, const Scenario& scenario) {
  const auto& classes = scenario.load.classes;
  const auto with_own = std::ranges::find_if(classes, [](const TrafficClass& c) { return !c.urls.empty(); });
  if (with_own == classes.end()) return;
  const auto is_endpoint = [](const TargetSpec& target) { return target.kind == TargetKind::kEndpoint; };
  if (std::ranges::none_of(scenario.targets, is_endpoint)) {
    reader.error({},
                 fmt::format("the class '{}' goes to a server of its own (url), and no target is an endpoint",
                             printable(with_own->name, 60)));
  }
  for (const TargetSpec& target : scenario.targets) {
    std::set<std::string> servers(target.urls.begin(), target.urls.end());
    for (const TrafficClass& c : classes) servers.insert(c.urls.begin(), c.urls.end());
    if (!is_endpoint(target) || servers.size() <= kMostServers) continue;
    reader.error(
        {}, fmt::format("the target '{}' has {} servers with those of the classes, {} at most are allowed",
                        printable(target.name, 60), servers.size(), kMostServers));
  }
}

}  // namespace assay
