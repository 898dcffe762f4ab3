// The process boundary: what a worker that serves, dies, hangs, leaks or talks nonsense looks like from
// assay's side. The worker is the fake engine, whose every event is due at a known instant; one test serves a
// real model.
#include <gmock/gmock.h>

#include <map>

#include "target/target.h"

namespace assay::device_test {

using testing::HasSubstr;

WorkerCommand fake_worker() {
  return {.command = {ASSAY_FAKE_ENGINE_WORKER}, .environment = {}};
}

DeviceTargetOptions fake_device(const std::string& model, int sequences = 4) {
  DeviceTargetOptions options;
  options.name = "Fake0";
  options.worker = fake_worker();
  options.job = Json::object().set("job", "serve").set("device", "Fake0").set("model", model);
  options.job.set("sequences", sequences).set("context_tokens", 1000).set("tpot_ms", 0.5);
  options.job.set("prefill_us_per_token", 10);
  return options;
}

Request request(RequestId id, uint32_t prompt, uint32_t output) {
  Request r;
  r.id = id;
  r.corpus = "prose";
  r.prompt_tokens = prompt;
  r.output_tokens = output;
  return r;
}

// All events until `ended` requests have ended or the target is lost; far longer than anything here takes.
Result<void> collect(Target& target, Clock& clock, size_t ended, std::vector<StreamEvent>& events) {
  const Nanos deadline = clock.now() + nanos_from_seconds(120);
  size_t done = 0;
  for (size_t seen = 0; done < ended && clock.now() < deadline;) {
    RETURN_IF_ERROR(target.poll(clock.now() + nanos_from_ms(50), events));
    for (; seen < events.size(); ++seen) {
      done += events[seen].kind == StreamEventKind::kDone || events[seen].kind == StreamEventKind::kFailed;
    }
  }
  return {};
}

std::vector<StreamEvent> of(const std::vector<StreamEvent>& events, RequestId id) {
  std::vector<StreamEvent> mine;
  for (const StreamEvent& event : events) {
    if (event.request == id) mine.push_back(event);
  }
  return mine;
}

TEST(DeviceTarget, ServesRequestsAtTheEnginesOwnPace) {
  SystemClock clock;
  auto target = make_device_target(fake_device("model.gguf"), clock);
  const auto info = target->open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->model, "fake");
  EXPECT_EQ(info->sequences, 4U);
  EXPECT_EQ(info->subject.kind, "device");
  EXPECT_EQ(info->conditions["threads"].as_integer(), 1);
  for (RequestId id = 1; id <= 3; ++id) ASSERT_TRUE(target->submit(request(id, 100, 5)));
  std::vector<StreamEvent> events;
  ASSERT_TRUE(collect(*target, clock, 3, events));
  for (RequestId id = 1; id <= 3; ++id) {
    const std::vector<StreamEvent> mine = of(events, id);
    ASSERT_EQ(mine.size(), 8U);
    EXPECT_EQ(mine[0].kind, StreamEventKind::kSent);
    EXPECT_EQ(mine[1].kind, StreamEventKind::kAdmitted);
    EXPECT_EQ(mine[2].at - mine[1].at, nanos_from_ms(1)) << "100 tokens of prompt at 10 us";
    for (size_t i = 3; i < 7; ++i) EXPECT_EQ(mine[i].at - mine[i - 1].at, nanos_from_ms(0.5));
    EXPECT_EQ(mine[7].kind, StreamEventKind::kDone);
    EXPECT_EQ(mine[7].prompt_tokens, 100U);
    EXPECT_EQ(mine[7].output_tokens, 5U);
  }
  const TargetEnd end = target->close();
  EXPECT_TRUE(end.clean) << end.words;
  EXPECT_GT(end.peak_memory_bytes, 0);
}

TEST(DeviceTarget, ManyRequestsAtOnceAllCountAsSent) {
  SystemClock clock;
  DeviceTargetOptions options = fake_device("model.gguf", 64);
  options.job.set("tpot_ms", 0.01).set("prefill_us_per_token", 1);
  auto target = make_device_target(options, clock);
  ASSERT_TRUE(target->open());
  constexpr RequestId kMany = 3000;  // more than a socket holds
  for (RequestId id = 1; id <= kMany; ++id) ASSERT_TRUE(target->submit(request(id, 10, 2)));
  std::vector<StreamEvent> events;
  ASSERT_TRUE(collect(*target, clock, kMany, events));
  std::map<StreamEventKind, size_t> counts;
  for (const StreamEvent& event : events) counts[event.kind] += 1;
  EXPECT_EQ(counts[StreamEventKind::kSent], kMany);
  EXPECT_EQ(counts[StreamEventKind::kContent], 2 * kMany);
  EXPECT_EQ(counts[StreamEventKind::kDone], kMany);
}

TEST(DeviceTarget, ACancelledRequestFailsAndTheOthersGoOn) {
  SystemClock clock;
  auto target = make_device_target(fake_device("model.gguf"), clock);
  ASSERT_TRUE(target->open());
  ASSERT_TRUE(target->submit(request(1, 10, 900)));
  ASSERT_TRUE(target->submit(request(2, 10, 3)));
  target->cancel(1);
  target->cancel(77);
  std::vector<StreamEvent> events;
  ASSERT_TRUE(collect(*target, clock, 2, events));
  const StreamEvent failed = of(events, 1).back();
  EXPECT_EQ(failed.kind, StreamEventKind::kFailed);
  EXPECT_EQ(failed.cause, FailureCause::kCancelled);
  EXPECT_EQ(of(events, 2).back().kind, StreamEventKind::kDone);
  EXPECT_TRUE(target->close().clean);
}

TEST(DeviceTarget, WhatIsTooLongFailsAlone) {
  SystemClock clock;
  auto target = make_device_target(fake_device("model.gguf"), clock);
  ASSERT_TRUE(target->open());
  ASSERT_TRUE(target->submit(request(1, 1000, 1)));
  std::vector<StreamEvent> events;
  ASSERT_TRUE(collect(*target, clock, 1, events));
  EXPECT_EQ(events.back().cause, FailureCause::kTooLong);
}

// What open says of a worker that does not come up.
std::string opening_error(DeviceTargetOptions options) {
  SystemClock clock;
  auto target = make_device_target(std::move(options), clock);
  const auto info = target->open();
  EXPECT_FALSE(info);
  if (info) return "";
  EXPECT_FALSE(target->close().clean);
  return info.error().message();
}

TEST(DeviceTarget, SaysWhyAWorkerDidNotComeUp) {
  EXPECT_THAT(
      opening_error(fake_device("fake:die-on-load")),
      testing::AllOf(HasSubstr("the worker died: exit code 3"), HasSubstr("the model is not what it seems")));
  DeviceTargetOptions slow = fake_device("fake:slow-load");
  slow.open_timeout = nanos_from_ms(200);
  EXPECT_THAT(opening_error(slow), HasSubstr("the worker hung: it was not ready after 200 ms"));
  DeviceTargetOptions missing = fake_device("model.gguf");
  missing.worker.command = {"/nonexistent/assay"};
  EXPECT_THAT(opening_error(missing), HasSubstr("cannot execute"));
}

// How a target that was opened and given two requests is lost.
struct Loss {
  std::string message;
  size_t content = 0;
  TargetEnd end;
};

Loss lose(DeviceTargetOptions options) {
  SystemClock clock;
  Loss loss;
  auto target = make_device_target(std::move(options), clock);
  const auto info = target->open();
  if (!info) return {.message = "open: " + info.error().message()};
  std::vector<StreamEvent> events;
  for (RequestId id = 1; id <= 2; ++id) EXPECT_TRUE(target->submit(request(id, 10, 500)));
  const Result<void> result = collect(*target, clock, 2, events);
  loss.message = result ? "" : result.error().message();
  for (const StreamEvent& event : events) loss.content += event.kind == StreamEventKind::kContent;
  EXPECT_FALSE(target->submit(request(3, 1, 1))) << "a lost target stays lost";
  EXPECT_FALSE(target->poll(clock.now(), events));
  loss.end = target->close();
  EXPECT_FALSE(loss.end.clean);
  return loss;
}

TEST(DeviceTarget, AWorkerThatAbortsIsAnErrorWithItsLastWords) {
  const Loss loss = lose(fake_device("fake:abort-after=7"));
  EXPECT_THAT(loss.message, HasSubstr("the worker died: signal 6 (Aborted)"));
  EXPECT_EQ(loss.end.cause, EndCause::kDied);
  EXPECT_THAT(loss.message, HasSubstr("all_is_well"));
  EXPECT_LE(loss.content, 7U);
  EXPECT_THAT(loss.end.diagnostics, HasSubstr("GGML_ASSERT"));
}

TEST(DeviceTarget, AWorkerThatFallsSilentIsKilled) {
  DeviceTargetOptions options = fake_device("fake:hang-after=7");
  options.silence_timeout = nanos_from_ms(300);
  const Loss loss = lose(options);
  EXPECT_THAT(loss.message, HasSubstr("the worker hung: no event for 300 ms with 2 requests outstanding"));
  EXPECT_EQ(loss.end.cause, EndCause::kHung);
  EXPECT_EQ(loss.content, 7U);
}

TEST(DeviceTarget, AWorkerThatTalksNonsenseIsKilled) {
  const Loss loss = lose(fake_device("fake:garbage"));
  EXPECT_THAT(loss.message, HasSubstr("the worker talks nonsense"));
  EXPECT_EQ(loss.end.cause, EndCause::kNonsense);
  EXPECT_EQ(loss.content, 0U);
}

TEST(DeviceTarget, AWorkerThatLeaksIsKilled) {
  DeviceTargetOptions options = fake_device("fake:leak");
  options.memory_limit_bytes = int64_t{300} << 20;
  const Loss loss = lose(options);
  EXPECT_THAT(loss.message, HasSubstr("above its limit of 300 MiB"));
  EXPECT_EQ(loss.end.cause, EndCause::kMemory);
}

// ---- jobs ----

WorkerJobEnd run_job(Json job, std::vector<Json>& lines, Nanos silence = nanos_from_seconds(60),
                     const std::function<bool()>& interrupted = {}) {
  SystemClock clock;
  return run_worker_job(
      fake_worker(), job, clock, clock.now() + nanos_from_seconds(60), silence,
      [&lines](const Json& line) { lines.push_back(line); }, interrupted);
}

TEST(WorkerJob, HandsOnEveryLine) {
  std::vector<Json> lines;
  const auto end = run_job(Json::object().set("job", "devices").set("measure_speed", true), lines);
  EXPECT_TRUE(end.done()) << end.error.message();
  EXPECT_TRUE(end.end.clean());
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[2]["device"]["name"].as_string(), "Fake0");
}

TEST(WorkerJob, TellsHowAWorkerDiedAfterWhatItHadSaid) {
  std::vector<Json> lines;
  const auto end = run_job(Json::object().set("job", "roofline").set("model", "fake:abort-after=2"), lines);
  EXPECT_EQ(end.cause, EndCause::kDied);
  EXPECT_EQ(end.end.words(), "signal 6 (Aborted)");
  EXPECT_THAT(end.error.what, HasSubstr("signal 6 (Aborted)"));
  EXPECT_EQ(lines.size(), 2U);
  EXPECT_THAT(end.diagnostics, HasSubstr("all_is_well"));
}

TEST(WorkerJob, EndsAWorkerThatHangsTalksNonsenseOrIsNotWantedAnyMore) {
  std::vector<Json> lines;
  const auto hung = run_job(Json::object().set("job", "speed").set("model", "fake:hang-after=1"), lines,
                            nanos_from_ms(300));
  EXPECT_EQ(hung.cause, EndCause::kHung);
  EXPECT_THAT(hung.error.what, HasSubstr("the worker hung"));
  const auto garbage = run_job(Json::object().set("job", "speed").set("model", "fake:garbage"), lines);
  EXPECT_EQ(garbage.cause, EndCause::kNonsense);
  EXPECT_THAT(garbage.error.what, HasSubstr("no JSON object"));
  const auto interrupted = run_job(Json::object().set("job", "speed").set("model", "fake:slow-load"), lines,
                                   nanos_from_seconds(60), [] { return true; });
  EXPECT_EQ(interrupted.cause, EndCause::kInterrupted);
  EXPECT_THAT(interrupted.error.what, HasSubstr("interrupted"));
}

// ---- the real engine ----

TEST(DeviceTarget, ServesARealModelOnTheCpu) {
  if (!file_exists(ASSAY_TEST_MODEL)) GTEST_SKIP() << "no model in " << ASSAY_TEST_MODEL;
  SystemClock clock;
  DeviceTargetOptions options;
  options.name = "CPU";
  options.worker = {.command = {ASSAY_ENGINE_WORKER}, .environment = {}};
  options.job = Json::object().set("job", "serve").set("device", "CPU").set("model", ASSAY_TEST_MODEL);
  options.job.set("sequences", 3).set("context_tokens", 256).set("batch_tokens", 16).set("threads", 1);
  auto target = make_device_target(options, clock);
  const auto info = target->open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->sequences, 3U);
  EXPECT_GT(info->subject.details["weights_bytes"].as_integer(), 90'000'000);
  std::vector<StreamEvent> events;
  for (RequestId id = 1; id <= 4; ++id) {
    Request r = request(id, 20, 3);
    r.prompt_seed = 1000 * id;
    r.prefix_tokens = 12;
    if (id == 4) r.session = 9, r.last_turn = false;
    ASSERT_TRUE(target->submit(r));
  }
  ASSERT_TRUE(target->submit(request(5, 300, 3)));
  ASSERT_TRUE(collect(*target, clock, 5, events));
  for (RequestId id = 1; id <= 4; ++id) {
    const std::vector<StreamEvent> mine = of(events, id);
    ASSERT_EQ(mine.size(), 6U) << "sent, admitted, three tokens, done";
    EXPECT_TRUE(
        std::is_sorted(mine.begin(), mine.end(), [](const auto& a, const auto& b) { return a.at < b.at; }));
    EXPECT_EQ(mine.back().output_tokens, 3U);
  }
  EXPECT_EQ(of(events, 5).back().cause, FailureCause::kTooLong);
  Request second = request(6, 10, 2);
  second.session = 9;
  second.turn = 1;
  ASSERT_TRUE(target->submit(second));
  ASSERT_TRUE(collect(*target, clock, 1, events = {}));
  EXPECT_EQ(events.back().prompt_tokens, 33U) << "the first turn and its answer stand before the second";
  EXPECT_TRUE(target->close().clean);
}

TEST(DeviceTarget, SaysWhatIsWrongWithABrokenModel) {
  SystemClock clock;
  DeviceTargetOptions options;
  options.name = "CPU";
  options.worker = {.command = {ASSAY_ENGINE_WORKER}, .environment = {}};
  options.job = Json::object().set("job", "serve").set("device", "CPU").set("model", ASSAY_ENGINE_WORKER);
  auto target = make_device_target(options, clock);
  const auto info = target->open();
  ASSERT_FALSE(info);
  EXPECT_THAT(info.error().what, HasSubstr("invalid magic"));
  EXPECT_EQ(info.error().where, ASSAY_ENGINE_WORKER);
}

}  // namespace assay::device_test
