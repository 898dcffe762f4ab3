// The scheduler's promises: the budget holds, room is never promised twice, nobody starves, sessions and
// prefixes are kept while there is room, and whatever the order of events, every token is worked on exactly
// where it belongs.
#include "engine/batch_scheduler.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

namespace assay::batch_scheduler_test {

using Submitted = BatchScheduler::Submitted;

SchedulerLimits limits(uint32_t kv, uint32_t running, uint32_t batch) {
  return {.kv_tokens = kv,
          .context_tokens = kv,
          .running = running,
          .sequences = 2 * running,
          .prefixes = 2,
          .batch_tokens = batch};
}

ScheduledRequest request(RequestId id, uint32_t prompt, uint32_t output) {
  return {.id = id, .prompt_tokens = prompt, .output_tokens = output};
}

ScheduledRequest turn(RequestId id, uint64_t session, uint32_t prompt, uint32_t output, bool last = false) {
  return {.id = id, .session = session, .last_turn = last, .prompt_tokens = prompt, .output_tokens = output};
}

uint32_t tokens_of(const BatchStep& step) {
  uint32_t sum = 0;
  for (const StepWork& work : step.work) sum += work.tokens;
  return sum;
}

// Steps until all is done; returns how many tokens of prompt and output each request had worked on.
std::map<RequestId, uint32_t> run_out(BatchScheduler& scheduler) {
  std::map<RequestId, uint32_t> tokens;
  BatchStep step;
  for (int i = 0; !scheduler.idle(); ++i) {
    if (i > 100'000) {
      ADD_FAILURE() << "never idle";
      break;
    }
    scheduler.next_step(step);
    for (const StepWork& work : step.work) tokens[work.id] += work.tokens;
  }
  return tokens;
}

TEST(BatchScheduler, CutsALongPromptIntoChunksAndThenDecodes) {
  BatchScheduler scheduler(limits(1000, 4, 64));
  ASSERT_EQ(scheduler.submit(request(1, 100, 3)), Submitted::kQueued);
  BatchStep step;
  scheduler.next_step(step);
  ASSERT_EQ(step.work.size(), 1U);
  EXPECT_EQ(step.work[0].tokens, 64U);
  EXPECT_TRUE(step.work[0].begins);
  EXPECT_FALSE(step.work[0].samples);
  scheduler.next_step(step);
  EXPECT_EQ(step.work[0].first_position, 64U);
  EXPECT_EQ(step.work[0].tokens, 36U);
  EXPECT_TRUE(step.work[0].samples) << "the end of the prompt yields the first token of output";
  EXPECT_FALSE(step.work[0].begins);
  scheduler.next_step(step);
  EXPECT_EQ(step.work[0].first_position, 100U);
  EXPECT_EQ(step.work[0].tokens, 1U);
  EXPECT_FALSE(step.work[0].ends);
  scheduler.next_step(step);
  EXPECT_TRUE(step.work[0].ends);
  EXPECT_TRUE(scheduler.idle());
  EXPECT_EQ(scheduler.kv_tokens_used(), 0U);
}

TEST(BatchScheduler, DecodesFirstAndGivesPromptsWhatIsLeft) {
  BatchScheduler scheduler(limits(10'000, 4, 10));
  scheduler.submit(request(1, 5, 50));
  scheduler.submit(request(2, 5, 50));
  BatchStep step;
  scheduler.next_step(step);  // both prompts
  scheduler.submit(request(3, 100, 1));
  scheduler.next_step(step);
  ASSERT_EQ(step.work.size(), 3U);
  EXPECT_EQ(step.work[0].id, 1U);
  EXPECT_EQ(step.work[1].id, 2U);
  EXPECT_EQ(step.work[2].id, 3U);
  EXPECT_EQ(step.work[2].tokens, 8U);
}

TEST(BatchScheduler, ALongRequestAtTheHeadIsNotOvertaken) {
  BatchScheduler scheduler(limits(100, 4, 64));
  scheduler.submit(request(1, 50, 10));
  scheduler.submit(request(2, 80, 10));  // does not fit beside 1
  scheduler.submit(request(3, 1, 1));    // would
  std::vector<RequestId> begun;
  BatchStep step;
  while (!scheduler.idle()) {
    scheduler.next_step(step);
    for (const StepWork& work : step.work) {
      if (work.begins) begun.push_back(work.id);
    }
  }
  EXPECT_THAT(begun, testing::ElementsAre(1, 2, 3));
}

TEST(BatchScheduler, RefusesWhatCanNeverFit) {
  BatchScheduler scheduler(limits(100, 4, 64));
  EXPECT_EQ(scheduler.submit(request(1, 90, 11)), Submitted::kTooLong);
  EXPECT_EQ(scheduler.submit(request(2, UINT32_MAX, UINT32_MAX)), Submitted::kTooLong);
  EXPECT_EQ(scheduler.submit(request(3, 90, 10)), Submitted::kQueued);
  EXPECT_EQ(run_out(scheduler)[3], 99U) << "the last token of output is not worked on any more";
}

TEST(BatchScheduler, ASessionKeepsItsTokensBetweenTurns) {
  BatchScheduler scheduler(limits(1000, 4, 64));
  scheduler.submit(turn(1, 7, 20, 5));
  run_out(scheduler);
  EXPECT_EQ(scheduler.history_tokens(7), 25U);
  EXPECT_EQ(scheduler.kv_tokens_used(), 25U);
  scheduler.submit(turn(2, 7, 10, 5, true));
  BatchStep step;
  scheduler.next_step(step);
  EXPECT_TRUE(step.cleared.empty());
  EXPECT_EQ(step.work[0].first_position, 24U) << "the last token of the answer has not been worked on yet";
  EXPECT_EQ(step.work[0].tokens, 11U);
  run_out(scheduler);
  EXPECT_EQ(scheduler.history_tokens(7), 0U) << "the last turn ends the session";
  EXPECT_EQ(scheduler.kv_tokens_used(), 0U);
}

TEST(BatchScheduler, TheSessionThatRestedLongestMakesRoomAndIsWorkedOnAgain) {
  BatchScheduler scheduler(limits(100, 4, 64));
  scheduler.submit(turn(1, 7, 30, 5));
  run_out(scheduler);
  scheduler.submit(turn(2, 8, 30, 5));
  run_out(scheduler);
  scheduler.submit(request(3, 40, 5));  // 35 + 35 + 45 > 100
  run_out(scheduler);
  EXPECT_EQ(scheduler.evictions(), 1U);
  scheduler.submit(turn(4, 8, 10, 5, true));
  EXPECT_EQ(run_out(scheduler)[4], 1U + 10U + 4U) << "session 8 was still there";
  scheduler.submit(turn(5, 7, 10, 5, true));
  EXPECT_EQ(run_out(scheduler)[5], 35U + 10U + 4U) << "session 7 has to be read again";
}

TEST(BatchScheduler, RefusesATurnBeforeTheOneBeforeHasEnded) {
  BatchScheduler scheduler(limits(100, 4, 64));
  scheduler.submit(turn(1, 7, 30, 5));
  EXPECT_EQ(scheduler.submit(turn(2, 7, 10, 5)), Submitted::kRefused);
}

TEST(BatchScheduler, ASharedPrefixIsWorkedOnOnce) {
  BatchScheduler scheduler(limits(1000, 4, 512));
  ScheduledRequest first = request(1, 60, 2), second = request(2, 70, 2);
  first.prefix_key = second.prefix_key = 5;
  first.prefix_tokens = second.prefix_tokens = 50;
  scheduler.submit(first);
  BatchStep step;
  scheduler.next_step(step);
  ASSERT_EQ(step.kept.size(), 1U);
  EXPECT_EQ(step.kept[0].tokens, 50U);
  EXPECT_EQ(scheduler.kv_tokens_used(), 62U) << "kept, but counted once";
  scheduler.submit(second);
  scheduler.next_step(step);
  ASSERT_EQ(step.attached.size(), 1U);
  EXPECT_EQ(step.work.back().first_position, 50U);
  EXPECT_EQ(step.work.back().tokens, 20U);
  run_out(scheduler);
  EXPECT_EQ(scheduler.kv_tokens_used(), 50U) << "the prefix rests";
}

TEST(BatchScheduler, APromptThatIsAllPrefixIsNotShared) {
  BatchScheduler scheduler(limits(1000, 4, 512));
  for (RequestId id = 1; id <= 2; ++id) {
    ScheduledRequest all_prefix = request(id, 50, 2);
    all_prefix.prefix_key = 5;
    all_prefix.prefix_tokens = 50;
    scheduler.submit(all_prefix);
    EXPECT_EQ(run_out(scheduler)[id], 51U);
  }
  EXPECT_EQ(scheduler.kv_tokens_used(), 0U);
}

TEST(BatchScheduler, CancellingFreesTheRoomAndForgetsTheTurn) {
  BatchScheduler scheduler(limits(100, 1, 64));
  scheduler.submit(turn(1, 7, 30, 5));
  run_out(scheduler);
  scheduler.submit(turn(2, 7, 30, 5));
  scheduler.submit(request(3, 10, 5));
  BatchStep step;
  scheduler.next_step(step);
  EXPECT_TRUE(scheduler.cancel(2)) << "under way";
  EXPECT_TRUE(scheduler.cancel(3)) << "queued";
  EXPECT_FALSE(scheduler.cancel(3));
  EXPECT_FALSE(scheduler.cancel(99));
  EXPECT_TRUE(scheduler.idle());
  EXPECT_EQ(scheduler.kv_tokens_used(), 0U);
  EXPECT_EQ(scheduler.history_tokens(7), 35U) << "as if turn 2 had never been";
  scheduler.submit(turn(4, 7, 10, 5, true));
  EXPECT_EQ(run_out(scheduler)[4], 35U + 10U + 4U);
}

// ---- whatever happens ----
// A KV cache that knows which request's text every position of every sequence belongs to, and what is shared.
class CacheModel {
 public:
  // A cell is a position of a text; texts that share a prefix share its cells.
  void clear(uint32_t sequence) { cells_[sequence].clear(); }
  void copy(const SequenceCopy& c) {
    ASSERT_GE(cells_[c.from].size(), c.tokens);
    ASSERT_TRUE(cells_[c.to].empty()) << "copied over something";
    cells_[c.to].assign(cells_[c.from].begin(), cells_[c.from].begin() + c.tokens);
  }
  void work(const StepWork& w) {
    ASSERT_EQ(cells_[w.sequence].size(), w.first_position)
        << "a gap or an overlap in sequence " << w.sequence;
    for (uint32_t i = 0; i < w.tokens; ++i) cells_[w.sequence].push_back(next_cell_++);
  }
  size_t cells_in_use() const {
    std::set<uint64_t> cells;
    for (const auto& [sequence, list] : cells_) cells.insert(list.begin(), list.end());
    return cells.size();
  }

 private:
  std::map<uint32_t, std::vector<uint64_t>> cells_;
  uint64_t next_cell_ = 0;
};

struct Expectation {
  uint32_t output_tokens = 0;
  uint32_t sampled = 0;
  uint64_t session = 0;
  bool ended = false;
};

// One life of a scheduler under random requests, sessions, prefixes and cancellations.
void live(uint64_t seed) {
  Random random(seed, random_stream("batch_scheduler_test"), 0);
  SchedulerLimits bounds =
      limits(static_cast<uint32_t>(60 + random.below(200)), static_cast<uint32_t>(1 + random.below(6)),
             static_cast<uint32_t>(8 + random.below(40)));
  BatchScheduler scheduler(bounds);
  CacheModel cache;
  std::map<RequestId, Expectation> expected;
  std::vector<RequestId> order, begun;
  std::set<RequestId> cancelled;
  std::set<uint64_t> busy, finished;
  RequestId next_id = 1;
  BatchStep step;
  for (int i = 0; i < 400 || !scheduler.idle(); ++i) {
    ASSERT_LT(i, 20'000) << "starved";
    if (i < 300 && random.below(3) == 0) {
      ScheduledRequest r = request(next_id++, static_cast<uint32_t>(1 + random.below(60)),
                                   static_cast<uint32_t>(1 + random.below(12)));
      const uint64_t session = random.below(6);
      if (session > 0 && !busy.contains(session)) {
        r.session = session;
        r.last_turn = random.below(4) == 0;
      }
      if (random.below(2) == 0) {
        r.prefix_key = 1 + random.below(3);
        r.prefix_tokens = static_cast<uint32_t>(10 * r.prefix_key);
      }
      if (scheduler.submit(r) == Submitted::kQueued) {
        expected[r.id] = {r.output_tokens, 0, r.session, false};
        order.push_back(r.id);
        if (r.session != 0) busy.insert(r.session);
      }
    }
    if (!order.empty() && random.below(25) == 0) {
      const RequestId id = order[random.below(order.size())];
      if (scheduler.cancel(id)) {
        cancelled.insert(id);
        busy.erase(expected[id].session);
      }
    }
    if (scheduler.idle()) continue;
    scheduler.next_step(step);
    ASSERT_FALSE(step.work.empty()) << "a step without work";
    ASSERT_LE(tokens_of(step), bounds.batch_tokens);
    for (const uint32_t sequence : step.cleared) cache.clear(sequence);
    for (const SequenceCopy& c : step.attached) cache.copy(c);
    for (const StepWork& work : step.work) {
      cache.work(work);
      if (work.begins) begun.push_back(work.id);
      Expectation& e = expected.at(work.id);
      ASSERT_FALSE(e.ended || cancelled.contains(work.id)) << "work on what has ended";
      e.sampled += work.samples;
      if (work.ends) {
        e.ended = true;
        busy.erase(e.session);
      }
    }
    for (const SequenceCopy& c : step.kept) cache.copy(c);
    ASSERT_LE(cache.cells_in_use(), bounds.kv_tokens) << "the cache would be full";
    ASSERT_LE(scheduler.kv_tokens_used(), bounds.kv_tokens);
    ASSERT_LE(scheduler.running(), bounds.running);
  }
  for (const auto& [id, e] : expected) {
    if (cancelled.contains(id)) continue;
    EXPECT_TRUE(e.ended) << "request " << id << " never ended";
    EXPECT_EQ(e.sampled, e.output_tokens);
  }
  EXPECT_TRUE(std::is_sorted(begun.begin(), begun.end())) << "first come, first served";
}

TEST(BatchScheduler, WhateverHappensEveryTokenLiesWhereItBelongs) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    live(seed);
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace assay::batch_scheduler_test
