// A server whose every event is due at a known instant.
#include "fake_engine/fake_serving.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "os/os.h"
#include "workload/workload.h"

namespace assay {
namespace {

constexpr int kSocket = 3;

struct Pace {
  uint32_t sequences = 16;
  uint32_t context_tokens = 2048;
  Nanos prefill_per_token{};
  Nanos tpot{};
};

Pace pace_of(const Json& job) {
  Pace pace;
  pace.sequences = static_cast<uint32_t>(std::max<int64_t>(1, job["sequences"].as_integer(16)));
  pace.context_tokens = static_cast<uint32_t>(job["context_tokens"].as_integer(2048));
  pace.prefill_per_token = nanos_from_ms(job["prefill_us_per_token"].as_number(20) / 1000);
  pace.tpot = nanos_from_ms(job["tpot_ms"].as_number(1));
  return pace;
}

class FakeServer {
 public:
  FakeServer(const Pace& pace, Misbehaviour& misbehaviour)
      : pace_(pace), misbehaviour_(misbehaviour), free_at_(pace.sequences) {}

  void send_ready() {
    Json info = Json::object();
    info.set("model", "fake").set("device", "Fake0").set("context_tokens", pace_.context_tokens);
    info.set("sequences", pace_.sequences).set("threads", 1).set("load_s", 0.001).set("batch_tokens", 512);
    info.set("model_memory_bytes", 1'000'000).set("quantisation", "none");
    append_ready_frame(info, out_);
    if (misbehaviour_.is_garbage()) out_ += "\xff\xff\xff\xff this is no frame";
    flush();
  }

  int run() {
    while (true) {
      emit_due(clock_.now());
      flush();
      pollfd fd{kSocket, POLLIN, 0};
      const timespec wait = until_next();
      if (::ppoll(&fd, 1, due_.empty() || misbehaviour_.is_hung() ? nullptr : &wait, nullptr) < 0) continue;
      if (fd.revents != 0 && !read_orders()) return 0;
    }
  }

 private:
  timespec until_next() const {
    if (due_.empty()) return {};
    const int64_t ns = std::max<int64_t>(0, due_.begin()->first.count - clock_.now().count);
    return {ns / 1'000'000'000, ns % 1'000'000'000};
  }

  bool read_orders() {
    char chunk[1 << 16];
    const ssize_t n = ::recv(kSocket, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n <= 0) return false;
    in_.append(chunk, static_cast<size_t>(n));
    while (true) {
      const auto frame = next_frame(in_);
      if (!frame) return false;
      if (frame->total_bytes == 0) return true;
      if (frame->kind == FrameKind::kStop) return false;
      if (frame->kind == FrameKind::kRequest) schedule(*parse_request(frame->payload));
      if (frame->kind == FrameKind::kCancel) cancel(*parse_cancel(frame->payload));
      in_.erase(0, frame->total_bytes);
    }
  }

  void add(Nanos at, StreamEvent event) {
    event.at = at;
    due_.emplace(at, std::move(event));
  }

  void schedule(const Request& request) {
    const Nanos now = clock_.now();
    if (request.prompt_tokens + request.output_tokens > pace_.context_tokens) {
      StreamEvent event{
          .request = request.id, .kind = StreamEventKind::kFailed, .cause = FailureCause::kTooLong};
      event.detail = "longer than the context";
      return add(now, std::move(event));
    }
    const auto place = std::min_element(free_at_.begin(), free_at_.end());
    const Nanos begin = std::max(now, *place);
    Nanos at = begin + pace_.prefill_per_token * request.prompt_tokens;
    add(begin, {.request = request.id, .kind = StreamEventKind::kAdmitted});
    for (uint32_t i = 0; i < request.output_tokens; ++i) {
      if (i > 0) at += pace_.tpot;
      add(at, {.request = request.id, .kind = StreamEventKind::kContent, .tokens = 1});
    }
    add(at, {.request = request.id,
             .kind = StreamEventKind::kDone,
             .prompt_tokens = request.prompt_tokens,
             .output_tokens = request.output_tokens});
    *place = at;
  }

  void cancel(RequestId id) {
    if (std::erase_if(due_, [id](const auto& entry) { return entry.second.request == id; }) == 0) return;
    StreamEvent event{.request = id, .kind = StreamEventKind::kFailed, .cause = FailureCause::kCancelled};
    event.detail = "cancelled";
    add(clock_.now(), std::move(event));
  }

  void emit_due(Nanos now) {
    std::vector<StreamEvent> events;
    while (!due_.empty() && due_.begin()->first <= now) {
      if (due_.begin()->second.kind == StreamEventKind::kContent) misbehaviour_.on_work();
      if (misbehaviour_.is_hung()) break;
      events.push_back(std::move(due_.begin()->second));
      due_.erase(due_.begin());
    }
    if (!events.empty()) append_events_frame(events, out_);
  }

  void flush() {
    for (size_t done = 0; done < out_.size();) {
      const ssize_t n = ::send(kSocket, out_.data() + done, out_.size() - done, MSG_NOSIGNAL);
      if (n < 0 && errno != EINTR) break;
      done += n > 0 ? static_cast<size_t>(n) : 0;
    }
    out_.clear();
  }

  const Pace pace_;
  Misbehaviour& misbehaviour_;
  SystemClock clock_;
  std::vector<Nanos> free_at_;
  std::multimap<Nanos, StreamEvent> due_;  // equal instants keep the order of insertion
  std::string in_, out_;
};

}  // namespace

int serve_fake(const Json& job, Misbehaviour& misbehaviour) {
  FakeServer server(pace_of(job), misbehaviour);
  server.send_ready();
  return server.run();
}

}  // namespace assay
