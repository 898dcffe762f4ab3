// Addresses and idle connections; see endpoint_ways.h.
#include "target/endpoint/endpoint_ways.h"

#include <algorithm>
#include <utility>

namespace assay {

EndpointWays::EndpointWays(std::vector<EndpointServer> servers) {
  for (EndpointServer& server : servers) {
    CHECK(!server.addresses.empty());
    ways_.push_back({.where = std::move(server), .idle = {}});
  }
}

bool EndpointWays::use_next_address(uint32_t server) {
  Way& way = ways_[server];
  if (way.address + 1 >= way.where.addresses.size()) return false;
  ++way.address;
  return true;
}

void EndpointWays::add_idle(uint32_t server, uint64_t token) {
  ways_[server].idle.push_back(token);
  ++idle_;
}

uint64_t EndpointWays::take_idle(uint32_t server) {
  std::vector<uint64_t>& idle = ways_[server].idle;
  const uint64_t token = idle.back();
  idle.pop_back();
  --idle_;
  return token;
}

uint64_t EndpointWays::idle_to_close(uint32_t server) const {
  CHECK(idle_ > 0);
  if (has_idle(server)) return ways_[server].idle.front();
  return std::ranges::max_element(ways_, {}, [](const Way& way) { return way.idle.size(); })->idle.front();
}

void EndpointWays::forget(uint32_t server, uint64_t token) {
  idle_ -= std::erase(ways_[server].idle, token);
}

void EndpointWays::forget_all() {
  for (Way& way : ways_) way.idle.clear();
  idle_ = 0;
}

}  // namespace assay
