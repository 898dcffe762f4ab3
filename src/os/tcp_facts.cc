// What the kernel tells of a TCP connection; see socket.h. A file of its own, since the kernel's own header
// of TCP, which alone has all of it, does not go with the C library's.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "os/socket.h"

namespace assay {

std::optional<TcpFacts> tcp_facts(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  TcpFacts facts{.round_trip_us = info.tcpi_rtt, .retransmits = info.tcpi_total_retrans};
  // Kernels before 4.6 do not tell the least one.
  const bool is_told = size >= offsetof(tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt;
  if (is_told && info.tcpi_min_rtt != UINT32_MAX) facts.round_trip_us = info.tcpi_min_rtt;
  return facts;
}

}  // namespace assay
