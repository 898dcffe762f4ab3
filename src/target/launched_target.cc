// The endpoint whose server assay launched: an endpoint that is lost when the server's process ends.
#include <algorithm>

#include "target/target.h"

namespace assay {
namespace {

class LaunchedTarget final : public Target {
 public:
  LaunchedTarget(std::unique_ptr<Target> inner, LaunchedServer& server)
      : inner_(std::move(inner)), server_(server) {}

  Result<TargetInfo> open() override {
    Result<TargetInfo> info = inner_->open();
    // Its end explains more than a broken connection does.
    if (!info && server_.poll_end()) return std::unexpected(death());
    return info;
  }

  Result<void> submit(const Request& request) override {
    if (server_.has_ended()) return std::unexpected(death());
    return inner_->submit(request);
  }

  void cancel(RequestId id) override { inner_->cancel(id); }
  std::vector<RequestId> withdraw_waiting() override { return inner_->withdraw_waiting(); }
  void restart_measuring() override { inner_->restart_measuring(); }

  Result<void> poll(Nanos until, std::vector<StreamEvent>& events) override {
    if (server_.has_ended()) return std::unexpected(death());
    const size_t first = events.size();
    RETURN_IF_ERROR(inner_->poll(until, events));
    // A request that fails may be the first sign; all others cost no call of the kernel.
    const bool failed =
        std::any_of(events.begin() + static_cast<std::ptrdiff_t>(first), events.end(),
                    [](const StreamEvent& event) { return event.kind == StreamEventKind::kFailed; });
    if (failed) server_.poll_end();
    return {};
  }

  TargetEnd close() override {
    TargetEnd end = inner_->close();
    if (const std::optional<ProcessEnd> ended = server_.poll_end()) {
      end.clean = false;
      end.cause = EndCause::kServerDied;
      end.words = ended->words();
      end.cpu_time = ended->cpu_time;
    }
    return end;
  }

 private:
  Error death() {
    server_.poll_end();
    Error error = server_.death();
    error.what = "the launched server ended: " + error.what;
    return error;
  }

  std::unique_ptr<Target> inner_;
  LaunchedServer& server_;
};

}  // namespace

std::unique_ptr<Target> make_launched_target(std::unique_ptr<Target> inner, LaunchedServer& server) {
  return std::make_unique<LaunchedTarget>(std::move(inner), server);
}

}  // namespace assay
