// The pool's work, event by event; see endpoint_pool.h for the rules. What an answer means is in
// endpoint_reply, how bytes move in endpoint_connection.
#include "target/endpoint/endpoint_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "target/endpoint/endpoint_connection.h"

namespace assay {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr Nanos kDrainTime = nanos_from_seconds(1);  // for the end of a body behind its answer
constexpr Nanos kLookInterval = nanos_from_ms(100);  // for an interrupt
constexpr Nanos kNoticedWait = nanos_from_ms(1);     // for a connection to become free
constexpr size_t kDetailBytes = 190;                 // a detail's 200 with some air

}  // namespace

// One request on its way.
struct EndpointPool::Work {
  EndpointRequest request;
  bool asked = false;      // by ask(): no events, one whole answer
  Nanos first_token_at{};  // of one that was asked
  bool sent = false;
  bool sent_again = false;  // the server had closed the idle connection it went out on
  Nanos waiting_since{};    // for a connection; 0: it met a free one
  Nanos last_at{};          // of its events, which never run backwards
};

// One connection and what happens on it.
struct EndpointPool::Channel {
  Channel(uint64_t token, uint32_t server, EndpointChunkDecoder& decoder, std::string_view secret)
      : token(token), server(server), reply(decoder, secret) {}
  uint64_t token;
  uint32_t server;
  std::unique_ptr<EndpointConnection> connection;
  EndpointReply reply;
  std::unique_ptr<Work> work;  // null: idle
  EventLoop::Timer timer{};
  Nanos opened{};         // when connecting began
  bool answered = false;  // work's last event is out; the end of the body is awaited
  bool reused = false;
  bool watches_write = false;
};

Result<std::unique_ptr<EndpointPool>> EndpointPool::create(Options options, Clock& clock) {
  CHECK(!options.servers.empty() && options.max_connections > 0);
  for (const EndpointServer& server : options.servers) CHECK(!server.url.https || options.tls.has_value());
  ASSIGN_OR_RETURN(EventLoop loop, EventLoop::create());
  return std::unique_ptr<EndpointPool>(new EndpointPool(std::move(options), std::move(loop), clock));
}

EndpointPool::EndpointPool(Options options, EventLoop loop, Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      loop_(std::move(loop)),
      ways_(std::move(options_.servers)),
      buffer_(std::make_unique<char[]>(kReadBytes + EndpointChunkDecoder::kPadding)) {
  offset_.add(read_clocks());
  stamp_keeper_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (stamp_keeper_.valid()) facts_.has_stamps = enable_receive_stamps(stamp_keeper_.get());
}

EndpointPool::~EndpointPool() = default;

std::vector<Record> EndpointPool::close() {
  waiting_.clear();
  busy_.clear();
  ways_.forget_all();
  channels_.for_each([this](Channel& channel) { meter_.note_closing(channel.connection->fd()); });
  channels_.clear();
  return meter_.records();
}

void EndpointPool::restart_measuring() {
  meter_ = {};
  facts_ = {.has_stamps = facts_.has_stamps};
  offset_.forget_jumps();
}

EndpointPoolFacts EndpointPool::facts() const {
  EndpointPoolFacts facts = facts_;
  facts.clock_jumps = offset_.jumps();
  facts.largest_clock_jump = offset_.largest_jump();
  return facts;
}

// ---- what is asked of it ----

void EndpointPool::submit(EndpointRequest request) {
  CHECK(request.server < ways_.size());
  waiting_.push_back(std::make_unique<Work>(Work{.request = std::move(request)}));
  start_waiting();
  if (!waiting_.empty()) waiting_.back()->waiting_since = clock_.now();
}

Result<EndpointAnswer> EndpointPool::ask(EndpointRequest request, const std::function<bool()>& interrupted) {
  CHECK(waiting_.empty() && busy_.empty() && pending_.empty() && request.server < ways_.size());
  const uint32_t server = request.server;
  whole_answer_.reset();
  waiting_.push_back(std::make_unique<Work>(Work{.request = std::move(request), .asked = true}));
  start_waiting();
  std::vector<StreamEvent> none;
  while (!whole_answer_) {
    if (interrupted && interrupted()) return fail("interrupted", ways_.url(server).text());
    RETURN_IF_ERROR(poll(clock_.now() + kLookInterval, none));
  }
  return *std::exchange(whole_answer_, std::nullopt);
}

void EndpointPool::cancel(RequestId id) {
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
  fail_work(*channels_.find(token)->work, FailureCause::kCancelled, "cancelled");
  // What waits for the place is started by poll(): it may be about to be cancelled, too.
  drop(token);
}

std::vector<RequestId> EndpointPool::withdraw_waiting() {
  std::vector<RequestId> ids;
  std::erase_if(waiting_, [&](const std::unique_ptr<Work>& work) {
    if (work->sent_again) return false;  // the server has seen it
    ids.push_back(work->request.id);
    return true;
  });
  facts_.waited += ids.size();
  return ids;
}

Result<void> EndpointPool::poll(Nanos until, std::vector<StreamEvent>& events) {
  loop_events_.clear();
  RETURN_IF_ERROR(loop_.wait(pending_.empty() ? until : clock_.now(), clock_, loop_events_));
  // Before the stamps of what has come are converted: they then lie between two samples.
  if (offset_.due(clock_.now())) offset_.add(read_clocks());
  for (const LoopEvent& event : loop_events_) take(event);
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

EndpointText EndpointPool::take_answer(RequestId id) {
  const auto found = answers_.find(id);
  if (found == answers_.end()) return {};
  EndpointText answer = std::move(found->second);
  answers_.erase(found);
  return answer;
}

// ---- from the queue to a connection ----

void EndpointPool::start_waiting() {
  while (!waiting_.empty() && (ways_.any_idle() || !is_full())) {
    std::unique_ptr<Work> work = std::move(waiting_.front());
    waiting_.pop_front();
    start(std::move(work));
  }
}

void EndpointPool::start(std::unique_ptr<Work> work) {
  const uint32_t server = work->request.server;
  const Nanos since = std::exchange(work->waiting_since, Nanos());
  if (since != Nanos() && clock_.now() - since >= kNoticedWait) ++facts_.waited;
  Channel* channel = nullptr;
  // One that met a closed connection gets a new one: others that lie idle have probably gone the same way.
  if (ways_.has_idle(server) && !work->sent_again) {
    channel = channels_.find(ways_.take_idle(server));
    channel->reused = true;
  } else {
    if (is_full()) drop(ways_.idle_to_close(server));
    channel = open_channel(*work);
  }
  if (channel != nullptr) assign(*channel, std::move(work));
}

EndpointPool::Channel* EndpointPool::open_channel(const Work& work) {
  const uint32_t server = work.request.server;
  const Url& url = ways_.url(server);
  auto channel = std::make_unique<Channel>(channels_.next_key(), server, decoder_, options_.secret);
  Result<std::unique_ptr<EndpointConnection>> connection =
      EndpointConnection::begin(ways_.address(server), url, url.https ? &*options_.tls : nullptr);
  Result<void> watched;
  if (connection) {
    channel->connection = std::move(*connection);
    channel->watches_write = true;
    watched = loop_.watch(channel->connection->fd(), channel->token, true, true);
  }
  if (!connection || !watched) {
    fail_work(work, FailureCause::kRefused, connection ? watched.error().what : connection.error().what);
    return nullptr;
  }
  facts_.has_stamps = facts_.has_stamps && channel->connection->has_stamps();
  channel->opened = clock_.now();
  return &channels_.add(std::move(channel));
}

void EndpointPool::assign(Channel& channel, std::unique_ptr<Work> work) {
  const EndpointRequest& request = work->request;
  channel.reply.begin(request.id, request.kept_bytes, request.rule);
  channel.answered = false;
  channel.timer = loop_.set_timer(clock_.now() + request.time_limit, channel.token);
  channel.connection->send(request.wire);
  if (!channel.reused) work->request.wire = {};  // it is never sent again
  busy_[request.id] = channel.token;
  channel.work = std::move(work);
  advance(channel);
}

// ---- what happens on a connection ----

void EndpointPool::take(const LoopEvent& event) {
  Channel* found = channels_.find(event.token);
  if (found == nullptr) return;  // dropped by an event before this one
  Channel& channel = *found;
  if (event.timer) {
    time_out(channel);
  } else if (event.readable && channel.connection->established()) {
    read(channel);
  } else {
    advance(channel);
  }
}

// Connects, shakes hands and sends as far as possible. The channel may be gone afterwards.
void EndpointPool::advance(Channel& channel) {
  const Nanos now = clock_.now();
  const bool was_established = channel.connection->established();
  if (!channel.connection->advance()) return lost(channel, false);
  if (!was_established && channel.connection->established()) meter_.note_connected(now - channel.opened);
  if (channel.work && !channel.work->sent && channel.connection->all_sent()) note_sent(channel, now);
  const bool wants_write = channel.connection->wants_write();
  if (wants_write != channel.watches_write) {
    channel.watches_write = wants_write;
    // It was watched before, so only a lack of kernel memory can make this fail; the time limit then ends the
    // request.
    (void)loop_.watch(channel.connection->fd(), channel.token, true, wants_write);
  }
  // TLS may have read the beginning of the answer together with the end of the handshake.
  if (channel.connection->established() && channel.connection->has_more()) read(channel);
}

// The limit is for the time from `now` to the end.
void EndpointPool::note_sent(Channel& channel, Nanos now) {
  Work& work = *channel.work;
  work.sent = true;
  work.last_at = now;
  loop_.cancel_timer(channel.timer);
  channel.timer = loop_.set_timer(now + work.request.time_limit, channel.token);
  if (work.asked) return;
  StreamEvent& event = pending_.emplace_back();
  event.request = work.request.id;
  event.kind = StreamEventKind::kSent;
  event.at = now;
}

// The channel may be gone afterwards.
void EndpointPool::read(Channel& channel) {
  if (channel.work) prefetch(&channel.work->last_at, sizeof(Nanos));
  channel.reply.prefetch();
  arrival_ = {};
  read_all(channel);
  if (arrival_.is_noted)
    meter_.note_read(arrival_.now, arrival_.at, arrival_.previous, arrival_.chunks, arrival_.is_stamped);
}

// All that one read of the socket brought: with TLS that may be several records.
void EndpointPool::read_all(Channel& channel) {
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
        ++facts_.reads;
        if (received.realtime == Nanos()) ++facts_.unstamped_reads;
        if (!take_bytes(channel, {buffer_.get(), received.bytes}, received.realtime)) return;
    }
  } while (channel.connection->has_more());
  if (channel.connection->wants_write()) advance(channel);
}

// False if the channel is gone.
bool EndpointPool::take_bytes(Channel& channel, std::string_view bytes, Nanos realtime) {
  const size_t first_event = pending_.size();
  const Nanos now = clock_.now();
  const Nanos at = stamp(realtime, now, *channel.work);
  const Nanos previous = std::exchange(channel.work->last_at, at);
  const uint64_t chunks_before = channel.reply.chunks();
  const EndpointReply::State state = channel.reply.receive(bytes, at, pending_);
  if (!channel.work->request.wire.empty()) channel.work->request.wire = {};  // its answer has begun
  if (!std::exchange(arrival_.is_noted, true)) arrival_.previous = previous;
  arrival_.now = now;
  arrival_.at = at;
  arrival_.chunks += channel.reply.chunks() - chunks_before;
  arrival_.is_stamped = realtime != Nanos();
  return after_reply(channel, state, first_event);
}

// False if the channel is gone.
bool EndpointPool::after_reply(Channel& channel, EndpointReply::State state, size_t first_event) {
  if (channel.work->asked) {
    for (size_t i = first_event; i < pending_.size() && channel.work->first_token_at == Nanos(); ++i) {
      const StreamEvent& event = pending_[i];
      const bool is_output =
          event.kind == StreamEventKind::kContent || event.kind == StreamEventKind::kReasoning;
      if (is_output) channel.work->first_token_at = event.at;
    }
  }
  if (!channel.answered && channel.reply.answered()) answered(channel, pending_.back());
  if (channel.work->asked) pending_.resize(first_event);
  return state != EndpointReply::State::kOver || release(channel);
}

// `event` ended the channel's request.
void EndpointPool::answered(Channel& channel, const StreamEvent& event) {
  const Work& work = *channel.work;
  channel.answered = true;
  busy_.erase(work.request.id);
  loop_.cancel_timer(channel.timer);
  channel.timer = loop_.set_timer(clock_.now() + kDrainTime, channel.token);
  if (work.asked) {
    whole_answer_ = whole_answer(channel, event);
  } else if (work.request.kept_bytes > 0 && event.kind == StreamEventKind::kDone) {
    EndpointText& text = answers_[work.request.id] = channel.reply.take_answer();
    text.chunks = channel.reply.chunks();
  }
}

EndpointAnswer EndpointPool::whole_answer(const Channel& channel, const StreamEvent& event) const {
  const EndpointReply& reply = channel.reply;
  const TlsSession* tls = channel.connection->tls();
  EndpointAnswer answer{.event = event,
                        .error = {},
                        .status = reply.status(),
                        .body = reply.body(),
                        .server = reply.server(),
                        .tls = tls != nullptr ? tls->version() + " " + tls->cipher() : "",
                        .streamed = reply.streamed(),
                        .has_usage = reply.has_usage(),
                        .first_token_at = channel.work->first_token_at};
  hide(options_.secret, answer.body);
  hide(options_.secret, answer.server);
  return answer;
}

// The response is over: the connection goes back into the pool, or away: then false.
bool EndpointPool::release(Channel& channel) {
  const bool reusable = channel.reply.keep_alive() && channel.connection->all_sent() && channel.answered;
  if (!reusable) return drop(channel.token), false;
  loop_.cancel_timer(channel.timer);
  channel.work.reset();
  ways_.add_idle(channel.server, channel.token);
  return true;
}

// ---- ends ----

// The connection has ended, or broke while it was made or used.
void EndpointPool::lost(Channel& channel, bool end_of_input) {
  const uint64_t token = channel.token;
  if (!channel.work || channel.answered) return drop(token);
  // A server may close an idle connection just as we use it (RFC 9112 §9.3.1): not the request's fault.
  if (channel.reused && !channel.reply.started() && !channel.work->sent_again) return send_again(channel);
  if (end_of_input) {
    const size_t first_event = pending_.size();
    after_reply(channel, channel.reply.end_of_input(stamp({}, clock_.now(), *channel.work), pending_),
                first_event);
    return;
  }
  const EndpointConnection::Failure& failure = channel.connection->failure();
  fail_work(*channel.work, failure.cause, failure.error.what, failure.error);
  drop(token);
}

void EndpointPool::send_again(Channel& channel) {
  channel.work->sent_again = true;
  ++facts_.sent_again;
  loop_.cancel_timer(channel.timer);
  busy_.erase(channel.work->request.id);
  waiting_.push_front(std::move(channel.work));
  drop(channel.token);
}

void EndpointPool::time_out(Channel& channel) {
  if (channel.work && !channel.answered) {
    const bool connected = channel.connection->established();
    const char* what = !connected                 ? "no connection"
                       : !channel.work->sent      ? "the request could not be sent"
                       : !channel.reply.started() ? "no answer"
                                                  : "no end of the answer";
    fail_work(*channel.work, FailureCause::kTimeout,
              fmt::format("{} within {}", what, format_duration(seconds(channel.work->request.time_limit))));
  }
  drop(channel.token);
}

void EndpointPool::drop(uint64_t token) {
  Channel* found = channels_.find(token);
  if (found == nullptr) return;
  Channel& channel = *found;
  if (channel.work) {
    loop_.cancel_timer(channel.timer);
    if (!channel.answered) busy_.erase(channel.work->request.id);
  }
  ways_.forget(channel.server, token);
  meter_.note_closing(channel.connection->fd());
  channels_.erase(token);
}

// `error`: of the connection, where that is what failed.
void EndpointPool::fail_work(const Work& work, FailureCause cause, std::string_view detail, Error error) {
  StreamEvent event;
  event.request = work.request.id;
  event.kind = StreamEventKind::kFailed;
  event.cause = cause;
  event.at = std::max(clock_.now(), work.last_at);
  event.detail = printable(detail, kDetailBytes);
  if (work.asked) {
    whole_answer_ = EndpointAnswer{.event = std::move(event), .error = std::move(error)};
  } else {
    pending_.push_back(std::move(event));
  }
}

// The instant of CLOCK_MONOTONIC at which the kernel had the bytes: never after now, never before what came
// before.
Nanos EndpointPool::stamp(Nanos realtime, Nanos now, const Work& work) const {
  const Nanos at = realtime == Nanos() ? now : std::min(now, offset_.to_monotonic(realtime));
  return std::max(at, work.last_at);
}

}  // namespace assay
