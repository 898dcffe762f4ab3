// The paths that the server answers, as a table.
#pragma once

#include <span>
#include <string_view>

namespace assay {

enum class RouteKind {
  kChat,
  kCompletions,
  kResponses,
  kEmbeddings,
  kRerank,
  kInfer,
  kEcho,
  kModels,
  kModelInfo,
  kHealth,
  kOfOthers,  // of engines that do not serve here: answered with 404
  kMetrics,
  kServerInfo,
};

struct Route {
  const char* method;
  const char* path;  // a "*" stands for one part of a path
  RouteKind kind;
  bool inference = false;  // timed, counted, and met by faults
  bool streams = false;    // where the request asks for it
};

std::span<const Route> routes();
// The route of a request; null if the path is unknown, or, with `other_method` set, known for another method.
const Route* find_route(std::string_view method, std::string_view path, bool& other_method);

}  // namespace assay
