// The load generator's loop: submit what is due, wait for the target until the next is, write down what came.
#include "load/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <queue>
#include <utility>

#include "load/chunk_store.h"

namespace assay {
namespace {

// The schedule begins this long after the start, so that the first request is not late and no instant is
// zero.
constexpr Nanos kLead = nanos_from_ms(1);
constexpr Nanos kTick = nanos_from_ms(100);
// A step of the slowest devices takes seconds, and they look at their orders between steps.
constexpr Nanos kCancelTimeout = nanos_from_seconds(30);
constexpr uint32_t kSpareChunks = 8;  // per request: a target may split tokens or add an empty one
constexpr size_t kRecent = 32;

// The last few values of a quantity, for "now".
class Recent {
 public:
  void add(double value) { values_[count_++ % kRecent] = value; }
  std::optional<double> median() const {
    const size_t n = std::min(count_, kRecent);
    if (n == 0) return std::nullopt;
    std::array<double, kRecent> sorted = values_;
    std::nth_element(sorted.begin(), sorted.begin() + n / 2, sorted.begin() + n);
    return sorted[n / 2];
  }

 private:
  std::array<double, kRecent> values_{};
  size_t count_ = 0;
};

struct Due {
  Nanos at{};  // relative to the start
  uint32_t row = 0;
  bool operator>(const Due& other) const { return at != other.at ? at > other.at : row > other.row; }
};

// A request that has been drawn and has not ended.
struct Pending {
  PlannedRequest planned;
  uint32_t loop = 0;  // whose user sends it, from 1; 0: none
  bool is_over = false;
  bool is_broken_off = false;  // cancelled because the plan said so
};

class Driver {
 public:
  Driver(Target& target, Clock& clock, PlanSource& plan, const LoadOptions& options)
      : target_(target), clock_(clock), plan_(plan), options_(options), send_until_(options.max_duration) {
    CHECK(plan_.size() < UINT32_MAX);
    id_step_ = plan_.id_step();
    result_.planned = plan_.size();
    result_.rows.reserve(plan_.size());  // address space: what is not written costs nothing
    events_.reserve(4096);
    draw_ahead();
    const std::vector<uint32_t>& users = plan_.loop_users();
    open_loops_ = users.size();
    loop_is_over_.resize(users.size());
    for (size_t loop = 0; loop < users.size(); ++loop) {
      for (uint32_t user = 0; user < users[loop]; ++user)
        begin_next_of_loop(static_cast<uint32_t>(loop) + 1, kLead + kBetweenAtOnce * int64_t{user});
    }
  }

  LoadResult run() {
    const Nanos cpu_before = clock_.cpu_time();
    if (options_.start_at > Nanos(0)) clock_.sleep_until(options_.start_at);
    start_ = received_ = result_.start = options_.start_at > Nanos(0) ? options_.start_at : clock_.now();
    next_tick_ = kTick;
    while (!is_over()) {
      submit_due();
      break_off_due();
      if (is_over()) break;
      wait();
      if (now() >= next_tick_) tick();
    }
    return finish(cpu_before);
  }

 private:
  Nanos now() const { return clock_.now() - start_; }

  // Takes the next session of `loop` from the plan: the row of its first turn, or nothing if there is none
  // left.
  std::optional<uint32_t> draw(uint32_t loop) {
    drawn_.clear();
    if (!plan_.next(loop, drawn_)) return std::nullopt;
    const auto first = static_cast<uint32_t>(result_.rows.size());
    if (first == 0) first_id_ = drawn_.front().request.id;
    for (const PlannedRequest& planned : drawn_) {
      const Request& request = planned.request;
      CHECK(request.id == first_id_ + id_step_ * result_.rows.size());
      result_.rows.push_back({.id = request.id,
                              .class_index = request.class_index,
                              .turn = request.turn,
                              .session = request.session,
                              .prompt_tokens = request.prompt_tokens,
                              .asked_tokens = request.output_tokens,
                              .server = request.server});
      pending_.push_back({planned, loop});
    }
    waiting_turns_ += drawn_.size() - 1;
    return first;
  }

  // The next arrival is always known.
  void draw_ahead() {
    const std::optional<uint32_t> row = draw(0);
    next_arrival_.reset();
    if (row) next_arrival_ = Due{pending(*row).planned.offset + kLead, *row};
  }

  // Of a row that is not over.
  Pending& pending(uint32_t row) { return pending_[row - first_pending_]; }

  bool has_next_turn(uint32_t row) {
    return row + 1 < result_.rows.size() && pending(row + 1).planned.previous == result_.rows[row].id;
  }

  void drop_what_is_over() {
    while (!pending_.empty() && pending_.front().is_over) {
      pending_.pop_front();
      ++first_pending_;
    }
  }

  std::optional<uint32_t> row_of(RequestId id) const {
    const RequestId row = (id - first_id_) / id_step_;
    if (id < first_id_ || row >= result_.rows.size() || result_.rows[row].id != id) return std::nullopt;
    return static_cast<uint32_t>(row);
  }

  // The next scheduled request, or nothing: all are sent, or time is up.
  std::optional<Due> next_due() const {
    std::optional<Due> due = next_arrival_;
    if (!turns_.empty() && (!due || *due > turns_.front())) due = turns_.front();
    if (due && due->at > send_until_) return std::nullopt;
    return due;
  }

  bool is_over() const { return result_.lost || result_.is_interrupted || (in_flight_ == 0 && !next_due()); }

  void submit_due() {
    for (std::optional<Due> due = next_due(); due && due->at <= now(); due = next_due()) {
      if (!turns_.empty() && turns_.front().row == due->row) {
        std::ranges::pop_heap(turns_, std::greater{});
        turns_.pop_back();
        submit(*due);
      } else {
        submit(*due);
        draw_ahead();
      }
      if (result_.lost) return;
    }
  }

  void submit(Due due) {
    RequestRow& row = result_.rows[due.row];
    const PlannedRequest& planned = pending(due.row).planned;
    const bool is_complete = planned.prefix.tree == nullptr;
    const Request completed = is_complete ? Request() : complete_request(planned);
    row.scheduled = due.at;
    const Request& request = is_complete ? planned.request : completed;
    row.first_chunk = chunks_.take(request.output_tokens + kSpareChunks);
    row.dispatched = now();
    if (Result<void> sent = target_.submit(request); !sent) {
      row.dispatched = Nanos(0);
      result_.lost = std::move(sent).error();
      return;
    }
    ++sent_;
    ++in_flight_;
    drain_from_ = row.dispatched;
    lag_max_ = std::max(lag_max_, row.dispatched - row.scheduled);
    if (request.cancel_after > Nanos(0)) break_offs_.push({due.at + request.cancel_after, due.row});
  }

  // Requests whose user has waited long enough, as planned.
  void break_off_due() {
    for (; !break_offs_.empty() && break_offs_.top().at <= now(); break_offs_.pop())
      break_off(break_offs_.top().row);
  }

  void break_off(uint32_t row) {
    if (!is_out(result_.rows[row]) || pending(row).is_broken_off) return;
    pending(row).is_broken_off = true;
    target_.cancel(result_.rows[row].id);
  }

  void wait() {
    const std::optional<Due> due = next_due();
    Nanos until = next_tick_;
    if (!break_offs_.empty()) until = std::min(until, break_offs_.top().at);
    if (due) {
      until = std::min(until, due->at);
    } else {
      if (now() >= send_until_) withdraw_waiting();
      if (now() >= drain_deadline()) cancel_the_rest();
    }
    if (Result<void> polled = target_.poll(start_ + until, events_); !polled) {
      result_.lost = std::move(polled).error();
    }
    received_ = std::max(clock_.now(), start_ + Nanos(1));
    for (StreamEvent& event : events_) take(event);
    events_.clear();
  }

  // Answers are awaited that other requests follow.
  bool is_more_to_come() const { return waiting_turns_ > 0 || open_loops_ > 0; }

  // The drain begins with the last request that will be sent, or the end that showed that none follows; while
  // more is to come, when time is up.
  Nanos drain_deadline() const {
    if (is_more_to_come() && send_until_ == kNever) return kNever;
    return (is_more_to_come() ? std::max(drain_from_, send_until_) : drain_from_) + options_.drain_timeout;
  }

  // What waits in the target for a connection when nothing is to be sent any more never was a request to it.
  // Whether there was any.
  bool withdraw_waiting() {
    const std::vector<RequestId> ids = target_.withdraw_waiting();
    const bool was_more_to_come = is_more_to_come();
    for (const RequestId id : ids) {
      const std::optional<uint32_t> index = row_of(id);
      CHECK(index && is_out(result_.rows[*index]));
      RequestRow& row = result_.rows[*index];
      chunks_.give_back(row.first_chunk);
      row.scheduled = row.dispatched = Nanos(0);
      pending(*index).is_over = true;
      ++result_.withdrawn;
      drop_turns_after(*index);
      --sent_;
      --in_flight_;
    }
    if (was_more_to_come && !is_more_to_come()) drain_from_ = std::max(drain_from_, now());
    drop_what_is_over();
    return !ids.empty();
  }

  // Cancelled requests still answer with kFailed; a target that does not is lost.
  void cancel_the_rest() {
    if (!was_cancelled_) {
      if (!options_.waiting_fails) withdraw_waiting();
      was_cancelled_ = true;
      cancelled_at_ = now();
      for (const RequestRow& row : result_.rows) {
        if (is_out(row)) target_.cancel(row.id);
      }
    } else if (now() >= cancelled_at_ + kCancelTimeout) {
      result_.is_hung = true;
      result_.lost = Error{fmt::format("the target hung: {} did not even answer the cancellation within {}",
                                       counted(static_cast<int64_t>(in_flight_), "request"),
                                       format_duration(seconds(kCancelTimeout))),
                           "", ""};
    }
  }

  static bool is_out(const RequestRow& row) { return row.dispatched.count != 0 && row.end.count == 0; }

  void take(StreamEvent& event) {
    const std::optional<uint32_t> found = row_of(event.request);
    if (!found || !is_out(result_.rows[*found])) {
      ++result_.stray_events;
      return;
    }
    const uint32_t index = *found;
    RequestRow& row = result_.rows[index];
    // A worker's stamps are foreign: they lie between the start and now, whatever it says.
    const Nanos at = std::clamp(event.at, start_ + Nanos(1), received_) - start_;
    switch (event.kind) {
      case StreamEventKind::kSent:
        row.sent = at;
        break;
      case StreamEventKind::kAdmitted:
        row.admitted = at;
        break;
      case StreamEventKind::kContent:
      case StreamEventKind::kReasoning:
        take_chunks(index, pending(index).planned.request, event, at);
        break;
      case StreamEventKind::kDone:
        if (event.prompt_tokens > 0) row.prompt_tokens = event.prompt_tokens;
        row.is_output_told = event.output_tokens > 0;
        if (row.is_output_told) row.output_tokens = event.output_tokens;
        row.server_prompt = event.server_prompt;
        row.server_tpot = event.server_tpot;
        if (row.first.count == 0) {
          end_request(row, FailureCause::kTruncated, at, "it ended without any output");
          schedule_what_follows(index, row.failure, at);
          break;
        }
        end_request(row, FailureCause::kNone, at);
        schedule_what_follows(index, row.failure, at);
        break;
      case StreamEventKind::kFailed: {
        const bool is_cancelled = event.cause == FailureCause::kCancelled;
        const FailureCause cause = is_cancelled && pending(index).is_broken_off
                                       ? FailureCause::kCancelledByPlan
                                   : is_cancelled && was_cancelled_     ? FailureCause::kTimeout
                                   : event.cause == FailureCause::kNone ? FailureCause::kServerError
                                                                        : event.cause;
        end_request(row, cause, at, std::move(event.detail));
        schedule_what_follows(index, cause, at);
        break;
      }
    }
  }

  void take_chunks(uint32_t index, const Request& request, const StreamEvent& event, Nanos at) {
    RequestRow& row = result_.rows[index];
    if (row.first.count == 0) row.first = at;
    if (row.first_output.count == 0 && event.kind == StreamEventKind::kContent) row.first_output = at;
    row.last = at;
    row.output_tokens += event.tokens * event.chunks;
    const uint32_t room = request.output_tokens + kSpareChunks - row.chunks;
    const uint32_t kept = std::min(event.chunks, room);
    result_.dropped_chunks += event.chunks - kept;
    const ChunkStore::Place place = row.first_chunk + row.chunks;
    const auto tokens = static_cast<uint16_t>(std::min<uint32_t>(event.tokens, UINT16_MAX));
    std::fill_n(chunks_.at_ns(place), kept, at.count);
    std::fill_n(chunks_.tokens(place), kept, tokens);
    row.chunks += kept;
    if (request.cancel_after_chunks > 0 && row.chunks >= request.cancel_after_chunks) break_off(index);
  }

  void end_request(RequestRow& row, FailureCause cause, Nanos at, std::string detail = {}) {
    std::string& example = result_.failure_examples[static_cast<size_t>(cause)];
    if (cause != FailureCause::kNone && example.empty()) example = std::move(detail);
    row.end = at;
    row.failure = cause;
    --in_flight_;
    ++ended_;
    result_.duration = std::max(result_.duration, at);
    if (cause == FailureCause::kCancelledByPlan) return;
    if (cause != FailureCause::kNone) {
      ++failed_;
    } else if (row.first.count != 0) {
      ttft_ms_.add(milliseconds(row.first - row.scheduled));
      if (row.output_tokens > 1) tpot_ms_.add(milliseconds(row.last - row.first) / (row.output_tokens - 1));
    }
  }

  // What waits for the end of this request: the session's next turn, or else the next session of the same
  // user. A session that failed is over; its user goes on.
  void schedule_what_follows(uint32_t row, FailureCause cause, Nanos at) {
    // After the cancellation nothing more is sent: an answer may cross it on its way.
    if (was_cancelled_) return;
    pending(row).is_over = true;
    const bool was_more_to_come = is_more_to_come();
    if (cause == FailureCause::kNone && has_next_turn(row)) {
      push_turn({at + pending(row + 1).planned.offset, row + 1});
      --waiting_turns_;
    } else {
      uint64_t& unsent = cause == FailureCause::kCancelledByPlan ? result_.turns_after_break_off
                                                                 : result_.turns_after_failure;
      unsent += drop_turns_after(row);
      begin_next_of_loop(pending(row).loop, at);
    }
    if (was_more_to_come && !is_more_to_come()) drain_from_ = std::max(drain_from_, at);
    drop_what_is_over();
  }

  size_t drop_turns_after(uint32_t row) {
    size_t turns = 0;
    for (uint32_t turn = row; has_next_turn(turn); ++turn, ++turns) pending(turn + 1).is_over = true;
    waiting_turns_ -= turns;
    return turns;
  }

  void begin_next_of_loop(uint32_t loop, Nanos at) {
    if (loop == 0) return;
    const std::optional<uint32_t> next = draw(loop);
    if (next) {
      push_turn({at + pending(*next).planned.offset, *next});
    } else if (!std::exchange(loop_is_over_[loop - 1], uint8_t{1})) {
      --open_loops_;
    }
  }

  void push_turn(Due due) {
    turns_.push_back(due);
    std::ranges::push_heap(turns_, std::greater{});
  }

  void tick() {
    const Nanos at = now();
    next_tick_ = at + kTick;
    if (options_.interrupted && options_.interrupted()) result_.is_interrupted = true;
    const bool has_more = next_due() || is_more_to_come();
    if (!result_.is_stopped && options_.stopped && options_.stopped() && (withdraw_waiting() || has_more)) {
      result_.is_stopped = true;
      send_until_ = std::min(send_until_, at);
    }
    if (!options_.progress) return;
    ended_at_.push_back({at, ended_});
    while (ended_at_.size() > 2 && ended_at_[1].first + nanos_from_seconds(5) < at) ended_at_.pop_front();
    const auto [since, before] = ended_at_.front();
    LoadProgress progress;
    progress.elapsed_s = seconds(at);
    progress.is_stopping = result_.is_stopped;
    progress.planned = result_.planned;
    progress.sent = sent_;
    progress.ended = ended_;
    progress.failed = failed_;
    progress.in_flight = in_flight_;
    progress.fraction =
        result_.planned == 0 ? 1 : static_cast<double>(ended_) / static_cast<double>(result_.planned);
    if (at > since) progress.rate_per_s = static_cast<double>(ended_ - before) / seconds(at - since);
    progress.ttft_ms_now = ttft_ms_.median();
    progress.tpot_ms_now = tpot_ms_.median();
    progress.dispatch_lag_ms_max = milliseconds(lag_max_);
    options_.progress(progress);
  }

  LoadResult finish(Nanos cpu_before) {
    if (result_.lost || result_.is_interrupted) fail_the_rest();
    result_.cpu_time = clock_.cpu_time() - cpu_before;
    result_.wall_offset = clock_.wall_offset();
    compact();
    return std::move(result_);
  }

  // What was out, and what was due when the target went, was attempted and failed.
  void fail_the_rest() {
    const Nanos at = std::max(now(), Nanos(1));
    const FailureCause cause = result_.lost ? FailureCause::kTargetLost : FailureCause::kCancelled;
    for (RequestRow& row : result_.rows) {
      if (row.scheduled.count == 0 || row.end.count != 0) continue;
      if (row.dispatched.count == 0) ++in_flight_;  // end_request takes it off again
      end_request(row, cause, at);
    }
  }

  // Drops the rows of requests that never came due and lays the chunks of the others behind one another.
  void compact() {
    std::erase_if(result_.rows, [](const RequestRow& row) { return row.scheduled.count == 0; });
    size_t total = 0;
    for (const RequestRow& row : result_.rows) total += row.chunks;
    result_.chunk_at_ns.reserve(total);
    result_.chunk_tokens.reserve(total);
    for (RequestRow& row : result_.rows) {
      const ChunkStore::Place place = std::exchange(row.first_chunk, result_.chunk_at_ns.size());
      const int64_t* at_ns = chunks_.at_ns(place);
      const uint16_t* tokens = chunks_.tokens(place);
      result_.chunk_at_ns.insert(result_.chunk_at_ns.end(), at_ns, at_ns + row.chunks);
      result_.chunk_tokens.insert(result_.chunk_tokens.end(), tokens, tokens + row.chunks);
      chunks_.give_back(place);
      if (row.turn == 0) result_.last_arrival = std::max(result_.last_arrival, row.scheduled);
    }
  }

  Target& target_;
  Clock& clock_;
  PlanSource& plan_;
  const LoadOptions& options_;
  Nanos send_until_;
  LoadResult result_;
  ChunkStore chunks_;

  RequestId first_id_ = 0;             // of row 0
  uint32_t id_step_ = 1;               // from one row's to the next one's
  std::deque<Pending> pending_;        // by row − first_pending_
  uint32_t first_pending_ = 0;         // the rows before it are over
  std::vector<PlannedRequest> drawn_;  // of the session that is being drawn
  std::optional<Due> next_arrival_;
  size_t waiting_turns_ = 0;  // drawn, and waiting for the answer to the turn before
  size_t open_loops_ = 0;     // whose users have sessions left
  std::vector<uint8_t> loop_is_over_;
  std::vector<Due> turns_;                                                 // heap: the earliest first
  std::priority_queue<Due, std::vector<Due>, std::greater<>> break_offs_;  // by their users, as planned
  std::vector<StreamEvent> events_;

  Nanos start_{}, received_{}, next_tick_{}, drain_from_{}, cancelled_at_{}, lag_max_{};
  bool was_cancelled_ = false;
  size_t sent_ = 0, ended_ = 0, failed_ = 0, in_flight_ = 0;
  Recent ttft_ms_, tpot_ms_;
  std::deque<std::pair<Nanos, size_t>> ended_at_;
};

}  // namespace

LoadResult drive_load(Target& target, Clock& clock, PlanSource& plan, const LoadOptions& options) {
  return Driver(target, clock, plan, options).run();
}

}  // namespace assay
