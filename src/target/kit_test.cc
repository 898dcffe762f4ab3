// Kits of every temper, written in shell: how each of them ends, and that nothing of it stays.
#include "target/kit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace assay::kit_test {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHello =
    R"(echo '{"type": "hello", "protocol": "assay kit 1", "name": "fake", "version": "1"}'; )";
constexpr const char* kRecord = R"(echo '{"type": "record", "metric": "matmul_tflop_per_s"}'; )";
constexpr const char* kDone = R"(echo '{"type": "done"}'; )";

struct Ran {
  KitEnd end;
  size_t records = 0;
};

KitCommand shell(const std::string& script) {
  return {.command = {"sh", "-c", script}, .environment = {{"PATH", "/usr/bin:/bin"}}, .secrets = {}};
}

Ran run(const KitCommand& kit, const KitLimits& limits = {}, const std::function<bool()>& interrupted = {}) {
  Ran ran;
  SystemClock clock;
  const auto take = [&](const KitLine& line) -> Result<void> {
    ran.records += line.kind == KitLineKind::kRecord ? 1 : 0;
    return {};
  };
  ran.end = run_kit(kit, limits, clock, take, interrupted);
  return ran;
}

Ran run(const std::string& script, const KitLimits& limits = {}) {
  return run(shell(script), limits);
}

const KitLimits kShort{
    .time = nanos_from_ms(300), .silence = nanos_from_seconds(20), .ending = nanos_from_ms(300), .lines = {}};

TEST(Kit, AGoodOne) {
  const Ran ran = run(std::string(kHello) + kRecord + kRecord + "echo words >&2; " + kDone);
  EXPECT_TRUE(ran.end.done()) << ran.end.error.what;
  EXPECT_EQ(ran.records, 2U);
  EXPECT_EQ(ran.end.hello->name, "fake");
  EXPECT_EQ(ran.end.diagnostics, "words\n");
  EXPECT_EQ(ran.end.remains.left_behind, 0);
}

TEST(Kit, ThatIsNotThereWasNotStarted) {
  const Ran ran = run(KitCommand{.command = {"/nowhere/kit"}, .environment = {}, .secrets = {}});
  EXPECT_EQ(ran.end.cause, EndCause::kNotStarted);
  EXPECT_THAT(ran.end.error.message(), HasSubstr("/nowhere/kit"));
}

TEST(Kit, ASlowOneMayTakeItsTime) {
  EXPECT_TRUE(run(std::string(kHello) + "sleep 0.2; " + kRecord + "sleep 0.2; " + kDone).end.done());
}

TEST(Kit, ASilentOneIsHung) {
  const Ran ran =
      run(std::string(kHello) + kRecord + "sleep 1000",
          {.time = nanos_from_seconds(20), .silence = nanos_from_seconds(1), .ending = {}, .lines = {}});
  EXPECT_EQ(ran.end.cause, EndCause::kHung);
  EXPECT_THAT(ran.end.error.what, HasSubstr("said nothing for 1.00 s"));
  EXPECT_EQ(ran.records, 1U) << "what it said before stays";
}

TEST(Kit, OneThatTakesTooLongIsHungHoweverMuchItSays) {
  const Ran ran =
      run(std::string(kHello) + "while :; do echo '{\"type\": \"progress\"}'; sleep 0.01; done", kShort);
  EXPECT_EQ(ran.end.cause, EndCause::kHung);
  EXPECT_THAT(ran.end.error.what, HasSubstr("did not end within 300 ms"));
}

TEST(Kit, OneThatIgnoresTermIsKilled) {
  const Ran ran = run(std::string("trap '' TERM; ") + kHello + "while :; do sleep 1000; done", kShort);
  EXPECT_EQ(ran.end.cause, EndCause::kHung);
}

TEST(Kit, OneThatSaysDoneMustEnd) {
  const Ran ran = run(std::string(kHello) + kDone + "sleep 1000", {.time = nanos_from_seconds(20),
                                                                   .silence = nanos_from_seconds(20),
                                                                   .ending = nanos_from_ms(100),
                                                                   .lines = {}});
  EXPECT_EQ(ran.end.cause, EndCause::kHung);
  EXPECT_THAT(ran.end.error.what, HasSubstr("said done and did not end"));
}

TEST(Kit, OneThatClosesItsStdoutMustEndToo) {
  const Ran ran = run(std::string(kHello) + "exec >&-; sleep 1000", kShort);
  EXPECT_EQ(ran.end.cause, EndCause::kHung);
}

TEST(Kit, GarbageIsNonsense) {
  const Ran ran = run("head -c 100000 /dev/urandom; echo");
  EXPECT_EQ(ran.end.cause, EndCause::kNonsense) << ran.end.error.what;
  EXPECT_THAT(ran.end.error.what, HasSubstr("talks nonsense"));
}

TEST(Kit, EndlessOutputIsEnded) {
  const Ran lines = run(std::string(kHello) + "exec yes");
  EXPECT_EQ(lines.end.cause, EndCause::kNonsense);
  EXPECT_THAT(lines.end.error.what, HasSubstr("more than 10000 lines that are none of the protocol"));
  const Ran one_line = run(std::string(kHello) + "exec tr '\\0' x </dev/zero");
  EXPECT_EQ(one_line.end.cause, EndCause::kNonsense);
  EXPECT_THAT(one_line.end.error.what, HasSubstr("a line over 1.00 MiB"));
}

TEST(Kit, EndlessWordsOnStderrFillNothingAndEndWithTheTime) {
  const Ran ran = run(std::string(kHello) + "exec yes >&2", kShort);
  EXPECT_EQ(ran.end.cause, EndCause::kHung);
  EXPECT_LE(ran.end.diagnostics.size(), size_t{64} << 10);
}

TEST(Kit, ACrashIsToldWithItsLastWords) {
  const Ran ran = run(std::string(kHello) + kRecord + "echo 'illegal access' >&2; kill -SEGV $$");
  EXPECT_EQ(ran.end.cause, EndCause::kDied);
  EXPECT_THAT(ran.end.error.what, HasSubstr("signal 11"));
  EXPECT_THAT(ran.end.error.what, HasSubstr("illegal access"));
  EXPECT_EQ(ran.records, 1U);
}

TEST(Kit, WithoutDoneItDied) {
  EXPECT_THAT(run(std::string(kHello) + kRecord).end.error.what, HasSubstr("ended without done"));
}

TEST(Kit, AnotherExitCodeBehindDoneIsNoGoodEnd) {
  const Ran ran = run(std::string(kHello) + kRecord + kDone + "exit 7");
  EXPECT_EQ(ran.end.cause, EndCause::kDied);
  EXPECT_THAT(ran.end.error.what, HasSubstr("exit code 7 behind done"));
  EXPECT_EQ(ran.records, 1U);
}

TEST(Kit, OneThatDiesBeforeItsHelloDied) {
  const Ran ran = run("echo 'libsupa.so: cannot open' >&2; exit 127");
  EXPECT_EQ(ran.end.cause, EndCause::kDied);
  EXPECT_THAT(ran.end.error.what, HasSubstr("exit code 127"));
  EXPECT_THAT(ran.end.error.what, HasSubstr("cannot open"));
}

TEST(Kit, AnAbsentFrameworkIsNoFailure) {
  const Ran ran = run(std::string(kHello) + R"(echo '{"type": "absent", "reason": "no torch"}'; )" + kDone);
  EXPECT_TRUE(ran.end.done());
  EXPECT_TRUE(ran.end.is_absent);
  EXPECT_EQ(ran.end.absent_reason, "no torch");
}

TEST(Kit, ADaemonThatKeepsStdoutOpenHoldsNothingUp) {
  SystemClock clock;
  const Nanos begin = clock.now();
  const Ran ran =
      run(std::string(kHello) + "exec 4>&1; up=$(setsid sh -c 'sleep 1000 >&4 & echo up'); " + kDone);
  EXPECT_TRUE(ran.end.done()) << ran.end.error.what;
  EXPECT_GE(ran.end.remains.escaped, 1);
  EXPECT_LT(seconds(clock.now() - begin), 500) << "it sleeps for 1000 s";
}

TEST(Kit, OneThatKillsItsKeeperLeavesNothingEither) {
  const Ran ran = run(std::string(kHello) + "setsid sleep 1000 & sleep 0.05; kill -9 $PPID; sleep 1000");
  EXPECT_EQ(ran.end.cause, EndCause::kDied);
  EXPECT_THAT(ran.end.error.what, HasSubstr("signal 9"));
  EXPECT_GE(ran.end.remains.left_behind, 1);
}

TEST(Kit, SeesTheEnvironmentThatItIsGivenAndNoOther) {
  ::setenv("ASSAY_TEST_KIT_SECRET", "hunter2", 1);
  KitCommand kit = shell(std::string(kHello) + "env; cat; " + kDone);
  kit.environment.emplace_back("GIVEN", "yes");
  kit.environment.emplace_back("MY_TOKEN", "swordfish");
  kit.secrets = {"swordfish"};
  const Ran ran = run(kit);
  EXPECT_TRUE(ran.end.done()) << ran.end.error.what;
  EXPECT_THAT(ran.end.other_output, HasSubstr("GIVEN=yes"));
  EXPECT_THAT(ran.end.other_output, HasSubstr("MY_TOKEN=***"));
  EXPECT_THAT(ran.end.other_output, Not(HasSubstr("hunter2")));
  ::unsetenv("ASSAY_TEST_KIT_SECRET");
}

TEST(Kit, AnInterruptEndsIt) {
  bool asked = false;
  const auto interrupted = [&] { return std::exchange(asked, true); };
  const Ran ran = run(shell(std::string(kHello) + "sleep 1000"), {}, interrupted);
  EXPECT_EQ(ran.end.cause, EndCause::kInterrupted);
}

}  // namespace assay::kit_test
