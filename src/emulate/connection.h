// What the server knows of one connection, and of the answer under way on it. Private to emulate.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "emulate/events.h"
#include "emulate/faults.h"
#include "emulate/request_body.h"
#include "emulate/routes.h"
#include "emulate/stamps.h"
#include "emulate/timing.h"
#include "http/http.h"
#include "os/os.h"

namespace assay {

// An answer to a request for inference, from the request's last byte to the answer's.
struct EmulatedAnswer {
  Nanos due{};  // of the next event
  Nanos gap{};
  std::span<const Nanos> gaps;  // the first ones, where they differ
  EventTemplate* event = nullptr;
  uint32_t next = 0;    // token
  uint32_t tokens = 1;  // of the answer; a document counts as one event when its last token is due
  // Nothing but tokens from the template stands between the first and the last event.
  bool plain = false;
  bool admitted = false, head_sent = false;
  uint32_t stamp_row = StampBook::kNoRow;
  Nanos held_until{};  // events due before were held up by a client that did not read
  AnswerId id{};

  const Route* route = nullptr;
  bool stream = false;
  TimedRequest timed;
  RequestBody body;
  const char* finish_reason = "stop";
  const Fault* fault = nullptr;
  uint32_t fault_at = 0;  // the token before which it acts
  bool fault_done = false;
  uint32_t head_pieces = 0;  // of a head that trickles, sent so far
  std::string request_id;
};

struct EmulatedConnection {
  // What sending an event touches comes first.
  FileDescriptor fd;
  uint32_t slot = 0;
  uint32_t generation = 0;  // changes when the connection ends: what still refers to it is stale
  bool busy = false;        // an answer is under way
  bool blocked = false;     // its next event waits until `pending` is gone
  bool broken = false;      // nothing more can be sent; its end will show when it is read
  bool closing = false;     // it closes when `pending` is gone
  std::optional<TlsSession> tls;
  std::string pending;      // bytes that the kernel had no room for …
  size_t pending_sent = 0;  // … of which it has taken so many since
  EmulatedAnswer answer;

  RequestParser parser;
  std::string body;
  // Bytes of the next requests that came while an answer was under way, and when the last of them came.
  std::string early;
  Nanos early_arrival{};
  bool early_kernel = false;
  bool tls_ready = false;
  const Fault* fault = nullptr;  // of connections
  uint64_t requests = 0;         // on this connection
  // The request whose time to arrive is being watched, from its first byte on.
  static constexpr uint64_t kNoRequest = UINT64_MAX, kHandshake = UINT64_MAX - 1;
  uint64_t timed_request = kNoRequest;

  explicit EmulatedConnection(const HttpLimits& limits) : parser(limits) {}
};

}  // namespace assay
