// Traffic: classes of requests with their own lengths, sessions and SLO, and the plan that turns them into
// requests at scheduled instants. Every choice is a pure function of (seed, class, index).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "workload/arrivals.h"
#include "workload/lengths.h"
#include "workload/request.h"
#include "workload/request_options.h"

namespace assay {

// Limits that a request must keep to count as good. An absent limit does not apply.
struct Slo {
  std::optional<double> ttft_ms, tpot_ms, e2e_ms;
  double required_share = 0.9;  // of requests, for the class to meet its SLO

  bool operator==(const Slo&) const = default;
};

struct TrafficClass {
  std::string name;              // "chat"
  double weight = 1;             // its share of requests, relative to the other classes
  std::string corpus = "prose";  // "prose" or "code"
  LengthDistribution prompt_tokens, output_tokens;
  LengthDistribution turns;    // fixed 1: no sessions
  double think_time_s = 0;     // mean of the exponential pause between an answer and the next turn
  uint32_t prefix_tokens = 0;  // a prefix shared between requests of the class (a system prompt)
  PrefixPool prefix_pool;      // which of them share it
  RequestOptions request;      // to which interface of an endpoint it speaks, and with which options
  CancelPlan cancel;           // which requests their user breaks off
  Slo slo;
  std::optional<Arrivals> arrivals;  // of its own, at its share of the rate; nothing: those of the plan

  bool operator==(const TrafficClass&) const = default;
};

// One row of a trace, scaled already.
struct TraceEntry {
  Nanos offset{};
  uint32_t prompt_tokens = 0;
  uint32_t output_tokens = 0;
};

struct TrafficPlan {
  uint64_t seed = 1;
  std::vector<TrafficClass> classes;
  Arrivals arrivals;
  double rate_per_s = 1;  // of sessions or single requests, all classes together
  uint32_t requests = 0;  // how many requests (turns count) to plan; kTrace: at most, 0 for the whole trace
  std::vector<TraceEntry>
      trace;  // for kTrace: arrivals and lengths; classes then give weights, corpus and SLO only
};

struct PlannedRequest {
  Request request;
  Nanos offset{};  // turn 0: from the trial's start. Later turns: pause after the end of the answer before
  uint64_t previous = 0;  // id of the turn before, or 0
  // Turn 0 of a closed loop: its number, from 1; it then comes when one of the loop's users is free, `offset`
  // after the end of what that user did before. 0: it comes at its offset.
  uint32_t loop = 0;
};

// The whole plan at once: the sessions of the closed loops, one loop behind the other, then all others by the
// instant of their first turn; later turns stand right behind the turn they wait for. ids count from
// `first_id`. Each class gets its share by weight to within one request (largest remainder), so that small
// trials are not starved; the last session of a class is cut short where that takes it. What a class asks for
// does not depend on the other classes (streams are named for the class), so that a class alone sends what it
// sends in the mix. The id of a session is that of its first request. kTrace: every row is a request on its
// own. At least one class; weights and rate above 0.
std::vector<PlannedRequest> materialise(const TrafficPlan& plan, RequestId first_id = 1);
// When the last session comes that comes at an instant of its own; draws the instants only.
Nanos last_arrival(const TrafficPlan& plan);
// How many users each closed loop of the plan has; loop 1 comes first.
std::vector<uint32_t> loop_users(const TrafficPlan& plan);

// The Azure LLM inference trace, 2023 layout (TIMESTAMP,ContextTokens,GeneratedTokens), first `limit` rows.
// Errors carry file:line. `text` may be hostile: rows, lengths and times are bounded.
struct TraceScaling {
  double rate = 1;    // 2: twice as fast
  double length = 1;  // 0.1: a tenth of the tokens, at least 1

  bool operator==(const TraceScaling&) const = default;
};
Result<std::vector<TraceEntry>> parse_azure_trace(std::string_view text, std::string_view where,
                                                  uint32_t limit, TraceScaling scaling);

// The corpora that prompts are cut from: public-domain prose and code of this project, part of the program.
std::string_view corpus_text(std::string_view corpus);  // "prose" | "code"; CHECKs the name
std::vector<std::string> corpus_names();

// A prompt as text for targets that have no tokenizer at hand: about `tokens` tokens at `bytes_per_token`,
// cut at blanks, at least one word.
std::string prompt_text(std::string_view corpus, uint64_t prompt_seed, uint32_t tokens,
                        double bytes_per_token);

}  // namespace assay
