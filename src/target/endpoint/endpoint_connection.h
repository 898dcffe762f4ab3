// EndpointConnection: one connection to a server, plain or TLS, never blocking: connecting, shaking hands,
// sending what is queued, and reading plaintext with the kernel's receive stamps.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "http/http.h"
#include "os/os.h"
#include "workload/workload.h"

namespace assay {

class EndpointConnection {
 public:
  enum class Read { kBytes, kNothing, kEnd, kFailed };
  struct Failure {
    FailureCause cause = FailureCause::kNone;
    Error error;
  };
  struct Received {
    size_t bytes = 0;
    Nanos realtime{};  // CLOCK_REALTIME arrival of the segment that completed them; 0: not known
  };

  // Begins to connect. `tls` is null for plain http, and must outlive the connection otherwise.
  static Result<std::unique_ptr<EndpointConnection>> begin(const SocketAddress& address, const Url& url,
                                                           const TlsContext* tls);

  int fd() const { return fd_.get(); }
  bool established() const { return state_ == State::kOpen; }
  bool has_stamps() const { return has_stamps_; }
  const TlsSession* tls() const { return tls_.get(); }

  // Queues `bytes`; they leave with the next advance() that finds the connection established.
  void send(std::string_view bytes);
  // Goes on with connecting, handshake and sending as far as that is possible now. False: it is lost, see
  // failure().
  bool advance();
  bool wants_write() const { return state_ == State::kConnecting || sent_ < out_.size(); }
  bool all_sent() const { return established() && sent_ == out_.size(); }

  // One read from the socket at most. While has_more() holds, another call finds plaintext without one.
  Read read(std::span<char> buffer, Received& received);
  bool has_more() const { return tls_pending_; }

  const Failure& failure() const { return failure_; }

 private:
  enum class State { kConnecting, kHandshake, kOpen };

  EndpointConnection(FileDescriptor fd, std::string where) : fd_(std::move(fd)), where_(std::move(where)) {}
  bool advance_connecting();
  bool advance_handshake();
  bool flush();
  bool lost(FailureCause cause, Error error);
  bool lost_errno(FailureCause cause, std::string_view doing, int number);
  Read read_tls(std::span<char> buffer, Received& received);

  // What every read looks at comes first, close together: of thousands of streams each is cold in the cache.
  FileDescriptor fd_;
  State state_ = State::kConnecting;
  bool has_stamps_ = false, tls_pending_ = false;
  size_t sent_ = 0;
  std::unique_ptr<TlsSession> tls_;  // null: without TLS
  std::string out_;                  // bytes for the socket, of which sent_ have gone
  Nanos last_realtime_{};
  std::string plain_;  // queued before the handshake is over
  std::string where_;
  Failure failure_;
};

}  // namespace assay
