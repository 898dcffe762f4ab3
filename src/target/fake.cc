// FakeTarget: an M/G/c queue with exactly known timing. Every event happens at an instant computed from the
// arrivals alone, however late the caller comes to fetch it, so that queueing theory is an oracle for the
// load generator.
#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <queue>

#include <fmt/format.h>

#include "target/target.h"

namespace assay {
namespace {

class FakeTarget final : public Target {
 public:
  FakeTarget(const FakeTargetOptions& options, Clock& clock)
      : options_(options), clock_(clock), tpot_(nanos_from_ms(options.tpot_ms)), idle_(options.sequences) {
    CHECK(options.sequences > 0 && options.tpot_ms >= 0 && options.prefill_us_per_token >= 0);
  }

  Result<TargetInfo> open() override {
    TargetInfo info;
    info.subject.name = options_.name;
    info.subject.kind = "fake";
    info.subject.details.set("timing", "exactly known: prefill, then one token after the other");
    info.subject.details.set("prefill_us_per_token", options_.prefill_us_per_token);
    info.subject.details.set("tpot_ms", options_.tpot_ms);
    info.subject.details.set("sequences", options_.sequences);
    info.model = "fake";
    info.sequences = options_.sequences;
    info.conditions.set("sequences", options_.sequences);
    return info;
  }

  Result<void> submit(const Request& request) override {
    if (is_lost()) return lost();
    const Nanos now = clock_.now();
    run_until(now);
    ready_.push_back({.request = request.id, .kind = StreamEventKind::kSent, .at = now});
    ++submitted_;
    Sequence sequence{.request = request.id,
                      .prompt_tokens = request.prompt_tokens,
                      .output_tokens = std::max(request.output_tokens, 1U),
                      .fails = options_.fail_every > 0 && submitted_ % options_.fail_every == 0};
    if (idle_ > 0) {
      admit(sequence, now);
    } else {
      waiting_.push_back(sequence);
    }
    return {};
  }

  void restart_measuring() override {}  // it tells nothing of its own work
  void cancel(RequestId id) override {
    const Nanos now = clock_.now();
    run_until(now);
    if (std::erase_if(waiting_, [id](const Sequence& s) { return s.request == id; }) > 0) {
      fail_request(id, FailureCause::kCancelled, "cancelled while it waited", now);
    } else if (std::erase_if(running_, [id](const Sequence& s) { return s.request == id; }) > 0) {
      std::ranges::make_heap(running_, later);
      fail_request(id, FailureCause::kCancelled, "cancelled while it ran", now);
      release(now);
    }
  }

  Result<void> poll(Nanos until, std::vector<StreamEvent>& events) override {
    if (ready_.empty() && is_lost()) return lost();
    if (ready_.empty()) {
      const Nanos next = running_.empty() ? until : std::min(until, running_.front().next_at);
      if (next != kNever) clock_.sleep_until(next);
      run_until(clock_.now());
    }
    events.insert(events.end(), std::make_move_iterator(ready_.begin()),
                  std::make_move_iterator(ready_.end()));
    ready_.clear();
    return {};
  }

  TargetEnd close() override {
    TargetEnd end;
    end.clean = !is_lost();
    if (is_lost()) end.cause = EndCause::kLost;
    if (is_lost()) end.words = fmt::format("lost after {} requests, as it was told", ended_);
    return end;
  }

 private:
  struct Sequence {
    RequestId request = 0;
    uint32_t prompt_tokens = 0;
    uint32_t output_tokens = 0;
    bool fails = false;
    uint32_t produced = 0;
    Nanos next_at{};     // of its next token, or of its failure
    uint64_t order = 0;  // of admission: breaks ties
  };

  static bool later(const Sequence& a, const Sequence& b) {
    return a.next_at != b.next_at ? a.next_at > b.next_at : a.order > b.order;
  }

  bool is_lost() const { return options_.lost_after > 0 && ended_ >= options_.lost_after; }

  std::unexpected<Error> lost() const {
    return fail(fmt::format("the fake target is lost after {} requests", ended_), options_.name,
                "Set lost_after = 0 for a target that stays.");
  }

  void admit(Sequence sequence, Nanos at) {
    CHECK(idle_ > 0);
    --idle_;
    const double prefill_ns = options_.prefill_us_per_token * 1e3 * sequence.prompt_tokens;
    sequence.next_at = at + Nanos(std::llround(prefill_ns)) + (sequence.fails ? Nanos(0) : tpot_);
    sequence.order = ++admitted_;
    ready_.push_back({.request = sequence.request, .kind = StreamEventKind::kAdmitted, .at = at});
    running_.push_back(sequence);
    std::ranges::push_heap(running_, later);
  }

  void release(Nanos at) {
    ++idle_;
    ++ended_;
    if (waiting_.empty() || is_lost()) return;
    const Sequence next = waiting_.front();
    waiting_.pop_front();
    admit(next, at);
  }

  void fail_request(RequestId id, FailureCause cause, const char* detail, Nanos at) {
    ready_.push_back(
        {.request = id, .kind = StreamEventKind::kFailed, .cause = cause, .at = at, .detail = detail});
  }

  // Everything that happens up to `now`, in order of time.
  void run_until(Nanos now) {
    while (!running_.empty() && running_.front().next_at <= now && !is_lost()) {
      std::ranges::pop_heap(running_, later);
      Sequence& sequence = running_.back();
      const Nanos at = sequence.next_at;
      if (!sequence.fails) {
        ++sequence.produced;
        ready_.push_back(
            {.request = sequence.request, .kind = StreamEventKind::kContent, .at = at, .tokens = 1});
      }
      if (!sequence.fails && sequence.produced < sequence.output_tokens) {
        sequence.next_at += tpot_;
        std::ranges::push_heap(running_, later);
        continue;
      }
      if (sequence.fails) {
        fail_request(sequence.request, FailureCause::kServerError, "the fake target fails this one", at);
      } else {
        ready_.push_back({.request = sequence.request,
                          .kind = StreamEventKind::kDone,
                          .at = at,
                          .prompt_tokens = sequence.prompt_tokens,
                          .output_tokens = sequence.output_tokens});
      }
      running_.pop_back();
      release(at);
    }
  }

  const FakeTargetOptions options_;
  Clock& clock_;
  const Nanos tpot_;
  uint32_t idle_;
  uint64_t submitted_ = 0, admitted_ = 0, ended_ = 0;
  std::vector<Sequence> running_;  // heap: the next event first
  std::deque<Sequence> waiting_;
  std::vector<StreamEvent> ready_;
};

}  // namespace

std::unique_ptr<Target> make_fake_target(const FakeTargetOptions& options, Clock& clock) {
  return std::make_unique<FakeTarget>(options, clock);
}

}  // namespace assay
