// Timing models: at which instants the tokens of an answer are due. Everything is computed from the arrivals
// of requests alone, never from when the server came to it, so that the server's own lateness is known.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/base.h"

namespace assay {

struct TimedRequest {
  uint32_t slot = 0;   // the server's own number for the connection, handed back on admission
  uint64_t index = 0;  // of the request, from 0 in the order of arrival
  Nanos arrival{};
  uint32_t prompt_tokens = 0, output_tokens = 1;
};

// When the tokens of one answer are due: the first at `first`, each further one `gap` after the one before,
// or, while there are any, as the next of `gaps` says. The gaps live as long as the model.
struct Schedule {
  Nanos start{};  // the request was taken out of the queue
  Nanos first{};
  Nanos gap{};
  std::span<const Nanos> gaps;
};

struct Admission {
  uint32_t slot = 0;
  Schedule schedule;
};

struct ServingState {
  uint32_t running = 0, waiting = 0;
  uint64_t kv_tokens = 0;  // reserved by what runs
};

// One thread only. Calls come in the order in which the server learns of things, which may differ from the
// order of their instants by its lateness.
class TimingModel {
 public:
  virtual ~TimingModel() = default;
  // How long the answer is where the request sets no bound; 0: the model has no opinion.
  virtual uint32_t answer_tokens(uint64_t /*index*/) const { return 0; }
  // Whether it can ever be served.
  virtual bool fits(const TimedRequest& /*request*/) const { return true; }
  // A request has come: appends what begins now, if anything does.
  virtual void arrive(const TimedRequest& request, std::vector<Admission>& admitted) = 0;
  // A request is over at the instant `at`: its last token was due then, or its client went away.
  // `was_admitted` tells whether it had begun. Appends what begins in its place.
  virtual void leave(const TimedRequest& request, bool was_admitted, Nanos at,
                     std::vector<Admission>& admitted) = 0;
  virtual ServingState state() const = 0;
};

struct TimingOptions {
  std::string model = "constant";  // a name of timing_models()
  Nanos ttft = nanos_from_ms(50);  // constant, coalesced
  Nanos gap = nanos_from_ms(10);   // constant, and scripts where their gaps end
  std::string script_path;         // script
  uint32_t sequences = 8;          // queue: served at once
  Nanos prefill_per_token{};       // queue, for each token of the prompt
  Nanos tpot = nanos_from_ms(10);  // queue
  uint64_t kv_tokens = 0;          // queue: capacity, prompt and answer; 0: no bound
  std::string service = "tokens";  // queue: "tokens", "exponential" or "deterministic"
  Nanos mean_service{};            // queue with the latter two
  uint64_t seed = 1;
  bool waves = false;  // constant, and queue by tokens: all streams emit at the steps of one engine
};

// A row of the table of models.
struct TimingModelKind {
  const char* name;
  const char* title;
  std::span<const char* const> options;  // of the command line, that mean something to it
  Result<std::unique_ptr<TimingModel>> (*create)(const TimingOptions& options);

  bool knows(std::string_view option) const;
};
std::span<const TimingModelKind> timing_models();
// The names of the models that know an option; none: it is an option of every model, or none of timing.
std::vector<std::string> timing_models_with(std::string_view option);
// Errors name the option that is no good.
Result<std::unique_ptr<TimingModel>> make_timing_model(const TimingOptions& options);

// The rows' functions.
Result<std::unique_ptr<TimingModel>> make_constant_timing(const TimingOptions& options);
Result<std::unique_ptr<TimingModel>> make_coalesced_timing(const TimingOptions& options);
Result<std::unique_ptr<TimingModel>> make_queue_timing(const TimingOptions& options);
Result<std::unique_ptr<TimingModel>> make_script_timing(const TimingOptions& options);
// A script's text (JSON lines, see docs/emulate.md); `where` names it in errors, which carry the line.
Result<std::unique_ptr<TimingModel>> parse_timing_script(std::string_view text, std::string_view where,
                                                         Nanos gap);

// The first instant at or after `instant` at which an engine with steps of `step` ends one; `step` above 0.
Nanos next_wave(Nanos instant, Nanos step);

}  // namespace assay
