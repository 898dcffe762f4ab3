// Programs that start others and try to get away with it, and do not.
#include "os/tree_keeper.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "os/clock.h"
#include "os/files.h"
#include "os/process.h"

namespace assay::tree_keeper_test {

constexpr const char* kMark = "ASSAY_TEST_TREE=of-this-test";

Process kept(const std::string& script) {
  ProcessOptions options{.command = {"/bin/sh", "-c", script},
                         .environment = {{"PATH", "/usr/bin:/bin"}, {"ASSAY_TEST_TREE", "of-this-test"}},
                         .keeps_tree = true};
  Result<Process> process = Process::start(options);
  if (!process) {
    ADD_FAILURE() << process.error().message();
    std::abort();
  }
  return std::move(*process);
}

// What comes up to a line feed; less at the end of the stream.
std::string read_line(int fd) {
  std::string line;
  char byte;
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  while (::poll(&ready, 1, 20'000) == 1 && ::read(fd, &byte, 1) == 1 && byte != '\n') line += byte;
  return line;
}

// True when the last holder of the other end has gone.
bool ends(int fd) {
  char byte;
  pollfd end{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&end, 1, 20'000) == 1 && ::read(fd, &byte, 1) == 0;
}

bool runs(pid_t pid) {
  const Result<std::string> stat = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  return stat && stat->find(") Z ") == std::string::npos && stat->find(") X ") == std::string::npos;
}

bool soon(const std::function<bool()>& happens) {
  SystemClock clock;
  const Nanos deadline = clock.now() + nanos_from_seconds(20);
  while (!happens() && clock.now() < deadline) clock.sleep_until(clock.now() + nanos_from_ms(1));
  return happens();
}

ProcessEnd end_of(Process& process) {
  SystemClock clock;
  return process.end_by(clock.now() + nanos_from_seconds(20), clock);
}

TEST(TreeKeeper, EndsAsItsProgramEnds) {
  Process good = kept("echo out; exit 0");
  EXPECT_EQ(read_line(good.out()), "out");
  EXPECT_TRUE(end_of(good).clean());
  Process bad = kept("exit 3");
  EXPECT_EQ(end_of(bad).exit_code, 3);
  Process crashed = kept("kill -SEGV $$");
  const ProcessEnd end = end_of(crashed);
  EXPECT_FALSE(end.exited);
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_EQ(end.remains.left_behind, 0);
  EXPECT_TRUE(end.remains.is_told);
}

TEST(TreeKeeper, SaysWhyItsProgramCannotStart) {
  const Result<Process> absent = Process::start({.command = {"/nowhere/program"}, .keeps_tree = true});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().where, "/nowhere/program");
}

TEST(TreeKeeper, ADaemonWithASessionOfItsOwnGoesWithTheProgram) {
  Process process = kept("setsid sh -c 'setsid sleep 1000 & echo up' </dev/null; exit 0");
  EXPECT_EQ(read_line(process.out()), "up");
  const ProcessEnd end = end_of(process);
  EXPECT_TRUE(end.clean());
  EXPECT_EQ(end.remains.left_behind, 1);
  EXPECT_EQ(end.remains.escaped, 1);
  EXPECT_TRUE(ends(process.out())) << "the daemon held it open";
}

TEST(TreeKeeper, WhatIsPutIntoTheBackgroundGoesToo) {
  Process process = kept("sleep 1000 & exit 0");
  const ProcessEnd end = end_of(process);
  EXPECT_EQ(end.remains.left_behind, 1);
  EXPECT_EQ(end.remains.escaped, 0);
  EXPECT_TRUE(ends(process.out()));
}

TEST(TreeKeeper, WhatEndsWithItsProgramWasNotLeftBehind) {
  Process process = kept("(sleep 0.02) & exit 0");
  EXPECT_EQ(end_of(process).remains.left_behind, 0);
}

TEST(TreeKeeper, KillsAllThatIsBelowIt) {
  Process process = kept(
      "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 1000 & echo $!; wait' & while :; do sleep 1000; done");
  const auto daemon = static_cast<pid_t>(parse_integer(read_line(process.out())).value_or(0));
  ASSERT_GT(daemon, 0);
  EXPECT_TRUE(runs(daemon));
  process.kill();
  const ProcessEnd end = end_of(process);
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_TRUE(end.remains.is_told) << "it saw to all of them";
  EXPECT_FALSE(runs(daemon));
  EXPECT_TRUE(ends(process.out()));
}

TEST(TreeKeeper, HandsTermOnToWhatIsBelowIt) {
  Process process = kept("trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done");
  EXPECT_EQ(read_line(process.out()), "up");
  SystemClock real;
  const ProcessEnd end = process.end_by(real.now(), real, nanos_from_seconds(20));
  EXPECT_EQ(end.exit_code, 7);
}

TEST(TreeKeeper, AFamilyThatKeepsForkingIsStoppedFirst) {
  Process process = kept("f() { while :; do sleep 0.001 & wait $!; done; }; f & f & f & echo up; wait");
  EXPECT_EQ(read_line(process.out()), "up");
  process.kill();
  end_of(process);
  EXPECT_TRUE(ends(process.out()));
}

TEST(TreeKeeper, OneThatWasStoppedIsStillEnded) {
  Process process = kept("echo up; sleep 1000");
  EXPECT_EQ(read_line(process.out()), "up");
  ::kill(process.pid(), SIGSTOP);
  process.kill();
  EXPECT_EQ(end_of(process).signal, SIGKILL);
  EXPECT_TRUE(ends(process.out()));
}

TEST(TreeKeeper, WhereItWasKilledTheMarkFindsWhatIsLeft) {
  Process process = kept("setsid sh -c 'sleep 1000 & echo $!; wait' & wait");
  const auto daemon = static_cast<pid_t>(parse_integer(read_line(process.out())).value_or(0));
  ASSERT_GT(daemon, 0);
  ::kill(process.pid(), SIGKILL);
  const ProcessEnd end = end_of(process);
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_FALSE(end.remains.is_told);
  EXPECT_TRUE(runs(daemon));
  EXPECT_GT(kill_marked(kMark), 0);
  EXPECT_TRUE(soon([&] { return !runs(daemon); }));
  EXPECT_TRUE(ends(process.out()));
}

TEST(TreeKeeper, WhenItsOwnerIsKilledNothingStays) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  const FileDescriptor read(fds[0]);
  FileDescriptor write(fds[1]);
  const pid_t owner = ::fork();
  if (owner == 0) {
    const Process process = kept("setsid sh -c 'sleep 1000 & echo $!; wait' & wait");
    const std::string line = read_line(process.out()) + "\n";
    if (::write(write.get(), line.data(), line.size()) > 0) ::kill(::getpid(), SIGKILL);
    ::_exit(1);
  }
  write.reset();
  const auto daemon = static_cast<pid_t>(parse_integer(read_line(read.get())).value_or(0));
  ASSERT_GT(daemon, 0);
  ::waitpid(owner, nullptr, 0);
  EXPECT_TRUE(soon([&] { return !runs(daemon); }));
}

TEST(TreeKeeper, DestroyingTheProcessKillsTheTree) {
  pid_t daemon;
  {
    const Process process = kept("setsid sh -c 'sleep 1000 & echo $!; wait' & wait");
    daemon = static_cast<pid_t>(parse_integer(read_line(process.out())).value_or(0));
    ASSERT_GT(daemon, 0);
  }
  EXPECT_FALSE(runs(daemon));
}

}  // namespace assay::tree_keeper_test
