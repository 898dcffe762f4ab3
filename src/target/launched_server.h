// LaunchedServer: a server that assay starts for the trials of one target, waits for, watches, and stops with
// everything that it started.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "os/os.h"

namespace assay {

struct LaunchOptions {
  std::string target;                // the name of the target that it serves
  std::vector<std::string> command;  // command[0] is a path, or a name that PATH of `environment` has
  std::vector<std::pair<std::string, std::string>> environment;  // the whole environment of the server
  std::string directory;                                         // where it runs; empty: where we do
  std::string url;                    // the base URL that it will serve: "http://127.0.0.1:8000/v1"
  std::string api_key, ca_file;       // for the question whether it is ready; as in EndpointTargetOptions
  std::vector<std::string> secrets;   // hidden in what it says; empty ones are ignored
  std::string ready_path;             // "/health": ready once this answers 2xx; empty: see start()
  double ready_timeout_s = 1800;      // from the start to ready
  double stop_timeout_s = 30;         // from SIGTERM to SIGKILL
  std::function<bool()> interrupted;  // asked ten times a second while it starts; empty: never
  std::function<void(double waited_s)> on_waiting;  // called while it starts; empty: nobody wants to know
};

// How it was stopped.
struct LaunchedServerStop {
  ProcessEnd end;
  double took_s = 0;        // from SIGTERM
  bool was_killed = false;  // it did not go by itself within stop_timeout_s
};

// Destroying it stops it: SIGTERM, stop_timeout_s, SIGKILL to its process group. Should assay be killed
// before, the group goes too. One thread only, which must outlive it (see Process); a thread of its own reads
// what the server says, so that it never waits for us.
class LaunchedServer {
 public:
  LaunchedServer(LaunchOptions options, Clock& clock);
  ~LaunchedServer();
  LaunchedServer(const LaunchedServer&) = delete;
  LaunchedServer& operator=(const LaunchedServer&) = delete;

  // Blocks until the server is ready, at most ready_timeout_s; once. Without a ready_path it is ready when
  // /health beside the base URL's own path answers 2xx, or, where there is no such path (404, 405, 501), when
  // the list of models does. Fails where somebody listens at the URL already, where the program cannot be
  // run, where it ends before it is ready, with its last words, and where it takes too long or is
  // interrupted; it is then stopped.
  Result<void> start();

  const std::string& target() const { return options_.target; }
  // From start() on.
  Nanos started_at() const { return started_at_; }
  Nanos ready_at() const { return ready_at_; }  // arrival of the first answer that said so

  // True once the process has ended, at most 50 ms later. Costs nothing.
  bool has_ended() const;
  // How it ended, if it has; then nothing of its group is left. Asks the kernel.
  std::optional<ProcessEnd> poll_end();
  LaunchedServerStop stop();

  // What it has said on stdout and stderr since the last call, without secrets and control characters: the
  // first 32 and the last 96 KiB.
  std::string take_output();
  // " It said: …" with the last lines of stderr (of stdout, if there are none), or "".
  std::string last_words() const;
  // An error that says how it ended; only after it has.
  Error death() const;

 private:
  struct Running;

  Result<void> check_nobody_is_there() const;
  Result<void> wait_until_ready();

  LaunchOptions options_;
  Clock& clock_;
  Nanos started_at_{}, ready_at_{};
  std::unique_ptr<Running> running_;  // null before the process was started
};

}  // namespace assay
