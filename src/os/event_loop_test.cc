// The loop and the sockets under it, on the loopback address.
#include "os/event_loop.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "os/clock_offset.h"
#include "os/socket.h"

namespace assay::event_loop_test {

class Loop : public ::testing::Test {
 protected:
  Loop() : loop_(std::move(*EventLoop::create())) {}

  std::vector<LoopEvent> wait(Nanos until) {
    std::vector<LoopEvent> events;
    EXPECT_TRUE(loop_.wait(until, clock_, events));
    return events;
  }
  // A connected pair: ours, theirs.
  std::pair<FileDescriptor, FileDescriptor> connected() {
    const Result<Listener> listener = listen_on_loopback();
    EXPECT_TRUE(listener);
    Result<FileDescriptor> ours = start_connect(listener->address);
    EXPECT_TRUE(ours);
    EXPECT_TRUE(loop_.watch(ours->get(), 99, false, true));
    EXPECT_EQ(wait(kNever).at(0).token, 99U);
    EXPECT_EQ(connect_error(ours->get()), 0);
    loop_.forget(ours->get());
    return {std::move(*ours), accept_connection(listener->fd.get())};
  }

  FakeClock clock_{Nanos(1'000)};
  EventLoop loop_;
};

TEST_F(Loop, TimersComeInOrderOnceAndNotBeforeTheirTime) {
  loop_.set_timer(Nanos(1'300), 3);
  loop_.set_timer(Nanos(1'200), 2);
  const EventLoop::Timer cancelled = loop_.set_timer(Nanos(1'100), 1);
  loop_.cancel_timer(cancelled);
  loop_.cancel_timer(cancelled);
  EXPECT_TRUE(wait(Nanos(1'000)).empty());
  const std::vector<LoopEvent> first = wait(kNever);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].token, 2U);
  EXPECT_TRUE(first[0].timer);
  EXPECT_EQ(clock_.now(), Nanos(1'200)) << "the clock has reached it";
  clock_.advance_to(Nanos(2'000));
  EXPECT_EQ(wait(Nanos(2'000)).size(), 1U);
  EXPECT_TRUE(wait(Nanos(2'000)).empty());
}

TEST_F(Loop, EqualTimersAreToldApart) {
  loop_.set_timer(Nanos(1'000), 1);
  const EventLoop::Timer second = loop_.set_timer(Nanos(1'000), 2);
  loop_.set_timer(Nanos(1'000), 3);
  loop_.cancel_timer(second);
  const std::vector<LoopEvent> events = wait(Nanos(1'000));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].token, 1U);
  EXPECT_EQ(events[1].token, 3U);
}

TEST_F(Loop, WaitsUntilTheInstantItIsGiven) {
  EXPECT_TRUE(wait(Nanos(1'500)).empty());
  EXPECT_EQ(clock_.now(), Nanos(1'500));
}

TEST_F(Loop, SaysWhatIsReadableAndKeepsSayingSo) {
  auto [ours, theirs] = connected();
  ASSERT_TRUE(loop_.watch(ours.get(), 7, true, false));
  EXPECT_TRUE(wait(clock_.now()).empty());
  ASSERT_EQ(send(theirs.get(), "hello").bytes, 5U);
  for (int i = 0; i < 2; ++i) {
    const std::vector<LoopEvent> events = wait(kNever);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].token, 7U);
    EXPECT_TRUE(events[0].readable && !events[0].writable && !events[0].timer);
  }
  char buffer[16];
  EXPECT_EQ(receive(ours.get(), buffer).bytes, 5U);
  EXPECT_TRUE(wait(clock_.now()).empty());
  theirs.reset();
  EXPECT_TRUE(wait(kNever).at(0).readable) << "an end is something to read";
  EXPECT_EQ(receive(ours.get(), buffer).state, Transfer::State::kEnd);
}

TEST_F(Loop, AForgottenOrClosedDescriptorIsSilent) {
  auto [ours, theirs] = connected();
  ASSERT_TRUE(loop_.watch(ours.get(), 7, true, true));
  EXPECT_EQ(wait(kNever).size(), 1U);
  loop_.forget(ours.get());
  EXPECT_TRUE(wait(clock_.now()).empty());
  ASSERT_TRUE(loop_.watch(ours.get(), 8, true, true));
  ours.reset();
  EXPECT_TRUE(wait(clock_.now()).empty());
  EXPECT_FALSE(loop_.watch(-1, 9, true, false));
}

TEST_F(Loop, AStampIsOfTheArrivalNotOfTheReading) {
  auto [ours, theirs] = connected();
  if (!enable_receive_stamps(ours.get())) GTEST_SKIP() << "no kernel stamps here";
  ASSERT_TRUE(loop_.watch(ours.get(), 7, true, false));
  // The kernel begins to stamp a little after it was asked to; until then it stamps what is read when it is
  // read.
  for (int attempt = 0; attempt < 100'000; ++attempt) {
    const ClockReading before = read_clocks();
    ASSERT_EQ(send(theirs.get(), "x").bytes, 1U);
    EXPECT_EQ(wait(kNever).size(), 1U);
    const ClockReading after = read_clocks();
    char buffer[16];
    const Transfer transfer = receive(ours.get(), buffer);
    ASSERT_EQ(transfer.state, Transfer::State::kMoved);
    if (transfer.realtime == Nanos()) continue;
    ClockOffset offset;
    offset.add(before);
    const Nanos at = offset.to_monotonic(transfer.realtime);
    ASSERT_GE(at, before.monotonic_before);
    if (at <= after.monotonic_after) return;
  }
  FAIL() << "no stamp was ever older than its reading";
}

TEST(Socket, AConnectionThatNobodyTakesIsRefused) {
  SocketAddress nobody;
  {
    const Result<Listener> listener = listen_on_loopback();
    ASSERT_TRUE(listener);
    nobody = listener->address;
  }
  EventLoop loop = std::move(*EventLoop::create());
  SystemClock clock;
  const Result<FileDescriptor> fd = start_connect(nobody);
  if (!fd) {
    EXPECT_THAT(fd.error().message(), testing::HasSubstr("refused"));
    return;
  }
  ASSERT_TRUE(loop.watch(fd->get(), 1, false, true));
  std::vector<LoopEvent> events;
  ASSERT_TRUE(loop.wait(kNever, clock, events));
  EXPECT_EQ(connect_error(fd->get()), ECONNREFUSED);
}

TEST(Socket, AResetIsAFailure) {
  const Result<Listener> listener = listen_on_loopback();
  ASSERT_TRUE(listener);
  Result<FileDescriptor> ours = start_connect(listener->address);
  ASSERT_TRUE(ours);
  FileDescriptor theirs = accept_connection(listener->fd.get());
  ASSERT_TRUE(theirs.valid());
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(theirs.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  theirs.reset();
  char buffer[4];
  const Transfer transfer = receive(ours->get(), buffer);
  EXPECT_EQ(transfer.state, Transfer::State::kFailed);
  EXPECT_EQ(transfer.error, ECONNRESET);
  EXPECT_EQ(send(ours->get(), "x").state, Transfer::State::kFailed) << "and no SIGPIPE";
}

TEST(Socket, AFullBufferWouldBlock) {
  const Result<Listener> listener = listen_on_loopback();
  ASSERT_TRUE(listener);
  const Result<FileDescriptor> ours = start_connect(listener->address);
  const FileDescriptor theirs = accept_connection(listener->fd.get());
  char buffer[4];
  EXPECT_EQ(receive(ours->get(), buffer).state, Transfer::State::kWouldBlock);
  const std::string much(1 << 20, 'x');
  Transfer transfer;
  for (int i = 0; i < 100'000; ++i) {
    transfer = send(ours->get(), much);
    if (transfer.state != Transfer::State::kMoved) break;
  }
  EXPECT_EQ(transfer.state, Transfer::State::kWouldBlock);
}

TEST(Socket, AddressesReadAsPeopleWriteThem) {
  const Result<std::vector<SocketAddress>> four = resolve("127.0.0.1", 8000);
  ASSERT_TRUE(four);
  EXPECT_EQ(four->at(0).text(), "127.0.0.1:8000");
  const Result<std::vector<SocketAddress>> six = resolve("::1", 443);
  ASSERT_TRUE(six);
  EXPECT_EQ(six->at(0).text(), "[::1]:443");
  EXPECT_EQ(six->at(0).port(), 443);
  const Result<std::vector<SocketAddress>> none = resolve("no such host", 1);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().where, "no such host");
}

}  // namespace assay::event_loop_test
