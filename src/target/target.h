// The front door of target: what can be given work. A Target is a device (the engine in a worker process), an
// endpoint (HTTP) or a fake; the load generator knows no more of them than these seven methods.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "os/os.h"
#include "target/end_cause.h"                 // IWYU pragma: export
#include "target/endpoint/metrics_scraper.h"  // IWYU pragma: export
#include "target/kit.h"                       // IWYU pragma: export
#include "target/launched_server.h"           // IWYU pragma: export
#include "workload/workload.h"

namespace assay {

// What a target says of itself once it is open.
struct TargetInfo {
  Subject subject;              // name, kind, details
  std::string model;            // as the target names it
  uint32_t context_tokens = 0;  // per sequence; 0: unknown
  uint32_t sequences = 0;       // worked on at once; 0: unknown
  double load_s = 0;            // from start to ready
  Nanos first_token_at{};       // of the first answer that it was tried with; 0: unknown
  Json conditions;              // flat: threads, batch, quantisation, KV type … for every record made on it
};

// One answer of a sample whose texts are kept, and what the server's `usage` said of it.
struct AnswerText {
  RequestId id = 0;
  uint32_t class_index = 0;
  std::string prompt;  // as it was sent; empty: earlier turns stood before it
  std::string content, reasoning;
  bool is_whole = true;                           // content and reasoning are all that was answered
  uint64_t chunks = 0;                            // of output
  uint32_t prompt_tokens = 0, output_tokens = 0;  // 0: not told
  uint32_t asked_prompt_tokens = 0;               // what the prompt was to have
};

// How a target ended: what is known of its worker, for evidence.
struct TargetEnd {
  bool clean = true;
  EndCause cause = EndCause::kNone;    // kNone of an unclean end: it is lost, and no more is known
  std::string words;                   // "signal 6 (Aborted)"
  int64_t peak_memory_bytes = 0;       // of the worker; 0: none
  Nanos cpu_time{};                    // of the worker
  std::string diagnostics;             // the worker's stderr, its last 64 KiB
  std::vector<Record> records;         // what it measured of its own work, without trial and conditions
  std::vector<Finding> findings;       // what throws doubt on the events that it gave
  std::vector<AnswerText> texts;       // the sample that was to be kept
  bool stamps_are_wrong = false;       // of the events: nothing that was measured with them may be used
  uint64_t waited_for_connection = 0;  // requests for which none of its connections was free
};

// One target, used from one thread. open, then any of submit, cancel and poll, then close.
class Target {
 public:
  virtual ~Target() = default;
  // Blocks until ready (loads the model, tries the endpoint).
  virtual Result<TargetInfo> open() = 0;
  // Takes the request without waiting; an error means that the target is lost, not that the request failed.
  virtual Result<void> submit(const Request& request) = 0;
  // What close() tells of its own work counts from here on: what came before was to warm it up.
  virtual void restart_measuring() = 0;
  // Its kFailed event (kCancelled) still comes. Unknown and ended ids are ignored.
  virtual void cancel(RequestId id) = 0;
  // Gives up those requests that wait for a connection, so that they were never sent: no event of theirs will
  // come.
  virtual std::vector<RequestId> withdraw_waiting() { return {}; }
  // Waits until there is an event or `until` has come, and appends all events that are there. Returning early
  // with none is allowed. An error means that the target is lost: no further event will come.
  virtual Result<void> poll(Nanos until, std::vector<StreamEvent>& events) = 0;
  virtual TargetEnd close() = 0;
};

// ---- fake: exactly known timing, on a FakeClock or the real one ----
// M/G/c server: c sequences at once, first come first served; a request takes prefill_us_per_token·prompt,
// then a token each tpot_ms. Deterministic. With fail_every = k every k-th request fails.
struct FakeTargetOptions {
  std::string name = "fake";
  uint32_t sequences = 8;
  double prefill_us_per_token = 200;
  double tpot_ms = 5;
  uint32_t fail_every = 0;
  uint32_t lost_after = 0;  // the target is lost after so many requests; 0: never
};
// `clock`: a FakeClock is moved by poll; any other is waited on.
std::unique_ptr<Target> make_fake_target(const FakeTargetOptions& options, Clock& clock);

// ---- device: the engine in a worker process ----
// How a worker is started: this program's own file with the hidden subcommand, unless a test says otherwise.
struct WorkerCommand {
  std::vector<std::string> command;  // the job's JSON is appended as last argument
  std::vector<std::pair<std::string, std::string>> environment;
};

struct DeviceTargetOptions {
  std::string name;  // of the subject: the device's name
  WorkerCommand worker;
  Json job;  // {"job": "serve", "device": "CPU", "model": path, …}: docs/architecture.md
  Nanos open_timeout = nanos_from_seconds(300);
  Nanos silence_timeout = nanos_from_seconds(120);  // work outstanding and no event for so long: hung, killed
  int64_t memory_limit_bytes = 0;     // resident set above which it is killed as leaking; 0: none
  std::function<bool()> interrupted;  // asked ten times a second while it opens; empty: never
};
std::unique_ptr<Target> make_device_target(DeviceTargetOptions options, Clock& clock);

// A job that is not serving: runs the worker, hands each JSON line of its stdout to `on_line` as it comes,
// and returns how it ended. A line over 1 MiB, more than 100,000 lines, or silence beyond `silence_timeout`
// end it. A line of type "error" is the engine's own word on why it cannot. `input`: the worker's stdin;
// null: it has none.
struct WorkerJobEnd {
  EndCause cause = EndCause::kNone;
  Error error;  // what `cause` means here, with the worker's last words; empty if the job was done
  ProcessEnd end;
  std::string diagnostics;  // stderr, its last 64 KiB

  bool done() const { return cause == EndCause::kNone; }
};
WorkerJobEnd run_worker_job(const WorkerCommand& worker, const Json& job, Clock& clock, Nanos deadline,
                            Nanos silence_timeout, const std::function<void(const Json& line)>& on_line,
                            const std::function<bool()>& interrupted, const FileDescriptor* input = nullptr);

// ---- endpoint: an OpenAI-compatible server, or one that speaks another kind of request, over HTTP or TLS
// ----

// One server of an endpoint that has several.
struct EndpointServerOptions {
  std::string url;
  std::string model;              // as below
  std::vector<uint32_t> classes;  // whose requests it gets; empty: any
  bool is_side = false;           // beside the ones that the endpoint is about: it only serves some classes
};

struct EndpointTargetOptions {
  std::string name;
  // "http://127.0.0.1:8000/v1"; https verifies the server. It and `model` are ignored where there are
  // `servers`.
  std::string url;
  std::vector<EndpointServerOptions> servers = {};  // by Request::server; empty: the one at `url`
  std::string api = "chat";                         // the kind of classes that name none: one with sessions
  std::vector<RequestOptions> classes;  // by Request::class_index; empty: one that leaves everything open
  std::string model;                    // as the server names it; empty: the first of /models
  std::string api_key;                  // for every server; empty: none. Never stored, never printed
  std::string ca_file;                  // empty: the system's
  uint32_t max_connections = 256;       // to all servers together; at most most_connections()
  double timeout_s = 300;               // for one request, from send to end
  PromptCutter cutter;                  // of prompts
  uint32_t kept_texts = 0;              // so many answers' texts are kept, drawn by `seed`: TargetEnd::texts
  uint64_t seed = 1;
  std::function<bool()> interrupted;  // asked ten times a second while it opens; empty: never
};
std::unique_ptr<Target> make_endpoint_target(EndpointTargetOptions options, Clock& clock);

// How many connections to `servers` this process may have open beside what else it opens: its limit of open
// files, which is raised as far as that is allowed. From 0 to 65,536.
uint32_t most_connections(size_t servers = 1);

// ---- an endpoint whose server assay launched ----
// `inner`, but lost as soon as `server`, which lives longer, has ended; the error carries its last words.
std::unique_ptr<Target> make_launched_target(std::unique_ptr<Target> inner, LaunchedServer& server);

}  // namespace assay
