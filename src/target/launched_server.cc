// Starting, waiting for, watching and stopping a server; see launched_server.h.
#include "target/launched_server.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include "target/endpoint/endpoint_pool.h"
#include "target/endpoint/endpoint_wire.h"
#include "target/endpoint/server_root.h"
#include "target/server_output.h"
#include "target/target.h"

namespace assay {
namespace {

constexpr Nanos kAskPause = nanos_from_ms(20);       // between two questions: by so much ready_at can be late
constexpr double kReadinessAskSeconds = 10;          // one question may wait so long for its answer
constexpr Nanos kTellInterval = nanos_from_ms(250);  // of on_waiting
constexpr RequestId kReadinessRequest = 0;
constexpr size_t kLastWordsBytes = 1000;

bool has_no_such_path(int status) {
  return status == 404 || status == 405 || status == 501;
}

// Asks each of the host's addresses whether the server is ready.
class Readiness {
 public:
  static Result<Readiness> create(const LaunchOptions& options, Clock& clock) {
    ASSIGN_OR_RETURN(const Url url, parse_url(options.url));
    ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, resolve(url.host, url.port));
    Readiness readiness(options, url);
    for (const SocketAddress& address : addresses) {
      EndpointPool::Options pool{
          .servers = {{.url = url, .addresses = {address}}}, .secret = options.api_key, .max_connections = 1};
      if (url.https) {
        ASSIGN_OR_RETURN(TlsContext context, TlsContext::create(options.ca_file));
        pool.tls.emplace(std::move(context));
      }
      ASSIGN_OR_RETURN(std::unique_ptr<EndpointPool> made, EndpointPool::create(std::move(pool), clock));
      readiness.pools_.push_back(std::move(made));
    }
    return readiness;
  }

  // The arrival of an answer that says ready; nothing if none does.
  Result<std::optional<Nanos>> ask(double time_s, const std::function<bool()>& interrupted) {
    for (const auto& pool : pools_) {
      const bool is_given = !options_.ready_path.empty();
      const std::string path = is_given ? options_.ready_path : "/health";
      ASSIGN_OR_RETURN(EndpointAnswer answer, fetch(*pool, root_, path, time_s, interrupted));
      if (!is_given && has_no_such_path(answer.status)) {
        ASSIGN_OR_RETURN(answer, fetch(*pool, base_, "/models", time_s, interrupted));
      }
      if (answer.status >= 200 && answer.status < 300) return answer.event.at;
    }
    return std::nullopt;
  }

  // What the last answer was that said anything.
  const std::string& last_answer() const { return last_answer_; }

 private:
  Readiness(const LaunchOptions& options, const Url& url)
      : options_(options), root_(server_root(url), options.api_key), base_(url, options.api_key) {}

  Result<EndpointAnswer> fetch(EndpointPool& pool, const EndpointWire& wire, const std::string& path,
                               double time_s, const std::function<bool()>& interrupted) {
    EndpointRequest request{.id = kReadinessRequest,
                            .wire = wire.get(path, kReadinessRequest),
                            .time_limit = nanos_from_seconds(time_s),
                            .rule = {.form = EndpointForm::kFetched}};
    ASSIGN_OR_RETURN(EndpointAnswer answer, pool.ask(std::move(request), interrupted));
    last_answer_ = answer.status > 0
                       ? fmt::format("GET {}{} answered HTTP {}", wire.url().path, path, answer.status)
                       : fmt::format("GET {}{}: {}", wire.url().path, path, answer.event.detail);
    return answer;
  }

  const LaunchOptions& options_;
  EndpointWire root_, base_;
  std::vector<std::unique_ptr<EndpointPool>> pools_;
  std::string last_answer_;
};

}  // namespace

struct LaunchedServer::Running {
  std::optional<GroupGuard> guard;  // until the group is gone
  Process process;
  ServerOutput output;

  Running(GroupGuard watching, Process started)
      : guard(std::move(watching)),
        process(std::move(started)),
        output(process.out(), process.err(), process.pid()) {}
};

LaunchedServer::LaunchedServer(LaunchOptions options, Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  options_.secrets.push_back(options_.api_key);
}

LaunchedServer::~LaunchedServer() {
  stop();
}

// ---- starting ----

Result<void> LaunchedServer::check_nobody_is_there() const {
  ASSIGN_OR_RETURN(const Url url, parse_url(options_.url));
  ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, resolve(url.host, url.port));
  for (const SocketAddress& address : addresses) {
    if (!somebody_listens(address)) continue;
    return fail(
        fmt::format("something listens on {} already, so that the server cannot be launched there",
                    address.text()),
        options_.url,
        "Stop it or give the server and the URL another port; to measure what runs there, leave launch out.");
  }
  return {};
}

Result<void> LaunchedServer::start() {
  CHECK(running_ == nullptr);
  RETURN_IF_ERROR(check_nobody_is_there());
  ProcessOptions process{
      .command = options_.command, .environment = options_.environment, .directory = options_.directory};
  std::string_view path;
  for (const auto& [name, value] : options_.environment) {
    if (name == "PATH") path = value;
  }
  ASSIGN_OR_RETURN(process.command[0], find_program(process.command[0], path));
  ASSIGN_OR_RETURN(GroupGuard guard, GroupGuard::start());
  process.guard = &guard;
  const Nanos at = clock_.now();
  ASSIGN_OR_RETURN(Process started, Process::start(process));
  started_at_ = at;
  running_ = std::make_unique<Running>(std::move(guard), std::move(started));
  const Result<void> ready = wait_until_ready();
  if (!ready) stop();
  return ready;
}

Result<void> LaunchedServer::wait_until_ready() {
  ASSIGN_OR_RETURN(Readiness readiness, Readiness::create(options_, clock_));
  const Nanos deadline = started_at_ + nanos_from_seconds(options_.ready_timeout_s);
  const auto wanted_no_more = [&] { return options_.interrupted && options_.interrupted(); };
  const auto give_up = [&] { return has_ended() || wanted_no_more(); };
  Nanos told = started_at_ - kTellInterval;
  while (true) {
    const Nanos now = clock_.now();
    if (wanted_no_more()) return fail("interrupted", options_.url);
    if (poll_end()) {
      Error error = death();
      error.what = "the launched server was not ready yet when it ended: " + error.what;
      return std::unexpected(error);
    }
    if (now >= deadline) {
      return fail(
          fmt::format("the launched server was not ready within {}; the last question: {}.{}",
                      format_duration(options_.ready_timeout_s), readiness.last_answer(), last_words()),
          options_.url, "Check that its port is the URL's, set ready_path, or raise ready_timeout_s.");
    }
    if (options_.on_waiting && now - told >= kTellInterval) {
      told = now;
      options_.on_waiting(seconds(now - started_at_));
    }
    const double left_s = std::min(kReadinessAskSeconds, std::max(seconds(deadline - now), 0.001));
    const Result<std::optional<Nanos>> answer = readiness.ask(left_s, give_up);
    if (answer && *answer) {
      // Somebody else's answer, if ours has gone.
      if (poll_end()) continue;
      ready_at_ = std::max(**answer, started_at_);
      return {};
    }
    if (!answer && !poll_end()) return std::unexpected(answer.error());
    if (answer) clock_.sleep_until(clock_.now() + kAskPause);
  }
}

// ---- watching ----

bool LaunchedServer::has_ended() const {
  return running_ != nullptr && running_->output.process_has_ended();
}

std::optional<ProcessEnd> LaunchedServer::poll_end() {
  if (running_ == nullptr) return std::nullopt;
  std::optional<ProcessEnd> end = running_->process.poll_end();
  if (end) {
    running_->guard.reset();
    running_->output.finish();
  }
  return end;
}

std::string LaunchedServer::take_output() {
  return running_ == nullptr ? "" : scrubbed_output(running_->output.take(), options_.secrets);
}

std::string LaunchedServer::last_words() const {
  if (running_ == nullptr) return "";
  std::string words = scrubbed_output(running_->output.last_lines(), options_.secrets);
  std::replace(words.begin(), words.end(), '\n', ' ');
  if (words.empty()) return "";
  // The end of it says most.
  if (words.size() > kLastWordsBytes) words = "…" + words.substr(words.size() - kLastWordsBytes);
  return " It said: " + printable(words, 2 * kLastWordsBytes);
}

Error LaunchedServer::death() const {
  CHECK(running_ != nullptr);
  const std::optional<ProcessEnd> end = running_->process.poll_end();
  CHECK(end.has_value());
  return {end->words() + "." + last_words(), options_.url, ""};
}

// ---- stopping ----

LaunchedServerStop LaunchedServer::stop() {
  LaunchedServerStop stopped;
  if (running_ == nullptr) return stopped;
  if (const std::optional<ProcessEnd> end = poll_end()) {
    stopped.end = *end;
    return stopped;
  }
  const Nanos begin = clock_.now();
  const Nanos grace = nanos_from_seconds(options_.stop_timeout_s);
  stopped.end = running_->process.end_by(begin, clock_, grace);
  stopped.took_s = seconds(clock_.now() - begin);
  stopped.was_killed = !stopped.end.exited && stopped.end.signal == SIGKILL;
  poll_end();
  return stopped;
}

}  // namespace assay
