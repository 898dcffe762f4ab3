// The sampling thread; see side_sampler.h.
#include "exam/load/side_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>

#include "exam/findings.h"
#include "http/http.h"

namespace assay {
namespace {

constexpr size_t kMostPoints = 1'000'000;  // of a series; then it ends

class Sampler final : public SideSampler {
 public:
  Sampler(SideOptions options, std::vector<std::unique_ptr<PowerSource>> sources)
      : options_(std::move(options)), sources_(std::move(sources)) {}
  ~Sampler() override {
    if (thread_.joinable()) stop();
  }

  void start() override {
    CHECK(!thread_.joinable());
    series_ = SideSeries();
    for (const auto& source : sources_) series_.sensors.push_back(source->sensor());
    is_stopping_ = false;
    thread_ = std::thread([this] { sample_until_stopped(); });
  }

  SideSeries stop() override {
    CHECK(thread_.joinable());
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
    return std::move(series_);
  }

 private:
  void sample_until_stopped() {
    lower_thread_priority();
    std::vector<MetricsScraper> scrapers;
    for (const MetricsScraperOptions& metrics : options_.metrics) {
      // It was created before, to try it: what fails now fails as a question.
      Result<MetricsScraper> created = MetricsScraper::create(metrics, clock_);
      if (created) {
        scrapers.push_back(std::move(*created));
      } else {
        note_unanswered(created.error());
      }
    }
    if (scrapers.size() < options_.metrics.size()) scrapers.clear();  // a part is not the whole
    const Nanos interval = nanos_from_seconds(options_.interval_s);
    Nanos due = clock_.now();
    while (true) {
      read_power();
      if (!scrapers.empty()) ask(scrapers);
      const Nanos now = clock_.now();
      do {
        due += interval;
      } while (due <= now);
      if (!wait_until(due)) break;
    }
    read_power();
    series_.cpu_time = thread_cpu_time();
  }

  // False: it is to stop.
  bool wait_until(Nanos instant) {
    std::unique_lock lock(mutex_);
    const auto left = std::chrono::nanoseconds(std::max<int64_t>(0, (instant - clock_.now()).count));
    return !wake_.wait_for(lock, left, [this] { return is_stopping_.load(); });
  }

  void read_power() {
    if (sources_.empty() || series_.power.size() >= kMostPoints) return;
    PowerPoint point{.at = clock_.now(), .energy_j = {}};
    for (const auto& source : sources_) {
      const bool was_lost = source->is_lost();
      const Result<double> energy = source->energy_j(point.at);
      point.energy_j.push_back(energy.value_or(std::numeric_limits<double>::quiet_NaN()));
      if (!was_lost && source->is_lost() && !energy)
        series_.lost_sensors.push_back({energy.error().what, source->sensor().name});
    }
    series_.power.push_back(std::move(point));
  }

  // One after the other, so that the sampling never takes more than this thread. All of them are asked, in
  // the same distance, also where one does not answer.
  void ask(std::vector<MetricsScraper>& scrapers) {
    if (series_.server.size() >= kMostPoints) return;
    std::vector<ServerReading> readings;
    std::optional<Error> error;  // of the round: one that lacks an answer is none
    Nanos asked_at{}, at{};
    for (MetricsScraper& scraper : scrapers) {
      const ScrapeAnswer answer = scraper.scrape([this] { return is_stopping_.load(); });
      if (is_stopping_ && !answer.ok()) return;
      if (asked_at == Nanos()) asked_at = answer.asked_at;
      at = answer.at;
      if (answer.ok()) {
        readings.push_back(answer.reading);
      } else if (!error) {
        error = answer.error;
      }
    }
    if (error) return note_unanswered(*error);
    series_.server.push_back(
        {.at = asked_at + (at - asked_at) / 2, .took = at - asked_at, .reading = joined_reading(readings)});
  }

  void note_unanswered(const Error& error) {
    if (series_.unanswered++ == 0) series_.first_error = error;
  }

  const SideOptions options_;
  SystemClock clock_;
  std::vector<std::unique_ptr<PowerSource>> sources_;
  SideSeries series_;  // of the thread, while it runs
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> is_stopping_ = false;  // set under the mutex
};

bool is_on_this_machine(const std::string& base_url) {
  const Result<Url> url = parse_url(base_url);
  if (!url) return false;
  const Result<std::vector<SocketAddress>> addresses = resolve(url->host, url->port);
  return addresses && !addresses->empty() && std::ranges::all_of(*addresses, is_own_address);
}

std::string reason_of(const Error& error) {
  return printable(error.what, 300);
}

// What the first question says of the metrics: a note, or nothing where they can be sampled.
std::optional<Finding> try_metrics(const MetricsScraperOptions& options,
                                   const std::function<bool()>& interrupted) {
  SystemClock clock;
  ScrapeAnswer answer;
  Result<MetricsScraper> scraper = MetricsScraper::create(options, clock);
  if (scraper)
    answer = scraper->scrape(interrupted);
  else
    answer.error = scraper.error();
  if (answer.ok() && !answer.reading.empty()) return std::nullopt;
  std::string text;
  if (answer.ok()) {
    text = fmt::format(
        "The metrics at {} have none of the names that assay knows: nothing is told of the server's own queue "
        "and cache.",
        options.url);
  } else {
    text = fmt::format(
        "The server tells no metrics at {} ({}): its own queue and cache stay unknown. metrics_url names "
        "another place; some engines tell them only when started with a flag (--metrics, --enable-metrics).",
        options.url, reason_of(answer.error));
  }
  return make_finding(Severity::kNote, "metrics.none", std::move(text),
                      Json::object().set("metrics_url", options.url).set("http_status", answer.status));
}

Finding unreadable_finding(const std::vector<Error>& unreadable) {
  const Error& first = unreadable.front();
  std::string text = fmt::format("{}: {}", first.where, sentences(first.what, first.remedy));
  if (!text.ends_with('.')) text += '.';
  if (unreadable.size() > 1)
    text += fmt::format(" The same goes for {} more sensors.", unreadable.size() - 1);
  return make_finding(
      Severity::kNote, "power.unreadable", "A power sensor could not be read: " + text,
      Json::object().set("file", first.where).set("sensors", static_cast<int64_t>(unreadable.size())));
}

}  // namespace

std::unique_ptr<SideSampler> SideSampler::open(SideOptions options, const std::function<bool()>& interrupted,
                                               std::vector<Finding>& findings) {
  if (options.interval_s <= 0) return nullptr;
  std::erase_if(options.metrics, [&](const MetricsScraperOptions& metrics) {
    std::optional<Finding> none = try_metrics(metrics, interrupted);
    if (none) findings.push_back(std::move(*none));
    return none.has_value();
  });
  PowerSources power;
  if (options.reads_power && std::ranges::all_of(options.base_urls, is_on_this_machine))
    power = find_power_sources(options.power);
  if (!power.unreadable.empty()) findings.push_back(unreadable_finding(power.unreadable));
  if (options.metrics.empty() && power.sources.empty()) return nullptr;
  return std::make_unique<Sampler>(std::move(options), std::move(power.sources));
}

}  // namespace assay
