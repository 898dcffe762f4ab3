// The load generator: one thread that submits each request at its scheduled instant, whether or not the
// target keeps up, and writes down the stamp of every event.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "target/target.h"
#include "workload/workload.h"

namespace assay {

// What a live display may show of a trial under way. "Now" is the median of the last 32 requests.
struct LoadProgress {
  double elapsed_s = 0;
  double fraction = 0;  // of the planned requests have ended
  size_t planned = 0, sent = 0, ended = 0, failed = 0, in_flight = 0;
  double rate_per_s = 0;  // requests ended per second, over the last five seconds at least
  std::optional<double> ttft_ms_now, tpot_ms_now;
  double dispatch_lag_ms_max = 0;  // the worst so far
  bool is_stopping = false;        // nothing more is sent
};

struct LoadOptions {
  // The start that the schedule counts from, waited for; what is due meanwhile, should it be past, is late.
  // 0: now.
  Nanos start_at{};
  Nanos max_duration = kNever;  // no request is sent later than this after the start
  // What waits for a connection when the drain is over has failed, as timed out, rather than never been sent.
  bool waiting_fails = false;
  Nanos drain_timeout =
      nanos_from_seconds(30);  // after the last send, or, where answers are awaited that other requests
                               // follow, after max_duration: then the rest is cancelled, as timed out
  // Asked ten times a second, may be empty: true ends it at once, and what is out is cancelled.
  std::function<bool()> interrupted;
  // Asked as often, may be empty: from the first true on nothing is sent, and what is out is awaited.
  std::function<bool()> stopped;
  std::function<void(const LoadProgress&)> progress;  // called ten times a second at most; may be empty
};

// One request as it went. Instants are relative to the trial's start and above zero; zero: it never happened.
struct RequestRow {
  RequestId id = 0;
  uint32_t class_index = 0;
  uint32_t turn = 0;
  uint64_t session = 0;
  Nanos scheduled{};   // t0 of every latency
  Nanos dispatched{};  // handed to the target
  Nanos sent{};        // as the target tells
  Nanos admitted{};
  Nanos first{};          // first chunk of content or reasoning
  Nanos first_output{};   // first chunk of content
  Nanos last{};           // last chunk
  Nanos end{};            // end of the stream, or of the attempt
  Nanos server_prompt{};  // durations, as StreamEvent has them; 0: the target does not tell
  Nanos server_tpot{};
  uint32_t prompt_tokens = 0;  // as the target counts, else as planned
  uint32_t output_tokens = 0;  // as the target counts, else as its chunks say
  uint32_t asked_tokens = 0;   // of output, at most
  uint32_t chunks = 0;         // kept in LoadResult, from `first_chunk` on
  uint32_t server = 0;         // of a target that has several
  FailureCause failure = FailureCause::kNone;
  bool is_output_told = false;  // output_tokens is the target's own count
  uint64_t first_chunk = 0;

  bool operator==(const RequestRow&) const = default;
};
static_assert(sizeof(RequestRow) == 136, "a million requests are kept");

inline constexpr size_t kFailureCauses = static_cast<size_t>(kLastFailureCause) + 1;

struct LoadResult {
  std::vector<RequestRow>
      rows;  // every request whose scheduled instant came, in the order in which the plan gave them
  std::vector<int64_t> chunk_at_ns;  // relative to the start; those of rows[0], then of rows[1] …
  std::vector<uint16_t> chunk_tokens;
  Nanos start{};                // of CLOCK_MONOTONIC: what the instants are relative to
  Nanos wall_offset{};          // CLOCK_REALTIME less CLOCK_MONOTONIC, at the end; only ever a label
  size_t planned = 0;           // rows.size() less: turns whose session broke off, or past max_duration
  uint64_t dropped_chunks = 0;  // beyond what was asked for: counted, their stamps not kept
  uint64_t stray_events = 0;    // of unknown or ended requests
  // Requests that have no row, since their instant never came: turns of sessions that ended before, by a
  // failure or by a user who broke off; what still waited for a connection when the time was up.
  uint64_t turns_after_failure = 0, turns_after_break_off = 0, withdrawn = 0;
  uint64_t waited_for_connection = 0;  // those withdrawn among them: TargetEnd, for who drives to fill in
  std::array<std::string, kFailureCauses> failure_examples;  // by cause: what the first one said
  Nanos duration{};                                          // from the start to the end of the last request
  Nanos last_arrival{};       // scheduled instant of the last request that waits for no answer
  Nanos cpu_time{};           // of this process
  std::optional<Error> lost;  // the target was lost; what it owed counts as kTargetLost
  bool is_hung = false;       // lost because it did not even answer a cancellation; else its end says why
  bool is_interrupted = false;
  bool is_stopped = false;  // before everything was sent
};

// Sends `plan` to the open `target`. Latencies count from the scheduled instant; a later turn is scheduled at
// the end of the answer before it plus its pause. What the plan says its user breaks off is cancelled and
// ends with kCancelledByPlan, unless its answer is there first; its session is over. Requests that are out
// when the drain timeout strikes fail with kTimeout; those that wait for a connection then, when the time is
// up or when a stop is asked for, are withdrawn. What a plan holds is drawn as it comes due, and memory
// grows with what was sent: 136 bytes a request and 10 a chunk. Between an event and its stamp nothing is
// allocated, locked, parsed or logged. One thread; `clock` is the target's.
LoadResult drive_load(Target& target, Clock& clock, PlanSource& plan, const LoadOptions& options);

}  // namespace assay
