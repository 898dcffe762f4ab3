// What a server says of itself: engine, version and settings, where its engine has a path for them. All of it
// is hearsay, to be shown beside what is declared, and none of it is needed.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/base.h"
#include "target/endpoint/endpoint_pool.h"
#include "target/endpoint/endpoint_wire.h"

namespace assay {

struct ServerIdentity {
  std::string engine;   // "vllm", "llama.cpp", "sglang", "tgi"; empty: it does not say
  std::string version;  // as it stands there; empty: it does not say
  Json facts;           // flat, each key begins with "server_": what it says beside the two
};

// What is known of the server already, which tells what is worth asking.
struct IdentityHints {
  std::string owner;   // owned_by of its model
  std::string server;  // the Server field
};

// The engine that the hints name, or "". Pure.
std::string engine_of(const IdentityHints& hints);

// What the answer `body` to GET `path` (below the server's root: "/version") says; a body that is no JSON
// object, or not the one that the engine gives there, changes nothing. What an earlier answer said stays.
// Pure.
void take_identity(std::string_view path, std::string_view body, ServerIdentity& identity);

// Asks over `pool`, at paths below `root`: those of the engine that the hints name, else of each engine that
// we know. Blocks, 5 s a question at most; an answer other than 200, none, or a broken one is no error, and
// after a question without an answer no more are asked. Fails only where the pool is lost or `interrupted`
// says so. `server`: of the pool's.
Result<ServerIdentity> ask_identity(EndpointPool& pool, const EndpointWire& root, const IdentityHints& hints,
                                    const std::function<bool()>& interrupted, uint32_t server = 0);

}  // namespace assay
