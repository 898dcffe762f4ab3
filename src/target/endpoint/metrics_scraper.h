// MetricsScraper: asks a server for its Prometheus metrics over a connection of its own, kept from one
// question to the next.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/base.h"
#include "measure/measure.h"
#include "os/os.h"

namespace assay {

struct MetricsScraperOptions {
  std::string url;       // of the metrics: "http://127.0.0.1:8000/metrics"
  std::string api_key;   // empty: none. Never stored, never printed
  std::string ca_file;   // empty: the system's
  double timeout_s = 5;  // of one question
};

// The metrics that belong to a server's base URL: "…/metrics" beside its "/v1".
std::string usual_metrics_url(const std::string& base_url);

struct ScrapeAnswer {
  Nanos asked_at{}, at{};  // CLOCK_MONOTONIC; `at`: the arrival of the answer's last byte
  int status = 0;          // 0: no answer came, and `error` says why
  Error error;  // of no answer, one with another status than 200, and one that is no Prometheus text
  ServerReading reading;  // of status 200

  bool ok() const { return error.what.empty(); }
};

// One thread only: the one that created it.
class MetricsScraper {
 public:
  // Connects nothing yet. Fails where the URL is none, its host has no address, or the CA file cannot be
  // used.
  static Result<MetricsScraper> create(MetricsScraperOptions options, Clock& clock);
  MetricsScraper(MetricsScraper&&) noexcept;
  ~MetricsScraper();

  // Blocks until the answer is there, timeout_s at most; `interrupted` (asked ten times a second; may be
  // empty) ends it sooner. Whatever the server does is an answer.
  ScrapeAnswer scrape(const std::function<bool()>& interrupted);

 private:
  struct Connection;
  explicit MetricsScraper(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace assay
