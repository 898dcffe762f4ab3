// Sockets over POSIX calls; see socket.h.
#include "os/socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace assay {
namespace {

Transfer transfer_of(ssize_t n, bool zero_is_end) {
  if (n > 0) return {.state = Transfer::State::kMoved, .bytes = static_cast<size_t>(n)};
  if (n == 0) return {.state = zero_is_end ? Transfer::State::kEnd : Transfer::State::kWouldBlock};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {.state = Transfer::State::kWouldBlock};
  return {.state = Transfer::State::kFailed, .error = errno};
}

Nanos receive_stamp(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING) continue;
    scm_timestamping stamps;
    if (c->cmsg_len < CMSG_LEN(sizeof stamps)) continue;
    std::memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
    return Nanos(int64_t{stamps.ts[0].tv_sec} * 1'000'000'000 + stamps.ts[0].tv_nsec);
  }
  return {};
}

SocketAddress loopback(bool ipv6) {
  SocketAddress address;
  if (ipv6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_addr = in6addr_loopback;
    std::memcpy(&address.storage, &in, sizeof in);
    address.length = sizeof in;
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(&address.storage, &in, sizeof in);
    address.length = sizeof in;
  }
  return address;
}

}  // namespace

uint16_t SocketAddress::port() const {
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  return 0;
}

std::string SocketAddress::text() const {
  char host[INET6_ADDRSTRLEN] = "?";
  const bool ipv6 = storage.ss_family == AF_INET6;
  const void* address =
      ipv6 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr)
           : &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr;
  ::inet_ntop(storage.ss_family, address, host, sizeof host);
  return ipv6 ? fmt::format("[{}]:{}", host, port()) : fmt::format("{}:{}", host, port());
}

Result<std::vector<SocketAddress>> resolve(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), fmt::format("{}", port).c_str(), &hints, &list);
  if (error != 0) {
    const std::string words = error == EAI_SYSTEM ? errno_text(errno) : ::gai_strerror(error);
    return fail("cannot find the address of the host: " + words, host,
                "Check the host's name, or give its address as a number.");
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    if (info->ai_family != AF_INET && info->ai_family != AF_INET6) continue;
    SocketAddress address;
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
    address.length = info->ai_addrlen;
    addresses.push_back(address);
  }
  if (addresses.empty()) return fail("the host has no IPv4 or IPv6 address", host);
  return addresses;
}

Result<FileDescriptor> start_connect(const SocketAddress& address) {
  FileDescriptor fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    const int number = errno;
    return fail("cannot open a socket: " + errno_text(number), address.text(),
                number == EMFILE || number == ENFILE ? "Raise the limit of open files (ulimit -n)." : "");
  }
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* to = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd.get(), to, address.length) != 0 && errno != EINPROGRESS && errno != EINTR) {
    return fail("cannot connect: " + errno_text(errno), address.text());
  }
  return fd;
}

int connect_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  if (error != 0) return error;
  sockaddr_storage peer;
  socklen_t peer_length = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_length) == 0) return 0;
  return errno == ENOTCONN ? EINPROGRESS : errno;
}

bool somebody_listens(const SocketAddress& address) {
  constexpr int kPatienceMs = 1000;
  const Result<FileDescriptor> fd = start_connect(address);
  if (!fd) return false;
  pollfd decided{.fd = fd->get(), .events = POLLOUT, .revents = 0};
  int n;
  do {
    n = ::poll(&decided, 1, kPatienceMs);
  } while (n < 0 && errno == EINTR);
  return n > 0 && connect_error(fd->get()) == 0;
}

bool is_own_address(const SocketAddress& address) {
  // The kernel binds to what is its own, and says so without a packet.
  SocketAddress any_port = address;
  if (any_port.storage.ss_family == AF_INET6)
    reinterpret_cast<sockaddr_in6*>(&any_port.storage)->sin6_port = 0;
  else
    reinterpret_cast<sockaddr_in*>(&any_port.storage)->sin_port = 0;
  const FileDescriptor fd(::socket(any_port.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return fd.valid() &&
         ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any_port.storage), any_port.length) == 0;
}

Result<Listener> listen_on_loopback(bool ipv6) {
  Listener listener;
  listener.address = loopback(ipv6);
  const int family = listener.address.storage.ss_family;
  listener.fd = FileDescriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  auto* address = reinterpret_cast<sockaddr*>(&listener.address.storage);
  if (!listener.fd.valid() || ::bind(listener.fd.get(), address, listener.address.length) != 0 ||
      ::listen(listener.fd.get(), 1024) != 0 ||
      ::getsockname(listener.fd.get(), address, &listener.address.length) != 0) {
    return fail("cannot listen on the loopback address: " + errno_text(errno));
  }
  return listener;
}

FileDescriptor accept_connection(int listener) {
  FileDescriptor fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const int on = 1;
  if (fd.valid()) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

bool enable_receive_stamps(int fd) {
  const int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  return ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags) == 0;
}

Transfer receive(int fd, std::span<char> buffer) {
  iovec piece{.iov_base = buffer.data(), .iov_len = buffer.size()};
  alignas(cmsghdr) char control[256];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  do {
    n = ::recvmsg(fd, &message, MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  Transfer transfer = transfer_of(n, true);
  if (n > 0) transfer.realtime = receive_stamp(message);
  return transfer;
}

Transfer send(int fd, std::string_view bytes) {
  ssize_t n;
  do {
    n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  return transfer_of(n, false);
}

}  // namespace assay
