// For tests only: an endpoint target, or its pool alone, on a fake clock, and a record of what has come from
// it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "os/os.h"
#include "target/endpoint/endpoint_pool.h"
#include "target/endpoint/endpoint_test_server.h"
#include "target/endpoint/endpoint_wire.h"
#include "target/target.h"

namespace assay::testing_server {

inline Request request(RequestId id) {
  return {.id = id, .corpus = "prose", .prompt_seed = id, .prompt_tokens = 20, .output_tokens = 3};
}

inline std::string words(const StreamEvent& event) {
  switch (event.kind) {
    case StreamEventKind::kSent:
      return "sent";
    case StreamEventKind::kContent:
      return "content";
    case StreamEventKind::kReasoning:
      return "reasoning";
    case StreamEventKind::kDone:
      return "done " + std::to_string(event.prompt_tokens) + " " + std::to_string(event.output_tokens);
    case StreamEventKind::kFailed:
      return "failed " + std::string(name_of(event.cause));
    case StreamEventKind::kAdmitted:
      return "admitted";
  }
  return "";
}

// Polls something and keeps what comes from it. Its clock moves only when a test moves it, so no time limit
// can end a request meanwhile.
class Recorder {
 public:
  virtual ~Recorder() = default;

  void poll(Nanos until) { EXPECT_TRUE(poll_into(until, events_)); }
  // Polls until the request has ended.
  void finish(RequestId id) {
    poll_until([&] { return ended(id); });
    EXPECT_TRUE(ended(id)) << "request " << id << " never ended";
  }
  void wait_for(const std::function<bool()>& condition) {
    poll_until(condition);
    EXPECT_TRUE(condition());
  }
  bool ended(RequestId id) const {
    return std::any_of(events_.begin(), events_.end(), [&](const StreamEvent& e) {
      return e.request == id && (e.kind == StreamEventKind::kDone || e.kind == StreamEventKind::kFailed);
    });
  }
  std::vector<std::string> of(RequestId id) const {
    std::vector<std::string> result;
    for (const StreamEvent& e : events_) {
      if (e.request == id) result.insert(result.end(), e.chunks, words(e));
    }
    return result;
  }
  std::string detail() const { return events_.empty() ? "" : events_.back().detail; }
  void pass(double time_s) { clock_.advance_to(clock_.now() + nanos_from_seconds(time_s)); }

  FakeClock clock_;
  std::vector<StreamEvent> events_;

 private:
  virtual Result<void> poll_into(Nanos until, std::vector<StreamEvent>& events) = 0;
  void poll_until(const std::function<bool()>& condition) {
    SystemClock real;
    const Nanos patience = real.now() + nanos_from_seconds(20);
    while (!condition() && real.now() < patience) poll(clock_.now());
  }
};

class Client : public Recorder {
 public:
  explicit Client(EndpointTargetOptions options) {
    options.name = "server";
    target_ = make_endpoint_target(std::move(options), clock_);
  }
  explicit Client(const Server& server) : Client(EndpointTargetOptions{.url = server.url()}) {}

  Result<TargetInfo> open() { return target_->open(); }
  Client& opened() {
    const Result<TargetInfo> info = open();
    EXPECT_TRUE(info) << info.error().message();
    return *this;
  }
  void submit(const Request& r) { EXPECT_TRUE(target_->submit(r)); }
  std::vector<std::string> run(const Request& r) {
    submit(r);
    finish(r.id);
    return of(r.id);
  }

  std::unique_ptr<Target> target_;

 private:
  Result<void> poll_into(Nanos until, std::vector<StreamEvent>& events) override {
    return target_->poll(until, events);
  }
};

inline std::string open_error(EndpointTargetOptions options) {
  const Result<TargetInfo> info = Client(std::move(options)).open();
  EXPECT_FALSE(info);
  return info ? "" : info.error().message();
}

// The pool alone: nobody asks the server anything before the first request.
class PoolClient : public Recorder {
 public:
  // What differs from the default; URL and addresses of the first are the server's, unless addresses are
  // given.
  explicit PoolClient(const Server& server, EndpointPool::Options options = {})
      : PoolClient(server.url(), std::move(options)) {}
  explicit PoolClient(const std::string& url, EndpointPool::Options options = {}) {
    if (options.servers.empty()) options.servers.emplace_back();
    EndpointServer& server = options.servers.front();
    server.url = url_from(url);
    if (server.addresses.empty()) server.addresses = addresses_of(server.url);
    wire_ = std::make_unique<EndpointWire>(server.url, options.secret);
    Result<std::unique_ptr<EndpointPool>> pool = EndpointPool::create(std::move(options), clock_);
    EXPECT_TRUE(pool) << pool.error().message();
    pool_ = std::move(*pool);
  }

  EndpointPool& pool() { return *pool_; }
  void submit(RequestId id, double limit_s = 300) { pool_->submit(post(id, limit_s)); }
  std::vector<std::string> run(RequestId id) {
    submit(id);
    finish(id);
    return of(id);
  }
  EndpointRequest post(RequestId id, double limit_s = 300, uint32_t server = 0) const {
    return {.id = id,
            .server = server,
            .wire = wire_->post("/chat/completions", id, "{}"),
            .time_limit = nanos_from_seconds(limit_s)};
  }
  EndpointRequest get() const {
    return {.wire = wire_->get("/models", 0),
            .time_limit = nanos_from_seconds(300),
            .rule = {.form = EndpointForm::kFetched}};
  }
  // The answer to a question; a pool that is lost fails the test.
  EndpointAnswer ask(EndpointRequest question) {
    Result<EndpointAnswer> answer = pool_->ask(std::move(question), {});
    EXPECT_TRUE(answer) << answer.error().message();
    return answer ? *answer : EndpointAnswer();
  }

  static Url url_from(const std::string& text) {
    Result<Url> url = parse_url(text);
    EXPECT_TRUE(url) << text;
    return url ? *url : Url();
  }
  static std::vector<SocketAddress> addresses_of(const Url& url) {
    Result<std::vector<SocketAddress>> addresses = resolve(url.host, url.port);
    EXPECT_TRUE(addresses) << url.host;
    return addresses ? *addresses : std::vector<SocketAddress>(1);
  }

  std::unique_ptr<EndpointWire> wire_;
  std::unique_ptr<EndpointPool> pool_;

 private:
  Result<void> poll_into(Nanos until, std::vector<StreamEvent>& events) override {
    return pool_->poll(until, events);
  }
};

// A loopback address at which nobody listens (any more).
inline SocketAddress nobodys_address() {
  const Result<Listener> listener = listen_on_loopback();
  EXPECT_TRUE(listener);
  return listener ? listener->address : SocketAddress();
}

}  // namespace assay::testing_server
