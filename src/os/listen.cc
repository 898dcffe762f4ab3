// Listening; see listen.h.
#include "os/listen.h"

#include <sys/resource.h>

#include <cerrno>

namespace assay {

Result<Listener> listen_on(const SocketAddress& address) {
  // Clients come in thousands at one instant; the kernel cuts this to net.core.somaxconn.
  constexpr int kWaiting = 16'384;
  Listener listener{.fd = {}, .address = address};
  listener.fd =
      FileDescriptor(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  auto* raw = reinterpret_cast<sockaddr*>(&listener.address.storage);
  if (!listener.fd.valid() ||
      ::setsockopt(listener.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(listener.fd.get(), raw, listener.address.length) != 0 ||
      ::listen(listener.fd.get(), kWaiting) != 0 ||
      ::getsockname(listener.fd.get(), raw, &listener.address.length) != 0) {
    const int number = errno;
    return fail("cannot listen here: " + errno_text(number), address.text(),
                number == EADDRINUSE
                    ? "Another program listens there: take another port, or 0 for a free one."
                : number == EADDRNOTAVAIL ? "The address must be one of this machine's own."
                                          : "");
  }
  return listener;
}

int64_t raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  constexpr rlim_t kMost = 1 << 30;
  return static_cast<int64_t>(limit.rlim_cur < kMost ? limit.rlim_cur : kMost);
}

void reset_on_close(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace assay
