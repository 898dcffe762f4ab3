// ServerOutput: what a launched server says, read by a thread of its own, so that a full pipe never makes the
// server wait, and seldom enough that it does not disturb the load generator.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "os/os.h"

namespace assay {

// The beginning and the end of a text that may be endless.
class BoundedText {
 public:
  BoundedText(size_t head_bytes, size_t tail_bytes) : head_bytes_(head_bytes), tail_bytes_(tail_bytes) {}

  void append(std::string_view text);
  // Whole, or with a line between beginning and end that says how many bytes are missing.
  std::string text() const;
  std::string_view tail() const { return tail_.empty() ? std::string_view(head_) : std::string_view(tail_); }
  void clear();

 private:
  size_t head_bytes_, tail_bytes_;
  std::string head_, tail_;
  uint64_t lost_ = 0;  // bytes between the two
};

// Text of a foreign program for a file that people read: no control characters but line feed and tab, no
// terminal escapes, "***" for each secret.
std::string scrubbed_output(std::string_view text, const std::vector<std::string>& secrets);

// Reads from its construction on, until finish() or destruction. take() and tail() from any thread.
class ServerOutput {
 public:
  // `out` and `err`: non-blocking, and open as long as this lives. `pid`: of the child that holds the other
  // ends.
  ServerOutput(int out, int err, pid_t pid);
  ~ServerOutput();

  bool process_has_ended() const { return ended_.load(std::memory_order_relaxed); }
  // Reads what is still there and ends the thread: for when the process is known to be gone.
  void finish();
  // What has come since the last call, both streams as they came.
  std::string take();
  // The last that came on stderr, or on stdout where there was nothing.
  std::string last_lines() const;

 private:
  void run();
  bool read_all();

  const int out_, err_;
  const pid_t pid_;
  FileDescriptor stop_read_, stop_write_;  // a pipe: closing its write end wakes the thread
  std::atomic<bool> ended_ = false, stopping_ = false;
  mutable std::mutex mutex_;
  BoundedText both_, err_text_;  // under mutex_
  std::thread thread_;
};

}  // namespace assay
