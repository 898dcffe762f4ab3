// EndpointWays: the ways to a pool's servers: at which address each is reached, and which connections to it
// lie idle.
#pragma once

#include <cstdint>
#include <vector>

#include "http/http.h"
#include "os/os.h"

namespace assay {

// Where a server is to be found.
struct EndpointServer {
  Url url;
  std::vector<SocketAddress> addresses;  // of the URL's host, in the order to try them; at least one
};

// Servers are named by index, connections by the pool's tokens. One thread only.
class EndpointWays {
 public:
  explicit EndpointWays(std::vector<EndpointServer> servers);

  size_t size() const { return ways_.size(); }
  const Url& url(uint32_t server) const { return ways_[server].where.url; }
  const SocketAddress& address(uint32_t server) const {
    return ways_[server].where.addresses[ways_[server].address];
  }
  // False if the host has no further one.
  bool use_next_address(uint32_t server);

  bool any_idle() const { return idle_ > 0; }
  bool has_idle(uint32_t server) const { return !ways_[server].idle.empty(); }
  void add_idle(uint32_t server, uint64_t token);
  // The connection used last, which is the least likely to have been closed; it is idle no more. There is
  // one.
  uint64_t take_idle(uint32_t server);
  // The connection that is missed least where another to `server` is wanted: one to it, or else to the server
  // that has most of them, and of these the one used least recently. There is one, and it stays.
  uint64_t idle_to_close(uint32_t server) const;
  // It is closed; ignored where it is not idle.
  void forget(uint32_t server, uint64_t token);
  void forget_all();

 private:
  struct Way {
    EndpointServer where;
    size_t address = 0;          // into its addresses
    std::vector<uint64_t> idle;  // the last used last
  };
  std::vector<Way> ways_;
  size_t idle_ = 0;  // connections, of all servers
};

}  // namespace assay
