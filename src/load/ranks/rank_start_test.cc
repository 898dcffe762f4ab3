// The talk before a trial, between ranks that are threads of this process.
#include "load/ranks/rank_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace assay::rank_start_test {

using testing::HasSubstr;

// Where the messages of all ranks lie. leave() waits for every rank, as MPI_Finalize does.
class Exchange {
 public:
  explicit Exchange(uint32_t ranks) : ranks_(ranks), boxes_(ranks * ranks) {}

  void put(uint32_t from, uint32_t to, std::string_view message) {
    const std::lock_guard lock(mutex_);
    boxes_[from * ranks_ + to].emplace_back(message);
    changed_.notify_all();
  }
  std::string take(uint32_t from, uint32_t to) {
    std::unique_lock lock(mutex_);
    std::deque<std::string>& box = boxes_[from * ranks_ + to];
    changed_.wait(lock, [&] { return !box.empty(); });
    std::string message = std::move(box.front());
    box.pop_front();
    return message;
  }
  void leave() {
    std::unique_lock lock(mutex_);
    ++left_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return left_ == ranks_; });
  }
  uint32_t ranks() const { return ranks_; }

 private:
  uint32_t ranks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::deque<std::string>> boxes_;
  uint32_t left_ = 0;
};

class ThreadLink final : public RankLink {
 public:
  ThreadLink(Exchange& exchange, uint32_t rank) : exchange_(exchange), rank_(rank) {}

  uint32_t rank() const override { return rank_; }
  uint32_t ranks() const override { return exchange_.ranks(); }
  Result<void> send(uint32_t to, std::string_view message, Nanos) override {
    exchange_.put(rank_, to, message);
    return {};
  }
  Result<std::string> receive(uint32_t from, Nanos) override { return exchange_.take(from, rank_); }
  Result<void> leave() override {
    exchange_.leave();
    return {};
  }

 private:
  Exchange& exchange_;
  uint32_t rank_;
};

// The system's clock, `ahead` of what it says.
class ClockAhead final : public Clock {
 public:
  explicit ClockAhead(Nanos ahead) : ahead_(ahead) {}
  Nanos now() const override { return system_.now() + ahead_; }
  void sleep_until(Nanos instant) override { system_.sleep_until(instant - ahead_); }
  Nanos cpu_time() const override { return system_.cpu_time(); }
  std::string wall_time() const override { return system_.wall_time(); }
  Nanos wall_offset() const override { return system_.wall_offset() - ahead_; }

 private:
  SystemClock system_;
  Nanos ahead_;
};

constexpr Nanos kAheadPerRank = nanos_from_seconds(1000);

// Runs `rank_does` as each of three ranks, and waits for all of them.
void as_three_ranks(const std::function<void(RankStart&, uint32_t rank)>& rank_does) {
  Exchange exchange(3);
  std::vector<std::thread> threads;
  for (uint32_t rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadLink link(exchange, rank);
      ClockAhead clock(kAheadPerRank * rank);
      RankStart start(link, clock, "run", {"a", "b", "c"});
      rank_does(start, rank);
      EXPECT_TRUE(start.is_over());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(RankStart, AllStartAtOneInstantOfTheirOwnClocks) {
  AgreedStart starts[3];
  double rates[3] = {7.5};
  as_three_ranks([&](RankStart& start, uint32_t rank) {
    if (start.leads()) {
      ASSERT_TRUE(start.tell({.rate_per_s = 7.5, .left_s = 20, .first_id = 33}));
    } else {
      const auto agreed = start.hear();
      ASSERT_TRUE(agreed);
      EXPECT_EQ(agreed->first_id, 33U);
      rates[rank] = agreed->rate_per_s;
    }
    const auto agreed = start.agree();
    ASSERT_TRUE(agreed) << agreed.error().message();
    starts[rank] = *agreed;
  });
  for (uint32_t rank = 0; rank < 3; ++rank) {
    const AgreedStart& start = starts[rank];
    EXPECT_EQ(rates[rank], 7.5);
    EXPECT_EQ(start.at_rank_0, starts[0].at);
    EXPECT_EQ(start.at, start.at_rank_0 + start.clock.offset);
    EXPECT_LE(start.clock.offset - start.clock.error, kAheadPerRank * rank);
    EXPECT_GE(start.clock.offset + start.clock.error, kAheadPerRank * rank);
  }
}

// Rank 0's link to one other, which says that it is ready and then nothing more.
class StoppedPeer final : public RankLink {
 public:
  uint32_t rank() const override { return 0; }
  uint32_t ranks() const override { return 2; }
  Result<void> send(uint32_t, std::string_view message, Nanos) override {
    sent.emplace_back(message);
    return {};
  }
  Result<std::string> receive(uint32_t, Nanos) override {
    if (std::exchange(is_ready_, true)) return fail("no message came in time");
    return Json::object().set("kind", "ready").dump();
  }
  Result<void> leave() override { return ++left, Result<void>(); }

  std::vector<std::string> sent;
  int left = 0;

 private:
  bool is_ready_ = false;
};

// The end of the talk would wait for it, without limit.
TEST(RankStart, APeerThatStopsInTheClockTalkIsNotWaitedFor) {
  StoppedPeer link;
  SystemClock clock;
  RankStart start(link, clock, "run", {"a", "b"});
  const auto agreed = start.agree();
  ASSERT_FALSE(agreed);
  EXPECT_THAT(agreed.error().what, HasSubstr("rank 1 on b"));
  EXPECT_TRUE(start.is_over());
  EXPECT_EQ(link.left, 0);
}

TEST(RankStart, NobodyStartsWhereOneCannot) {
  as_three_ranks([&](RankStart& start, uint32_t rank) {
    if (start.leads()) {
      ASSERT_TRUE(start.tell({}));
    } else {
      ASSERT_TRUE(start.hear());
    }
    if (rank == 2) return start.give_up("no route to the server");
    const auto agreed = start.agree();
    ASSERT_FALSE(agreed);
    EXPECT_THAT(agreed.error().what, HasSubstr("rank 2 on c: no route to the server"));
  });
}

// The others then had nothing to say, and rank 0 nothing to hear.
TEST(RankStart, DoesNotHangWhereRank0GivesUpFirst) {
  as_three_ranks([&](RankStart& start, uint32_t) {
    if (start.leads()) return start.give_up("the target refused");
    const auto agreed = start.hear();
    ASSERT_FALSE(agreed);
    EXPECT_THAT(agreed.error().what, HasSubstr("the target refused"));
    start.give_up(agreed.error().what);
  });
}

}  // namespace assay::rank_start_test
