// A target whose requests wait for one connection, for tests of the load generator.
#pragma once

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
  void cancel(RequestId id) override { inner_->cancel(id); }
  std::vector<RequestId> withdraw_waiting() override {
    std::vector<RequestId> ids;
    for (const Request& request : waiting_) ids.push_back(request.id);
    waiting_.clear();
    return ids;
  }
  Result<void> poll(Nanos until, std::vector<StreamEvent>& events) override {
    RETURN_IF_ERROR(inner_->poll(until, events));
    for (const StreamEvent& event : events) {
      if (event.kind == StreamEventKind::kDone || event.kind == StreamEventKind::kFailed) is_busy_ = false;
    }
    return send();
  }
  TargetEnd close() override { return inner_->close(); }

 private:
  Result<void> send() {
    if (is_busy_ || waiting_.empty()) return {};
    is_busy_ = true;
    const Request request = waiting_.front();
    waiting_.erase(waiting_.begin());
    return inner_->submit(request);
  }

  std::unique_ptr<Target> inner_;
  std::vector<Request> waiting_;
  bool is_busy_ = false;
};

}  // namespace assay
