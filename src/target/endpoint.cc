// The endpoint target: an OpenAI-compatible server over HTTP/1.1, plain or TLS. This file is the pool of
// connections, the queue before it, the time limits, and the questions that open() asks; what a request says
// is in endpoint_body and endpoint_wire, what an answer means in endpoint_reply, how bytes move in
// endpoint_connection.
//
// A request is sent at once on an idle connection or on a new one; when all max_connections are busy it waits
// in a queue, which shows as send lag, since kSent comes when the last byte of the request has been given to
// the kernel. Events carry the kernel's receive stamp of the segment that completed them, where there is one.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "target/endpoint_body.h"
#include "target/endpoint_connection.h"
#include "target/endpoint_reply.h"
#include "target/endpoint_wire.h"
#include "target/target.h"

namespace assay {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr Nanos kDrainTime = nanos_from_seconds(1);  // for the end of a body behind its answer
constexpr double kMaxFetchSeconds = 30;
constexpr Nanos kLookInterval = nanos_from_ms(100);  // for an interrupt
constexpr RequestId kOwnRequest = 0;                 // open()'s own questions; no plan uses it
constexpr uint32_t kMaxModelFacts = 40;

// One request on its way.
struct Work {
  Request request;
  std::string wire;    // as it goes out, head and body
  std::string said;    // what it adds to its session
  bool fetch = false;  // a GET of open()
  Nanos time_limit{};
  bool sent = false;
  bool sent_again = false;  // the server had closed the idle connection it went out on
  Nanos last_at{};          // of its events, which never run backwards
};

// One connection and what happens on it.
struct Channel {
  Channel(uint64_t token, EndpointChunkDecoder& decoder, std::string_view secret)
      : token(token), reply(decoder, secret) {}
  uint64_t token;
  std::unique_ptr<EndpointConnection> connection;
  EndpointReply reply;
  std::unique_ptr<Work> work;  // null: idle
  EventLoop::Timer timer{};
  bool answered = false;  // work's last event is out; the end of the body is awaited
  bool reused = false;
  bool watches_write = false;
};

// What open() learns from one of its own requests.
struct Answer {
  StreamEvent event;  // kDone or kFailed
  Error error;        // of a failed connection
  int status = 0;
  std::string body, server, tls;
  bool streamed = false, has_usage = false;
};

bool is_word_character(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// True if `word` stands in `text` as a word of its own.
bool names(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_word_character(text[at - 1])) &&
        (end == text.size() || !is_word_character(text[end])))
      return true;
  }
  return false;
}

class EndpointTarget final : public Target {
 public:
  EndpointTarget(EndpointTargetOptions options, Clock& clock)
      : options_(std::move(options)),
        clock_(clock),
        bodies_(endpoint_api(options_.api).value_or(EndpointApi::kChat), options_.bytes_per_token),
        buffer_(std::make_unique<char[]>(kReadBytes + EndpointChunkDecoder::kPadding)) {}

  Result<TargetInfo> open() override;
  Result<void> submit(const Request& request) override;
  void cancel(RequestId id) override;
  Result<void> poll(Nanos until, std::vector<StreamEvent>& events) override;
  TargetEnd close() override;

 private:
  // open()
  Result<void> check_options();
  Result<Answer> ask(std::unique_ptr<Work> work);
  Result<Answer> fetch_models();
  Result<std::vector<std::string>> read_models(const Answer& answer, TargetInfo& info);
  void take_model_facts(const Json& entry, TargetInfo& info);
  Result<Answer> try_request(const std::vector<std::string>& models);
  bool drop_refused_field(const Answer& answer);
  std::unexpected<Error> refused(const Answer& answer, const std::vector<std::string>& models) const;

  // the pool
  void start_waiting();
  void start(std::unique_ptr<Work> work);
  Channel* open_channel(const Work& work);
  void assign(Channel& channel, std::unique_ptr<Work> work);
  void advance(Channel& channel);
  void read(Channel& channel);
  bool take_bytes(Channel& channel, std::string_view bytes, Nanos at);
  void lost(Channel& channel, bool end_of_input);
  void time_out(Channel& channel);
  void after_reply(Channel& channel, EndpointReply::State state, size_t first_event);
  void answered(Channel& channel, const StreamEvent& event);
  void release(Channel& channel);
  void drop(uint64_t token);
  void fail_work(const Work& work, FailureCause cause, std::string detail);
  Nanos stamp(Nanos realtime, const Work& work);
  bool is_full() const { return channels_.size() >= options_.max_connections; }

  EndpointTargetOptions options_;
  Clock& clock_;
  EndpointBodies bodies_;
  std::unique_ptr<char[]> buffer_;  // with room behind it for SIMD reads
  EndpointChunkDecoder decoder_;
  Url url_;
  std::optional<EndpointWire> wire_;
  std::vector<SocketAddress> addresses_;
  size_t address_ = 0;  // into addresses_: the one that answered
  std::optional<TlsContext> tls_;
  std::optional<EventLoop> loop_;
  ClockOffset offset_;
  std::unordered_map<uint64_t, std::unique_ptr<Channel>> channels_;  // by token
  std::vector<uint64_t> idle_;  // the last used last: it is the least likely to have been closed
  std::deque<std::unique_ptr<Work>> waiting_;
  std::unordered_map<RequestId, uint64_t> busy_;  // to the channel's token
  uint64_t tokens_ = 0;
  std::vector<LoopEvent> loop_events_;
  std::vector<StreamEvent> pending_;
  std::optional<Answer> own_answer_;
  FileDescriptor
      stamp_keeper_;  // the kernel stamps only while some socket asks for it, and begins a little late
  bool has_stamps_ = true;
  uint64_t reads_ = 0, unstamped_reads_ = 0;
  uint64_t sent_again_ = 0;
};

// ---- opening ----

Result<void> EndpointTarget::check_options() {
  if (!endpoint_api(options_.api)) {
    return fail("unknown api '" + printable(options_.api) + "'", options_.name,
                "Use \"chat\" or \"completions\".");
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
  ASSIGN_OR_RETURN(url_, parse_url(options_.url));
  wire_.emplace(url_, options_.api_key);
  return {};
}

Result<TargetInfo> EndpointTarget::open() {
  const Nanos start = clock_.now();
  RETURN_IF_ERROR(check_options());
  if (url_.https) {
    ASSIGN_OR_RETURN(TlsContext context, TlsContext::create(options_.ca_file));
    tls_.emplace(std::move(context));
  }
  ASSIGN_OR_RETURN(EventLoop loop, EventLoop::create());
  loop_.emplace(std::move(loop));
  offset_.add(read_clocks());
  stamp_keeper_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (stamp_keeper_.valid()) has_stamps_ = enable_receive_stamps(stamp_keeper_.get());
  ASSIGN_OR_RETURN(addresses_, resolve(url_.host, url_.port));

  TargetInfo info;
  info.subject.name = options_.name;
  info.subject.kind = "endpoint";
  ASSIGN_OR_RETURN(const Answer listing, fetch_models());
  ASSIGN_OR_RETURN(const std::vector<std::string> models, read_models(listing, info));
  bodies_.set_model(info.model);
  options_.model = info.model;
  ASSIGN_OR_RETURN(const Answer answer, try_request(models));

  Json& details = info.subject.details;
  details.set("url", url_.text());
  details.set("address", addresses_[address_].text());
  details.set("model", info.model);
  if (!answer.server.empty()) details.set("server", answer.server);
  if (!answer.tls.empty()) details.set("tls", answer.tls);
  const EndpointFields& fields = bodies_.fields();
  info.conditions.set("url", url_.text()).set("api", options_.api).set("model", info.model);
  info.conditions.set("max_connections", options_.max_connections);
  info.conditions.set("streams", answer.streamed).set("usage_from_server", answer.has_usage);
  info.conditions.set("ignore_eos", fields.ignore_eos).set("temperature_0", fields.temperature);
  info.conditions.set("receive_stamps", has_stamps_ ? "kernel" : "program");
  info.load_s = seconds(clock_.now() - start);
  return info;
}

// Waits for the end of one of our own requests.
Result<Answer> EndpointTarget::ask(std::unique_ptr<Work> work) {
  own_answer_.reset();
  waiting_.push_back(std::move(work));
  start_waiting();
  std::vector<StreamEvent> events;
  while (!own_answer_) {
    if (options_.interrupted && options_.interrupted()) return fail("interrupted", url_.text());
    RETURN_IF_ERROR(poll(clock_.now() + kLookInterval, events));
  }
  return std::move(*own_answer_);
}

// GET /models from the first of the host's addresses that answers at all.
Result<Answer> EndpointTarget::fetch_models() {
  for (address_ = 0;; ++address_) {
    auto work = std::make_unique<Work>();
    work->request.id = kOwnRequest;
    work->fetch = true;
    work->time_limit = nanos_from_seconds(std::min(options_.timeout_s, kMaxFetchSeconds));
    work->wire = wire_->get("/models", kOwnRequest);
    ASSIGN_OR_RETURN(Answer answer, ask(std::move(work)));
    if (answer.event.kind == StreamEventKind::kDone) return answer;
    const bool another = address_ + 1 < addresses_.size() && answer.status == 0 &&
                         answer.event.cause != FailureCause::kTls &&
                         answer.event.cause != FailureCause::kMalformed;
    if (another) continue;
    Error error = answer.error;
    if (error.what.empty()) error.what = answer.event.detail;
    error.where = url_.text();
    if (error.remedy.empty()) error.remedy = "Check that the server is up and that the URL is right.";
    return std::unexpected(error);
  }
}

Result<std::vector<std::string>> EndpointTarget::read_models(const Answer& answer, TargetInfo& info) {
  if (answer.status == 401 || answer.status == 403) {
    return fail(fmt::format("the server refuses access (HTTP {}): {}", answer.status,
                            endpoint_error_words(answer.body)),
                url_.text(),
                options_.api_key.empty() ? "Give a key with api_key_env or api_key_file."
                                         : "Check the key in api_key_env or api_key_file.");
  }
  std::vector<std::string> models;
  info.model = options_.model;
  const Result<Json> json = answer.status == 200 ? Json::parse(answer.body, "/models") : Json();
  if (json) {
    const std::vector<Json>& entries = (*json)["data"].items();
    for (const Json& entry : entries) {
      const std::string& id = entry["id"].as_string();
      if (id.empty() || models.size() == 1000) continue;
      models.push_back(id);
      if (info.model.empty()) info.model = id;
      if (id == info.model) take_model_facts(entry, info);
    }
  }
  if (info.model.empty()) {
    return fail(
        fmt::format("the server does not list its models (GET {}/models: HTTP {})", url_.path, answer.status),
        url_.text(), "Name one with model, and check the path of the URL: it usually ends with /v1.");
  }
  return models;
}

// What servers tell of a model beside its name: vLLM max_model_len, llama.cpp a "meta" object.
void EndpointTarget::take_model_facts(const Json& entry, TargetInfo& info) {
  uint32_t facts = 0;
  const auto take = [&](const Json& object) {
    for (const auto& [key, value] : object.members()) {
      const bool flat = value.is_string() || value.is_number() || value.is_bool();
      if (!flat || key == "id" || key == "object" || key == "created" || facts == kMaxModelFacts) continue;
      ++facts;
      const std::string name = "model_" + printable(key, 60);
      info.subject.details.set(name, value.is_string() ? Json(printable(value.as_string())) : value);
    }
  };
  take(entry);
  take(entry["meta"]);
  for (const Json* length : {&entry["max_model_len"], &entry["context_length"], &entry["meta"]["n_ctx"]}) {
    const int64_t tokens = length->as_integer();
    if (tokens > 0 && tokens <= UINT32_MAX && info.context_tokens == 0)
      info.context_tokens = static_cast<uint32_t>(tokens);
  }
}

// A request for two tokens shows whether the endpoint works and which fields it refuses.
Result<Answer> EndpointTarget::try_request(const std::vector<std::string>& models) {
  while (true) {
    auto work = std::make_unique<Work>();
    work->request = {.id = kOwnRequest, .corpus = "prose", .prompt_tokens = 8, .output_tokens = 2};
    work->time_limit = nanos_from_seconds(options_.timeout_s);
    const std::string body = bodies_.body_for(work->request, work->said);
    work->wire = wire_->post(bodies_.path(), kOwnRequest, body);
    ASSIGN_OR_RETURN(Answer answer, ask(std::move(work)));
    if (answer.event.kind == StreamEventKind::kDone) return answer;
    if (!drop_refused_field(answer)) return refused(answer, models);
  }
}

// True if the server named a field that we can do without: each is dropped at most once.
bool EndpointTarget::drop_refused_field(const Answer& answer) {
  if (answer.status != 400 && answer.status != 422) return false;
  EndpointFields& fields = bodies_.fields();
  if (fields.ignore_eos && names(answer.body, "ignore_eos")) return fields.ignore_eos = false, true;
  if (fields.stream_options && names(answer.body, "stream_options"))
    return fields.stream_options = false, true;
  if (fields.temperature && names(answer.body, "temperature")) return fields.temperature = false, true;
  if (!fields.max_completion_tokens && names(answer.body, "max_completion_tokens")) {
    return fields.max_completion_tokens = true;
  }
  return false;
}

std::unexpected<Error> EndpointTarget::refused(const Answer& answer,
                                               const std::vector<std::string>& models) const {
  Error error = answer.error;
  if (error.what.empty()) error.what = answer.event.detail;
  error.what = "a trial request failed: " + error.what;
  error.where = url_.text();
  const bool listed = std::find(models.begin(), models.end(), options_.model) != models.end();
  if (answer.status == 401 || answer.status == 403) {
    error.remedy = "Check the key in api_key_env or api_key_file.";
  } else if (!listed && !models.empty()) {
    error.remedy =
        fmt::format("The server does not list the model '{}'.{} It lists: {}.", printable(options_.model),
                    suggestion(options_.model, models),
                    printable(join(std::span(models).first(std::min<size_t>(models.size(), 8)), ", ")));
  } else if (answer.status == 404) {
    error.remedy =
        "Check the path of the URL: it usually ends with /v1; and whether the server has this api.";
  }
  return std::unexpected(error);
}

// ---- the five methods ----

Result<void> EndpointTarget::submit(const Request& request) {
  CHECK(loop_.has_value() && request.id != kOwnRequest);
  auto work = std::make_unique<Work>();
  work->request = request;
  work->time_limit = nanos_from_seconds(options_.timeout_s);
  const std::string body = bodies_.body_for(request, work->said);
  work->wire = wire_->post(bodies_.path(), request.id, body);
  waiting_.push_back(std::move(work));
  start_waiting();
  return {};
}

void EndpointTarget::cancel(RequestId id) {
  const auto waiting = std::find_if(waiting_.begin(), waiting_.end(), [&](const std::unique_ptr<Work>& work) {
    return work->request.id == id;
  });
  if (waiting != waiting_.end()) {
    const std::unique_ptr<Work> work = std::move(*waiting);
    waiting_.erase(waiting);
    fail_work(*work, FailureCause::kCancelled, "cancelled before it was sent");
    return;
  }
  const auto busy = busy_.find(id);
  if (busy == busy_.end()) return;
  const uint64_t token = busy->second;
  fail_work(*channels_.at(token)->work, FailureCause::kCancelled, "cancelled");
  drop(token);  // HTTP/1.1 has no other way to stop an answer
  start_waiting();
}

Result<void> EndpointTarget::poll(Nanos until, std::vector<StreamEvent>& events) {
  CHECK(loop_.has_value());
  loop_events_.clear();
  RETURN_IF_ERROR(loop_->wait(pending_.empty() ? until : clock_.now(), clock_, loop_events_));
  // Before the stamps of what has come are converted: they then lie between two samples.
  if (offset_.due(clock_.now())) offset_.add(read_clocks());
  for (const LoopEvent& event : loop_events_) {
    const auto found = channels_.find(event.token);
    if (found == channels_.end()) continue;  // dropped by an event before this one
    Channel& channel = *found->second;
    if (event.timer) {
      time_out(channel);
    } else if (event.readable && channel.connection->established()) {
      read(channel);
    } else {
      advance(channel);
    }
  }
  start_waiting();
  if (events.empty()) {
    events.swap(pending_);
  } else {
    events.insert(events.end(), std::make_move_iterator(pending_.begin()),
                  std::make_move_iterator(pending_.end()));
  }
  pending_.clear();
  return {};
}

TargetEnd EndpointTarget::close() {
  waiting_.clear();
  busy_.clear();
  idle_.clear();
  channels_.clear();
  loop_.reset();
  stamp_keeper_.reset();
  TargetEnd end;
  end.words = "closed";
  if (sent_again_ > 0) {
    end.diagnostics += fmt::format(
        "{} requests were sent again, since the server had closed their idle connection.\n", sent_again_);
  }
  if (has_stamps_ && unstamped_reads_ * 100 > reads_) {
    end.diagnostics +=
        fmt::format("{} of {} reads had no kernel stamp; their events carry the time of the read.\n",
                    unstamped_reads_, reads_);
  }
  if (offset_.jumps() > 0) {
    end.findings.push_back(
        {.severity = Severity::kDoubtful,
         .code = "load.clock-jumped",
         .text = fmt::format(
             "The system's clock was set {} times while the kernel stamped arrivals by it, by up to {}: "
             "latencies near these instants are wrong by as much. Run it again.",
             offset_.jumps(), format_duration(seconds(offset_.largest_jump())))});
  }
  return end;
}

// ---- the pool ----

void EndpointTarget::start_waiting() {
  while (!waiting_.empty() && (!idle_.empty() || !is_full())) {
    std::unique_ptr<Work> work = std::move(waiting_.front());
    waiting_.pop_front();
    start(std::move(work));
  }
}

void EndpointTarget::start(std::unique_ptr<Work> work) {
  // One that met a closed connection gets a new one: others that lie idle have probably gone the same way.
  if (work->sent_again && is_full()) drop(idle_.front());
  Channel* channel = nullptr;
  if (!idle_.empty() && !work->sent_again) {
    channel = channels_.at(idle_.back()).get();
    idle_.pop_back();
    channel->reused = true;
  } else {
    channel = open_channel(*work);
  }
  if (channel != nullptr) assign(*channel, std::move(work));
}

Channel* EndpointTarget::open_channel(const Work& work) {
  auto channel = std::make_unique<Channel>(++tokens_, decoder_, options_.api_key);
  Result<std::unique_ptr<EndpointConnection>> connection =
      EndpointConnection::begin(addresses_[address_], url_, tls_ ? &*tls_ : nullptr);
  Result<void> watched;
  if (connection) {
    channel->connection = std::move(*connection);
    channel->watches_write = true;
    watched = loop_->watch(channel->connection->fd(), channel->token, true, true);
  }
  if (!connection || !watched) {
    fail_work(work, FailureCause::kRefused, connection ? watched.error().what : connection.error().what);
    return nullptr;
  }
  has_stamps_ = has_stamps_ && channel->connection->has_stamps();
  Channel* opened = channel.get();
  channels_.emplace(opened->token, std::move(channel));
  return opened;
}

void EndpointTarget::assign(Channel& channel, std::unique_ptr<Work> work) {
  const bool keeps_answer = work->request.session != 0 && !work->request.last_turn;
  channel.reply.begin(work->request.id, keeps_answer, work->fetch);
  channel.answered = false;
  channel.timer = loop_->set_timer(clock_.now() + work->time_limit, channel.token);
  channel.connection->send(work->wire);
  busy_[work->request.id] = channel.token;
  channel.work = std::move(work);
  advance(channel);
}

// Connects, shakes hands and sends as far as possible. The channel may be gone afterwards.
void EndpointTarget::advance(Channel& channel) {
  const Nanos now = clock_.now();
  if (!channel.connection->advance()) return lost(channel, false);
  if (channel.work && !channel.work->sent && channel.connection->all_sent()) {
    Work& work = *channel.work;
    work.sent = true;
    work.last_at = now;
    // The limit is for the time from here to the end.
    loop_->cancel_timer(channel.timer);
    channel.timer = loop_->set_timer(now + work.time_limit, channel.token);
    if (work.request.id != kOwnRequest) {
      StreamEvent& event = pending_.emplace_back();
      event.request = work.request.id;
      event.kind = StreamEventKind::kSent;
      event.at = now;
    }
  }
  const bool wants_write = channel.connection->wants_write();
  if (wants_write != channel.watches_write) {
    channel.watches_write = wants_write;
    // It was watched before, so only a lack of kernel memory can make this fail; the time limit then ends the
    // request.
    (void)loop_->watch(channel.connection->fd(), channel.token, true, wants_write);
  }
  // TLS may have read the beginning of the answer together with the end of the handshake.
  if (channel.connection->established() && channel.connection->has_more()) read(channel);
}

// The channel may be gone afterwards.
void EndpointTarget::read(Channel& channel) {
  do {
    EndpointConnection::Received received;
    switch (channel.connection->read({buffer_.get(), kReadBytes}, received)) {
      case EndpointConnection::Read::kNothing:
        break;
      case EndpointConnection::Read::kEnd:
        return lost(channel, true);
      case EndpointConnection::Read::kFailed:
        return lost(channel, false);
      case EndpointConnection::Read::kBytes:
        if (!channel.work) return drop(channel.token);  // bytes that nobody asked for
        ++reads_;
        if (received.realtime == Nanos()) ++unstamped_reads_;
        if (!take_bytes(channel, {buffer_.get(), received.bytes}, stamp(received.realtime, *channel.work)))
          return;
    }
  } while (channel.connection->has_more());
  if (channel.connection->wants_write()) advance(channel);
}

// False if the channel is gone.
bool EndpointTarget::take_bytes(Channel& channel, std::string_view bytes, Nanos at) {
  const uint64_t token = channel.token;
  const size_t first_event = pending_.size();
  channel.work->last_at = at;
  const EndpointReply::State state = channel.reply.receive(bytes, at, pending_);
  after_reply(channel, state, first_event);
  return channels_.contains(token);
}

void EndpointTarget::after_reply(Channel& channel, EndpointReply::State state, size_t first_event) {
  if (!channel.answered && channel.reply.answered()) {
    answered(channel, pending_.back());
    if (channel.work->request.id == kOwnRequest) pending_.resize(first_event);
  } else if (channel.work->request.id == kOwnRequest) {
    pending_.resize(first_event);
  }
  if (state == EndpointReply::State::kOver) release(channel);
}

// `event` ended the channel's request.
void EndpointTarget::answered(Channel& channel, const StreamEvent& event) {
  Work& work = *channel.work;
  channel.answered = true;
  busy_.erase(work.request.id);
  loop_->cancel_timer(channel.timer);
  channel.timer = loop_->set_timer(clock_.now() + kDrainTime, channel.token);
  if (work.request.id == kOwnRequest) {
    const EndpointReply& reply = channel.reply;
    const TlsSession* tls = channel.connection->tls();
    own_answer_ = Answer{.event = event,
                         .status = reply.status(),
                         .body = reply.body(),
                         .server = reply.server(),
                         .tls = tls != nullptr ? tls->version() + " " + tls->cipher() : "",
                         .streamed = reply.streamed(),
                         .has_usage = reply.has_usage()};
    hide(options_.api_key, own_answer_->body);
    hide(options_.api_key, own_answer_->server);
  } else if (event.kind == StreamEventKind::kDone) {
    bodies_.answered(work.request, work.said, channel.reply.answer());
  } else {
    bodies_.failed(work.request);
  }
}

// The response is over: the connection goes back into the pool, or away.
void EndpointTarget::release(Channel& channel) {
  const bool reusable = channel.reply.keep_alive() && channel.connection->all_sent() && channel.answered;
  if (!reusable) return drop(channel.token);
  loop_->cancel_timer(channel.timer);
  channel.work.reset();
  idle_.push_back(channel.token);
}

// The connection has ended, or broke while it was made or used.
void EndpointTarget::lost(Channel& channel, bool end_of_input) {
  const uint64_t token = channel.token;
  if (!channel.work || channel.answered) return drop(token);
  if (channel.reused && !channel.reply.started() && !channel.work->sent_again) {
    // A server may close an idle connection just as we use it (RFC 9112 §9.3.1): not the request's fault.
    channel.work->sent_again = true;
    ++sent_again_;
    loop_->cancel_timer(channel.timer);
    busy_.erase(channel.work->request.id);
    waiting_.push_front(std::move(channel.work));
    return drop(token);
  }
  if (end_of_input) {
    const size_t first_event = pending_.size();
    after_reply(channel, channel.reply.end_of_input(stamp({}, *channel.work), pending_), first_event);
    return;
  }
  const EndpointConnection::Failure& failure = channel.connection->failure();
  fail_work(*channel.work, failure.cause, failure.error.what);
  if (own_answer_) own_answer_->error = failure.error;
  drop(token);
}

void EndpointTarget::time_out(Channel& channel) {
  if (channel.work && !channel.answered) {
    const bool connected = channel.connection->established();
    const char* what = !connected                 ? "no connection"
                       : !channel.work->sent      ? "the request could not be sent"
                       : !channel.reply.started() ? "no answer"
                                                  : "no end of the answer";
    fail_work(*channel.work, FailureCause::kTimeout,
              fmt::format("{} within {}", what, format_duration(seconds(channel.work->time_limit))));
  }
  drop(channel.token);
}

void EndpointTarget::drop(uint64_t token) {
  const auto found = channels_.find(token);
  if (found == channels_.end()) return;
  Channel& channel = *found->second;
  if (channel.work) {
    loop_->cancel_timer(channel.timer);
    if (!channel.answered) busy_.erase(channel.work->request.id);
  }
  std::erase(idle_, token);
  channels_.erase(found);
}

void EndpointTarget::fail_work(const Work& work, FailureCause cause, std::string detail) {
  StreamEvent event;
  event.request = work.request.id;
  event.kind = StreamEventKind::kFailed;
  event.cause = cause;
  event.at = std::max(clock_.now(), work.last_at);
  event.detail = printable(detail, 190);
  if (work.request.id == kOwnRequest) {
    own_answer_ = Answer{.event = std::move(event)};
    return;
  }
  bodies_.failed(work.request);
  pending_.push_back(std::move(event));
}

// The instant of CLOCK_MONOTONIC at which the kernel had the bytes: never after now, never before what came
// before.
Nanos EndpointTarget::stamp(Nanos realtime, const Work& work) {
  const Nanos now = clock_.now();
  const Nanos at = realtime == Nanos() ? now : std::min(now, offset_.to_monotonic(realtime));
  return std::max(at, work.last_at);
}

}  // namespace

std::unique_ptr<Target> make_endpoint_target(EndpointTargetOptions options, Clock& clock) {
  return std::make_unique<EndpointTarget>(std::move(options), clock);
}

}  // namespace assay
