// StampBook: when every event was due and when it was sent, kept in memory while requests are served and
// written as JSON lines when none is (docs/formats/emulate-stamps.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "os/os.h"

namespace assay {

struct StampedRequest {
  std::string request_id;
  uint64_t index = 0;
  const char* path = "";
  Nanos arrival{}, start{};
  bool kernel_stamp = false;  // the arrival is the kernel's; else it is when the server read it
  uint32_t prompt_tokens = 0, output_tokens = 0;
  const char* fault = "";
  std::string outcome;  // "done", "cancelled", or what a fault left
  Nanos end_due{}, end_sent{};
};

// One thread only. Nothing is allocated for an event: the memory is taken at once, and the kernel gives pages
// as they are first used.
class StampBook {
 public:
  static constexpr uint32_t kNoRow = UINT32_MAX;

  // The file appears under its name when finish() has succeeded. At most `events` and as many requests are
  // held between two writes; what comes beyond is lost and counted.
  static Result<StampBook> create(const std::string& path, size_t events, const Json& header);

  uint32_t begin(StampedRequest request);  // kNoRow: no room
  StampedRequest* row(uint32_t row) { return row == kNoRow ? nullptr : &requests_[row]; }
  // `tokens` events that were sent at once.
  void event(uint32_t row, Nanos due, Nanos sent, uint32_t tokens) {
    if (row == kNoRow || events_.size() == capacity_) {
      lost_events_ += tokens;
      return;
    }
    events_.push_back({due, sent, row, tokens});
  }

  bool half_full() const { return events_.size() * 2 > capacity_ || requests_.size() * 2 > capacity_; }
  // Only when no request is under way: writes all and forgets it. After a write that failed, nothing is kept
  // or written any more: what comes is counted as lost, and finish() tells the error.
  void write_out();
  // Writes the last line and gives the file its name; fails where any write has.
  Result<void> finish(const Json& summary);

  uint64_t lost_events() const { return lost_events_; }
  uint64_t lost_requests() const { return lost_requests_; }

 private:
  struct Event {
    Nanos due, sent;
    uint32_t row, tokens;
  };
  StampBook(FileWriter file, size_t capacity) : file_(std::move(file)), capacity_(capacity) {}
  Result<void> append_requests();

  FileWriter file_;
  Result<void> written_;  // the first error stays
  size_t capacity_;
  std::vector<StampedRequest> requests_;
  std::vector<Event> events_;
  uint64_t lost_events_ = 0, lost_requests_ = 0;
};

}  // namespace assay
