// What the servers of an endpoint told when it was opened, as that of one target: what they say alike once,
// and where they differ all of it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "target/endpoint/endpoint_identity.h"
#include "target/endpoint/endpoint_kinds.h"
#include "target/endpoint/endpoint_opening.h"
#include "target/target.h"

namespace assay {

struct OpenedServer {
  std::string url, address;
  std::vector<uint32_t> classes;  // whose requests it gets; empty: any. Equal ones make replicas
  bool is_side = false;           // as in EndpointServerOptions: engine and version of the others are told
  EndpointFacts facts;
  EndpointFields fields;  // of the target's usual kind, as far as it takes them
  ServerIdentity identity;
};

// Subject, model and conditions; of one server or several. `name`: the target's.
TargetInfo info_of_servers(const std::string& name, const std::vector<OpenedServer>& servers);

// The doubt load.servers-differ, where replicas do not call themselves the same engine, version and model;
// else nothing.
std::vector<Finding> differences_of(const std::vector<OpenedServer>& servers);

}  // namespace assay
