// Servers that are started, and above all those that go wrong. tests/faults starts real ones.
#include "target/launched_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "target/endpoint/endpoint_test_server.h"

namespace assay::launched_server_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_server::Peer;
using testing_server::Server;

// A URL that nobody serves.
std::string free_url() {
  const Result<Listener> listener = listen_on_loopback();
  EXPECT_TRUE(listener);
  return "http://" + listener->address.text() + "/v1";
}

LaunchOptions shell(const std::string& script) {
  return {.target = "t",
          .command = {"sh", "-c", script},
          .environment = {{"PATH", "/usr/bin:/bin"}, {"KEY", "hunter2"}},
          .url = free_url(),
          .secrets = {"hunter2"},
          .ready_timeout_s = 20,
          .stop_timeout_s = 20};
}

std::string error_of(LaunchOptions options) {
  SystemClock clock;
  LaunchedServer server(std::move(options), clock);
  const Result<void> started = server.start();
  EXPECT_FALSE(started);
  return started ? "" : started.error().message();
}

TEST(LaunchedServer, TellsHowOneEndedThatWasNeverReady) {
  EXPECT_THAT(error_of(shell("echo loading; echo no memory with $KEY >&2; exit 3")),
              AllOf(HasSubstr("was not ready yet when it ended: exit code 3. It said: no memory with ***"),
                    Not(HasSubstr("hunter2"))));
  EXPECT_THAT(error_of(shell("kill -SEGV $$")), HasSubstr("signal 11"));
}

TEST(LaunchedServer, TellsThatAProgramOrFolderIsNotThere) {
  LaunchOptions absent = shell("");
  absent.command = {"no-such-server", "x"};
  EXPECT_THAT(error_of(absent), HasSubstr("there is no program 'no-such-server'"));
  LaunchOptions nowhere = shell("");
  nowhere.directory = "/nowhere";
  EXPECT_THAT(error_of(nowhere), HasSubstr("/nowhere"));
}

TEST(LaunchedServer, LeavesAPortAloneThatSomebodyHas) {
  const Server other([](Peer& peer) { peer.wait_for_end(); });
  LaunchOptions options = shell("touch /nowhere/never");
  options.url = other.url();
  EXPECT_THAT(error_of(options),
              AllOf(HasSubstr("something listens on 127.0.0.1:"), HasSubstr("leave launch out")));
}

TEST(LaunchedServer, OneThatIsNeverReadyIsStoppedWithAllThatItStarted) {
  char path[] = "/tmp/assay_launched_XXXXXX";
  const FileDescriptor file(::mkstemp(path));
  LaunchOptions options = shell(std::string("trap '' TERM; sleep 1000 & echo $! > ") + path +
                                "; echo waiting for a model >&2; while :; do sleep 1000; done");
  options.ready_timeout_s = 0.3;
  options.stop_timeout_s = 0.1;
  EXPECT_THAT(error_of(options),
              AllOf(HasSubstr("was not ready within 300 ms"), HasSubstr("Connection refused"),
                    HasSubstr("It said: waiting for a model"), HasSubstr("ready_timeout_s")));
  const Result<std::string> child = read_file(path, 100);
  ASSERT_TRUE(child);
  const auto pid = static_cast<pid_t>(parse_integer(trim(*child)).value_or(0));
  ASSERT_GT(pid, 0);
  // A killed process dies when it next runs, which may take a busy machine a while, and stays in the table
  // until its new parent has reaped it.
  SystemClock clock;
  const Nanos deadline = clock.now() + nanos_from_seconds(60);
  const auto status_of = [&] { return read_file("/proc/" + std::to_string(pid) + "/status", 1 << 16); };
  const auto is_gone = [](const Result<std::string>& status) {
    return !status || status->find("State:\tZ") != std::string::npos ||
           status->find("State:\tX") != std::string::npos;
  };
  Result<std::string> status = status_of();
  while (!is_gone(status) && clock.now() < deadline) status = status_of();
  EXPECT_TRUE(is_gone(status)) << *status;
  remove_file(path);
}

TEST(LaunchedServer, AnInterruptEndsTheWait) {
  LaunchOptions options = shell("sleep 1000");
  int asked = 0;
  options.interrupted = [&] { return ++asked > 3; };
  EXPECT_THAT(error_of(options), HasSubstr("interrupted"));
}

TEST(LaunchedServer, TellsWhoeverWaitsHowLong) {
  LaunchOptions options = shell("sleep 1000");
  double told = -1;
  options.on_waiting = [&](double waited_s) { told = waited_s; };
  options.interrupted = [&] { return told >= 0; };
  EXPECT_THAT(error_of(options), HasSubstr("interrupted"));
  EXPECT_GE(told, 0);
}

TEST(LaunchedServer, OneThatWasNeverStartedHasNothingToStop) {
  SystemClock clock;
  LaunchedServer server(shell(""), clock);
  EXPECT_FALSE(server.has_ended());
  EXPECT_FALSE(server.poll_end());
  EXPECT_FALSE(server.stop().was_killed);
  EXPECT_EQ(server.take_output() + server.last_words(), "");
}

}  // namespace assay::launched_server_test
