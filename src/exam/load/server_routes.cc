// From lists of URLs to indices; see server_routes.h.
#include "exam/load/server_routes.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace assay {
namespace {

bool contains(const std::vector<std::string>& urls, const std::string& url) {
  return std::ranges::find(urls, url) != urls.end();
}

const std::vector<std::string>& urls_of(const TargetSpec& target, const TrafficClass& traffic) {
  return traffic.urls.empty() ? target.urls : traffic.urls;
}

}  // namespace

ServerRoutes server_routes(const TargetSpec& target, const std::vector<TrafficClass>& classes) {
  ServerRoutes routes;
  if (target.kind != TargetKind::kEndpoint) return routes;
  std::vector<std::string> used;
  for (const TrafficClass& each : classes) {
    const std::vector<std::string>& urls = urls_of(target, each);
    std::ranges::copy_if(urls, std::back_inserter(used),
                         [&](const auto& url) { return !contains(used, url); });
  }
  for (const std::vector<std::string>* urls : {&target.urls, &std::as_const(used)}) {
    for (const std::string& url : *urls) {
      if (contains(used, url) && !contains(routes.urls, url)) routes.urls.push_back(url);
    }
  }
  for (const TrafficClass& each : classes) {
    std::vector<uint32_t>& route = routes.by_class.emplace_back();
    for (const std::string& url : urls_of(target, each))
      route.push_back(static_cast<uint32_t>(std::ranges::find(routes.urls, url) - routes.urls.begin()));
  }
  return routes;
}

std::vector<EndpointServerOptions> server_options(const ServerRoutes& routes, const TargetSpec& target) {
  std::vector<EndpointServerOptions> servers;
  for (uint32_t i = 0; i < routes.urls.size(); ++i) {
    const bool is_own = contains(target.urls, routes.urls[i]);
    EndpointServerOptions server{
        .url = routes.urls[i], .model = is_own ? target.endpoint_model : "", .is_side = !is_own};
    for (uint32_t c = 0; c < routes.by_class.size(); ++c) {
      if (std::ranges::find(routes.by_class[c], i) != routes.by_class[c].end()) server.classes.push_back(c);
    }
    servers.push_back(std::move(server));
  }
  return servers;
}

}  // namespace assay
