// The endpoint target against a real server: llama.cpp's, with a small language model, over HTTP on the
// loopback address. What a scripted server cannot show: real chunks, real usage, real pauses between tokens,
// real refusals.
#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "target/target.h"

namespace assay {
namespace {

using ::testing::HasSubstr;

// Long enough for a machine whose cores are busy with other things.
constexpr Nanos kPatience = nanos_from_seconds(500);

class RealServer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!file_exists(ENDPOINT_MODEL)) {
      missing_ = "the model " ENDPOINT_MODEL " is not there";
      return;
    }
    Result<Process> process = Process::start(
        {.command = {ENDPOINT_PYTHON, ENDPOINT_SERVER, ENDPOINT_MODEL},
         .environment = {{"PYTHONPATH", ENDPOINT_PACKAGES}, {"PYTHONDONTWRITEBYTECODE", "1"}}});
    if (!process) {
      missing_ = process.error().message();
      return;
    }
    server_.emplace(std::move(*process));
    wait_until_ready();
  }
  static void TearDownTestSuite() { server_.reset(); }

  void SetUp() override {
    if (!missing_.empty()) GTEST_SKIP() << missing_;
    ASSERT_FALSE(url_.empty()) << "the server did not come up:\n" << log_;
  }

  // Reads what the server says until it names its URL or ends. Its log must be read too, or it would block on
  // it.
  static void wait_until_ready() {
    std::string out;
    const Nanos patience = clock_.now() + kPatience;
    while (clock_.now() < patience && !server_->poll_end()) {
      pollfd waiting[2] = {{server_->out(), POLLIN, 0}, {server_->err(), POLLIN, 0}};
      ::poll(waiting, 2, 100);
      drain(server_->out(), out);
      drain(server_->err(), log_);
      const size_t ready = out.find("ready ");
      const size_t end = out.find('\n', ready);
      if (ready != std::string::npos && end != std::string::npos) {
        url_ = out.substr(ready + 6, end - ready - 6) + "/v1";
        return;
      }
    }
    if (server_->poll_end() && server_->poll_end()->exit_code == 77) missing_ = log_;
  }
  static void drain(int fd, std::string& text) {
    char buffer[16384];
    for (ssize_t n = ::read(fd, buffer, sizeof buffer); n > 0; n = ::read(fd, buffer, sizeof buffer)) {
      text.append(buffer, static_cast<size_t>(n));
    }
  }

  static std::unique_ptr<Target> opened(const std::string& api = "chat") {
    std::unique_ptr<Target> target =
        make_endpoint_target({.name = "llama.cpp", .url = url_, .api = api}, clock_);
    const Result<TargetInfo> info = target->open();
    EXPECT_TRUE(info) << info.error().message();
    return target;
  }
  static Request request(RequestId id, uint32_t output_tokens) {
    return {
        .id = id, .corpus = "prose", .prompt_seed = id, .prompt_tokens = 12, .output_tokens = output_tokens};
  }
  // The events of `count` requests until all have ended.
  static std::vector<StreamEvent> finish(Target& target, size_t count) {
    std::vector<StreamEvent> events;
    const Nanos patience = clock_.now() + kPatience;
    const auto ended = [&] {
      return static_cast<size_t>(std::count_if(events.begin(), events.end(), [](const StreamEvent& e) {
        return e.kind == StreamEventKind::kDone || e.kind == StreamEventKind::kFailed;
      }));
    };
    while (ended() < count && clock_.now() < patience) {
      EXPECT_TRUE(target.poll(clock_.now() + nanos_from_ms(50), events));
      std::string nothing;
      drain(server_->out(), nothing);
      drain(server_->err(), log_);
    }
    EXPECT_EQ(ended(), count);
    return events;
  }
  static std::vector<StreamEvent> of(const std::vector<StreamEvent>& events, RequestId id) {
    std::vector<StreamEvent> result;
    std::copy_if(events.begin(), events.end(), std::back_inserter(result),
                 [&](const StreamEvent& e) { return e.request == id; });
    return result;
  }

  static inline SystemClock clock_;
  static inline std::optional<Process> server_;
  static inline std::string url_, missing_, log_;
};

// Sent, then chunks that never run backwards, then an end that counts what was asked for.
void expect_good_story(const std::vector<StreamEvent>& events, uint32_t output_tokens) {
  ASSERT_GE(events.size(), 3U);
  EXPECT_EQ(events.front().kind, StreamEventKind::kSent);
  EXPECT_EQ(events.back().kind, StreamEventKind::kDone) << events.back().detail;
  EXPECT_EQ(events.back().output_tokens, output_tokens);
  EXPECT_GT(events.back().prompt_tokens, 0U);
  for (size_t i = 1; i < events.size(); ++i) {
    EXPECT_GE(events[i].at, events[i - 1].at);
    if (i + 1 < events.size()) {
      EXPECT_EQ(events[i].kind, StreamEventKind::kContent);
    }
  }
}

TEST_F(RealServer, TellsWhatItIs) {
  std::unique_ptr<Target> target = make_endpoint_target({.name = "llama.cpp", .url = url_}, clock_);
  const Result<TargetInfo> info = target->open();
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_THAT(info->model, HasSubstr("SmolLM2"));
  EXPECT_EQ(info->context_tokens, 2048U);
  EXPECT_EQ(info->subject.details["server"].as_string(), "llama.cpp");
  EXPECT_EQ(info->subject.details["model_n_params"].as_integer(), 134'515'008);
  EXPECT_TRUE(info->conditions["ignore_eos"].as_bool());
  EXPECT_TRUE(info->conditions["usage_from_server"].as_bool());
}

TEST_F(RealServer, AnswersSeveralRequestsAtOnceInBothApis) {
  for (const char* api : {"chat", "completions"}) {
    const std::unique_ptr<Target> target = opened(api);
    for (RequestId id = 1; id <= 3; ++id) ASSERT_TRUE(target->submit(request(id, 4)));
    const std::vector<StreamEvent> events = finish(*target, 3);
    for (RequestId id = 1; id <= 3; ++id) expect_good_story(of(events, id), 4);
    EXPECT_TRUE(target->close().clean);
  }
}

TEST_F(RealServer, ASecondTurnCarriesTheFirst) {
  const std::unique_ptr<Target> target = opened();
  Request turn = request(1, 4);
  turn.session = 1;
  turn.last_turn = false;
  ASSERT_TRUE(target->submit(turn));
  const StreamEvent first = finish(*target, 1).back();
  turn = request(2, 4);
  turn.session = 1;
  turn.turn = 1;
  ASSERT_TRUE(target->submit(turn));
  const StreamEvent second = finish(*target, 1).back();
  ASSERT_EQ(second.kind, StreamEventKind::kDone) << second.detail;
  EXPECT_GT(second.prompt_tokens, first.prompt_tokens + 4) << "the first turn, its answer and the second one";
}

TEST_F(RealServer, StampsWhatArrivedWhileNobodyRead) {
  const std::unique_ptr<Target> unread = opened(), watched = opened();
  ASSERT_TRUE(unread->submit(request(1, 6)));
  std::vector<StreamEvent> first;
  while (first.size() < 2) ASSERT_TRUE(unread->poll(kNever, first));
  ASSERT_NE(first.back().kind, StreamEventKind::kDone);
  // Both run in one batch, and this one ends long after the other, from which nobody reads meanwhile.
  ASSERT_TRUE(watched->submit(request(1, 16)));
  finish(*watched, 1);
  const Nanos late = clock_.now();
  const std::vector<StreamEvent> rest = finish(*unread, 1);
  EXPECT_EQ(rest.back().kind, StreamEventKind::kDone) << rest.back().detail;
  for (const StreamEvent& event : rest) EXPECT_LT(event.at, late);
}

TEST_F(RealServer, RefusesAPromptThatDoesNotFit) {
  const std::unique_ptr<Target> target = opened();
  Request huge = request(1, 4);
  huge.prompt_tokens = 20'000;
  ASSERT_TRUE(target->submit(huge));
  const StreamEvent end = finish(*target, 1).back();
  EXPECT_EQ(end.cause, FailureCause::kHttpStatus);
  EXPECT_THAT(end.detail, HasSubstr("HTTP 400"));
}

TEST_F(RealServer, GoesOnAfterACancellation) {
  const std::unique_ptr<Target> target = opened();
  ASSERT_TRUE(target->submit(request(1, 500)));
  std::vector<StreamEvent> events;
  while (events.size() < 2) ASSERT_TRUE(target->poll(clock_.now() + nanos_from_ms(50), events));
  target->cancel(1);
  events = finish(*target, 1);
  EXPECT_EQ(events.back().cause, FailureCause::kCancelled);
  ASSERT_TRUE(target->submit(request(2, 2)));
  expect_good_story(finish(*target, 1), 2);
}

}  // namespace
}  // namespace assay
