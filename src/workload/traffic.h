// Traffic: classes of requests with their own lengths, sessions and SLO, and the plan that turns them into
// requests at scheduled instants. Every choice is a pure function of (seed, class, index).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "workload/arrivals.h"
#include "workload/lengths.h"
#include "workload/request.h"
#include "workload/request_options.h"
#include "workload/trace/trace.h"

namespace assay {

// Limits that a request must keep to count as good. An absent limit does not apply.
struct Slo {
  std::optional<double> ttft_ms, tpot_ms, e2e_ms;
  double required_share = 0.9;  // of requests, for the class to meet its SLO

  bool has_limits() const { return ttft_ms || tpot_ms || e2e_ms; }
  bool operator==(const Slo&) const = default;
};

struct TrafficClass {
  std::string name;              // "chat"
  double weight = 1;             // its share of requests, relative to the other classes
  std::string corpus = "prose";  // "prose" or "code"
  LengthDistribution prompt_tokens, output_tokens;
  LengthDistribution turns;       // fixed 1: no sessions
  double think_time_s = 0;        // mean of the exponential pause between an answer and the next turn
  uint32_t prefix_tokens = 0;     // a prefix shared between requests of the class (a system prompt)
  PrefixPool prefix_pool;         // which of them share it
  RequestOptions request;         // to which interface of an endpoint it speaks, and with which options
  std::vector<std::string> urls;  // servers of an endpoint that it goes to in turn; empty: the endpoint's own
  CancelPlan cancel;              // which requests their user breaks off
  Slo slo;
  std::optional<Arrivals> arrivals;  // of its own, at its share of the rate; nothing: those of the plan

  bool operator==(const TrafficClass&) const = default;
};

// Which part of a plan one of several load generators sends: the sessions whose turn it is when they are
// dealt out one by one, those of a closed loop with their users. Together the parts are the plan, each
// request once. The k-th request that a part hands out has the id first_id + k·ranks + rank, so that no two
// parts share one.
struct PlanShare {
  uint32_t rank = 0;  // below `ranks`
  uint32_t ranks = 1;
};

struct TrafficPlan {
  uint64_t seed = 1;
  // Plans that differ in it alone have the same requests with other texts, prefixes included, so that what
  // one of them has left in a server's prefix cache makes no other one faster.
  uint64_t text_seed = 0;
  std::vector<TrafficClass> classes;
  Arrivals arrivals;
  double rate_per_s = 1;  // of sessions or single requests, all classes together
  uint32_t requests = 0;  // how many requests (turns count) to plan; of a trace: at most, 0 for all
  // Lengths, sessions and shared prefixes, and for kTrace the instants: classes then give weights, corpus and
  // SLO only, and their arrivals where the plan's are not the trace's. Null: none. kTrace needs one that has
  // instants.
  std::shared_ptr<const Trace> trace;
  // By class: which of the target's servers its sessions take in turn, none of the lists empty. Empty: all
  // requests go to the first.
  std::vector<std::vector<uint32_t>> routes;
  PlanShare share;
};

// What a request's prompt begins with, of the prefixes of a trace.
struct PlannedPrefix {
  const PrefixTree* tree = nullptr;  // of the plan's trace, which must outlive it; null: nothing
  uint32_t node = 0;
  uint64_t seed = 0;  // of the text
};

struct PlannedRequest {
  Request request;
  Nanos offset{};  // turn 0: from the trial's start. Later turns: pause after the end of the answer before
  uint64_t previous = 0;  // id of the turn before, or 0
  // Turn 0 of a closed loop: its number, from 1; it then comes when one of the loop's users is free, `offset`
  // after the end of what that user did before. 0: it comes at its offset.
  uint32_t loop = 0;
  PlannedPrefix prefix;
};

// The request with the parts of its prefix, which the plan, being long, does not write out.
Request complete_request(const PlannedRequest& planned);

// The whole plan at once: the sessions of the closed loops, one loop behind the other, then all others by the
// instant of their first turn; later turns stand right behind the turn they wait for. ids count from
// `first_id`. Each class gets its share by weight to within one request (largest remainder), so that small
// trials are not starved; the last session of a class is cut short where that takes it. What a class asks for
// does not depend on the other classes (streams are named for the class), so that a class alone sends what it
// sends in the mix. The id of a session is that of its first request. With a trace the classes share out its
// sessions by weight. At least one class; weights and rate above 0.
std::vector<PlannedRequest> materialise(const TrafficPlan& plan, RequestId first_id = 1);
// When the last session of the whole plan comes that comes at an instant of its own, whatever the share;
// draws the instants only.
Nanos last_arrival(const TrafficPlan& plan);
// How many users each closed loop of the plan's share has; loop 1 comes first.
std::vector<uint32_t> loop_users(const TrafficPlan& plan);

// The corpora that prompts are cut from: public-domain prose and code of this project, part of the program.
std::string_view corpus_text(std::string_view corpus);  // "prose" | "code"; CHECKs the name
std::vector<std::string> corpus_names();

// A prompt as text for targets that have no tokenizer at hand: about `tokens` tokens at `bytes_per_token`,
// cut at blanks, at least one word.
std::string prompt_text(std::string_view corpus, uint64_t prompt_seed, uint32_t tokens,
                        double bytes_per_token);

}  // namespace assay
