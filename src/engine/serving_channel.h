// The worker's end of the socket to assay: frames come in on a thread of their own, so that the sender never
// waits for a decoding step, and events go out without holding one up.
#pragma once

#include <condition_variable>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/base.h"
#include "workload/workload.h"

namespace assay {

// What assay asks for: a request, the end of one, or the end of everything.
struct CancelOrder {
  RequestId id = 0;
};
struct StopOrder {};
using Order = std::variant<Request, CancelOrder, StopOrder>;

class ServingChannel {
 public:
  // `fd` is a stream socket; it is not owned.
  explicit ServingChannel(int fd);
  ~ServingChannel();

  // All orders that have come, in order. With `wait` it blocks until there is one. The end of the socket is a
  // StopOrder; frames that cannot be are an error.
  Result<std::vector<Order>> take(bool wait);

  void send_ready(const Json& info);
  void send_fatal(const Error& error);
  // Sends what the socket takes now and keeps the rest, bounded; an error if assay does not read any more.
  Result<void> send_events(std::span<const StreamEvent> events);
  // Blocks until everything has gone, or assay has.
  void flush();

 private:
  void read_frames();
  bool parse_buffer(std::string& buffer);
  void end_input(std::string problem);
  bool write_some(bool wait);

  const int fd_;
  std::string outgoing_;
  size_t sent_ = 0;
  bool peer_is_gone_ = false;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Order> orders_;  // guarded by mutex_, as are the next two
  std::string problem_;
  bool input_ended_ = false;
  int wake_read_ = -1, wake_write_ = -1;
  std::thread reader_;
};

}  // namespace assay
