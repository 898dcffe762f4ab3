// A worker under watch: its process, what it says on socket, stdout and stderr, and the limits that it must
// keep. Devices and worker jobs are built on it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "os/os.h"
#include "target/target.h"

namespace assay {

// One thread only. Destroying it kills the worker.
class WorkerProcess {
 public:
  static Result<WorkerProcess> start(const WorkerCommand& worker, const Json& job, bool wants_socket,
                                     Clock& clock, const FileDescriptor* input = nullptr);
  // Any other program under the same watch, such as a kit.
  static Result<WorkerProcess> start(const ProcessOptions& options, Clock& clock);

  // Sends what is queued and reads what is there; waits until there is something to read or `until` has come.
  // The end of a stream counts as something. Never fails: a worker that is gone shows as ended streams.
  void wait(Nanos until);
  // Queues bytes for the socket and sends what it takes now.
  void send(std::string_view bytes);
  uint64_t bytes_sent() const { return bytes_sent_; }  // since the start
  // When the last bytes were handed over: taken before, so that no answer can be older than its question.
  Nanos last_flush() const { return last_flush_; }
  uint64_t bytes_queued() const { return bytes_queued_; }

  // What has come and was not consumed yet. The owner bounds them by consuming.
  std::string socket_input, out_input;
  bool socket_has_ended() const { return socket_ended_; }
  bool out_has_ended() const { return out_ended_; }
  uint64_t bytes_heard() const { return bytes_heard_; }  // on stdout and stderr, since the start

  ProcessMemory memory() const { return process_.memory(); }
  std::optional<ProcessEnd> poll_end() { return process_.poll_end(); }
  // As Process::end_by, still reading what the worker says.
  ProcessEnd end_by(Nanos deadline);
  void kill() { process_.kill(); }
  const std::string& diagnostics() const { return diagnostics_; }  // stderr, its last 64 KiB
  // " It said: …" with the last lines of stderr, or "".
  std::string last_words() const;

 private:
  WorkerProcess(Process process, Clock& clock) : process_(std::move(process)), clock_(&clock) {}
  void flush();

  Process process_;
  Clock* clock_;
  std::string outgoing_;
  uint64_t bytes_sent_ = 0, bytes_queued_ = 0, bytes_heard_ = 0;
  Nanos last_flush_{};
  std::string diagnostics_;
  bool socket_ended_ = false, out_ended_ = false, err_ended_ = false;
};

}  // namespace assay
