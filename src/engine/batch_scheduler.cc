// The bookkeeping of continuous batching.
#include "engine/batch_scheduler.h"

#include <algorithm>

namespace assay {
namespace {

// Beyond these a load generator has gone astray.
constexpr size_t kMaxQueued = 1 << 20;
constexpr size_t kMaxSessions = 1 << 20;

}  // namespace

BatchScheduler::BatchScheduler(const SchedulerLimits& limits) : limits_(limits), prefixes_(limits.prefixes) {
  CHECK(limits.running > 0 && limits.sequences >= limits.running && limits.batch_tokens >= limits.running);
  for (uint32_t sequence = limits.sequences; sequence-- > 0;) free_sequences_.push_back(sequence);
}

uint32_t BatchScheduler::history_tokens(uint64_t session) const {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? 0 : found->second.history;
}

uint32_t BatchScheduler::history_of(const ScheduledRequest& request) const {
  return request.session == 0 ? 0 : history_tokens(request.session);
}

BatchScheduler::Submitted BatchScheduler::submit(const ScheduledRequest& asked) {
  CHECK(asked.prompt_tokens > 0 && asked.output_tokens > 0);
  ScheduledRequest request = asked;
  // A prompt that is nothing but prefix has no token left to work on: it is not shared.
  if (request.prefix_tokens >= request.prompt_tokens || prefixes_.empty()) request.prefix_key = 0;
  if (request.prefix_key == 0) request.prefix_tokens = 0;
  const uint64_t total = uint64_t{history_of(request)} + request.prompt_tokens + request.output_tokens;
  if (total > std::min(limits_.kv_tokens, limits_.context_tokens)) return Submitted::kTooLong;
  if (queue_.size() >= kMaxQueued) return Submitted::kRefused;
  if (request.session != 0) {
    if (!sessions_.contains(request.session) && sessions_.size() >= kMaxSessions) return Submitted::kRefused;
    Session& session = sessions_[request.session];
    if (session.busy) return Submitted::kRefused;
    session.busy = true;
    if (session.history == 0) {
      session.prefix_key = request.prefix_key;
      session.prefix_tokens = request.prefix_tokens;
    }
  }
  queue_.push_back(request);
  return Submitted::kQueued;
}

bool BatchScheduler::cancel(RequestId id) {
  const auto forget_turn = [this](const ScheduledRequest& request) {
    const auto session = sessions_.find(request.session);
    if (session == sessions_.end()) return;
    session->second.busy = false;
    if (request.last_turn) {
      release(session->second.holding);
      sessions_.erase(session);
    }
  };
  const auto queued = std::find_if(queue_.begin(), queue_.end(), [id](const auto& r) { return r.id == id; });
  if (queued != queue_.end()) {
    forget_turn(*queued);
    queue_.erase(queued);
    return true;
  }
  const auto running =
      std::find_if(running_.begin(), running_.end(), [id](const Running& r) { return r.request.id == id; });
  if (running == running_.end()) return false;
  release(running->holding);
  forget_turn(running->request);
  running_.erase(running);
  return true;
}

void BatchScheduler::next_step(BatchStep& step) {
  step.attached.clear();
  step.work.clear();
  step.kept.clear();
  admit(step);
  step.cleared.assign(cleared_.begin(), cleared_.end());
  cleared_.clear();
  const uint32_t decoding = plan_decode(step);
  plan_prompts(step, limits_.batch_tokens - decoding);
  retire();
}

// ---- room in the cache ----

uint32_t BatchScheduler::take_sequence() {
  CHECK(!free_sequences_.empty());
  const uint32_t sequence = free_sequences_.back();
  free_sequences_.pop_back();
  return sequence;
}

void BatchScheduler::release(Holding& holding) {
  if (holding.sequence != kNone) {
    // Low numbers are given out first: engines work over sequences up to the highest in use.
    const auto place = std::lower_bound(free_sequences_.begin(), free_sequences_.end(), holding.sequence,
                                        [](uint32_t a, uint32_t b) { return a > b; });
    free_sequences_.insert(place, holding.sequence);
    cleared_.push_back(holding.sequence);
  }
  if (holding.prefix != kNone) {
    prefixes_[holding.prefix].users -= 1;
    prefixes_[holding.prefix].last_used = ++ticks_;
  }
  used_ -= holding.charge;
  holding = Holding{};
}

uint32_t BatchScheduler::find_prefix(uint64_t key, uint32_t tokens) const {
  if (key == 0) return kNone;
  for (uint32_t i = 0; i < prefixes_.size(); ++i) {
    if (prefixes_[i].key == key && prefixes_[i].tokens == tokens) return i;
  }
  return kNone;
}

// Drops the idle session or unused prefix that has rested longest; prefixes do not help when a sequence is
// wanted.
bool BatchScheduler::evict_one(uint64_t spared_session, uint32_t spared_prefix, bool wants_sequence) {
  uint64_t oldest = UINT64_MAX;
  Session* session = nullptr;
  uint32_t prefix = kNone;
  for (auto& [id, candidate] : sessions_) {
    if (id == spared_session || candidate.holding.sequence == kNone || candidate.last_used >= oldest)
      continue;
    oldest = candidate.last_used;
    session = &candidate;
  }
  for (uint32_t i = 0; i < prefixes_.size() && !wants_sequence; ++i) {
    const Prefix& candidate = prefixes_[i];
    if (i == spared_prefix || candidate.key == 0 || candidate.users > 0 || candidate.last_used >= oldest)
      continue;
    oldest = candidate.last_used;
    prefix = i;
  }
  if (prefix != kNone) {
    used_ -= prefixes_[prefix].tokens;
    prefixes_[prefix] = Prefix{};
    cleared_.push_back(limits_.sequences + prefix);
  } else if (session != nullptr) {
    release(session->holding);
  } else {
    return false;
  }
  ++evictions_;
  return true;
}

bool BatchScheduler::make_room(uint32_t tokens, bool wants_sequence, uint64_t spared_session,
                               uint32_t spared_prefix) {
  while (wants_sequence && free_sequences_.empty()) {
    if (!evict_one(spared_session, spared_prefix, true)) return false;
  }
  while (used_ + tokens > limits_.kv_tokens) {
    if (!evict_one(spared_session, spared_prefix, false)) return false;
  }
  return true;
}

// ---- admission ----

void BatchScheduler::admit(BatchStep& step) {
  // Strictly in order: a long request at the head waits for room, and nobody overtakes it into starvation.
  while (!queue_.empty() && running_.size() < limits_.running && admit_one(queue_.front(), step))
    queue_.pop_front();
}

bool BatchScheduler::admit_one(const ScheduledRequest& request, BatchStep& step) {
  const auto found = sessions_.find(request.session);
  Session* session = request.session != 0 && found != sessions_.end() ? &found->second : nullptr;
  const uint32_t text = (session != nullptr ? session->history : 0) + request.prompt_tokens;
  Holding holding = session != nullptr ? session->holding : Holding{};
  const bool resident = holding.sequence != kNone;
  const uint64_t key = session != nullptr ? session->prefix_key : request.prefix_key;
  const uint32_t prefix_tokens = session != nullptr ? session->prefix_tokens : request.prefix_tokens;
  const uint32_t prefix = resident ? holding.prefix : find_prefix(key, prefix_tokens);
  const uint32_t shared = prefix == kNone ? 0 : prefixes_[prefix].tokens;
  const uint32_t charge = text + request.output_tokens - shared;
  if (!make_room(charge - holding.charge, !resident, request.session, prefix)) return false;

  used_ += charge - holding.charge;
  holding.charge = charge;
  if (!resident) {
    holding.sequence = take_sequence();
    if (prefix != kNone) {
      holding.prefix = prefix;
      holding.cached = shared;
      prefixes_[prefix].users += 1;
      prefixes_[prefix].last_used = ++ticks_;
      step.attached.push_back({limits_.sequences + prefix, holding.sequence, shared});
    }
  }
  if (session != nullptr) session->holding = Holding{};  // while the turn runs, its room is the request's
  running_.push_back({request, holding, text, 0, false});
  return true;
}

// ---- the step ----

void BatchScheduler::add_work(Running& running, uint32_t tokens, BatchStep& step) {
  StepWork work{running.request.id, running.holding.sequence, running.holding.cached, tokens};
  running.holding.cached += tokens;
  work.begins = !running.begun;
  running.begun = true;
  work.samples = running.holding.cached >= running.text;
  if (work.samples) running.produced += 1;
  work.ends = running.produced == running.request.output_tokens;
  step.work.push_back(work);
}

uint32_t BatchScheduler::plan_decode(BatchStep& step) {
  uint32_t tokens = 0;
  for (Running& running : running_) {
    if (running.produced == 0) continue;
    add_work(running, 1, step);
    ++tokens;
  }
  return tokens;
}

void BatchScheduler::plan_prompts(BatchStep& step, uint32_t budget) {
  for (Running& running : running_) {
    if (budget == 0) return;
    if (running.produced > 0) continue;
    const uint32_t before = running.holding.cached;
    const uint32_t tokens = std::min(budget, running.text - before);
    budget -= tokens;
    add_work(running, tokens, step);
    const Session* session = running.request.session != 0 ? &sessions_.at(running.request.session) : nullptr;
    const uint32_t prefix = session != nullptr ? session->prefix_tokens : running.request.prefix_tokens;
    if (prefix > 0 && before < prefix && running.holding.cached >= prefix) keep_prefix(running, step);
  }
}

// The request has just worked on a prefix that nobody keeps: from now on it is kept, and its cells are
// counted once.
void BatchScheduler::keep_prefix(Running& running, BatchStep& step) {
  const Session* session = running.request.session != 0 ? &sessions_.at(running.request.session) : nullptr;
  const uint64_t key = session != nullptr ? session->prefix_key : running.request.prefix_key;
  const uint32_t tokens = session != nullptr ? session->prefix_tokens : running.request.prefix_tokens;
  if (key == 0 || running.holding.prefix != kNone || find_prefix(key, tokens) != kNone) return;
  const auto slot =
      std::find_if(prefixes_.begin(), prefixes_.end(), [](const Prefix& p) { return p.key == 0; });
  if (slot == prefixes_.end()) return;
  *slot = Prefix{key, tokens, 1, ++ticks_};
  running.holding.prefix = static_cast<uint32_t>(slot - prefixes_.begin());
  running.holding.charge -= tokens;
  step.kept.push_back({running.holding.sequence, limits_.sequences + running.holding.prefix, tokens});
}

// Requests that got their last token leave; what they held is free, or rests with their session.
void BatchScheduler::retire() {
  for (Running& running : running_) {
    if (running.produced == running.request.output_tokens) end(running);
  }
  std::erase_if(running_, [](const Running& r) { return r.produced == r.request.output_tokens; });
}

void BatchScheduler::end(Running& running) {
  const auto session = sessions_.find(running.request.session);
  if (running.request.session == 0 || running.request.last_turn || session == sessions_.end()) {
    release(running.holding);
    if (session != sessions_.end()) sessions_.erase(session);
    return;
  }
  Session& kept = session->second;
  kept.busy = false;
  kept.history = running.text + running.request.output_tokens;
  kept.last_used = ++ticks_;
  kept.holding =
      running.holding;  // its charge still counts the last token of output, which the next turn works on
}

}  // namespace assay
