// One question after another over a pool of one connection; see metrics_scraper.h.
#include "target/endpoint/metrics_scraper.h"

#include <fmt/format.h>

#include "target/endpoint/endpoint_pool.h"
#include "target/endpoint/server_root.h"

namespace assay {
namespace {

constexpr RequestId kScrapeRequest = 0;

std::string request_bytes(const Url& url, const std::string& api_key) {
  const std::string target = url.path.empty() ? "/" : url.path;
  const std::string host = url.authority(), bearer = "Bearer " + api_key;
  std::vector<HttpField> fields = {{"User-Agent", "assay"}, {"Accept", "text/plain;version=0.0.4"}};
  if (!api_key.empty()) fields.push_back({"Authorization", bearer});
  std::string bytes;
  append_request({.method = "GET", .target = target, .host = host, .fields = fields, .body = {}}, bytes);
  return bytes;
}

}  // namespace

std::string usual_metrics_url(const std::string& base_url) {
  const Result<Url> url = parse_url(base_url);
  return url ? server_root(*url).text() + "/metrics" : "";
}

struct MetricsScraper::Connection {
  MetricsScraperOptions options;
  std::string request;
  Clock& clock;
  std::vector<std::unique_ptr<EndpointPool>> pools;  // one for each address of the host, until one answers
};

MetricsScraper::MetricsScraper(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
MetricsScraper::MetricsScraper(MetricsScraper&&) noexcept = default;
MetricsScraper::~MetricsScraper() = default;

Result<MetricsScraper> MetricsScraper::create(MetricsScraperOptions options, Clock& clock) {
  ASSIGN_OR_RETURN(const Url url, parse_url(options.url));
  if (!is_field_value(options.api_key)) return fail("the API key holds control characters", options.url);
  ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, resolve(url.host, url.port));
  auto connection =
      std::make_unique<Connection>(Connection{options, request_bytes(url, options.api_key), clock, {}});
  for (const SocketAddress& address : addresses) {
    EndpointPool::Options pool{
        .servers = {{.url = url, .addresses = {address}}}, .secret = options.api_key, .max_connections = 1};
    if (url.https) {
      ASSIGN_OR_RETURN(TlsContext context, TlsContext::create(options.ca_file));
      pool.tls.emplace(std::move(context));
    }
    ASSIGN_OR_RETURN(std::unique_ptr<EndpointPool> made, EndpointPool::create(std::move(pool), clock));
    connection->pools.push_back(std::move(made));
  }
  return MetricsScraper(std::move(connection));
}

ScrapeAnswer MetricsScraper::scrape(const std::function<bool()>& interrupted) {
  Connection& connection = *connection_;
  const std::string& url = connection.options.url;
  ScrapeAnswer out{.asked_at = connection.clock.now()};
  for (auto& pool : connection.pools) {
    Result<EndpointAnswer> answer = pool->ask({.id = kScrapeRequest,
                                               .wire = connection.request,
                                               .time_limit = nanos_from_seconds(connection.options.timeout_s),
                                               .rule = {.form = EndpointForm::kFetched}},
                                              interrupted);
    out.at = connection.clock.now();
    if (!answer) return out.error = answer.error(), out;
    out.status = answer->status;
    if (out.status == 0) {
      out.error = {answer->event.detail.empty() ? "no answer" : answer->event.detail, url, ""};
      continue;
    }
    if (connection.pools.size() > 1) {
      // It is this address that answers.
      std::vector<std::unique_ptr<EndpointPool>> kept;
      kept.push_back(std::move(pool));
      connection.pools = std::move(kept);
    }
    out.error = {};
    if (out.status != 200) return out.error = {fmt::format("HTTP {}", out.status), url, ""}, out;
    if (answer->event.kind != StreamEventKind::kDone) return out.error = {answer->event.detail, url, ""}, out;
    Result<ServerReading> reading = read_server_metrics(answer->body, url);
    if (!reading) return out.error = reading.error(), out;
    out.reading = *reading;
    return out;
  }
  return out;
}

}  // namespace assay
