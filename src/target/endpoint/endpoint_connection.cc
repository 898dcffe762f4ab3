// A connection's steps; see endpoint_connection.h.
#include "target/endpoint/endpoint_connection.h"

#include <fmt/format.h>

#include <cerrno>

namespace assay {
namespace {

constexpr size_t kCiphertextBytes = 32 * 1024;  // two records of the largest size

}  // namespace

Result<std::unique_ptr<EndpointConnection>> EndpointConnection::begin(const SocketAddress& address,
                                                                      const Url& url, const TlsContext* tls) {
  ASSIGN_OR_RETURN(FileDescriptor fd, start_connect(address));
  std::unique_ptr<EndpointConnection> connection(new EndpointConnection(std::move(fd), address.text()));
  connection->has_stamps_ = enable_receive_stamps(connection->fd());
  if (tls != nullptr) {
    ASSIGN_OR_RETURN(TlsSession session, TlsSession::start(*tls, url));
    connection->tls_ = std::make_unique<TlsSession>(std::move(session));
  }
  return connection;
}

bool EndpointConnection::lost(FailureCause cause, Error error) {
  failure_ = {cause, std::move(error)};
  return false;
}

bool EndpointConnection::lost_errno(FailureCause cause, std::string_view doing, int number) {
  return lost(cause, Error(fmt::format("{}: {}", doing, errno_text(number)), where_));
}

void EndpointConnection::send(std::string_view bytes) {
  if (tls_) {
    plain_ += bytes;
  } else {
    out_ += bytes;
  }
}

bool EndpointConnection::advance() {
  if (state_ == State::kConnecting && !advance_connecting()) return false;
  if (state_ == State::kHandshake && !advance_handshake()) return false;
  if (state_ != State::kOpen) return true;
  if (tls_ && !plain_.empty()) {
    if (!tls_->write(plain_)) return lost(FailureCause::kTls, tls_->error());
    plain_.clear();
    tls_->take_output(out_);
  }
  return flush();
}

bool EndpointConnection::advance_connecting() {
  const int error = connect_error(fd());
  if (error == EINPROGRESS) return true;
  if (error == ETIMEDOUT) return lost_errno(FailureCause::kTimeout, "cannot connect", error);
  if (error != 0) return lost_errno(FailureCause::kRefused, "cannot connect", error);
  state_ = tls_ ? State::kHandshake : State::kOpen;
  return true;
}

bool EndpointConnection::advance_handshake() {
  char buffer[kCiphertextBytes];
  while (true) {
    const TlsSession::Step step = tls_->handshake();
    tls_->take_output(out_);
    // Also after a failure: the alert tells the server why.
    const bool flushed = flush();
    if (step == TlsSession::Step::kMoved) {
      state_ = State::kOpen;
      tls_pending_ = true;  // the server's first records may have come with its last handshake message
      return flushed;
    }
    if (step == TlsSession::Step::kFailed) return lost(FailureCause::kTls, tls_->error());
    if (!flushed) return false;
    const Transfer transfer = receive(fd(), buffer);
    switch (transfer.state) {
      case Transfer::State::kMoved:
        tls_->receive({buffer, transfer.bytes});
        break;
      case Transfer::State::kWouldBlock:
        return true;
      case Transfer::State::kEnd:
        return lost(FailureCause::kTls,
                    Error("the server ended the connection during the TLS handshake", where_));
      case Transfer::State::kFailed:
        return lost_errno(FailureCause::kConnectionLost, "the TLS handshake was cut off", transfer.error);
    }
  }
}

bool EndpointConnection::flush() {
  while (sent_ < out_.size()) {
    const Transfer transfer = assay::send(fd(), std::string_view(out_).substr(sent_));
    if (transfer.state == Transfer::State::kWouldBlock) return true;
    if (transfer.state != Transfer::State::kMoved) {
      return lost_errno(FailureCause::kConnectionLost, "cannot send", transfer.error);
    }
    sent_ += transfer.bytes;
  }
  out_ = {};  // thousands of streams wait for their answers: what was asked is not kept meanwhile
  sent_ = 0;
  return true;
}

EndpointConnection::Read EndpointConnection::read(std::span<char> buffer, Received& received) {
  if (tls_) return read_tls(buffer, received);
  const Transfer transfer = receive(fd(), buffer);
  switch (transfer.state) {
    case Transfer::State::kMoved:
      received = {transfer.bytes, transfer.realtime};
      return Read::kBytes;
    case Transfer::State::kWouldBlock:
      return Read::kNothing;
    case Transfer::State::kEnd:
      return Read::kEnd;
    case Transfer::State::kFailed:
      break;
  }
  lost_errno(FailureCause::kConnectionLost, "the connection broke", transfer.error);
  return Read::kFailed;
}

EndpointConnection::Read EndpointConnection::read_tls(std::span<char> buffer, Received& received) {
  if (!tls_pending_) {
    char ciphertext[kCiphertextBytes];
    const Transfer transfer = receive(fd(), ciphertext);
    if (transfer.state == Transfer::State::kWouldBlock) return Read::kNothing;
    if (transfer.state == Transfer::State::kEnd) return Read::kEnd;
    if (transfer.state == Transfer::State::kFailed) {
      lost_errno(FailureCause::kConnectionLost, "the connection broke", transfer.error);
      return Read::kFailed;
    }
    last_realtime_ = transfer.realtime;
    tls_->receive({ciphertext, transfer.bytes});
  }
  size_t bytes = 0;
  const TlsSession::Step step = tls_->read(buffer, bytes);
  tls_->take_output(out_);  // answers to key updates leave with the next advance()
  tls_pending_ = step == TlsSession::Step::kMoved;
  switch (step) {
    case TlsSession::Step::kMoved:
      received = {bytes, last_realtime_};
      return Read::kBytes;
    case TlsSession::Step::kNeedInput:
      return Read::kNothing;  // no whole record yet
    case TlsSession::Step::kEnd:
      return Read::kEnd;
    case TlsSession::Step::kFailed:
      break;
  }
  lost(FailureCause::kTls, tls_->error());
  return Read::kFailed;
}

}  // namespace assay
