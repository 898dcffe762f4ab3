// The worker's end of the socket, with the test at the other end: orders come whole and in order however the
// bytes are cut, events go out without waiting, and whatever is wrong ends in an error or a stop. Needs no
// model and no ggml.
#include "engine/serving_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iterator>
#include <optional>
#include <thread>

namespace assay::serving_channel_test {

using testing::HasSubstr;

// A channel and assay's end of its socket.
struct Connection {
  Connection() {
    int fds[2];
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    worker_fd = fds[0], assay_fd = fds[1];
    channel.emplace(worker_fd);
  }
  ~Connection() {
    channel.reset();
    ::close(worker_fd);
    hang_up();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void say(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(assay_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(n, 0);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }

  void hang_up() {
    if (assay_fd >= 0) ::close(assay_fd);
    assay_fd = -1;
  }

  // Exactly `count` orders, over as many takes as they come in.
  std::vector<Order> take(size_t count) {
    std::vector<Order> orders;
    while (orders.size() < count) {
      auto some = channel->take(true);
      if (!some) {
        ADD_FAILURE() << some.error().message();
        break;
      }
      std::move(some->begin(), some->end(), std::back_inserter(orders));
    }
    EXPECT_EQ(orders.size(), count);
    return orders;
  }

  // What `take` says once nothing but the problem is left.
  std::string problem() {
    while (true) {
      const auto orders = channel->take(true);
      if (!orders) return orders.error().message();
      if (std::holds_alternative<StopOrder>(orders->back())) return "no problem, a stop";
    }
  }

  // Reads frames until `count` events have come; ready and fatal frames go to `others`.
  std::vector<StreamEvent> read_events(size_t count, std::vector<std::string>* others = nullptr) const {
    std::vector<StreamEvent> events;
    std::string buffer;
    std::vector<char> chunk(1 << 16);
    size_t used = 0, wanted_others = others == nullptr ? 0 : 1;
    while (events.size() < count || wanted_others > 0) {
      const ssize_t n = ::recv(assay_fd, chunk.data(), chunk.size(), 0);
      if (n <= 0) break;
      buffer.append(chunk.data(), static_cast<size_t>(n));
      while (true) {
        const auto frame = next_frame(std::string_view(buffer).substr(used));
        CHECK(frame);
        if (frame->total_bytes == 0) break;
        used += frame->total_bytes;
        if (frame->kind == FrameKind::kEvents) {
          CHECK(parse_events(frame->payload, events));
        } else if (others != nullptr) {
          others->emplace_back(frame->payload);
          wanted_others = 0;
        }
      }
    }
    return events;
  }

  int worker_fd = -1, assay_fd = -1;
  std::optional<ServingChannel> channel;
};

Request request(RequestId id) {
  Request r;
  r.id = id;
  r.corpus = "code";
  r.prompt_tokens = 10 + static_cast<uint32_t>(id);
  r.output_tokens = 5;
  return r;
}

std::string request_bytes(RequestId id) {
  std::string bytes;
  append_request_frame(request(id), bytes);
  return bytes;
}

std::string cancel_bytes(RequestId id) {
  std::string bytes;
  append_cancel_frame(id, bytes);
  return bytes;
}

std::string stop_bytes() {
  std::string bytes;
  append_stop_frame(bytes);
  return bytes;
}

std::vector<StreamEvent> many_events(size_t count, RequestId first = 1) {
  std::vector<StreamEvent> events(count);
  for (size_t i = 0; i < count; ++i) {
    events[i] = {.request = first + i,
                 .kind = StreamEventKind::kContent,
                 .at = Nanos(static_cast<int64_t>(i)),
                 .tokens = 1};
  }
  return events;
}

void expect_counted_up(const std::vector<StreamEvent>& events, size_t count) {
  ASSERT_EQ(events.size(), count);
  for (size_t i = 0; i < count; ++i) ASSERT_EQ(events[i].request, i + 1);
}

TEST(ServingChannel, OrdersComeInTheirOrder) {
  Connection connection;
  connection.say(request_bytes(1) + request_bytes(2) + cancel_bytes(1) + stop_bytes());
  const auto orders = connection.take(4);
  ASSERT_EQ(orders.size(), 4U);
  EXPECT_EQ(std::get<Request>(orders[0]).id, 1U);
  EXPECT_EQ(std::get<Request>(orders[1]).id, 2U);
  EXPECT_EQ(std::get<Request>(orders[1]).prompt_tokens, 12U);
  EXPECT_EQ(std::get<Request>(orders[1]).corpus, "code");
  EXPECT_EQ(std::get<CancelOrder>(orders[2]).id, 1U);
  EXPECT_TRUE(std::holds_alternative<StopOrder>(orders[3]));
}

TEST(ServingChannel, FramesMayComeByteByByte) {
  Connection connection;
  const std::string bytes = request_bytes(7) + cancel_bytes(7);
  std::thread assay([&] {
    for (const char byte : bytes) connection.say({&byte, 1});
  });
  const auto orders = connection.take(2);
  assay.join();
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(std::get<Request>(orders[0]).id, 7U);
  EXPECT_EQ(std::get<CancelOrder>(orders[1]).id, 7U);
}

TEST(ServingChannel, WhoDoesNotWaitGetsWhatIsThere) {
  Connection connection;
  const auto none = connection.channel->take(false);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());

  // The first half of a frame is not an order, however long one looks.
  const std::string bytes = request_bytes(1);
  connection.say(std::string_view(bytes).substr(0, 20));
  EXPECT_TRUE(connection.channel->take(false)->empty());
  connection.say(std::string_view(bytes).substr(20));
  EXPECT_EQ(std::get<Request>(connection.take(1).at(0)).id, 1U);
}

TEST(ServingChannel, OrdersAreTakenWhileMoreCome) {
  constexpr size_t kOrders = 20'000;
  Connection connection;
  std::thread assay([&] {
    for (RequestId id = 1; id <= kOrders; ++id) connection.say(cancel_bytes(id));
  });
  const auto orders = connection.take(kOrders);
  assay.join();
  ASSERT_EQ(orders.size(), kOrders);
  for (size_t i = 0; i < kOrders; ++i) ASSERT_EQ(std::get<CancelOrder>(orders[i]).id, i + 1);
}

TEST(ServingChannel, TheEndOfInputIsAStopAndComesLast) {
  Connection connection;
  connection.say(request_bytes(3));
  connection.hang_up();
  const auto orders = connection.take(2);
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(std::get<Request>(orders[0]).id, 3U);
  EXPECT_TRUE(std::holds_alternative<StopOrder>(orders[1]));
  // It stays the end.
  EXPECT_TRUE(std::holds_alternative<StopOrder>(connection.take(1).at(0)));
}

TEST(ServingChannel, AFrameThatIsCutOffByTheEndIsNoOrder) {
  Connection connection;
  const std::string bytes = request_bytes(3);
  connection.say(std::string_view(bytes).substr(0, bytes.size() - 1));
  connection.hang_up();
  EXPECT_TRUE(std::holds_alternative<StopOrder>(connection.take(1).at(0)));
}

TEST(ServingChannel, GarbageIsAnErrorAfterTheOrdersBeforeIt) {
  Connection connection;
  connection.say(request_bytes(1));
  EXPECT_EQ(std::get<Request>(connection.take(1).at(0)).id, 1U);
  connection.say("ggml_abort: this is no frame");
  EXPECT_THAT(
      connection.problem(),
      HasSubstr("the worker cannot read its orders: the stream between assay and its worker is broken"));
  EXPECT_FALSE(connection.channel->take(false));
}

TEST(ServingChannel, OrdersThatAreReadTogetherWithGarbageCount) {
  Connection connection;
  connection.say(request_bytes(1) + cancel_bytes(1) + "ggml_abort: this is no frame");
  const std::vector<Order> orders = connection.take(2);
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(std::get<Request>(orders[0]).id, 1U);
  EXPECT_EQ(std::get<CancelOrder>(orders[1]).id, 1U);
  EXPECT_THAT(connection.problem(), HasSubstr("the stream between assay and its worker is broken"));
}

TEST(ServingChannel, WhatOnlyAWorkerSaysIsAnErrorHere) {
  Connection connection;
  std::string bytes;
  append_ready_frame(Json::object().set("model", "tiny"), bytes);
  connection.say(bytes);
  EXPECT_THAT(connection.problem(), HasSubstr("only a worker sends"));
}

TEST(ServingChannel, AnImpossibleRequestIsAnError) {
  Connection connection;
  Request impossible = request(1);
  impossible.output_tokens = 0;
  std::string bytes;
  append_request_frame(impossible, bytes);
  connection.say(bytes);
  EXPECT_THAT(connection.problem(), HasSubstr("impossible lengths"));
}

TEST(ServingChannel, ReadyAndEventsAndLastWordsArrive) {
  Connection connection;
  std::vector<std::string> others;
  connection.channel->send_ready(Json::object().set("model", "tiny"));
  connection.read_events(0, &others);
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ((*parse_ready(others[0]))["model"].as_string(), "tiny");

  EXPECT_TRUE(connection.channel->send_events({}));
  ASSERT_TRUE(connection.channel->send_events(many_events(3)));
  expect_counted_up(connection.read_events(3), 3);

  others.clear();
  connection.channel->send_fatal({"no memory", "CPU", "Take a smaller model."});
  connection.read_events(0, &others);
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(parse_fatal(others[0]).what, "no memory");
}

TEST(ServingChannel, SendingDoesNotWaitForAReader) {
  constexpr size_t kEvents = 100'000;  // 3 MB, more than a socket takes
  Connection connection;
  ASSERT_TRUE(connection.channel->send_events(many_events(kEvents)));
  std::vector<StreamEvent> events;
  std::thread assay([&] { events = connection.read_events(kEvents); });
  connection.channel->flush();
  assay.join();
  expect_counted_up(events, kEvents);
}

TEST(ServingChannel, WhatWasKeptGoesOutBeforeTheNextOrderIsWaitedFor) {
  constexpr size_t kEvents = 100'000;
  Connection connection;
  ASSERT_TRUE(connection.channel->send_events(many_events(kEvents)));
  // assay sends its next order only when it has seen all of it.
  std::vector<StreamEvent> events;
  std::thread assay([&] {
    events = connection.read_events(kEvents);
    connection.say(stop_bytes());
  });
  EXPECT_TRUE(std::holds_alternative<StopOrder>(connection.take(1).at(0)));
  assay.join();
  expect_counted_up(events, kEvents);
}

TEST(ServingChannel, WhatNobodyReadsIsBounded) {
  Connection connection;
  const auto events = many_events(50'000);  // 1.6 MB each time; 64 MiB are kept
  Result<void> sent;
  int times = 0;
  for (; sent && times < 100; ++times) sent = connection.channel->send_events(events);
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().message(), HasSubstr("does not read"));
  EXPECT_GT(times, 30);
}

TEST(ServingChannel, NobodyThereAnyMoreIsAnErrorAndNotASignal) {
  Connection connection;
  connection.hang_up();
  const Result<void> sent = connection.channel->send_events(many_events(1));
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().message(), HasSubstr("closed"));
  connection.channel->flush();  // ends
}

TEST(ServingChannel, EndsWhileItsReaderWaits) {
  Connection connection;
  connection.channel.reset();
}

}  // namespace assay::serving_channel_test
