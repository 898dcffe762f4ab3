// The endpoint target: an OpenAI-compatible server, or several that share its requests, over HTTP/1.1, plain
// or TLS. This file is the Target and its end. What a request says is in endpoint_body, its bytes in
// endpoint_wire, the way to a server and back in endpoint_pool, what a server is asked first in
// endpoint_opening, what it says of itself in endpoint_identity, and what several say together in
// endpoint_servers.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "target/endpoint/endpoint_body.h"
#include "target/endpoint/endpoint_identity.h"
#include "target/endpoint/endpoint_opening.h"
#include "target/endpoint/endpoint_pool.h"
#include "target/endpoint/endpoint_servers.h"
#include "target/endpoint/endpoint_texts.h"
#include "target/endpoint/endpoint_wire.h"
#include "target/endpoint/server_root.h"
#include "target/target.h"

namespace assay {
namespace {

// That are open beside connections: those of this process, and of what is asked of each server beside the
// load.
int64_t other_files(size_t servers) {
  constexpr int64_t kOwn = 64, kOfServer = 3;
  return kOwn + kOfServer * static_cast<int64_t>(servers);
}

class EndpointTarget final : public Target {
 public:
  EndpointTarget(EndpointTargetOptions options, Clock& clock)
      : options_(std::move(options)), clock_(clock), texts_(options_.kept_texts, options_.seed) {}

  Result<TargetInfo> open() override;
  Result<void> submit(const Request& request) override;
  void restart_measuring() override {
    if (pool_ != nullptr) pool_->restart_measuring();
    texts_.restart();
  }
  void cancel(RequestId id) override;
  std::vector<RequestId> withdraw_waiting() override;
  Result<void> poll(Nanos until, std::vector<StreamEvent>& events) override;
  TargetEnd close() override;

 private:
  // A request that belongs to a session, until it has ended.
  struct Turn {
    Request request;
    std::string said;  // what it adds to its session
  };

  // One server: how it is asked. What sessions have said is kept with the server that they stay at.
  struct Server {
    EndpointWire wire;
    EndpointBodies bodies;
  };

  Result<void> check_options();
  Result<void> make_pool();
  Result<OpenedServer> open_server(uint32_t index);
  void note_end(const StreamEvent& event);

  EndpointTargetOptions options_;
  Clock& clock_;
  std::vector<Server> servers_;         // from open() on, as is the pool
  std::unique_ptr<EndpointPool> pool_;  // null again after close()
  EndpointPoolFacts pool_facts_;        // when it was closed
  std::unordered_map<RequestId, Turn> turns_;
  EndpointTexts texts_;
  std::vector<Finding> differences_;  // of the servers
  bool was_tried_ = false;            // of the server that was opened last: work was tried on it
};

// ---- opening ----

Result<void> EndpointTarget::check_options() {
  const RequestKindRow* usual = find_request_kind(options_.api);
  if (usual == nullptr || !usual->has_sessions) {
    return fail("unknown api '" + printable(options_.api) + "'", options_.name,
                "Use \"chat\", \"completions\" or \"responses\".");
  }
  if (!is_field_value(options_.api_key)) {
    return fail("the API key holds control characters", options_.name,
                "Check the file or variable that it comes from: no line breaks inside.");
  }
  if (!(options_.timeout_s > 0 && options_.timeout_s <= 86'400)) {
    return fail("timeout_s is not between 0 and 86,400", options_.name);
  }
  if (options_.max_connections == 0)
    return fail("max_connections is 0", options_.name, "Allow at least one.");
  if (options_.servers.empty()) options_.servers = {{.url = options_.url, .model = options_.model}};
  servers_.clear();
  for (const EndpointServerOptions& server : options_.servers) {
    ASSIGN_OR_RETURN(Url url, parse_url(server.url));
    EndpointBodies bodies(usual->kind, options_.cutter, url.path, options_.classes);
    servers_.push_back({.wire = EndpointWire(std::move(url), options_.api_key), .bodies = std::move(bodies)});
  }
  return {};
}

Result<void> EndpointTarget::make_pool() {
  // Each connection is an open file; without one a request would fail for a reason that is not the server's.
  if (const uint32_t most = most_connections(servers_.size()); options_.max_connections > most) {
    const std::string remedy = fmt::format("Raise the limit (ulimit -n {})",
                                           int64_t{options_.max_connections} + other_files(servers_.size()));
    return fail(fmt::format("this process may have {} open at once, too few for {} beside what else it opens",
                            counted(raise_open_files_limit(), "file"),
                            counted(options_.max_connections, "connection")),
                options_.name,
                most == 0 ? remedy + "."
                          : fmt::format("{}, or allow no more than {} (--max-concurrency, max_connections).",
                                        remedy, most));
  }
  EndpointPool::Options options{
      .servers = {}, .secret = options_.api_key, .max_connections = options_.max_connections};
  for (const Server& server : servers_) {
    const Url& url = server.wire.url();
    if (url.https && !options.tls) {
      ASSIGN_OR_RETURN(TlsContext context, TlsContext::create(options_.ca_file));
      options.tls.emplace(std::move(context));
    }
    ASSIGN_OR_RETURN(std::vector<SocketAddress> addresses, resolve(url.host, url.port));
    options.servers.push_back({.url = url, .addresses = std::move(addresses)});
  }
  ASSIGN_OR_RETURN(pool_, EndpointPool::create(std::move(options), clock_));
  return {};
}

Result<TargetInfo> EndpointTarget::open() {
  const Nanos start = clock_.now();
  RETURN_IF_ERROR(check_options());
  RETURN_IF_ERROR(make_pool());
  std::vector<OpenedServer> opened;
  for (uint32_t i = 0; i < servers_.size(); ++i) {
    ASSIGN_OR_RETURN(OpenedServer server, open_server(i));
    opened.push_back(std::move(server));
  }
  differences_ = differences_of(opened);
  TargetInfo info = info_of_servers(options_.name, opened);
  info.conditions.set("api", options_.api).set("max_connections", options_.max_connections);
  info.conditions.set("receive_stamps", pool_->facts().has_stamps ? "kernel" : "program");
  info.load_s = seconds(clock_.now() - start);
  return info;
}

// What the server says of itself is asked for last; one that says nothing is as good.
Result<OpenedServer> EndpointTarget::open_server(uint32_t index) {
  auto& [wire, bodies] = servers_[index];
  const EndpointServerOptions& own = options_.servers[index];
  OpenedServer opened{
      .url = wire.url().text(), .address = {}, .classes = own.classes, .is_side = own.is_side};
  EndpointOpening opening = open_endpoint(*pool_, wire, bodies,
                                          {.server = index,
                                           .classes = own.classes,
                                           .model = own.model,
                                           .timeout_s = options_.timeout_s,
                                           .interrupted = options_.interrupted});
  was_tried_ = opening.was_tried;
  ASSIGN_OR_RETURN(opened.facts, std::move(opening.facts));
  opened.address = pool_->address(index).text();
  opened.fields = bodies.fields(find_request_kind(options_.api)->kind);
  const EndpointWire root(server_root(wire.url()), options_.api_key);
  const IdentityHints hints{.owner = opened.facts.model_facts["model_owned_by"].as_string(),
                            .server = opened.facts.server};
  ASSIGN_OR_RETURN(opened.identity, ask_identity(*pool_, root, hints, options_.interrupted, index));
  return opened;
}

// ---- work ----

Result<void> EndpointTarget::submit(const Request& request) {
  CHECK(pool_ != nullptr && request.id != 0 && request.server < servers_.size());
  const Server& server = servers_[request.server];
  std::string said;
  const EndpointCall call = server.bodies.call_for(request, said);
  const bool goes_on = request.session != 0 && !request.last_turn;
  const bool has_tokens = row_of(server.bodies.kind_of_request(request)).streams;
  const bool is_sampled = has_tokens && texts_.wants(request);
  pool_->submit({.id = request.id,
                 .server = request.server,
                 .wire = server.wire.call(call, request.id),
                 .time_limit = nanos_from_seconds(options_.timeout_s),
                 .kept_bytes = goes_on      ? kMaxAnswerBytes
                               : is_sampled ? kMaxListedTextBytes
                                            : 0,
                 .rule = call.rule});
  if (request.session != 0) turns_.insert_or_assign(request.id, Turn{request, std::move(said)});
  return {};
}

void EndpointTarget::cancel(RequestId id) {
  if (pool_ != nullptr) pool_->cancel(id);
}

std::vector<RequestId> EndpointTarget::withdraw_waiting() {
  if (pool_ == nullptr) return {};
  std::vector<RequestId> ids = pool_->withdraw_waiting();
  for (const RequestId id : ids) note_end({.request = id, .kind = StreamEventKind::kFailed});
  return ids;
}

Result<void> EndpointTarget::poll(Nanos until, std::vector<StreamEvent>& events) {
  CHECK(pool_ != nullptr);
  const size_t first = events.size();
  RETURN_IF_ERROR(pool_->poll(until, events));
  for (size_t i = first; i < events.size(); ++i) note_end(events[i]);
  return {};
}

// Sessions go on with what a turn and its answer said, or without a turn that failed; the sample has its
// text.
void EndpointTarget::note_end(const StreamEvent& event) {
  if (event.kind != StreamEventKind::kDone && event.kind != StreamEventKind::kFailed) return;
  const bool is_done = event.kind == StreamEventKind::kDone;
  const auto turn = turns_.find(event.request);
  const bool is_sampled = texts_.has(event.request);
  EndpointText text;
  if (is_done) text = pool_->take_answer(event.request);  // also of one that has lost its place in the sample
  if (turn != turns_.end()) {
    EndpointBodies& bodies = servers_[turn->second.request.server].bodies;
    if (is_done) {
      bodies.answered(turn->second.request, turn->second.said, text.content);
    } else {
      bodies.failed(turn->second.request);
    }
    turns_.erase(turn);
  }
  if (!is_sampled) return;
  if (is_done) {
    texts_.answered(event, std::move(text));
  } else {
    texts_.failed(event.request);
  }
}

// ---- the end ----

TargetEnd EndpointTarget::close() {
  TargetEnd end;
  if (!was_tried_) end.cause = EndCause::kNotReached;
  if (pool_ != nullptr) {
    pool_facts_ = pool_->facts();
    end.records = pool_->close();
  }
  pool_.reset();
  turns_.clear();
  end.texts = texts_.take(options_.cutter);
  const EndpointPoolFacts& facts = pool_facts_;
  end.words = "closed";
  end.findings = differences_;
  if (facts.sent_again > 0) {
    end.diagnostics +=
        fmt::format("{} sent again, since the server had closed an idle connection.\n",
                    counted(static_cast<int64_t>(facts.sent_again), "request was", "requests were"));
  }
  if (facts.has_stamps && facts.unstamped_reads * 100 > facts.reads) {
    end.diagnostics +=
        fmt::format("{} of {} reads had no kernel stamp; their events carry the time of the read.\n",
                    facts.unstamped_reads, facts.reads);
  }
  end.stamps_are_wrong = facts.clock_jumps > 0;
  end.waited_for_connection = facts.waited;
  if (facts.clock_jumps > 0) {
    end.findings.push_back(
        {.severity = Severity::kDoubtful,
         .code = "load.clock-jumped",
         .text = fmt::format(
             "The system's clock was set {} times while the kernel stamped arrivals by it, by up to {}: "
             "latencies near these instants are wrong by as much. The trial is void; run it again.",
             facts.clock_jumps, format_duration(seconds(facts.largest_clock_jump))),
         .evidence = Json::object().set(kVoidsTrial, true)});
  }
  return end;
}

}  // namespace

uint32_t most_connections(size_t servers) {
  constexpr int64_t kMost = 65'536;
  return static_cast<uint32_t>(
      std::clamp<int64_t>(raise_open_files_limit() - other_files(servers), 0, kMost));
}

std::unique_ptr<Target> make_endpoint_target(EndpointTargetOptions options, Clock& clock) {
  return std::make_unique<EndpointTarget>(std::move(options), clock);
}

}  // namespace assay
