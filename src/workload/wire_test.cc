// Frames: whatever is written reads back the same, in pieces of any size, and whatever is broken is refused.
#include <gtest/gtest.h>

#include "workload/workload.h"

namespace assay::wire_test {

Request some_request() {
  Request r;
  r.id = 42;
  r.class_index = 3;
  r.session = 40;
  r.turn = 2;
  r.last_turn = false;
  r.corpus = "code";
  r.prompt_seed = UINT64_MAX - 5;
  r.prefix_tokens = 7;
  r.prefix_seed = 99;
  r.prompt_tokens = 1000;
  r.output_tokens = 20;
  return r;
}

std::string payload_of(const std::string& bytes) {
  const Result<Frame> frame = next_frame(bytes);
  EXPECT_TRUE(frame);
  EXPECT_EQ(frame->total_bytes, bytes.size());
  return std::string(frame->payload);
}

TEST(Wire, ARequestSurvives) {
  std::string bytes;
  append_request_frame(some_request(), bytes);
  EXPECT_EQ(next_frame(bytes)->kind, FrameKind::kRequest);
  const Result<Request> r = parse_request(payload_of(bytes));
  ASSERT_TRUE(r) << r.error().message();
  const Request wanted = some_request();
  EXPECT_EQ(r->id, wanted.id);
  EXPECT_EQ(r->class_index, wanted.class_index);
  EXPECT_EQ(r->session, wanted.session);
  EXPECT_EQ(r->turn, wanted.turn);
  EXPECT_EQ(r->last_turn, wanted.last_turn);
  EXPECT_EQ(r->corpus, wanted.corpus);
  EXPECT_EQ(r->prompt_seed, wanted.prompt_seed);
  EXPECT_EQ(r->prefix_tokens, wanted.prefix_tokens);
  EXPECT_EQ(r->prefix_seed, wanted.prefix_seed);
  EXPECT_EQ(r->prompt_tokens, wanted.prompt_tokens);
  EXPECT_EQ(r->output_tokens, wanted.output_tokens);
}

TEST(Wire, TheStretchesOfAPrefixSurviveAndMustMakeItUp) {
  Request request = some_request();
  request.prefix_parts = {{UINT64_MAX, 3}, {5, 4}};
  const auto sent = [&] {
    std::string bytes;
    append_request_frame(request, bytes);
    return parse_request(payload_of(bytes));
  };
  ASSERT_TRUE(sent()) << sent().error().message();
  EXPECT_EQ(sent()->prefix_parts, request.prefix_parts);
  EXPECT_EQ(sent()->prompt_tokens, request.prompt_tokens);
  request.prefix_parts[0].tokens = 4;
  EXPECT_FALSE(sent());
  request.prefix_parts = {{1, 7}, {2, 0}};
  EXPECT_FALSE(sent());
}

TEST(Wire, EventsSurvive) {
  const std::vector<StreamEvent> events = {
      {1, StreamEventKind::kContent, FailureCause::kNone, Nanos(123456789012345), 1, 0, 0, ""},
      {2, StreamEventKind::kDone, FailureCause::kNone, Nanos(5), 0, 100, 20, ""},
      {3, StreamEventKind::kFailed, FailureCause::kTooLong, Nanos(-1), 0, 0, 0, "prompt of 9,000 tokens"}};
  std::string bytes;
  append_events_frame(events, bytes);
  std::vector<StreamEvent> again;
  ASSERT_TRUE(parse_events(payload_of(bytes), again));
  ASSERT_EQ(again.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(again[i].request, events[i].request);
    EXPECT_EQ(again[i].kind, events[i].kind);
    EXPECT_EQ(again[i].cause, events[i].cause);
    EXPECT_EQ(again[i].at, events[i].at);
    EXPECT_EQ(again[i].tokens, events[i].tokens);
    EXPECT_EQ(again[i].prompt_tokens, events[i].prompt_tokens);
    EXPECT_EQ(again[i].output_tokens, events[i].output_tokens);
    EXPECT_EQ(again[i].detail, events[i].detail);
  }
}

TEST(Wire, LongDetailsAreCutAndManyEventsTakeSeveralFrames) {
  const std::vector<StreamEvent> events(100'000, {1, StreamEventKind::kFailed, FailureCause::kTimeout,
                                                  Nanos(1), 0, 0, 0, std::string(300, 'x')});
  std::string bytes;
  append_events_frame(events, bytes);
  std::vector<StreamEvent> again;
  size_t frames = 0;
  for (std::string_view left = bytes; !left.empty(); ++frames) {
    const Result<Frame> frame = next_frame(left);
    ASSERT_TRUE(frame);
    ASSERT_TRUE(parse_events(frame->payload, again));
    left.remove_prefix(frame->total_bytes);
  }
  EXPECT_GT(frames, 1U);
  EXPECT_EQ(again.size(), events.size());
  EXPECT_EQ(again[0].detail, std::string(200, 'x'));
}

TEST(Wire, TheOtherFramesSurvive) {
  std::string bytes;
  append_cancel_frame(77, bytes);
  EXPECT_EQ(parse_cancel(payload_of(bytes)).value(), 77U);
  bytes.clear();
  append_ready_frame(Json::Object{{"model", "tiny"}}, bytes);
  EXPECT_EQ((*parse_ready(payload_of(bytes)))["model"].as_string(), "tiny");
  bytes.clear();
  const Error error{"no memory", "CPU", "Take a smaller model."};
  append_fatal_frame(error, bytes);
  EXPECT_EQ(parse_fatal(payload_of(bytes)), error);
  bytes.clear();
  append_stop_frame(bytes);
  EXPECT_EQ(next_frame(bytes)->kind, FrameKind::kStop);
}

TEST(Wire, FramesMayComeByteByByte) {
  std::string bytes;
  append_request_frame(some_request(), bytes);
  append_stop_frame(bytes);
  const size_t first = next_frame(bytes)->total_bytes;
  for (size_t length = 0; length < first; ++length) {
    const Result<Frame> frame = next_frame(std::string_view(bytes).substr(0, length));
    ASSERT_TRUE(frame) << length;
    EXPECT_EQ(frame->total_bytes, 0U) << length;
  }
  EXPECT_EQ(next_frame(std::string_view(bytes).substr(first))->kind, FrameKind::kStop);
}

TEST(Wire, WhatCannotBeAFrameIsRefused) {
  EXPECT_FALSE(next_frame("ggml_abort: something"));
  std::string bytes;
  append_stop_frame(bytes);
  std::string wrong_kind = bytes, too_long = bytes;
  wrong_kind[4] = 99;
  too_long[3] = 0x7f;
  EXPECT_FALSE(next_frame(wrong_kind));
  EXPECT_FALSE(next_frame(too_long));
}

TEST(Wire, WhatCannotBeARequestIsRefused) {
  std::string bytes;
  append_request_frame(some_request(), bytes);
  const std::string payload = payload_of(bytes);
  for (size_t length = 0; length < payload.size(); ++length)
    EXPECT_FALSE(parse_request(payload.substr(0, length)));
  EXPECT_FALSE(parse_request(payload + "x"));
  for (const auto& spoil : std::vector<void (*)(Request&)>{
           [](Request& r) { r.id = 0; }, [](Request& r) { r.prompt_tokens = 0; },
           [](Request& r) { r.output_tokens = 0; }, [](Request& r) { r.prefix_tokens = 2000; },
           [](Request& r) { r.prompt_tokens = UINT32_MAX; }, [](Request& r) { r.corpus = "poems"; }}) {
    Request request = some_request();
    spoil(request);
    bytes.clear();
    append_request_frame(request, bytes);
    EXPECT_FALSE(parse_request(payload_of(bytes)));
  }
}

TEST(Wire, WhatCannotBeEventsIsRefused) {
  std::string bytes;
  append_events_frame(
      std::vector<StreamEvent>{{1, StreamEventKind::kDone, FailureCause::kNone, Nanos(1), 0, 0, 0, "x"}},
      bytes);
  const std::string payload = payload_of(bytes);
  std::vector<StreamEvent> events;
  for (size_t length = 1; length < payload.size(); ++length)
    EXPECT_FALSE(parse_events(payload.substr(0, length), events));
  std::string wrong_kind = payload, wrong_cause = payload, long_detail = payload;
  wrong_kind[16] = 50;
  wrong_cause[17] = 50;
  long_detail[19] = 50;
  EXPECT_FALSE(parse_events(wrong_kind, events));
  EXPECT_FALSE(parse_events(wrong_cause, events));
  EXPECT_FALSE(parse_events(long_detail, events));
  EXPECT_TRUE(events.empty());
}

TEST(Wire, ABabblingWorkerStillGivesAnError) {
  EXPECT_FALSE(parse_ready("nonsense"));
  EXPECT_FALSE(parse_ready("[1]"));
  EXPECT_FALSE(parse_cancel("1234567"));
  EXPECT_FALSE(parse_fatal("\x01\x02").what.empty());
  EXPECT_EQ(parse_fatal(R"({"what":"a\u001b[2J"})").what, "a\\x1b[2J");
}

TEST(Wire, EveryFailureHasAName) {
  EXPECT_EQ(name_of(FailureCause::kNone), "none");
  EXPECT_EQ(name_of(FailureCause::kServerError), "server-error");
  EXPECT_EQ(name_of(static_cast<FailureCause>(200)), "unknown");
}

}  // namespace assay::wire_test
