// The table of paths; see routes.h.
#include "emulate/routes.h"

#include "base/base.h"

namespace assay {
namespace {

constexpr Route kRoutes[] = {
    {"POST", "/v1/chat/completions", RouteKind::kChat, true, true},
    {"POST", "/v1/completions", RouteKind::kCompletions, true, true},
    {"POST", "/v1/responses", RouteKind::kResponses, true, true},
    {"POST", "/v1/embeddings", RouteKind::kEmbeddings, true},
    {"POST", "/v1/rerank", RouteKind::kRerank, true},
    {"POST", "/rerank", RouteKind::kRerank, true},
    {"POST", "/v2/models/*/infer", RouteKind::kInfer, true},
    {"POST", "/echo", RouteKind::kEcho, true},
    {"POST", "/echo/*", RouteKind::kEcho, true},
    {"PUT", "/echo/*", RouteKind::kEcho, true},
    {"GET", "/echo/*", RouteKind::kEcho, true},
    {"GET", "/v1/models", RouteKind::kModels},
    {"GET", "/v2", RouteKind::kServerInfo},
    {"GET", "/v2/health/ready", RouteKind::kHealth},
    {"GET", "/v2/health/live", RouteKind::kHealth},
    {"GET", "/v2/models/*", RouteKind::kModelInfo},
    {"GET", "/v2/models/*/ready", RouteKind::kHealth},
    {"GET", "/health", RouteKind::kHealth},
    // What clients ask to learn which engine serves, `assay load` among them: none of these serves here.
    {"GET", "/version", RouteKind::kOfOthers},
    {"GET", "/props", RouteKind::kOfOthers},
    {"GET", "/get_server_info", RouteKind::kOfOthers},
    {"GET", "/server_info", RouteKind::kOfOthers},
    {"GET", "/get_model_info", RouteKind::kOfOthers},
    {"GET", "/model_info", RouteKind::kOfOthers},
    {"GET", "/info", RouteKind::kOfOthers},
    {"GET", "/metrics", RouteKind::kMetrics},
};

bool matches(std::string_view pattern, std::string_view path) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == path;
  const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
    return false;
  const std::string_view part = path.substr(before.size(), path.size() - before.size() - after.size());
  return part.find('/') == std::string_view::npos;
}

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

const Route* find_route(std::string_view method, std::string_view path, bool& other_method) {
  other_method = false;
  for (const Route& route : kRoutes) {
    if (!matches(route.path, path)) continue;
    if (method == route.method) return &route;
    other_method = true;
  }
  return nullptr;
}

}  // namespace assay
