// Child processes: what they are given, how they end, and that nothing of them stays behind.
#include "os/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace assay::process_test {

using ::testing::HasSubstr;

ProcessOptions shell(const std::string& script) {
  return {.command = {"/bin/sh", "-c", script}};
}

Process started(const ProcessOptions& options) {
  Result<Process> process = Process::start(options);
  if (!process) {
    ADD_FAILURE() << process.error().message();
    std::abort();
  }
  return std::move(*process);
}

// All that comes until the end.
std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  while (true) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 20'000) <= 0) return text + " (nothing more came)";
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) return text;
    text.append(buffer, static_cast<size_t>(n));
  }
}

ProcessEnd end_of(Process& process) {
  SystemClock clock;
  return process.end_by(clock.now() + nanos_from_seconds(20), clock);
}

TEST(Process, RunsAndTellsItsEnd) {
  Process process = started(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(read_all(process.out()), "out\n");
  EXPECT_EQ(read_all(process.err()), "err\n");
  const ProcessEnd end = end_of(process);
  EXPECT_TRUE(end.exited);
  EXPECT_EQ(end.exit_code, 3);
  EXPECT_FALSE(end.clean());
  EXPECT_EQ(end.words(), "exit code 3");
  EXPECT_EQ(process.poll_end()->exit_code, 3) << "and once more";
}

TEST(Process, TellsTheMemoryOfAChildThatRunsAndNotThatOfItsParent) {
  // Ours is far above a shell's, and must not show in it.
  const std::vector<char> large(64 << 20, 'x');
  Process process = started(shell("echo up; sleep 60; exit 0"));
  pollfd ready{process.out(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
  const ProcessMemory memory = process.memory();
  EXPECT_GT(memory.resident_bytes, 0);
  EXPECT_GE(memory.peak_bytes, memory.resident_bytes);
  EXPECT_LT(memory.peak_bytes, 32 << 20) << large.back();
  process.kill();
  end_of(process);
  EXPECT_EQ(process.memory().peak_bytes, 0);
}

TEST(Process, TellsTheSignalThatKilledIt) {
  Process process = started(shell("kill -ABRT $$"));
  const ProcessEnd end = end_of(process);
  EXPECT_FALSE(end.exited);
  EXPECT_EQ(end.signal, SIGABRT);
  EXPECT_THAT(end.words(), HasSubstr("signal 6 (Aborted)"));
}

TEST(Process, HasTheEnvironmentItIsGivenAndNoOther) {
  ::setenv("ASSAY_TEST_SECRET", "hunter2", 1);
  ProcessOptions options = shell("echo [$ASSAY_TEST_SECRET][$GIVEN]");
  options.environment = {{"GIVEN", "yes"}};
  Process process = started(options);
  EXPECT_EQ(read_all(process.out()), "[][yes]\n");
}

TEST(Process, InheritsNoDescriptors) {
  // One that lacks close-on-exec, as foreign libraries open them.
  const FileDescriptor leak(::fcntl(0, F_DUPFD, 20));
  ASSERT_TRUE(leak.valid());
  Process process = started(
      shell("for fd in /proc/$$/fd/*; do n=${fd##*/}; [ -e $fd ] && [ $n -gt 2 ] && [ $n -lt 250 ] && "
            "[ $(readlink $fd) != /dev/null ] && echo $n; done; echo end"));
  EXPECT_EQ(read_all(process.out()), "end\n");
}

TEST(Process, ReadsWhatItIsGivenAndElseNothing) {
  const Result<FileDescriptor> input = file_in_memory("two\nlines\n");
  ASSERT_TRUE(input);
  ProcessOptions options = shell("cat; echo end");
  options.input = &*input;
  Process reader = started(options);
  EXPECT_EQ(read_all(reader.out()), "two\nlines\nend\n");
  Process other = started(shell("cat; echo end"));
  EXPECT_EQ(read_all(other.out()), "end\n");
}

TEST(Process, SpeaksOverItsSocket) {
  ProcessOptions options = shell("read line <&3; echo \"got $line\" >&3");
  options.wants_socket = true;
  Process process = started(options);
  ASSERT_EQ(::send(process.socket(), "hello\n", 6, MSG_NOSIGNAL), 6);
  EXPECT_EQ(read_all(process.socket()), "got hello\n");
  EXPECT_TRUE(end_of(process).clean());
}

TEST(Process, SaysWhyItCannotStart) {
  const Result<Process> absent = Process::start({.command = {"/nowhere/program"}});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().where, "/nowhere/program");
  EXPECT_THAT(absent.error().message(), HasSubstr("No such file"));
  EXPECT_FALSE(Process::start({.command = {"/dev/null"}}));
}

TEST(Process, RunsWhereItIsTold) {
  ProcessOptions options = shell("pwd");
  options.directory = "/usr";
  Process process = started(options);
  EXPECT_EQ(read_all(process.out()), "/usr\n");
  options.directory = "/nowhere";
  const Result<Process> nowhere = Process::start(options);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().where, "/nowhere");
  EXPECT_THAT(nowhere.error().message(), HasSubstr("cannot run there: No such file"));
}

TEST(Process, ProgramsAreFoundAsAShellFindsThem) {
  EXPECT_EQ(*find_program("./sh", "/bin"), "./sh");
  EXPECT_EQ(*find_program("sh", "/nowhere::/bin:/usr/bin"), "/bin/sh");
  const Result<std::string> absent = find_program("no-such-program", "/bin");
  ASSERT_FALSE(absent);
  EXPECT_THAT(absent.error().message(), HasSubstr("there is no program 'no-such-program'"));
  EXPECT_FALSE(find_program("passwd", "/etc")) << "there, and not executable";
}

TEST(Process, OneThatIgnoresTermIsKilledWithAllItStarted) {
  FakeClock clock;  // the grace passes in no time
  // The grandchild holds stdout open: its end tells that it is gone.
  Process process = started(shell("trap '' TERM; sleep 1000 & echo ready; while :; do sleep 1000; done"));
  char ready[16];
  pollfd waiting{.fd = process.out(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&waiting, 1, 20'000), 1);
  ASSERT_GT(::read(process.out(), ready, sizeof ready), 0);
  const ProcessEnd end = process.end_by(clock.now(), clock);
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_EQ(read_all(process.out()), "");
}

TEST(Process, WhatAnEndedChildLeftBehindGoesToo) {
  Process process = started(shell("sleep 1000 & exit 0"));
  EXPECT_TRUE(end_of(process).clean());
  EXPECT_EQ(read_all(process.out()), "") << "the sleeper held this open";
}

TEST(Process, DestroyingOneKillsIt) {
  pid_t pid;
  {
    const Process process = started(shell("exec sleep 1000"));
    pid = process.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(Process, CanMove) {
  Process first = started(shell("exit 4"));
  Process second = std::move(first);
  first = started(shell("exit 5"));
  std::swap(first, second);
  EXPECT_EQ(end_of(first).exit_code, 4);
  EXPECT_EQ(end_of(second).exit_code, 5);
}

TEST(Process, AnEndThatSomebodyElseReapedIsNotClean) {
  ::signal(SIGCHLD, SIG_IGN);  // the kernel then reaps children by itself
  Process process = started(shell("exit 0"));
  EXPECT_EQ(read_all(process.out()), "");
  const ProcessEnd end = end_of(process);
  ::signal(SIGCHLD, SIG_DFL);
  EXPECT_FALSE(end.clean());
}

TEST(Environment, IsReadByNameAndByPrefix) {
  ::setenv("ASSAY_TEST_ONE", "1", 1);
  ::setenv("ASSAY_TEST_TWO", "a=b", 1);
  const auto one = environment_subset({"ASSAY_TEST_ONE"});
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].second, "1");
  bool found = false;
  for (const auto& [name, value] : environment_subset({"ASSAY_TEST_*"}))
    found |= name == "ASSAY_TEST_TWO" && value == "a=b";
  EXPECT_TRUE(found);
  EXPECT_TRUE(environment_subset({"ASSAY_TEST"}).empty());
}

}  // namespace assay::process_test
