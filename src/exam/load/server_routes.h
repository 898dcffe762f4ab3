// Which servers of an endpoint a load trial goes to, and which of its classes goes to which.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenario/scenario.h"
#include "target/target.h"

namespace assay {

struct ServerRoutes {
  // By Request::server: first the target's own, then those that only classes name; without those to which no
  // class of the trial goes.
  std::vector<std::string> urls;
  std::vector<std::vector<uint32_t>> by_class;  // the servers that it goes to in turn, none empty
};

// Of an endpoint; of any other target both lists are empty. Pure.
ServerRoutes server_routes(const TargetSpec& target, const std::vector<TrafficClass>& classes);

// What opening such an endpoint takes. `target`: the one that the routes are of.
std::vector<EndpointServerOptions> server_options(const ServerRoutes& routes, const TargetSpec& target);

}  // namespace assay
