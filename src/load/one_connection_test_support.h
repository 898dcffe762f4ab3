// A target whose requests wait for one connection, for tests of the load generator.
#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "target/target.h"

namespace assay {

// Lets one request at a time through to the target, as an endpoint with one connection does.
class OneConnection final : public Target {
 public:
  explicit OneConnection(std::unique_ptr<Target> inner) : inner_(std::move(inner)) {}
  Result<TargetInfo> open() override { return inner_->open(); }
  Result<void> submit(const Request& request) override {
    waiting_.push_back(request);
    return send();
  }
  void restart_measuring() override { inner_->restart_measuring(); }
  void cancel(RequestId id) override {
    if (std::erase_if(waiting_, [&](const Request& request) { return request.id == id; }) == 0)
      return inner_->cancel(id);
    StreamEvent& event = cancelled_.emplace_back();
    event.request = id;
    event.kind = StreamEventKind::kFailed;
    event.cause = FailureCause::kCancelled;
  }
  std::vector<RequestId> withdraw_waiting() override {
    std::vector<RequestId> ids;
    for (const Request& request : waiting_) ids.push_back(request.id);
    waiting_.clear();
    return ids;
  }
  Result<void> poll(Nanos until, std::vector<StreamEvent>& events) override {
    RETURN_IF_ERROR(inner_->poll(until, events));
    std::ranges::move(std::exchange(cancelled_, {}), std::back_inserter(events));
    for (const StreamEvent& event : events) {
      if (event.kind != StreamEventKind::kDone && event.kind != StreamEventKind::kFailed) continue;
      if (event.request == busy_) busy_ = 0;
    }
    return send();
  }
  TargetEnd close() override { return inner_->close(); }

 private:
  Result<void> send() {
    if (busy_ != 0 || waiting_.empty()) return {};
    const Request request = waiting_.front();
    busy_ = request.id;
    waiting_.erase(waiting_.begin());
    return inner_->submit(request);
  }

  std::unique_ptr<Target> inner_;
  std::vector<Request> waiting_;
  std::vector<StreamEvent> cancelled_;
  RequestId busy_ = 0;
};

}  // namespace assay
