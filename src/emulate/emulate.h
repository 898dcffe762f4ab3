// The front door of emulate: an OpenAI-compatible server whose timing is exactly known, the calibration
// standard for load generators.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/base.h"
#include "emulate/faults.h"  // IWYU pragma: export
#include "emulate/routes.h"  // IWYU pragma: export
#include "emulate/timing.h"  // IWYU pragma: export
#include "measure/measure.h"
#include "os/os.h"

namespace assay {

// Where the chunk stands that says only who speaks: before the first token in the same write, in a write of
// its own when the request was admitted, or nowhere.
enum class RoleChunk { kWithFirst, kEarly, kNone };

struct EmulatorOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;  // 0: a free one
  std::string model = "emulated";
  TimingOptions timing;
  uint32_t tokens = 0;  // an answer ends by itself after so many; 0: as many as asked for, or 128
  RoleChunk role_chunk = RoleChunk::kWithFirst;
  std::vector<Fault> faults;
  std::string tls_certificate, tls_key;  // PEM files; both or neither
  std::string stamps_path;               // "": none
  size_t stamps_events = 16'000'000;
  uint64_t end_after_requests = 0;  // for inference; 0: no end
  Nanos end_after{};                // 0: no end
  Nanos request_timeout =
      nanos_from_ms(10'000);  // for a handshake, and from a request's first byte to its last
  size_t max_body_bytes = size_t{32} << 20;
  // False: on a clock that moves only when it is waited for (tests). Requests then arrive when they are read.
  bool real_time = true;
};

struct EmulatorSummary {
  uint64_t connections = 0, tokens = 0;
  uint64_t requests = 0;  // for inference; of them:
  uint64_t answered = 0, cancelled = 0, faulted = 0;
  uint64_t refused = 0;         // with a bad body, or too large for the timing's KV cache
  uint64_t refused_unread = 0;  // none of the requests: another path or method, no HTTP, or beyond its bounds
  uint64_t events = 0;          // sends that were due at an instant
  uint64_t held_events = 0;     // of them, late because the client did not read: left out of the lateness
  uint64_t turned_away = 0;     // connections beyond what the limit of open files allows
  uint64_t timed_out = 0;       // connections whose request did not come in time
  uint64_t server_stamped = 0;  // requests for inference without a kernel stamp
  uint32_t clock_jumps = 0;  // of the wall clock against the monotonic one: arrivals around them are doubtful
  uint64_t lost_events = 0, lost_requests = 0;  // not in the file of stamps
  Histogram lateness_ns;                        // of sends, actual less due; early counts as on time
  Nanos wall{}, cpu{};

  Json to_json() const;
  std::string text() const;
};

// One thread only.
class Emulator {
 public:
  virtual ~Emulator() = default;
  // Listens already. Errors name the option or the file that is no good.
  static Result<std::unique_ptr<Emulator>> create(const EmulatorOptions& options, Clock& clock);

  virtual std::string url() const = 0;  // "http://127.0.0.1:8000/v1"
  // How many connections the limit of open files leaves room for.
  virtual int64_t connection_limit() const = 0;
  // Serves until `stopped` says so, or the options' end is reached; then closes everything and writes the
  // stamps.
  virtual Result<void> run(const std::function<bool()>& stopped) = 0;
  virtual const EmulatorSummary& summary() const = 0;
};

}  // namespace assay
