// The table of timing models, and the two that no queue stands before: constant and coalesced.
#include "emulate/timing.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

constexpr const char* kConstantOptions[] = {"--ttft-ms", "--gap-ms", "--waves"};
constexpr const char* kScriptOptions[] = {"--script", "--gap-ms"};
constexpr const char* kQueueOptions[] = {"--sequences", "--prefill-us-per-token", "--tpot-ms", "--kv-tokens",
                                         "--service",   "--service-ms",           "--waves",   "--seed"};
constexpr const char* kCoalescedOptions[] = {"--ttft-ms"};

constexpr TimingModelKind kModels[] = {
    {"constant", "the same time to first token and the same gap for every request", kConstantOptions,
     make_constant_timing},
    {"script", "a file says it, request by request", kScriptOptions, make_script_timing},
    {"queue", "so many sequences at once, the rest waits in order; prefill, then a token a step",
     kQueueOptions, make_queue_timing},
    {"coalesced", "the whole answer is written at once", kCoalescedOptions, make_coalesced_timing},
};

// Serves every request as it comes.
class UnqueuedTiming : public TimingModel {
 public:
  void arrive(const TimedRequest& request, std::vector<Admission>& admitted) override {
    ++state_.running;
    state_.kv_tokens += tokens_of(request);
    admitted.push_back({request.slot, schedule_of(request)});
  }
  void leave(const TimedRequest& request, bool was_admitted, Nanos, std::vector<Admission>&) override {
    if (!was_admitted) return;
    --state_.running;
    state_.kv_tokens -= tokens_of(request);
  }
  ServingState state() const override { return state_; }

 protected:
  virtual Schedule schedule_of(const TimedRequest& request) const = 0;

 private:
  static uint64_t tokens_of(const TimedRequest& request) {
    return uint64_t{request.prompt_tokens} + request.output_tokens;
  }
  ServingState state_;
};

class ConstantTiming final : public UnqueuedTiming {
 public:
  ConstantTiming(Nanos ttft, Nanos gap, bool waves) : ttft_(ttft), gap_(gap), waves_(waves) {}

 private:
  Schedule schedule_of(const TimedRequest& request) const override {
    const Nanos first = request.arrival + ttft_;
    return {
        .start = request.arrival, .first = waves_ ? next_wave(first, gap_) : first, .gap = gap_, .gaps = {}};
  }
  Nanos ttft_, gap_;
  bool waves_;
};

}  // namespace

Nanos next_wave(Nanos instant, Nanos step) {
  CHECK(step.count > 0);
  return step * ((instant.count + step.count - 1) / step.count);
}

bool TimingModelKind::knows(std::string_view option) const {
  return std::ranges::find(options, option) != options.end();
}

std::span<const TimingModelKind> timing_models() {
  return kModels;
}

std::vector<std::string> timing_models_with(std::string_view option) {
  std::vector<std::string> names;
  for (const TimingModelKind& kind : kModels) {
    if (kind.knows(option)) names.emplace_back(kind.name);
  }
  return names;
}

Result<std::unique_ptr<TimingModel>> make_constant_timing(const TimingOptions& options) {
  if (options.waves && options.gap <= Nanos())
    return fail("waves need a gap between tokens", "--waves", "Give --gap-ms above 0.");
  return std::make_unique<ConstantTiming>(options.ttft, options.gap, options.waves);
}

Result<std::unique_ptr<TimingModel>> make_coalesced_timing(const TimingOptions& options) {
  return std::make_unique<ConstantTiming>(options.ttft, Nanos(), false);
}

Result<std::unique_ptr<TimingModel>> make_timing_model(const TimingOptions& options) {
  std::vector<std::string> names;
  for (const TimingModelKind& kind : kModels) {
    names.emplace_back(kind.name);
    if (options.model != kind.name) continue;
    if (options.waves && !kind.knows("--waves"))
      return fail(fmt::format("the {} timing has no steps to emit in waves", options.model), "--waves",
                  fmt::format("Take --timing {}.", join(timing_models_with("--waves"), " or ")));
    return kind.create(options);
  }
  return fail(
      fmt::format("unknown timing '{}'.{}", printable(options.model), suggestion(options.model, names)),
      "--timing", fmt::format("There are: {}.", join(names, ", ")));
}

}  // namespace assay
