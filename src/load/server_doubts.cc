// Comparing servers; see server_doubts.h.
#include "load/server_doubts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "measure/measure.h"

namespace assay {
namespace {

constexpr double kBadErrorShare = 0.05;
constexpr double kBadLatencyRatio = 2;
constexpr double kChance = 0.01;     // of a false alarm, over all servers together (Bonferroni)
constexpr size_t kNamedServers = 8;  // in a text; the evidence has all

struct ServerOutcome {
  std::string url;
  std::vector<uint32_t> classes;  // that go to it
  const char* metric = "ttft_ms";
  int64_t requests = 0, failed = 0;
  std::vector<double> latencies_ms;  // in the order of the requests
  Estimate median{};

  double error_share() const {
    return requests == 0 ? 0 : static_cast<double>(failed) / static_cast<double>(requests);
  }
  bool is_replica_of(const ServerOutcome& other) const {
    return classes == other.classes && url != other.url;
  }
};

double log_choose(int64_t n, int64_t k) {
  const auto log_factorial = [](int64_t m) { return std::lgamma(static_cast<double>(m) + 1); };
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

// That of all failures so many or more meet `one`, if it is no worse than `others`: the upper tail of the
// hypergeometric distribution.
double chance_of_failures(const ServerOutcome& one, int64_t other_requests, int64_t other_failed) {
  const int64_t requests = one.requests + other_requests, failed = one.failed + other_failed;
  double chance = 0;
  for (int64_t k = one.failed; k <= std::min(failed, one.requests); ++k) {
    if (failed - k > other_requests) continue;
    chance += std::exp(log_choose(one.requests, k) + log_choose(other_requests, failed - k) -
                       log_choose(requests, failed));
  }
  return chance;
}

class Servers {
 public:
  explicit Servers(const TrialView& view) : view_(view) {
    for (uint32_t i = 0; i < view.options.servers.size(); ++i) add_server(i);
    for (const RequestRow* row : view.order) {
      if (view.window.has(*row) && row->server < servers_.size()) add(*row, servers_[row->server]);
    }
    for (ServerOutcome& server : servers_) server.median = quantile_estimate(server.latencies_ms, 0.5);
  }

  std::vector<Finding> take() {
    note();
    for (const ServerOutcome& server : servers_) {
      judge_errors(server);
      judge_latency(server);
    }
    return std::move(out_);
  }

 private:
  bool streams(uint32_t class_index) const {
    return row_of(view_.options.classes[class_index].request.kind_or(RequestKind::kChat)).streams;
  }

  void add_server(uint32_t index) {
    ServerOutcome server{.url = view_.options.servers[index], .classes = {}, .latencies_ms = {}};
    const auto& routes = view_.options.routes;
    for (uint32_t c = 0; c < routes.size(); ++c) {
      if (std::ranges::find(routes[c], index) != routes[c].end()) server.classes.push_back(c);
    }
    const bool has_stream = std::ranges::any_of(server.classes, [&](uint32_t c) { return streams(c); });
    if (!has_stream) server.metric = "e2e_ms";
    servers_.push_back(std::move(server));
  }

  void add(const RequestRow& row, ServerOutcome& server) const {
    if (was_broken_off(row)) return;
    ++server.requests;
    if (!ended_well(row)) {
      ++server.failed;
    } else if (server.metric == std::string_view("e2e_ms")) {
      server.latencies_ms.push_back(e2e_ms(row));
    } else if (streams(row.class_index)) {
      server.latencies_ms.push_back(ttft_ms(row));
    }
  }

  // Flat: each key begins with the server's index.
  void add_evidence(const ServerOutcome& server, Json& evidence) const {
    const std::string prefix = fmt::format("server_{}_", &server - servers_.data());
    evidence.set(prefix + "url", server.url).set(prefix + "requests", server.requests);
    evidence.set(prefix + "failed", server.failed);
    if (server.median.value)
      evidence.set(fmt::format("{}{}_p50", prefix, server.metric), *server.median.value);
  }

  static std::string median_words(const ServerOutcome& server) {
    return fmt::format("{} {} ms", server.metric == std::string_view("e2e_ms") ? "E2E" : "TTFT",
                       format_number(*server.median.value));
  }
  static std::string words_of(const ServerOutcome& server) {
    std::string words =
        fmt::format("{}: {}, {} failed", server.url, counted(server.requests, "request"), server.failed);
    return server.median.value ? words + ", median " + median_words(server) : words;
  }

  void find(Severity severity, const char* code, std::string text, Json evidence) {
    out_.push_back(
        {.severity = severity, .code = code, .text = std::move(text), .evidence = std::move(evidence)});
  }

  void note() {
    std::string words;
    for (const ServerOutcome& server : servers_) {
      if (&server - servers_.data() == kNamedServers) {
        words += fmt::format("; and {} more", servers_.size() - kNamedServers);
        break;
      }
      words += (words.empty() ? "" : "; ") + words_of(server);
    }
    Json evidence = Json::object();
    for (const ServerOutcome& server : servers_) add_evidence(server, evidence);
    find(Severity::kNote, "load.servers", fmt::format("Requests of the window by server: {}.", words),
         std::move(evidence));
  }

  void judge_errors(const ServerOutcome& server) {
    int64_t requests = 0, failed = 0;
    for (const ServerOutcome& other : servers_) {
      if (!server.is_replica_of(other)) continue;
      requests += other.requests;
      failed += other.failed;
    }
    const bool is_worse = server.error_share() >= kBadErrorShare && requests > 0 &&
                          static_cast<double>(failed) < kBadErrorShare * static_cast<double>(requests);
    if (!is_worse ||
        chance_of_failures(server, requests, failed) > kChance / static_cast<double>(servers_.size()))
      return;
    Json evidence = Json::object();
    add_evidence(server, evidence);
    evidence.set("other_requests", requests).set("other_failed", failed);
    find(
        Severity::kDoubtful, "load.uneven-servers",
        fmt::format(
            "{} failed {} of {}, the other servers that share them {} of {}. Numbers of all together are those of "
            "a service with one bad server.",
            server.url, server.failed, counted(server.requests, "request"), failed, requests),
        std::move(evidence));
  }

  // Whether a latency between both medians surely parts them: most of the slow one's lie above it, most of
  // the fast one's do not. Not whether the intervals of the medians are apart: nearly equal latencies drift
  // by microseconds, and in the order of those few samples are worth less still.
  bool are_apart(const ServerOutcome& slow, const ServerOutcome& fast) const {
    const double between_ms = std::sqrt(*slow.median.value * *fast.median.value);
    const double confidence = 1 - kChance / static_cast<double>(servers_.size());
    const auto share_above = [&](const ServerOutcome& server) {
      std::vector<double> is_above(server.latencies_ms.size());
      std::ranges::transform(server.latencies_ms, is_above.begin(),
                             [&](double latency_ms) { return latency_ms > between_ms ? 1.0 : 0.0; });
      return share_estimate(is_above, confidence);
    };
    return *share_above(slow).low > 0.5 && *share_above(fast).high < 0.5;
  }

  void judge_latency(const ServerOutcome& server) {
    const ServerOutcome* best = nullptr;
    for (const ServerOutcome& other : servers_) {
      if (!server.is_replica_of(other) || !other.median.value) continue;
      if (best == nullptr || *other.median.value < *best->median.value) best = &other;
    }
    if (best == nullptr || !server.median.value) return;
    if (*server.median.value <= kBadLatencyRatio * *best->median.value || !are_apart(server, *best)) return;
    Json evidence = Json::object();
    add_evidence(server, evidence);
    add_evidence(*best, evidence);
    find(Severity::kDoubtful, "load.uneven-servers",
         fmt::format("{} has a median {} (of {}), {} one of {} ms, and they share the same requests. "
                     "Percentiles of all together are those of unlike servers.",
                     server.url, median_words(server), counted(server.requests, "request"), best->url,
                     format_number(*best->median.value)),
         std::move(evidence));
  }

  const TrialView& view_;
  std::vector<ServerOutcome> servers_;
  std::vector<Finding> out_;
};

}  // namespace

std::vector<Finding> server_findings(const TrialView& view) {
  if (view.options.servers.size() < 2 || view.order.empty()) return {};
  return Servers(view).take();
}

}  // namespace assay
