// Continuous batching without an engine: which request gets which of its tokens worked on in the next step,
// and where in the KV cache they lie. Pure bookkeeping: no clock, no llama, no token values.
//
// The policy. Requests are admitted first come, first served, each with room for all the tokens that it can
// ever need, so that nothing admitted is ever thrown out again. In a step every admitted request that is past
// its prompt gets one token; what is left of the token budget goes to prompts in order of admission, cut into
// chunks. Sessions keep their tokens in the cache between turns, and shared prefixes are kept once, both
// until an admission needs the room: then the one unused for longest goes, and is worked on again when it is
// needed.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "workload/workload.h"

namespace assay {

struct SchedulerLimits {
  uint32_t kv_tokens = 0;       // cells of the KV cache, shared by all sequences
  uint32_t context_tokens = 0;  // of one sequence
  uint32_t running = 1;         // requests worked on at once
  uint32_t sequences =
      1;                  // running ones and resting sessions: sequence numbers 0 … sequences − 1; >= running
  uint32_t prefixes = 0;  // kept at once: sequence numbers sequences … sequences + prefixes − 1
  uint32_t batch_tokens = 512;  // of one step; >= running
};

// A request as far as scheduling it goes. Its text is the session's history, its prompt and its output, and
// positions count from the start of that text.
struct ScheduledRequest {
  RequestId id = 0;
  uint64_t session = 0;  // 0: none
  bool last_turn = true;
  uint32_t prompt_tokens = 0;  // > 0
  uint32_t output_tokens = 0;  // > 0
  uint64_t prefix_key = 0;     // equal keys have equal first `prefix_tokens` tokens; 0: none
  uint32_t prefix_tokens = 0;
};

// Tokens [first_position, first_position + tokens) of the request's text, to be decoded into `sequence`.
struct StepWork {
  RequestId id = 0;
  uint32_t sequence = 0;
  uint32_t first_position = 0;
  uint32_t tokens = 0;
  bool begins = false;   // the first work on this request
  bool samples = false;  // the last of these tokens yields one token of output
  bool ends = false;     // which is the request's last
};

struct SequenceCopy {
  uint32_t from = 0, to = 0;
  uint32_t tokens = 0;  // positions 0 … tokens − 1
};

// One step, in the order in which its parts are to be done.
struct BatchStep {
  std::vector<uint32_t> cleared;       // sequences to be emptied
  std::vector<SequenceCopy> attached;  // from kept prefixes to sequences that begin with them
  std::vector<StepWork> work;          // at most batch_tokens tokens; decoding before prompts
  std::vector<SequenceCopy> kept;      // after the work: prefixes to be kept
};

class BatchScheduler {
 public:
  enum class Submitted {
    kQueued,
    kTooLong,  // can never fit
    kRefused,  // a turn of this session is still under way, an id or session too many
  };

  explicit BatchScheduler(const SchedulerLimits& limits);

  Submitted submit(const ScheduledRequest& request);
  // False if the id is unknown or has ended. What the request held is free in the next step; its session
  // forgets the turn.
  bool cancel(RequestId id);
  bool idle() const { return queue_.empty() && running_.empty(); }
  // Plans the next step and takes it as done. Has work whenever the scheduler is not idle.
  void next_step(BatchStep& step);

  // Tokens of the session that stand before its next turn; 0 for an unknown one.
  uint32_t history_tokens(uint64_t session) const;
  uint32_t kv_tokens_used() const { return used_; }  // reserved, shared ones once
  size_t running() const { return running_.size(); }
  size_t queued() const { return queue_.size(); }
  uint64_t evictions() const { return evictions_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Room in the cache: a sequence, a share of the cells, perhaps on top of a kept prefix.
  struct Holding {
    uint32_t sequence = kNone;
    uint32_t cached = 0;  // positions 0 … cached − 1 lie in the cache
    uint32_t charge = 0;  // cells counted for it, those of `prefix` apart
    uint32_t prefix = kNone;
  };
  struct Session {
    uint32_t history = 0;
    bool busy = false;  // a turn of it is queued or running
    uint64_t last_used = 0;
    uint64_t prefix_key = 0;
    uint32_t prefix_tokens = 0;
    Holding holding;
  };
  struct Prefix {
    uint64_t key = 0;  // 0: free
    uint32_t tokens = 0;
    uint32_t users = 0;
    uint64_t last_used = 0;
  };
  struct Running {
    ScheduledRequest request;
    Holding holding;
    uint32_t text = 0;  // history and prompt
    uint32_t produced = 0;
    bool begun = false;
  };

  uint32_t history_of(const ScheduledRequest& request) const;
  void admit(BatchStep& step);
  bool admit_one(const ScheduledRequest& request, BatchStep& step);
  bool make_room(uint32_t tokens, bool wants_sequence, uint64_t spared_session, uint32_t spared_prefix);
  bool evict_one(uint64_t spared_session, uint32_t spared_prefix, bool wants_sequence);
  uint32_t find_prefix(uint64_t key, uint32_t tokens) const;
  void keep_prefix(Running& running, BatchStep& step);
  void release(Holding& holding);
  uint32_t take_sequence();
  uint32_t plan_decode(BatchStep& step);
  void plan_prompts(BatchStep& step, uint32_t budget);
  void add_work(Running& running, uint32_t tokens, BatchStep& step);
  void retire();
  void end(Running& running);

  SchedulerLimits limits_;
  std::deque<ScheduledRequest> queue_;
  std::vector<Running> running_;  // in order of admission
  std::unordered_map<uint64_t, Session> sessions_;
  std::vector<Prefix> prefixes_;
  std::vector<uint32_t> free_sequences_;  // the smallest at the back
  std::vector<uint32_t> cleared_;         // for the next step
  uint32_t used_ = 0;
  uint64_t ticks_ = 0;
  uint64_t evictions_ = 0;
};

}  // namespace assay
