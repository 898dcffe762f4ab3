// The serving loop.
#include "engine/server.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/sampler.h"

namespace assay {

Server::Server(LoadedModel& model, const SchedulerLimits& limits, ServingChannel& channel, Clock& clock)
    : model_(model),
      channel_(channel),
      clock_(clock),
      scheduler_(limits),
      prompts_(model.vocab()),
      batch_(llama_batch_init(static_cast<int32_t>(limits.batch_tokens), 0, 1)) {}

Server::~Server() {
  llama_batch_free(batch_);
}

Result<void> Server::run() {
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<Order> orders, channel_.take(scheduler_.idle()));
    for (const Order& order : orders) {
      if (!take_order(order)) return {};
    }
    if (!scheduler_.idle()) RETURN_IF_ERROR(run_step());
    RETURN_IF_ERROR(channel_.send_events(events_));
    events_.clear();
  }
}

// ---- orders ----

bool Server::take_order(const Order& order) {
  if (std::holds_alternative<StopOrder>(order)) return false;
  if (const auto* request = std::get_if<Request>(&order)) take_request(*request);
  if (const auto* cancel = std::get_if<CancelOrder>(&order)) take_cancel(cancel->id);
  return true;
}

void Server::take_request(const Request& request) {
  if (request.prompt_tokens == 0 || request.output_tokens == 0 || !prompts_.knows(request.corpus)) {
    return fail_request(request.id, FailureCause::kMalformed, "no prompt, no output or an unknown corpus");
  }
  if (work_.contains(request.id)) return;  // already under way: its events are the first one's
  ScheduledRequest scheduled{request.id, request.session, request.last_turn, request.prompt_tokens,
                             request.output_tokens};
  scheduled.prefix_key = prompts_.prefix_key(request).value_or(0);
  // Of a prompt that is shared as a whole all but one token: that one must be worked on.
  scheduled.prefix_tokens = std::min(request.prefix_tokens, request.prompt_tokens - 1);
  switch (scheduler_.submit(scheduled)) {
    case BatchScheduler::Submitted::kQueued:
      work_[request.id].request = request;
      return;
    case BatchScheduler::Submitted::kTooLong:
      return fail_request(
          request.id, FailureCause::kTooLong,
          fmt::format("{} tokens before it, {} of prompt and {} of output do not fit into the context",
                      scheduler_.history_tokens(request.session), request.prompt_tokens,
                      request.output_tokens));
    case BatchScheduler::Submitted::kRefused:
      return fail_request(request.id, FailureCause::kRefused,
                          "the session's turn before has not ended, or too many wait");
  }
}

void Server::take_cancel(RequestId id) {
  if (!scheduler_.cancel(id)) return;
  fail_request(id, FailureCause::kCancelled, "cancelled");
  abandon(id);
}

// A request whose logits say nothing has no answer: tokens picked from them would count as work well done.
void Server::give_up_wrong(const StepWork& part) {
  fail_request(part.id, FailureCause::kServerError,
               "the engine computed logits that say nothing: none is finite, or all are equal");
  if (part.ends) {
    Work& work = work_.at(part.id);
    work.text.push_back(0);  // the scheduler counts this token in the session's history
    end_work(part.id, work.request.session != 0 && !work.request.last_turn);
  } else {
    CHECK(scheduler_.cancel(part.id));
    abandon(part.id);
  }
}

// Forgets a request that the scheduler has dropped; its session goes back to where its last turn ended.
void Server::abandon(RequestId id) {
  Work& work = work_.at(id);
  const uint64_t session = work.request.session;
  const bool goes_on = session != 0 && !work.request.last_turn;
  // Work had begun: the history lies in its text, and the turn that is given up behind it.
  const bool has_history = work.history_tokens > 0;
  if (has_history) work.text.resize(work.history_tokens);
  end_work(id, goes_on && has_history);
  if (!goes_on) histories_.erase(session);
}

void Server::fail_request(RequestId id, FailureCause cause, std::string_view detail) {
  StreamEvent event{.request = id, .kind = StreamEventKind::kFailed, .cause = cause, .at = clock_.now()};
  event.detail = std::string(detail.substr(0, 200));
  events_.push_back(std::move(event));
}

// The text of a turn becomes the history of the next; that of anything else is forgotten.
void Server::end_work(RequestId id, bool keeps_text) {
  const auto found = work_.find(id);
  if (keeps_text) histories_[found->second.request.session] = std::move(found->second.text);
  work_.erase(found);
}

// ---- a step ----

Result<void> Server::run_step() {
  scheduler_.next_step(step_);
  apply_sequences();
  RETURN_IF_ERROR(fill_batch(clock_.now()));
  RETURN_IF_ERROR(model_.decode(batch_));
  std::vector<llama_token> picked(step_.work.size());
  pick_tokens(picked);
  report(picked, clock_.now());
  llama_memory_t memory = llama_get_memory(model_.context());
  for (const SequenceCopy& copy : step_.kept) {
    llama_memory_seq_cp(memory, static_cast<llama_seq_id>(copy.from), static_cast<llama_seq_id>(copy.to), 0,
                        static_cast<llama_pos>(copy.tokens));
  }
  return {};
}

void Server::apply_sequences() {
  llama_memory_t memory = llama_get_memory(model_.context());
  for (const uint32_t sequence : step_.cleared) {
    llama_memory_seq_rm(memory, static_cast<llama_seq_id>(sequence), -1, -1);
  }
  for (const SequenceCopy& copy : step_.attached) {
    llama_memory_seq_cp(memory, static_cast<llama_seq_id>(copy.from), static_cast<llama_seq_id>(copy.to), 0,
                        static_cast<llama_pos>(copy.tokens));
  }
}

Result<void> Server::begin_work(Work& work) {
  if (work.request.session != 0) {
    if (const auto history = histories_.find(work.request.session); history != histories_.end()) {
      work.text = std::move(history->second);
      histories_.erase(history);
    }
  }
  work.history_tokens = static_cast<uint32_t>(work.text.size());
  work.text.reserve(work.text.size() + work.request.prompt_tokens + work.request.output_tokens);
  return prompts_.append_prompt(work.request, work.text);
}

Result<void> Server::fill_batch(Nanos begin) {
  int32_t n = 0;
  for (const StepWork& part : step_.work) {
    Work& work = work_.at(part.id);
    if (part.begins) {
      RETURN_IF_ERROR(begin_work(work));
      events_.push_back({.request = part.id, .kind = StreamEventKind::kAdmitted, .at = begin});
    }
    CHECK(part.first_position + part.tokens <= work.text.size());
    for (uint32_t i = 0; i < part.tokens; ++i, ++n) {
      batch_.token[n] = work.text[part.first_position + i];
      batch_.pos[n] = static_cast<llama_pos>(part.first_position + i);
      batch_.n_seq_id[n] = 1;
      batch_.seq_id[n][0] = static_cast<llama_seq_id>(part.sequence);
      batch_.logits[n] = 0;
    }
    if (part.samples) batch_.logits[n - 1] = 1;
  }
  batch_.n_tokens = n;
  return {};
}

void Server::pick_tokens(std::vector<llama_token>& picked) {
  int32_t n = 0;
  for (size_t i = 0; i < step_.work.size(); ++i) {
    n += static_cast<int32_t>(step_.work[i].tokens);
    if (!step_.work[i].samples) continue;
    const float* logits = llama_get_logits_ith(model_.context(), n - 1);
    CHECK(logits != nullptr);
    picked[i] = greedy({logits, model_.vocabulary()}).value_or(LLAMA_TOKEN_NULL);
  }
  // Where no logits were read, the work may still be under way.
  llama_synchronize(model_.context());
}

void Server::report(const std::vector<llama_token>& picked, Nanos at) {
  for (size_t i = 0; i < step_.work.size(); ++i) {
    const StepWork& part = step_.work[i];
    if (!part.samples) continue;
    if (picked[i] == LLAMA_TOKEN_NULL) {
      give_up_wrong(part);
      continue;
    }
    Work& work = work_.at(part.id);
    work.text.push_back(picked[i]);
    work.output_tokens += 1;
    events_.push_back({.request = part.id, .kind = StreamEventKind::kContent, .at = at, .tokens = 1});
    if (!part.ends) continue;
    const auto prompt = static_cast<uint32_t>(work.text.size()) - work.output_tokens;
    events_.push_back({.request = part.id,
                       .kind = StreamEventKind::kDone,
                       .at = at,
                       .prompt_tokens = prompt,
                       .output_tokens = work.output_tokens});
    end_work(part.id, work.request.session != 0 && !work.request.last_turn);
  }
}

}  // namespace assay
