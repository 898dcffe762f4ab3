// Connections: taken, read, written to and closed; see server.h.
#include <sys/socket.h>

#include <utility>

#include "emulate/server.h"

namespace assay {
namespace {

constexpr int kMostAccepted = 64;  // at one look
constexpr size_t kMostEarlyBytes = size_t{1} << 20;
constexpr size_t kMostPendingBytes = size_t{512} << 20;
// TLS: handshake_failure, fatal (RFC 8446 §6).
constexpr std::string_view kTlsAlert("\x15\x03\x03\x00\x02\x02\x28", 7);

uint64_t token_of(const EmulatedConnection& connection) {
  return uint64_t{connection.generation} << 32 | connection.slot;
}

}  // namespace

EmulatedConnection* EmulateServer::find(uint64_t token) const {
  const auto slot = static_cast<uint32_t>(token);
  if (slot >= connections_.size()) return nullptr;
  EmulatedConnection* connection = connections_[slot].get();
  return connection->generation == token >> 32 && connection->fd.valid() ? connection : nullptr;
}

void EmulateServer::accept_all() {
  for (int i = 0; i < kMostAccepted && listener_.fd.valid(); ++i) {
    FileDescriptor fd = accept_connection(listener_.fd.get());
    if (!fd.valid()) return;
    if (open_connections_ >= connection_limit_) {
      ++summary_.turned_away;
      reset_on_close(fd.get());
      continue;
    }
    open_connection(std::move(fd));
  }
}

void EmulateServer::open_connection(FileDescriptor fd) {
  const Fault* fault = fault_for(options_.faults, true, ++summary_.connections);
  if (fault != nullptr && fault->kind() == FaultKind::kRefuse) {
    listener_.fd.reset();
    listen_again_at_ = clock_.now() + nanos_from_seconds(fault->seconds);
  }
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(connections_.size()));
    HttpLimits limits;
    limits.body_bytes = options_.max_body_bytes;
    connections_.push_back(std::make_unique<EmulatedConnection>(limits));
    connections_.back()->slot = free_slots_.back();
  }
  EmulatedConnection& connection = *connections_[free_slots_.back()];
  connection.fd = std::move(fd);
  connection.fault = fault;
  if (tls_) {
    const bool untrustworthy = fault != nullptr && fault->kind() == FaultKind::kBadCertificate;
    Result<TlsSession> session = TlsSession::accept(untrustworthy ? *untrustworthy_ : *tls_);
    if (!session) return connection.fd.reset();
    connection.tls = std::move(*session);
  }
  if (!loop_.watch(connection.fd.get(), token_of(connection), true, false)) return connection.fd.reset();
  free_slots_.pop_back();
  ++open_connections_;
  if (tls_) watch_time(connection, EmulatedConnection::kHandshake);
}

void EmulateServer::close_connection(EmulatedConnection& connection, bool reset) {
  if (connection.busy) leave(connection, clock_.now(), clock_.now(), "cancelled");
  if (!connection.pending.empty()) --writing_;
  if (reset) reset_on_close(connection.fd.get());
  connection.fd.reset();
  ++connection.generation;
  connection.blocked = connection.broken = connection.closing = connection.tls_ready = false;
  connection.tls.reset();
  connection.pending.clear();
  connection.pending_sent = 0;
  connection.early.clear();
  connection.body.clear();
  connection.parser.reset();
  connection.requests = 0;
  connection.timed_request = EmulatedConnection::kNoRequest;
  free_slots_.push_back(connection.slot);
  --open_connections_;
}

void EmulateServer::close_when_sent(EmulatedConnection& connection) {
  if (connection.pending.empty()) return close_connection(connection);
  connection.closing = true;
}

void EmulateServer::watch_time(EmulatedConnection& connection, uint64_t request) {
  if (connection.timed_request == request) return;
  connection.timed_request = request;
  deadlines_.push_back(
      {clock_.now() + options_.request_timeout, connection.slot, connection.generation, request});
}

void EmulateServer::read(EmulatedConnection& connection) {
  const Transfer transfer = receive(connection.fd.get(), buffer_);
  switch (transfer.state) {
    case Transfer::State::kWouldBlock:
      return;
    case Transfer::State::kEnd:
    case Transfer::State::kFailed:
      return close_connection(connection);
    case Transfer::State::kMoved:
      break;
  }
  const bool kernel = options_.real_time && transfer.realtime > Nanos();
  const Nanos arrival = kernel ? offset_.to_monotonic(transfer.realtime) : clock_.now();
  const std::string_view bytes(buffer_.data(), transfer.bytes);
  if (connection.closing) return;
  if (connection.tls) {
    take_ciphertext(connection, bytes, arrival, kernel);
  } else {
    take_plaintext(connection, bytes, arrival, kernel);
  }
}

void EmulateServer::take_ciphertext(EmulatedConnection& connection, std::string_view bytes, Nanos arrival,
                                    bool kernel) {
  using Step = TlsSession::Step;
  if (connection.fault != nullptr && connection.fault->kind() == FaultKind::kTlsError) {
    transmit_raw(connection, kTlsAlert);
    return close_connection(connection);
  }
  TlsSession& tls = *connection.tls;
  tls.receive(bytes);
  if (!connection.tls_ready) {
    const Step step = tls.handshake();
    ciphertext_.clear();
    tls.take_output(ciphertext_);
    if (!ciphertext_.empty()) transmit_raw(connection, ciphertext_);
    if (step == Step::kNeedInput) return;
    if (step != Step::kMoved) return close_when_sent(connection);
    connection.tls_ready = true;
    connection.timed_request = EmulatedConnection::kNoRequest;  // it begins when the client pleases
  }
  plaintext_.clear();
  Step step = Step::kMoved;
  while (true) {
    char piece[16'384];
    size_t moved = 0;
    step = tls.read(piece, moved);
    if (step != Step::kMoved) break;
    plaintext_.append(piece, moved);
  }
  ciphertext_.clear();
  tls.take_output(ciphertext_);  // of session tickets and key updates
  if (!ciphertext_.empty()) transmit_raw(connection, ciphertext_);
  if (step != Step::kNeedInput) return close_connection(connection);
  if (!plaintext_.empty()) take_plaintext(connection, plaintext_, arrival, kernel);
}

void EmulateServer::take_plaintext(EmulatedConnection& connection, std::string_view bytes, Nanos arrival,
                                   bool kernel) {
  using Step = RequestParser::Step;
  // An empty rest may still end a request.
  while (!connection.busy && !connection.closing) {
    switch (connection.parser.advance(bytes)) {
      case Step::kNeedMore:
        if (connection.parser.started()) watch_time(connection, connection.requests);
        return;
      case Step::kHead:
        if (connection.parser.expects_continue()) transmit(connection, "HTTP/1.1 100 Continue\r\n\r\n");
        break;
      case Step::kBody:
        connection.body += connection.parser.body();
        break;
      case Step::kEnd:
        break;
      case Step::kError:
        ++summary_.refused_unread;
        respond(connection, connection.parser.error_status(),
                error_document(connection.parser.error_status(), connection.parser.error()),
                "application/json", "Connection: close\r\n");
        return close_when_sent(connection);
    }
    if (!connection.parser.ended()) continue;
    const uint32_t generation = connection.generation;
    take_request(connection, arrival, kernel);
    if (connection.generation != generation) return;
  }
  if (bytes.empty() || connection.closing) return;
  if (connection.early.size() + bytes.size() > kMostEarlyBytes) return close_connection(connection);
  connection.early += bytes;
  connection.early_arrival = arrival;
  connection.early_kernel = kernel;
}

// The request that was answered is over: ready for the next one of the connection, or its end.
void EmulateServer::end_request(EmulatedConnection& connection) {
  const bool keep_alive = connection.parser.keep_alive();
  connection.parser.restart();
  connection.body.clear();
  ++connection.requests;
  connection.timed_request = EmulatedConnection::kNoRequest;
  if (!keep_alive) close_when_sent(connection);
}

void EmulateServer::serve_early(EmulatedConnection& connection) {
  if (connection.early.empty() || connection.busy) return;
  const std::string bytes = std::move(connection.early);
  connection.early.clear();
  take_plaintext(connection, bytes, connection.early_arrival, connection.early_kernel);
}

void EmulateServer::transmit(EmulatedConnection& connection, std::string_view bytes) {
  if (!connection.tls) return transmit_raw(connection, bytes);
  if (!connection.tls->write(bytes)) connection.broken = true;
  ciphertext_.clear();
  connection.tls->take_output(ciphertext_);
  transmit_raw(connection, ciphertext_);
}

void EmulateServer::transmit_raw(EmulatedConnection& connection, std::string_view bytes) {
  if (connection.broken || bytes.empty()) return;
  if (connection.pending.empty()) {
    const Transfer transfer = assay::send(connection.fd.get(), bytes);
    if (transfer.state == Transfer::State::kFailed) {
      connection.broken = true;
      return;
    }
    if (transfer.state == Transfer::State::kMoved) bytes.remove_prefix(transfer.bytes);
    if (bytes.empty()) return;
    ++writing_;
    if (!loop_.watch(connection.fd.get(), token_of(connection), true, true)) connection.broken = true;
  }
  if (connection.pending.size() + bytes.size() > kMostPendingBytes) connection.broken = true;
  connection.pending += bytes;
}

void EmulateServer::write_pending(EmulatedConnection& connection) {
  if (connection.pending.empty()) return;
  std::string& pending = connection.pending;
  const Transfer transfer =
      assay::send(connection.fd.get(), std::string_view(pending).substr(connection.pending_sent));
  if (transfer.state == Transfer::State::kFailed) return close_connection(connection);
  if (transfer.state != Transfer::State::kMoved) return;
  connection.pending_sent += transfer.bytes;
  // What was sent goes when it is the larger half, so that no byte is moved more than once on average.
  if (2 * connection.pending_sent >= pending.size()) {
    pending.erase(0, std::exchange(connection.pending_sent, 0));
  }
  if (!pending.empty()) return;
  --writing_;
  pending.shrink_to_fit();
  if (!loop_.watch(connection.fd.get(), token_of(connection), true, false))
    return close_connection(connection);
  if (connection.closing) return close_connection(connection);
  if (!connection.blocked) return;
  connection.blocked = false;
  connection.answer.held_until = clock_.now();
  push_due(connection);
}

}  // namespace assay
