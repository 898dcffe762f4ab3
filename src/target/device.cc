// The device target: the engine in a worker process, behind the six methods of a Target. Whatever the worker
// does — die, hang, leak, talk nonsense — ends as an error here and leaves assay running.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <unordered_set>

#include "target/target.h"
#include "target/worker_process.h"

namespace assay {
namespace {

constexpr Nanos kMemoryLookInterval = nanos_from_ms(100);
constexpr Nanos kDeathGrace = nanos_from_seconds(2);  // from the end of the socket to the end of the process
constexpr Nanos kCloseGrace = nanos_from_seconds(5);
constexpr size_t kMaxOutBytes = 1 << 20;  // a serving worker has nothing to say on stdout

class DeviceTarget final : public Target {
 public:
  DeviceTarget(DeviceTargetOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}

  Result<TargetInfo> open() override;
  Result<void> submit(const Request& request) override;
  void restart_measuring() override {}  // it tells nothing of its own work
  void cancel(RequestId id) override;
  Result<void> poll(Nanos until, std::vector<StreamEvent>& events) override;
  TargetEnd close() override;

 private:
  // Where the stream of bytes to the worker must have come for a request to count as sent.
  struct Unsent {
    uint64_t end;
    RequestId id;
  };

  TargetInfo info_from(const Json& ready, Nanos begin) const;
  Result<std::optional<Json>> take_ready();
  Result<void> take_events(std::vector<StreamEvent>& events);
  Result<void> take_frame(const Frame& frame, std::vector<StreamEvent>& events);
  void note_sent(std::vector<StreamEvent>& events);
  int64_t look_at_memory();  // the worker's resident bytes
  Result<void> check_memory();
  Result<void> lose(EndCause cause, const std::string& what, std::string remedy = {});
  Result<void> lose_dead();

  DeviceTargetOptions options_;
  Clock& clock_;
  std::optional<WorkerProcess> worker_;
  std::optional<ProcessEnd> end_;  // known once the target is lost or closed
  std::string end_words_;          // why we ended it; "" if it ended by itself
  std::optional<Error> lost_;
  EndCause cause_ = EndCause::kNone;  // of losing it
  std::deque<Unsent> unsent_;
  std::unordered_set<RequestId> outstanding_;
  std::vector<StreamEvent> parsed_;
  Nanos last_event_{};
  Nanos next_memory_look_{};
  int64_t peak_memory_bytes_ = 0;
};

// ---- losing it ----

Result<void> DeviceTarget::lose(EndCause cause, const std::string& what, std::string remedy) {
  cause_ = cause;
  if (!end_) {
    worker_->kill();
    end_ = worker_->end_by(clock_.now());
    end_words_ = what;
  }
  lost_ = Error{what + "." + worker_->last_words(), options_.name, std::move(remedy)};
  if (lost_->what.ends_with('.')) lost_->what.pop_back();
  return std::unexpected(*lost_);
}

Result<void> DeviceTarget::lose_dead() {
  end_ = worker_->end_by(clock_.now() + kDeathGrace);
  return lose(EndCause::kDied, "the worker died: " + end_->words(),
              "Its last lines of stderr are kept with the trial.");
}

int64_t DeviceTarget::look_at_memory() {
  const ProcessMemory memory = worker_->memory();
  peak_memory_bytes_ = std::max(peak_memory_bytes_, memory.peak_bytes);
  return memory.resident_bytes;
}

Result<void> DeviceTarget::check_memory() {
  const Nanos now = clock_.now();
  if (now < next_memory_look_) return {};
  next_memory_look_ = now + kMemoryLookInterval;
  const int64_t resident = look_at_memory();
  if (options_.memory_limit_bytes <= 0 || resident <= options_.memory_limit_bytes) return {};
  return lose(EndCause::kMemory,
              fmt::format("the worker's memory grew to {}, above its limit of {}", format_bytes(resident),
                          format_bytes(options_.memory_limit_bytes)));
}

// ---- opening ----

Result<TargetInfo> DeviceTarget::open() {
  CHECK(!worker_);
  const Nanos begin = clock_.now();
  const Nanos deadline = begin + options_.open_timeout;
  auto started = WorkerProcess::start(options_.worker, options_.job, true, clock_);
  if (!started) {
    cause_ = EndCause::kNotStarted;
    lost_ = started.error();
    return std::unexpected(*lost_);
  }
  worker_ = std::move(*started);
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<Json> ready, take_ready());
    if (ready) return info_from(*ready, begin);
    if (worker_->socket_has_ended()) RETURN_IF_ERROR(lose_dead());
    if (options_.interrupted && options_.interrupted())
      RETURN_IF_ERROR(lose(EndCause::kInterrupted, "interrupted"));
    if (clock_.now() >= deadline) {
      RETURN_IF_ERROR(lose(EndCause::kHung, fmt::format("the worker hung: it was not ready after {}",
                                                        format_duration(seconds(options_.open_timeout)))));
    }
    RETURN_IF_ERROR(check_memory());
    worker_->wait(std::min(deadline, clock_.now() + kMemoryLookInterval));
    if (worker_->out_input.size() > kMaxOutBytes) worker_->out_input.clear();
  }
}

Result<std::optional<Json>> DeviceTarget::take_ready() {
  const auto frame = next_frame(worker_->socket_input);
  const auto broken = [&](const Error& error) {
    return std::unexpected(lose(EndCause::kNonsense, "the worker talks nonsense: " + error.what).error());
  };
  if (!frame) return broken(frame.error());
  if (frame->total_bytes == 0) return std::nullopt;
  if (frame->kind == FrameKind::kFatal) {
    const Error error = parse_fatal(frame->payload);
    end_ = worker_->end_by(clock_.now() + kDeathGrace);
    cause_ = EndCause::kRefused;
    lost_ = error;
    return std::unexpected(error);
  }
  if (frame->kind != FrameKind::kReady)
    return broken(Error{"its first frame is not the one that says ready", "", ""});
  auto ready = parse_ready(frame->payload);
  if (!ready) return broken(ready.error());
  worker_->socket_input.erase(0, frame->total_bytes);
  return std::move(*ready);
}

TargetInfo DeviceTarget::info_from(const Json& ready, Nanos begin) const {
  TargetInfo info;
  info.subject = {.name = options_.name, .kind = "device", .details = ready};
  info.model = ready["model"].as_string();
  info.context_tokens =
      static_cast<uint32_t>(std::clamp<int64_t>(ready["context_tokens"].as_integer(), 0, UINT32_MAX));
  info.sequences = static_cast<uint32_t>(std::clamp<int64_t>(ready["sequences"].as_integer(), 0, UINT32_MAX));
  info.load_s = seconds(clock_.now() - begin);
  info.conditions = Json::object();
  for (const char* name :
       {"device", "threads", "batch_tokens", "quantisation", "kv_type", "flash_attention"}) {
    if (const Json* value = ready.find(name)) info.conditions.set(name, *value);
  }
  return info;
}

// ---- serving ----

Result<void> DeviceTarget::submit(const Request& request) {
  if (lost_) return std::unexpected(*lost_);
  if (outstanding_.empty()) last_event_ = clock_.now();
  outstanding_.insert(request.id);
  std::string frame;
  append_request_frame(request, frame);
  worker_->send(frame);
  unsent_.push_back({worker_->bytes_queued(), request.id});
  note_sent(parsed_);
  return {};
}

void DeviceTarget::cancel(RequestId id) {
  if (lost_ || !outstanding_.contains(id)) return;
  std::string frame;
  append_cancel_frame(id, frame);
  worker_->send(frame);
}

void DeviceTarget::note_sent(std::vector<StreamEvent>& events) {
  if (unsent_.empty() || worker_->bytes_sent() < unsent_.front().end) return;
  const Nanos at = worker_->last_flush();
  while (!unsent_.empty() && worker_->bytes_sent() >= unsent_.front().end) {
    events.push_back({.request = unsent_.front().id, .kind = StreamEventKind::kSent, .at = at});
    unsent_.pop_front();
  }
}

Result<void> DeviceTarget::take_frame(const Frame& frame, std::vector<StreamEvent>& events) {
  if (frame.kind == FrameKind::kFatal) {
    const Error error = parse_fatal(frame.payload);
    end_ = worker_->end_by(clock_.now() + kDeathGrace);
    cause_ = EndCause::kRefused;
    lost_ = error;
    return std::unexpected(error);
  }
  if (frame.kind != FrameKind::kEvents)
    return lose(EndCause::kNonsense, "the worker talks nonsense: a frame that nobody waits for");
  const size_t before = events.size();
  const Result<void> parsed = parse_events(frame.payload, events);
  if (!parsed) return lose(EndCause::kNonsense, "the worker talks nonsense: " + parsed.error().what);
  // Events of requests that it was never given, or that have ended, are worth nothing.
  const auto is_alien = [this](const StreamEvent& event) {
    if (!outstanding_.contains(event.request)) return true;
    if (event.kind == StreamEventKind::kDone || event.kind == StreamEventKind::kFailed)
      outstanding_.erase(event.request);
    return false;
  };
  events.erase(std::remove_if(events.begin() + static_cast<ptrdiff_t>(before), events.end(), is_alien),
               events.end());
  last_event_ = clock_.now();
  return {};
}

Result<void> DeviceTarget::take_events(std::vector<StreamEvent>& events) {
  size_t used = 0;
  Result<void> result;
  while (result) {
    const auto frame = next_frame(std::string_view(worker_->socket_input).substr(used));
    if (!frame) return lose(EndCause::kNonsense, "the worker talks nonsense: " + frame.error().what);
    if (frame->total_bytes == 0) break;
    result = take_frame(*frame, events);
    used += frame->total_bytes;
  }
  worker_->socket_input.erase(0, std::min(used, worker_->socket_input.size()));
  return result;
}

Result<void> DeviceTarget::poll(Nanos until, std::vector<StreamEvent>& events) {
  if (lost_) return std::unexpected(*lost_);
  const size_t before = events.size();
  events.insert(events.end(), std::make_move_iterator(parsed_.begin()),
                std::make_move_iterator(parsed_.end()));
  parsed_.clear();
  while (true) {
    note_sent(events);
    RETURN_IF_ERROR(take_events(events));
    if (events.size() > before) return {};
    if (worker_->socket_has_ended()) return lose_dead();
    RETURN_IF_ERROR(check_memory());
    const Nanos now = clock_.now();
    const Nanos silent_at = outstanding_.empty() ? kNever : last_event_ + options_.silence_timeout;
    if (now >= silent_at) {
      return lose(EndCause::kHung,
                  fmt::format("the worker hung: no event for {} with {} requests outstanding",
                              format_duration(seconds(options_.silence_timeout)), outstanding_.size()));
    }
    if (now >= until) return {};
    worker_->wait(std::min({until, silent_at, now + kMemoryLookInterval}));
    if (worker_->out_input.size() > kMaxOutBytes) worker_->out_input.clear();
  }
}

TargetEnd DeviceTarget::close() {
  TargetEnd end;
  end.cause = cause_;
  if (!worker_) {
    end.clean = !lost_;
    return end;
  }
  if (!end_) {
    look_at_memory();
    std::string frame;
    append_stop_frame(frame);
    worker_->send(frame);
    end_ = worker_->end_by(clock_.now() + kCloseGrace);
  }
  end.clean = end_->clean() && !lost_;
  end.words = end_words_.empty() ? end_->words() : end_words_;
  end.peak_memory_bytes = peak_memory_bytes_;
  end.cpu_time = end_->cpu_time;
  end.diagnostics = worker_->diagnostics();
  return end;
}

}  // namespace

std::unique_ptr<Target> make_device_target(DeviceTargetOptions options, Clock& clock) {
  return std::make_unique<DeviceTarget>(std::move(options), clock);
}

}  // namespace assay
