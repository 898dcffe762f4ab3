// The fake target's timing is exactly what its options say: first come first served, on a clock that only it
// moves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "target/target.h"

namespace assay::fake_test {

Request request(RequestId id, uint32_t prompt_tokens, uint32_t output_tokens) {
  return {.id = id, .corpus = "prose", .prompt_tokens = prompt_tokens, .output_tokens = output_tokens};
}

// Everything that comes until nothing is left to come.
std::vector<StreamEvent> drain(Target& target, size_t ends) {
  std::vector<StreamEvent> events;
  const auto ended = [](const StreamEvent& e) {
    return e.kind == StreamEventKind::kDone || e.kind == StreamEventKind::kFailed;
  };
  while (static_cast<size_t>(std::ranges::count_if(events, ended)) < ends) {
    if (!target.poll(kNever, events)) break;
  }
  return events;
}

std::vector<double> times_ms(const std::vector<StreamEvent>& events, RequestId id, StreamEventKind kind,
                             Nanos start) {
  std::vector<double> times;
  for (const StreamEvent& event : events) {
    if (event.request == id && event.kind == kind) times.push_back(milliseconds(event.at - start));
  }
  return times;
}

TEST(FakeTarget, AnswersARequestAfterItsPrefillATokenAtATime) {
  FakeClock clock;
  const Nanos start = clock.now();
  auto target = make_fake_target({.prefill_us_per_token = 200, .tpot_ms = 5}, clock);
  ASSERT_TRUE(target->open());
  ASSERT_TRUE(target->submit(request(1, 100, 3)));
  const auto events = drain(*target, 1);
  EXPECT_THAT(times_ms(events, 1, StreamEventKind::kSent, start), testing::ElementsAre(0));
  EXPECT_THAT(times_ms(events, 1, StreamEventKind::kAdmitted, start), testing::ElementsAre(0));
  EXPECT_THAT(times_ms(events, 1, StreamEventKind::kContent, start), testing::ElementsAre(25, 30, 35));
  EXPECT_EQ(events.back().kind, StreamEventKind::kDone);
  EXPECT_EQ(events.back().prompt_tokens, 100U);
  EXPECT_EQ(events.back().output_tokens, 3U);
  EXPECT_EQ(clock.now(), events.back().at);
  EXPECT_TRUE(target->close().clean);
}

TEST(FakeTarget, ServesInTheOrderOfArrivalWhenAllSequencesAreTaken) {
  FakeClock clock;
  const Nanos start = clock.now();
  auto target = make_fake_target({.sequences = 1, .prefill_us_per_token = 1000, .tpot_ms = 1}, clock);
  for (RequestId id : {1, 2, 3}) ASSERT_TRUE(target->submit(request(id, 10, 10)));
  const auto events = drain(*target, 3);
  EXPECT_THAT(times_ms(events, 2, StreamEventKind::kAdmitted, start), testing::ElementsAre(20));
  EXPECT_THAT(times_ms(events, 3, StreamEventKind::kAdmitted, start), testing::ElementsAre(40));
  EXPECT_THAT(times_ms(events, 3, StreamEventKind::kDone, start), testing::ElementsAre(60));
}

TEST(FakeTarget, KeepsItsScheduleHoweverLateItIsPolled) {
  FakeClock clock;
  const Nanos start = clock.now();
  auto target = make_fake_target({.sequences = 1, .prefill_us_per_token = 0, .tpot_ms = 1}, clock);
  for (RequestId id : {1, 2}) ASSERT_TRUE(target->submit(request(id, 10, 5)));
  clock.advance_to(start + nanos_from_seconds(3));
  const auto events = drain(*target, 2);
  EXPECT_THAT(times_ms(events, 1, StreamEventKind::kDone, start), testing::ElementsAre(5));
  EXPECT_THAT(times_ms(events, 2, StreamEventKind::kDone, start), testing::ElementsAre(10));
}

TEST(FakeTarget, MovesTheClockNoFurtherThanItIsTold) {
  FakeClock clock;
  const Nanos start = clock.now();
  auto target = make_fake_target({.prefill_us_per_token = 1000, .tpot_ms = 5}, clock);
  ASSERT_TRUE(target->submit(request(1, 100, 1)));
  std::vector<StreamEvent> events;
  ASSERT_TRUE(target->poll(start, events));  // what is there already
  ASSERT_TRUE(target->poll(start + nanos_from_ms(50), events));
  EXPECT_EQ(clock.now(), start + nanos_from_ms(50));
  EXPECT_TRUE(times_ms(events, 1, StreamEventKind::kContent, start).empty());
  ASSERT_TRUE(target->poll(start + nanos_from_ms(500), events));
  EXPECT_EQ(clock.now(), start + nanos_from_ms(105));
}

TEST(FakeTarget, CancelsWhatWaitsAndWhatRunsAndFreesTheSequence) {
  FakeClock clock;
  const Nanos start = clock.now();
  auto target = make_fake_target({.sequences = 1, .prefill_us_per_token = 1000, .tpot_ms = 1}, clock);
  for (RequestId id : {1, 2, 3}) ASSERT_TRUE(target->submit(request(id, 10, 10)));
  target->cancel(2);
  target->cancel(1);
  target->cancel(77);
  const auto events = drain(*target, 3);
  EXPECT_THAT(times_ms(events, 1, StreamEventKind::kFailed, start), testing::ElementsAre(0));
  EXPECT_THAT(times_ms(events, 2, StreamEventKind::kFailed, start), testing::ElementsAre(0));
  EXPECT_THAT(times_ms(events, 3, StreamEventKind::kDone, start), testing::ElementsAre(20));
}

TEST(FakeTarget, FailsEveryKthRequest) {
  FakeClock clock;
  auto target = make_fake_target({.fail_every = 3}, clock);
  for (RequestId id = 1; id <= 9; ++id) ASSERT_TRUE(target->submit(request(id, 10, 2)));
  const auto events = drain(*target, 9);
  std::vector<RequestId> failed;
  for (const StreamEvent& event : events) {
    if (event.kind != StreamEventKind::kFailed) continue;
    EXPECT_EQ(event.cause, FailureCause::kServerError);
    failed.push_back(event.request);
  }
  EXPECT_THAT(failed, testing::ElementsAre(3, 6, 9));
}

TEST(FakeTarget, IsLostAfterTheToldNumberOfRequests) {
  FakeClock clock;
  auto target = make_fake_target({.sequences = 1, .lost_after = 2}, clock);
  for (RequestId id = 1; id <= 3; ++id) ASSERT_TRUE(target->submit(request(id, 10, 2)));
  std::vector<StreamEvent> events;
  Result<void> polled;
  while (polled) polled = target->poll(kNever, events);
  EXPECT_THAT(polled.error().message(), testing::HasSubstr("lost after 2 requests"));
  EXPECT_EQ(std::ranges::count(events, StreamEventKind::kDone, &StreamEvent::kind), 2);
  EXPECT_FALSE(target->submit(request(4, 10, 2)));
  EXPECT_FALSE(target->close().clean);
}

}  // namespace assay::fake_test
