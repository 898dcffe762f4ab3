// Stream sockets that never block: names resolved, connections begun, bytes moved, and every received piece
// with the instant at which the kernel got it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "os/files.h"

namespace assay {

// Where a socket connects to or listens: IPv4 or IPv6 address and port.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  std::string text() const;  // "127.0.0.1:8000", "[::1]:8000"
  uint16_t port() const;
};

// The addresses of a host (a name or a literal without brackets) in the order to try them. Blocks: the
// system's resolver may ask the network. Fails if there is none.
Result<std::vector<SocketAddress>> resolve(const std::string& host, uint16_t port);

// A non-blocking connection under way, without Nagle's delay. It is decided when it becomes writable: see
// connect_error.
Result<FileDescriptor> start_connect(const SocketAddress& address);
int connect_error(int fd);  // 0: connected; EINPROGRESS: not decided; else an errno value

// True if a connection to `address` is taken within a second. Blocks.
bool somebody_listens(const SocketAddress& address);

// True if `address` is one of this machine's own: what is there runs here, unless somebody forwards it.
bool is_own_address(const SocketAddress& address);

// A non-blocking listener on a loopback address (127.0.0.1, or ::1) and a free port, for servers in this
// host.
struct Listener {
  FileDescriptor fd;
  SocketAddress address;
};
Result<Listener> listen_on_loopback(bool ipv6 = false);
FileDescriptor accept_connection(int listener);  // non-blocking; invalid if nobody is waiting

// Asks the kernel to stamp what arrives (SO_TIMESTAMPING, software). False where it cannot.
bool enable_receive_stamps(int fd);

struct Transfer {
  enum class State { kMoved, kWouldBlock, kEnd, kFailed };
  State state = State::kWouldBlock;
  size_t bytes = 0;  // kMoved
  int error = 0;     // kFailed: an errno value
  Nanos realtime{};  // receive: CLOCK_REALTIME arrival of the last segment in these bytes; 0: no stamp
};
// One read of at most buffer.size() bytes. When segments have piled up, the stamp is that of the last one
// among them.
Transfer receive(int fd, std::span<char> buffer);
Transfer send(int fd, std::string_view bytes);  // never raises SIGPIPE

// What TCP knows of a connection (TCP_INFO).
struct TcpFacts {
  // The least that was seen, the handshake's included; 0: not known yet. The smoothed mean is no measure of a
  // network: an acknowledgement that waits for the answer makes it as long as the server thinks, up to 40 ms.
  int64_t round_trip_us = 0;
  int64_t retransmits = 0;  // segments that this side sent again
};
std::optional<TcpFacts> tcp_facts(int fd);  // nothing: no TCP connection, or the kernel does not tell

}  // namespace assay
