// The emulator's loop: what is due is sent first, and between any two pieces of other work; see server.h.
#include "emulate/server.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

// Between two looks at the sockets: events, or times that the clock is read while the next one is near.
constexpr int kMostAtOnce = 128;
constexpr Nanos kNear{10'000};
// A sleeping thread wakes up some tens of microseconds late, on a virtual machine more: the rest is waited
// for awake.
constexpr Nanos kAwake{250'000};
constexpr Nanos kLongestSleep = nanos_from_ms(50);
// Descriptors that are no connections: the loop's own, standard streams, files.
constexpr int64_t kOtherDescriptors = 32;
constexpr uint64_t kListenerToken = UINT64_MAX;

}  // namespace

Result<std::unique_ptr<Emulator>> Emulator::create(const EmulatorOptions& options, Clock& clock) {
  return EmulateServer::create(options, clock);
}

Result<std::unique_ptr<Emulator>> EmulateServer::create(const EmulatorOptions& options, Clock& clock) {
  ASSIGN_OR_RETURN(EventLoop loop, EventLoop::create());
  const int64_t created_s = read_clocks().realtime.count / 1'000'000'000;
  std::unique_ptr<EmulateServer> server(
      new EmulateServer(options, clock, std::move(loop), StreamEvents(options.model, created_s)));
  ASSIGN_OR_RETURN(server->timing_, make_timing_model(options.timing));
  if (options.tls_certificate.empty() != options.tls_key.empty())
    return fail("TLS needs a certificate and its key", "--tls-cert", "Give both --tls-cert and --tls-key.");
  if (!options.tls_certificate.empty()) {
    ASSIGN_OR_RETURN(server->tls_, TlsServerContext::create(options.tls_certificate, options.tls_key));
    ASSIGN_OR_RETURN(server->untrustworthy_, TlsServerContext::create_untrustworthy());
  }
  for (const Fault& fault : options.faults) {
    if (fault.row->needs_tls && !server->tls_)
      return fail(fmt::format("the fault {} needs TLS", fault.row->name), "--fault",
                  "Give --tls-cert and --tls-key.");
  }
  if (!options.stamps_path.empty()) {
    const Json header = Json::Object{{"format", "assay emulate stamps"}, {"version", 1},
                                     {"clock", "CLOCK_MONOTONIC"},       {"timing", options.timing.model},
                                     {"model", options.model},           {"tls", server->tls_.has_value()}};
    ASSIGN_OR_RETURN(server->stamps_, StampBook::create(options.stamps_path, options.stamps_events, header));
  }
  server->connection_limit_ =
      static_cast<size_t>(std::max<int64_t>(1, raise_open_files_limit() - kOtherDescriptors));
  server->buffer_.resize(256 << 10);
  ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, resolve(options.host, options.port));
  server->listener_.address = addresses.front();
  RETURN_IF_ERROR(server->listen());
  return server;
}

Result<void> EmulateServer::listen() {
  ASSIGN_OR_RETURN(listener_, listen_on(listener_.address));
  if (options_.real_time) enable_receive_stamps(listener_.fd.get());
  listen_again_at_ = kNever;
  return loop_.watch(listener_.fd.get(), kListenerToken, true, false);
}

std::string EmulateServer::url() const {
  return fmt::format("{}://{}/v1", tls_ ? "https" : "http", listener_.address.text());
}

Result<void> EmulateServer::run(const std::function<bool()>& stopped) {
  began_ = clock_.now();
  cpu_began_ = clock_.cpu_time();
  while (!stopped()) {
    const Nanos now = clock_.now();
    if (at_end(now)) break;
    do_chores(now);
    send_due(true);
    ready_.clear();
    RETURN_IF_ERROR(loop_.wait(wake_at(clock_.now()), clock_, ready_));
    for (const LoopEvent& event : ready_) {
      handle(event);
      send_due(false);
    }
  }
  return finish();
}

bool EmulateServer::at_end(Nanos now) const {
  if (options_.end_after > Nanos() && now >= began_ + options_.end_after) return true;
  return options_.end_after_requests > 0 && summary_.requests >= options_.end_after_requests && busy_ == 0 &&
         writing_ == 0;
}

Nanos EmulateServer::wake_at(Nanos now) const {
  Nanos at = now + kLongestSleep;
  if (options_.end_after > Nanos()) at = std::min(at, began_ + options_.end_after);
  if (due_.empty()) return at;
  const Nanos next = std::max(due_.top().due, frozen_until_);
  if (!options_.real_time) return std::min(at, next);
  return next - now < kAwake ? now : std::min(at, next - kAwake * 4 / 5);
}

void EmulateServer::send_due(bool may_spin) {
  for (int i = 0; i < kMostAtOnce && !due_.empty(); ++i) {
    const DueQueue::Entry top = due_.top();
    EmulatedConnection& connection = *connections_[top.slot];
    if (connection.generation != top.generation) {
      due_.pop();
      continue;
    }
    const Nanos now = clock_.now();
    if (now < frozen_until_) return;
    if (top.due <= now) {
      emit(connection, now);
    } else if (!may_spin || top.due - now > kNear) {
      return;
    }
  }
}

void EmulateServer::handle(const LoopEvent& event) {
  if (event.token == kListenerToken) return accept_all();
  if (EmulatedConnection* connection = find(event.token); connection != nullptr && event.writable)
    write_pending(*connection);
  if (EmulatedConnection* connection = find(event.token); connection != nullptr && event.readable)
    read(*connection);
}

void EmulateServer::do_chores(Nanos now) {
  if (offset_.due(now)) offset_.add(read_clocks());
  if (now >= listen_again_at_ && !listen()) listen_again_at_ = now + nanos_from_ms(10);
  while (!deadlines_.empty() && deadlines_.front().at <= now) {
    const Deadline deadline = deadlines_.front();
    deadlines_.pop_front();
    EmulatedConnection& connection = *connections_[deadline.slot];
    const bool in_time = connection.generation != deadline.generation ||
                         connection.timed_request != deadline.request || connection.busy ||
                         connection.closing;
    if (in_time) continue;
    ++summary_.timed_out;
    close_connection(connection);
  }
  if (stamps_ && busy_ == 0 && stamps_->half_full()) stamps_->write_out();
}

Result<void> EmulateServer::finish() {
  for (const auto& connection : connections_) {
    if (connection->fd.valid()) close_connection(*connection);
  }
  listener_.fd.reset();
  summary_.wall = clock_.now() - began_;
  summary_.cpu = clock_.cpu_time() - cpu_began_;
  summary_.clock_jumps = offset_.jumps();
  if (!stamps_) return {};
  summary_.lost_events = stamps_->lost_events();
  summary_.lost_requests = stamps_->lost_requests();
  Json last = summary_.to_json();
  last.set("end", true);
  return stamps_->finish(last);
}

}  // namespace assay
