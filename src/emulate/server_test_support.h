// Servers under test: one that runs in a thread of its own with a client that forgives nothing, and one on a
// clock that moves only when it is told to, where what a client does stands between the turns of its loop.
#pragma once

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "emulate/emulate.h"

namespace assay {

// Tried once a turn until it returns true.
using DriveStep = std::function<bool()>;

// A step that needs one turn only.
inline DriveStep once(std::function<void()> what) {
  return [what = std::move(what)] {
    what();
    return true;
  };
}

// Time passes, and the server's next turn sees it.
inline DriveStep pass(FakeClock& clock, double seconds) {
  return once([&clock, seconds] { clock.advance_to(clock.now() + nanos_from_seconds(seconds)); });
}

// A step begins in the turn after the last one's end: by then the server has read what that one sent. Turns
// in which nothing happens take 50 ms of either clock.
inline void drive(Emulator& emulator, const std::vector<DriveStep>& steps) {
  constexpr int kMostTurns = 200;
  size_t at = 0;
  int turns = 0;
  const Result<void> ran = emulator.run([&] {
    if (at < steps.size() && steps[at]()) ++at;
    return at == steps.size() || ++turns == kMostTurns;
  });
  EXPECT_TRUE(ran) << ran.error().message();
  EXPECT_EQ(at, steps.size()) << "the step that never came to its end";
}

// A port of 127.0.0.1, from "http://127.0.0.1:8000/v1".
inline uint16_t port_of(const std::string& url) {
  const size_t colon = url.rfind(':');
  return static_cast<uint16_t>(*parse_integer(url.substr(colon + 1, url.rfind('/') - colon - 1)));
}

class RunningServer {
 public:
  explicit RunningServer(EmulatorOptions options) {
    auto made = Emulator::create(options, clock_);
    EXPECT_TRUE(made) << made.error().message();
    if (!made) return;
    emulator_ = std::move(*made);
    // Before the thread runs: the fault `refuse` opens the listener anew.
    port_ = port_of(emulator_->url());
    thread_ = std::thread([this] {
      const Result<void> ran = emulator_->run([this] { return stopped_.load(); });
      EXPECT_TRUE(ran) << ran.error().message();
    });
  }
  ~RunningServer() { stop(); }
  const EmulatorSummary& stop() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
    return emulator_->summary();
  }
  uint16_t port() const { return port_; }

 private:
  SystemClock clock_;
  std::unique_ptr<Emulator> emulator_;
  uint16_t port_ = 0;
  std::thread thread_;
  std::atomic<bool> stopped_ = false;
};

// Blocking. Reads give up after a minute, and say so by an end.
class Client {
 public:
  explicit Client(uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  bool connected() const { return connected_; }
  void send(std::string_view text) { ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL); }
  void post(std::string_view path, std::string_view body, std::string_view fields = "") {
    send("POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
  }
  // Until `end` has come, or the connection ends, which reads "<reset>" or "<end>".
  std::string read_until(std::string_view end) {
    std::string text;
    while (!text.ends_with(end)) {
      pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      char piece[65536];
      const ssize_t n = ::poll(&waiting, 1, 60'000) == 1 ? ::recv(fd_.get(), piece, sizeof piece, 0) : 0;
      if (n <= 0) return text + (n < 0 ? "<reset>" : "<end>");
      text.append(piece, static_cast<size_t>(n));
    }
    return text;
  }
  // What has come, without waiting.
  std::string read_now() {
    char piece[65536];
    const ssize_t n = ::recv(fd_.get(), piece, sizeof piece, MSG_DONTWAIT);
    return n <= 0 ? "" : std::string(piece, static_cast<size_t>(n));
  }
  std::string read_stream() { return read_until("\r\n0\r\n\r\n"); }
  std::string ask(std::string_view path, std::string_view body) {
    post(path, body);
    return read_until("}");
  }

 private:
  FileDescriptor fd_;
  bool connected_ = false;
};

}  // namespace assay
