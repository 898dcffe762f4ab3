// The queue timing: as many sequences at once as there are places, the rest first come, first served. An
// M/G/c queue when requests arrive at random, so that queueing theory is an oracle.
#include <algorithm>
#include <deque>
#include <functional>
#include <queue>

#include "emulate/timing.h"

namespace assay {
namespace {

// How long one request holds its place, and when its first token comes.
class QueueTiming final : public TimingModel {
 public:
  explicit QueueTiming(const TimingOptions& options)
      : options_(options), by_tokens_(options.service == "tokens") {
    for (uint32_t i = 0; i < options.sequences; ++i) free_since_.push(Nanos());
  }

  bool fits(const TimedRequest& request) const override {
    return options_.kv_tokens == 0 || tokens_of(request) <= options_.kv_tokens;
  }
  void arrive(const TimedRequest& request, std::vector<Admission>& admitted) override {
    waiting_.push_back(request);
    admit(Nanos(), admitted);
  }
  void leave(const TimedRequest& request, bool was_admitted, Nanos at,
             std::vector<Admission>& admitted) override {
    if (was_admitted) {
      --running_;
      kv_tokens_ -= tokens_of(request);
      free_since_.push(at);
    } else {
      std::erase_if(waiting_, [&](const TimedRequest& other) { return other.index == request.index; });
    }
    admit(at, admitted);
  }
  ServingState state() const override {
    return {running_, static_cast<uint32_t>(waiting_.size()), kv_tokens_};
  }

 private:
  static uint64_t tokens_of(const TimedRequest& request) {
    return uint64_t{request.prompt_tokens} + request.output_tokens;
  }

  // The place that has been free for longest is taken, not before `earliest`. The first that waits holds up
  // those behind it when its tokens do not fit: that is what admission in order means.
  void admit(Nanos earliest, std::vector<Admission>& admitted) {
    while (!waiting_.empty() && !free_since_.empty()) {
      const TimedRequest& request = waiting_.front();
      if (options_.kv_tokens > 0 && kv_tokens_ + tokens_of(request) > options_.kv_tokens) return;
      const Nanos start = std::max({request.arrival, free_since_.top(), earliest});
      free_since_.pop();
      ++running_;
      kv_tokens_ += tokens_of(request);
      admitted.push_back({request.slot, schedule_of(request, start)});
      waiting_.pop_front();
    }
  }

  Schedule schedule_of(const TimedRequest& request, Nanos start) const {
    Schedule schedule{.start = start, .first = {}, .gap = options_.tpot, .gaps = {}};
    if (by_tokens_) {
      schedule.first = start + options_.prefill_per_token * request.prompt_tokens + options_.tpot;
      if (options_.waves) schedule.first = next_wave(schedule.first, options_.tpot);
      return schedule;
    }
    Nanos service = options_.mean_service;
    if (options_.service == "exponential") {
      Random random(options_.seed, random_stream("emulate service"), request.index);
      service = Nanos(static_cast<int64_t>(static_cast<double>(service.count) * random.exponential()));
    }
    const int64_t tokens = std::max<int64_t>(request.output_tokens, 1);
    schedule.gap = service / tokens;
    schedule.first = start + service - schedule.gap * (tokens - 1);
    return schedule;
  }

  const TimingOptions options_;
  const bool by_tokens_;
  std::deque<TimedRequest> waiting_;
  std::priority_queue<Nanos, std::vector<Nanos>, std::greater<>> free_since_;
  uint32_t running_ = 0;
  uint64_t kv_tokens_ = 0;
};

}  // namespace

Result<std::unique_ptr<TimingModel>> make_queue_timing(const TimingOptions& options) {
  const std::string names[] = {"tokens", "exponential", "deterministic"};
  if (std::find(std::begin(names), std::end(names), options.service) == std::end(names)) {
    return fail("unknown service '" + printable(options.service) + "'." + suggestion(options.service, names),
                "--service", "There are: tokens, exponential, deterministic.");
  }
  const bool by_tokens = options.service == "tokens";
  if (!by_tokens && options.mean_service <= Nanos())
    return fail("this service needs a mean time", "--service", "Give --service-ms above 0.");
  if (options.waves && (!by_tokens || options.tpot <= Nanos()))
    return fail("waves need steps of one length", "--waves", "Take --service tokens and --tpot-ms above 0.");
  return std::make_unique<QueueTiming>(options);
}

}  // namespace assay
