// The questions that an endpoint is asked before work is sent to it: which models there are, whether a small
// request of each class works, and which fields of a body it refuses.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/base.h"
#include "target/endpoint/endpoint_body.h"
#include "target/endpoint/endpoint_pool.h"
#include "target/endpoint/endpoint_wire.h"

namespace assay {

// What the questions start from.
struct EndpointQuestions {
  uint32_t server = 0;                // of the pool's
  std::vector<uint32_t> classes;      // that it is tried with; empty: all of the bodies'
  std::string model;                  // as the server names it; empty: the first that it lists
  double timeout_s = 300;             // for each request; the list of models gets 30 at most
  std::function<bool()> interrupted;  // asked ten times a second; empty: never
};

// What the endpoint told.
struct EndpointFacts {
  std::string model;            // as requests name it
  uint32_t context_tokens = 0;  // 0: not told
  Json model_facts;         // flat, each key begins with "model_": what servers tell of it beside its name
  std::string server, tls;  // of the trial request's answer: Server field; version and cipher, empty: plain
  bool streams = false;     // every request for a stream gets one
  bool has_usage = false;   // every answer that can tells how many tokens it took
  Nanos first_token_at{};   // of the first trial request that is streamed; 0: unknown
};

// The answers or, in `facts`, why the endpoint cannot do the work.
struct EndpointOpening {
  Result<EndpointFacts> facts;
  bool was_tried = false;  // work was, with an answer that says more than "not here" or "not for you"
};

// Asks over `pool`, which stays with the first of the host's addresses that answers at all, and leaves
// `bodies` with the model's name, with the tensors that models ask for, and without the fields that the
// server refuses. Blocks. Errors say what to do, and name the URL and never the key. One thread, the pool's.
EndpointOpening open_endpoint(EndpointPool& pool, const EndpointWire& wire, EndpointBodies& bodies,
                              const EndpointQuestions& questions);

}  // namespace assay
